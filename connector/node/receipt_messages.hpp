#pragma once

#include "connector/node/evidence_channel.hpp"

#include <set>

/// What receipts of data requests and of agreements have in common: one message carries those that wait for a party, up to a bound, and has one
/// result for each as its answer.
namespace sluis::node {

inline constexpr std::size_t kReceiptsAtOnce = 32;                    ///< in one message
inline constexpr std::size_t kReceiptMessageBytes = 512U << 10U;      ///< then it takes no further one
inline constexpr std::size_t kReceiptRouteBytes = 1U << 20U;          ///< of a body that is read
inline constexpr std::size_t kReceiptsDueAtOnce = 64;

/// A JSON list of texts that are JSON.
std::string json_list(const std::vector<std::string>& texts);
/// A result without a proof: `{"state": …}`.
std::string receipt_state(std::string_view state);

/// The checkpoints of one message: each is opened once, this node's as well. One thread.
class ReceiptNotes {
 public:
  ReceiptNotes(const EvidenceDependencies& with, const EvidenceChannel& channel, ParticipantId self, ParticipantId peer)
      : now_(with.clock.now()), with_(with), channel_(channel), self_(std::move(self)), peer_(std::move(peer)) {}

  const ParticipantId& peer() const { return peer_; }
  Timestamp now() const { return now_; }
  /// False: this was spoken of before in the same message.
  bool first(const std::string& what) { return spoken_of_.insert(what).second; }
  /// Whether more of the message is looked at: not of a party whose log contradicts itself (a person decides first), or that made more mistakes than it may.
  bool goes_on() const { return !spent_ && channel_.may_prove(peer_); }
  /// The result for a mistake, which counts.
  std::string refused(const Error& why);

  /// A receipt of the peer's log that concerns this node, checked; and what it says. not_found: the list has no such log of the peer now, and
  /// may have it later.
  Result<v1::Shared> check(const provenance::Receipt& receipt);
  /// Of this node's own entry. not_found: it was erased or pruned; storage_unavailable: no checkpoint covers it yet.
  Result<provenance::Receipt> make(std::uint64_t entry);

 private:
  const Timestamp now_;
  const EvidenceDependencies& with_;
  const EvidenceChannel& channel_;
  const ParticipantId self_, peer_;
  bool spent_ = false;
  std::optional<std::string> note_;
  provenance::Checkpoint opened_;
  std::string own_note_;
  provenance::Checkpoint own_;
  std::set<std::string> spoken_of_;
};

/// `{"receipts": [1 to 32]}` gives `{"results": …}` as `all` has it, which is asked again where others were faster.
http::Response take_receipts(const EvidenceDependencies& with, const http::Request& request,
                             const std::function<Result<std::string>(const ParticipantId& peer, const json::Array& receipts)>& all);

/// One delivery of the outbox: what it records, and the messages that leave with that. One thread.
class ReceiptDelivery {
 public:
  ReceiptDelivery(const EvidenceDependencies& with, const outbox::OutboxItem& item) : with_(with), item_(item) {}

  Commit commit;
  /// A message that has been answered, or of which nothing can be said any more. By its key.
  void remove(const std::string& key) {
    commit.changes.push_back({key, std::nullopt});
    ++left_;
  }
  /// The message and its body, of those that wait: the first one, and then on from behind `from`, so that what stays early holds up nothing behind it.
  Result<std::vector<std::pair<std::string, std::string>>> waiting(std::string_view service, const std::string& from) const;

  struct Answer {
    std::optional<json::Array> results;                   ///< one for each
    outbox::Verdict otherwise = outbox::Verdict::retry;  ///< what it comes to without
    bool no_route = false;                                ///< the peer answers as one that takes no such receipts
  };
  Answer send(std::string_view path, const std::vector<std::string>& receipts) const;

  /// Commits. `answered`: by the peer, so that what is removed is done; else it is gone from the store, and found so.
  outbox::Delivered finish(outbox::Verdict otherwise, bool answered = false);

 private:
  const EvidenceDependencies& with_;
  const outbox::OutboxItem& item_;
  std::uint64_t left_ = 0;
};

/// Where the last message to a peer ended, if it was full. Thread-safe.
class ReceiptTurns {
 public:
  std::string take(const std::string& peer);
  void put(const std::string& peer, std::string message);

 private:
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> last_;
};

/// The first keys of an index by time (outbox/due.hpp) that are due, with their values; and when there may be more.
struct DueReceipts {
  std::vector<std::pair<std::string, std::string>> found;
  std::optional<Timestamp> next;
};
Result<DueReceipts> due_receipts(const storage::Reader& store, std::string_view prefix, Timestamp now);

}  // namespace sluis::node
