#pragma once

#include "connector/gate/assess.hpp"
#include "connector/provenance/payload_keys.hpp"
#include "connector/gate/streams.hpp"
#include "connector/intake/relay.hpp"
#include "connector/provenance/entry.hpp"

#include <vector>

namespace sluis::intake {

/// An application of our own that was authenticated by its token.
struct Application {
  std::string name;                     ///< of the person or program that the token was made for
  std::vector<std::string> activities;  ///< the processing activities it may name
};

/// That the register of activities has one, until when, and how it was read.
struct Registered {
  Timestamp until = Timestamp::max();  ///< exclusive
  Precondition as_read = {};           ///< of the commit that relies on it; without a key: none
  identity::ActivitySays says = {};
};

/// What the intake needs; all of it outlives the intake.
struct Dependencies {
  CommitPort& commits;
  const storage::Reader& store;
  const gate::DecisionClock& decision_clock;
  Random& random;
  gate::Membership& membership;
  gate::ProgramCache& programs;
  gate::StreamRegistry& streams;
  /// What is kept of a pull that has not ended yet is sealed with them.
  provenance::PayloadKeys& payload_keys;
  http::Upstream& upstream;
  gate::VocabularySource vocabulary;
  /// unauthenticated: no such token; permission_denied: another role.
  std::function<Result<Application>(const http::Request&)> authenticate;
  /// transfer::Service::access.
  std::function<Result<transfer::Access>(const ProcessId& own_pid)> access;
  /// Whether the register has this activity now, bound to this purpose (full IRI); else permission_denied with why.
  std::function<Result<Registered>(std::string_view activity, std::string_view purpose, Timestamp now)> activity_allows;
  /// Signs with the newest claim key: identity::make_claim.
  std::function<Result<std::string>(const identity::Claim&)> sign_claim;
  /// Own newest checkpoint; empty: none yet.
  std::function<std::string()> checkpoint;
  /// The provider's, with proof, asked at each request.
  gate::DeclarationSource declarations = {};
  /// A request that was refused as nothing could be read or recorded; empty: of which party's data is not known.
  std::function<void(const ParticipantId& peer)> undecided = [](const ParticipantId&) {};
  /// Null: none are sent or expected.
  gate::RequestReceipts* receipts = nullptr;
  /// Whether the checkpoint of an answer is one of that party's log. permission_denied, with why: it is not. Unset: none is looked at.
  std::function<Result<void>(const ParticipantId& peer, const std::string& note)> peer_note = {};
};

struct Options {
  ParticipantId self;
  std::string class_of_recipient;             ///< our own
  std::chrono::milliseconds patience{3'600'000};  ///< for one whole pull
  std::string subject_key = {};               ///< under which persons are marked in the log; empty: none may be named
};

/// The consumer's side of a pull (D15): an application asks its own node, which decides first, records the intent,
/// fetches, streams through and records what came. Thread-safe; worker threads only.
class Intake {
 public:
  Intake(Options options, Dependencies dependencies);
  ~Intake();

  /// GET `/intake/<own pid>`, with headers `sluis-purpose` and `sluis-activity`, and where it is about one person `sluis-data-subject`
  /// (provenance::read_subject): that stays in this node's log, as a mark. What stands below it, its query, `range`, `if-match` and
  /// `if-range` go to the provider as they are: each such request is decided and recorded like any other.
  std::vector<http::Route> routes();
  /// At start: an intent without an end is closed as unknown.
  Result<void> recover();

 private:
  struct Asked;
  class Running;

  http::Response handle(const http::Request& request);
  http::Response decide(const std::shared_ptr<Asked>& asked, const std::shared_ptr<gate::Stream>& stream);
  Result<gate::Reevaluation> look(Asked& asked, const gate::DeclarationSource& declarations, Timestamp now) const;
  gate::Reevaluation look_again(Asked asked, Timestamp now) const;
  /// Why the provider's certificate, on whose connection this pull runs, is none any more; nothing: it is good, or not known yet.
  std::optional<policy::Reason> revoked(const Asked& asked) const;
  EntryDraft begin(Asked& asked, provenance::EntryKind kind, std::string_view event, const policy::Reason& reason,
                   bool permit) const;
  Result<void> record_intent(Asked& asked) const;
  http::Response refuse(Asked& asked, const policy::Reason& reason) const;
  http::Response undecided(const Asked& asked) const;

  Options options_;
  Dependencies with_;
};

/// `ret/<agreement id>`: a duty to delete that stands against us.
inline constexpr std::string_view kRetentionPrefix = "ret/";
std::string retention_key(const AgreementId& agreement);

}  // namespace sluis::intake
