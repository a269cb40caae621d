#include "connector/node/peer_logs.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/gate/evidence.hpp"
#include "connector/provenance/merkle.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluis::node {
namespace {

using provenance::Checkpoint;
using provenance::EntryKind;

constexpr std::size_t kSeen = 256;                ///< notes of one log that are remembered
constexpr std::size_t kAtOnce = 16;               ///< sizes that are asked at once
constexpr std::size_t kQuestionBytes = 16U << 10U;
constexpr std::chrono::seconds kEvery{5};         ///< of one log
constexpr std::chrono::minutes kAgain{1};         ///< where there was no answer
constexpr std::chrono::hours kUnknown{1};         ///< where it answers as if it had no such route, or no such log
constexpr std::chrono::hours kPatience{24};       ///< then that is told
constexpr std::size_t kPeers = 10'000;            ///< of whom something is kept in memory

}  // namespace

PeerLogs::PeerLogs(ParticipantId self, EvidenceDependencies with) : self_(std::move(self)), with_(std::move(with)) {}

PeerLogs::~PeerLogs() { stop(); }

void PeerLogs::start() {
  const std::lock_guard lock(alarm_mutex_);
  stopping_ = false;
  alarm_ = std::make_unique<gate::Alarm>(with_.clock, [this](Timestamp now) { return round(now); });
  alarm_->wake();
}

void PeerLogs::stop() {
  stopping_ = true;  // who is asked now is waited for, and nobody else
  std::unique_ptr<gate::Alarm> over;  // its thread may be telling of a note
  {
    const std::lock_guard lock(alarm_mutex_);
    over.swap(alarm_);
  }
}

Result<PeerLogs::Heard> PeerLogs::open(const ParticipantId& peer, const std::string& note) const {
  if (note.size() > kNoteBytes) return Error(ErrorCode::limit_exceeded, fmt::format("it has {} bytes, and {} are the most", note.size(), kNoteBytes));
  SLUIS_TRY(const std::string vkey, with_.directory.log_key(peer, provenance::origin_of(note), with_.clock.now()));
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(vkey));
  SLUIS_TRY(Checkpoint checkpoint, provenance::open_checkpoint(note, key));
  return Heard{provenance::with_signature_of(note, key), std::move(checkpoint)};
}

std::uint64_t PeerLogs::accepted(const ParticipantId& peer) const {
  const std::lock_guard lock(mutex_);
  const auto found = accepted_.find(peer);
  return found == accepted_.end() ? 0 : found->second;
}

void PeerLogs::heard(const ParticipantId& peer, const std::string& note, const Checkpoint& checkpoint) {
  if (peer == self_ || checkpoint.size == 0) return;
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    if (logs_.size() > kPeers) logs_.clear();
    Log& log = logs_[{peer, checkpoint.origin}];
    if (log.last == note) return;
    log.last = note;
    const auto [found, fresh] = log.seen.emplace(checkpoint.size, Heard{note, checkpoint});
    if (!fresh) {
      if (found->second.checkpoint.root == checkpoint.root || log.conflict) return;
      log.conflict.emplace(found->second, Heard{note, checkpoint});
    } else {
      if (log.seen.size() > kSeen) log.seen.erase(log.seen.begin());
      // Of many the smallest, the largest and the first that came: enough for a log that was rewritten at one place.
      auto& waiting = log.waiting;
      if (waiting.size() >= kAtOnce) {
        if (checkpoint.size > waiting.rbegin()->first) waiting.erase(std::prev(waiting.end()));
        else if (checkpoint.size < waiting.begin()->first) waiting.erase(waiting.begin());
        else return;
      }
      waiting.emplace(checkpoint.size, Heard{note, checkpoint});
      if (waiting.size() > 1) return;  // it is known that there is something
    }
    wakes = true;
  }
  if (!wakes) return;
  const std::lock_guard lock(alarm_mutex_);
  if (alarm_) alarm_->wake();
}

Result<void> PeerLogs::check(const ParticipantId& peer, const std::string& note) {
  {
    const std::lock_guard lock(mutex_);
    const auto good = good_.find(peer);
    if (good != good_.end() && good->second == note) {
      false_.erase(peer);
      return {};
    }
  }
  const Result<Heard> opened = open(peer, note);
  if (opened) {
    heard(peer, opened->note, opened->checkpoint);
    const std::lock_guard lock(mutex_);
    false_.erase(peer);
    if (good_.size() > kPeers) good_.clear();
    good_[peer] = note;
    return {};
  }
  if (opened.error().code == ErrorCode::not_found) return {};  // the list has no such log of it now, and may have it later
  const std::lock_guard lock(mutex_);
  if (false_.size() > kPeers) false_.clear();
  false_[peer] = opened.error().message;
  return Error(ErrorCode::permission_denied, opened.error().message);
}

std::optional<Timestamp> PeerLogs::round(Timestamp now) {
  std::vector<Name> due;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, log] : logs_) {
      if (log.conflict || (!log.waiting.empty() && log.next <= now)) due.push_back(name);
    }
  }
  for (const Name& name : due) {
    if (stopping_) break;
    judge(name, now);
  }
  std::optional<Timestamp> next;
  const std::lock_guard lock(mutex_);
  for (const auto& [_, log] : logs_) {
    if (log.waiting.empty() && !log.conflict) continue;
    const Timestamp then = std::max(log.next, now + std::chrono::seconds(1));
    next = next ? std::min(*next, then) : then;
  }
  return next;
}

/// What waits of one log.
void PeerLogs::judge(const Name& name, Timestamp now) {
  std::map<std::uint64_t, Heard> notes;
  std::optional<std::pair<Heard, Heard>> conflict;
  const std::uint64_t before = accepted(name.first);
  {
    const std::lock_guard lock(mutex_);
    Log& log = logs_[name];
    conflict = log.conflict;
    if (!conflict && log.next <= now) {
      notes = std::exchange(log.waiting, {});
      log.next = now + kEvery;
    }
  }
  if (conflict) {
    if (const auto recorded = record(name.first, "conflict", conflict->first.note, conflict->second.note, before); !recorded) {
      log::error("that a log contradicts itself cannot be recorded", {{"peer", name.first.str()}, {"what", recorded.error().message}});
    } else {
      const std::lock_guard lock(mutex_);
      auto& told = logs_[name].conflict;
      if (told && told->second.note == conflict->second.note) told.reset();
    }
    return;
  }
  if (notes.empty()) return;
  const auto stands = Contradiction::read(with_.store, name.first);
  if (stands && *stands) return;  // a person settles it first; two of one size are told all the same
  const auto kept = with_.store.get(known_checkpoint_key(name.first, name.second));
  if (const auto known = kept && *kept ? open(name.first, **kept) : Result<Heard>(Error(ErrorCode::not_found, "none")); known) {
    const auto [same, fresh] = notes.emplace(known->checkpoint.size, *known);
    if (!fresh && same->second.checkpoint.root != known->checkpoint.root) {
      const auto recorded = record(name.first, "conflict", known->note, same->second.note, before);
      if (!recorded) log::error("that a log contradicts itself cannot be recorded", {{"peer", name.first.str()}, {"what", recorded.error().message}});
      return;
    }
    if (!fresh && notes.size() == 1) return;  // that is proven
  }
  prove(name, notes, now, before);
}

/// Whether the list has a log behind this one, and the party has shown it, to this process or one before: that this one lost its end is what that one
/// began with, and is told there.
PeerLogs::Behind PeerLogs::behind(const Name& name) const {
  const auto party = with_.directory.find(name.first);
  if (!party) return Behind::none;
  const auto& logs = (*party)->log_origins;
  auto one = std::find_if(logs.begin(), logs.end(), [&](const auto& origin) { return origin.origin == name.second; });
  Behind out = Behind::none;
  while (one != logs.end() && ++one != logs.end()) {
    out = Behind::listed;
    const auto kept = with_.store.get(known_checkpoint_key(name.first, one->origin));
    const std::lock_guard lock(mutex_);
    if ((kept && *kept) || logs_.contains({name.first, one->origin})) return Behind::shown;
  }
  return out;
}

/// What waits of a log that is nobody's any more cannot be proven, and is no fault.
void PeerLogs::forget(const Name& name) {
  const std::lock_guard lock(mutex_);
  Log& log = logs_[name];
  log.waiting.clear();
  log.unanswered.reset();
  log.shorter.reset();
}

bool PeerLogs::is_listed(const Name& name, Timestamp now) const {
  const auto vkey = with_.directory.log_key(name.first, name.second, now);
  return vkey || vkey.error().code != ErrorCode::not_found;
}

Result<http::PeerResponse> PeerLogs::ask(const Name& name, json::Array sizes, Timestamp now) const {
  SLUIS_TRY(const std::string base, with_.directory.endpoint(name.first, now));
  http::PeerRequest request;
  request.peer = name.first;
  request.url = base + "/evidence/v1/consistency";
  request.headers["content-type"] = "application/json";
  request.body = json::serialise(json::object({{"origin", name.second}, {"sizes", json::Value(std::move(sizes))}}));
  request.timeout = limits::kPeerTimeout;
  return with_.transport.send(request);
}

/// Asks the party that its log holds all of these.
void PeerLogs::prove(const Name& name, const std::map<std::uint64_t, Heard>& notes, Timestamp now, std::uint64_t accepted) {
  const auto later = [&](Duration pause) {
    const std::lock_guard lock(mutex_);
    const auto times = accepted_.find(name.first);
    if (times != accepted_.end() && times->second != accepted) return;  // these are of before
    Log& log = logs_[name];
    for (const auto& [size, one] : notes) {
      if (log.waiting.size() < kAtOnce) log.waiting.emplace(size, one);
    }
    log.next = now + pause;
    if (!log.unanswered) log.unanswered = now;
  };
  const auto fails = [&](const std::string& what, const std::string& held, const std::string& shown) {
    const auto recorded = record(name.first, what, held, shown, accepted);
    if (recorded) {
      const std::lock_guard lock(mutex_);
      logs_[name].unanswered.reset();  // it did answer
      return;
    }
    log::error("that a log contradicts itself cannot be recorded", {{"peer", name.first.str()}, {"what", recorded.error().message}});
    later(kAgain);
  };
  if (!is_listed(name, now)) return forget(name);
  json::Array sizes;
  for (const auto& [size, _] : notes) sizes.emplace_back(size);
  const auto response = ask(name, std::move(sizes), now);
  const bool answered = response && (response->status == 200 || response->status == 409);
  const auto answer = answered ? json::parse(response->body) : Result<json::Value>(Error(ErrorCode::not_found, "no answer"));
  const auto note = answer ? json::required_string(*answer, "checkpoint") : Result<std::string>(answer.error());
  const auto newest = note ? open(name.first, *note) : Result<Heard>(note.error());
  if (!newest || newest->checkpoint.origin != name.second) return later(response && (response->status == 404 || response->status == 405) ? Duration(kUnknown) : Duration(kAgain));
  const Checkpoint& now_is = newest->checkpoint;
  heard(name.first, newest->note, now_is);
  const Heard& largest = notes.rbegin()->second;
  if (now_is.size < largest.checkpoint.size) {
    const Behind next = behind(name);
    if (next == Behind::shown) {
      log::warning("an older log of a party ended before what it signed", {{"peer", name.first.str()}, {"origin", name.second}});
      return forget(name);
    }
    if (next == Behind::listed) {  // it may have gone over, and not have shown that yet; a log that is only prepared excuses nothing for ever
      Timestamp since;
      {
        const std::lock_guard lock(mutex_);
        Log& log = logs_[name];
        if (!log.shorter) log.shorter = now;
        since = *log.shorter;
      }
      if (now - since < kPatience) return later(kAgain);
    }
    return fails("shorter", largest.note, newest->note);
  }
  const json::Value* proofs = answer->find("proofs");
  if (response->status != 200 || proofs == nullptr || proofs->if_array() == nullptr || proofs->if_array()->size() != notes.size()) return later(kAgain);
  std::size_t at = 0;
  for (const auto& [size, one] : notes) {
    const auto path = proof_from_json(&(*proofs->if_array())[at++]);
    if (size == now_is.size && one.checkpoint.root != now_is.root) return fails("conflict", one.note, newest->note);
    if (path && (size == now_is.size || provenance::verify_consistency(size, now_is.size, *path, one.checkpoint.root, now_is.root))) continue;
    return fails("rewritten", one.note, newest->note);
  }
  {
    const std::lock_guard lock(mutex_);
    Log& log = logs_[name];
    log.unanswered.reset();
    log.shorter.reset();
  }
  const std::lock_guard one_at_a_time(settling_);
  if (this->accepted(name.first) != accepted) return;  // it is held to what a person took
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  commit.changes.push_back({known_checkpoint_key(name.first, name.second), newest->note});
  const auto done = with_.commits.commit_and_wait(std::move(commit));
  if (!done) log::warning("the newest checkpoint of a peer cannot be kept", {{"peer", name.first.str()}, {"what", done.error().message}});
}

/// Once; but two notes of one size take the place of what proves nothing to others.
Result<void> PeerLogs::record(const ParticipantId& peer, std::string what, const std::string& held, const std::string& shown, std::optional<std::uint64_t> accepted) {
  const std::lock_guard one_at_a_time(settling_);
  if (accepted && *accepted != this->accepted(peer)) return {};
  SLUIS_TRY(const std::optional<Contradiction> before, Contradiction::read(with_.store, peer));
  if (before && (before->what == "conflict" || what != "conflict")) return {};
  const Timestamp now = with_.clock.now();
  const Contradiction one{peer, before ? before->since : now, std::string(provenance::origin_of(held)), std::move(what), held, shown};
  v1::Shared own;
  gate::set_time(own, now);
  own.set_event("contradicts");
  own.set_self(self_.str());
  own.set_counterparty(peer.str());
  own.set_peer_checkpoint(shown);
  own.set_document(json::serialise(json::object({{"what", one.what}, {"held", held}})));
  Commit commit;
  commit.preconditions.push_back({Contradiction::key_of(peer), before ? std::optional(before->encode()) : std::nullopt});
  commit.changes.push_back({Contradiction::key_of(peer), one.encode()});
  commit.entries.push_back(gate::make_entry(EntryKind::reconciled, Hash{}, own, {}));
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  log::error("the log of a party contradicts what it signed before", {{"peer", peer.str()}, {"what", one.told()}});
  return {};
}

Result<void> PeerLogs::contradicted(const ParticipantId& peer, const std::string& held, const std::string& shown) {
  SLUIS_TRY(const Heard before, open(peer, held));
  SLUIS_TRY(const Heard after, open(peer, shown));
  if (before.checkpoint == after.checkpoint || before.checkpoint.origin != after.checkpoint.origin) return {};  // that contradicts nothing
  const std::uint64_t then = before.checkpoint.size, now = after.checkpoint.size;
  return record(peer, now == then ? "conflict" : now < then ? "shorter" : "rewritten", before.note, after.note);
}

Result<void> PeerLogs::accept(const ParticipantId& peer, const std::string& why, const std::string& person) {
  const auto nothing = [&] { return Error(ErrorCode::not_found, "nothing stands against the log of `" + peer.str() + "`").mended_by("compare without accepting"); };
  SLUIS_TRY(const std::optional<Contradiction> found, Contradiction::read(with_.store, peer));
  if (!found) return nothing();
  // Before anything is taken: what is taken is what it shows now. A log that it has no more, or that is not its own any more, shows nothing.
  const Name name{peer, found->origin};
  std::optional<std::string> shown;
  if (is_listed(name, with_.clock.now())) {
    const Error away = Error(ErrorCode::peer_unavailable, "`" + peer.str() + "` does not show its log: nothing is accepted").mended_by("ask again later");
    const auto response = ask(name, {json::Value(std::uint64_t{1})}, with_.clock.now());
    if (!response || (response->status != 200 && response->status != 409 && response->status != 404)) return away;
    if (response->status != 404) {
      const auto answer = json::parse(response->body);
      const auto note = answer ? json::required_string(*answer, "checkpoint") : Result<std::string>(answer.error());
      const auto opened = note ? open(peer, *note) : Result<Heard>(note.error());
      if (!opened || opened->checkpoint.origin != name.second) return away;
      shown = opened->note;
    }
  }
  const std::lock_guard one_at_a_time(settling_);
  SLUIS_TRY(const std::optional<Contradiction> one, Contradiction::read(with_.store, peer));
  if (!one) return nothing();
  if (one->origin != name.second) return Error(ErrorCode::conflict, "what stands against it changed just now").mended_by("look at it, and ask again");
  v1::Shared own;
  gate::set_time(own, with_.clock.now());
  own.set_event("accepted");
  own.set_self(self_.str());
  own.set_counterparty(peer.str());
  own.set_peer_checkpoint(shown.value_or(one->shown));
  own.set_document(json::serialise(json::object({{"what", one->what}, {"held", one->held}})));
  v1::Internal internal;
  internal.set_person(person);
  internal.set_detail(why);
  Commit commit;
  commit.preconditions.push_back({Contradiction::key_of(peer), one->encode()});
  commit.changes.push_back({Contradiction::key_of(peer), std::nullopt});
  commit.changes.push_back({known_checkpoint_key(peer, one->origin), shown.value_or(one->shown)});
  commit.entries.push_back(gate::make_entry(EntryKind::reconciled, Hash{}, own, internal));
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  const std::lock_guard lock(mutex_);
  ++accepted_[peer];
  logs_.erase({peer, one->origin});
  good_.erase(peer);
  false_.erase(peer);
  return {};
}

Result<std::string> PeerLogs::newest(const ParticipantId& peer) const {
  SLUIS_TRY(const identity::PartyPtr party, with_.directory.find(peer));
  std::string found;
  for (const identity::LogOrigin& one : party->log_origins) {  // in the order of the list: the newest comes last
    SLUIS_TRY(const std::optional<std::string> note, with_.store.get(known_checkpoint_key(peer, one.origin)));
    if (note) found = *note;
  }
  return found;
}

std::vector<std::string> PeerLogs::findings() const {
  std::vector<std::string> out;
  const auto name_of = [&](const ParticipantId& peer) {
    const auto party = with_.directory.find(peer);
    return party ? (*party)->name : peer.str();
  };
  const auto all = Contradiction::all(with_.store);
  if (!all) out.push_back("whose logs contradict themselves cannot be read: " + all.error().message);
  for (const Contradiction& one : all ? *all : std::vector<Contradiction>()) {
    out.push_back(fmt::format("`{}` contradicts itself since {}Z: {}. Was it rewritten, or put back from a backup? Its proofs count for nothing until "
                              "`sluis audit reconcile {} --accept WHY`; `sluis audit checkpoint --of {}` gives both checkpoints",
                              name_of(one.peer), format_time(one.since).substr(0, 16), one.told(), one.peer.str(), one.peer.str()));
  }
  const Timestamp now = with_.clock.now();
  const std::lock_guard lock(mutex_);
  for (const auto& [name, log] : logs_) {
    if (log.unanswered && now - *log.unanswered > kPatience) {
      out.push_back(fmt::format("`{}` does not show since {}Z that its log `{}` holds what it signed", name_of(name.first), format_time(*log.unanswered).substr(0, 16), name.second));
    }
  }
  for (const auto& [peer, why] : false_) {
    if (const auto party = with_.directory.find(peer); !party && party.error().code == ErrorCode::not_found) continue;
    out.push_back(fmt::format("`{}` sent a checkpoint that is none of its log: {}", name_of(peer), why));
  }
  return out;
}

std::vector<http::Route> PeerLogs::routes(const std::function<std::string()>& newest, const std::function<std::string()>& own_key) {
  const auto answer = [this, newest, own_key](std::string_view body) -> Result<http::Response> {
    SLUIS_TRY(const json::Value asked, json::parse(body));
    SLUIS_TRY(const std::string origin, json::required_string(asked, "origin"));
    const json::Value* list = asked.find("sizes");
    const auto* sizes = list == nullptr ? nullptr : list->if_array();
    if (sizes == nullptr || sizes->empty() || sizes->size() > kAtOnce + 1) return Error(ErrorCode::invalid_argument, fmt::format("`sizes` is a list of 1 to {} numbers", kAtOnce + 1));
    for (const provenance::Shard& shard : with_.log.shards()) {
      const bool last = shard.number == with_.log.shard().number;
      SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(last ? own_key() : shard.key));
      if (key.name() != origin) continue;
      const std::string note = last ? newest() : shard.seal;
      SLUIS_TRY(const Checkpoint checkpoint, provenance::open_checkpoint(note, key));
      const provenance::LogReader reader = with_.log.at(shard);
      json::Array proofs;
      for (const json::Value& one : *sizes) {
        SLUIS_TRY(const std::uint64_t size, json::required_count(json::object({{"size", one}}), "size"));
        if (size > checkpoint.size) return http::json_response(409, json::serialise(json::object({{"checkpoint", note}})));
        SLUIS_TRY(const std::vector<Hash> path, provenance::consistency_proof(size, checkpoint.size, reader.nodes(checkpoint.size)));
        proofs.push_back(proof_to_json(path));
      }
      return http::json_response(200, json::serialise(json::object({{"checkpoint", note}, {"proofs", json::Value(std::move(proofs))}})));
    }
    return Error(ErrorCode::not_found, "this node has no such log");
  };
  return {{"POST", "/evidence/v1/consistency",
           [this, answer](const http::Request& request) {
             if (const auto peer = with_.authenticate(request); !peer) return evidence_refusal(peer.error());
             const auto told = answer(request.body);
             if (told) return *told;
             const ErrorCode code = told.error().code;
             if (code == ErrorCode::invalid_argument) return evidence_refusal(400, to_string(code), told.error().message);
             if (code == ErrorCode::not_found) return evidence_refusal(404, to_string(code), told.error().message);
             return evidence_refusal(503, "unavailable", "the log cannot be read now");
           },
           kQuestionBytes}};
}

}  // namespace sluis::node
