#include "connector/node/parts.hpp"

#include "catalog/dcat.hpp"
#include "catalog/turtle.hpp"
#include "certs/authority.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/dsp/version.hpp"
#include "connector/crypto/secret.hpp"
#include "connector/http/message.hpp"
#include "connector/management/logbook.hpp"
#include "connector/management/newer_terms.hpp"
#include "connector/node/metrics.hpp"
#include "connector/node/one_sided.hpp"
#include "connector/node/pinned_purposes.hpp"
#include "connector/node/witness_routes.hpp"
#include "connector/provenance/tiles.hpp"

#include <algorithm>
#include <charconv>

/// The listeners of a node, and what its operators may ask.
namespace sluis::node {
namespace {

constexpr std::string_view kPublished = "meta/published";  ///< when, and the checkpoint that everybody sees
constexpr std::string_view kLasting = "public, max-age=31536000, immutable";
constexpr std::size_t kManagers = 128;  ///< connections to the management interface, where the network reaches it
constexpr std::size_t kCatalogBytes = 32U << 20U;     ///< of a peer's catalogue, on all its pages
constexpr std::size_t kCatalogOffers = 10'000;
constexpr std::size_t kCatalogPages = 1000;
constexpr std::chrono::minutes kVersionKept{5};  ///< where a party's protocol is, as it said
constexpr std::size_t kVersionsKept = 10'000;
constexpr std::size_t kComparedApart = 1000;  ///< agreements; with more all are looked at
constexpr std::chrono::seconds kCatalogTime{60};      ///< for all of it: no page begins later
constexpr std::chrono::seconds kSip{30};       ///< for a stranger to take 112 KiB: some 4 KB a second
constexpr std::chrono::seconds kToConnect{2};  ///< to one address of a peer that is looked at

/// With the header by which a peer holds its clock against this node's.
http::Handler dated(http::Handler handler, const Clock& clock) {
  return [handler = std::move(handler), &clock](const http::Request& request) {
    http::Response response = handler(request);
    response.headers.emplace("date", http::http_date(clock.now()));
    return response;
  };
}

http::Response text(unsigned status, std::string body) { return {status, {{"content-type", "text/plain; charset=utf-8"}}, std::move(body), {}}; }

/// `x001/x234/067[.p/<width>]` behind `tile/<level>/`.
struct TileName {
  unsigned level = 0;
  std::uint64_t index = 0;
  std::uint64_t width = provenance::kTileWidth;
};
std::optional<TileName> parse_tile(std::string_view rest, std::uint64_t size) {
  TileName name;
  const char* end = rest.data() + rest.size();
  const auto [at, ec] = std::from_chars(rest.data(), end, name.level);
  if (ec != std::errc() || at == end || *at != '/' || name.level > 7) return std::nullopt;
  std::string_view path(at + 1, static_cast<std::size_t>(end - at - 1));
  if (const std::size_t partial = path.find(".p/"); partial != std::string_view::npos) {
    const std::string_view width = path.substr(partial + 3);
    if (std::from_chars(width.data(), width.data() + width.size(), name.width).ptr != width.data() + width.size()) return std::nullopt;
    path = path.substr(0, partial);
  }
  std::string digits;
  for (const char c : path) {
    if (c >= '0' && c <= '9') digits += c;
  }
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  std::from_chars(digits.data(), digits.data() + digits.size(), name.index);
  // Only names that this node itself would write, and only what the log has.
  if (provenance::tile_path(name.level, name.index, name.width) != "tile/" + std::string(rest)) return std::nullopt;
  const std::uint64_t have = provenance::tile_width(name.level, name.index, size);
  if (have == 0 || name.width == 0 || name.width > have) return std::nullopt;
  return name;
}

/// `lasting`: it can never have other bytes. A full tile cannot either, and its log may be quarantined one day.
http::Response tile_answer(const provenance::LogReader& log, const std::optional<TileName>& name, bool lasting) {
  if (!name) return text(404, "no such tile\n");
  const auto hashes = log.tile(name->level, name->index, name->width);
  if (!hashes) return text(503, "the log cannot be read now\n");
  std::string bytes;
  for (const Hash& hash : *hashes) bytes += view(hash);
  http::Response response{200, {{"content-type", "application/octet-stream"}}, std::move(bytes), {}};
  if (lasting) response.headers["cache-control"] = std::string(kLasting);
  return response;
}

}  // namespace

/// Also over a start.
void Node::Parts::read_published() {
  const auto kept = store.get(kPublished);
  const auto key = provenance::VerifierKey::parse(sequencer->verifier_key());
  if (!kept || !*kept || (*kept)->size() < 8 || !key) return;
  std::string note = (*kept)->substr(8);
  if (!provenance::open_checkpoint(note, *key)) return;  // of a log before
  published_checkpoint = std::move(note);
  published_at = Timestamp(Duration(static_cast<std::int64_t>(get_u64(**kept))));
}

/// D9: at most one new public checkpoint a minute, so that counting entries tells little. Of a log that is quarantined no newer one is
/// shown: what it signed last may be what it is quarantined for.
std::string Node::Parts::public_checkpoint() {
  const std::lock_guard lock(published_mutex);
  const Timestamp now = log_clock->now();
  const bool due = now - published_at >= std::chrono::minutes(1) && sequencer->quarantine().empty();
  if (published_checkpoint.empty() || due) {
    published_checkpoint = sequencer->checkpoint();
    published_at = now;
    std::string kept;
    put_u64(kept, static_cast<std::uint64_t>(now.time_since_epoch().count()));
    Commit commit;
    commit.commit_class = CommitClass::bulk;
    commit.changes.push_back({std::string(kPublished), kept + published_checkpoint});
    commits->submit(std::move(commit), [](const Result<CommitReceipt>&) {});  // where it is lost, a start shows a newer one
  }
  return published_checkpoint;
}

/// Which logs there are, and of each that another followed its last checkpoint and its tiles, for good.
std::vector<http::Route> Node::Parts::older_logs() {
  const std::vector<provenance::Shard>& logs = log->shards();  // another follows only while these parts do not run
  std::string list;
  for (const provenance::Shard& one : logs) list += provenance::public_name(one) + " " + (one.origin.empty() ? config.log_origin : one.origin) + "\n";
  std::vector<http::Route> routes;
  routes.push_back({"GET", "/log/logs", [list](const http::Request&) { return text(200, list); }, 0});
  for (auto one = logs.begin(); one + 1 != logs.end(); ++one) {
    if (one->seal.empty()) continue;
    const std::string below = "/log/" + provenance::public_name(*one);
    routes.push_back({"GET", below + "/checkpoint", [seal = one->seal](const http::Request&) {
                        http::Response response = text(200, seal);
                        response.headers["cache-control"] = std::string(kLasting);
                        return response;
                      }, 0});
    routes.push_back({"GET", below + "/tile/*", [this, shard = *one](const http::Request& request) {
                        const auto key = provenance::VerifierKey::parse(shard.key);
                        const auto sealed = key ? provenance::open_checkpoint(shard.seal, *key) : Result<provenance::Checkpoint>(key.error());
                        if (!sealed) return text(503, "the log cannot be read now\n");
                        return tile_answer(log->at(shard), parse_tile(request.rest, sealed->size), true);
                      }, 0});
  }
  return routes;
}

std::vector<http::Route> Node::Parts::public_routes() {
  std::vector<http::Route> routes = open->routes();
  routes.push_back({"GET", "/catalog.jsonld", [this](const http::Request&) {
                      const auto catalog = catalog::dcat_catalog(*datasets, description, log_clock->now());
                      if (!catalog) return text(503, "the catalogue cannot be read now\n");
                      return http::Response{200, {{"content-type", "application/ld+json"}}, json::serialise_pretty(*catalog), {}};
                    }, 0});
  routes.push_back({"GET", "/catalog.ttl", [this](const http::Request&) {
                      const auto catalog = catalog::dcat_catalog(*datasets, description, log_clock->now());
                      const auto turtle = catalog ? catalog::to_turtle(*catalog) : Result<std::string>(catalog.error());
                      if (!turtle) return text(503, "the catalogue cannot be read now\n");
                      return http::Response{200, {{"content-type", "text/turtle; charset=utf-8"}}, *turtle, {}};
                    }, 0});
  routes.push_back({"GET", "/odrl/1.ttl", [](const http::Request&) {
                      return http::Response{200, {{"content-type", "text/turtle"}}, std::string(kOdrlProfileTurtle), {}};
                    }, 0});
  routes.push_back({"GET", "/odrl/1", [](const http::Request& request) {
                      const auto accept = request.headers.find("accept");
                      if (accept != request.headers.end() && accept->second.starts_with("text/turtle")) {
                        return http::Response{200, {{"content-type", "text/turtle"}}, std::string(kOdrlProfileTurtle), {}};
                      }
                      return http::Response{200, {{"content-type", "application/ld+json"}}, std::string(kOdrlProfile), {}};
                    }, 0});
  routes.push_back({"GET", "/situations", [this](const http::Request& request) { return declarations->published(request); }, 0});
  routes.push_back({"GET", "/log/checkpoint", [this](const http::Request&) {
                      const std::string note = cosigning ? cosigning->cosigned(public_checkpoint()) : public_checkpoint();
                      return note.empty() ? text(404, "no entry yet\n") : text(200, note);
                    }, 0});
  routes.push_back({"GET", "/log/tile/*", [this](const http::Request& request) {
                      const auto key = provenance::VerifierKey::parse(sequencer->verifier_key());
                      const auto published = provenance::open_checkpoint(public_checkpoint(), *key);
                      return tile_answer(*log, published ? parse_tile(request.rest, published->size) : std::nullopt, false);
                    }, 0});
  for (http::Route& route : older_logs()) routes.push_back(std::move(route));
  return routes;
}

bool Node::Parts::ready() const { return sequencer->quarantine().empty() && sequencer->trouble().empty() && !sequencer->clock_behind(); }

std::vector<http::TlsState> Node::Parts::tls_states() const {
  std::vector<http::TlsState> all;
  const auto add = [&](const auto& of) {
    auto state = of ? of->tls_state() : std::nullopt;
    if (state) all.push_back(std::move(*state));
  };
  for (const auto* server : {&exchange_server, &public_server, &management_server}) add(*server);
  add(client);
  add(to_witnesses);
  add(to_lists);
  add(to_revocations);
  for (const auto& one : to_collectors) add(one);
  return all;
}

std::vector<http::Route> Node::Parts::management_routes() {
  std::vector<http::Route> routes = management::connect_routes(*api);
  for (http::Route& route : intake->routes()) routes.push_back(std::move(route));
  for (http::Route& route : authzen->routes()) routes.push_back(std::move(route));
  routes.push_back(management::logbook_route(*api));
  routes.push_back({"GET", "/livez", [](const http::Request&) { return text(200, "ok\n"); }, 0});
  // On loopback open to all, as supervisors expect it. From the network only the status is: counting entries would tell much.
  const auto may_know = [this](const http::Request& request) {
    const bool shown = !request.header("authorization").empty() || request.tls.presented();
    return !config.management_tls || (shown && role_of(request.header("authorization"), request.tls));
  };
  routes.push_back({"GET", "/readyz", [this, may_know](const http::Request& request) {
                      std::string body;
                      if (may_know(request)) {
                        for (const std::string& finding : findings()) body += finding + "\n";
                      }
                      if (body.empty()) body = ready() ? "ok\n" : "not ready\n";
                      return text(ready() ? 200 : 503, body);
                    }, 0});
  routes.push_back({"GET", "/metrics", [this, may_know](const http::Request& request) {
                      if (!may_know(request)) return text(401, "show a role\n");
                      const auto entries = log->entries();
                      Measured now;
                      now.log_entries = entries ? *entries : 0;
                      const outbox::Standing standing = outbox->standing();
                      now.outbox_waiting = standing.waiting;
                      if (const auto dead = outbox->dead_letters()) now.outbox_dead = *dead;  // where they cannot be counted a finding says so
                      for (const outbox::PeerState& peer : standing.peers) now.outbox_away += peer.away ? 1 : 0;
                      now.receipts = receipts->taken();
                      now.receipts_missing = receipts->missing();
                      now.streams = streams->size();
                      now.cuts = &cut_times;
                      now.findings = findings().size();
                      if (collecting) now.collectors = collecting->measured();
                      now.tls = tls_states();
                      if (cosigning) now.witnesses = cosigning->measured();
                      if (witness) now.conflicts = witness->conflicts().size();
                      now.keys_locked = crypto::key_memory() == crypto::KeyMemory::locked;
                      measure_lists(now);
                      now.quarantined = !sequencer->quarantine().empty();
                      now.refusing = now.quarantined || !sequencer->trouble().empty();
                      now.started = backend->started;
                      now.version = SLUIS_VERSION;
                      std::string body = metrics_text(now);
                      return http::Response{200, {{"content-type", "text/plain; version=0.0.4"}}, std::move(body), {}};
                    }, 0});
  return routes;
}

Result<std::string> Node::Parts::dsp_url(const ParticipantId& peer) {
  const Timestamp now = log_clock->now();
  SLUIS_TRY(const std::string base, directory->endpoint(peer, now));
  {
    const std::lock_guard lock(urls_mutex);
    const auto known = urls.find(peer);
    if (known != urls.end() && known->second.base == base && now - known->second.asked < kVersionKept) return known->second.url;
    if (known != urls.end()) urls.erase(known);
  }
  http::PeerRequest request;
  request.peer = peer;
  request.method = "GET";
  request.url = base + "/.well-known/dspace-version";
  request.timeout = limits::kPeerTimeout;
  SLUIS_TRY(const http::PeerResponse response, transport->send(request));
  if (response.status != 200) return Error(ErrorCode::peer_unavailable, "`" + peer.str() + "` does not say which protocol versions it speaks");
  outbox->heard(peer.str());
  SLUIS_TRY(const json::Value document, json::parse(response.body));
  SLUIS_TRY(const std::string path, dsp::version_path(document));
  const std::lock_guard lock(urls_mutex);
  if (urls.size() >= kVersionsKept) urls.clear();
  urls[peer] = {base, base + path, now};
  return base + path;
}

void Node::Parts::forget_dsp_url(const ParticipantId& peer) {
  const std::lock_guard lock(urls_mutex);
  urls.erase(peer);
}

/// An agreement as consumer is being made: the next catalogue of that party is compared with it.
void Node::Parts::compare_next_time(const negotiation::AgreementRecord& record) {
  if (record.role != negotiation::Role::consumer) return;
  const std::lock_guard lock(compared_mutex);
  const auto found = compared.find(record.peer.str());
  if (found == compared.end()) return;  // all are, then
  if (found->second.since.size() >= kComparedApart) compared.erase(found);
  else found->second.since.insert(record.id.str());
}

/// limit_exceeded: the catalogue is too large, or its pages never end.
Result<catalog::RemoteCatalog> Node::Parts::fetch_catalog(const ParticipantId& peer) {
  SLUIS_TRY(const identity::PartyPtr party, directory->find(peer));
  SLUIS_TRY(const std::string url, dsp_url(peer));
  catalog::RemoteCatalog all;
  std::string next;
  std::size_t pages = 0;
  std::size_t bytes = 0;
  const auto end = std::chrono::steady_clock::now() + kCatalogTime;
  do {
    if (++pages > kCatalogPages || bytes > kCatalogBytes || all.offers.size() >= kCatalogOffers || (pages > 1 && std::chrono::steady_clock::now() >= end)) {
      return Error(ErrorCode::limit_exceeded, "the catalogue of `" + peer.str() + "` does not end: " + std::to_string(pages - 1) + " pages with " +
                                                  std::to_string(bytes) + " bytes came, and there are more")
          .mended_by("ask that party; nothing of it was kept");
    }
    SLUIS_TRY(dsp::Client::CatalogPage page, peers->catalog(peer, url, next));
    bytes += page.bytes;
    SLUIS_TRY(catalog::RemoteCatalog part, catalog::read_remote_catalog(page.catalog));
    all.participant = part.participant;
    for (auto& offer : part.offers) all.offers.push_back(std::move(offer));
    for (auto& offer : part.refused) all.refused.push_back(std::move(offer));
    next = std::move(page.next);
  } while (!next.empty());
  if (party->evidence) {
    catalog::require_proofs(all, peer, [this](const ParticipantId& who, const catalog::RemoteOffer& offer) { return evidence->check_offer(who, offer); });
  }
  SLUIS_TRY(std::vector<Commit> kept, catalog::RemoteOffers(store).remember(peer, all, log_clock->now()));
  for (Commit& commit : kept) SLUIS_CHECK(commits->commit_and_wait(std::move(commit)));
  // All agreements with it are looked at once for each catalogue that says something else than the one before, and then those that were made since.
  crypto::Sha256 said;
  for (const catalog::RemoteOffer& offer : all.offers) said.update(offer.dataset.str() + "\n" + offer.id.str() + "\n" + to_hex(offer.hash) + "\n");
  const Hash digest = said.finish();
  std::optional<std::set<std::string>> only;
  {
    const std::lock_guard lock(compared_mutex);
    if (!compared.contains(peer.str()) && compared.size() >= kVersionsKept) compared.clear();
    Compared& before = compared[peer.str()];  // from now on it is told of agreements that are made
    if (before.catalog == digest) only = std::exchange(before.since, {});
  }
  auto left = management::compare_with_catalog(*backend, peer, all, only);
  const std::lock_guard lock(compared_mutex);
  if (!left) {
    compared.erase(peer.str());  // then all are looked at
    return left.error();
  }
  if (const auto found = compared.find(peer.str()); found != compared.end()) {
    found->second.catalog = digest;
    found->second.since.merge(*left);
  }
  return all;
}

/// Agreements that run keep the purposes they were made with; what is open to everybody is looked at anew.
Result<management::Taken> Node::Parts::publish_purposes(const std::string& text, const std::string& file, bool dry_run,
                                                        const management::PublishedBy& by) {
  SLUIS_TRY(const management::Taken taken, purposes->publish(text, file, dry_run, by));
  if (!dry_run && !taken.unchanged) streams->reevaluate_all();
  return taken;
}

Result<Timestamp> Node::Parts::move_clock(Duration by) {
  if (!demo) return Error(ErrorCode::permission_denied, "only a demo node's clock can be moved");
  if (by < Duration(0)) return Error(ErrorCode::invalid_argument, "a clock only moves forward");
  const Duration offset = clock.offset() + by;
  std::string bytes;
  put_u64(bytes, static_cast<std::uint64_t>(offset.count()));
  Commit commit;
  commit.changes.push_back({"demo/clock", std::move(bytes)});
  SLUIS_CHECK(commits->commit_and_wait(std::move(commit)));
  clock.set_offset(offset);
  clock_is_unsure_for(kClockSettles);
  clock_stepped();
  return clock.now();
}

void Node::Parts::fill_backend() {
  backend.reset(new management::Backend{
      config.participant, config.name, SLUIS_VERSION, log->shard().origin, log_clock->now(), demo, *log_clock, store, *commits,
      *datasets, *negotiations, *transfers, *directory, *log});
  management::Backend& out = *backend;
  out.keeps_log = config.keeps_log;
  out.application_url = config.management.url + "/applications/";
  out.vocabulary = [this] { return purposes->current(); };
  out.situations = situations;
  out.publish_purposes = [this](const std::string& text, const std::string& file, bool dry_run,
                                const management::PublishedBy& by) {
    return publish_purposes(text, file, dry_run, by);
  };
  out.purposes_decided_by = [this](const Hash& hash, Timestamp then) { return purposes->decided_by(hash, then); };
  out.checkpoint = [this] { return sequencer->checkpoint(); };
  out.cosigned = [this] { return cosigning ? cosigning->newest_cosigned() : std::string(); };
  out.verifier_key = [this] { return sequencer->verifier_key(); };
  out.quarantine = [this] { return sequencer->quarantine(); };
  out.ready = [this] { return ready(); };
  out.findings = [this] { return findings(); };
  out.tell_status = [this](v1::NodeStatusResponse& status) { tell_watched(status); };
  out.doctor = [this] {
    std::vector<management::Finding> all;
    for (const std::string& finding : findings()) all.push_back({"node", false, finding, ""});
    if (all.empty()) all.push_back({"node", true, "nothing to mend", ""});
    if (!config.purposes_sha256.empty() && config.purposes_sha256 != to_hex(crypto::sha256(kPinnedPurposes))) {
      all.push_back({"purposes", true, "the pinned purposes are those that node.toml names by their hash, `purposes_sha256`, not those of this program", ""});
    }
    return all;
  };
  out.doctor_peer = [this](const ParticipantId& peer) -> Result<v1::NodeDoctorPeerResponse> {
    SLUIS_TRY(v1::NodeDoctorPeerResponse report, peer_doctor->examine(peer));
    const std::lock_guard lock(urls_mutex);
    if (const auto known = urls.find(peer); known != urls.end()) {
      auto* added = report.add_checks();
      added->set_name("protocol in use");
      added->set_result("ok");
      added->set_message(known->second.url + ", as it said at " + format_time(known->second.asked));
    }
    return report;
  };
  out.read_beside = [this](const std::string& name) -> Result<std::string> {
    if (name.find('/') != std::string::npos || name.starts_with('.')) {
      return Error(ErrorCode::invalid_argument, "`" + name + "` is not a file beside the dataset's");
    }
    return certs::read_file(config.datasets / name);
  };
  out.streams = [this](const ProcessId& transfer) { return streams->progress(transfer); };
  out.activity_allows = [this](std::string_view activity, std::string_view purpose, Timestamp now) -> Result<void> {
    SLUIS_CHECK(activity_allows(store, activity, purpose, now));
    return {};
  };
  out.two_sided = [this](const ParticipantId& party, Timestamp then) { return membership->keeps_evidence(party, then); };
  out.look_anew = [this] { streams->reevaluate_all(); };
  out.fetch_catalog = [this](const ParticipantId& peer) {
    auto fetched = fetch_catalog(peer);
    if (!fetched) forget_dsp_url(peer);  // it may be elsewhere by now
    return fetched;
  };
  out.dsp_url = [this](const ParticipantId& peer) { return dsp_url(peer); };
  out.load_membership = [this](const std::string& envelope, bool dry_run, const std::string& person) {
    return load_membership(envelope, dry_run, person);
  };
  out.read_membership = [this](const std::string& envelope, const std::string& file) { return read_membership(envelope, file); };
  out.tell_membership = [this](v1::ShowMembershipResponse& response) { tell_membership(response); };
  out.witness_policy = [this] { return cosigning ? cosigning->policy_text() : std::string("quorum none\n"); };
  out.vocabulary_by_hash = [this](const Hash& hash) { return purposes->by_hash(hash); };
  out.membership_list = [this]() -> Result<std::string> {
    SLUIS_TRY(const std::optional<std::string> kept, store.get("membership/list"));
    if (!kept) return Error(ErrorCode::not_found, "no membership list was loaded yet");
    return *kept;
  };
  out.receipts_of = [this](const ParticipantId& peer, const std::string& transaction) { return receipts->kept(peer, transaction); };
  out.agreement_evidence = [this](const negotiation::AgreementRecord& record) -> Result<management::AgreementEvidence> {
    SLUIS_TRY(AgreementReceipts::Held held, agreement_receipts->held(record));
    return management::AgreementEvidence{std::move(held.state), held.entry, std::move(held.theirs)};
  };
  out.peer_log = [this](const ParticipantId& peer) { return checkpoint_of(peer); };
  out.reconcile = [this](const v1::AuditReconcileRequest& request, const std::string& person) { return reconcile(request, person); };
  out.random = &random;
  out.subject_mark = [this](const provenance::DataSubject& subject) { return provenance::subject_mark(subject_key(), subject); };
  out.erase = [this](const v1::AuditEraseRequest& request, const std::string& person) { return erase(request, person); };
  out.erasures = [this]() -> Result<v1::AuditErasuresResponse> {
    SLUIS_TRY(const std::vector<Erasure> all, erasing->list());
    v1::AuditErasuresResponse response;
    for (const Erasure& one : all) *response.add_erasures() = to_proto(one);
    return response;
  };
  out.prune = [this](const v1::AuditPruneRequest& request, const std::string& person) { return prune(request, person); };
  out.rotate_log_key = [this](bool dry_run, const std::string& person) { return rotate_log_key(dry_run, person); };
  out.back_up = [this](bool dry_run, const std::string& person) -> Result<v1::NodeBackupResponse> {
    auto made = back_up(dry_run, person);
    if (made && !dry_run) (void)erasing->copied_anew(made->entries());  // what is left stays a finding
    return made;
  };
  out.move_clock = [this](Duration by) { return move_clock(by); };
  out.outbox_standing = [this] { return outbox->standing(); };
  out.retry_message = [this](const outbox::DeadLetter& letter, const std::string& person) -> Result<void> {
    SLUIS_CHECK(outbox->retry(letter));
    log::info("a dead letter is tried again", {{"id", outbox::id_of(letter)}, {"peer", letter.peer}, {"by", person}});
    return {};
  };
  out.drop_message = [this](const outbox::DeadLetter& letter, const outbox::Reason& reason, const std::string& person) {
    return drop_message(letter, reason, person);
  };
  out.prepare_retention = [this](Commit& commit, const management::RetentionRecord& record) {
    evidence->send_receipt(commit, record.peer, "retention-" + to_hex(crypto::sha256(record.agreement.str())));
  };
  out.retention_confirmed = [this](const management::RetentionRecord& record, const CommitReceipt&) {
    outbox->notify(record.peer.str(), "retention-" + to_hex(crypto::sha256(record.agreement.str())));
  };
  api = std::make_unique<management::Api>(management::make_methods(out),
                                          [this](std::string_view authorization, const http::TlsPeer& tls) -> Result<management::Caller> {
                                            SLUIS_TRY(const identity::RoleHolder holder, role_of(authorization, tls));
                                            return management::to_caller(holder);
                                          });
}

Result<void> Node::Parts::start_peer_doctor() {
  const bool in_clear = !config.static_identity.empty();
  const http::TlsFiles tls = in_clear ? http::TlsFiles() : tls_files(config.tls);
  SLUIS_TRY(http::ClientOptions options, calling_peers(config, *directory, *log_clock));
  const auto proxy = options.proxy;
  const http::AddressGuard guard = *options.guard;
  options.tls = {};
  options.tls.roots = tls.roots;
  options.tls.allow_tls_1_2 = tls.allow_tls_1_2;
  SLUIS_TRY(nobody, http::Client::make(std::move(options), clock));
  const auto through = [proxy](const std::string& host) { return proxy && http::goes_through(*proxy, host) ? &*proxy : nullptr; };
  peer_doctor = std::make_unique<PeerDoctor>(
      config.participant, config.exchange.url,
      PeerDoctorDependencies{*directory, *log_clock, *transport, *nobody, tls, [this](const http::Request& request) { return authenticate(request); },
                             [](const std::string& host) { return http::resolve(host); },
                             [through, guard](const std::string& host, const std::string& port) -> Result<void> {
                               if (const std::string kind = guard.against(host); !kind.empty()) return http::refused_address(host, kind);
                               return http::try_connection(host, port, kToConnect, through(host));
                             },
                             [tls, through, guard](const std::string& host, const std::string& port) {
                               return http::look_at_certificates(host, port, tls, limits::kPeerTimeout, through(host), &guard);
                             },
                             [through](const std::string& host) { return through(host) ? through(host)->name() : std::string(); }});
  return {};
}

Result<void> Node::Parts::start_listeners() {
  SLUIS_CHECK(start_peer_doctor());
  const http::TlsFiles tls = tls_files(config.tls);
  dsp::RouteOptions options;
  options.service_id = config.participant.str();
  std::vector<http::Route> exchange = dsp::routes(
      options, {*negotiations, *transfers, *dsp_catalog, [this](const http::Request& request) { return authenticate(request); },
                [this](const ParticipantId& peer, std::string_view url) { return directory->origin_allowed(peer, url, log_clock->now()); }});
  for (http::Route& route : exchange) {
    if (route.path == "/.well-known/dspace-version") route.handler = dated(std::move(route.handler), clock);
  }
  for (http::Route& route : evidence->routes()) exchange.push_back(std::move(route));
  for (http::Route& route : receipts->routes()) exchange.push_back(std::move(route));
  for (http::Route& route : agreement_receipts->routes()) exchange.push_back(std::move(route));
  for (http::Route& route : reconciling->routes()) exchange.push_back(std::move(route));
  const auto newest = [this] { return sequencer->checkpoint(); };
  for (http::Route& route : peer_logs->routes(newest, [this] { return sequencer->verifier_key(); })) exchange.push_back(std::move(route));
  for (http::Route& route : peer_doctor->routes()) exchange.push_back(std::move(route));
  for (http::Route& route : declarations->routes()) exchange.push_back(std::move(route));
  for (http::Route& route : gate->routes()) exchange.push_back(std::move(route));
  if (witness) {
    const auto member = [this](const http::Request& request) { return authenticate(request).has_value(); };
    const auto origins = [this] {
      std::vector<std::string> names;
      for (const std::string& key : known_logs()) names.push_back(key.substr(0, key.find('+')));
      return names;
    };
    for (http::Route& route : witness_routes(*witness, member, origins)) exchange.push_back(std::move(route));
  }
  const auto listener = [this](const std::string& name, const auto& where) {
    http::ServerOptions made;
    made.name = name;
    made.address = where.address;
    made.port = where.port;
    for (const std::string& range : where.proxies) made.proxies.push_back(*http::Network::parse(range));  // as the configuration was read
    made.on_no_handshake = [this, name](const Error& why) {
      refusals->count("no-handshake");
      if (handshake_told.now(log_clock->now())) log::warning("no handshake", {{"listener", name}, {"what", why.message}});
    };
    return made;
  };
  for (http::Route& route : exchange) route = fairness->told_when(std::move(route));
  http::ServerOptions to_peers = listener("exchange", config.exchange);
  to_peers.place = [this](const http::Request& request, const std::string&) { return fairness->place_of_party(request); };
  to_peers.on_refused = [this](const http::Request& request, http::Response& response) { fairness->refuse(request, response); };
  if (config.static_identity.empty()) {
    to_peers.tls = tls;
    to_peers.request_client_certificate = true;
  }
  http::ServerOptions to_all = listener("public", config.open);
  to_all.tls = tls;
  to_all.place = [this](const http::Request& request, const std::string& address) { return fairness->place_of_stranger(request, address); };
  to_all.sip_limit = kSip;
  http::ServerOptions to_managers = listener("management", config.management);
  to_managers.routes_refuse_codings = true;  // Connect has a status of its own for it
  if (config.management_tls) {
    to_managers.tls = tls_files(*config.management_tls);
    to_managers.request_client_certificate = true;
    to_managers.connections = kManagers;
  }
  exchange_server = std::make_unique<http::Server>(std::move(to_peers), std::move(exchange), clock, random);
  public_server = std::make_unique<http::Server>(std::move(to_all), public_routes(), clock, random);
  management_server = std::make_unique<http::Server>(std::move(to_managers), management_routes(), clock, random);
  SLUIS_CHECK(exchange_server->start());
  SLUIS_CHECK(public_server->start());
  SLUIS_CHECK(management_server->start());
  return start_grpc();
}

/// With the certificates of the management interface, where it has them; a Unix socket has none.
Result<void> Node::Parts::start_grpc() {
  if (config.management_grpc.empty()) return {};
  management::GrpcOptions options;
  options.address = config.management_grpc;
  if (config.management_tls && !options.address.starts_with("unix:")) {
    options.certificate = config.management_tls->chain.string();
    options.key = config.management_tls->key.string();
    options.roots = config.management_tls->roots.string();
    options.allow_tls_1_2 = config.management_tls->allow_tls_1_2;
  }
  options.ready = [this] { return ready(); };
  SLUIS_TRY(grpc_server, management::GrpcServer::start(*api, options));
  return {};
}

}  // namespace sluis::node
