#include "tests/support/odrl_engine.hpp"

#include "policy/odrl/values.hpp"
#include "tests/support/vectors.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::test {
namespace {

using policy::Attribute;
using policy::Interned;
using policy::Kind;
using policy::Operand;

Error refused(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

Result<std::optional<std::string>> read_text(const json::Value& value, const char* key) {
  const json::Value* found = value.find(key);
  if (found == nullptr) return std::optional<std::string>();
  if (found->if_string() == nullptr) return refused("`" + std::string(key) + "` is a string");
  return std::optional<std::string>(*found->if_string());
}

Result<std::vector<std::string>> read_texts(const json::Value& value) {
  if (const std::string* one = value.if_string()) return std::vector<std::string>{*one};
  if (value.if_array() == nullptr) return refused("a list of strings is needed");
  std::vector<std::string> texts;
  for (const json::Value& one : *value.if_array()) {
    if (one.if_string() == nullptr) return refused("a list of strings is needed");
    texts.push_back(*one.if_string());
  }
  return texts;
}

Result<std::optional<Timestamp>> read_time(const json::Value& value, const char* key) {
  SLUIS_TRY(const auto text, read_text(value, key));
  if (!text) return std::optional<Timestamp>();
  SLUIS_TRY(const Timestamp time, parse_time(*text));
  return std::optional<Timestamp>(time);
}

/// One number of an operand that takes numbers; nothing where it cannot be read.
std::optional<std::int64_t> read_number(Kind kind, const std::string& text) {
  if (kind == Kind::decimal) {
    const auto number = policy::parse_decimal(text);
    return number ? std::optional(*number) : std::nullopt;
  }
  if (kind == Kind::metered) {
    const auto duration = parse_duration(text);
    return duration ? std::optional<std::int64_t>(duration->count()) : std::nullopt;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

struct Reader {
  const policy::Program& program;
  policy::Request& request;
  std::vector<Attribute>& attributes;

  /// Names go into the request's own field where it has one and they are one, else among the attributes.
  void add_names(Operand operand, const std::vector<std::string>& values) {
    if (values.empty()) attributes.push_back(Attribute::name(operand, Interned::absent));
    for (const std::string& value : values) {
      Interned name = program.name(policy::canonical_name(value, operand));
      if (name == Interned::absent) name = Interned::other;  // the empty string is a value, in no policy
      attributes.push_back(Attribute::name(operand, name));
    }
  }

  Result<void> add(const std::string& key, const json::Value& member) {
    const auto operand = policy::operand_from(key);
    if (!operand) return refused("unknown operand `" + key + "`");
    const json::Value* value = &member;
    std::optional<std::string> unit;
    if (member.if_object() != nullptr) {
      SLUIS_TRY(unit, read_text(member, "unit"));
      value = member.find("value");
      if (value == nullptr) return refused("`" + key + "` has no value");
    }
    SLUIS_TRY(const std::vector<std::string> values, read_texts(*value));
    switch (policy::kind(*operand)) {
      case Kind::purpose:
        if (values.size() == 1) request.purpose = program.vocabulary().lookup(values.front());
        return {};
      case Kind::names: add_names(*operand, values); return {};
      case Kind::metered:
      case Kind::count:
      case Kind::decimal: {
        const auto number = values.size() == 1 ? read_number(policy::kind(*operand), values.front()) : std::nullopt;
        if (!number) return {};
        attributes.push_back({*operand, unit ? program.name(*unit) : Interned::absent, *number});
        return {};
      }
      case Kind::instant:
      case Kind::elapsed:
      case Kind::delay:
      case Kind::transform: return refused("`" + key + "` is no attribute");
    }
    return {};
  }
};

std::optional<policy::DutyState> read_state(const std::string& text) {
  for (const auto state : {policy::DutyState::unset, policy::DutyState::fulfilled, policy::DutyState::violated,
                           policy::DutyState::remedied}) {
    if (policy::to_string(state) == text) return state;
  }
  return std::nullopt;
}

}  // namespace

Result<EngineRequest> EngineRequest::read(const json::Value& value, const policy::Program& program) {
  EngineRequest out;
  policy::Request& request = out.request_;
  SLUIS_TRY(const auto action, read_text(value, "action"));
  const auto known = action ? policy::action_from(*action, program.suite()) : std::nullopt;
  out.known_action_ = known.has_value();
  if (known) request.action = *known;
  for (const char* key : {"target", "assignee"}) {
    SLUIS_TRY(const auto text, read_text(value, key));
    if (!text) continue;
    (std::string_view(key) == "target" ? request.target : request.assignee) = program.name(*text);
  }
  for (const char* key : {"targetIn", "assigneeIn"}) {
    const json::Value* list = value.find(key);
    if (list == nullptr) continue;
    SLUIS_TRY(const auto texts, read_texts(*list));
    auto& names = std::string_view(key) == "targetIn" ? out.target_in_ : out.assignee_in_;
    for (const std::string& text : texts) names.push_back(program.name(text));
  }
  SLUIS_TRY(request.now, read_time(value, "now"));
  SLUIS_TRY(request.agreed, read_time(value, "agreed"));
  if (const json::Value* attributes = value.find("attributes")) {
    if (attributes->if_object() == nullptr) return refused("`attributes` is an object");
    Reader reader{program, request, out.attributes_};
    for (const auto& [key, member] : *attributes->if_object()) SLUIS_CHECK(reader.add(key, member));
  }
  if (const json::Value* duties = value.find("duties")) {
    if (duties->if_object() == nullptr) return refused("`duties` is an object");
    for (const auto& [name, state] : *duties->if_object()) {
      const auto known_state = state.if_string() != nullptr ? read_state(*state.if_string()) : std::nullopt;
      if (known_state) out.duties_.push_back({program.name(name), *known_state});
    }
  }
  return out;
}

policy::Request EngineRequest::view() const {
  policy::Request request = request_;
  request.target_in = target_in_;
  request.assignee_in = assignee_in_;
  request.attributes = attributes_;
  request.duties = duties_;
  return request;
}

Result<policy::Program> compile_policy(const json::Value& value, bool suite,
                                       const std::shared_ptr<const policy::Vocabulary>& purposes) {
  policy::ParseOptions options;
  options.full = true;
  options.suite = suite;
  SLUIS_TRY(const policy::Policy read, policy::parse_policy(value, options));
  return policy::compile(read, purposes);
}

EngineAnswer ask(const policy::Program& program, const EngineRequest& held) {
  const policy::Request request = held.view();
  const policy::Decision decision = program.decide(request);
  EngineAnswer answer{decision.permit, decision.valid_until, {}};
  for (std::size_t i = 0; i < program.rules().size(); ++i) {
    const policy::Truth value = program.value(i, request);
    const auto [found, fresh] = answer.rules.emplace(program.rule_pointer(i), value);
    if (!fresh) found->second = std::max(found->second, value);
  }
  return answer;
}

Premises premises(const policy::Program& program, const EngineRequest& request) {
  Premises all;
  for (const policy::RuleReport& rule : policy::report(program, request.view())) {
    for (const policy::PremiseReport& premise : rule.premises) {
      const bool condition = premise.type == "ConstraintReport";
      policy::Truth& value = all[rule.pointer][condition ? premise.pointer : std::string(premise.type)];
      value = std::max(value, premise.satisfied);
    }
  }
  return all;
}

Result<std::shared_ptr<const policy::Vocabulary>> read_vocabulary(const std::string& source_dir) {
  const std::string name = source_dir + "/policy/purpose/dpv-purposes.tsv";
  SLUIS_TRY(policy::Vocabulary vocabulary, policy::Vocabulary::parse(read_file(name), name));
  return std::make_shared<const policy::Vocabulary>(std::move(vocabulary));
}

}  // namespace sluis::test
