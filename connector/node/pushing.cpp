#include "connector/node/pushing.hpp"

#include "connector/gate/wanted.hpp"

#include <algorithm>
#include <system_error>

namespace sluis::node {
namespace {

constexpr std::size_t kAtOnce = 64;  ///< each costs a thread while it runs, and nothing else
constexpr std::chrono::seconds kFirstPause{2};
constexpr std::chrono::minutes kLongestPause{15};
constexpr std::chrono::seconds kUnreadable{10};     ///< where the store could not be read or written, or the membership list is out of date
constexpr std::chrono::milliseconds kPatience{30'000};  ///< for the connection
constexpr std::chrono::minutes kAnswerPatience{5};  ///< for the receiver's answer once it has all
constexpr std::chrono::hours kWhole{12};            ///< for one try until then, as of a service's answer
constexpr int kEndTries = 3;

/// An answer after which the same may be taken later.
bool passes(unsigned status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

}  // namespace

Pushing::Pushing(PushingDependencies dependencies)
    : with_(dependencies), alarm_(dependencies.clock, [this](Timestamp now) { return ring(now); }) {}

Pushing::~Pushing() { stop(); }

void Pushing::start() {
  {
    const std::lock_guard lock(mutex_);
    started_ = true;
  }
  wake();
}

void Pushing::halt() {
  const std::lock_guard lock(mutex_);
  halted_ = true;
}

bool Pushing::halted() {
  const std::lock_guard lock(mutex_);
  return halted_;
}

void Pushing::stop() {
  std::map<ProcessId, Worker> left;
  {
    const std::lock_guard lock(mutex_);
    halted_ = true;
    left.swap(workers_);
  }
  for (auto& [pid, worker] : left) worker.thread.join();
}

Duration Pushing::pause_after(std::uint32_t tries) {
  const std::uint32_t doubled = std::min<std::uint32_t>(tries == 0 ? 0 : tries - 1, 16);
  return std::min<Duration>(Duration(kFirstPause) * (1 << doubled), kLongestPause);
}

void Pushing::put_off(const ProcessId& pid) {
  const std::lock_guard lock(mutex_);
  Later& later = later_[pid];
  const Duration pause = Duration(kUnreadable) * (1 << std::min<std::uint32_t>(later.times++, 16));
  later.at = with_.clock.now() + std::min<Duration>(pause, kLongestPause);
}

void Pushing::put_off_no_more(const ProcessId& pid) {
  const std::lock_guard lock(mutex_);
  later_.erase(pid);
}

std::optional<Timestamp> Pushing::ring(Timestamp now) {
  const std::lock_guard lock(mutex_);
  for (auto at = workers_.begin(); at != workers_.end();) {
    if (at->second.done) at->second.thread.join();
    at = at->second.done ? workers_.erase(at) : std::next(at);
  }
  if (!started_ || halted_ || workers_.size() >= kAtOnce) return std::nullopt;  // whoever is done wakes this
  std::erase_if(later_, [&](const auto& one) { return one.second.at + kLongestPause < now; });  // it is none any more, or was tried since
  const auto due = with_.transfers.pushes(now);
  if (!due) {
    if (told_.now(now)) log::error("pushes_not_read", {{"error", describe(due.error())}});
    return now + kUnreadable;
  }
  // A list of this node's own that is out of date is no reason to end anything.
  const auto current = with_.directory.allows_new(now);
  if (!current && !due->empty() && due->front().at <= now && told_.now(now)) log::warning("pushes_wait", {{"why", current.error().message}});
  std::optional<Timestamp> next;
  for (const transfer::PushDue& one : *due) {
    const auto later = later_.find(one.own_pid);
    Timestamp at = later == later_.end() ? one.at : std::max(one.at, later->second.at);
    if (!current) at = std::max<Timestamp>(at, now + kUnreadable);
    if (at <= now) {
      const bool busy = std::ranges::any_of(workers_, [&](const auto& other) { return other.first == one.own_pid || other.second.peer == one.peer; });
      if (busy || workers_.size() >= kAtOnce || begin(one)) continue;  // whoever is done wakes this
      at = now + kUnreadable;
    }
    next = std::min(next.value_or(at), at);
  }
  return next;
}

/// With `mutex_` held. False: there is no thread for it now.
bool Pushing::begin(const transfer::PushDue& one) {
  Worker& worker = workers_[one.own_pid];
  worker.peer = one.peer;
  try {
    worker.thread = std::thread([this, pid = one.own_pid] { work(pid); });
    return true;
  } catch (const std::system_error& error) {
    workers_.erase(one.own_pid);
    if (told_.now(with_.clock.now())) log::error("push_not_begun", {{"transfer", one.own_pid.str()}, {"error", error.what()}});
    return false;
  }
}

void Pushing::work(const ProcessId& pid) {
  try {
    try_once(pid);
  } catch (const std::exception& error) {  // a bug must not end the process
    log::error("push failed", {{"transfer", pid.str()}, {"what", error.what()}});
    put_off(pid);
  }
  {
    const std::lock_guard done(mutex_);
    if (const auto self = workers_.find(pid); self != workers_.end()) self->second.done = true;
  }
  wake();
}

void Pushing::try_once(const ProcessId& pid) {
  const Timestamp now = with_.clock.now();
  if (const auto known = with_.transfers.show(pid); known && known->push && known->push->sent) return complete(pid);
  const auto job = with_.transfers.begin_push(pid, pause_after);
  if (!job) {
    if (job.error().code == ErrorCode::permission_denied) return terminate(pid, {"push.impossible", {job.error().message}});
    if (job.error().code == ErrorCode::invalid_state) return put_off_no_more(pid);  // it ended meanwhile
    log::error("push_not_begun", {{"transfer", pid.str()}, {"error", describe(job.error())}});
    return put_off(pid);
  }
  put_off_no_more(pid);
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
  std::optional<http::Response> refused;
  const auto answer = send(*job, std::move(party), refused);
  if (refused && !passes(refused->status)) return refuse(pid, *refused);
  settle(*job, answer);
}

/// Decided once the connection stands, by the certificate that was shown. `refused`: what the gate said instead, if it was asked.
Result<http::PeerResponse> Pushing::send(const transfer::PushJob& job, gate::Party party, std::optional<http::Response>& refused) {
  http::PeerRequest request;
  request.peer = job.transfer.peer;
  request.url = job.endpoint;
  request.timeout = kPatience;
  request.silence = kAnswerPatience;
  request.whole = kWhole;
  if (!job.handle.empty()) request.headers["authorization"] = "Bearer " + job.handle;
  request.headers[std::string(kTransferHeader)] = job.transfer.peer_pid.str();
  const Trace deciding = begin_step({}, with_.random);
  const Trace sending = another_step(deciding, with_.random);
  request.headers["traceparent"] = sending.traceparent();
  return with_.client.upload(request, [&](http::ResponseSink& sink, const std::shared_ptr<const http::PeerCertificate>& shown) {
    if (!shown || halted()) return;
    party.shown = shown;
    party.certificate = shown->sha256;
    http::Response decided = with_.gate.push(
        {party, job.transfer, job.claim, job.requested, gate::target_of(job.endpoint), transfer::without_query(job.endpoint),
         [this, pid = job.transfer.own_pid] { return with_.transfers.is_pushed(pid); },
         [this, peer = job.transfer.peer, url = job.endpoint](Timestamp now) { return with_.directory.origin_allowed(peer, url, now); }, deciding, sending});
    if (!decided.stream) {
      refused = std::move(decided);
      return;
    }
    decided.stream(sink);
  });
}

void Pushing::refuse(const ProcessId& pid, const http::Response& answer) {
  const auto why = gate::parse_reason(answer.body);
  // Suspended or ended meanwhile: whoever did that says how it goes on. And a list of our own that ran out just now is renewed some time.
  if (why && why->code == "transfer.not_started") return;
  if (why && why->code == "membership" && !with_.directory.allows_new(with_.clock.now())) return;
  terminate(pid, why ? outbox::Reason{why->code, {why->sentence}} : outbox::Reason{"policy", {"the data may not be sent"}});
}

void Pushing::settle(const transfer::PushJob& job, const Result<http::PeerResponse>& answer) {
  const ProcessId& pid = job.transfer.own_pid;
  if (!answer || passes(answer->status)) {
    log::warning("push_failed", {{"transfer", pid.str()},
                                 {"try", std::to_string(job.tries)},
                                 {"what", answer ? "status " + std::to_string(answer->status) : describe(answer.error())}});
    const auto put = with_.transfers.put_off_push(pid, with_.clock.now() + pause_after(job.tries));
    if (put || put.error().code == ErrorCode::invalid_state) return;
    log::error("push_not_put_off", {{"transfer", pid.str()}, {"error", describe(put.error())}});
    return put_off(pid);
  }
  if (answer->status < 200 || answer->status >= 300) {
    return terminate(pid, {"push.refused", {"the address that the data were to go to answered with status " + std::to_string(answer->status)}});
  }
  complete(pid);
}

void Pushing::complete(const ProcessId& pid) {
  for (int tries = 1;; ++tries) {
    const auto done = with_.transfers.end_push(pid, with_.clock.now() + kLongestPause);
    if (done || done.error().code == ErrorCode::invalid_state) return put_off_no_more(pid);
    if (tries < kEndTries) continue;
    // Where it is not noted yet it is sent once more, under another decision; the record shows both.
    log::error("push_end_not_recorded", {{"transfer", pid.str()}, {"error", describe(done.error())}});
    return put_off(pid);
  }
}

void Pushing::terminate(const ProcessId& pid, outbox::Reason reason) {
  const auto done = with_.transfers.fail_push(pid, std::move(reason));
  if (done || done.error().code == ErrorCode::invalid_state) return;
  log::error("push_not_terminated", {{"transfer", pid.str()}, {"error", describe(done.error())}});
  put_off(pid);
}

}  // namespace sluis::node
