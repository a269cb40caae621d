#include "connector/gate/reason.hpp"
#include "connector/management/audit_rows.hpp"
#include "connector/management/terms_parts.hpp"
#include "connector/provenance/passing.hpp"
#include "policy/odrl/report.hpp"
#include "policy/odrl/values.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>

/// One recorded decision, for people: off the deciding path, from the record and the agreement.
namespace sluis::management {
namespace {

using policy::Language;

std::string told(std::string_view code, const std::map<std::string, std::string>& parameters, Language language) {
  return policy::fill(policy::sentence(code, language), parameters, language);
}

/// `what`: told.decided_by, told.source_by (with its `dataset`), told.approved_by, told.terms_by or told.purposes_by.
std::string told_by(std::string_view what, const catalog::DecidedBy& by, Language language, const std::string& dataset = "") {
  const std::string kind = "kind." + std::string(catalog::to_string(by.kind));
  return told(what,
              {{"body", by.body},
               {"dataset", dataset},
               {"kind", std::string(policy::sentence(kind, language))},
               {"reference", by.reference.empty() ? "" : ": " + by.reference}},
              language);
}

std::string at(const policy::Reason& reason, const std::string& parameter) {
  const auto found = reason.parameters.find(parameter);
  return found == reason.parameters.end() ? std::string() : found->second;
}

/// The rule that decided and what it needs, in words; nothing where the decision rests on no rule.
void add_rule(std::vector<std::string>& out, const ToldDecision& decision, const policy::Teller& teller) {
  const auto language = teller.language;
  if (decision.reason.code == "no_permission") out.push_back(told("told.no_rule", {}, language));
  if (decision.terms == nullptr) return;
  const auto rule = policy::find(*decision.terms, at(decision.reason, "rule"));
  if (rule.rule == nullptr || at(decision.reason, "rule").empty()) return;
  out.push_back(told("told.rule", {{"rule", tell_on_one_line(*rule.rule, rule.kind, teller)}}, language));
  if (decision.permit) return;
  const auto place = at(decision.reason, "constraint");
  const auto needed = place.empty() ? policy::Found() : policy::find(*decision.terms, place);
  const bool forbids = rule.kind == policy::RuleClass::prohibition;
  std::string words;
  if (needed.constraint != nullptr) words = policy::tell(*needed.constraint, forbids, teller);
  else if (needed.duty != nullptr) words = tell_on_one_line(*needed.duty, policy::RuleClass::duty, teller);
  if (!words.empty()) out.push_back(told(forbids ? "told.forbids" : "told.needed", {{"needed", words}}, language));
}

bool has(const std::vector<policy::Constraint>& list, const std::string& content) {
  return std::any_of(list.begin(), list.end(), [&](const policy::Constraint& one) {
    return policy::content(one) == content || has(one.operands, content);
  });
}

bool say_the_same(const policy::Rule& a, const policy::Rule& b) {
  const auto conditions = [](const policy::Rule& rule) {
    std::multiset<std::string> out;
    for (const auto* list : {&rule.constraints, &rule.refinements}) {
      for (const auto& one : *list) out.insert(policy::content(one));
    }
    return out;
  };
  return a.action == b.action && conditions(a) == conditions(b);
}

/// Of a dataset that is made from others, those whose terms have the rule that forbade it, or the condition that failed; where it was permitted,
/// all of them (policy::combine keeps conditions and prohibitions as they are).
std::vector<DecidedAtSource> deciding_sources(const Backend& backend, const negotiation::AgreementRecord& record, const policy::Policy& terms,
                                              const policy::Reason& reason, bool permit) {
  std::vector<DecidedAtSource> out;
  const auto rule = policy::find(terms, at(reason, "rule"));
  if (record.role != negotiation::Role::provider || rule.rule == nullptr || at(reason, "rule").empty()) return out;
  const auto place = at(reason, "constraint");
  const auto failed = place.empty() ? policy::Found() : policy::find(terms, place);
  const auto offer = backend.catalog.offer_by_hash(record.offer_hash);
  const auto made = offer ? backend.catalog.show(offer->dataset, offer->version) : Result<catalog::PublishedDataset>(offer.error());
  if (!made) return out;
  for (const auto& from : made->dataset.made_from) {
    const auto taken = backend.catalog.offer_by_hash(from.offer_hash);
    const auto source = taken ? backend.catalog.show(taken->dataset, taken->version) : Result<catalog::PublishedDataset>(taken.error());
    const auto policy = source ? policy::parse_policy(source->dataset.offer, {true, ""}) : Result<policy::Policy>(source.error());
    if (!policy) continue;
    const bool forbids = rule.kind == policy::RuleClass::prohibition;
    const auto& rules = forbids ? policy->prohibitions : policy->permissions;
    const bool has_it = std::any_of(rules.begin(), rules.end(), [&](const policy::Rule& one) {
      return forbids ? say_the_same(one, *rule.rule) : failed.constraint != nullptr && has(one.constraints, policy::content(*failed.constraint));
    });
    if (permit || has_it) out.push_back({from.id.str(), source->dataset.terms.decided_by});
  }
  return out;
}

Result<std::optional<Recorded>> read_entry(const Backend& backend, std::uint64_t index) {
  const auto payload = backend.log.payload(index);
  if (!payload && payload.error().code == ErrorCode::not_found) return std::optional<Recorded>();
  if (!payload) return payload.error();
  SLUIS_TRY(const auto leaf, provenance::leaf_in_pass(backend.log, index));
  if (!leaf) return std::optional<Recorded>();
  Recorded entry{index, leaf->kind, {}, {}};
  if (!entry.shared.ParseFromString(payload->shared) || !entry.internal.ParseFromString(payload->internal)) {
    return std::optional<Recorded>();
  }
  return std::optional(std::move(entry));
}

bool may_hold_decision(std::uint8_t kind) {
  using provenance::EntryKind;
  return kind == static_cast<std::uint8_t>(EntryKind::decision) || kind == static_cast<std::uint8_t>(EntryKind::cut) ||
         kind == static_cast<std::uint8_t>(EntryKind::received) || kind == static_cast<std::uint8_t>(EntryKind::negotiation);
}

bool is_proposal(const v1::Shared& shared) { return shared.agreement().empty() && !shared.negotiation().empty(); }

/// The same, whether it is not there or is not for who asks.
Error no_decision(const Backend& backend, const std::string& named) {
  const auto gone = pruned_note(backend.log, TimeSpan());
  return Error(ErrorCode::not_found, fmt::format("no decision `{}` is on record", named.substr(0, 200)))
      .mended_by("`audit log --decision refused` lists decisions with their transactions, `negotiation list` negotiations" + (gone && *gone ? "; " + **gone : std::string()));
}

/// By index, or the newest of a transaction, or the end of a negotiation.
Result<Recorded> find_decision(const Backend& backend, const std::string& named) {
  const Error none = no_decision(backend, named);
  SLUIS_TRY(const std::uint64_t size, backend.log.entries());
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(named.data(), named.data() + named.size(), index);
  if (error == std::errc() && end == named.data() + named.size()) {
    if (index >= size) return none;
    SLUIS_TRY(auto entry, read_entry(backend, index));
    if (!entry || !entry->shared.has_decision()) return none;
    return std::move(*entry);
  }
  SLUIS_TRY(const std::uint64_t first_kept, backend.log.first_kept());
  for (index = size; index-- > first_kept;) {
    SLUIS_TRY(const auto leaf, provenance::leaf_in_pass(backend.log, index));
    if (!leaf) break;  // it was pruned just now, with all before it
    if (!may_hold_decision(leaf->kind)) continue;
    SLUIS_TRY(auto entry, read_entry(backend, index));
    if (!entry || !entry->shared.has_decision()) continue;
    const auto& shared = entry->shared;
    if (is_proposal(shared) ? shared.negotiation() == named : shared.transaction() == named) return std::move(*entry);
  }
  return none;
}

/// The values of every rule as the decision had them; empty where the terms cannot be read. The answer's notes say what it does not have.
std::string report_of(const Backend& backend, const Recorded& entry, const negotiation::AgreementRecord& record,
                      const policy::Policy& terms, const std::shared_ptr<const policy::Vocabulary>& vocabulary, Language language,
                      v1::ExplainDecisionResponse& response) {
  const auto then = as_decided(backend, entry, record, terms, vocabulary, language);
  if (!then) return {};
  for (const auto& one : then->missing) response.add_notes(one);
  policy::Request asked = gate::request_of(then->program, then->known);
  asked.attributes = then->attributes;
  return json::serialise(policy::to_json(policy::report(then->program, asked), record.id.str()));
}

void add_terms(v1::ExplainDecisionResponse& response, const policy::Policy& terms, const policy::Teller& teller) {
  for (const auto& line : policy::tell(terms, teller)) response.add_told(std::string(2 * (line.depth + 1), ' ') + line.text);
}

/// A proposal that came to nothing: whose, why, and for our own data what is on offer and who decided that.
Result<v1::ExplainDecisionResponse> explain_proposal(const Backend& backend, const Recorded& entry, const policy::Teller& teller) {
  const auto language = teller.language;
  const auto& shared = entry.shared;
  const auto named = [&](const std::string& id) {
    const auto name = teller.name(id);
    return name.empty() ? id : name;
  };
  v1::ExplainDecisionResponse response;
  response.set_index(entry.index);
  response.set_code(shared.decision().code());
  const auto time = [&](Timestamp at) { return policy::tell_time(std::chrono::floor<std::chrono::seconds>(at), language); };
  const std::string when = time(Timestamp(std::chrono::microseconds(shared.time_us())));
  const std::string about = named(shared.dataset());
  const std::string party = named(shared.counterparty());
  const auto negotiation = backend.negotiations.show(ProcessId(shared.negotiation()));
  if (!negotiation && negotiation.error().code != ErrorCode::not_found) return negotiation.error();
  const bool ours = negotiation && negotiation->role == negotiation::Role::provider;
  if (negotiation) {
    response.add_told(told("told.proposed", {{"time", time(negotiation->created)}, {"party", party}, {"dataset", about}}, language));
    const auto proposed = policy::parse_policy(negotiation->offer, {true, ""});
    if (proposed) add_terms(response, *proposed, teller);
    response.add_told(told(negotiation->reason_is_ours ? "told.refused_by_us" : "told.refused_by_them", {{"time", when}, {"party", party}}, language));
  } else {
    response.add_told(told("told.proposal_gone", {{"time", when}, {"party", party}, {"dataset", about}}, language));
  }
  // The sentence is as it was sent to the other party; only the code has words in both languages.
  const policy::Reason reason{shared.decision().code(), {}, shared.decision().sentence()};
  response.add_told(told("told.reason", {{"code", reason.code}, {"sentence", reason.sentence.empty() ? gate::told(reason, language) : reason.sentence}}, language));
  const auto published = ours ? backend.catalog.show(DatasetId(shared.dataset())) : Error(ErrorCode::not_found, "");
  if (!published || !backend.catalog.on_offer(*published, backend.clock.now())) return response;
  const auto terms = policy::parse_policy(published->dataset.offer, {true, ""});
  if (!terms) return response;
  response.add_told(told("told.on_offer", {}, language));
  add_terms(response, *terms, teller);
  const auto& by = published->dataset.terms.decided_by;
  if (by) *response.mutable_decided_by() = to_proto(*by);
  response.add_told(by ? told_by("told.terms_by", *by, language) : told("told.terms_unknown", {}, language));
  return response;
}

}  // namespace

std::string tell_on_one_line(const policy::Rule& rule, policy::RuleClass kind, const policy::Teller& teller) {
  std::string text;
  for (const auto& line : policy::tell(rule, kind, teller)) text += (text.empty() ? "" : " ") + line.text;
  return text;
}

std::optional<catalog::DecidedBy> terms_decided_by(const Backend& backend, const negotiation::AgreementRecord& record) {
  if (record.role != negotiation::Role::provider) return std::nullopt;
  const auto offer = backend.catalog.offer_by_hash(record.offer_hash);
  if (!offer && offer.error().code == ErrorCode::not_found) {
    const auto approved = catalog::decided_by_from_json(record.decided_by);
    return approved ? std::optional(*approved) : std::nullopt;
  }
  if (!offer) return std::nullopt;
  const auto dataset = backend.catalog.show(offer->dataset, offer->version);
  return dataset ? dataset->dataset.terms.decided_by : std::nullopt;
}

std::vector<std::string> tell_decision(const ToldDecision& decision, const policy::Teller& teller) {
  const auto language = teller.language;
  std::vector<std::string> out;
  const std::string purpose = decision.purpose.empty() ? "" : policy::tell_purpose(decision.purpose, teller);
  out.push_back(told(purpose.empty() ? "told.asked_no_purpose" : "told.asked",
                     {{"time", decision.time}, {"party", decision.party}, {"dataset", decision.dataset},
                      {"purpose", purpose}},
                     language));
  out.push_back(told(decision.permit ? "told.permitted" : "told.refused", {}, language));
  const std::size_t before = out.size();
  add_rule(out, decision, teller);
  if (out.size() == before && !decision.permit) out.push_back(gate::told(decision.reason, language));
  for (const auto& one : decision.sources) {
    const auto name = teller.name(one.dataset);
    const std::string& dataset = name.empty() ? one.dataset : name;
    out.push_back(one.by ? told_by("told.source_by", *one.by, language, dataset) : told("told.source_unknown", {{"dataset", dataset}}, language));
  }
  // Only where a rule decided is there somebody who decided that rule.
  if ((decision.sources.empty() || decision.permit) && decision.terms != nullptr && !at(decision.reason, "rule").empty()) {
    out.push_back(decision.decided_by ? told_by("told.decided_by", *decision.decided_by, language)
                                      : told("told.decided_unknown", {}, language));
  }
  return out;
}

Result<v1::ExplainDecisionResponse> explain_decision(const Backend& backend, const v1::ExplainDecisionRequest& request,
                                                     const Caller& caller) {
  SLUIS_CHECK(require_id(request.decision(), "decision"));
  SLUIS_TRY(const auto language, language_of(request.lang()));
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const Recorded entry, find_decision(backend, request.decision()));
  if (caller.role == v1::APPLICATION && (entry.internal.application().empty() ||
                                         entry.internal.application() != caller.person)) {
    return no_decision(backend, request.decision());
  }
  const auto& shared = entry.shared;
  if (is_proposal(shared)) return explain_proposal(backend, entry, teller_for(backend, *vocabulary, language));
  policy::Reason reason;
  reason.code = shared.decision().code();
  reason.parameters = {shared.decision().parameters().begin(), shared.decision().parameters().end()};
  reason.sentence = shared.decision().sentence();

  v1::ExplainDecisionResponse response;
  response.set_index(entry.index);
  response.set_permit(shared.decision().permit());
  response.set_code(reason.code);
  std::optional<policy::Policy> terms;
  std::optional<catalog::DecidedBy> by, approved_by, purposes_by;
  std::vector<DecidedAtSource> sources;
  std::string party = shared.counterparty();
  if (party.empty()) party = language == Language::dutch ? "iemand" : "somebody";  // who it was, the request did not say
  if (const auto record = backend.negotiations.agreement(AgreementId(shared.agreement()))) {
    if (auto parsed = policy::parse_policy(record->agreement)) {
      terms = std::move(*parsed);
      response.set_report(report_of(backend, entry, *record, *terms, vocabulary, language, response));
    }
    by = terms_decided_by(backend, *record);
    if (terms) sources = deciding_sources(backend, *record, *terms, reason, shared.decision().permit());
    if (sources.size() == 1 && !shared.decision().permit()) by = sources.front().by;
    if (record->vocabulary_hash && backend.purposes_decided_by) {
      SLUIS_TRY(purposes_by, backend.purposes_decided_by(*record->vocabulary_hash, record->timestamp));
    }
    if (const auto one = catalog::decided_by_from_json(record->decided_by)) approved_by = *one;
    if (record->role == negotiation::Role::consumer) party = backend.self.str();
  }
  if (by) *response.mutable_decided_by() = to_proto(*by);
  const auto teller = teller_for(backend, *vocabulary, language);
  const auto named = [&](const std::string& id) {
    const auto name = teller.name(id);
    return name.empty() ? id : name;
  };
  const auto second = std::chrono::floor<std::chrono::seconds>(Timestamp(std::chrono::microseconds(shared.time_us())));
  const ToldDecision decision{
      policy::tell_time(second, language),
      named(party), named(shared.dataset()), shared.purpose(), shared.decision().permit(), reason,
      terms ? &*terms : nullptr, by, std::move(sources)};
  for (const auto& sentence : tell_decision(decision, teller)) response.add_told(sentence);
  if (approved_by) response.add_told(told_by("told.approved_by", *approved_by, language));
  if (purposes_by) response.add_told(told_by("told.purposes_by", *purposes_by, language));
  constexpr policy::Both kRestsOn{"It took into account `{id}`, entry {entry} of the provider's log.",
                                  "Daarbij telde `{id}` mee, regel {entry} in het logboek van de aanbieder."};
  for (const auto& one : shared.rests_on()) {
    response.add_told(policy::fill(kRestsOn.in(language), {{"id", one.id()}, {"entry", std::to_string(one.entry())}}, language));
  }
  return response;
}

}  // namespace sluis::management
