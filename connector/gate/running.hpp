#pragma once

#include "connector/gate/evidence.hpp"
#include "connector/gate/gate.hpp"

namespace sluis::gate {

inline constexpr std::string_view kReleasePrefix = "rel/";        ///< releases without an end
inline constexpr std::string_view kReplayDuePrefix = "jti-due/";  ///< `<16 hex digits of time>/<replay key>`

/// One data request on its way through the gate.
struct Gate::Asked {
  Party party;
  std::string method;
  std::string path;          ///< with query, as received
  std::string claim_header;  ///< empty: none came
  std::optional<Timestamp> pushed;  ///< of a push: when it was asked for; its claim is of then, and for the whole transfer
  std::string pushed_to;     ///< of a push: the address, for the record
  std::function<bool(Timestamp now)> origin_allowed;  ///< of a push
  Wanted wanted;
  transfer::TransferView transfer;
  bool started = false;
  std::string state;         ///< of a transfer that is not started

  std::string transaction;
  std::string purpose;       ///< as claimed
  std::string activity;
  std::optional<identity::ActivitySays> says;  ///< of it, in the claim
  std::string peer_checkpoint;
  std::string claim_kid;     ///< of the key that signed the claim; empty: none came, or its signature is not good
  std::string replay_key;    ///< of a claim that is right in all; else empty
  std::string receipts_key;  ///< ends the keys of the conditions that the claim's transaction is new; else empty

  /// Of a conflict at that key: the party named another request the same, just now.
  bool is_named_twice(const std::string& key) const { return !receipts_key.empty() && key.ends_with(receipts_key); }
  std::optional<ReleasePlan> plan;
  Verdict verdict;
  std::optional<std::int64_t> use;  ///< of a permit that counts: the uses before it
  Timestamp valid_until = Timestamp::max();
  std::vector<storage::Change> series;  ///< of pseudonyms, that begin with this release
  Trace decided;             ///< the step in which it is decided
  Trace released;            ///< and that in which it is released
  std::string open_key;
  v1::Shared begun;          ///< the shared part of the decision that was recorded

  /// What the end of the release says besides.
  v1::Internal end() const;
};

/// A release whose decision is durable. Records its end in every case, also when it is never run.
class Gate::Running {
 public:
  Running(GateDependencies& with, std::shared_ptr<const Asked> asked, std::shared_ptr<Stream> stream,
          PreparedRelease prepared)
      : with_(with), asked_(std::move(asked)), stream_(std::move(stream)), prepared_(std::move(prepared)) {}
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void run(http::ResponseSink& sink);

 private:
  void record(const ReleaseEnd& end);

  GateDependencies& with_;
  std::shared_ptr<const Asked> asked_;
  std::shared_ptr<Stream> stream_;
  PreparedRelease prepared_;
  bool recorded_ = false;
};

}  // namespace sluis::gate
