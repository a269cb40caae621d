#include "connector/management/convert.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluis::management {
namespace {

/// States as the protocol writes them: FINALIZED.
std::string upper(std::string_view word) {
  std::string out(word);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

void add_once(std::vector<std::string>& into, const std::string& value) {
  if (std::find(into.begin(), into.end(), value) == into.end()) into.push_back(value);
}

std::string string_member(const json::Value& value, std::string_view key) {
  const auto* member = value.find(key);
  const auto* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string() : *text;
}

}  // namespace

void put_time(google::protobuf::Timestamp* out, Timestamp time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  out->set_seconds(second.time_since_epoch().count());
  out->set_nanos(static_cast<int>((time - second).count()) * 1000);
}

Result<Timestamp> read_time(const google::protobuf::Timestamp& time, std::string_view pointer) {
  constexpr std::int64_t kYear1 = -62'135'596'800;
  constexpr std::int64_t kYear10000 = 253'402'300'800;
  if (time.seconds() < kYear1 || time.seconds() >= kYear10000 || time.nanos() < 0 || time.nanos() > 999'999'999) {
    return Error(ErrorCode::invalid_argument, "the time is not within the years 1 to 9999")
        .at_pointer(std::string(pointer));
  }
  return Timestamp(std::chrono::seconds(time.seconds()) + std::chrono::microseconds(time.nanos() / 1000));
}

std::size_t page_size(std::uint32_t asked) {
  return asked == 0 ? limits::kPageDefault : std::min<std::size_t>(asked, limits::kPageMax);
}

Result<void> require_id(const std::string& id, std::string_view field) {
  const std::string pointer = fmt::format("/{}", field);
  if (id.empty()) return Error(ErrorCode::invalid_argument, fmt::format("`{}` is missing", field)).at_pointer(pointer);
  if (id.size() > limits::kIdBytes) {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` is longer than {} bytes", field, limits::kIdBytes))
        .at_pointer(pointer);
  }
  return {};
}

Error not_here(std::string_view what) {
  return Error(ErrorCode::invalid_state, fmt::format("this node has no {}", what))
      .mended_by("see the node's configuration");
}

Result<ParticipantId> find_party(const identity::Directory& directory, const std::string& named) {
  SLUIS_CHECK(require_id(named, "peer"));
  const auto list = directory.list();
  if (!list) {
    return Error(ErrorCode::invalid_state, "this node has no membership list").mended_by("load one: membership load");
  }
  const ParticipantId id(named);
  if (list->find(id) != nullptr) return id;
  std::vector<const identity::Party*> found;
  std::vector<std::string_view> names;
  for (const auto& party : list->parties) {
    if (party.name == named) found.push_back(&party);
    names.push_back(party.name);
    names.push_back(party.participant.str());
  }
  if (found.size() == 1) return found.front()->participant;
  Error error(found.empty() ? ErrorCode::not_found : ErrorCode::invalid_argument,
              found.empty() ? fmt::format("no party `{}` is in the membership list", named)
                            : fmt::format("{} parties have the name `{}`", found.size(), named));
  return std::move(error).at_pointer("/peer").mended_by(found.empty() ? suggestion(named, names)
                                                                      : "give the participant id");
}

Result<policy::PurposeIndex> find_purpose(const policy::Vocabulary& vocabulary, const std::string& named) {
  if (const auto index = vocabulary.lookup(named)) return *index;
  if (named.find(':') == std::string::npos) {
    if (const auto index = vocabulary.lookup("dpv:" + named)) return *index;
  }
  return Error(ErrorCode::invalid_argument, fmt::format("purpose `{}` is not in the vocabulary", named))
      .at_pointer("/purpose")
      .mended_by(vocabulary.suggest(named));
}

Result<std::shared_ptr<const policy::Vocabulary>> vocabulary_of(const Backend& backend) {
  auto vocabulary = backend.vocabulary ? backend.vocabulary() : nullptr;
  if (!vocabulary) return not_here("purpose vocabulary");
  return vocabulary;
}

Result<std::string> dsp_of(const Backend& backend, const ParticipantId& peer, std::string address) {
  if (address.empty()) return backend.dsp_url ? backend.dsp_url(peer) : not_here("way to reach other parties");
  while (address.ends_with('/')) address.pop_back();
  if (backend.directory.origin_allowed(peer, address, backend.clock.now())) return address;
  return Error(ErrorCode::invalid_argument, fmt::format("the membership list has no endpoint of `{}` at the origin of `{}`", peer.str(), address))
      .at_pointer("/address");
}

catalog::DatasetContext dataset_context(const Backend& backend, std::shared_ptr<const policy::Vocabulary> vocabulary) {
  catalog::DatasetContext context;
  context.vocabulary = std::move(vocabulary);
  context.now = backend.clock.now();
  context.read_beside = backend.read_beside;
  context.situations = backend.situations ? backend.situations->ids() : std::vector<std::string>();
  context.source = [&backend](const DatasetId& id) { return backend.catalog.source(id, backend.clock.now()); };
  return context;
}

PolicySummary summarise(const json::Value& policy, bool in_catalogue) {
  PolicySummary summary;
  const auto parsed = policy::parse_policy(policy, {in_catalogue, ""});
  if (!parsed) return summary;
  std::optional<Duration> shortest;
  for (const auto& rule : parsed->permissions) {
    for (const auto& constraint : rule.constraints) {
      if (constraint.logic != policy::Logic::atom) continue;
      if (constraint.operand == policy::Operand::purpose) {
        for (const auto& value : constraint.values) add_once(summary.purposes, value);
      }
      if (constraint.operand == policy::Operand::class_of_recipient) {
        for (const auto& value : constraint.values) add_once(summary.classes, value);
      }
    }
  }
  for (const auto& rule : parsed->obligations) {
    for (const auto& constraint : rule.constraints) {
      if (constraint.operand != policy::Operand::delay_period) continue;
      if (!shortest || constraint.duration < *shortest) shortest = constraint.duration;
    }
  }
  if (shortest) summary.delete_after = format_duration(*shortest);
  return summary;
}

v1::Offer to_proto(const json::Value& offer, const Hash& hash) {
  v1::Offer out;
  out.set_id(string_member(offer, "@id"));
  out.set_hash(to_hex(hash));
  out.set_policy(json::serialise(offer));
  auto summary = summarise(offer, true);
  out.mutable_purposes()->Assign(summary.purposes.begin(), summary.purposes.end());
  out.mutable_classes()->Assign(summary.classes.begin(), summary.classes.end());
  out.set_delete_after(summary.delete_after);
  return out;
}

v1::Dataset to_proto(const catalog::PublishedDataset& published, bool whole) {
  const auto& dataset = published.dataset;
  v1::Dataset out;
  out.set_id(dataset.id.str());
  out.set_title(dataset.title.en.empty() ? dataset.title.nl : dataset.title.en);
  out.set_description(dataset.description.en.empty() ? dataset.description.nl : dataset.description.en);
  out.set_publisher(dataset.publisher.name);
  out.set_license(dataset.licence);
  out.set_access_rights(std::string(catalog::to_string(dataset.access_rights)));
  if (!dataset.themes.empty()) out.set_theme(dataset.themes.front());
  auto* personal = out.mutable_personal();
  const auto& assessment = dataset.assessment;
  personal->set_result(assessment.personal                    ? "personal"
                       : assessment.traceable_to_small_groups ? "not personal, traceable to small groups"
                                                              : "not personal");
  personal->set_method(assessment.method);
  personal->set_signer(assessment.signer);
  put_time(personal->mutable_until(), assessment.until);
  *out.add_offers() = to_proto(dataset.offer, dataset.offer_hash);
  out.set_version(published.version);
  if (published.version != 0) put_time(out.mutable_published(), published.published);
  out.set_retracted(published.retracted.has_value());
  out.set_open(dataset.access == catalog::Access::open);
  if (whole) out.set_document(json::serialise(catalog::public_json(dataset)));
  return out;
}

v1::FoundDataset to_proto(const ParticipantId& peer, const catalog::RemoteOffer& offer, bool evidence) {
  v1::FoundDataset out;
  out.set_peer(peer.str());
  out.set_dataset(offer.dataset.str());
  out.set_title(offer.title);
  auto* found = out.add_offers();
  *found->mutable_offer() = to_proto(offer.offer, offer.hash);
  found->set_usable(true);
  found->set_proof(evidence ? "proven" : "unproven");
  return out;
}

v1::Reason to_proto(const outbox::Reason& reason, bool ours) {
  v1::Reason out;
  out.set_code(reason.code);
  out.mutable_sentences()->Assign(reason.sentences.begin(), reason.sentences.end());
  out.set_ours(ours);
  return out;
}

v1::Delivery to_proto(const outbox::Delivery& delivery, std::string_view message) {
  v1::Delivery out;
  out.set_message(std::string(message));
  out.set_attempts(delivery.attempts);
  if (delivery.last_attempt) put_time(out.mutable_last_attempt(), *delivery.last_attempt);
  if (delivery.next_attempt) put_time(out.mutable_next_attempt(), *delivery.next_attempt);
  out.set_last_answer(delivery.last_answer);
  out.set_uncertain(delivery.uncertain);
  return out;
}

v1::Negotiation to_proto(const negotiation::Negotiation& from, bool whole) {
  v1::Negotiation out;
  out.set_id(from.own_pid.str());
  out.set_role(std::string(negotiation::to_string(from.role)));
  out.set_peer(from.peer.str());
  out.set_peer_id(from.peer_pid.str());
  out.set_dataset(from.dataset.str());
  out.set_offer(string_member(from.offer, "@id"));
  out.set_offer_hash(to_hex(from.offer_hash));
  if (from.state) out.set_state(upper(negotiation::to_string(*from.state)));
  out.set_waits_for(std::string(negotiation::to_string(negotiation::waits_for(from))));
  put_time(out.mutable_created(), from.created);
  put_time(out.mutable_since(), from.updated);
  if (from.deadline) put_time(out.mutable_deadline(), *from.deadline);
  if (from.pending) {
    *out.mutable_delivery() = to_proto(from.pending->delivery, negotiation::to_string(from.pending->kind));
  }
  if (from.planned) {
    out.set_planned(std::string(negotiation::kActNames.at(static_cast<std::size_t>(from.planned->act))));
    put_time(out.mutable_planned_for(), from.planned->due);
  }
  out.set_delivered_unconfirmed(from.delivered_unconfirmed);
  if (from.reason) *out.mutable_reason() = to_proto(*from.reason, from.reason_is_ours);
  out.set_agreement(string_member(from.agreement, "@id"));
  out.set_published_terms(from.published_hash.has_value());
  if (from.renews) out.set_renews(from.renews->str());
  out.set_ends_renewed(from.ends_renewed);
  if (whole) out.set_policy(json::serialise(from.offer));
  return out;
}

v1::Agreement to_proto(const negotiation::AgreementRecord& from, const ParticipantId& self, bool whole) {
  v1::Agreement out;
  out.set_id(from.id.str());
  out.set_role(std::string(negotiation::to_string(from.role)));
  out.set_peer(from.peer.str());
  out.set_dataset(from.dataset.str());
  out.set_state(from.active() ? "active" : "ended");
  put_time(out.mutable_agreed(), from.timestamp);
  out.set_agreement_hash(to_hex(from.agreement_hash));
  out.set_offer_hash(to_hex(from.offer_hash));
  out.set_negotiation(from.negotiation.str());
  if (from.ended) {
    put_time(out.mutable_ended(), from.ended->when);
    out.set_ended_by(from.ended->by.str());
    *out.mutable_reason() = to_proto(from.ended->reason, from.ended->by == self);
  }
  if (from.over) put_time(out.mutable_over(), *from.over);
  if (from.held) put_time(out.mutable_held(), *from.held);
  if (from.imported) {
    out.mutable_imported()->set_basis(from.imported->basis);
    out.mutable_imported()->set_document(to_hex(from.imported->document));
  }
  auto summary = summarise(from.agreement, false);
  out.mutable_purposes()->Assign(summary.purposes.begin(), summary.purposes.end());
  out.set_delete_after(summary.delete_after);
  if (whole) {
    out.set_policy(json::serialise(from.agreement));
    if (const auto by = catalog::decided_by_from_json(from.decided_by)) *out.mutable_decided_by() = to_proto(*by);
    if (!from.peer_identity.is_null()) out.set_peer_identity(json::serialise(from.peer_identity));
  }
  return out;
}

v1::DecidedBy to_proto(const catalog::DecidedBy& by) {
  v1::DecidedBy out;
  out.set_body(by.body);
  out.set_kind(std::string(catalog::to_string(by.kind)));
  out.set_reference(by.reference);
  return out;
}

Result<std::optional<catalog::DecidedBy>> read_decided_by(const v1::DecidedBy& said) {
  if (said.body().empty() && said.kind().empty() && said.reference().empty()) return std::optional<catalog::DecidedBy>();
  catalog::DecidedBy by;
  SLUIS_CHECK(require_id(said.body(), "decidedBy/body"));
  const auto kind = catalog::decided_kind(said.kind());
  if (!kind) return Error(kind.error()).at_pointer("/decidedBy/kind");
  if (said.reference().size() > limits::kReasonBytes) {
    return Error(ErrorCode::limit_exceeded, "the reference is too long").at_pointer("/decidedBy/reference");
  }
  by.body = said.body();
  by.kind = *kind;
  by.reference = said.reference();
  return std::optional<catalog::DecidedBy>(std::move(by));
}

v1::Transfer to_proto(const transfer::TransferProcess& from) {
  v1::Transfer out;
  out.set_id(from.own_pid.str());
  out.set_role(std::string(negotiation::to_string(from.role)));
  out.set_peer(from.peer.str());
  out.set_peer_id(from.peer_pid.str());
  out.set_agreement(from.agreement.str());
  out.set_dataset(from.dataset.str());
  out.set_format(from.format);
  if (from.state) out.set_state(upper(transfer::to_string(*from.state)));
  put_time(out.mutable_created(), from.created);
  put_time(out.mutable_since(), from.updated);
  if (from.pending) *out.mutable_delivery() = to_proto(from.pending->delivery, transfer::to_string(from.pending->kind));
  out.set_delivered_unconfirmed(from.delivered_unconfirmed);
  if (from.reason) *out.mutable_reason() = to_proto(*from.reason, from.reason_is_ours);
  out.set_suspended_by_us(from.suspended_by_us);
  if (from.push) {
    v1::Push& push = *out.mutable_push();
    push.set_to(transfer::without_query(from.endpoint));
    push.set_purpose(from.push->purpose);
    push.set_activity(from.push->activity);
    push.set_tries(from.push->tries);
    push.set_sent(from.push->sent);
    if (is_to_be_pushed(from) && from.push->next) put_time(push.mutable_next_try(), *from.push->next);
  }
  return out;
}

v1::Membership to_proto(const identity::MembershipList& list, std::string_view state, Timestamp now) {
  v1::Membership out;
  out.set_federation(list.federation);
  out.set_version(list.version);
  put_time(out.mutable_issued(), list.issued);
  put_time(out.mutable_refresh_after(), list.refresh_after);
  put_time(out.mutable_valid_until(), list.valid_until);
  out.set_state(std::string(state));
  for (const auto& signer : list.signers) out.add_signers(signer.key_id);
  for (const auto& party : list.parties) {
    auto* added = out.add_parties();
    added->set_participant(party.participant.str());
    added->set_name(party.name);
    added->set_class_of_recipient(party.class_of_recipient);
    added->set_evidence(party.evidence);
    for (const auto& endpoint : party.endpoints) {
      if (!endpoint.window.holds(now)) continue;
      added->set_url(endpoint.url);
      put_time(added->mutable_from(), endpoint.window.from);
      if (endpoint.window.until) put_time(added->mutable_until(), *endpoint.window.until);
      break;
    }
  }
  return out;
}

Result<void> wait_until(Backend& backend, std::uint32_t seconds, const std::function<Result<bool>()>& ready) {
  constexpr std::uint32_t kLongest = 20;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(std::min(seconds, kLongest));
  while (true) {
    const auto seen = backend.commits.seen();
    SLUIS_TRY(const bool done, ready());
    if (done || seconds == 0) return {};
    SLUIS_TRY(const bool changed, backend.commits.wait(seen, until));
    if (!changed) return {};
  }
}

}  // namespace sluis::management
