#include "connector/base/limits.hpp"
#include "policy/odrl/check.hpp"
#include "policy/odrl/intervals.hpp"
#include "policy/odrl/lanes.hpp"
#include "policy/odrl/program.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace sluis::policy {
namespace {

constexpr std::uint8_t kLess = 1, kEqual = 2, kGreater = 4;
constexpr std::uint8_t kAbove = 0, kBelow = 1, kEither = 2, kItself = 3;  // Program::Test::related

std::int64_t micros(Timestamp time) { return time.time_since_epoch().count(); }

std::uint8_t mask_of(Operator op) {
  switch (op) {
    case Operator::lt: return kLess;
    case Operator::lteq: return kLess | kEqual;
    case Operator::gt: return kGreater;
    case Operator::gteq: return kGreater | kEqual;
    case Operator::neq: return kLess | kGreater;
    default: return kEqual;
  }
}

std::int64_t packed(std::size_t first, std::size_t count) {
  return static_cast<std::int64_t>(first | (static_cast<std::uint64_t>(count) << 32U));
}

/// Whether two conditions say the same, wherever they stand.
bool alike(const Constraint& a, const Constraint& b) {
  const auto said = [](const Constraint& one) {
    return std::tie(one.logic, one.operand, one.op, one.values, one.time, one.until, one.duration, one.months, one.number, one.unit);
  };
  return said(a) == said(b) && std::equal(a.operands.begin(), a.operands.end(), b.operands.begin(), b.operands.end(), alike);
}

}  // namespace

Result<PurposeSet> purpose_set(const Constraint& constraint, bool prohibition, const Vocabulary& vocabulary) {
  PurposeSet named, above, below;
  for (const std::string& value : constraint.values) {
    const auto index = vocabulary.lookup(value);
    if (!index) {
      return Error(ErrorCode::invalid_argument, "unknown purpose " + in_backticks(value))
          .at_pointer(json::pointer_to(constraint.pointer, "rightOperand"))
          .mended_by(vocabulary.suggest(value));
    }
    named.set(*index);
    above |= vocabulary.ancestors(*index);
    below |= vocabulary.descendants(*index);
  }
  PurposeSet either = above;
  either |= below;
  switch (constraint.op) {
    case Operator::neq:
    case Operator::is_none_of: return vocabulary.all_but(prohibition ? named : either);
    case Operator::has_part: return above;
    case Operator::is_a:
    case Operator::is_part_of: return prohibition ? either : below;
    case Operator::is_all_of:
      if (named.count() > 1) return PurposeSet();
      break;
    default: break;
  }
  return prohibition ? either : named;
}

class Compiler {
 public:
  Compiler(const Policy& policy, std::shared_ptr<const Context> context) : policy_(policy), context_(std::move(context)) {}

  Result<Program> run() {
    for (const Rule& rule : policy_.prohibitions) SLUIS_CHECK(add(rule, true));
    for (const Rule& rule : policy_.permissions) SLUIS_CHECK(add(rule, false));
    if (policy_.conflict == Conflict::invalid) SLUIS_CHECK(refuse_void());
    return assemble();
  }

 private:
  using Node = Program::Node;
  using Test = Program::Test;
  /// What stands behind a lane.
  struct Behind {
    std::vector<Program::Atom> atoms;
    std::vector<Node> nodes;
  };

  Interned intern(std::string_view text) { return context_->names->add(text); }

  Result<void> add(const Rule& rule, bool prohibition) {
    prohibition_ = prohibition;
    counts_ = false;
    Program::Rule flat{};
    begin_pointers(rule.pointer);
    flat.first = static_cast<std::uint16_t>(nodes_.size());
    flat.prohibition = prohibition;
    flat.action = rule.action;
    const auto& target = rule.target ? rule.target : policy_.target;
    const auto& assignee = rule.assignee ? rule.assignee : policy_.assignee;
    if (target) flat.target = intern(*target);
    if (assignee) flat.assignee = intern(*assignee);
    Program::Lane lane = make_lane(flat);
    std::vector<const Constraint*> all, others;
    for (const auto* list : {&rule.constraints, &rule.refinements}) {
      for (const Constraint& one : *list) all.push_back(&one);
    }
    std::stable_partition(all.begin(), all.end(), is_on_purpose);
    PurposeSet open = context_->vocabulary->all_but({});
    meet_names(all, *context_->names, lane);
    for (const Constraint* one : all) {
      bool taken = take_into(lane, *one);
      if (is_on_purpose(one)) {
        SLUIS_TRY(const PurposeSet admitted, purpose_set(*one, prohibition_, *context_->vocabulary));
        open &= admitted;
        lane.bits |= Program::Lane::purpose;
        taken = true;
      }
      taken = taken || std::any_of(others.begin(), others.end(), [&](const auto* other) { return alike(*one, *other); });
      if (taken) SLUIS_CHECK(add(*one));
      else others.push_back(one);
    }
    sort_by_cost(others);
    Behind behind;
    for (const Constraint* one : others) {
      const std::size_t at = nodes_.size();
      SLUIS_CHECK(add(*one));
      const auto atom = as_atom(*one, *context_->names);
      if (!atom) behind.nodes.insert(behind.nodes.end(), nodes_.begin() + static_cast<std::ptrdiff_t>(at), nodes_.end());
      else if (std::find(behind.atoms.begin(), behind.atoms.end(), *atom) == behind.atoms.end()) behind.atoms.push_back(*atom);
    }
    const std::size_t duties = nodes_.size();
    for (const Rule& duty : rule.duties) SLUIS_CHECK(add_duty(duty, 0));
    behind.nodes.insert(behind.nodes.end(), nodes_.begin() + static_cast<std::ptrdiff_t>(duties), nodes_.end());
    if (nodes_.size() >= Decision::kNone || longest_ > std::numeric_limits<std::uint16_t>::max()) {
      return Error(ErrorCode::limit_exceeded, "too many conditions").at_pointer(rule.pointer);
    }
    flat.end = static_cast<std::uint16_t>(nodes_.size());
    flat.counts = counts_;
    lane.first = flat.first;
    lane.end = flat.end;
    while (behind.atoms.size() % Program::kAtomsAtOnce != 0) behind.atoms.push_back(always_true());
    lane.purposes = static_cast<std::uint16_t>(std::count_if(all.begin(), all.end(), is_on_purpose));
    lane.atoms = static_cast<std::uint16_t>(behind.atoms.size());
    lane.others = static_cast<std::uint16_t>(behind.nodes.size());
    if (counts_) lane.bits |= Program::Lane::counts;
    lanes_.push_back(lane);
    behind_.push_back(std::move(behind));
    rules_.push_back(flat);
    open_.push_back(open);
    return {};
  }

  static bool is_on_purpose(const Constraint* one) { return one->logic == Logic::atom && one->operand == Operand::purpose; }

  /// Conditions of one kind beside one another are decided faster, and first those that every request answers; `and` and `or` do
  /// not mind.
  static void sort_by_cost(std::vector<const Constraint*>& list) {
    const auto rank = [](const Constraint* one) {
      if (one->logic != Logic::atom) return 4;
      if (one->operand == Operand::purpose) return 0;
      if (takes_list(one->op) || kind(one->operand) == Kind::decimal || one->months != 0 || one->until) return 3;
      return one->operand == Operand::date_time ? 1 : 2;
    };
    std::stable_sort(list.begin(), list.end(), [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  }

  /// Which set of the asked purpose an operator looks into, and whether to find it there or not.
  struct Purposes {
    std::uint8_t set;
    bool negate;
  };
  Purposes read_purposes(Operator op) const {
    const bool none = op == Operator::neq || op == Operator::is_none_of;
    if (none) return {prohibition_ ? kItself : kEither, true};
    if (op == Operator::has_part) return {kBelow, false};
    if (prohibition_) return {kEither, false};
    return {op == Operator::eq || takes_list(op) ? kItself : kAbove, false};
  }

  Result<void> add_duty(const Rule& duty, std::size_t depth) {
    if (depth > limits::kPolicyDepth) {
      return Error(ErrorCode::limit_exceeded, "consequences are nested too deep").at_pointer(duty.pointer);
    }
    const std::size_t at = open(Test::duty, duty.pointer);
    nodes_[at].a = static_cast<std::int64_t>(intern(duty.id.empty() ? duty.pointer : duty.id));
    for (const Rule& consequence : duty.consequences) SLUIS_CHECK(add_duty(consequence, depth + 1));
    close(at);
    return {};
  }

  std::size_t open(Test test, const std::string& pointer) {
    Node node{};
    node.test = test;
    node.skip = 1;
    nodes_.push_back(node);
    step(pointer);
    return nodes_.size() - 1;
  }
  void close(std::size_t at) { nodes_[at].skip = static_cast<std::uint16_t>(nodes_.size() - at); }

  Result<void> add(const Constraint& constraint) {
    if (constraint.logic == Logic::atom) return add_atom(constraint);
    if (constraint.logic == Logic::any && is_about_time(constraint)) {
      add_windows(all_windows(constraint), false, open(Test::window, constraint.pointer));
      return {};
    }
    const Test test = constraint.logic == Logic::any   ? Test::any
                      : constraint.logic == Logic::one ? Test::one
                                                       : Test::all;
    const std::size_t at = open(test, constraint.pointer);
    std::vector<const Constraint*> operands;
    for (const Constraint& one : constraint.operands) operands.push_back(&one);
    if (test == Test::any) sort_by_cost(operands);
    for (const Constraint* one : operands) SLUIS_CHECK(add(*one));
    close(at);
    return {};
  }

  Result<void> add_atom(const Constraint& atom) {
    const std::size_t at = open(Test::compare, atom.pointer);
    nodes_[at].operand = atom.operand;
    nodes_[at].op = atom.op;
    nodes_[at].mask = mask_of(atom.op);
    switch (kind(atom.operand)) {
      case Kind::purpose: return add_purpose(atom, at);
      case Kind::names: add_names(atom, at); return {};
      case Kind::instant: add_instant(atom, at); return {};
      case Kind::elapsed: add_elapsed(atom, at); return {};
      case Kind::metered: nodes_[at].a = atom.duration.count(); return {};
      case Kind::count:
        counts_ = true;
        nodes_[at].a = atom.number;
        return {};
      case Kind::decimal:
        nodes_[at].test = Test::amount;
        nodes_[at].a = static_cast<std::int64_t>(words_.size());
        words_.push_back(atom.number);
        words_.push_back(static_cast<std::int64_t>(intern(atom.unit)));
        return {};
      case Kind::delay:
      case Kind::transform: break;
    }
    return Error(ErrorCode::invalid_argument, "this constraint belongs in an obligation").at_pointer(atom.pointer);
  }

  Result<void> add_purpose(const Constraint& atom, std::size_t at) {
    SLUIS_CHECK(purpose_set(atom, prohibition_, *context_->vocabulary));  // refuses unknown purposes
    Node& node = nodes_[at];
    std::vector<std::uint32_t> indices;
    for (const std::string& value : atom.values) indices.push_back(*context_->vocabulary->lookup(value));
    std::sort(indices.begin(), indices.end());
    indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
    if (atom.op == Operator::is_all_of && indices.size() > 1) {
      node.test = Test::never;
    } else {
      const Purposes how = read_purposes(atom.op);
      node.test = Test::related;
      node.mask = how.set;
      node.negate = how.negate ? 1 : 0;
    }
    put_ids(indices, node);
    return {};
  }

  void add_names(const Constraint& atom, std::size_t at) {
    std::vector<std::uint32_t> ids;
    for (const std::string& value : atom.values) ids.push_back(static_cast<std::uint32_t>(intern(value)));
    if (!takes_list(atom.op)) {
      nodes_[at].a = ids.front();
      return;
    }
    nodes_[at].test = Test::set;
    put_ids(ids, nodes_[at]);
  }

  /// In the node itself, where there is room.
  void put_ids(const std::vector<std::uint32_t>& ids, Node& node) {
    if (ids.size() <= 2) {
      node.list = static_cast<std::uint8_t>(ids.size());
      node.a = packed(ids.front(), ids.back());
      return;
    }
    node.list = Program::kFar;
    node.a = packed(ids_.size(), ids.size());
    ids_.insert(ids_.end(), ids.begin(), ids.end());
  }

  void add_instant(const Constraint& atom, std::size_t at) {
    Node& node = nodes_[at];
    if (atom.until && (atom.op == Operator::eq || atom.op == Operator::neq)) {
      node.test = Test::window;
      add_windows({{micros(atom.time), micros(*atom.until)}}, atom.op == Operator::neq, at);
      return;
    }
    const bool at_end = atom.until && (atom.op == Operator::lteq || atom.op == Operator::gt);
    node.a = micros(at_end ? *atom.until : atom.time);
    if (atom.until) node.mask = atom.op == Operator::lt || atom.op == Operator::lteq ? kLess : kGreater | kEqual;
    if (node.mask != kGreater && node.mask != (kLess | kEqual)) instants_.push_back(node.a);
    if (node.mask != kLess && node.mask != (kGreater | kEqual)) instants_.push_back(node.a + 1);
  }

  void add_windows(const Intervals& windows, bool negate, std::size_t at) {
    Node& node = nodes_[at];
    node.operand = Operand::date_time;
    node.negate = negate ? 1 : 0;
    node.a = packed(words_.size(), windows.size());
    for (const Interval& one : windows) {
      for (const std::int64_t edge : one) {
        words_.push_back(edge);
        if (edge != kLeast && edge != kMost) instants_.push_back(edge);
      }
    }
  }

  void add_elapsed(const Constraint& atom, std::size_t at) {
    const bool includes = atom.op == Operator::lteq || atom.op == Operator::gt;  // changes just after
    const std::int64_t rest = atom.duration.count() + (includes ? 1 : 0);
    if (atom.months == 0) offsets_.push_back(rest);
    else periods_.push_back({atom.months, rest});
    offsets_.push_back(-std::chrono::duration_cast<Duration>(limits::kSkew).count());
    if (atom.months == 0) {
      nodes_[at].a = atom.duration.count();
      return;
    }
    nodes_[at].test = Test::calendar;
    nodes_[at].a = static_cast<std::int64_t>(words_.size());
    words_.push_back(atom.months);
    words_.push_back(atom.duration.count());
  }

  Result<void> refuse_void() {
    for (const Finding& finding : check(policy_, *context_->vocabulary)) {
      if (finding.kind != FindingKind::conflict && finding.kind != FindingKind::voided &&
          finding.kind != FindingKind::undecided) {
        continue;
      }
      return Error(ErrorCode::invalid_argument, "`conflict` is `invalid`, and rules of this policy " +
                                                    std::string(finding.kind == FindingKind::undecided
                                                                    ? "may meet: it could be void"
                                                                    : "meet: it is void") + " (" + finding.detail + ")")
          .at_pointer(finding.rules.front())
          .mended_by("write `prohibit`, or keep the rules apart");
    }
    return {};
  }

  void begin_pointers(const std::string& pointer) {
    rule_places_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(pointer.size())});
    text_ += pointer;
    last_ = pointer;
  }

  /// A node's pointer, as what it has more than the one before.
  void step(const std::string& pointer) {
    const auto differs = std::mismatch(pointer.begin(), pointer.end(), last_.begin(), last_.end()).first;
    node_places_.push_back({static_cast<std::uint16_t>(differs - pointer.begin()),
                            static_cast<std::uint16_t>(pointer.end() - differs)});
    text_.append(differs, pointer.end());
    last_ = pointer;
    longest_ = std::max(longest_, pointer.size());
  }

  /// For each purpose the rules that it leaves open.
  std::vector<char> table(std::size_t purposes, std::size_t width) const {
    std::vector<char> bits(purposes * width);
    for (std::size_t r = 0; r < open_.size(); ++r) {
      for (std::size_t p = 0; p < purposes; ++p) {
        const auto bit = static_cast<unsigned>(open_[r].test(static_cast<PurposeIndex>(p))) << (r % 8);
        bits[p * width + r / 8] = static_cast<char>(static_cast<unsigned char>(bits[p * width + r / 8]) | bit);
      }
    }
    return bits;
  }

  template <class T>
  static std::uint32_t put(std::vector<std::uint64_t>& block, const T* data, std::size_t count) {
    const std::size_t at = block.size();
    block.resize(at + (count * sizeof(T) + 7) / 8);
    if (count != 0) std::memcpy(block.data() + at, data, count * sizeof(T));
    return static_cast<std::uint32_t>(at);
  }

  template <class T>
  static void sort_unique(std::vector<T>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  }

  /// A lane at the beginning of a cache line, whose number this gives; behind it the conditions that it does not decide.
  static std::uint32_t put_body(std::vector<std::uint64_t>& block, const Program::Lane& lane, const Behind& behind) {
    block.resize((block.size() + kLine - 1) / kLine * kLine);
    const std::uint32_t at = put(block, &lane, 1);
    put(block, behind.atoms.data(), behind.atoms.size());
    put(block, behind.nodes.data(), behind.nodes.size());
    return at / static_cast<std::uint32_t>(kLine);
  }

  static std::uint16_t fill_up(std::vector<std::int64_t>& changes) {
    sort_unique(changes);
    changes.resize(std::max(changes.size() + 1, Program::kFewChanges), kMost);
    return static_cast<std::uint16_t>(changes.size());
  }

  Result<Program> assemble() {
    sort_unique(periods_);
    Program::Header head{};
    head.prohibitions = static_cast<std::uint16_t>(policy_.prohibitions.size());
    head.rules = static_cast<std::uint16_t>(rules_.size());
    head.nodes = static_cast<std::uint16_t>(nodes_.size());
    head.instants = fill_up(instants_);
    head.offsets = fill_up(offsets_);
    head.periods = static_cast<std::uint16_t>(periods_.size());
    head.flags = static_cast<std::uint16_t>((policy_.suite ? Program::kSuite : 0) |
                                            (policy_.conflict == Conflict::perm ? Program::kPermissionWins : 0));
    head.purposes = static_cast<std::uint16_t>(context_->vocabulary->size());
    head.width = static_cast<std::uint16_t>(width_for(rules_.size()));
    const std::vector<char> open = table(head.purposes, head.width);
    std::vector<std::uint64_t> hot, cold;
    hot.reserve(40 + open.size() / 8 + 16 * rules_.size() + 4 * nodes_.size() + words_.size() + instants_.size() +
                offsets_.size() + 2 * periods_.size() + ids_.size() / 2 + 1);
    put(hot, &head, 1);
    put(hot, open.data(), open.size());
    hot.push_back(0);  // the last entry is read as a whole word
    std::vector<std::uint32_t> lanes;
    for (std::size_t r = 0; r < lanes_.size(); ++r) lanes.push_back(put_body(hot, lanes_[r], behind_[r]));
    hot.resize((hot.size() + kLine - 1) / kLine * kLine);
    head.changes = put(hot, instants_.data(), instants_.size());
    put(hot, offsets_.data(), offsets_.size());
    put(hot, periods_.data(), periods_.size());
    head.begin = put(hot, nodes_.data(), nodes_.size());
    head.ids = put(hot, ids_.data(), ids_.size());
    head.words = put(hot, words_.data(), words_.size());
    place_lanes(lanes, head, hot);
    std::string told;  // close together, so that it is as small as it can be
    const auto tell = [&told](const auto& list) {
      if (!list.empty()) told.append(reinterpret_cast<const char*>(list.data()), list.size() * sizeof(list[0]));
    };
    tell(rules_);
    tell(rule_places_);
    tell(node_places_);
    put(cold, (told + text_).data(), told.size() + text_.size());
    auto image = std::make_shared<Program::Image>();
    head.vocabulary = context_->vocabulary.get();
    std::memcpy(hot.data(), &head, sizeof head);
    image->hot = Block(hot, context_->memory);
    image->cold = Block(cold, nullptr);
    image->context = context_;
    Program program;
    program.header_ = reinterpret_cast<const Program::Header*>(image->hot.data());
    program.image_ = std::move(image);
    return program;
  }

  static void place_lanes(const std::vector<std::uint32_t>& lanes, Program::Header& head, std::vector<std::uint64_t>& hot) {
    if (lanes.size() <= head.lanes.size() && (lanes.empty() || lanes.back() <= std::numeric_limits<std::uint16_t>::max())) {
      for (std::size_t r = 0; r < lanes.size(); ++r) head.lanes[r] = static_cast<std::uint16_t>(lanes[r]);
      return;
    }
    const std::uint32_t at = put(hot, lanes.data(), lanes.size());
    head.flags |= Program::kFarLanes;
    head.lanes[0] = static_cast<std::uint16_t>(at & 0xffffU);
    head.lanes[1] = static_cast<std::uint16_t>(at >> 16U);
  }

  /// Bytes for a bit of each rule: 1, 2, 4, or a whole number of words.
  static std::size_t width_for(std::size_t rules) {
    return rules <= 8 ? 1 : rules <= 16 ? 2 : rules <= 32 ? 4 : (rules + 63) / 64 * 8;
  }

  static constexpr std::size_t kLine = sizeof(Program::Lane) / sizeof(std::uint64_t);

  const Policy& policy_;
  std::shared_ptr<const Context> context_;
  bool prohibition_ = false;
  bool counts_ = false;
  std::vector<Program::Rule> rules_;
  std::vector<Program::Lane> lanes_;
  std::vector<Behind> behind_;
  std::vector<Node> nodes_;
  std::vector<std::int64_t> words_;
  std::vector<std::int64_t> instants_;
  std::vector<std::int64_t> offsets_;
  std::vector<std::array<std::int64_t, 2>> periods_;  ///< months, rest
  std::vector<std::uint32_t> ids_;
  std::vector<PurposeSet> open_;  ///< of each rule: the purposes whose conditions hold
  std::vector<Program::RulePlace> rule_places_;
  std::vector<Program::NodePlace> node_places_;
  std::string text_;
  std::string last_;  ///< the pointer before
  std::size_t longest_ = 0;
};

Result<Program> compile(const Policy& policy, std::shared_ptr<const Context> context) {
  return Compiler(policy, std::move(context)).run();
}

Result<Program> compile(const Policy& policy, std::shared_ptr<const Vocabulary> vocabulary) {
  auto context = std::make_shared<Context>();
  context->vocabulary = std::move(vocabulary);
  return compile(policy, std::move(context));
}

}  // namespace sluis::policy
