#include "tests/support/naive_odrl.hpp"

#include <algorithm>
#include <set>

namespace sluis::test::naive {
namespace {

constexpr std::string_view kOdrl = "http://www.w3.org/ns/odrl/2/";
constexpr std::string_view kOurs = "https://w3id.org/sluis/odrl/1#";
constexpr std::string_view kCreativeCommons = "http://creativecommons.org/ns#";

Error refused(const std::string& pointer, const std::string& why) {
  return Error(ErrorCode::invalid_argument, why).at_pointer(pointer);
}

/// `name` if the text is one of its three spellings.
bool spells(std::string_view text, std::string_view name, std::string_view curie, std::string_view space) {
  const std::string full = std::string(space) + std::string(name);
  return text == name || text == std::string(curie) + std::string(name) || text == full;
}

/// ODRL 2.2's actions, each in what it is included in; ours are in `use`.
struct ActionRow {
  std::string_view name;
  std::string_view in;
};
constexpr ActionRow kActions[] = {
    {"use", ""},
    {"transfer", ""},
    {"grantUse", "use"},
    {"compensate", "use"},
    {"acceptTracking", "use"},
    {"aggregate", "use"},
    {"annotate", "use"},
    {"anonymize", "use"},
    {"archive", "use"},
    {"attribute", "use"},
    {"concurrentUse", "use"},
    {"delete", "use"},
    {"derive", "use"},
    {"digitize", "use"},
    {"display", "play"},
    {"distribute", "use"},
    {"ensureExclusivity", "use"},
    {"execute", "use"},
    {"extract", "reproduce"},
    {"give", "transfer"},
    {"include", "use"},
    {"index", "use"},
    {"inform", "use"},
    {"install", "use"},
    {"modify", "use"},
    {"move", "use"},
    {"nextPolicy", "use"},
    {"obtainConsent", "use"},
    {"play", "use"},
    {"present", "use"},
    {"print", "use"},
    {"read", "use"},
    {"reproduce", "use"},
    {"reviewPolicy", "use"},
    {"sell", "transfer"},
    {"stream", "use"},
    {"synchronize", "use"},
    {"textToSpeech", "use"},
    {"transform", "use"},
    {"translate", "use"},
    {"uninstall", "use"},
    {"watermark", "use"},
};
constexpr std::string_view kCreativeCommonsActions[] = {"Reproduction",  "Distribution", "DerivativeWorks",
                                                        "CommercialUse", "Notice",       "Attribution",
                                                        "ShareAlike",    "Sharing",      "SourceCode"};
constexpr std::string_view kOurActions[] = {"deleteAfter", "suppressSmallCells"};
/// Deprecated; in suite mode they are read, in `use`.
constexpr std::string_view kDeprecated[] = {
    "append",      "appendTo",    "copy",         "export",       "lease",      "license",       "lend",
    "pay",         "preview",     "secondaryUse", "write",        "writeTo",    "adHocShare",    "extractChar",
    "extractPage", "extractWord", "attachPolicy", "attachSource", "shareAlike", "commercialize", "share"};

const json::Value* single_id(const json::Value& value) {
  const json::Object* object = value.if_object();
  return object != nullptr && object->size() == 1 && object->front().first == "@id" ? &object->front().second
                                                                                    : &value;
}

/// A string, or `{"@id": string}`, that is not empty.
Result<std::string> read_name(const json::Value& value, const std::string& pointer) {
  const std::string* text = single_id(value)->if_string();
  if (text == nullptr || text->empty()) return refused(pointer, "a name is needed");
  return *text;
}

std::string short_key(std::string_view key) {
  for (const std::string_view prefix : {kOdrl, std::string_view("odrl:")}) {
    if (key.starts_with(prefix)) key.remove_prefix(prefix.size());
  }
  return key == "uid" ? "@id" : std::string(key);
}

/// The members under their short names; a name that is not known, or there twice, is refused.
using Members = std::map<std::string, const json::Value*>;
Result<Members> read_members(const json::Value& value, const std::set<std::string>& known,
                             const std::string& pointer) {
  const json::Object* object = value.if_object();
  if (object == nullptr) return refused(pointer, "an object is needed");
  Members members;
  for (const auto& [key, member] : *object) {
    const std::string name = short_key(key);
    if (!known.contains(name)) return refused(json::pointer_to(pointer, key), "unknown key");
    if (!members.emplace(name, &member).second)
      return refused(json::pointer_to(pointer, key), "the key is there twice");
  }
  return members;
}

const json::Value* find(const Members& members, const std::string& name) {
  const auto found = members.find(name);
  return found == members.end() ? nullptr : found->second;
}

/// One value, or the values of an array that is not empty, each with where it stands.
Result<std::vector<std::pair<const json::Value*, std::string>>> read_list(const json::Value& value,
                                                                          const std::string& pointer) {
  std::vector<std::pair<const json::Value*, std::string>> list;
  const json::Array* array = value.if_array();
  if (array == nullptr) {
    list.emplace_back(&value, pointer);
    return list;
  }
  if (array->empty()) return refused(pointer, "the list is empty");
  for (std::size_t i = 0; i < array->size(); ++i) list.emplace_back(&(*array)[i], json::pointer_to(pointer, i));
  return list;
}

bool known_type(const json::Value* value, std::string_view name) {
  if (value == nullptr) return true;
  const std::string* text = value->if_string();
  return text != nullptr && spells(*text, name, "odrl:", kOdrl);
}

std::optional<Operator> find_operator(std::string_view text) {
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(Operator::isNoneOf); ++i) {
    const auto op = static_cast<Operator>(i);
    if (spells(text, to_string(op), "odrl:", kOdrl)) return op;
  }
  return std::nullopt;
}

bool for_lists(Operator op) {
  return op == Operator::isAnyOf || op == Operator::isAllOf || op == Operator::isNoneOf;
}
bool for_order(Operator op) {
  return op == Operator::lt || op == Operator::lteq || op == Operator::gt || op == Operator::gteq;
}
bool for_equality(Operator op) { return op == Operator::eq || op == Operator::neq; }

bool fits(Kind kind, std::string_view name, Operator op) {
  switch (kind) {
    case Kind::purpose: return !for_order(op);
    case Kind::elapsed: return for_order(op);
    case Kind::delay: return op == Operator::eq || op == Operator::lteq;
    case Kind::text: return for_equality(op) || for_lists(op);
    case Kind::cells:
      return name == "minCellSize" ? op == Operator::gteq
                                   : op == Operator::eq || (name == "cellColumn" && op == Operator::isAnyOf);
    default: return for_equality(op) || for_order(op);
  }
}

/// A string, `{"@value": string, "@type": …}` or `{"@id": string}`. Numbers are refused (D6).
Result<std::string> read_value(const json::Value& value, const std::string& pointer) {
  if (const std::string* text = value.if_string()) return *text;
  for (const char* key : {"@value", "@id"}) {
    const json::Value* held = value.find(key);
    if (held == nullptr || held->if_string() == nullptr) continue;
    const std::size_t others = value.find("@type") != nullptr && std::string_view(key) == "@value" ? 2 : 1;
    if (value.if_object()->size() == others) return *held->if_string();
  }
  return refused(pointer, "a value is a string");
}

}  // namespace

std::string_view to_string(Operator op) {
  constexpr std::string_view kNames[] = {"eq",  "neq",      "lt",      "lteq",    "gt",      "gteq",
                                         "isA", "isPartOf", "hasPart", "isAnyOf", "isAllOf", "isNoneOf"};
  return kNames[static_cast<std::size_t>(op)];
}

std::optional<std::size_t> find_operand(std::string_view text) {
  for (std::size_t i = 0; i < kOperands.size(); ++i) {
    const bool ours = kOperands[i].profile;
    if (spells(text, kOperands[i].name, ours ? "sluis:" : "odrl:", ours ? kOurs : kOdrl)) return i;
  }
  return std::nullopt;
}

std::optional<std::string> find_action(std::string_view text, bool suite) {
  for (const ActionRow& row : kActions) {
    if (spells(text, row.name, "odrl:", kOdrl)) return std::string(row.name);
  }
  for (const std::string_view name : kOurActions) {
    if (spells(text, name, "sluis:", kOurs)) return std::string(name);
  }
  for (const std::string_view name : kCreativeCommonsActions) {
    if (text != name && spells(text, name, "cc:", kCreativeCommons)) return "cc:" + std::string(name);
  }
  for (const std::string_view name : kDeprecated) {
    if (suite && spells(text, name, "odrl:", kOdrl)) return std::string(name);
  }
  return std::nullopt;
}

bool included(std::string_view narrow, std::string_view broad, bool suite) {
  const auto one_of = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), narrow) != std::end(names);
  };
  if (!suite && one_of(kDeprecated)) return false;
  if (narrow == broad) return true;
  for (const ActionRow& row : kActions) {
    if (row.name == narrow) return !row.in.empty() && included(row.in, broad, suite);
  }
  // Ours, Creative Commons' and the deprecated ones are in `use`; what nobody knows is in nothing.
  return broad == "use" && (narrow.starts_with("cc:") || one_of(kOurActions) || one_of(kDeprecated));
}

/// Reads a policy, top down.
class PolicyReader {
 public:
  PolicyReader(const Purposes& purposes, bool suite) : purposes_(purposes), suite_(suite) {}

  Result<Policy> read(const json::Value& value) {
    SLUIS_TRY(const Members members,
              read_members(value,
                           {"@context", "@id", "@type", "profile", "target", "assigner", "assignee", "action",
                            "timestamp", "conflict", "permission", "prohibition", "obligation"},
                           ""));
    if (const json::Value* id = find(members, "@id")) SLUIS_CHECK(read_name(*id, "/@id"));
    SLUIS_TRY(const std::string type, read_type(members));
    SLUIS_CHECK(check_frame(members, type));
    Policy policy;
    policy.purposes_ = &purposes_;
    policy.suite_ = suite_;
    SLUIS_TRY(policy.permissions_win_, read_conflict(find(members, "conflict")));
    for (const char* kind : {"permission", "prohibition"}) {
      SLUIS_CHECK(read_rules(members, kind, policy.rules_));
    }
    if (const json::Value* obligations = find(members, "obligation")) {
      SLUIS_TRY(const auto list, read_list(*obligations, "/obligation"));
      for (const auto& [one, pointer] : list) SLUIS_CHECK(read_duty(*one, pointer, 0));
    }
    if (policy.rules_.empty() && find(members, "obligation") == nullptr)
      return refused("", "a policy needs a rule");
    return policy;
  }

 private:
  static Result<std::string> read_type(const Members& members) {
    const json::Value* value = find(members, "@type");
    if (value == nullptr) return std::string("Set");  // ODRL 2.2, section 2.1.1
    for (const char* name : {"Offer", "Agreement", "Set"}) {
      if (value != nullptr && known_type(value, name)) return std::string(name);
    }
    return refused("/@type", "a policy is an Offer, an Agreement or a Set");
  }

  Result<void> check_frame(const Members& members, const std::string& type) {
    for (const char* key : {"target", "assigner", "assignee"}) {
      if (type == "Agreement" && !suite_ && find(members, key) == nullptr)
        return refused("", std::string("an agreement needs ") + key);
      if (const json::Value* value = find(members, key))
        SLUIS_CHECK(read_named(*value, "/" + std::string(key), Role{key}));
    }
    if (const json::Value* value = find(members, "action"))
      SLUIS_CHECK(read_named(*value, "/action", Role{"action"}));
    if (const json::Value* value = find(members, "timestamp")) {
      if (type != "Agreement") return refused("/timestamp", "only an agreement has a timestamp");
      if (value->if_string() == nullptr || !read_instant(*value->if_string()))
        return refused("/timestamp", "not a time with a zone");
    }
    if (const json::Value* value = find(members, "profile")) {
      SLUIS_TRY(const auto list, read_list(*value, "/profile"));
      for (const auto& [one, pointer] : list) {
        SLUIS_TRY(const std::string name, read_name(*one, pointer));
        if (name != kOurs && name + "#" != kOurs) return refused(pointer, "unknown profile");
      }
    }
    if (const json::Value* value = find(members, "@context"); value != nullptr && value->if_string() == nullptr) {
      SLUIS_TRY(const auto list, read_list(*value, "/@context"));
      for (const auto& [one, pointer] : list) {
        if (one->if_string() == nullptr) return refused(pointer, "a context is a name");
      }
    }
    members_ = &members;
    return {};
  }

  static Result<bool> read_conflict(const json::Value* value) {
    if (value == nullptr) return false;
    SLUIS_TRY(const std::string text, read_name(*value, "/conflict"));
    if (spells(text, "perm", "odrl:", kOdrl)) return true;
    // A void policy does not compile, so `invalid` decides as `prohibit` where it decides at all.
    if (spells(text, "prohibit", "odrl:", kOdrl) || spells(text, "invalid", "odrl:", kOdrl)) return false;
    return refused("/conflict", "unknown strategy");
  }

  Result<void> read_rules(const Members& members, const std::string& kind, std::vector<Rule>& rules) {
    const json::Value* value = find(members, kind);
    if (value == nullptr) return {};
    SLUIS_TRY(const auto list, read_list(*value, "/" + kind));
    for (const auto& [one, pointer] : list) {
      SLUIS_TRY(Rule rule, read_rule(*one, pointer, kind == "prohibition"));
      rules.push_back(std::move(rule));
    }
    return {};
  }

  struct Role {
    std::string key;
    bool operator==(const char* name) const { return key == name; }
  };

  Result<Rule> read_rule(const json::Value& value, const std::string& pointer, bool prohibition) {
    SLUIS_TRY(const Members members, read_members(value,
                                                  {"@id", "@type", "action", "target", "assigner", "assignee",
                                                   "constraint", prohibition ? "remedy" : "duty"},
                                                  pointer));
    if (!known_type(find(members, "@type"), prohibition ? "Prohibition" : "Permission"))
      return refused(pointer + "/@type", "another type");
    Rule rule;
    rule.prohibition = prohibition;
    rule.pointer = pointer;
    SLUIS_CHECK(check_uid(find(members, "@id"), value, pointer));
    SLUIS_TRY(rule.actions, own_or_shared(members, pointer, "action"));
    if (rule.actions.empty() && !suite_) return refused(pointer, "a rule needs an action");
    SLUIS_TRY(rule.targets, own_or_shared(members, pointer, "target"));
    SLUIS_TRY(rule.assignees, own_or_shared(members, pointer, "assignee"));
    if (const json::Value* assigner = find(members, "assigner"))
      SLUIS_CHECK(read_named(*assigner, pointer + "/assigner", Role{"assigner"}));
    SLUIS_TRY(rule.constraints, read_constraints(find(members, "constraint"), pointer + "/constraint", false));
    SLUIS_TRY(rule.duties, read_duties(find(members, "duty"), pointer + "/duty", 0));
    SLUIS_CHECK(read_duties(find(members, "remedy"), pointer + "/remedy", 1));
    return rule;
  }

  /// What the rule says of its action, target or assignee; else what the policy says for all.
  Result<std::vector<Named>> own_or_shared(const Members& members, const std::string& pointer, const char* key) {
    if (const json::Value* own = find(members, key)) return read_named(*own, pointer + "/" + key, Role{key});
    if (const json::Value* shared = find(*members_, key))
      return read_named(*shared, std::string("/") + key, Role{key});
    return std::vector<Named>();
  }

  Result<std::vector<Named>> read_named(const json::Value& value, const std::string& pointer, const Role& role) {
    SLUIS_TRY(const auto list, read_list(value, pointer));
    std::vector<Named> all;
    for (const auto& [one, at] : list) {
      Named named;
      const json::Value* name = one;
      if (one->if_object() != nullptr && single_id(*one) == one) {
        SLUIS_TRY(const Members members, role == "action"
                                             ? read_members(*one, {"@id", "rdf:value", "refinement"}, at)
                                             : read_members(*one, {"@id", "source", "@type", "refinement"}, at));
        const json::Value* other = find(members, role == "action" ? "rdf:value" : "source");
        name = find(members, "@id");
        const bool both = name != nullptr && other != nullptr;
        if ((name == nullptr && other == nullptr) || (both && role == "action"))
          return refused(at, "one name is needed");
        if (other != nullptr) name = other;  // of a collection that has both, the source is the collection
        const json::Value* type = find(members, "@type");
        if (!known_type(type, "AssetCollection") && !known_type(type, "PartyCollection"))
          return refused(at, "another type");
        SLUIS_TRY(named.refinements, read_constraints(find(members, "refinement"), at + "/refinement", false));
      }
      SLUIS_TRY(named.name, read_name(*name, at));
      if (role == "action") {
        const auto action = find_action(named.name, suite_);
        if (!action) return refused(at, "unknown action");
        named.name = *action;
      }
      all.push_back(std::move(named));
    }
    return all;
  }

  /// Two things with one uid say the same. Choice: the same means the same JSON, in whatever order its members stand.
  Result<void> check_uid(const json::Value* uid, const json::Value& value, const std::string& pointer) {
    if (uid == nullptr) return {};
    SLUIS_TRY(const std::string name, read_name(*uid, pointer));
    SLUIS_TRY(const std::string content, json::canonical(value));
    const auto [found, fresh] = by_uid_.emplace(name, content);
    if (!fresh && found->second != content) return refused(pointer, "another content under the same uid");
    return {};
  }

  Result<std::vector<Duty>> read_duties(const json::Value* value, const std::string& pointer, int depth) {
    std::vector<Duty> duties;
    if (value == nullptr) return duties;
    SLUIS_TRY(const auto list, read_list(*value, pointer));
    for (const auto& [one, at] : list) {
      SLUIS_TRY(Duty duty, read_duty(*one, at, depth));
      duties.push_back(std::move(duty));
    }
    return duties;
  }

  /// Depth 0 is a duty or obligation, 1 a consequence or remedy, which has no consequences itself.
  Result<Duty> read_duty(const json::Value& value, const std::string& pointer, int depth) {
    const json::Object* object = value.if_object();
    const bool mention = value.if_string() != nullptr ||
                         (object != nullptr && object->size() == 1 && short_key(object->front().first) == "@id");
    if (mention) {
      SLUIS_TRY(const std::string uid, read_name(object != nullptr ? object->front().second : value, pointer));
      const auto known = duties_.find(uid);
      if (known != duties_.end()) return known->second;
      if (!suite_ || object == nullptr) return refused(pointer, "no duty of that uid stands before");
    }
    std::set<std::string> keys{"@id", "@type", "action", "target", "assigner", "assignee", "constraint"};
    if (depth == 0) keys.insert("consequence");
    SLUIS_TRY(const Members members, read_members(value, keys, pointer));
    if (!known_type(find(members, "@type"), "Duty")) return refused(pointer + "/@type", "another type");
    SLUIS_CHECK(check_uid(find(members, "@id"), value, pointer));
    SLUIS_TRY(const auto actions, own_or_shared(members, pointer, "action"));
    if (actions.empty() && !suite_) return refused(pointer, "a duty needs an action");
    for (const char* key : {"target", "assigner", "assignee"}) {
      if (const json::Value* named = find(members, key))
        SLUIS_CHECK(read_named(*named, pointer + "/" + key, Role{key}));
    }
    SLUIS_CHECK(read_constraints(find(members, "constraint"), pointer + "/constraint", true));
    Duty duty;
    duty.key = pointer;
    if (const json::Value* uid = find(members, "@id")) duty.key = *single_id(*uid)->if_string();
    SLUIS_TRY(duty.consequences, read_duties(find(members, "consequence"), pointer + "/consequence", depth + 1));
    if (find(members, "@id") != nullptr) duties_.emplace(duty.key, duty);
    return duty;
  }

  Result<std::vector<Constraint>> read_constraints(const json::Value* value, const std::string& pointer,
                                                   bool in_duty) {
    std::vector<Constraint> constraints;
    if (value == nullptr) return constraints;
    SLUIS_TRY(const auto list, read_list(*value, pointer));
    for (const auto& [one, at] : list) {
      SLUIS_TRY(Constraint constraint, read_constraint(*one, at, in_duty));
      constraints.push_back(std::move(constraint));
    }
    return constraints;
  }

  Result<Constraint> read_constraint(const json::Value& value, const std::string& pointer, bool in_duty) {
    SLUIS_TRY(const Members members, read_members(value,
                                                  {"@id", "@type", "leftOperand", "operator", "rightOperand",
                                                   "unit", "dataType", "and", "or", "xone", "andSequence"},
                                                  pointer));
    SLUIS_CHECK(check_uid(find(members, "@id"), value, pointer));
    for (const char* logic : {"and", "andSequence", "or", "xone"}) {
      if (const json::Value* parts = find(members, logic))
        return read_logical(members, logic, *parts, pointer, in_duty);
    }
    if (!known_type(find(members, "@type"), "Constraint")) return refused(pointer + "/@type", "another type");
    for (const char* key : {"leftOperand", "operator", "rightOperand"}) {
      if (find(members, key) == nullptr) return refused(pointer, std::string("a constraint needs ") + key);
    }
    Constraint constraint;
    SLUIS_TRY(const std::string left, read_name(*find(members, "leftOperand"), pointer + "/leftOperand"));
    SLUIS_TRY(const std::string word, read_name(*find(members, "operator"), pointer + "/operator"));
    const auto operand = find_operand(left);
    const auto op = find_operator(word);
    if (!operand) return refused(pointer + "/leftOperand", "unknown operand");
    constraint.operand = *operand;
    const OperandInfo& info = kOperands[*operand];
    if (!op || !fits(info.kind, info.name, *op))
      return refused(pointer + "/operator", "this operator does not fit");
    constraint.op = *op;
    if (!in_duty && (info.kind == Kind::delay || info.kind == Kind::cells))
      return refused(pointer, "only a duty says this");
    if (const json::Value* unit = find(members, "unit")) {
      SLUIS_TRY(constraint.unit, read_name(*unit, pointer + "/unit"));
    }
    if (info.name == "payAmount" && !constraint.unit) return refused(pointer, "an amount needs a unit");
    if (const json::Value* type = find(members, "dataType")) SLUIS_CHECK(read_name(*type, pointer + "/dataType"));
    SLUIS_CHECK(read_right(constraint, *find(members, "rightOperand"), pointer + "/rightOperand", in_duty));
    return constraint;
  }

  Result<Constraint> read_logical(const Members& members, const std::string& logic, const json::Value& parts,
                                  const std::string& pointer, bool in_duty) {
    const std::size_t others =
        (find(members, "@id") != nullptr ? 1U : 0U) + (find(members, "@type") != nullptr ? 1U : 0U);
    if (members.size() != 1 + others) return refused(pointer, "a logical constraint says one thing");
    if (!known_type(find(members, "@type"), "LogicalConstraint"))
      return refused(pointer + "/@type", "another type");
    // In JSON-LD a list may be written out.
    const json::Value* list =
        parts.find("@list") != nullptr && parts.if_object()->size() == 1 ? parts.find("@list") : &parts;
    if (list->if_array() == nullptr || list->if_array()->size() < 2)
      return refused(pointer + "/" + logic, "two operands at least");
    Constraint constraint;
    constraint.logic = logic == "or"     ? Constraint::Logic::any
                       : logic == "xone" ? Constraint::Logic::exactly_one
                                         : Constraint::Logic::all;
    for (std::size_t i = 0; i < list->if_array()->size(); ++i) {
      const json::Value& part = (*list->if_array())[i];
      const bool again =
          std::find(list->if_array()->begin(), list->if_array()->begin() + static_cast<std::ptrdiff_t>(i), part) !=
          list->if_array()->begin() + static_cast<std::ptrdiff_t>(i);
      if (logic == "xone" && again)
        return refused(json::pointer_to(pointer + "/" + logic, i), "the same operand again");
      SLUIS_TRY(Constraint one, read_constraint(part, json::pointer_to(pointer + "/" + logic, i), in_duty));
      constraint.parts.push_back(std::move(one));
    }
    return constraint;
  }

  Result<void> read_right(Constraint& constraint, const json::Value& value, const std::string& pointer,
                          bool in_duty) {
    const json::Array* array = value.if_array();
    if (array != nullptr && (!for_lists(constraint.op) && !(constraint.op == Operator::isAnyOf)))
      return refused(pointer, "one value is needed");
    SLUIS_TRY(const auto list, read_list(value, pointer));
    for (const auto& [one, at] : list) {
      SLUIS_TRY(std::string text, read_value(*one, at));
      if (text.empty()) return refused(at, "an empty value");
      constraint.values.push_back(std::move(text));
    }
    const std::string& text = constraint.values.front();
    const auto bad = [&](const char* what) { return refused(pointer, what); };
    switch (kOperands[constraint.operand].kind) {
      case Kind::purpose:
        for (const std::string& name : constraint.values) {
          const auto purpose = purposes_.find(name);
          // What a duty says of purposes no decision looks at.
          if (!purpose && in_duty) continue;
          if (!purpose) return bad("unknown purpose");
          // Two spellings are one purpose.
          auto& all = constraint.purposes;
          if (std::find(all.begin(), all.end(), *purpose) == all.end()) all.push_back(*purpose);
        }
        return {};
      case Kind::time: {
        const auto when = read_when(text);
        if (!when) return bad("not a time or day with a zone");
        constraint.when = *when;
        return {};
      }
      case Kind::elapsed:
      case Kind::metered:
      case Kind::delay: {
        const auto length = read_length(text);
        if (!length || (length->months != 0 && kOperands[constraint.operand].kind != Kind::elapsed))
          return bad("not a duration");
        constraint.length = *length;
        return {};
      }
      case Kind::count:
      case Kind::decimal: {
        const auto number =
            kOperands[constraint.operand].kind == Kind::count ? read_whole(text) : read_decimal(text);
        if (!number) return bad("not a number");
        constraint.number = *number;
        return {};
      }
      case Kind::text:
      case Kind::cells: return {};
    }
    return {};
  }

  const Purposes& purposes_;
  bool suite_;
  const Members* members_ = nullptr;
  std::map<std::string, std::string> by_uid_;
  std::map<std::string, Duty> duties_;
};

Result<Policy> Policy::read(const json::Value& value, const Purposes& purposes, bool suite) {
  return PolicyReader(purposes, suite).read(value);
}

}  // namespace sluis::test::naive
