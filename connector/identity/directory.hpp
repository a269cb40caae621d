#pragma once

#include "connector/http/port.hpp"
#include "connector/identity/membership.hpp"

#include <atomic>
#include <memory>
#include <mutex>

namespace sluis::identity {

/// A caller's certificate, where it was verified and is valid now; as long as `peer` lives. unauthenticated, with the reason.
Result<const http::PeerCertificate*> verified_certificate(const http::TlsPeer& peer, Timestamp now);

using PartyPtr = std::shared_ptr<const Party>;

/// fresh; stale: past `refresh_after`, all goes on with a warning; expired: past `valid_until`, or no list at all.
enum class ListState : std::uint8_t { fresh, stale, expired };
std::string_view to_string(ListState state);

/// How a list that is well signed stands to the one that is held.
enum class Standing : std::uint8_t {
  newer,    ///< or the first
  same,
  older,    ///< somebody is behind, or rolls back
  another,  ///< the same version says something else: its signers contradict themselves
};

/// The newest membership list, as the node asks it. Thread-safe: readers see one whole list.
///
/// Who may sign the next list: those whom the list held names, as many as its threshold says and never fewer than the configuration's. Keys
/// so roll over from list to list, and one that was rolled out signs nothing any more. The configured keys decide on the first list, and
/// on the next one after they were changed.
class Directory {
 public:
  explicit Directory(Trust configured) : configured_(std::move(configured)) {}

  /// Takes an envelope over after verifying it; the caller keeps its bytes (and loads the kept ones first, at start).
  /// Refused: badly signed (permission_denied), older than the one held, or another list of the same version
  /// (conflict), issued in the future or expired already, or with fewer signers than the configuration wants
  /// (invalid_argument; `at_start` takes an expired one, so that terminations still pass).
  Result<void> load(std::string_view envelope, Timestamp now, bool at_start = false);
  /// At start: an envelope that was kept. `under`: `digest_of` the configuration when it was taken; where that is another now, or not
  /// known, the configured keys have to have signed it, as they have to sign the next.
  Result<void> load_kept(std::string_view envelope, std::string_view under);
  /// The same list as another directory of this configuration has, and the same signers.
  void take_over(const Directory& other);

  /// What is in an envelope whose signatures are good now.
  Result<MembershipList> read(std::string_view envelope, std::string_view file) const;
  /// Like `read`, and how it stands to what is held.
  Result<Standing> standing(std::string_view envelope) const;

  /// Null before the first.
  std::shared_ptr<const MembershipList> list() const { return list_.load(); }
  ListState state(Timestamp now) const;
  /// Whether new negotiations and pulls may begin; else permission_denied with the reason. Terminations need not ask.
  Result<void> allows_new(Timestamp now) const;

  /// not_found.
  Result<PartyPtr> find(const ParticipantId& participant) const;
  /// The party that has this certificate *now* (D27). unauthenticated: none presented, not verified, or not listed.
  /// An expired list still answers: ask allows_new.
  Result<PartyPtr> party_by_certificate(const http::TlsPeer& peer, Timestamp now) const;
  /// not_found: no such key, or not now.
  Result<crypto::Key> claim_key(const ParticipantId& participant, std::string_view kid, Timestamp now) const;
  /// Whether the address has the origin (scheme, host, port) of an endpoint that the party has now.
  bool origin_allowed(const ParticipantId& participant, std::string_view url, Timestamp now) const;
  /// The party's first endpoint that holds now. not_found.
  Result<std::string> endpoint(const ParticipantId& participant, Timestamp now) const;
  /// The verification key of a log that is the party's now. not_found.
  Result<std::string> log_key(const ParticipantId& participant, std::string_view origin, Timestamp now) const;
  /// Whether this party keeps a log now whose receipts it exchanges (D20).
  bool keeps_evidence(const ParticipantId& participant, Timestamp now) const;

 private:
  Result<Trust> trust() const;  ///< under mutex_
  Standing standing(const MembershipList& list, std::string_view payload) const;  ///< under mutex_

  const Trust configured_;
  std::atomic<std::shared_ptr<const MembershipList>> list_;
  std::string payload_;      ///< of list_; under mutex_
  bool signers_hold_ = false;  ///< those that list_ names sign the next; else the configured; under mutex_
  mutable std::mutex mutex_;   ///< one load at a time
};

/// What an agreement freezes of a party: `{participant_id, name, class, oin, kvk, federation, membership_version,
/// taken}`; members without a value are left out.
json::Value legal_identity(const Party& party, const MembershipList& list, Timestamp now);

/// Scheme, host in lower case and port of an address, with the default port left out. invalid_argument.
Result<std::string> origin_of(std::string_view url);
/// Whether it is an `http` address of this machine, by its number: the only place where a peer is reached in clear.
bool is_local_http(std::string_view url);

}  // namespace sluis::identity
