#include "policy/odrl/report.hpp"

namespace sluis::policy {
namespace {

std::string_view satisfaction(Truth truth) {
  switch (truth) {
    case Truth::yes: return "report:Satisfied";
    case Truth::no: return "report:Unsatisfied";
    case Truth::unknown: break;
  }
  return "report:Unknown";
}

}  // namespace

std::vector<RuleReport> report(const Program& program, const Request& request) {
  std::vector<RuleReport> reports;
  const auto rules = program.rules();
  const auto nodes = program.nodes();
  for (std::size_t r = 0; r < rules.size(); ++r) {
    const Program::Rule& rule = rules[r];
    const Program::Subject subject = program.subject(r, request);
    RuleReport one;
    one.prohibition = rule.prohibition;
    one.pointer = program.rule_pointer(r);
    one.value = program.value(r, request);
    one.active = rule.prohibition ? one.value != Truth::no : one.value == Truth::yes;
    one.premises.push_back({"ActionReport", {}, std::string(to_string(rule.action)), subject.action});
    if (rule.target != Interned::absent) {
      one.premises.push_back({"TargetReport", {}, program.names().text(rule.target), subject.target});
    }
    if (rule.assignee != Interned::absent) {
      one.premises.push_back({"PartyReport", {}, program.names().text(rule.assignee), subject.assignee});
    }
    for (std::size_t i = rule.first; i < rule.end; i += nodes[i].skip) {
      const bool duty = nodes[i].test == Program::Test::duty;
      one.premises.push_back({duty ? "DutyReport" : "ConstraintReport", program.condition_pointer(i),
                              std::string(program.condition_operand(i)) + " " + program.condition_needed(i),
                              program.value_of_condition(i, request)});
    }
    reports.push_back(std::move(one));
  }
  return reports;
}

json::Value to_json(const std::vector<RuleReport>& reports, std::string_view policy) {
  json::Array rules;
  for (const RuleReport& report : reports) {
    json::Array premises;
    for (const PremiseReport& premise : report.premises) {
      json::Value one = json::object({{"@type", json::Value("report:" + std::string(premise.type))},
                                      {"needed", json::Value(premise.needed)},
                                      {"satisfactionState", json::Value(satisfaction(premise.satisfied))}});
      if (!premise.pointer.empty()) one.set("pointer", json::Value(premise.pointer));
      premises.push_back(std::move(one));
    }
    rules.push_back(json::object(
        {{"@type", report.prohibition ? "report:ProhibitionReport" : "report:PermissionReport"},
         {"rule", json::Value(report.pointer)},
         {"activationState", report.active ? "report:Active" : "report:Inactive"},
         {"value", json::Value(to_string(report.value))},
         {"premiseReport", json::Value(std::move(premises))}}));
  }
  return json::object({{"@context", json::object({{"report", "https://w3id.org/force/compliance-report#"}})},
                       {"@type", "report:PolicyReport"},
                       {"policy", json::Value(policy)},
                       {"ruleReport", json::Value(std::move(rules))}});
}

}  // namespace sluis::policy
