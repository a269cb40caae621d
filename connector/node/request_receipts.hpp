#pragma once

#include "connector/gate/ports.hpp"
#include "connector/node/receipt_messages.hpp"

#include <atomic>
#include <set>

namespace sluis::node {

/// Receipts of data requests (D20). Once a pull has ended, the consumer's node acknowledges it: it sends the receipt of its own
/// entry of what came, through the outbox, and gets those of the provider's decision and of the release's end for it. The provider's node
/// records each acknowledgement. What does not come in time, or does not fit what this node has seen, is an entry of its own.
///
/// Of a party with evidence only, and of requests that the consumer's claim named. One message carries what waits for a party, up to a
/// bound: under load the proofs of many requests share one signature. Nothing here is on the way of a pull but a few keys in commits that are
/// made anyhow. Thread-safe; worker threads only.
class RequestReceipts final : public gate::RequestReceipts {
 public:
  struct Options {
    ParticipantId self;
    Duration within = std::chrono::hours(24);  ///< what is not there by then is missing; what comes later is taken for a month more
  };
  /// `notify`: a commit put a message for this process into the outbox. `channel` and all in `with` outlive this.
  RequestReceipts(Options options, EvidenceDependencies with, const EvidenceChannel& channel,
                  std::function<void(std::string_view peer, std::string_view process)> notify);

  std::string decided(Commit& commit, const v1::Shared& decision, bool permit) override;
  void released(Commit& commit, const v1::Shared& end) override;
  void received(Commit& commit, const v1::Shared& end) override;
  void recorded(const v1::Shared& end) override;

  /// `POST /evidence/v1/acknowledgements`: `{"receipts": [of entries of what came]}` gives, in their order, `{"results": [{"state",
  /// "decision", "end"}]}`. States: `proven`; `early`, the release's end is not recorded yet; `unknown`, there was no such request of this
  /// party; `gone`, the proof cannot be made any more; `refused`, with a `reason`.
  std::vector<http::Route> routes();
  /// outbox::Deliver for service "acknowledgement".
  outbox::Delivered deliver(const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp retry_at);
  /// Records what is missing by now. When there may be more. Errors: those of the store and of CommitPort.
  Result<std::optional<Timestamp>> on_timer();
  /// The other party's receipts of this request, as JSON; none: none are held. storage_unavailable.
  Result<std::vector<std::string>> kept(const ParticipantId& peer, std::string_view transaction) const;

  std::uint64_t taken() const { return taken_; }      ///< since the start: requests that the other party's log proves
  std::uint64_t missing() const { return missing_; }  ///< since the start: that it did not, or not as they were seen here

 private:
  struct Waiting;
  /// Of the timer.
  struct Round {
    Timestamp now;
    Commit commit = {};
    std::optional<std::set<std::string>> running = {};  ///< read once, where it is needed
    std::uint64_t missing = 0;                          ///< that nobody can say to be missing for a reason of this node
  };
  struct Notes;

  bool has_evidence(const ParticipantId& peer) const;
  std::string new_id(std::string_view what) const;
  Result<void> keep(const std::string& key, const std::string& text, Timestamp now, Commit& commit) const;
  Result<std::string> take_all(const ParticipantId& peer, const json::Array& receipts);
  std::string take_one(Notes& notes, const std::string& text, Commit& commit);
  Result<provenance::Receipt> receipt_of(std::string_view commit_id, Notes& notes) const;
  Result<std::vector<Waiting>> waiting(Notes& notes, ReceiptDelivery& delivery, const std::string& from) const;
  Result<void> settle(const Waiting& one, const json::Value& result, Notes& notes, Commit& commit);
  Result<void> takes_none(const ParticipantId& peer, Timestamp now);
  Result<std::set<std::string>> running() const;
  Result<std::optional<Timestamp>> recovered_since(std::uint64_t entry) const;
  Result<void> miss(std::string_view due_key, Round& round);

  Options options_;
  EvidenceDependencies with_;
  const EvidenceChannel& channel_;
  std::function<void(std::string_view, std::string_view)> notify_;
  ReceiptTurns turns_;
  std::atomic<std::uint64_t> taken_ = 0;
  std::atomic<std::uint64_t> missing_ = 0;
};

}  // namespace sluis::node
