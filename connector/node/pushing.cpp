#include "connector/node/pushing.hpp"

#include "connector/gate/wanted.hpp"

#include <algorithm>

namespace sluis::node {
namespace {

constexpr std::size_t kAtOnce = 16;
constexpr std::chrono::seconds kFirstPause{2};
constexpr std::chrono::minutes kLongestPause{15};
constexpr std::chrono::seconds kUnreadable{10};     ///< where the store could not be read or written
constexpr std::chrono::milliseconds kPatience{30'000};  ///< for the connection, and for the receiver's answer
constexpr int kEndTries = 3;

/// An answer after which the same may be taken later.
bool passes(unsigned status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

}  // namespace

Pushing::Pushing(PushingDependencies dependencies)
    : with_(dependencies), alarm_(dependencies.clock, [this](Timestamp now) { return ring(now); }) {}

Pushing::~Pushing() {
  halt();
  std::map<ProcessId, Worker> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(workers_);
  }
  for (auto& [pid, worker] : left) worker.thread.join();
}

void Pushing::halt() {
  {
    const std::lock_guard lock(mutex_);
    halted_ = true;
  }
  stopping_.notify_all();
}

Duration Pushing::pause_after(std::uint32_t tries) {
  const std::uint32_t doubled = std::min<std::uint32_t>(tries == 0 ? 0 : tries - 1, 16);
  return std::min<Duration>(Duration(kFirstPause) * (1 << doubled), kLongestPause);
}

std::optional<Timestamp> Pushing::ring(Timestamp now) {
  const std::lock_guard lock(mutex_);
  for (auto at = workers_.begin(); at != workers_.end();) {
    if (at->second.done) at->second.thread.join();
    at = at->second.done ? workers_.erase(at) : std::next(at);
  }
  if (halted_ || workers_.size() >= kAtOnce) return std::nullopt;  // whoever is done wakes this
  const auto due = with_.transfers.pushes(now);
  if (!due) {
    if (told_.now(now)) log::error("pushes_not_read", {{"error", describe(due.error())}});
    return now + kUnreadable;
  }
  std::optional<Timestamp> next;
  for (const transfer::PushDue& one : *due) {
    if (one.at > now) {
      next = std::min(next.value_or(one.at), one.at);
      continue;
    }
    const bool busy = std::ranges::any_of(workers_, [&](const auto& other) { return other.first == one.own_pid || other.second.peer == one.peer; });
    if (busy || workers_.size() >= kAtOnce) continue;  // whoever is done wakes this
    Worker& worker = workers_[one.own_pid];
    worker.peer = one.peer;
    worker.thread = std::thread([this, pid = one.own_pid] {
      try {
        try_once(pid);
      } catch (const std::exception& error) {  // a bug must not end the process; the next try has its time already
        log::error("push failed", {{"transfer", pid.str()}, {"what", error.what()}});
      }
      {
        const std::lock_guard done(mutex_);
        if (const auto self = workers_.find(pid); self != workers_.end()) self->second.done = true;
      }
      wake();
    });
  }
  return next;
}

void Pushing::try_once(const ProcessId& pid) {
  const Timestamp now = with_.clock.now();
  auto job = with_.transfers.begin_push(pid, pause_after);
  if (!job) {
    if (job.error().code == ErrorCode::permission_denied) return terminate(pid, {"push.impossible", {job.error().message}});
    if (job.error().code == ErrorCode::invalid_state) return;  // it ended meanwhile
    if (told_.now(now)) log::error("push_not_begun", {{"transfer", pid.str()}, {"error", describe(job.error())}});
    // Nothing about it could be made durable, so nothing says when to try again.
    std::unique_lock lock(mutex_);
    stopping_.wait_for(lock, kUnreadable, [this] { return halted_; });
    return;
  }
  const ParticipantId& peer = job->transfer.peer;
  if (job->tries > kTries) {
    return terminate(pid, {"push.given_up", {"the data could not be delivered in " + std::to_string(kTries) + " tries"}});
  }
  if (!job->endpoint.starts_with("https://") || !with_.directory.origin_allowed(peer, job->endpoint, now)) {
    return terminate(pid, {"push.origin", {"the membership list has no https endpoint of the receiver at the origin of the address any more"}});
  }
  gate::Party party{peer, {}, true, {}, {}};
  if (const auto listed = with_.directory.find(peer)) {
    party.class_of_recipient = (*listed)->class_of_recipient;
    party.sends_claims = !(*listed)->claim_keys.empty();
  }
  const http::Response decided = with_.gate.push(
      {party, job->transfer, job->claim, job->requested, gate::target_of(job->endpoint), [this, pid] { return with_.transfers.is_pushed(pid); }});
  if (!decided.stream) {
    if (passes(decided.status)) return;
    const auto why = gate::parse_reason(decided.body);
    return terminate(pid, why ? outbox::Reason{why->code, {why->sentence}} : outbox::Reason{"policy", {"the data may not be sent"}});
  }
  http::PeerRequest request;
  request.peer = peer;
  request.url = job->endpoint;
  request.timeout = kPatience;
  if (!job->handle.empty()) request.headers["authorization"] = "Bearer " + job->handle;
  request.headers[std::string(kTransferHeader)] = job->transfer.peer_pid.str();
  settle(*job, with_.client.upload(request, decided.stream));
}

void Pushing::settle(const transfer::PushJob& job, const Result<http::PeerResponse>& answer) {
  const ProcessId& pid = job.transfer.own_pid;
  if (!answer || passes(answer->status)) {
    log::warning("push_failed", {{"transfer", pid.str()},
                                 {"try", std::to_string(job.tries)},
                                 {"what", answer ? "status " + std::to_string(answer->status) : describe(answer.error())}});
    return;  // tried again when its time comes
  }
  if (answer->status < 200 || answer->status >= 300) {
    return terminate(pid, {"push.refused", {"the address that the data were to go to answered with status " + std::to_string(answer->status)}});
  }
  for (int tries = 1;; ++tries) {
    const auto done = with_.transfers.end_push(pid);
    if (done) return;
    if (tries < kEndTries) continue;
    // It is sent once more, under another decision; the record shows both.
    log::error("push_end_not_recorded", {{"transfer", pid.str()}, {"error", describe(done.error())}});
    return;
  }
}

void Pushing::terminate(const ProcessId& pid, outbox::Reason reason) {
  const auto done = with_.transfers.terminate(pid, std::move(reason));
  if (done || done.error().code == ErrorCode::invalid_state) return;
  log::error("push_not_terminated", {{"transfer", pid.str()}, {"error", describe(done.error())}});
}

}  // namespace sluis::node
