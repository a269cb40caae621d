#pragma once

#include "connector/base/log.hpp"
#include "connector/base/quota.hpp"
#include "connector/base/random.hpp"
#include "connector/base/trace.hpp"
#include "connector/gate/assess.hpp"
#include "connector/gate/refusals.hpp"
#include "connector/gate/release.hpp"
#include "connector/provenance/payload_keys.hpp"

#include <atomic>

namespace sluis::gate {

/// What the gate needs; all of it outlives the gate.
struct GateDependencies {
  CommitPort& commits;
  const storage::Reader& store;
  const Clock& clock;
  const DecisionClock& decision_clock;
  Random& random;
  Datasets& datasets;
  Membership& membership;
  ProgramCache& programs;
  StreamRegistry& streams;
  RefusalCounter& refusals;
  /// What is kept of a release that has not ended yet is sealed with them.
  provenance::PayloadKeys& payload_keys;
  /// Refusals of one party that get an entry each.
  Quota& mistakes;
  VocabularySource vocabulary;
  /// Whose certificate came, now; unauthenticated: nobody's that the list has; limit_exceeded: over its quota of requests.
  std::function<Result<Party>(const http::Request&)> authenticate;
  /// transfer::Service::find_by_handle.
  std::function<Result<transfer::TransferView>(std::string_view handle)> find_by_handle;
  /// identity::Directory::claim_key at this time.
  std::function<Result<crypto::Key>(const ParticipantId&, std::string_view kid, Timestamp now)> claim_key;
  /// 32 bytes; the keys of pseudonyms come from it. Empty: `pseudonymise` is refused.
  std::string pseudonym_root = {};
  /// This node's own.
  DeclarationSource declarations = {};
  /// Own newest checkpoint, as a note; empty: none yet.
  std::function<std::string()> checkpoint = [] { return std::string(); };
  /// Null: none are sent or expected.
  RequestReceipts* receipts = nullptr;
  /// Whether the checkpoint of a claim is one of that party's log. permission_denied, with why: it is not. Unset: none is looked at.
  std::function<Result<void>(const ParticipantId& peer, const std::string& note)> peer_note = {};
};

/// A push that is due: a transfer of ours that has started, and whose party asked for the data to be sent.
struct PushRequest {
  Party party;            ///< by the membership list, with the certificate that the receiver has shown
  transfer::TransferView transfer;
  std::string claim;      ///< that came with the request of the transfer; empty: none
  Timestamp requested;    ///< when it came
  std::string target;     ///< path and query of the address that the data go to
  std::string to;         ///< that address as it is recorded
  std::function<Result<bool>()> still_due;
  /// Whether the membership list has the address's origin for the party then; asked again while it is sent.
  std::function<bool(Timestamp now)> origin_allowed;
  Trace decided = {};   ///< the step in which it is decided; none: one of a new trace
  Trace released = {};  ///< and that in which it is sent, which the receiver is told
};

/// The provider's side of a pull (D15): who, what, why; decided, recorded, and only then released. Thread-safe; worker
/// threads only.
class Gate {
 public:
  Gate(ParticipantId self, GateDependencies dependencies);
  ~Gate();

  /// GET `/data` and `/data/<own pid or dataset id>`, and below that what an upstream has. Answers: 200 streamed, or 206; 403 with a reason,
  /// 404 for an empty choice, 412 and 416, all recorded; 404 for whom this node does not know or who has no handle of its own; 405 to HEAD
  /// of who has one, without a record, as nothing is decided; 429 over a quota; 502 and 504 of an upstream; 503 when it cannot
  /// record, or the party has as many requests with an upstream as it may.
  std::vector<http::Route> routes();

  /// One try of a push: decided, recorded and released as a pull is (decision 32). Its answer is that of a pull: with `stream`, it is permitted and
  /// recorded, and the data go to the sink that it is called with; else the refusal, recorded, or 429, 503. Called once the connection to the
  /// receiver stands, so that one that does not come about is no decision.
  http::Response push(const PushRequest& request);

  /// After the commit of a revocation; cuts at once.
  void on_revoked(const AgreementId& agreement, const policy::Reason& reason);
  void on_revoked(const ProcessId& own_pid, const policy::Reason& reason);
  /// The wall clock stepped, or membership, datasets or vocabulary changed.
  void on_clock_step();
  /// The node stops: no file is looked at any further to see whether a part of it may leave; who asks for one gets 503.
  void on_stopping() { verbatim_.stop(); }
  /// At start: releases without an end are closed as unknown, claims that are too old to be replayed are forgotten.
  Result<void> recover();
  /// Removes claims whose time has passed; called by itself now and then.
  Result<void> prune_claims();

 private:
  struct Asked;
  class Running;

  http::Response handle(const http::Request& request);
  http::Response unknown(std::string_view reason);
  http::Response undecided(const Asked& asked);
  std::optional<http::Response> find_transfer(Asked& asked, std::string_view handle);
  std::optional<policy::Reason> read_claim(Asked& asked, Timestamp now) const;
  Result<std::optional<policy::Reason>> judge(Asked& asked, Timestamp now) const;
  Result<Reevaluation> look(Asked& asked, Timestamp now) const;
  Reevaluation look_again(Asked asked, Timestamp now) const;
  http::Response decide(const std::shared_ptr<Asked>& asked, const std::shared_ptr<Stream>& stream);
  Result<std::optional<policy::Reason>> check_series(Asked& asked) const;
  Result<void> record_permit(Asked& asked, const std::string& source);
  http::Response refuse(Asked& asked, const policy::Reason& reason, unsigned status = 403, const http::Headers& headers = {});
  http::Response record_refusal(Asked& asked, const policy::Reason& reason, unsigned status);
  http::Response release(const std::shared_ptr<Asked>& asked, const std::shared_ptr<Stream>& stream,
                         PreparedRelease prepared);
  Commit decision(Asked& asked, const policy::Reason& reason, bool permit, const std::string& source) const;
  void guard_replay(Commit& commit, const Asked& asked) const;
  bool is_two_sided(const Asked& asked) const;
  void expect_receipts(Commit& commit, Asked& asked, bool permit) const;
  void maybe_prune();

  ParticipantId self_;
  GateDependencies with_;
  std::atomic<std::int64_t> pruned_minute_ = 0;
  mutable log::Seldom claim_told_;
  Verbatim verbatim_;
  UpstreamCalls calls_;  ///< by party
  UpstreamCalls live_;   ///< live streams, by party
};

}  // namespace sluis::gate
