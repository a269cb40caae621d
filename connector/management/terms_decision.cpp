#include "connector/gate/assess.hpp"
#include "connector/gate/reason.hpp"
#include "connector/management/audit_rows.hpp"
#include "connector/management/terms_parts.hpp"
#include "connector/provenance/passing.hpp"
#include "policy/odrl/report.hpp"
#include "sluis/v1/evidence.pb.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

/// One recorded decision, for people: off the deciding path, from the record and the agreement.
namespace sluis::management {
namespace {

using policy::Language;

std::string told(std::string_view code, const std::map<std::string, std::string>& parameters, Language language) {
  return policy::fill(policy::sentence(code, language), parameters, language);
}

/// `what`: told.decided_by, told.approved_by, told.terms_by or told.purposes_by.
std::string told_by(std::string_view what, const catalog::DecidedBy& by, Language language) {
  const std::string kind = "kind." + std::string(catalog::to_string(by.kind));
  return told(what,
              {{"body", by.body},
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

struct Recorded {
  std::uint64_t index = 0;
  v1::Shared shared;
  v1::Internal internal;
};

Result<std::optional<Recorded>> read_entry(const Backend& backend, std::uint64_t index) {
  const auto payload = backend.log.payload(index);
  if (!payload && payload.error().code == ErrorCode::not_found) return std::optional<Recorded>();
  if (!payload) return payload.error();
  Recorded entry{index, {}, {}};
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

/// The values of every rule at the time of the request. A class is the one of the membership list that is in force now.
std::string report_of(const Backend& backend, const Recorded& entry, const negotiation::AgreementRecord& record,
                      const policy::Policy& terms, const std::shared_ptr<const policy::Vocabulary>& vocabulary) {
  const auto program = policy::compile(terms, vocabulary);
  if (!program) return {};
  const auto& recipient = record.role == negotiation::Role::provider ? record.peer : backend.self;
  policy::Request asked;
  asked.purpose = vocabulary->lookup(entry.shared.purpose());
  asked.recipient = program->recipient(recipient.str());
  asked.assignee = asked.recipient;
  if (const auto party = backend.directory.find(recipient)) {
    asked.class_of_recipient = program->class_of_recipient((*party)->class_of_recipient);
  }
  asked.target = program->name(record.dataset.str());
  asked.now = Timestamp(std::chrono::microseconds(entry.shared.time_us()));
  asked.agreed = record.timestamp;
  const policy::Attribute evidence = gate::evidence_of(*program, entry.shared.evidence().empty());  // as it was recorded
  asked.attributes = {&evidence, 1};
  return json::serialise(policy::to_json(policy::report(*program, asked), record.id.str()));
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
  // Only where a rule decided is there somebody who decided that rule.
  if (decision.terms != nullptr && !at(decision.reason, "rule").empty()) {
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
  std::string party = shared.counterparty();
  if (const auto record = backend.negotiations.agreement(AgreementId(shared.agreement()))) {
    if (auto parsed = policy::parse_policy(record->agreement)) {
      terms = std::move(*parsed);
      response.set_report(report_of(backend, entry, *record, *terms, vocabulary));
    }
    by = terms_decided_by(backend, *record);
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
      terms ? &*terms : nullptr, by};
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
