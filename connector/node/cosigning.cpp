#include "connector/node/cosigning.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/node/witness_routes.hpp"
#include "connector/provenance/whole_file.hpp"
#include "connector/provenance/witness.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <utility>

namespace sluis::node {
namespace {

constexpr std::chrono::seconds kEvery{2};
constexpr std::chrono::seconds kLongestPause{60};
constexpr std::chrono::milliseconds kTimeout{4000};
constexpr std::size_t kAnswerBytes = 16U << 10U;

}  // namespace

Cosigning::Cosigning(std::vector<WitnessAt> witnesses, provenance::WitnessPolicy policy, CosigningDependencies with)
    : policy_(std::move(policy)), with_(std::move(with)), complete_at_(with_.clock.now()), since_(complete_at_) {
  for (WitnessAt& one : witnesses) states_.push_back({std::move(one), 0, {}, {}, {}, {}, false, {}, {}});
}

Cosigning::~Cosigning() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Cosigning::start() {
  if (!states_.empty()) thread_ = std::thread([this] { run(); });
}

void Cosigning::run() {
  std::unique_lock lock(stop_mutex_);
  while (!stopping_) {
    lock.unlock();
    round(kLongestPause);
    lock.lock();
    stop_.wait_for(lock, kEvery, [this] { return stopping_.load(); });
  }
}

void Cosigning::round(std::chrono::milliseconds at_most) {
  const std::lock_guard one_at_a_time(round_mutex_);
  const auto began = std::chrono::steady_clock::now();
  const std::string note = with_.published();
  const auto checkpoint = provenance::open_checkpoint(note, with_.log_key);
  if (!checkpoint || checkpoint->size == 0) return ask_of_an_empty_log(began + at_most);
  const Timestamp now = with_.clock.now();
  for (std::size_t i = 0; i < states_.size(); ++i) {
    State state = state_at(i);
    if (lost_ || stopping_ || std::chrono::steady_clock::now() - began > at_most) return;
    if (state.note == note || began < state.next) continue;
    if (!ask(state, note, *checkpoint)) (void)ask(state, note, *checkpoint);
    if (state.note == note) {
      state.trouble.clear();
      state.alarming = false;
      state.pause = std::chrono::seconds(0);
    } else {
      state.pause = std::min(kLongestPause, std::max(kEvery, 2 * state.pause));
      state.next = began + state.pause;
      log::warning("no cosignature", {{"witness", state.at.key.name()}, {"what", state.trouble}});
    }
    const std::lock_guard lock(mutex_);
    states_[i] = std::move(state);
  }
  judge(note, now);
}

/// Where enough signed, that is on record, and kept for who exports the log when this node does not run.
void Cosigning::judge(const std::string& note, Timestamp now) {
  const std::string full = cosigned(note);
  const auto quorum = policy_.judge(full, with_.log_key);
  const bool met = quorum && quorum->met;
  {
    const std::lock_guard lock(mutex_);
    if (met != std::exchange(met_, met)) since_ = now;
    if (met) complete_at_ = now;
    completed_ = completed_ || met;
  }
  if (!met) return;
  if (!quorum->vouches() || full == newest_cosigned()) return;
  const auto kept = provenance::write_whole_file(with_.kept, full, 0644);
  if (!kept) log::error("a cosigned checkpoint could not be kept", {{"what", kept.error().message}});
}

Cosigning::State Cosigning::state_at(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  return states_[index];
}

/// There is nothing to be cosigned yet. Whoever watched this log before knows whether it is empty because it is new.
void Cosigning::ask_of_an_empty_log(std::chrono::steady_clock::time_point until) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    State state = state_at(i);
    if (lost_ || stopping_ || std::chrono::steady_clock::now() > until) return;
    if (!proof_against_us(state.at)) continue;
    contradicted(state, "it saw this log");
    const std::lock_guard lock(mutex_);
    states_[i] = std::move(state);
  }
}

bool Cosigning::ask(State& state, const std::string& note, const provenance::Checkpoint& checkpoint) {
  state.alarming = false;
  std::string body = "old " + std::to_string(state.seen) + "\n";
  if (state.seen != 0 && state.seen < checkpoint.size) {
    const auto proof = provenance::consistency_proof(state.seen, checkpoint.size, with_.log.nodes(checkpoint.size));
    if (!proof) {
      state.trouble = "no proof can be made: " + proof.error().message;
      return true;
    }
    for (const Hash& hash : *proof) body += to_base64(view(hash)) + "\n";
  }
  http::PeerRequest request;
  request.url = state.at.url + "/add-checkpoint";
  request.headers["content-type"] = "text/plain; charset=utf-8";
  request.body = body + "\n" + note;
  request.timeout = kTimeout;
  const auto answer = with_.send(request);
  if (!answer) {
    state.trouble = answer.error().message;
    return true;
  }
  if (answer->body.size() > kAnswerBytes) {
    state.trouble = "its answer is too long";
    return true;
  }
  if (answer->status == 409) {
    std::uint64_t seen = 0;
    const char* end = answer->body.data() + answer->body.size();
    const auto [at, ec] = std::from_chars(answer->body.data(), end, seen);
    if (ec != std::errc() || std::string_view(at, static_cast<std::size_t>(end - at)) != "\n") {
      state.trouble = "its answer is no size";
      return true;
    }
    if (seen > checkpoint.size || seen == state.seen) {  // or, as some answer, of this size another root
      contradicted(state, "it says that it saw " + std::to_string(seen) + " entries, otherwise than here");
      return true;
    }
    state.seen = seen;
    return false;
  }
  if (answer->status == 422) {
    contradicted(state, "it refuses this log: it does not hold what was seen before");
    return true;
  }
  if (answer->status != 200) {
    state.trouble = "it answers " + std::to_string(answer->status);
    return true;
  }
  // Of all that it sends only a good signature of its key counts, taken by itself.
  for (std::string_view rest = answer->body; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    const std::string line(rest.substr(0, end + 1));
    rest.remove_prefix(end + 1);
    const auto when = provenance::cosigned_at(note + line, state.at.key);
    if (!when || !*when) continue;
    state.seen = checkpoint.size;
    state.note = note;
    state.line = line;
    state.signed_at = *when;
    return true;
  }
  state.trouble = "its answer has no good signature of its key";
  return true;
}

/// Either it lies, or this log is not what it was: its word proves nothing, a checkpoint that this log's key signed does.
void Cosigning::contradicted(State& state, const std::string& claim) {
  if (stopping_) return;
  const auto proof = proof_against_us(state.at);
  state.alarming = true;
  state.trouble = claim + (proof ? ", and " + *proof : ", and shows no proof of it");
  if (proof && !lost_.exchange(true)) with_.on_lost("witness " + state.at.key.name() + ": " + *proof);
}

/// What it shows of this log, held against what is here.
std::optional<std::string> Cosigning::proof_against_us(const WitnessAt& at) const {
  http::PeerRequest request;
  request.method = "GET";
  request.url = at.url + witnessed_path(with_.log_key.name());
  request.timeout = kTimeout;
  const auto answer = with_.send(request);
  if (!answer || answer->status != 200 || answer->body.size() > kAnswerBytes) return std::nullopt;
  const auto shown = provenance::open_checkpoint(answer->body, with_.log_key);
  const auto head = with_.log.head();
  if (!shown || !head) return std::nullopt;
  const std::string what = "this log signed a checkpoint of " + std::to_string(shown->size) + " entries";
  if (shown->size > head->frontier.size()) return what + ", and here are fewer";
  if (shown->size == 0) return std::nullopt;
  const auto root = with_.log.root(shown->size);
  if (!root || *root == shown->root) return std::nullopt;
  return what + ", and here those are others";
}

std::string Cosigning::cosigned(const std::string& note) const {
  std::string out = note;
  const std::lock_guard lock(mutex_);
  for (const State& state : states_) {
    if (!note.empty() && state.note == note) out += state.line;
  }
  return out;
}

std::string Cosigning::newest_cosigned() const {
  std::ifstream in(with_.kept, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Cosigning::policy_text() const {
  std::string text = "log " + with_.log_key.text() + "\n";
  if (!policy_.text().empty()) return text + policy_.text();
  std::string members;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const std::string name = "w" + std::to_string(i + 1);
    text += "witness " + name + " " + states_[i].at.key.text() + " " + states_[i].at.url + "\n";
    members += " " + name;
  }
  if (policy_.fewest() == 0 || members.empty()) return text + "quorum none\n";
  return text + "group enough " + std::to_string(policy_.fewest()) + members + "\nquorum enough\n";
}

MeasuredWitnesses Cosigning::measured() const {
  const std::string note = with_.published();
  MeasuredWitnesses out;
  out.quorum = policy_.fewest();
  out.quorum_name = policy_.quorum_name();
  const std::lock_guard lock(mutex_);
  out.complete_at = complete_at_;
  out.completed = completed_;
  out.met = met_;
  out.since = since_;
  for (const State& state : states_) {
    const std::string key = state.at.key.text();  // name, id and key: a witness that has a new key is named twice for a while
    out.witnesses.push_back({key.substr(0, key.find('+', key.find('+') + 1)), !note.empty() && state.note == note, state.alarming, state.signed_at, state.trouble});
  }
  return out;
}

std::vector<std::string> Cosigning::findings() const {
  std::vector<std::string> out;
  const std::lock_guard lock(mutex_);
  for (const State& state : states_) {
    if (state.alarming) out.push_back("witness " + state.at.key.name() + ": " + state.trouble);
  }
  const bool overdue = policy_.fewest() != 0 && with_.clock.now() - complete_at_ > kOverdue;
  if (overdue) {
    std::string why;
    for (const State& state : states_) {
      if (!state.trouble.empty()) why += "; " + state.at.key.name() + ": " + state.trouble;
    }
    const std::string what = policy_.text().empty() ? "fewer than " + std::to_string(policy_.fewest()) + " witnesses cosigned the newest public checkpoint"
                                                    : "those who cosigned the newest public checkpoint are not the quorum `" + policy_.quorum_name() + "` of the witness policy";
    out.push_back(what + why);
  }
  return out;
}

}  // namespace sluis::node
