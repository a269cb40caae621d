#include "connector/node/parts.hpp"

#include "connector/base/limits.hpp"

/// What becomes due by itself: by time, by a list, or by what a commit left to be done.
namespace sluis::node {
namespace {

constexpr std::chrono::seconds kAgainAfter{5};

}  // namespace

/// Negotiations that must end, and what the script planned. What could not be recorded is tried again soon; looking now and then costs little.
Timestamp Node::Parts::take_what_is_due(Timestamp now) {
  Timestamp next = now + std::chrono::minutes(10);
  if (!sequencer->quarantine().empty()) return next;
  if (!look_again()) next = now + std::chrono::seconds(1);
  const auto pages = [now](const Result<bool>& all) -> Result<std::optional<Timestamp>> {
    if (!all) return all.error();
    return *all ? std::nullopt : std::optional(now);
  };
  const auto over = [&]() -> Result<std::optional<Timestamp>> {
    if (clock_is_sure()) return negotiations->end_what_is_over();
    return std::optional(now + kAgainAfter);
  };
  for (const auto& more : {pages(leaving->go_on()), over(), negotiations->on_timer(), transfers->on_timer(), receipts->on_timer(), agreement_receipts->on_timer()}) {
    if (more && *more) next = std::min(next, **more);
    if (more) continue;
    next = std::min(next, now + kAgainAfter);
    if (due_told.now(now)) log::error("what is due could not be done", {{"what", describe(more.error())}});
  }
  return next;
}

/// From the committing thread as well: waits for nothing.
void Node::Parts::ask_for_a_look() {
  const std::lock_guard lock(look_mutex);
  look_is_due = true;
  if (look_alarm != nullptr) look_alarm->wake();
}

/// A commit whose outcome was unknown may have been written: then its message is known to no dispatcher, and an agreement that it ended
/// still has its transfers. False: not all could be looked at.
bool Node::Parts::look_again() {
  {
    const std::lock_guard lock(look_mutex);
    if (!std::exchange(look_is_due, false)) return true;
  }
  outbox->look_again();
  refusals->flush();  // what could not be decided meanwhile is told
  if (transfers->recover()) return true;
  const std::lock_guard lock(look_mutex);
  look_is_due = true;
  return false;
}

void Node::Parts::agreement_ended(const negotiation::AgreementRecord& record) {
  const outbox::Reason why = record.ended ? record.ended->reason : outbox::Reason{"ended", {}};
  const std::string sentence = why.sentences.empty() ? "the agreement has ended" : why.sentences.front();
  gate->on_revoked(record.id, policy::Reason{why.code, {{"agreement", record.id.str()}}, sentence});
  if (const auto done = transfers->terminate_all_of(record.id, why); !done) {
    log::error("transfers were not terminated yet", {{"agreement", record.id.str()}, {"what", done.error().message}});
    ask_for_a_look();
  }
  // Only of its own ends this node sends the proof, and to who takes it.
  if (!record.ended || record.ended->by != config.participant || !evidence->takes_receipts(record.peer)) return;
  outbox->notify(record.peer.str(), end_process(record));
}

/// Whether an end that follows from the time alone may be recorded now. What is over by this clock permits nothing meanwhile.
bool Node::Parts::clock_is_sure() const {
  return !sequencer->clock_behind() && std::chrono::steady_clock::now() >= clock_sure_from.load();
}

void Node::Parts::clock_is_unsure_for(std::chrono::steady_clock::duration time) {
  const auto until = std::chrono::steady_clock::now() + time;
  auto known = clock_sure_from.load();
  while (known < until && !clock_sure_from.compare_exchange_weak(known, until)) {
  }
}

void Node::Parts::clock_stepped() {
  gate->on_clock_step();
  open->on_clock_step();
  streams->reevaluate_all();
  deadlines->wake();
}

}  // namespace sluis::node
