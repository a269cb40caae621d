#include "tests/sim/node.hpp"

#include "tests/sim/node_run.hpp"
#include "tests/sim/world.hpp"

namespace sluis::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kSenders = 4;  ///< as many as the node has threads for its outbox
constexpr seconds kTryEvery{1};
constexpr std::string_view kEndPath = "/evidence/ended";
constexpr std::string_view kFollows = "follows:";

std::string origin(std::size_t index) { return "https://n" + std::to_string(index) + ".example"; }

}  // namespace

Handling Handling::of(const std::string& text) {
  const bool follows = text.starts_with(kFollows);
  const std::size_t begin = follows ? kFollows.size() : 0;
  const std::size_t hash = text.rfind('#');
  const std::size_t at = text.rfind('@');
  if (text.starts_with("send:") || hash == std::string::npos || at == std::string::npos) return {};
  return {follows ? std::string() : text.substr(begin, hash - begin), text.substr(hash + 1, at - hash - 1),
          static_cast<std::size_t>(std::stoul(text.substr(at + 1)))};
}

std::string Handling::following(const std::string& text) { return of(text).message.empty() ? text : std::string(kFollows) + text; }

Node::Run::Run(World& world, Node& node)
    : commits(world, node, node.disk_),
      client({node.url_, milliseconds(5000)}, node.wire_),
      transfers({origin(node.index_) + "/data", std::string(32, 'k')},
                {commits, commits.store(), clock, world.dice, evidence, client,
                 [&node](std::string_view peer, std::string_view process) { node.notify(peer, process); }}),
      negotiations({node.id_, node.patience_},
                   {commits, commits.store(), clock, world.dice, node.offers_, evidence, client,
                    [&node](std::string_view peer, std::string_view process) { node.notify(peer, process); },
                    [&node](const negotiation::AgreementRecord& record) { node.agreement_ended(record); },
                    [](Commit& commit, const negotiation::AgreementRecord& record) {
                      // What the evidence channel does, without the proof: the peer is told of the end.
                      outbox::Envelope envelope;
                      envelope.service = "evidence";
                      envelope.id = "end-of-" + record.id.str();
                      envelope.url = record.peer_url;
                      envelope.body = record.id.str();
                      commit.messages.push_back({record.peer.str(), record.negotiation.str(), outbox::encode(envelope)});
                    }}),
      routes(dsp::routes({},
                         {negotiations, transfers, catalog,
                          [&world, &node](const http::Request& request) -> Result<ParticipantId> {
                            if (world.canary == Canary::strangers_act) {
                              const std::string pid = request.rest.substr(0, request.rest.find('/'));
                              const View& view = world.invariants.view(node.index_);
                              if (const auto found = view.negotiations.find(pid); found != view.negotiations.end()) return found->second.peer;
                              if (const auto found = view.transfers.find(pid); found != view.transfers.end()) return found->second.peer;
                            }
                            return ParticipantId(std::string(request.header("from")));
                          },
                          [](const ParticipantId&, std::string_view) { return true; }})),
      dispatcher({}, commits.store(), world.dice) {}

Node::Node(World& world, std::size_t index)
    : world_(world),
      index_(index),
      id_("did:web:n" + std::to_string(index) + ".example"),
      url_(origin(index) + "/2025-1"),
      patience_(world.dice.one_in(2) ? Duration(std::chrono::days(7)) : world.dice.between(seconds(2), minutes(3))),
      offers_(world.dice, world.canary == Canary::agrees_to_anything, index),
      wire_(world, *this) {
  disk_.on_read = [this]() -> Result<void> {
    if (world_.faults.happens(Fault::read_fails)) return Error(ErrorCode::storage_unavailable, "the disk cannot be read");
    if (world_.faults.happens(Fault::corrupt_read)) return Error(ErrorCode::corruption, "a block has a wrong checksum");
    return {};
  };
}

Node::~Node() { world_.fibers.kill(index_); }

Timestamp Node::clock_time() const { return world_.now() + skew; }

void Node::start(Duration delay) {
  world_.after(delay, [this] {
    begin();
    return true;
  });
}

void Node::begin() {
  ++lives_;
  if (lives_ > 1 && world_.faults.happens(Fault::older_clock)) skew -= world_.dice.between(seconds(1), std::chrono::hours(2));
  world_.note("start", index_);
  run_ = std::make_unique<Run>(world_, *this);
  world_.fibers.spawn(index_, {}, [this] {
    if (world_.faults.happens(Fault::start_fails) || !recover()) {
      crash_now();
      return;
    }
    ready_ = true;
    plan_pump();
    plan_alarm(Duration(0));
  });
}

/// As Node::Parts::recover.
bool Node::recover() {
  if (!run_->commits.open()) return false;
  Commit started;
  started.commit_class = CommitClass::revoke;
  started.entries.push_back({});
  started.entries.back().shared = "node started";
  return run_->commits.commit_and_wait(std::move(started)) && run_->transfers.recover() &&
         run_->dispatcher.look(clock_time());
}

void Node::reap() {
  if (!crashing_) return;
  crashing_ = false;
  if (!run_) return;
  world_.note("crash", index_);
  ready_ = false;
  world_.fibers.kill(index_);
  run_.reset();
  if (world_.canary == Canary::sync_forgotten && !unsynced_.empty()) (void)disk_.inside.write(unsynced_, true);
  unsynced_.clear();
  start(world_.faults.on() ? world_.dice.between(milliseconds(10), seconds(20)) : Duration(milliseconds(10)));
}

void Node::remember_unsynced(const std::vector<storage::Change>& changes) {
  unsynced_.clear();
  for (const storage::Change& change : changes) {
    if (change.key.starts_with("sim-commit/")) unsynced_.push_back({change.key, std::nullopt});
  }
}

bool Node::in_order(std::size_t from, std::uint64_t order) {
  const bool newer = order > arrived_[from];
  if (newer) arrived_[from] = order;
  return newer;
}

http::Response Node::answer(const ParticipantId& from, const http::PeerRequest& request) {
  http::Request in;
  in.method = request.method;
  in.path = request.url.substr(origin(index_).size());
  in.body = request.body;
  in.headers["from"] = from.str();
  if (run_->dispatcher.on_heard(from.str(), clock_time())) plan_pump();
  if (in.path.ends_with(kEndPath)) return take_end(from, in.body);
  for (const http::Route& route : run_->routes) {
    const bool open = route.path.ends_with("/*");
    const std::string_view prefix = std::string_view(route.path).substr(0, route.path.size() - (open ? 1 : 0));
    if (route.method != in.method || (open ? !in.path.starts_with(prefix) : in.path != prefix)) continue;
    if (open) in.rest = in.path.substr(prefix.size());
    return route.handler(in);
  }
  return {405, {}, "no route", {}};
}

void Node::notify(std::string_view peer, std::string_view process) {
  if (world_.canary == Canary::outbox_forgets && world_.dice.one_in(8)) return;
  run_->dispatcher.on_committed(std::string(peer), std::string(process), clock_time());
  plan_pump();
}

/// As Node::Parts::ask_for_a_look and look_again.
void Node::store_came_back() {
  if (up()) plan_second_look(Duration(0));
}

void Node::plan_second_look(Duration delay) {
  world_.after(delay, [this, alive = run_->alive] {
    if (!*alive) return false;
    world_.fibers.spawn(index_, {}, [this] {
      const bool looked = run_->transfers.recover().has_value() && run_->dispatcher.look(clock_time()).has_value();
      if (!looked) plan_second_look(kTryEvery);
      plan_pump();
    });
    return true;
  });
}

/// As Driver::run: sleeps until the next message is due.
void Node::plan_pump(Duration at_least) {
  const std::optional<Timestamp> due = run_->dispatcher.next_due();
  if (!due || run_->sending >= kSenders) return;
  const Duration wait = std::max(*due - clock_time(), at_least);
  const std::uint64_t plan = ++run_->pump_plan;
  world_.after(wait <= Duration(0) ? Duration(0) : std::max<Duration>(wait, milliseconds(1)), [this, alive = run_->alive, plan] {
    if (!*alive || plan != run_->pump_plan) return false;
    pump();
    return true;
  });
}

void Node::pump() {
  while (run_->sending < kSenders) {
    const Result<std::vector<outbox::Dispatcher::Send>> sends = run_->dispatcher.on_timer(clock_time(), 1);
    if (!sends) {
      plan_pump(kTryEvery);
      return;
    }
    if (sends->empty()) break;
    ++run_->sending;
    world_.fibers.spawn(index_, {}, [this, send = sends->front()] {
      const outbox::Verdict verdict = deliver(send);
      --run_->sending;
      run_->dispatcher.on_reply(send.item, verdict, clock_time());
      plan_pump();
    });
  }
  plan_pump();
}

/// As Driver::deliver.
outbox::Verdict Node::deliver(const outbox::Dispatcher::Send& send) {
  const Result<std::optional<std::string>> bytes = run_->commits.store().get(send.item.key);
  if (!bytes) return outbox::Verdict::retry_untried;
  if (!*bytes) return outbox::Verdict::dropped;
  const Result<outbox::Envelope> envelope = outbox::decode_envelope(**bytes);
  if (!envelope) return outbox::Verdict::retry_untried;
  world_.note("send", index_, envelope->kind);
  world_.fibers.set_message(Handling::sending(envelope->id));
  if (envelope->service == "negotiation") return run_->negotiations.deliver(send.item, *envelope, send.retry_at).verdict;
  if (envelope->service == "transfer") return run_->transfers.deliver(send.item, *envelope, send.retry_at).verdict;
  return deliver_end(send.item, *envelope);
}

/// As Node::Parts::agreement_ended. Two arrivals of the peer's message at one time both do this work, as does a start: each of its commits is safe
/// to try again, so it is no effect of the message itself.
void Node::agreement_ended(const negotiation::AgreementRecord& record) {
  const std::string handled = world_.fibers.message();
  world_.fibers.set_message(Handling::following(handled));
  if (world_.canary != Canary::transfers_go_on && !run_->transfers.terminate_all_of(record.id, record.ended->reason)) {
    plan_second_look(kTryEvery);
  }
  world_.fibers.set_message(handled);
  notify(record.peer.str(), record.negotiation.str());
}

outbox::Verdict Node::deliver_end(const outbox::OutboxItem& item, const outbox::Envelope& envelope) {
  http::PeerRequest request;
  request.peer = ParticipantId(item.peer);
  request.url = envelope.url + std::string(kEndPath);
  request.body = envelope.body;
  const Result<http::PeerResponse> response = wire_.send(request);
  if (!response || response->status >= 500) return outbox::Verdict::away;
  if (response->status != 200 && response->status != 400) return outbox::Verdict::retry;
  Commit done;
  done.changes.push_back({item.key, std::nullopt});
  return run_->commits.commit_and_wait(std::move(done)) ? outbox::Verdict::done : outbox::Verdict::retry_uncertain;
}

http::Response Node::take_end(const ParticipantId& from, const std::string& body) {
  const AgreementId id(body);
  Commit commit;
  commit.id = "received-" + id.str();
  const Result<void> taken = run_->negotiations.ended_by_peer(id, from, why("ended-by-peer"), commit);
  if (taken) return {200, {}, {}, {}};
  return {dsp::status_of(taken.error().code), {}, {}, {}};
}

void Node::plan_alarm(Duration delay) {
  const std::uint64_t plan = ++run_->alarm_plan;
  world_.after(std::max(delay, Duration(0)), [this, alive = run_->alive, plan] {
    if (!*alive || plan != run_->alarm_plan) return false;
    ring();
    return true;
  });
}

void Node::ring() {
  if (!up()) return;
  world_.fibers.spawn(index_, {}, [this] {
    const Timestamp now = run_->commits.decision_time();
    Timestamp latest = now + minutes(10);
    if (world_.canary != Canary::alarm_silent) {
      const std::vector<std::string> due = world_.invariants.due(index_, now);
      const Result<std::optional<Timestamp>> next = run_->negotiations.on_timer();
      if (next) world_.invariants.on_deadlines(index_, due, now);
      if (next && *next) latest = std::min(latest, **next);
    }
    plan_alarm(std::max<Duration>(latest - run_->commits.decision_time(), milliseconds(1)));
  });
}

void Node::clock_stepped() {
  if (!up()) return;
  plan_pump();
  plan_alarm(Duration(0));
}

bool Node::quiet() const {
  return up() && run_->dispatcher.empty() && run_->commits.idle() && world_.fibers.running(index_) == 0;
}

}  // namespace sluis::sim
