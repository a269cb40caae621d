#pragma once

#include "catalog/catalog.hpp"
#include "catalog/remote.hpp"
#include "connector/identity/directory.hpp"
#include "connector/management/backend.hpp"
#include "connector/management/caller.hpp"
#include "policy/odrl/model.hpp"
#include "sluis/v1/agreement.pb.h"
#include "sluis/v1/catalog.pb.h"
#include "sluis/v1/dataset.pb.h"
#include "sluis/v1/membership.pb.h"
#include "sluis/v1/transfer.pb.h"

/// The node's values as messages, and back.
namespace sluis::management {

void put_time(google::protobuf::Timestamp* out, Timestamp time);
Result<Timestamp> read_time(const google::protobuf::Timestamp& time, std::string_view pointer);

/// Items of a page: 0 is the default; more than the most is cut.
std::size_t page_size(std::uint32_t asked);

/// invalid_argument: empty, or longer than an id may be.
Result<void> require_id(const std::string& id, std::string_view field);

/// What an empty function of the backend comes to.
Error not_here(std::string_view what);

/// Base address of the party's Dataspace Protocol: as it announces it, or as a person gave it. invalid_argument: of an origin that the
/// membership list has not for it.
Result<std::string> dsp_of(const Backend& backend, const ParticipantId& peer, std::string address);

/// A party by its participant id, or by its name where just one has it. not_found, with a suggestion.
Result<ParticipantId> find_party(const identity::Directory& directory, const std::string& named);
/// A purpose by IRI, `dpv:Name` or bare name. invalid_argument with a suggestion.
Result<policy::PurposeIndex> find_purpose(const policy::Vocabulary& vocabulary, const std::string& named);
Result<std::shared_ptr<const policy::Vocabulary>> vocabulary_of(const Backend& backend);
/// What reading a dataset file needs of this node; valid while the backend is.
catalog::DatasetContext dataset_context(const Backend& backend, std::shared_ptr<const policy::Vocabulary> vocabulary);

/// What the rules of a policy say, in short.
struct PolicySummary {
  std::vector<std::string> purposes;
  std::vector<std::string> classes;
  std::string delete_after;
};
PolicySummary summarise(const json::Value& policy, bool in_catalogue);

v1::Offer to_proto(const json::Value& offer, const Hash& hash);
v1::Dataset to_proto(const catalog::PublishedDataset& published, bool whole);
v1::FoundDataset to_proto(const ParticipantId& peer, const catalog::RemoteOffer& offer, bool evidence);
v1::Reason to_proto(const outbox::Reason& reason, bool ours);
v1::Delivery to_proto(const outbox::Delivery& delivery, std::string_view message);
v1::Negotiation to_proto(const negotiation::Negotiation& negotiation, bool whole);
v1::Agreement to_proto(const negotiation::AgreementRecord& record, const ParticipantId& self, bool whole);
v1::Transfer to_proto(const transfer::TransferProcess& process);
v1::Membership to_proto(const identity::MembershipList& list, std::string_view state, Timestamp now);

v1::DecidedBy to_proto(const catalog::DecidedBy& by);
/// None where nothing was said. invalid_argument: without a body, or of an unknown kind.
Result<std::optional<catalog::DecidedBy>> read_decided_by(const v1::DecidedBy& said);

/// Waits until `ready` says yes, at most so many seconds (no more than 20), looking again after each commit.
Result<void> wait_until(Backend& backend, std::uint32_t seconds, const std::function<Result<bool>()>& ready);

}  // namespace sluis::management
