#include "catalog/offer.hpp"

#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"

namespace sluis::catalog {
namespace {

using policy::Constraint;
using policy::Operand;
using policy::Operator;
using policy::Rule;

Constraint names(Operand operand, std::vector<std::string> values) {
  Constraint constraint;
  constraint.operand = operand;
  constraint.op = values.size() == 1 && operand != Operand::legal_basis ? Operator::eq : Operator::is_any_of;  // an activity may have more than one
  constraint.values = std::move(values);
  return constraint;
}

Constraint instant(Operator op, Timestamp time) {
  Constraint constraint;
  constraint.operand = Operand::date_time;
  constraint.op = op;
  constraint.time = time;
  return constraint;
}

Constraint period(Operand operand, Operator op, Duration duration) {
  Constraint constraint;
  constraint.operand = operand;
  constraint.op = op;
  constraint.duration = duration;
  return constraint;
}

/// What holds for every permission.
std::vector<Constraint> common(const Terms& terms) {
  std::vector<Constraint> list;
  if (!terms.classes.empty()) list.push_back(names(Operand::class_of_recipient, terms.classes));
  if (terms.two_sided_evidence) list.push_back(names(Operand::evidence, {std::string(policy::kTwoSided)}));
  if (!terms.legal_basis.empty()) list.push_back(names(Operand::legal_basis, terms.legal_basis));
  if (terms.from) list.push_back(instant(Operator::gteq, *terms.from));
  if (terms.until) list.push_back(instant(Operator::lt, *terms.until));
  if (terms.access_for) list.push_back(period(Operand::elapsed_time, Operator::lteq, *terms.access_for));
  return list;
}

/// One for each purpose: `isA` lets narrower ones in, `isAnyOf` would not.
std::vector<Rule> permissions(const Terms& terms) {
  std::vector<Rule> rules;
  for (const std::string& purpose : terms.purposes) {
    Rule rule;
    Constraint constraint = names(Operand::purpose, {purpose});
    constraint.op = Operator::is_a;
    rule.constraints.push_back(std::move(constraint));
    for (Constraint& one : common(terms)) rule.constraints.push_back(std::move(one));
    const auto& assessed = terms.impact_assessment_for;
    if (std::find(assessed.begin(), assessed.end(), purpose) != assessed.end()) {
      rule.constraints.push_back(names(Operand::impact_assessment, {std::string(policy::kOnRecord)}));
    }
    rules.push_back(std::move(rule));
  }
  if (rules.empty()) {
    Rule rule;
    rule.constraints = common(terms);
    rules.push_back(std::move(rule));
  }
  return rules;
}

Rule suppression(const policy::SuppressSmallCells& suppress) {
  Rule rule;
  rule.action = policy::Action::suppress_small_cells;
  Constraint least;
  least.operand = Operand::min_cell_size;
  least.op = Operator::gteq;
  least.number = suppress.threshold;
  rule.constraints.push_back(std::move(least));
  if (suppress.round_to != 0) {
    Constraint round;
    round.operand = Operand::round_to;
    round.op = Operator::eq;
    round.number = suppress.round_to;
    rule.constraints.push_back(std::move(round));
  }
  if (!suppress.columns.empty()) rule.constraints.push_back(names(Operand::cell_column, suppress.columns));
  for (const policy::SumGroup& group : suppress.groups) {
    std::vector<std::string> values{group.total};
    values.insert(values.end(), group.parts.begin(), group.parts.end());
    Constraint constraint = names(Operand::cell_group, std::move(values));
    constraint.op = Operator::eq;
    rule.constraints.push_back(std::move(constraint));
  }
  return rule;
}

/// DSP's context maps the action `use` and no full IRI of it.
void write_use(json::Value& offer, std::string_view rules) {
  const std::string use = policy::iri(policy::Action::use);
  for (json::Member& member : *offer.if_object()) {
    if (member.first != rules) continue;
    for (json::Value& rule : *member.second.if_array()) {
      const json::Value* action = rule.find("action");
      if (action != nullptr && action->if_string() != nullptr && *action->if_string() == use) rule.set("action", "use");
    }
  }
}

}  // namespace

Result<json::Value> make_offer(const DatasetId& dataset, Access access, const Terms& terms) {
  policy::Policy policy;
  policy.permissions = permissions(terms);
  if (!terms.deny_purposes.empty()) {
    Rule rule;
    rule.constraints.push_back(names(Operand::purpose, terms.deny_purposes));
    policy.prohibitions.push_back(std::move(rule));
  }
  if (terms.delete_after && access == Access::agreement) {
    Rule rule;
    rule.action = policy::Action::delete_after;
    rule.constraints.push_back(period(Operand::delay_period, Operator::eq, *terms.delete_after));
    policy.obligations.push_back(std::move(rule));
  }
  if (terms.suppress) policy.obligations.push_back(suppression(*terms.suppress));
  return make_offer(dataset, policy);
}

Result<json::Value> make_offer(const DatasetId& dataset, const policy::Policy& policy) {
  json::Value offer = policy::to_json(policy);
  write_use(offer, "permission");
  write_use(offer, "prohibition");
  offer.erase("@id");
  SLUIS_TRY(const std::string content, json::canonical(offer));
  const Hash hash = crypto::sha256(dataset.str() + '\n' + content);
  json::Value named = json::object({{"@id", json::Value("urn:sluis:offer:" + to_hex(hash).substr(0, 32))}});
  for (json::Member& member : *offer.if_object()) named.set(member.first, std::move(member.second));
  return named;
}

Result<Hash> offer_hash(const json::Value& offer) {
  for (const std::string_view key : {"target", "@context"}) {
    if (offer.find(key) != nullptr) {
      return Error(ErrorCode::invalid_argument, "an offer in a catalogue has no `" + std::string(key) + "`")
          .at_pointer(json::pointer_to("", key))
          .mended_by("leave `" + std::string(key) + "` out: the catalogue says of which dataset an offer is, and in which words");
    }
  }
  SLUIS_TRY(const std::string text, json::canonical(offer));
  if (text.size() > limits::kPolicyBytes) {
    return Error(ErrorCode::limit_exceeded, "an offer has at most " + std::to_string(limits::kPolicyBytes) + " bytes in its canonical form, this one " +
                                                std::to_string(text.size()))
        .mended_by("name fewer parties, purposes or places: a class in place of its parties, a purpose in place of all that are narrower");
  }
  return crypto::sha256(text);
}

Result<CompiledOffer> compile_offer(const json::Value& offer, std::shared_ptr<const policy::Vocabulary> vocabulary) {
  policy::ParseOptions options;
  options.in_catalogue = true;
  SLUIS_TRY(policy::Policy parsed, policy::parse_policy(offer, options));
  if (parsed.type != policy::Policy::Type::offer) return Error(ErrorCode::invalid_argument, "this is no `Offer`");
  SLUIS_TRY(policy::Program program, policy::compile(parsed, std::move(vocabulary)));
  return CompiledOffer{std::move(parsed), std::move(program)};
}

}  // namespace sluis::catalog
