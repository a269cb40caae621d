#include "connector/node/parts.hpp"
#include "connector/node/secrets.hpp"
#include "connector/node/succession.hpp"

#include "certs/authority.hpp"
#include "connector/crypto/secret.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/dsp/version.hpp"
#include "connector/http/loopback.hpp"
#include "connector/management/audit_export.hpp"
#include "connector/identity/static_scheme.hpp"
#include "connector/provenance/export.hpp"
#include "connector/storage/rocks_store.hpp"
#include "policy/odrl/match.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace sluis::node {
namespace {

constexpr double kMinutesOfRefusals = 4;  // at once
constexpr double kMinutesOfNegotiations = 20;

}  // namespace

Result<void> Node::Parts::start() {
  SLUIS_CHECK(start_ground());
  SLUIS_CHECK(start_identity());
  SLUIS_CHECK(start_revocations());
  SLUIS_CHECK(start_exchange());
  SLUIS_CHECK(start_data_plane());
  SLUIS_CHECK(start_witnesses());
  fill_backend();
  SLUIS_CHECK(recover());
  SLUIS_CHECK(start_collectors());
  SLUIS_CHECK(start_lists());
  SLUIS_CHECK(start_listeners());
  pushing->start();
  running = true;
  // What was confirmed and broken off goes on beside the exchanges: a fault in it is no reason to be away.
  erasing_thread = std::thread([this] {
    if (const auto done = erasing->go_on(); !done) log::error("an erasure cannot be gone on with", {{"what", describe(done.error())}});
    if (const auto done = pruning->go_on(); !done) log::error("pruning cannot be gone on with", {{"what", describe(done.error())}});
  });
  log::info("ready", {{"participant", config.participant.str()}, {"exchange", config.exchange.url}, {"public", config.open.url}});
  return {};
}

Result<void> Node::Parts::start_ground() {
  payload_keys = std::make_unique<provenance::PayloadKeys>(config.payload_keys, random);
  reserve = std::make_unique<storage::DiskReserve>(config.store / "reserve", config.reserve_mib << 20U);  // within: so it is on its disk
  auto opened = store.reopen();  // which log is the newest stands in it
  if (!opened && reserve->give_way()) opened = store.reopen();
  SLUIS_CHECK(opened);
  SLUIS_CHECK(check_finished(store));
  SLUIS_TRY(const std::optional<RotationOrder> asked, node::rotation_asked(store));
  rotation_asked = asked.has_value();
  SLUIS_TRY(std::vector<provenance::Shard> logs, logs_of(config, store));
  SLUIS_TRY(crypto::Key log_key, read_private_key(log_key_file(config, logs.back())));
  sequencer = std::make_unique<commit::Sequencer>(
      store, *payload_keys, clock, random, commit::Sequencer::Options{logs.back().origin, std::move(log_key), config.checkpoints, reserve.get()});
  sequencer->on_recovered([this] { ask_for_a_look(); });
  SLUIS_CHECK(sequencer->open());
  log_clock = std::make_unique<LogClock>(*sequencer);
  commits = std::make_unique<management::CommitSignal>(*sequencer);
  log = std::make_unique<provenance::LogReader>(store, *payload_keys, std::move(logs));
  SLUIS_CHECK(check_payload_key());
  read_published();
  writer = std::make_unique<Writer>(config.participant, *log_clock, [this](const ParticipantId& party) { return directory->keeps_evidence(party, log_clock->now()); });
  SLUIS_TRY(node_key, read_secret(config.node_key));
  if (node_key.size() != 32) return Error(ErrorCode::invalid_argument, "`" + config.node_key.string() + "` is not 32 bytes");
  (void)crypto::keep_in_memory(node_key);
  SLUIS_TRY(crypto::Key key, read_private_key(config.claim_key));
  if (key.kind() != crypto::Key::Kind::p256 || !key.is_private()) {
    return Error(ErrorCode::invalid_argument, "`" + config.claim_key.string() + "` is no private P-256 key");
  }
  claim_key = std::make_unique<crypto::Key>(std::move(key));
  SLUIS_CHECK(keep_identity());
  return keep_node_key();
}

/// A payload key that is gone in its own month was lost and not erased: making another would hide that (D30).
Result<void> Node::Parts::check_payload_key() const {
  SLUIS_TRY(const std::uint64_t entries, log->entries());
  if (entries == 0) return {};
  SLUIS_TRY(const std::optional<std::string> sealed, store.get(provenance::payload_key(entries - 1)));
  if (!sealed) return {};
  SLUIS_TRY(const std::string file, provenance::PayloadKeys::file_of(*sealed));
  SLUIS_TRY(const std::vector<std::string> older, payload_keys->older(file.substr(0, file.find('.'))));
  if (std::find(older.begin(), older.end(), file) != older.end()) return {};
  const auto payload = log->payload(entries - 1);
  if (payload) return {};
  if (payload.error().code == ErrorCode::permission_denied) return payload.error();  // it is there, and not for this node alone
  const std::string path = (config.payload_keys / file).string();
  const bool gone = payload.error().code == ErrorCode::not_found;
  return Error(gone ? ErrorCode::invalid_state : payload.error().code,
               "the payload key `" + path + "` is " + (gone ? "gone" : "not the one") + " that sealed the newest entry: " + payload.error().message)
      .mended_by("put it back from a copy of the keys; where there is none, 32 random bytes in `" + file.substr(0, 7) + "." + std::to_string(older.size() + 2) +
                 ".key` beside it (0600) let the node go on, and what this one sealed stays unreadable");
}

/// A clock that can be moved is for nobody's real exchanges (D14).
Result<void> Node::Parts::check_demo() const {
  if (!demo) return {};
  if (!config.log_origin.ends_with("-demo")) {
    return Error(ErrorCode::invalid_argument, "the log's origin of a demo node ends in `-demo`");
  }
  const bool local_grpc = config.management_grpc.empty() || management::is_local(config.management_grpc);
  if (!http::is_loopback(config.exchange.address) || !http::is_loopback(config.open.address) ||
      !http::is_loopback(config.management.address) || !local_grpc) {
    return Error(ErrorCode::invalid_argument, "a demo node's clock can be moved: it listens on loopback only");
  }
  return {};
}

/// What a node is for ever stands in its store: whose it is, and whether its clock can be moved.
Result<void> Node::Parts::keep_identity() {
  SLUIS_TRY(const std::optional<std::string> known, store.get("meta/participant"));
  SLUIS_TRY(const std::optional<std::string> kind, store.get("meta/demo"));
  if (!known) {
    demo = std::filesystem::exists(config.folder / "demo");
    SLUIS_CHECK(check_demo());
    Commit first;
    first.changes = {{"meta/participant", config.participant.str()}, {"meta/demo", demo ? "yes" : "no"}};
    SLUIS_CHECK(sequencer->commit_and_wait(std::move(first)));
    return {};
  }
  if (*known != config.participant.str()) {
    return Error(ErrorCode::conflict, "the store belongs to `" + *known + "`, the configuration says `" + config.participant.str() + "`")
        .mended_by("a participant id never changes; give another node another folder");
  }
  demo = kind == "yes";
  SLUIS_CHECK(check_demo());
  return clock.move_as_kept(store);
}

Result<void> Node::Parts::start_purposes() {
  SLUIS_TRY(purpose_files, read_purpose_files(config));
  std::vector<Purposes::File> files;
  for (const PurposeFile& file : purpose_files) files.push_back({file.text, file.name});
  purposes = std::make_unique<Purposes>(
      store, *commits, *log_clock, [this](const Hash& hash, const std::string& document, const management::PublishedBy& by) {
        return writer->purposes_entry(hash, document, by);
      });
  SLUIS_CHECK(purposes->open(std::move(files)));
  declaration::Definitions defined;
  if (!config.situations.empty()) {
    SLUIS_TRY(const std::string text, certs::read_file(config.situations));
    SLUIS_TRY(defined, declaration::Definitions::parse(text, config.situations.string(), *purposes->current()));
  }
  situations = std::make_shared<const declaration::Definitions>(std::move(defined));
  return {};
}

Result<void> Node::Parts::start_identity() {
  SLUIS_CHECK(start_purposes());
  roles = std::make_unique<RoleFile>(config.roles);
  SLUIS_CHECK(roles->current());
  std::optional<std::string> kept;
  SLUIS_TRY(directory, kept_directory(kept));
  SLUIS_CHECK(check_claim_key());
  SLUIS_TRY(scheme, make_scheme());
  datasets = std::make_unique<catalog::Catalog>(store, [this] { return purposes->current(); });
  description.participant = config.participant;
  description.dsp_url = config.exchange.url + "/2025-1";
  description.public_url = config.open.url;
  description.title = {"Catalogue of " + config.name, "Catalogus van " + config.name};
  description.description = {"What " + config.name + " offers, and on which terms", "Wat " + config.name + " aanbiedt, en op welke voorwaarden"};
  description.publisher = {config.name, config.participant.str()};
  description.contact = {config.name, config.contact_email, ""};
  return {};
}

Result<std::unique_ptr<identity::Identity>> Node::Parts::make_scheme() const {
  if (config.static_identity.empty()) return std::unique_ptr<identity::Identity>(std::make_unique<identity::MutualTls>(*directory, *log_clock));
  SLUIS_TRY(const std::string text, read_secret(config.static_identity));
  SLUIS_TRY(identity::StaticValues values, identity::StaticValues::parse(text, config.static_identity.string()));
  log::warning("IDENTITY SCHEME `static`: whoever knows a fixed value is taken for that party, in clear. For conformance kits and mock identities on "
               "one machine; never for a real exchange",
               {{"exchange", config.exchange.url}, {"file", config.static_identity.string()}});
  return std::unique_ptr<identity::Identity>(std::make_unique<identity::StaticScheme>(std::move(values), *directory));
}

/// Data go only to whom a certificate was shown for, whatever the identity scheme.
Result<gate::Party> Node::Parts::party_of(const http::Request& request) const {
  SLUIS_TRY(const identity::VerifiedPeer peer, verified(request));
  if (!request.tls.certificate) return Error(ErrorCode::unauthenticated, "no client certificate was presented");
  return gate::Party{peer.participant, peer.party->class_of_recipient, !peer.party->claim_keys.empty(), request.tls.certificate->sha256, request.tls.certificate};
}

/// The reason of a refusal is the operator's, never the caller's.
Result<identity::VerifiedPeer> Node::Parts::verified(const http::Request& request) const {
  if (revoked && revoked->look()) streams->reevaluate_all();  // put there by hand
  auto peer = scheme->verify(request.headers, request.tls);
  if (!peer) {
    refusals->count(request.tls.presented() ? "unknown-party" : "no-certificate");
    if (peer_told.now(log_clock->now())) log::warning("not authenticated", {{"path", request.path}, {"what", peer.error().message}});
    return peer;
  }
  const std::string& who = peer->participant.str();
  if (!(Fairness::ends(request) ? endings : requests)->take(who)) {
    refusals->count("quota.requests", who);
    return Error(ErrorCode::limit_exceeded, "this party asked more than its share in a short time");
  }
  if (outbox) outbox->heard(who);
  return peer;
}

Result<ParticipantId> Node::Parts::authenticate(const http::Request& request) const {
  SLUIS_TRY(const identity::VerifiedPeer peer, verified(request));
  return peer.participant;
}

Result<void> Node::Parts::start_exchange() {
  SLUIS_TRY(http::ClientOptions options, calling_peers(config, *directory, *log_clock));
  SLUIS_TRY(client, http::Client::make(std::move(options), clock));
  asked_to_wait = std::make_unique<AskedToWait>(*client, clock);
  transport = std::make_unique<identity::IdentifiedTransport>(*scheme, *asked_to_wait, *client, random);
  peers = std::make_unique<dsp::Client>(dsp::ClientOptions{description.dsp_url, limits::kPeerTimeout}, *transport);
  terms = std::make_unique<NodeTerms>(*datasets, *purposes, *directory, store, *log_clock, config.refuse_unknown_offers,
                                      situations->ids());
  dsp_catalog = std::make_unique<NodeCatalog>(*datasets, description, *directory, store, *log_clock);
  requests = std::make_unique<Quota>(*log_clock, Quota::Rate{config.requests_a_minute, config.requests_a_minute});
  endings = std::make_unique<Quota>(*log_clock, Quota::Rate{config.requests_a_minute, config.requests_a_minute});
  begun = std::make_unique<Quota>(*log_clock, Quota::Rate{config.negotiations_a_minute, kMinutesOfNegotiations * config.negotiations_a_minute});
  mistakes = std::make_unique<Quota>(*log_clock, Quota::Rate{config.refusals_a_minute, kMinutesOfRefusals * config.refusals_a_minute});
  const auto notify = [this](std::string_view peer, std::string_view process) { outbox->notify(peer, process); };
  const auto planned = [this] { deadlines->wake(); };
  SLUIS_TRY(Scripts scripts, Scripts::read(config.script));
  negotiation::Options negotiating;
  negotiating.self = config.participant;
  negotiating.patience = config.negotiation_days;
  negotiating.script = std::move(scripts.negotiations);
  negotiations = std::make_unique<negotiation::Service>(
      negotiating, negotiation::Dependencies{*commits, store, *log_clock, random, *terms, *writer, *peers, notify,
                                             [this](const negotiation::AgreementRecord& record) { agreement_ended(record); },
                                             [this](Commit& commit, const negotiation::AgreementRecord& record) {
                                               evidence->send_receipt(commit, record.peer, end_process(record));
                                             },
                                             begun.get(), planned,
                                             [this](const negotiation::AgreementRecord& record) -> std::optional<Timestamp> {
                                               const auto compiled = programs.agreement(record, purposes->current());
                                               return compiled ? policy::over_from((*compiled)->program, (*compiled)->agreed.value_or(record.timestamp)) : std::nullopt;
                                             },
                                             [this](Commit& commit, const negotiation::AgreementRecord& record) {
                                               compare_next_time(record);
                                               return record.imported ? std::string() : agreement_receipts->prepare(commit, record);
                                             }});
  leaving = std::make_unique<Leaving>(config.participant, LeavingDependencies{store, *commits, *negotiations, [this] {
                                        const bool known = config.static_identity.empty() && directory->state(log_clock->now()) != identity::ListState::expired;
                                        return known ? directory->list() : nullptr;
                                      }});
  transfer_commits = std::make_unique<TransferCommits>(*commits, [this] { return streams.get(); }, [this] { if (pushing) pushing->wake(); });
  transfers = std::make_unique<transfer::Service>(
      transfer::Options{config.exchange.url + "/data", node_key, std::move(scripts.transfers)},
      transfer::Dependencies{*transfer_commits, store, *log_clock, random, *writer, *peers, notify, planned,
                             std::bind_front(&Parts::claim_of_push, this)});
  EvidenceDependencies between{
      *commits, store, *payload_keys, *log, *sequencer, *directory, *log_clock, random, *writer, *transport,
      [this](const http::Request& request) { return authenticate(request); },
      [this](const AgreementId& id, const ParticipantId& peer, const outbox::Reason& reason, const Commit& commit) {
        return negotiations->ended_by_peer(id, peer, reason, commit);
      },
      [this](const AgreementId& id, const outbox::Reason& reason, const std::string& person) -> Result<void> {
        SLUIS_CHECK(negotiations->terminate_agreement(id, reason, person));
        return {};
      },
      [this](const AgreementId& id, Commit commit) { return negotiations->apply_again(id, std::move(commit)); },
      mistakes.get()};
  peer_logs = std::make_unique<PeerLogs>(config.participant, between);
  between.heard = std::bind_front(&PeerLogs::heard, peer_logs.get());
  evidence = std::make_unique<EvidenceChannel>(config.participant, between);
  receipts = std::make_unique<RequestReceipts>(RequestReceipts::Options{config.participant, config.receipts_within}, between, *evidence, notify);
  agreement_receipts = std::make_unique<AgreementReceipts>(AgreementReceipts::Options{config.participant, config.receipts_within}, between, *evidence, notify);
  start_settling();
  reconciling = std::make_unique<Reconciling>(config.participant, between, *evidence, settling.get());
  ErasingDependencies for_erasing{*commits, store, *log, *payload_keys, *log_clock, random, *writer, {}};
  if (!config.backup_store.empty()) {
    for_erasing.drop_copies = [this](const std::vector<std::string>& files, const std::string& person, bool copy_first) {
      return drop_copies(files, person, copy_first);
    };
  }
  erasing = std::make_unique<Erasing>(std::move(for_erasing));
  pruning = std::make_unique<Pruning>(PruningDependencies{*commits, store, *log, *payload_keys, *log_clock, random, *writer, config.keeps_log,
                                                          [this](const std::string& id) { return evidence->first_entry(id); }, [this] { return in_force(); }, [this] { return erasing->under_way(); },
                                                          erasing->turn()});
  start_outbox();
  deadlines = std::make_unique<gate::Alarm>(*log_clock, [this](Timestamp now) { return std::optional(take_what_is_due(now)); });
  return {};
}

Result<void> Node::Parts::start_data_plane() {
  upstreams = std::make_unique<UpstreamClients>(config.folder, config.tls.roots, clock, config.tls.allow_tls_1_2);
  plans = std::make_unique<NodeDatasets>(*datasets, config.datasets, *log_clock, *upstreams);
  membership = std::make_unique<NodeMembership>(*directory, store, revoked.get());
  streams = std::make_unique<gate::StreamRegistry>(*log_clock, [this](std::chrono::duration<double> took) { cut_times.Observe(took.count()); });
  refusals = std::make_unique<gate::RefusalCounter>(*commits, *log_clock, config.participant);
  const gate::VocabularySource words = [this] { return purposes->current(); };
  declarations = std::make_unique<Declarations>(DeclarationDependencies{
      store, *evidence, *directory, *log_clock, *transport, programs, words, [this](const http::Request& request) { return authenticate(request); },
      [this](const DatasetId& id) -> Result<catalog::Dataset> {
        SLUIS_TRY(catalog::PublishedDataset published, datasets->show(id));
        return std::move(published.dataset);
      }});
  const gate::DeclarationSource of_provider = [this](const negotiation::AgreementRecord& record, Timestamp now) {
    return declarations->of_provider(record, now);
  };
  const std::string minimising_root = crypto::hkdf_sha256(node_key, "", "sluis pseudonyms root", 32);
  fairness = std::make_unique<Fairness>(config.releases_at_once, FairnessDependencies{*scheme, *refusals, *requests, *endings, *mistakes, *begun});
  gate = std::make_unique<gate::Gate>(
      config.participant,
      gate::GateDependencies{
          *commits, store, *log_clock, *log_clock, random, *plans, *membership, programs, *streams, *refusals, *payload_keys, *mistakes, words,
          [this](const http::Request& request) { return party_of(request); },
          [this](std::string_view handle) { return transfers->find_by_handle(handle); },
          [this](const ParticipantId& peer, std::string_view kid, Timestamp now) { return directory->claim_key(peer, kid, now); },
          minimising_root,
          [this](const negotiation::AgreementRecord& record, Timestamp now) { return declarations->own(record, now); },
          [this] { return sequencer->checkpoint(); }, receipts.get(), std::bind_front(&PeerLogs::check, peer_logs.get())});
  pushing = std::make_unique<Pushing>(PushingDependencies{*transfers, *gate, *client, *directory, *log_clock, random});
  open = std::make_unique<gate::OpenGate>(
      config.participant,
      gate::OpenDependencies{*commits, store, *log_clock, *log_clock, *plans, programs, *streams, *refusals, words, minimising_root});
  intake = std::make_unique<intake::Intake>(
      intake::Options{config.participant, config.class_of_party, std::chrono::hours(1), subject_key()},
      intake::Dependencies{
          *commits, store, *log_clock, random, *membership, programs, *streams, *payload_keys, *transport, words,
          [this](const http::Request& request) { return application(request); },
          [this](const ProcessId& pid) { return access(pid); },
          [this](std::string_view activity, std::string_view purpose, Timestamp now) { return activity_allows(store, activity, purpose, now); },
          [this](const identity::Claim& claim) -> Result<std::string> { return identity::make_claim(claim, config.claim_kid, *claim_key); },
          [this] { return sequencer->checkpoint(); }, of_provider,
          [this](const ParticipantId& peer) { refusals->count(gate::kUndecidedIntake, peer.str()); }, receipts.get(), std::bind_front(&PeerLogs::check, peer_logs.get())});
  start_authzen(of_provider);
  return {};
}

/// A provider says where its data are, and this node goes there with its certificate: to what the membership list has of that party only.
Result<transfer::Access> Node::Parts::access(const ProcessId& pid) const {
  SLUIS_TRY(transfer::Access found, transfers->access(pid));
  if (directory->origin_allowed(found.peer, found.endpoint, log_clock->now())) return found;
  return Error(ErrorCode::invalid_state, "the provider says that the data are at `" + found.endpoint.substr(0, 200) +
                                             "`, and the membership list has no endpoint of it there");
}

/// Who manages this node, and as what. Who is refused is counted, and the operator can read why.
Result<identity::RoleHolder> Node::Parts::role_of(std::string_view authorization, const http::TlsPeer& tls) const {
  auto holder = [&]() -> Result<identity::RoleHolder> {
    const auto named = roles->current();
    if (!named) return Error(ErrorCode::unauthenticated, "nobody has a role now").mended_by("see the node's log");
    return (*named)->find_caller(authorization, tls, log_clock->now());
  }();
  if (!holder) {
    refusals->count("no-role");
    if (caller_told.now(log_clock->now())) {
      log::warning("not authenticated", {{"listener", "management"}, {"what", holder.error().message}});
    }
    // Whose a role was, and until when, is for the operator: the token may be in other hands by now.
    if (holder.error().code == ErrorCode::invalid_state) {
      return identity::Roles::opens_nothing(authorization.empty() ? identity::Shown::certificate : identity::Shown::token);
    }
  }
  return holder;
}

Result<intake::Application> Node::Parts::application(const http::Request& request) const {
  SLUIS_TRY(const identity::RoleHolder holder, role_of(request.header("authorization"), request.tls));
  if (holder.role != identity::Role::application) {
    return Error(ErrorCode::permission_denied, "this is for the role application");
  }
  return intake::Application{holder.person, holder.activities};
}

void Node::Parts::start_authzen(const gate::DeclarationSource& of_provider) {
  authzen = std::make_unique<authzen::Service>(
      authzen::Options{config.participant, config.class_of_party, config.management.url},
      authzen::Dependencies{
          *commits, store, *log_clock, random, *plans, *membership, programs, [this] { return purposes->current(); },
          [this](const http::Request& request, const std::string& method) -> Result<intake::Application> {
            SLUIS_TRY(const auto holder, role_of(request.header("authorization"), request.tls));
            const auto* asked = management::decision_point().FindMethodByName(method);
            if (asked == nullptr) return Error(ErrorCode::permission_denied, "nobody may ask this");
            SLUIS_CHECK(management::check_role(*asked, management::to_proto(holder.role)));
            return intake::Application{holder.person, holder.activities};
          },
          [this](const ParticipantId& party) -> Result<std::string> {
            SLUIS_TRY(const identity::PartyPtr found, directory->find(party));
            return found->class_of_recipient;
          },
          [this](std::string_view activity, std::string_view purpose, Timestamp now) { return activity_allows(store, activity, purpose, now); },
          of_provider, [this](std::string_view what) { refusals->count(what); }});
}

Result<void> Node::Parts::recover() {
  if (const auto first = record_beginning(store, *commits, *writer); !first && sequencer->quarantine().empty()) {
    return first.error();
  }
  Commit started;
  started.commit_class = CommitClass::revoke;  // also where nothing else can be recorded: what ends then, can
  started.entries.push_back(writer->plain_entry(provenance::EntryKind::node_started, "started"));
  const auto recorded = commits->commit_and_wait(std::move(started));
  // A quarantined log is still readable: the node starts, shows why, and refuses every exchange.
  if (!recorded && sequencer->quarantine().empty()) return recorded.error();
  if (recorded) {
    SLUIS_CHECK(purposes->record());
    SLUIS_CHECK(open->recover());
    SLUIS_CHECK(gate->recover());
    SLUIS_CHECK(intake->recover());
    SLUIS_CHECK(transfers->recover());
  }
  SLUIS_CHECK(outbox->start());
  peer_logs->start();
  {
    const std::lock_guard lock(look_mutex);
    look_alarm = deadlines.get();
  }
  clock_is_unsure_for(kClockSettles);  // a machine that starts may set its clock yet
  deadlines->wake();  // the store may have come back before
  SLUIS_TRY(std::unique_ptr<StepSource> steps, kernel_steps());
  step_watch = std::make_unique<StepWatch>(std::move(steps), [this] {
    clock_is_unsure_for(kClockUnsure);
    clock_stepped();
  });
  return {};
}

/// Records of this log go to collectors beside all else.
Result<void> Node::Parts::start_collectors() {
  if (config.collectors.empty() && config.webhooks.empty()) return {};
  told_of_self = management::surroundings_of(*backend);
  std::vector<CollectorAt> list;
  std::vector<NodeConfig::Collector> receivers = config.collectors;
  receivers.insert(receivers.end(), config.webhooks.begin(), config.webhooks.end());
  for (const NodeConfig::Collector& one : receivers) {
    http::ClientOptions options;
    if (one.certificate) options.tls = tls_files(config.tls);
    options.tls.allow_tls_1_2 = config.tls.allow_tls_1_2;
    options.tls.roots = one.roots.empty() ? config.tls.roots.string() : one.roots.string();
    options.tls.lists = one.roots.empty() ? config.tls.lists.string() : std::string();
    options.name = "collector " + one.url;
    options.allow_http = true;  // the configuration has such addresses on this machine only
    SLUIS_TRY(std::unique_ptr<http::Client> to, http::Client::make(std::move(options), clock));
    http::Client& by = *to;
    CollectorAt at{one.url, {}, [&by](const http::PeerRequest& request) { return by.send(request); }, [&by] { by.stop(); }, {}};
    if (!one.credential.empty()) {
      at.credential = [file = one.credential] { return read_credential(file); };
      SLUIS_CHECK(at.credential());
    }
    if (!one.secret.empty()) {
      at.secret = [file = one.secret] { return read_webhook_secret(file); };
      SLUIS_CHECK(at.secret());
    }
    at.kinds.insert(one.kinds.begin(), one.kinds.end());
    for (const std::string& form : one.forms) {
      SLUIS_TRY(const records::Form known, records::form_from(form));
      at.forms.push_back(known);
    }
    to_collectors.push_back(std::move(to));
    list.push_back(std::move(at));
  }
  collecting = std::make_unique<Collecting>(std::move(list), CollectingDependencies{store, *log, *commits, told_of_self, *log_clock, random});
  return collecting->start();
}

void Node::Parts::stop(std::chrono::milliseconds grace) {
  if (list_fetching) list_fetching->halt();
  if (revocation_fetching) revocation_fetching->halt();
  if (collecting) collecting->halt();  // what it did not send is there at the next start
  if (pushing) pushing->halt();
  const auto tell = [this] {
    streams->cut_all(gate::make_reason("node.stopping"));
    if (gate) gate->on_stopping();
    if (open) open->on_stopping();
    if (upstreams) upstreams->stop();
  };
  if (exchange_server) exchange_server->stop(grace, tell);
  if (public_server) public_server->stop(grace, tell);
  if (management_server) management_server->stop(std::chrono::milliseconds(500), tell);
  grpc_server.reset();
  list_fetching.reset();  // nobody asks about it any more, and what it takes is recorded yet
  revocation_fetching.reset();
  if (erasing_thread.joinable()) erasing_thread.join();
  step_watch.reset();
  if (outbox) outbox->stop();  // it plans steps, which wakes the other
  if (peer_logs) peer_logs->stop();
  if (pushing) {
    tell();  // whatever the servers did: what is pushed ends with the reason, and waits for no service
    client->stop();  // some may wait for an answer
    pushing->stop();
  }
  {
    const std::lock_guard lock(look_mutex);
    look_alarm = nullptr;
  }
  deadlines.reset();
  revocation_look.reset();
  pushing.reset();  // behind whoever else commits transfers, which wakes it
  if (running) {
    (void)open->close();
    refusals->flush();
    Commit stopped;
    stopped.commit_class = CommitClass::bulk;  // behind what was counted
    stopped.entries.push_back(writer->plain_entry(provenance::EntryKind::node_stopped, "stopped"));
    (void)commits->commit_and_wait(std::move(stopped));
  }
  collecting.reset();
  cosigning.reset();  // it may wait for an answer
  if (commits) commits->stop();
  if (sequencer) sequencer->stop();
}

}  // namespace sluis::node
