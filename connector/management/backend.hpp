#pragma once

#include "catalog/catalog.hpp"
#include "catalog/remote.hpp"
#include "connector/base/random.hpp"
#include "connector/declaration/definitions.hpp"
#include "connector/gate/progress.hpp"
#include "connector/identity/directory.hpp"
#include "connector/management/commit_signal.hpp"
#include "connector/negotiation/service.hpp"
#include "connector/outbox/dead_letter.hpp"
#include "connector/outbox/standing.hpp"
#include "connector/provenance/log_store.hpp"
#include "connector/provenance/subject.hpp"
#include "connector/transfer/service.hpp"
#include "sluis/v1/audit.pb.h"
#include "sluis/v1/node.pb.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluis::v1 {
class ShowMembershipResponse;
}

namespace sluis::management {

struct Finding {
  std::string name;
  bool good = false;
  std::string message;
  std::string mend;
};

/// What taking over a list or a vocabulary came to.
struct Taken {
  bool unchanged = false;
  std::uint64_t entry = 0;
};

/// Who published something, and the body that decided it.
struct PublishedBy {
  std::string person;
  std::optional<catalog::DecidedBy> decided_by;
};

/// A duty to delete, stored as JSON at `ret/<agreement>`; written by intake/.
struct RetentionRecord {
  AgreementId agreement;
  DatasetId dataset;
  ParticipantId peer;
  Timestamp last_end;
  Timestamp due;
  std::optional<Timestamp> confirmed;
};

/// Of an agreement: whether the other party's log proves it as well.
struct AgreementEvidence {
  std::string state;                   ///< as v1::Agreement.evidence
  std::optional<std::uint64_t> entry;  ///< here; none: it is of before this was kept
  std::string theirs;                  ///< the other party's receipt, as JSON; empty: none is held
};

/// What the node gives to the management methods; all of it outlives them. Functions may be called from many threads;
/// one that is empty makes its methods answer invalid_state.
struct Backend {
  ParticipantId self;
  std::string name;
  std::string version;
  std::string log_origin;
  Timestamp started;
  bool demo = false;

  const Clock& clock;  ///< time for decisions (D14)
  const storage::Reader& store;
  CommitSignal& commits;
  const catalog::Catalog& catalog;
  negotiation::Service& negotiations;
  transfer::Service& transfers;
  const identity::Directory& directory;
  const provenance::LogReader& log;

  std::optional<std::chrono::days> keeps_log = {};  ///< entries older than this are to be erased; none: it is not said
  std::string application_url = {};  ///< with a name behind it: the address that stands for an application
  std::function<std::shared_ptr<const policy::Vocabulary>()> vocabulary = {};
  std::shared_ptr<const declaration::Definitions> situations = {};  ///< that can be declared here; null: none
  std::function<std::string()> checkpoint = {};    ///< the newest signed note; empty before the first
  std::function<std::string()> cosigned = {};      ///< the newest that enough witnesses cosigned; empty: none
  std::function<std::string()> verifier_key = {};
  std::function<std::string()> witness_policy = {};  ///< whose cosignatures this node asks for, as C2SP tlog-policy
  /// One that is or was in force. not_found.
  std::function<Result<std::shared_ptr<const policy::Vocabulary>>(const Hash&)> vocabulary_by_hash = {};
  std::function<Result<std::string>()> membership_list = {};  ///< the signed list in force, as it came. not_found
  std::function<std::string()> quarantine = {};
  /// Whether exchanges can be recorded and decided: what `/readyz` says.
  std::function<bool()> ready = {};
  /// What the operator should look at; a node with findings may be ready.
  std::function<std::vector<std::string>()> findings = {};
  /// What the status says of the node's witnesses, of its own witnessing and of its keys.
  std::function<void(v1::NodeStatusResponse& status)> tell_status = {};
  std::function<std::vector<Finding>()> doctor = {};
  /// What stands between this node and a party: asks it, which takes seconds where it does not answer. not_found: no such party.
  std::function<Result<v1::NodeDoctorPeerResponse>(const ParticipantId& peer)> doctor_peer = {};
  /// The file beside a dataset's, for hand-written offers.
  std::function<Result<std::string>(const std::string& name)> read_beside = {};

  /// Asks a party for its catalogue, demands proofs where it is listed with evidence, and remembers what is usable.
  std::function<Result<catalog::RemoteCatalog>(const ParticipantId& peer)> fetch_catalog = {};
  /// Base address of the party's DSP.
  std::function<Result<std::string>(const ParticipantId& peer)> dsp_url = {};
  /// A signed list: verified and, unless dry, taken over and recorded.
  std::function<Result<Taken>(const std::string& envelope, bool dry_run, const std::string& person)> load_membership = {};
  /// What is in a signed list, verified, without taking it over.
  std::function<Result<identity::MembershipList>(const std::string& envelope, const std::string& file)> read_membership = {};
  /// The federation's own purposes, as a new version: recorded, then in force. Who did it is named in the log's entry, and which
  /// body decided it, where that was said.
  std::function<Result<Taken>(const std::string& text, const std::string& file, bool dry_run, const PublishedBy& by)>
      publish_purposes = {};
  /// The body that decided the version of the purposes that had this hash then; none: nobody said.
  std::function<Result<std::optional<catalog::DecidedBy>>(const Hash& vocabulary, Timestamp then)> purposes_decided_by = {};
  std::function<Result<Timestamp>(Duration by)> move_clock = {};
  /// The other party's receipts of a data request, as JSON.
  std::function<Result<std::vector<std::string>>(const ParticipantId& peer, const std::string& transaction)> receipts_of = {};
  /// What proves an agreement besides this log.
  std::function<Result<AgreementEvidence>(const negotiation::AgreementRecord& record)> agreement_evidence = {};
  /// What is known of a peer's newest log.
  std::function<Result<v1::AuditCheckpointResponse>(const ParticipantId& peer)> peer_log = {};
  /// Compares both logs, and records that.
  std::function<Result<v1::AuditReconcileResponse>(const v1::AuditReconcileRequest& request, const std::string& person)> reconcile = {};
  Random* random = nullptr;  ///< for ids by lot; null: there are none
  /// What stands for a person in the log.
  std::function<std::string(const provenance::DataSubject& subject)> subject_mark = {};
  /// Asks for an erasure, or confirms one.
  std::function<Result<v1::AuditEraseResponse>(const v1::AuditEraseRequest& request, const std::string& person)> erase = {};
  std::function<Result<v1::AuditErasuresResponse>()> erasures = {};
  /// Asks for an older log to be pruned, or confirms it.
  std::function<Result<v1::AuditPruneResponse>(const v1::AuditPruneRequest& request, const std::string& person)> prune = {};
  std::function<Result<v1::NodeBackupResponse>(bool dry_run, const std::string& person)> back_up = {};
  /// Of the streams that run under a transfer, how far each has come.
  std::function<std::vector<gate::StreamProgress>(const ProcessId& transfer)> streams = {};
  /// Whether the register of this node has that activity for that purpose (full IRI) now; else permission_denied with why.
  std::function<Result<void>(std::string_view activity, std::string_view purpose, Timestamp now)> activity_allows = {};
  /// Whether evidence of what is exchanged with that party then is two-sided, as the gate takes it. Unset: as the membership list says.
  std::function<bool(const ParticipantId& party, Timestamp then)> two_sided = {};
  /// After a dataset was published or retracted, or an activity changed: what streams is looked at anew.
  std::function<void()> look_anew = {};
  /// Adds to the commit what is to be sent to the other party (the receipt of the confirmation).
  std::function<void(Commit& commit, const RetentionRecord& record)> prepare_retention = {};
  /// After the commit.
  std::function<void(const RetentionRecord& record, const CommitReceipt& receipt)> retention_confirmed = {};
  std::function<outbox::Standing()> outbox_standing = {};
  std::function<Result<void>(const outbox::DeadLetter& letter, const std::string& person)> retry_message = {};
  /// The other party never gets it; recorded.
  std::function<Result<void>(const outbox::DeadLetter& letter, const outbox::Reason& reason, const std::string& person)> drop_message = {};
  /// What the list in force changed, and how lists are fetched.
  std::function<void(v1::ShowMembershipResponse& response)> tell_membership = {};
  /// Has the log that was prepared follow the newest.
  std::function<Result<v1::RotateLogKeyResponse>(bool dry_run, const std::string& person)> rotate_log_key = {};
};

}  // namespace sluis::management
