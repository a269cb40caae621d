#include "connector/node/parts.hpp"

#include "certs/authority.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/held.hpp"
#include "connector/management/newer_terms.hpp"
#include "connector/node/one_sided.hpp"
#include "connector/node/own_keys.hpp"
#include "connector/node/own_memory.hpp"
#include "connector/node/pinned_purposes.hpp"
#include "connector/node/secrets.hpp"
#include "connector/provenance/export.hpp"
#include "connector/provenance/shard.hpp"

#include <algorithm>

/// Who watches this node's log and whose logs it watches, whether its keys are its own, and what of all that the operator should see to.
namespace sluis::node {
namespace {

constexpr std::chrono::days kAhead{30};  // so long before the period of the log ends it is told that no other can follow
constexpr std::chrono::seconds kWitnessesAtStart{5};  // the last one that is asked may take a little longer

}  // namespace

/// Before anything is recorded: who watches this log may know that its store is not the newest.
Result<void> Node::Parts::start_witnesses() {
  if (!config.witness_key.empty()) {
    SLUIS_TRY(crypto::Key key, read_private_key(config.witness_key));
    if (key.kind() != crypto::Key::Kind::ed25519) return Error(ErrorCode::invalid_argument, "`" + config.witness_key.string() + "` is no Ed25519 key");
    witness = std::make_unique<provenance::Witness>(
        provenance::Witness::Options{config.log_origin + "/witness", std::move(key), witnessed_folder(config),
                                     [this](std::string_view origin) {
                                       std::vector<provenance::VerifierKey> keys;
                                       for (const std::string& text : known_logs()) {
                                         auto one = provenance::VerifierKey::parse(text);
                                         if (one && one->name() == origin) keys.push_back(std::move(*one));
                                       }
                                       return keys;
                                     }},
        *log_clock);
    log::info("witness of the federation's logs", {{"key", witness->key().text()}});
  }
  if (config.witnesses.empty()) return {};
  http::ClientOptions options;
  options.tls = tls_files(config.tls);
  if (!config.witness_roots.empty()) {
    options.tls.roots = config.witness_roots.string();
    options.tls.lists.clear();
  }
  options.name = "witnesses";
  SLUIS_TRY(options.proxy, proxy_of(config.proxy));  // their addresses are the configuration's
  options.allow_http = true;  // the configuration has such addresses on this machine only
  SLUIS_TRY(to_witnesses, http::Client::make(std::move(options), clock));
  std::vector<WitnessAt> list;
  std::vector<provenance::VerifierKey> keys;
  for (const NodeConfig::Witness& one : config.witnesses) {
    SLUIS_TRY(provenance::VerifierKey key, provenance::VerifierKey::parse(one.key, provenance::Signer::witness));
    keys.push_back(key);
    list.push_back({std::move(key), one.url});
  }
  auto policy = provenance::WitnessPolicy::at_least(config.witness_quorum, keys);
  if (!config.witness_policy.empty()) {
    SLUIS_TRY(const std::string text, certs::read_file(config.witness_policy));
    SLUIS_TRY(policy, provenance::WitnessPolicy::parse(text, config.witness_policy.string()));
  }
  SLUIS_TRY(provenance::VerifierKey own, provenance::VerifierKey::parse(sequencer->verifier_key()));
  cosigning = std::make_unique<Cosigning>(
      std::move(list), std::move(policy),
      CosigningDependencies{*log, std::move(own), [this] { return public_checkpoint(); },
                            [this](const http::PeerRequest& request) { return to_witnesses->send(request); }, *log_clock,
                            [this](const std::string& why) {
                              sequencer->give_up(why);
                              streams->cut_all(gate::make_reason("not_recorded"));
                            },
                            provenance::slots_folder(config.checkpoints, log->shard()) / provenance::kCosignedFile});
  cosigning->round(kWitnessesAtStart);
  cosigning->start();
  return {};
}

/// What a node's log signed twice, or a log of somebody else: one line each.
std::vector<std::string> Node::Parts::watching_findings() const {
  std::vector<std::string> out;
  if (cosigning) out = cosigning->findings();
  if (witness) {
    for (const auto& file : witness->conflicts()) {
      const auto told = provenance::read_conflict_file(file);
      const std::string about = told ? "the log `" + told->origin + "` signed two checkpoints of " + std::to_string(told->size) + " entries that contradict each other"
                                     : "`" + file.string() + "` cannot be read: " + told.error().message;
      out.push_back("as a witness: " + about + "; `sluis log conflicts --config " + config.file.string() + "` gives the proof, for its owner and its other witnesses");
    }
  }
  if (const auto why = claim_key_trouble(); why) out.push_back(why->message + (why->mend.empty() ? "" : "; " + why->mend));
  if (const std::string why = why_keys_may_swap(); !why.empty()) out.push_back(why);
  return out;
}

/// Others take this node's claims by the key that the list has under its kid. Nothing: it is this one, or there is no list to tell.
std::optional<Error> Node::Parts::claim_key_trouble() const {
  const auto list = directory ? directory->list() : nullptr;
  if (!list) return std::nullopt;
  return why_not_listed(*list, config, *claim_key, log_clock->now());
}

/// A key that the list has as another's of that kid is the wrong file; one that it does not have yet may be on its way.
Result<void> Node::Parts::check_claim_key() const {
  const auto why = claim_key_trouble();
  if (why && why->code == ErrorCode::conflict) return *why;
  return {};
}

/// The first start of a store keeps a mark that the node key opens, so that a later one knows another key. A change on purpose is said with a file
/// beside it, which is taken away once the new mark is kept.
Result<void> Node::Parts::keep_node_key() {
  SLUIS_TRY(const std::optional<std::string> kept, store.get(kNodeKeyMark));
  const std::filesystem::path said = node_key_changed_file(config.node_key);
  std::error_code ec;
  if (kept) {
    const auto same = opens_mark(node_key, *kept, config.participant);
    if (same) {  // nothing was changed: what was said of it holds for no later key
      if (!std::filesystem::remove(said, ec) && ec) log::error("take it away: it would let the next node key pass as well", {{"file", said.string()}});
      return {};
    }
    if (!std::filesystem::exists(said, ec)) {
      return Error(ErrorCode::conflict, "the node key `" + config.node_key.string() + "` is not the one that this node started with")
          .mended_by("put it back from a copy of the keys; where it is lost or was changed on purpose, an empty file `" + said.string() +
                     "` lets the node take this one: transfers in which it is the consumer must be started anew, and pseudonyms need a new epoch");
    }
  }
  Commit commit;
  commit.changes.push_back({std::string(kNodeKeyMark), mark_of(node_key, config.participant, random)});
  const auto done = sequencer->commit_and_wait(std::move(commit));
  // Of a quarantined log nothing changes, and nothing is exchanged. A first mark that cannot be kept, as on a full disk, is kept by another start.
  if (!done && kept && sequencer->quarantine().empty()) return done.error();
  if (done && kept) {
    log::warning("another node key is in use, as was said", {{"file", config.node_key.string()}});
    if (!std::filesystem::remove(said, ec)) log::error("take it away: it would let the next node key pass as well", {{"file", said.string()}});
  }
  return {};
}

void Node::Parts::tell_watched(v1::NodeStatusResponse& status) const {
  status.set_keys_in_memory(keys_in_memory());
  if (witness) status.set_witness_conflicts(witness->conflicts().size());
  if (!cosigning) return;
  const MeasuredWitnesses now = cosigning->measured();
  for (const MeasuredWitnesses::One& one : now.witnesses) {
    auto* added = status.add_witnesses();
    added->set_name(one.name);
    added->set_cosigned(one.cosigned);
    added->set_alarming(one.alarming);
    added->set_trouble(one.trouble);
    if (one.signed_at) management::put_time(added->mutable_cosigned_at(), *one.signed_at);
  }
  status.set_witness_quorum(now.quorum_name);
  status.set_witness_quorum_met(now.met);
  management::put_time(status.mutable_witness_quorum_since(), now.since);
  if (now.completed) management::put_time(status.mutable_witness_quorum_last(), now.complete_at);
}

std::vector<std::string> Node::Parts::findings() const {
  std::vector<std::string> out;
  if (const std::string why = sequencer->quarantine(); !why.empty()) out.push_back("the log is quarantined: " + why);
  if (const std::string why = sequencer->trouble(); !why.empty()) out.push_back(why);
  if (sequencer->clock_behind()) out.emplace_back("the clock is behind the log");
  if (const auto waiting = erasing->list(); waiting) {
    for (const Erasure& one : *waiting) {
      if (!one.confirmed_by.empty()) out.push_back("the erasure " + one.id + " is confirmed, and not done yet");
    }
  }
  if (const auto unfinished = pruning->unfinished(); unfinished) {
    for (const std::string& origin : *unfinished) out.push_back("entries of the log `" + origin + "` are being pruned: not done yet");
  }
  if (const auto left = erasing->in_copies(); left) {
    for (const std::string& id : *left) out.push_back("keys of the erasure " + id + " are still in copies: mend what keeps them there, then `sluis backup create`");
  }
  if (const auto ends = period_ends(); ends && *ends && log_clock->now() + kAhead >= **ends) {
    const std::string why = why_none_follows();
    const bool over = **ends <= log_clock->now();
    if (!why.empty()) {
      out.push_back("the period of the log " + std::string(over ? "ended" : "ends") + " on " + format_time(**ends).substr(0, 10) + (over ? ", and it goes on" : "") + ": " + why);
    }
  }
  if (const auto ordered = is_order_for_next(); !ordered) {
    out.push_back("which log was asked for cannot be read: " + ordered.error().message);
  } else if (*ordered) {
    const std::string why = why_none_follows();
    if (!why.empty()) out.push_back("another log was asked for, and none can follow: " + why);
    else if (!**ordered) out.push_back("a log was asked for, and another is prepared since: `sluis log follow` asks for that one");
  }
  if (!none_followed.empty()) out.push_back(none_followed);
  for (std::string& finding : management::held_findings(store)) out.push_back(std::move(finding));
  for (std::string& finding : one_sided_findings(store, *directory, log_clock->now())) out.push_back(std::move(finding));
  for (std::string& finding : peer_logs->findings()) out.push_back(std::move(finding));
  if (const auto newer = management::count_newer_terms(store); newer && *newer > 0) {
    out.push_back(std::to_string(*newer) + " agreement(s) whose provider offers other terms by now: `sluis agreement list` says which, `sluis agreement renew` asks for them");
  }
  for (std::string& finding : watching_findings()) out.push_back(std::move(finding));
  if (collecting) {
    for (std::string& finding : collecting->findings()) out.push_back(std::move(finding));
  }
  for (const http::TlsState& one : tls_states()) {
    std::string finding;
    if (!one.trouble.empty()) finding = "changed TLS files are not used, those before still are: " + one.trouble;
    else if (one.lists_end <= log_clock->now()) finding = "a revocation list (" + one.name + ") was over at " + format_time(one.lists_end) + ": who needs it is refused";
    if (!finding.empty() && std::find(out.begin(), out.end(), finding) == out.end()) out.push_back(std::move(finding));
  }
  const auto dead = outbox->dead_letters();
  if (!dead) out.push_back("messages that are not delivered cannot be counted: " + dead.error().message);
  if (dead && *dead > 0) {
    out.push_back(std::to_string(*dead) + (*dead == 1 ? " message to another party is not delivered" : " messages to other parties are not delivered") +
                  " unless somebody has it tried again: see `sluis outbox list`");
  }
  if (!config.static_identity.empty()) out.emplace_back("peers are known by fixed values, in clear: the identity scheme is `static`, for tests only");
  for (std::string& finding : list_findings()) out.push_back(std::move(finding));
  if (std::string finding = changed_purposes(config, purpose_files); !finding.empty()) out.push_back(std::move(finding));
  if (!roles->current()) out.emplace_back("the file of roles is not in order: nobody has a role");
  const auto asked = [this] { return list_fetching ? "; asked: " + list_fetching->tried() : std::string(); };
  switch (directory->state(log_clock->now())) {
    case identity::ListState::fresh: break;
    case identity::ListState::stale: out.push_back("the membership list should be refreshed" + asked()); break;
    case identity::ListState::expired: out.push_back("there is no valid membership list: no new negotiation or pull" + asked()); break;
  }
  return out;
}

}  // namespace sluis::node
