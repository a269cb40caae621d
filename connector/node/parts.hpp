#pragma once

#include "connector/authzen/service.hpp"
#include "connector/base/log.hpp"
#include "connector/base/quota.hpp"
#include "connector/base/step_watch.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/dsp/client.hpp"
#include "connector/gate/open.hpp"
#include "connector/http/client.hpp"
#include "connector/http/server.hpp"
#include "connector/identity/transport.hpp"
#include "connector/intake/intake.hpp"
#include "connector/management/connect.hpp"
#include "connector/management/grpc_server.hpp"
#include "connector/node/asked_to_wait.hpp"
#include "connector/node/agreement_receipts.hpp"
#include "connector/node/backup.hpp"
#include "connector/node/clocks.hpp"
#include "connector/node/collecting.hpp"
#include "connector/node/cosigning.hpp"
#include "connector/node/declarations.hpp"
#include "connector/node/erasing.hpp"
#include "connector/node/evidence_channel.hpp"
#include "connector/node/fairness.hpp"
#include "connector/node/leaving.hpp"
#include "connector/node/list_fetching.hpp"
#include "connector/node/node.hpp"
#include "connector/node/peer_doctor.hpp"
#include "connector/node/peer_logs.hpp"
#include "connector/node/ports.hpp"
#include "connector/node/pruning.hpp"
#include "connector/node/pinned_purposes.hpp"
#include "connector/node/purposes.hpp"
#include "connector/node/reconciling.hpp"
#include "connector/node/request_receipts.hpp"
#include "connector/node/revocation_file.hpp"
#include "connector/node/role_file.hpp"
#include "connector/node/scripts.hpp"
#include "connector/node/pushing.hpp"
#include "connector/node/transfer_commits.hpp"
#include "connector/outbox/driver.hpp"
#include "connector/provenance/witness.hpp"
#include "connector/storage/rocks_store.hpp"

#include <prometheus/histogram.h>

namespace sluis::node {

inline http::TlsFiles tls_files(const TlsConfig& of) {
  return {of.chain.string(), of.key.string(), of.roots.string(), of.lists.string(), of.allow_tls_1_2};
}

/// After this machine's clock was set, so long nothing is ended for ever that its time alone would end: whoever set it wrong can set it right.
inline constexpr std::chrono::minutes kClockUnsure{10};
/// Likewise after a start, and after the clock of a demo node was moved.
inline constexpr std::chrono::minutes kClockSettles{1};

/// The outbox's process for the receipt of an agreement's end: behind the messages of its negotiation, as the peer has to know the agreement
/// before its end. One that was imported has none.
inline std::string end_process(const negotiation::AgreementRecord& record) {
  return record.negotiation.empty() ? "end-" + to_hex(crypto::sha256(record.id.str())) : record.negotiation.str();
}

/// Everything that a node is made of, declared in the order in which it is made: what stands later uses what stands before.
struct Node::Parts {
  explicit Parts(const NodeConfig& node_config) : config(node_config) {}
  Result<void> start();
  void stop(std::chrono::milliseconds grace);
  std::string why_log_is_over() const;
  std::string none_followed;  ///< why the last step to another log failed; set before `start`

  const NodeConfig& config;
  SystemRandom random;
  NodeClock clock;

  // Ground.
  storage::ReopeningStore store{[this] { return storage::open_rocks_store(config.store, true); }};
  std::unique_ptr<provenance::PayloadKeys> payload_keys;
  std::unique_ptr<storage::DiskReserve> reserve;
  std::mutex look_mutex;              ///< of the two that follow
  gate::Alarm* look_alarm = nullptr;  ///< null: it is not running
  bool look_is_due = false;           ///< the store may hold what nobody has acted on
  std::unique_ptr<commit::Sequencer> sequencer;
  std::unique_ptr<LogClock> log_clock;
  std::unique_ptr<management::CommitSignal> commits;
  std::unique_ptr<provenance::LogReader> log;
  std::unique_ptr<crypto::Key> claim_key;
  std::string node_key;
  /// Under which persons are marked in the log. Another node key marks anew: who was marked before is not found any more.
  std::string subject_key() const { return crypto::hkdf_sha256(node_key, "", "sluis data subjects", 32); }
  bool demo = false;
  std::mutex backup_mutex;  ///< one at a time

  // Who and what.
  std::unique_ptr<Purposes> purposes;
  std::vector<PurposeFile> purpose_files;  ///< as they were read at start
  std::shared_ptr<const declaration::Definitions> situations;
  std::unique_ptr<RoleFile> roles;
  mutable log::Seldom caller_told, peer_told, handshake_told;  ///< lines about those who were not let in
  log::Seldom due_told;
  std::unique_ptr<identity::Directory> directory;
  std::unique_ptr<RevocationFile> revoked;  ///< null: no lists of revoked certificates are configured
  std::unique_ptr<http::Client> to_revocations;
  std::unique_ptr<ListFetching> revocation_fetching;  ///< null: nothing is fetched
  std::unique_ptr<identity::Identity> scheme;
  std::unique_ptr<catalog::Catalog> datasets;
  catalog::NodeDescription description;

  // The exchange.
  std::unique_ptr<Quota> requests;  ///< of each party
  std::unique_ptr<Quota> endings;   ///< of each party: terminations and receipts, which no flood of its own may hold up
  std::unique_ptr<Quota> mistakes;  ///< of each party: refusals that get an entry each
  std::unique_ptr<Quota> begun;     ///< of each party: negotiations
  std::unique_ptr<http::Client> client;
  std::unique_ptr<AskedToWait> asked_to_wait;  ///< the client, for messages
  std::unique_ptr<identity::IdentifiedTransport> transport;  ///< the client, saying who sends
  std::unique_ptr<dsp::Client> peers;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<NodeTerms> terms;
  std::unique_ptr<NodeCatalog> dsp_catalog;
  std::unique_ptr<outbox::Driver> outbox;
  std::unique_ptr<negotiation::Service> negotiations;
  std::unique_ptr<Leaving> leaving;
  std::unique_ptr<TransferCommits> transfer_commits;
  std::unique_ptr<transfer::Service> transfers;
  std::unique_ptr<gate::Alarm> deadlines;  ///< silent until `recover`
  std::unique_ptr<gate::Alarm> revocation_look;  ///< at lists that are put there by hand; null: there are none
  std::unique_ptr<PeerLogs> peer_logs;  ///< silent until the outbox runs
  std::unique_ptr<EvidenceChannel> evidence;
  std::unique_ptr<RequestReceipts> receipts;
  std::unique_ptr<Settling> settling;
  std::unique_ptr<AgreementReceipts> agreement_receipts;
  std::unique_ptr<Reconciling> reconciling;
  std::unique_ptr<Erasing> erasing;
  std::unique_ptr<Pruning> pruning;

  // The data plane.
  std::unique_ptr<UpstreamClients> upstreams;
  std::unique_ptr<NodeDatasets> plans;
  std::unique_ptr<NodeMembership> membership;
  gate::ProgramCache programs{[this](const negotiation::AgreementRecord& record) {
    return record.vocabulary_hash ? purposes->by_hash(*record.vocabulary_hash) : purposes->oldest();
  }};
  std::unique_ptr<Declarations> declarations;
  prometheus::Histogram cut_times{{0.01, 0.05, 0.1, 0.25, 0.5, 1}};  ///< seconds
  std::unique_ptr<gate::StreamRegistry> streams;
  std::unique_ptr<gate::RefusalCounter> refusals;
  std::unique_ptr<Fairness> fairness;
  std::unique_ptr<gate::Gate> gate;
  std::unique_ptr<gate::OpenGate> open;
  std::unique_ptr<Pushing> pushing;  ///< silent until the listeners stand
  std::unique_ptr<intake::Intake> intake;
  std::unique_ptr<authzen::Service> authzen;

  // Who watches this log, and whose logs this node watches.
  std::mutex published_mutex;
  std::string published_checkpoint;
  Timestamp published_at{};
  std::unique_ptr<http::Client> to_witnesses;
  std::unique_ptr<Cosigning> cosigning;
  std::unique_ptr<provenance::Witness> witness;

  // The operators.
  std::unique_ptr<management::Backend> backend;
  records::Surroundings told_of_self;  ///< what records say besides their entries
  std::vector<std::unique_ptr<http::Client>> to_collectors;
  std::unique_ptr<Collecting> collecting;
  std::unique_ptr<http::Client> to_lists;
  std::unique_ptr<ListFetching> list_fetching;  ///< of membership lists; null: they are loaded by hand
  std::unique_ptr<http::Client> nobody;  ///< calls peers as a stranger would
  std::unique_ptr<PeerDoctor> peer_doctor;
  std::unique_ptr<management::Api> api;
  std::unique_ptr<StepWatch> step_watch;  ///< of the machine's clock; after all that it evaluates again
  std::unique_ptr<http::Server> exchange_server;
  std::unique_ptr<http::Server> public_server;
  std::unique_ptr<http::Server> management_server;
  std::unique_ptr<management::GrpcServer> grpc_server;
  bool running = false;
  std::thread erasing_thread;

 private:
  Result<void> start_ground();
  Result<void> keep_identity();
  Result<void> keep_node_key();
  Result<void> check_claim_key() const;
  std::optional<Error> claim_key_trouble() const;
  std::vector<std::string> watching_findings() const;
  void tell_watched(v1::NodeStatusResponse& status) const;
  Result<void> check_demo() const;
  Result<void> check_payload_key() const;
  Result<identity::Trust> read_trust() const;
  Result<void> start_purposes();
  Result<void> start_identity();
  Result<std::unique_ptr<identity::Identity>> make_scheme() const;
  Result<void> start_exchange();
  void start_outbox();
  void start_settling();
  Result<void> start_data_plane();
  Result<void> start_witnesses();
  Result<void> start_collectors();
  std::vector<std::string> known_logs() const;
  void start_authzen(const gate::DeclarationSource& of_provider);
  Result<identity::RoleHolder> role_of(std::string_view authorization, const http::TlsPeer& tls) const;
  Result<intake::Application> application(const http::Request& request) const;
  void fill_backend();
  Result<void> start_peer_doctor();
  Result<void> start_listeners();
  Result<void> start_grpc();
  Result<void> recover();
  Timestamp take_what_is_due(Timestamp now);

  Result<identity::VerifiedPeer> verified(const http::Request& request) const;
  Result<gate::Party> party_of(const http::Request& request) const;
  Result<ParticipantId> authenticate(const http::Request& request) const;
  Result<std::string> dsp_url(const ParticipantId& peer);
  void forget_dsp_url(const ParticipantId& peer);
  void compare_next_time(const negotiation::AgreementRecord& record);
  Result<catalog::RemoteCatalog> fetch_catalog(const ParticipantId& peer);
  Result<transfer::Access> access(const ProcessId& pid) const;
  Result<std::string> claim_of_push(const ParticipantId& provider, const AgreementId& agreement, const ProcessId& pid, const transfer::PushRequest& push);
  Result<std::unique_ptr<identity::Directory>> kept_directory(std::optional<std::string>& kept) const;
  Result<management::Taken> load_membership(const std::string& envelope, bool dry_run, const std::string& person, const std::string& place = {});
  identity::Judged take_fetched(const std::string& envelope, const std::string& place);
  Result<identity::MembershipList> read_membership(const std::string& envelope, const std::string& file) const;
  Result<void> start_revocations();
  Result<void> start_lists();
  std::vector<std::string> list_findings() const;
  void tell_membership(v1::ShowMembershipResponse& response) const;
  void measure_lists(Measured& measured) const;
  Result<management::Taken> publish_purposes(const std::string& text, const std::string& file, bool dry_run,
                                             const management::PublishedBy& by);
  Result<Timestamp> move_clock(Duration by);
  void agreement_ended(const negotiation::AgreementRecord& record);
  void ask_for_a_look();
  bool look_again();
  bool ready() const;
  std::vector<std::string> findings() const;
  std::vector<http::TlsState> tls_states() const;
  Result<std::optional<Timestamp>> period_ends() const;
  std::string why_none_follows() const;
  /// Whether the log that is to follow is the one that a person asked for; none: nobody did.
  Result<std::optional<bool>> is_order_for_next() const;
  std::atomic<bool> rotation_asked = false;  ///< by a person: the store may have it
  std::vector<http::Route> public_routes();
  std::vector<http::Route> older_logs();
  std::vector<http::Route> management_routes();
  void clock_stepped();
  bool clock_is_sure() const;
  void clock_is_unsure_for(std::chrono::steady_clock::duration time);
  /// On this machine's own steady clock: from when its wall clock counts as sure again.
  std::atomic<std::chrono::steady_clock::time_point> clock_sure_from = std::chrono::steady_clock::time_point::min();
  /// What parties answered when they were asked which protocol versions they speak, and where.
  struct KnownUrl {
    std::string base;  ///< that was asked
    std::string url;
    Timestamp asked;
  };
  std::mutex urls_mutex;
  std::map<ParticipantId, KnownUrl> urls;  ///< under urls_mutex
  struct Compared {
    Hash catalog{};                 ///< with which a party's agreements were compared last
    std::set<std::string> since;    ///< those that are still to be
  };
  std::mutex compared_mutex;
  std::map<std::string, Compared> compared;  ///< by party; under compared_mutex
  void read_published();
  std::string public_checkpoint();
  Result<v1::NodeBackupResponse> back_up(bool dry_run, const std::string& person);
  Result<v1::AuditCheckpointResponse> checkpoint_of(const ParticipantId& peer) const;
  Result<v1::AuditReconcileResponse> reconcile(const v1::AuditReconcileRequest& request, const std::string& person);
  Result<v1::AuditEraseResponse> erase(const v1::AuditEraseRequest& request, const std::string& person);
  Result<v1::RotateLogKeyResponse> rotate_log_key(bool dry_run, const std::string& person);
  Result<v1::AuditPruneResponse> prune(const v1::AuditPruneRequest& request, const std::string& person);
  Result<std::set<Hash>> in_force() const;
  std::optional<outbox::Reason> unreachable(const std::string& peer) const;
  Result<void> drop_message(const outbox::DeadLetter& letter, const outbox::Reason& reason, const std::string& person);
  Result<void> drop_copies(const std::vector<std::string>& key_files, const std::string& person, bool copy_first);
};

}  // namespace sluis::node
