#include "connector/gate/assess.hpp"
#include "connector/gate/evidence.hpp"
#include "connector/gate/reason.hpp"
#include "connector/management/audit_rows.hpp"
#include "connector/management/serving.hpp"
#include "connector/management/terms_parts.hpp"
#include "connector/provenance/entry.hpp"
#include "connector/provenance/passing.hpp"
#include "policy/odrl/match.hpp"
#include "sluis/v1/evidence.pb.h"

#include <map>
#include <set>

/// The requests on record, asked again. It reads the log and writes nothing.
namespace sluis::management {
namespace {

constexpr int kListed = 1000;

/// Whether other terms could have another outcome: it came from terms, or from what a dataset asks beside them. What was refused before
/// either would be refused again.
bool from_terms(const v1::DecisionReason& reason) {
  for (std::size_t i = 0; i < policy::kReasonCodes; ++i) {
    if (reason.code() == policy::to_string(static_cast<policy::ReasonCode>(i))) return true;
  }
  return reason.code() == "activity.missing" || reason.code() == "activity.malformed" || reason.code() == "declarations.unknown";
}

constexpr policy::Both kClassOfToday{
    "Of {number} requests the class of the party at that time is not on record: that of today was taken.",
    "Van {number} vragen staat hier niet tot welke groep de partij toen hoorde. De groep van nu is gebruikt."};
constexpr policy::Both kProposals{
    "{number} proposals that we refused are asked again too: whether the terms would allow each purpose that was proposed.",
    "Ook {number} voorstellen die wij weigerden, zijn opnieuw bekeken: mag elk doel uit het voorstel?"};

class Replay {
 public:
  /// `plan`: what the dataset asks beside its terms; `terms`: the proposed ones.
  Replay(const Backend& backend, const GivenTerms& terms, gate::ReleasePlan plan, DatasetId dataset, policy::Language language, Declared declared)
      : backend_(backend), terms_(terms), plan_(std::move(plan)), dataset_(std::move(dataset)), language_(language), declared_(std::move(declared)) {
    response_.set_simulation(true);
  }

  void ask(std::uint64_t index, const v1::Shared& shared, const v1::Internal& internal) {
    if (shared.dataset() != dataset_.str() || !shared.has_decision()) return;
    const auto record = backend_.negotiations.agreement(AgreementId(shared.agreement()));
    if (record && record->role != negotiation::Role::provider) return;  // another node's terms
    response_.set_asked_again(response_.asked_again() + 1);
    if (!record || (!shared.decision().permit() && !from_terms(shared.decision()))) {
      response_.set_unaffected(response_.unaffected() + 1);
      return;
    }
    compare(index, shared, decide(*record, shared, internal));
  }

  /// A proposal to us that we refused. What it asked for is in the negotiation; what that says no more is not affected.
  Result<void> ask_proposal(std::uint64_t index, const v1::Shared& shared) {
    if (shared.dataset() != dataset_.str() || !shared.has_decision() || !shared.agreement().empty()) return {};
    const auto negotiation = backend_.negotiations.show(ProcessId(shared.negotiation()));
    if (!negotiation && negotiation.error().code != ErrorCode::not_found) return negotiation.error();
    if (negotiation && (negotiation->role != negotiation::Role::provider || !negotiation->reason_is_ours)) return {};  // not ours to decide
    if (!proposals_.insert(shared.negotiation()).second) return {};
    response_.set_asked_again(response_.asked_again() + 1);
    const auto outcome = negotiation ? propose(*negotiation, shared) : std::nullopt;
    if (outcome) compare(index, shared, *outcome);
    else response_.set_unaffected(response_.unaffected() + 1);
    return {};
  }

  v1::ReplayTermsResponse take() {
    const auto note = [&](const policy::Both& what, std::size_t number) {
      if (number > 0) response_.add_notes(policy::fill(what.in(language_), {{"number", std::to_string(number)}}, language_));
    };
    note(kClassOfToday, classes_of_today_);
    note(kProposals, proposals_.size());
    return std::move(response_);
  }

 private:
  struct Outcome {
    bool permit = false;
    policy::Reason reason;
  };

  Outcome decide(const negotiation::AgreementRecord& record, const v1::Shared& shared, const v1::Internal& internal) {
    const policy::Program& program = terms_.compiled.program;
    const v1::KnownThen& said = internal.known();
    gate::Known known;
    known.now = Timestamp(std::chrono::microseconds(shared.time_us()));
    known.purpose = program.vocabulary().lookup(shared.purpose());
    known.recipient = shared.counterparty();
    known.class_of_recipient = said.class_of_recipient();
    known.two_sided = said.evidence().empty() ? shared.evidence().empty() : said.evidence() == policy::kTwoSided;
    if (known.class_of_recipient.empty()) {
      ++classes_of_today_;
      const auto party = backend_.directory.find(ParticipantId(shared.counterparty()));
      if (party) known.class_of_recipient = (*party)->class_of_recipient;
      if (said.evidence().empty()) known.two_sided = *known.two_sided && party && is_two_sided(backend_, ParticipantId(shared.counterparty()), *known.now);
    }
    known.dataset = dataset_.str();
    known.agreed = record.timestamp;
    // Uses count from the beginning of the period.
    auto& uses = uses_[record.id.str()];
    known.uses = uses;
    known.activity = internal.activity();
    known.says = gate::says_of(said);
    policy::Request asked = gate::request_of(program, known);
    std::vector<policy::Attribute> attributes = gate::attributes_of(program, known);
    asked.attributes = attributes;
    const DeclaredThen declared = declared_.at(*known.now, program, asked);
    attributes.insert(attributes.end(), declared.attributes.begin(), declared.attributes.end());
    asked.attributes = attributes;
    const Simulated outcome = simulate(terms_, plan_, known, shared.purpose(), asked, declared.unknown);
    // Only a rule that counts uses makes one, and who asks for an evaluation uses nothing.
    if (outcome.permit && outcome.terms.decision.reserve && !shared.event().starts_with("evaluated")) ++uses;
    return {outcome.permit, outcome.reason};
  }

  /// Whether the terms could permit each purpose that was proposed; none: that cannot be told.
  std::optional<Outcome> propose(const negotiation::Negotiation& negotiation, const v1::Shared& shared) {
    const policy::Program& program = terms_.compiled.program;
    const auto asked = policy::parse_policy(negotiation.offer, {true, ""});
    const auto wanted = asked ? policy::compile(*asked, backend_.vocabulary()) : Result<policy::Program>(asked.error());
    if (!wanted) return std::nullopt;
    const std::string& peer = negotiation.peer.str();
    const auto party = backend_.directory.find(negotiation.peer);
    const std::string kind = party ? (*party)->class_of_recipient : std::string();
    ++classes_of_today_;  // a proposal's record has none
    const Timestamp then(std::chrono::microseconds(shared.time_us()));
    const std::optional<bool> two_sided = party ? std::optional(is_two_sided(backend_, negotiation.peer, then)) : std::nullopt;
    if (!policy::could_permit(program, kind, peer, {}, then, two_sided)) return Outcome{false, {"class", {}, {}}};
    bool any = false;
    for (std::size_t i = 0; i < program.vocabulary().size(); ++i) {
      const auto purpose = static_cast<policy::PurposeIndex>(i);
      const auto same = wanted->vocabulary().lookup(program.vocabulary().term(purpose).iri);
      if (!same || !policy::purpose_satisfies(*wanted, *same)) continue;
      any = true;
      if (!policy::could_permit(program, kind, peer, purpose, then, two_sided)) {
        const auto difference = policy::compare(terms_.compiled.policy, *asked);
        return Outcome{false, difference.value_or(policy::Reason{"purpose", {}, {}})};
      }
    }
    if (!any) return std::nullopt;
    return Outcome{true, {"permitted", {}, {}}};
  }

  void compare(std::uint64_t index, const v1::Shared& shared, const Outcome& after) {
    const bool before = shared.decision().permit();
    if (before == after.permit) {
      if (before) response_.set_still_released(response_.still_released() + 1);
      else response_.set_still_refused(response_.still_refused() + 1);
      return;
    }
    if (after.permit) response_.set_newly_released(response_.newly_released() + 1);
    else response_.set_newly_refused(response_.newly_refused() + 1);
    auto* list = after.permit ? response_.mutable_released() : response_.mutable_refused();
    if (list->size() >= kListed) return;
    auto* item = list->Add();
    item->set_index(index);
    put_time(item->mutable_time(), Timestamp(std::chrono::microseconds(shared.time_us())));
    item->set_party(shared.counterparty());
    item->set_purpose(shared.purpose());
    item->set_transaction(shared.transaction());
    if (shared.agreement().empty()) item->set_negotiation(shared.negotiation());
    item->set_before(shared.decision().code());
    item->set_after(after.reason.code);
    item->set_sentence(gate::told(after.reason, language_));
  }

  const Backend& backend_;
  const GivenTerms& terms_;
  gate::ReleasePlan plan_;
  DatasetId dataset_;
  policy::Language language_;
  Declared declared_;
  std::map<std::string, std::int64_t> uses_;
  std::set<std::string> proposals_;   ///< that were asked again
  std::size_t classes_of_today_ = 0;
  v1::ReplayTermsResponse response_;
};

/// The dataset that the requests were for: that which is given, or for an offer alone the published one; none: there is none of it.
Result<std::optional<catalog::Dataset>> dataset_of(const Backend& backend, const GivenTerms& terms, const DatasetId& dataset) {
  if (terms.dataset) return terms.dataset;
  auto published = backend.catalog.show(dataset);
  if (!published && published.error().code != ErrorCode::not_found) return published.error();
  return published ? std::optional(std::move(published->dataset)) : std::nullopt;
}

}  // namespace

Result<v1::ReplayTermsResponse> replay_terms(const Backend& backend, const v1::ReplayTermsRequest& request) {
  SLUIS_TRY(const auto language, language_of(request.lang()));
  SLUIS_TRY(const auto terms, read_terms(backend, request.text(), request.file()));
  Timestamp from{};
  Timestamp until = Timestamp::max();
  if (request.has_from()) {
    SLUIS_TRY(from, read_time(request.from(), "/from"));
  }
  if (request.has_until()) {
    SLUIS_TRY(until, read_time(request.until(), "/until"));
  }
  if (until <= from) return Error(ErrorCode::invalid_argument, "`until` is not after `from`").at_pointer("/until");
  std::string dataset = request.dataset();
  if (dataset.empty() && terms.dataset) dataset = terms.dataset->id.str();
  if (dataset.empty()) {
    return Error(ErrorCode::invalid_argument, "an offer does not say of which dataset it is")
        .at_pointer("/dataset")
        .mended_by("name the dataset, or give a dataset file");
  }
  SLUIS_TRY(const std::optional<catalog::Dataset> asked, dataset_of(backend, terms, DatasetId(dataset)));
  // What it asks beside its terms; whether it was served then is not what is asked.
  gate::ReleasePlan plan = asked ? serving_plan(*asked, {{}, Timestamp::max()}) : gate::ReleasePlan();
  SLUIS_TRY(Declared declared, Declared::read(backend, terms.compiled.policy, asked));
  Replay replay(backend, terms, std::move(plan), DatasetId(dataset), language, std::move(declared));
  SLUIS_TRY(const auto entries, backend.log.entries());
  SLUIS_TRY(const std::uint64_t first_kept, backend.log.first_kept());
  for (std::uint64_t index = first_kept; index < entries; ++index) {
    SLUIS_TRY(const auto leaf, provenance::leaf_or_skip(backend.log, index));
    if (!leaf) continue;
    const bool proposal = leaf->kind == static_cast<std::uint8_t>(provenance::EntryKind::negotiation);
    if (!proposal && leaf->kind != static_cast<std::uint8_t>(provenance::EntryKind::decision)) continue;
    // An entry's own time and the leaf's hour may lie on both sides of the hour.
    if (Timestamp(std::chrono::hours(leaf->hours + 2)) <= from) continue;
    const auto payload = backend.log.payload(index);
    if (!payload && payload.error().code == ErrorCode::not_found) continue;  // erased
    if (!payload) return payload.error();
    v1::Shared shared;
    v1::Internal internal;
    if (!shared.ParseFromString(payload->shared) || !internal.ParseFromString(payload->internal)) continue;
    const Timestamp time(std::chrono::microseconds(shared.time_us()));
    if (time < from || time >= until) continue;
    if (!proposal) replay.ask(index, shared, internal);
    else SLUIS_CHECK(replay.ask_proposal(index, shared));
  }
  v1::ReplayTermsResponse response = replay.take();
  SLUIS_TRY(const std::optional<std::string> gone, pruned_note(backend.log, TimeSpan(from)));
  if (gone) response.add_notes(*gone);
  return response;
}

}  // namespace sluis::management
