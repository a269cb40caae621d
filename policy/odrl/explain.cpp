#include "policy/odrl/explain.hpp"

#include "policy/odrl/values.hpp"

namespace sluis::policy {
namespace {

std::string name_or(const Program& program, Interned name, std::string_view other) {
  if (name == Interned::absent) return "nothing";
  const std::string text = program.names().text(name);
  return text.empty() ? std::string(other) : text;
}

std::string asked_value(Operand operand, const Request& request, const Program& program) {
  std::string text;
  for (const Attribute& attribute : request.attributes) {
    if (attribute.operand != operand) continue;
    std::string one;
    switch (kind(operand)) {
      case Kind::names: one = name_or(program, static_cast<Interned>(attribute.value), "another"); break;
      case Kind::count: one = std::to_string(attribute.value + 1); break;
      case Kind::metered: one = format_duration(Duration(attribute.value)); break;
      default: one = format_decimal(attribute.value); break;
    }
    text += (text.empty() ? "" : ", ") + one;
  }
  return text.empty() ? "nothing" : text;
}

std::string asked(Operand operand, const Request& request, const Program& program, std::string_view asked_purpose) {
  switch (operand) {
    case Operand::purpose:
      if (request.purpose && *request.purpose < program.vocabulary().size()) {
        return program.vocabulary().term(*request.purpose).iri;
      }
      return asked_purpose.empty() ? "nothing" : std::string(asked_purpose.substr(0, 512));
    case Operand::date_time: return request.now ? format_time(*request.now) : "nothing";
    case Operand::elapsed_time:
      if (!request.now || !request.agreed || *request.now < *request.agreed) return "nothing";
      return format_duration(*request.now - *request.agreed);
    case Operand::recipient: return name_or(program, request.recipient, "another recipient");
    case Operand::class_of_recipient: return name_or(program, request.class_of_recipient, "another class");
    default: return asked_value(operand, request, program);
  }
}

std::string asked_of(std::size_t node, const Request& request, const Program& program, std::string_view purpose) {
  const Program::Node& one = program.nodes()[node];
  if (one.test == Program::Test::duty) {
    for (const Duty& duty : request.duties) {
      if (static_cast<std::int64_t>(duty.name) == one.a) return std::string(to_string(duty.state));
    }
    return "nothing";
  }
  if (one.test >= Program::Test::all && one.test <= Program::Test::one) {
    // What the first condition within is about says most.
    for (std::size_t i = node + 1; i < node + one.skip; ++i) {
      const auto test = program.nodes()[i].test;
      if (test < Program::Test::duty) return asked(program.nodes()[i].operand, request, program, purpose);
    }
  }
  return asked(one.operand, request, program, purpose);
}

}  // namespace

std::string_view to_string(DutyState state) {
  switch (state) {
    case DutyState::unset: return "unset";
    case DutyState::fulfilled: return "fulfilled";
    case DutyState::violated: return "violated";
    case DutyState::remedied: return "remedied";
  }
  return "unset";
}

Reason explain(const Decision& decision, const Request& request, const Program& program,
               std::string_view asked_purpose) {
  Reason reason;
  reason.code = to_string(decision.reason);
  auto& parameters = reason.parameters;
  if (decision.rule < program.rules().size()) {
    const Program::Rule& rule = program.rules()[decision.rule];
    parameters["rule"] = program.rule_pointer(decision.rule);
    if (decision.reason == ReasonCode::target) {
      parameters["needed"] = program.names().text(rule.target);
      parameters["asked"] = name_or(program, request.target, "another");
    }
    if (decision.reason == ReasonCode::assignee) {
      parameters["needed"] = program.names().text(rule.assignee);
      parameters["asked"] = name_or(program, request.assignee, "another");
    }
  }
  if (decision.constraint < program.nodes().size()) {
    parameters["constraint"] = program.condition_pointer(decision.constraint);
    parameters["operand"] = program.condition_operand(decision.constraint);
    parameters["needed"] = program.condition_needed(decision.constraint);
    parameters["asked"] = asked_of(decision.constraint, request, program, asked_purpose);
  }
  reason.sentence = fill(english(reason.code), parameters);
  return reason;
}

}  // namespace sluis::policy
