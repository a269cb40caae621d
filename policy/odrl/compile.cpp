#include "connector/base/limits.hpp"
#include "policy/odrl/program.hpp"
#include "policy/odrl/values.hpp"

#include <algorithm>

namespace sluis::policy {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kAlways = std::numeric_limits<std::int64_t>::min();

std::string needed(const Constraint& constraint) {
  return std::string(to_string(constraint.op)) + " " + describe_value(constraint);
}

void sort_unique(std::vector<std::int64_t>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

Result<PurposeSet> purpose_set(const Constraint& constraint, bool prohibition, const Vocabulary& vocabulary) {
  PurposeSet set;
  for (const std::string& value : constraint.values) {
    const auto index = vocabulary.lookup(value);
    if (!index) {
      return Error(ErrorCode::invalid_argument, "unknown purpose " + in_backticks(value))
          .at_pointer(json::pointer_to(constraint.pointer, "rightOperand"))
          .mended_by(vocabulary.suggest(value));
    }
    if (prohibition) {
      set |= vocabulary.descendants(*index);
      set |= vocabulary.ancestors(*index);
    } else if (constraint.op == Operator::is_a) {
      set |= vocabulary.descendants(*index);
    } else {
      set.set(*index);
    }
  }
  return set;
}

class Compiler {
 public:
  Compiler(const Policy& policy, std::shared_ptr<const Vocabulary> vocabulary) {
    program_.policy_ = policy;
    program_.vocabulary_ = std::move(vocabulary);
  }

  Result<Program> run() {
    for (const Rule& rule : program_.policy_.prohibitions) SLUIS_CHECK(add(rule, true));
    for (const Rule& rule : program_.policy_.permissions) SLUIS_CHECK(add(rule, false));
    sort_unique(program_.instants_);
    sort_unique(program_.offsets_);
    note_overlaps();
    return std::move(program_);
  }

 private:
  Result<void> add(const Rule& rule, bool prohibition) {
    if (rule.action != Action::use) {
      return Error(ErrorCode::invalid_argument, "only `use` can be permitted or prohibited").at_pointer(rule.pointer);
    }
    if (program_.rules_.size() >= limits::kRulesPerPolicy ||
        program_.constraints_.size() + rule.constraints.size() > limits::kConstraintsPerPolicy) {
      return Error(ErrorCode::limit_exceeded, "too many rules or constraints").at_pointer(rule.pointer);
    }
    program_.rules_.push_back({prohibition, static_cast<std::uint16_t>(program_.constraints_.size()),
                               static_cast<std::uint16_t>(rule.constraints.size())});
    program_.rule_sources_.push_back({rule.pointer, {}});
    for (const Constraint& constraint : rule.constraints) {
      Program::FlatConstraint flat{};
      flat.operand = constraint.operand;
      SLUIS_CHECK(fill(constraint, prohibition, flat));
      program_.constraints_.push_back(flat);
      program_.constraint_sources_.push_back({constraint.pointer, needed(constraint)});
    }
    return {};
  }

  Result<void> fill(const Constraint& constraint, bool prohibition, Program::FlatConstraint& flat) {
    switch (constraint.operand) {
      case Operand::purpose: {
        SLUIS_TRY(const PurposeSet set, purpose_set(constraint, prohibition, *program_.vocabulary_));
        flat.first = static_cast<std::uint32_t>(program_.sets_.size());
        program_.sets_.push_back(set);
        return {};
      }
      case Operand::recipient: intern(constraint, program_.recipients_, flat); return {};
      case Operand::class_of_recipient: intern(constraint, program_.classes_, flat); return {};
      case Operand::date_time: bound(constraint, constraint.time.time_since_epoch().count(), flat, program_.instants_);
        return {};
      case Operand::elapsed_time:
        bound(constraint, constraint.duration.count(), flat, program_.offsets_);
        program_.offsets_.push_back(-Duration(limits::kSkew).count());
        return {};
      case Operand::delay_period:
      case Operand::min_cell_size:
      case Operand::cell_column:
      case Operand::cell_group: break;
    }
    return Error(ErrorCode::invalid_argument, "this constraint belongs in an obligation")
        .at_pointer(constraint.pointer);
  }

  /// Identifiers are kept sorted, so that the same ones share a number across rules.
  void intern(const Constraint& constraint, std::map<std::string, std::uint32_t, std::less<>>& table,
              Program::FlatConstraint& flat) {
    flat.first = static_cast<std::uint32_t>(program_.ids_.size());
    flat.count = static_cast<std::uint32_t>(constraint.values.size());
    for (const std::string& value : constraint.values) {
      const auto next = static_cast<std::uint32_t>(table.size() + 2);  // 0 is absent, 1 is other
      program_.ids_.push_back(table.emplace(value, next).first->second);
    }
    std::sort(program_.ids_.begin() + flat.first, program_.ids_.end());
  }

  static void bound(const Constraint& constraint, std::int64_t value, Program::FlatConstraint& flat,
                    std::vector<std::int64_t>& changes) {
    flat.from = kAlways;
    flat.to = kNever;
    switch (constraint.op) {
      case Operator::lt: flat.to = value; break;
      case Operator::lteq: flat.to = value + 1; break;
      case Operator::gteq: flat.from = value; break;
      case Operator::gt: flat.from = value + 1; break;
      case Operator::eq:
      case Operator::is_a:
      case Operator::is_any_of: flat.to = kAlways; break;  // the parser refuses these; never true
    }
    if (flat.to != kNever) changes.push_back(flat.to);
    if (flat.from != kAlways) changes.push_back(flat.from);
  }

  /// ODRL's default for a conflict is that it voids the policy. Here an active prohibition denies; the author is told.
  void note_overlaps() {
    for (std::size_t p = 0; p < program_.rules_.size(); ++p) {
      for (std::size_t q = 0; q < program_.rules_.size(); ++q) {
        if (!program_.rules_[p].prohibition || program_.rules_[q].prohibition) continue;
        PurposeSet both = purposes(program_.rules_[p]);
        both &= purposes(program_.rules_[q]);
        if (both.none()) continue;
        program_.notes_.push_back("the prohibition at `" + program_.rule_sources_[p].pointer +
                                  "` may take back what `" + program_.rule_sources_[q].pointer +
                                  "` permits, for instance for `" +
                                  program_.vocabulary_->term(both.first()).iri + "`; where both apply it is denied");
      }
    }
  }

  PurposeSet purposes(const Program::FlatRule& rule) const {
    PurposeSet set;
    for (std::size_t i = 0; i < program_.vocabulary_->size(); ++i) set.set(static_cast<PurposeIndex>(i));
    for (std::size_t c = rule.first; c < std::size_t{rule.first} + rule.count; ++c) {
      const auto& constraint = program_.constraints_[c];
      if (constraint.operand == Operand::purpose) set &= program_.sets_[constraint.first];
    }
    return set;
  }

  Program program_;
};

Result<Program> compile(const Policy& policy, std::shared_ptr<const Vocabulary> vocabulary) {
  return Compiler(policy, std::move(vocabulary)).run();
}

Result<Program> compile(const Policy& policy, const Vocabulary& vocabulary) {
  return compile(policy, std::make_shared<const Vocabulary>(vocabulary));
}

}  // namespace sluis::policy
