#include "policy/odrl/explain.hpp"

namespace sluis::policy {
namespace {

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
    case Operand::recipient: return request.recipient == Interned::absent ? "nothing" : "another recipient";
    case Operand::class_of_recipient:
      return request.class_of_recipient == Interned::absent ? "nothing" : "another class";
    case Operand::delay_period:
    case Operand::min_cell_size:
    case Operand::cell_column:
    case Operand::cell_group: break;
  }
  return "nothing";
}

}  // namespace

Reason explain(const Decision& decision, const Request& request, const Program& program,
               std::string_view asked_purpose) {
  Reason reason;
  reason.code = to_string(decision.reason);
  auto& parameters = reason.parameters;
  if (decision.rule < program.rules().size()) parameters["rule"] = program.rule_source(decision.rule).pointer;
  if (decision.constraint < program.constraints().size()) {
    const Operand operand = program.constraints()[decision.constraint].operand;
    const auto& source = program.constraint_source(decision.constraint);
    parameters["constraint"] = source.pointer;
    parameters["operand"] = to_string(operand);
    parameters["needed"] = source.needed;
    parameters["asked"] = asked(operand, request, program, asked_purpose);
  }
  reason.sentence = fill(english(reason.code), parameters);
  return reason;
}

}  // namespace sluis::policy
