#include "connector/node/parts.hpp"

#include "certs/authority.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/transaction_id.hpp"
#include "connector/management/convert.hpp"
#include "connector/node/list_changes.hpp"

/// The signed lists by which a node knows who takes part and who was revoked: taken over, fetched, and told about (decision 30).
namespace sluis::node {
namespace {

using identity::Judged;

constexpr std::string_view kList = "membership/list";
constexpr std::string_view kUnder = "membership/under";      ///< the configuration under which it was taken
constexpr std::string_view kChanges = "membership/changes";  ///< what it changed
constexpr std::chrono::milliseconds kListLook{500};  ///< at a file of lists, so that what is put there cuts within the second of D25
constexpr std::chrono::seconds kCut{1};  ///< from the commit of a revocation until the last packet (D25)

/// Without a certificate, as nobody needs to know who asks; and without lists of revoked certificates: what is fetched is signed by itself, and a list
/// that is over must not keep its own successor away. Through the node's proxy, if it has one; but for http, as that proxy is asked to connect
/// and not to fetch (decision 28): such a place is called directly.
Result<std::unique_ptr<http::Client>> client_for(const NodeConfig& config, const ListPlaces& places, const char* name, bool plain_http, const Clock& clock) {
  http::ClientOptions options;
  options.tls.roots = places.roots.empty() ? config.tls.roots.string() : places.roots.string();
  options.tls.allow_tls_1_2 = config.tls.allow_tls_1_2;
  options.guard = guard_of(config);
  options.allow_http = plain_http;
  options.idle_connections = 0;
  options.name = name;
  SLUIS_TRY(options.proxy, proxy_of(config.proxy));  // the places are the configuration's
  return http::Client::make(std::move(options), clock);
}

ListFetchingDependencies dependencies_of(http::Client& client, const Clock& clock, Random& random) {
  return {[&client](const http::PeerRequest& request) { return client.send(request); }, [&client] { client.stop(); }, {}, {},
          [&clock] { return identity::Moment{std::chrono::steady_clock::now(), clock.now()}; }, random};
}

void put(v1::ListFetching& out, const ListFetching& fetching) {
  const Duration until_here = fetching.to_receive();
  out.set_bound(format_duration(until_here + kCut));
  out.set_fetch_bound(format_duration(until_here));
  out.set_cut_bound(format_duration(kCut));
  out.set_every(format_duration(fetching.every()));
  for (const identity::ListSource& one : fetching.sources()) {
    auto* added = out.add_sources();
    added->set_place(one.place);
    if (one.succeeded) management::put_time(added->mutable_last_success(), *one.succeeded);
    if (one.failed) management::put_time(added->mutable_last_failure(), *one.failed);
    added->set_failure(one.failure);
    added->set_failing(one.failing);
    management::put_time(added->mutable_next_try(), one.next);
  }
}

}  // namespace

Result<identity::Trust> Node::Parts::read_trust() const {
  identity::Trust trust;
  trust.threshold = config.membership_threshold;
  for (const auto& file : config.membership_keys) {
    SLUIS_TRY(const std::string pem, certs::read_file(file));
    SLUIS_TRY(crypto::Key key, crypto::Key::from_pem(pem));
    trust.keys.push_back(std::move(key));
  }
  return trust;
}

/// A directory with the list that is kept, by the configured keys as their files stand; and the list's bytes.
Result<std::unique_ptr<identity::Directory>> Node::Parts::kept_directory(std::optional<std::string>& kept) const {
  SLUIS_TRY(identity::Trust trust, read_trust());
  auto made = std::make_unique<identity::Directory>(std::move(trust));
  SLUIS_TRY(kept, store.get(kList));
  SLUIS_TRY(const std::optional<std::string> under, store.get(kUnder));
  if (!kept) return made;
  if (auto good = made->load_kept(*kept, under.value_or("")); !good) {
    return std::move(good.error())
        .mended_by("name in [membership] the keys that signed the list in force: its signers may have rolled over since these were configured");
  }
  return made;
}

Result<identity::MembershipList> Node::Parts::read_membership(const std::string& envelope, const std::string& file) const {
  std::optional<std::string> kept;
  SLUIS_TRY(const std::unique_ptr<identity::Directory> trial, kept_directory(kept));
  return trial->read(envelope, file);
}

/// The one way by which a list comes into force, whoever brings it. `place`: from which it was fetched; empty: a person loads it.
Result<management::Taken> Node::Parts::load_membership(const std::string& envelope, bool dry_run, const std::string& person, const std::string& place) {
  const Timestamp now = log_clock->now();
  const auto before = directory->list();
  std::optional<std::string> kept;
  SLUIS_TRY(const std::unique_ptr<identity::Directory> trial, kept_directory(kept));
  SLUIS_CHECK(trial->load(envelope, now));
  management::Taken taken;
  taken.unchanged = before && trial->list()->version == before->version;
  if (dry_run || taken.unchanged) return taken;
  SLUIS_TRY(const identity::Trust trust, read_trust());
  v1::MembershipChanges changes = changes_between(before.get(), *trial->list());
  management::put_time(changes.mutable_taken(), now);
  changes.set_place(place);
  // Recorded first: a list that this node acts on is always one that it can show.
  Commit commit;
  commit.commit_class = CommitClass::revoke;  // who is not on it any more loses access
  commit.preconditions.push_back({std::string(kList), kept});
  commit.changes.push_back({std::string(kList), envelope});
  commit.changes.push_back({std::string(kUnder), identity::digest_of(trust)});
  commit.changes.push_back({std::string(kChanges), changes.SerializeAsString()});
  SLUIS_CHECK(leaving->note(commit, before.get(), *trial->list()));
  const std::string from = place.empty() ? "" : " from " + place;
  commit.entries.push_back(writer->plain_entry(provenance::EntryKind::membership, place.empty() ? "loaded" : "fetched",
                                               "version " + std::to_string(trial->list()->version) + from + " sha256 " + to_hex(crypto::sha256(envelope))));
  if (place.empty()) writer->name_person(commit.entries.back(), person);
  SLUIS_TRY(const CommitReceipt receipt, commits->commit_and_wait(std::move(commit)));
  directory->take_over(*trial);
  taken.entry = receipt.first_entry;
  log::info("another membership list is in force", {{"what", summary(changes)}, {"from", place.empty() ? "a person" : place}});
  clock_stepped();
  return taken;
}

Judged Node::Parts::take_fetched(const std::string& envelope, const std::string& place) {
  std::optional<std::string> kept;
  const auto trial = kept_directory(kept);
  if (!trial) return {Judged::Kind::not_taken, describe(trial.error())};
  const auto read = (*trial)->read(envelope, place);
  const auto standing = read ? (*trial)->standing(envelope) : Result<identity::Standing>(read.error());
  if (!standing) return {Judged::Kind::refused, describe(standing.error())};
  const std::string version = "version " + std::to_string(read->version);
  const auto in_force = directory->list();
  switch (*standing) {
    case identity::Standing::same:
      if (in_force && in_force->version == read->version) return {Judged::Kind::same, {}};
      break;  // it was written, and the outcome was not known
    case identity::Standing::older:
      return {Judged::Kind::older, version + " is older than version " + std::to_string((*trial)->list()->version) + ", which is in force"};
    case identity::Standing::another:
      return {Judged::Kind::contradicts, "another " + version + ", well signed, SHA-256 " + to_hex(crypto::sha256(envelope))};
    case identity::Standing::newer: break;
  }
  const auto taken = load_membership(envelope, false, {}, place);
  if (taken) return {Judged::Kind::taken, version};
  const bool its_own = taken.error().code == ErrorCode::invalid_argument || taken.error().code == ErrorCode::permission_denied;
  return {its_own ? Judged::Kind::refused : Judged::Kind::not_taken, describe(taken.error())};
}

/// Before TLS reads the lists of revoked certificates. Without that file nobody could be let in: then its places are asked first.
Result<void> Node::Parts::start_revocations() {
  if (config.tls.lists.empty()) return {};
  revoked = std::make_unique<RevocationFile>(RevocationFile::Files{config.tls.lists, config.tls.roots, config.tls.chain});
  const ListPlaces& places = config.revocation_places;
  if (places.places.empty()) return {};
  SLUIS_TRY(to_revocations, client_for(config, places, "revocation lists", true, clock));
  ListFetchingDependencies with = dependencies_of(*to_revocations, *log_clock, random);
  with.held = [this] { return revoked->held(); };
  with.take = [this](const std::string& bytes, const std::string&) {
    Judged judged = revoked->take(bytes, log_clock->now());
    if (streams && revoked->look()) streams->reevaluate_all();
    return judged;
  };
  FetchedList list{"list of revoked certificates", places.places, places.every, limits::kResponseBytes, "application/pkix-crl, */*;q=0.5"};
  revocation_fetching = std::make_unique<ListFetching>(std::move(list), std::move(with));
  if (std::filesystem::exists(config.tls.lists)) return {};
  revocation_fetching->round();
  if (std::filesystem::exists(config.tls.lists)) return {};
  return Error(ErrorCode::not_found, "there is no `" + config.tls.lists.string() + "` yet, and no place had its lists: " + revocation_fetching->tried())
      .mended_by("put the lists there once by hand, or name a place that has them in `crl_sources`");
}

Result<void> Node::Parts::start_lists() {
  if (revoked) {  // nobody may call meanwhile: what runs is cut all the same
    revocation_look = std::make_unique<gate::Alarm>(*log_clock, [this](Timestamp now) {
      if (revoked->look()) streams->reevaluate_all();
      return std::optional(now + kListLook);
    });
    revocation_look->wake();
  }
  if (revocation_fetching) revocation_fetching->start();
  const ListPlaces& places = config.membership_places;
  if (places.places.empty()) return {};
  SLUIS_TRY(to_lists, client_for(config, places, "membership lists", false, clock));
  ListFetchingDependencies with = dependencies_of(*to_lists, *log_clock, random);
  with.take = [this](const std::string& bytes, const std::string& place) { return take_fetched(bytes, place); };
  with.held = [this] {
    const auto list = directory->list();
    return list ? std::to_string(list->version) : std::string();  // two of one version are never both held
  };
  FetchedList fetched{"membership list", places.places, places.every, limits::kJsonBytes, "application/json"};
  list_fetching = std::make_unique<ListFetching>(std::move(fetched), std::move(with));
  list_fetching->start();
  return {};
}

std::vector<std::string> Node::Parts::list_findings() const {
  std::vector<std::string> out;
  for (const auto* fetching : {&list_fetching, &revocation_fetching}) {
    if (!*fetching) continue;
    for (std::string& finding : (*fetching)->findings()) out.push_back(std::move(finding));
  }
  return out;
}

void Node::Parts::tell_membership(v1::ShowMembershipResponse& response) const {
  const auto kept = store.get(kChanges);
  v1::MembershipChanges changes;
  const auto list = directory->list();
  if (kept && *kept && changes.ParseFromString(**kept) && list && list->version == changes.version()) *response.mutable_changes() = std::move(changes);
  if (list_fetching) put(*response.mutable_fetching(), *list_fetching);
  if (revocation_fetching) put(*response.mutable_revocations(), *revocation_fetching);
}

void Node::Parts::measure_lists(Measured& measured) const {
  measured.cut_bound = kCut;
  for (const auto& [name, fetching] : {std::pair("membership", &list_fetching), std::pair("revocations", &revocation_fetching)}) {
    if (!*fetching) continue;
    measured.list_bounds.emplace_back(name, (*fetching)->to_receive() + kCut);
    for (const identity::ListSource& one : (*fetching)->sources()) measured.places.push_back({name, one.place, one.succeeded, one.failing});
  }
}

/// What this node as a consumer says once, for all tries of a transfer that is to be pushed to it.
Result<std::string> Node::Parts::claim_of_push(const ParticipantId& provider, const AgreementId& agreement, const ProcessId& pid,
                                               const transfer::PushRequest& push) {
  identity::Claim claim;
  claim.iss = config.participant;
  claim.aud = provider;
  claim.agreement = agreement;
  claim.transfer = pid;
  claim.transaction = TransactionId(new_transaction_id(random, log_clock->now()));
  claim.purpose = push.purpose;
  claim.activity = push.activity;
  SLUIS_TRY(const negotiation::AgreementRecord record, negotiations->agreement(agreement));
  SLUIS_TRY(const gate::TermsPtr agreed, programs.agreement(record, purposes->current()));
  if (agreed->named.activity) {
    SLUIS_TRY(intake::Registered registered, activity_allows(store, push.activity, push.purpose, log_clock->now()));
    claim.says = std::move(registered.says);
  }
  claim.iat = std::chrono::floor<std::chrono::seconds>(log_clock->now());
  claim.jti = to_hex(random.bytes(16));
  claim.method = "POST";
  claim.path = gate::target_of(push.endpoint);
  claim.checkpoint = sequencer->checkpoint();
  return identity::make_claim(claim, config.claim_kid, *claim_key);
}

/// The keys of all logs that the membership list has now.
std::vector<std::string> Node::Parts::known_logs() const {
  std::vector<std::string> keys;
  const auto list = directory->list();
  if (!list || list->valid_until <= log_clock->now()) return keys;
  for (const identity::Party& party : list->parties) {
    for (const identity::LogOrigin& one : party.log_origins) {
      if (one.window.holds(log_clock->now())) keys.push_back(one.vkey);
    }
  }
  return keys;
}

}  // namespace sluis::node
