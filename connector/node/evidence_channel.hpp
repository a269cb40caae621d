#pragma once

#include "catalog/remote.hpp"
#include "connector/commit/sequencer.hpp"
#include "connector/http/port.hpp"
#include "connector/identity/directory.hpp"
#include "connector/node/writer.hpp"
#include "connector/outbox/item.hpp"
#include "connector/provenance/receipt.hpp"

#include <map>
#include <mutex>
#include <set>

namespace sluis::node {

/// What the channel needs; all of it outlives it.
struct EvidenceDependencies {
  CommitPort& commits;
  const storage::Reader& store;
  provenance::PayloadKeys& payload_keys;
  const provenance::LogReader& log;
  const commit::Sequencer& sequencer;
  const identity::Directory& directory;
  const Clock& clock;
  Random& random;
  Writer& writer;
  http::PeerTransport& transport;
  std::function<Result<ParticipantId>(const http::Request&)> authenticate;
  /// negotiation::Service::ended_by_peer.
  std::function<Result<void>(const AgreementId&, const ParticipantId& peer, const outbox::Reason&, const Commit&)> ended_by_peer;
  /// negotiation::Service::terminate_agreement, by a person.
  std::function<Result<void>(const AgreementId&, const outbox::Reason&, const std::string& person)> end_agreement = {};
  /// negotiation::Service::apply_again.
  std::function<Result<void>(const AgreementId&, Commit)> apply_again = {};
  /// Of each party; null: as many as it likes.
  Quota* mistakes = nullptr;
  /// PeerLogs::heard: a note that its log signed came from a party. Unset: nobody holds them against each other.
  std::function<void(const ParticipantId& peer, const std::string& note, const provenance::Checkpoint& checkpoint)> heard = {};
};

/// What a route of the evidence channel answers where it gives nothing.
http::Response evidence_refusal(unsigned status, std::string_view code, std::string_view reason);
/// Who was not let in: 429 for a party over its quota; to all others there is nothing here.
http::Response evidence_refusal(const Error& not_let_in);

/// Evidence between nodes (D20): proofs that an offer was published, and receipts of entries that concern the other party.
/// Thread-safe; worker threads only.
class EvidenceChannel {
 public:
  EvidenceChannel(ParticipantId self, EvidenceDependencies with) : self_(std::move(self)), with_(std::move(with)) {}

  /// `/.well-known/sluis-evidence`, `/evidence/v1/offers/<hash>`, `/evidence/v1/receipts`.
  std::vector<http::Route> routes();

  /// Asks a peer for the proof that its log has this offer, and checks it. A proof that held is not asked for again: the
  /// log that it is from only grows. Errors: peer_unavailable, not_found,
  /// permission_denied (the proof does not hold).
  Result<void> check_offer(const ParticipantId& peer, const catalog::RemoteOffer& offer);

  /// Adds the message that carries the receipt of the commit's first entry to the peer, if the peer takes receipts. One that is not
  /// in the list any more, and whose log showed something before, has it as well: it becomes a dead letter, which can be sent when it is back.
  void send_receipt(Commit& commit, const ParticipantId& peer, std::string_view process);
  /// Whether it adds one.
  bool takes_receipts(const ParticipantId& peer) const;
  /// outbox::Deliver for service "evidence".
  outbox::Delivered deliver(const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp retry_at);

  /// A receipt of an entry of the peer's log that concerns this node: checked, kept, recorded, and acted on where it is of an agreement's
  /// end. invalid_argument, permission_denied: it is none.
  Result<void> take(const ParticipantId& peer, const std::string& text);

  /// The entry of this node's log that publishes or declares what has this digest. not_found.
  Result<std::uint64_t> entry_of(provenance::EntryKind kind, const Hash& digest);
  /// The first entry of a commit of this node. not_found.
  Result<std::uint64_t> first_entry(std::string_view commit_id) const;
  /// Of an entry of this node's log, for who may have it.
  Result<provenance::Receipt> receipt_of(std::uint64_t entry) const;
  /// The checkpoint, of a log that the membership list has for this peer; whoever holds its notes against each other is told, without what others
  /// signed. not_found; permission_denied, also where it is larger than any note has to be: such a one could not be recorded.
  Result<provenance::Checkpoint> open_note(const ParticipantId& peer, const std::string& note, Timestamp now) const;
  /// That the entry is in such a log. not_found, permission_denied.
  Result<void> check_receipt(const ParticipantId& peer, const provenance::Receipt& receipt, Timestamp now) const;

  /// Whether receipts of this peer prove anything: not while its log contradicts itself. False also where that cannot be read.
  bool may_prove(const ParticipantId& peer) const;
  /// Where a receipt of the peer's log is kept, by the log it is of: a party may have had several.
  static std::string receipt_key(const ParticipantId& peer, const provenance::Receipt& receipt);

  static constexpr std::size_t kNoteBytes = 4096;  ///< of a checkpoint, with what its witnesses signed

 private:
  void remember(const provenance::Leaf& leaf, std::uint64_t number);
  http::Response offer_proof(const http::Request& request);
  http::Response take_receipt(const http::Request& request);
  Result<bool> is_due(const ParticipantId& peer, const provenance::Receipt& receipt, const v1::Shared& shared) const;

  ParticipantId self_;
  EvidenceDependencies with_;
  std::mutex mutex_;
  std::set<std::pair<std::string, Hash>> proven_;       ///< peer and offer
  std::map<std::pair<provenance::EntryKind, Hash>, std::uint64_t> entries_;  ///< read from the log's leaves, up to `scanned_`
  std::uint64_t scanned_ = 0;
};

}  // namespace sluis::node
