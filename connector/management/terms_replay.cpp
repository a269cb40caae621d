#include "connector/gate/assess.hpp"
#include "connector/gate/reason.hpp"
#include "connector/management/audit_rows.hpp"
#include "connector/management/terms_parts.hpp"
#include "connector/provenance/entry.hpp"
#include "connector/provenance/passing.hpp"
#include "sluis/v1/evidence.pb.h"

#include <map>

/// The requests on record, asked again. It reads the log and writes nothing.
namespace sluis::management {
namespace {

constexpr int kListed = 1000;

/// Whether a refusal came from terms. What was refused before them would be refused again.
bool from_terms(const v1::DecisionReason& reason) {
  for (std::size_t i = 0; i < policy::kReasonCodes; ++i) {
    if (reason.code() == policy::to_string(static_cast<policy::ReasonCode>(i))) return true;
  }
  return false;
}

class Replay {
 public:
  Replay(const Backend& backend, const GivenTerms& terms, DatasetId dataset, policy::Language language, Declared declared)
      : backend_(backend), terms_(terms), dataset_(std::move(dataset)), language_(language), declared_(std::move(declared)) {
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

  v1::ReplayTermsResponse take() { return std::move(response_); }

 private:
  struct Outcome {
    bool permit = false;
    policy::Reason reason;
  };

  Outcome decide(const negotiation::AgreementRecord& record, const v1::Shared& shared, const v1::Internal& internal) {
    const policy::Program& program = terms_.compiled.program;
    if (terms_.dataset && terms_.dataset->terms.processing_activity && internal.activity().empty()) {
      return {false, {"activity.missing", {}, {}}};
    }
    policy::Request asked;
    asked.purpose = program.vocabulary().lookup(shared.purpose());
    asked.recipient = program.recipient(shared.counterparty());
    asked.assignee = asked.recipient;
    bool two_sided = false;
    if (const auto party = backend_.directory.find(ParticipantId(shared.counterparty()))) {
      asked.class_of_recipient = program.class_of_recipient((*party)->class_of_recipient);
      two_sided = (*party)->evidence && shared.evidence().empty();
    }
    asked.target = program.name(dataset_.str());
    asked.now = Timestamp(std::chrono::microseconds(shared.time_us()));
    asked.agreed = record.timestamp;
    // Uses count from the beginning of the period.
    auto& uses = uses_[record.id.str()];
    std::vector<policy::Attribute> attributes{{policy::Operand::count, {}, uses}, gate::evidence_of(program, two_sided)};
    if (!internal.activity().empty()) {
      attributes.push_back(policy::Attribute::name(policy::Operand::processing_activity,
                                                   program.name(internal.activity())));
    }
    const auto declared = declared_.at(*asked.now, program, asked.purpose);
    attributes.insert(attributes.end(), declared.begin(), declared.end());
    asked.attributes = attributes;
    const auto decision = program.decide(asked);
    const auto reason = policy::explain(decision, asked, program, shared.purpose());
    const bool permit = decision.permit && asked.purpose.has_value();  // the gate releases nothing without a purpose
    if (permit && !shared.event().starts_with("evaluated")) ++uses;  // who asks for an evaluation uses nothing
    return {permit, reason};
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
    item->set_before(shared.decision().code());
    item->set_after(after.reason.code);
    item->set_sentence(gate::told(after.reason, language_));
  }

  const Backend& backend_;
  const GivenTerms& terms_;
  DatasetId dataset_;
  policy::Language language_;
  Declared declared_;
  std::map<std::string, std::int64_t> uses_;
  v1::ReplayTermsResponse response_;
};

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
  SLUIS_TRY(Declared declared, Declared::read(backend, terms.compiled.policy));
  Replay replay(backend, terms, DatasetId(dataset), language, std::move(declared));
  SLUIS_TRY(const auto entries, backend.log.entries());
  SLUIS_TRY(const std::uint64_t first_kept, backend.log.first_kept());
  for (std::uint64_t index = first_kept; index < entries; ++index) {
    SLUIS_TRY(const auto leaf, provenance::leaf_or_skip(backend.log, index));
    if (!leaf || leaf->kind != static_cast<std::uint8_t>(provenance::EntryKind::decision)) continue;
    // An entry's own time and the leaf's hour may lie on both sides of the hour.
    if (Timestamp(std::chrono::hours(leaf->hours + 2)) <= from) continue;
    const auto payload = backend.log.payload(index);
    if (!payload && payload.error().code == ErrorCode::not_found) continue;  // erased
    if (!payload) return payload.error();
    v1::Shared shared;
    v1::Internal internal;
    if (!shared.ParseFromString(payload->shared) || !internal.ParseFromString(payload->internal)) continue;
    const Timestamp time(std::chrono::microseconds(shared.time_us()));
    if (time >= from && time < until) replay.ask(index, shared, internal);
  }
  v1::ReplayTermsResponse response = replay.take();
  SLUIS_TRY(const std::optional<std::string> gone, pruned_note(backend.log, TimeSpan(from)));
  if (gone) response.add_notes(*gone);
  return response;
}

}  // namespace sluis::management
