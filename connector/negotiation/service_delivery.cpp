#include "connector/base/limits.hpp"
#include "connector/negotiation/ending.hpp"
#include "connector/negotiation/service.hpp"
#include "connector/outbox/due.hpp"
#include "connector/storage/hold.hpp"

#include <algorithm>

/// The Service's other half: delivery, deadlines and listings.
namespace sluis::negotiation {
namespace {

constexpr std::size_t kOlderEndsBytes = limits::kCommitBytes / 2;  ///< of records, in one commit; the last may be beyond

/// Values of a prefix in key order, after a key, at most so many.
template <class T, class Decode>
Result<std::vector<T>> page(const storage::Reader& store, std::string_view prefix, const std::string& after_key,
                            std::size_t count, const Decode& decode) {
  std::vector<T> out;
  std::optional<Error> failed;
  const std::size_t most = std::min(count, limits::kPageMax);
  SLUIS_CHECK(store.scan(prefix, after_key, [&](std::string_view key, std::string_view value) {
    if (out.size() >= most) return false;
    if (key == after_key) return true;
    Result<T> decoded = decode(value);
    if (!decoded) {
      failed = decoded.error();
      return false;
    }
    out.push_back(std::move(*decoded));
    return true;
  }));
  if (failed) return *failed;
  return out;
}

/// Ended before its first message had left: there is nothing to send.
bool abandoned(const Negotiation& negotiation, bool maybe_sent) {
  return negotiation.state == State::terminated && negotiation.pending->kind != MessageKind::termination &&
         !maybe_sent && !negotiation.pending->delivery.uncertain;
}

}  // namespace

outbox::Verdict Service::settle(const Stored& before, const DeliveryStep& step, const std::string& item_key, outbox::Verdict done_as,
                                outbox::Verdict later) {
  const bool done = step.next == DeliveryStep::Next::done;
  // What ends is a revocation, and that its end is told; not each try.
  const bool over = step.transition.next.state == State::terminated && (done || before.value.state != State::terminated);
  const bool ends = step.transition.agreement_void.has_value() || over;
  const Result<void> committed = commit(before, step.transition, ends ? CommitClass::revoke : CommitClass::exchange,
                                        done ? item_key : std::string());
  // What could not be recorded is found out again by reading the peer's process.
  if (!committed) return outbox::Verdict::retry_uncertain;
  return done ? done_as : later;
}

outbox::Delivered Service::deliver(const outbox::OutboxItem& item, const outbox::Envelope& envelope,
                                   Timestamp retry_at) {
  using outbox::Verdict;
  const Result<std::optional<std::string>> bytes = with_.store.get(negotiation_key(ProcessId(item.process)));
  if (!bytes) return Verdict::retry_untried;
  std::optional<Stored> before;
  if (*bytes) {
    Result<Negotiation> value = decode_negotiation(**bytes);
    if (!value) return {Verdict::dead, {"process-unreadable", {describe(value.error())}}};
    before = Stored{std::move(*value), **bytes};
  }
  if (!before || !before->value.pending || before->value.pending->delivery.id != envelope.id) {
    // Overtaken: a later message proved its arrival, or the process was ended.
    Commit drop;
    drop.changes.push_back({item.key, std::nullopt});
    return with_.commits.commit_and_wait(std::move(drop)) ? Verdict::dropped : Verdict::retry_untried;
  }
  const auto held = storage::held_since(with_.store, negotiation_key(ProcessId(item.process)));
  if (!held || *held) return Verdict::retry_untried;  // nothing is sent of a held one
  if (abandoned(before->value, item.maybe_sent)) {
    DeliveryStep step{{}, DeliveryStep::Next::done};
    step.transition.next = before->value;
    step.transition.next.pending.reset();
    return settle(*before, step, item.key, Verdict::dropped, Verdict::retry_untried);
  }
  const bool resend = item.maybe_sent || before->value.pending->delivery.uncertain;
  if (resend && !before->value.peer_pid.empty()) {
    const outbox::PeerView view = with_.peers.read(before->value);
    const DeliveryStep step =
        on_peer_state(before->value, view, std::nullopt, true, surroundings_of(before->value), with_.clock.now(), retry_at);
    if (step.next != DeliveryStep::Next::send) return settle(*before, step, item.key, Verdict::done, outbox::later(view));
  }
  const outbox::SendOutcome outcome = with_.peers.send(before->value.peer, envelope);
  DeliveryStep step = on_sent(before->value, outcome, resend, surroundings_of(before->value), with_.clock.now(), retry_at);
  if (step.next == DeliveryStep::Next::read_peer) {
    step = on_peer_state(step.transition.next, with_.peers.read(before->value), outcome, resend, surroundings_of(before->value),
                         with_.clock.now(), retry_at);
  }
  return settle(*before, step, item.key, Verdict::done, outbox::later(outcome.kind));
}

Result<std::optional<Timestamp>> Service::on_timer() {
  const Timestamp now = with_.clock.now();
  return outbox::do_due(with_.store, kDuePrefix, now, [&](const std::string& pid) -> Result<void> {
    SLUIS_CHECK(change(ProcessId(pid), [&](const Negotiation& before) -> Result<Transition> {
      Surroundings around = surroundings_of(before);
      if (before.planned && before.planned->act == Act::offer) {
        if (auto published = with_.terms.published_offer(before.dataset)) around.published = std::move(*published);
      }
      // Much may have changed since it was planned: the terms, the party, who is a member.
      if (before.planned && before.role == Role::provider && (before.planned->act == Act::offer || before.planned->act == Act::agree)) {
        SLUIS_TRY(around.judgement, with_.terms.judge_request(before.peer, before.dataset, before.offer, before.offer_hash));
      }
      std::optional<Transition> t = negotiation::on_timer(before, around, now);
      if (!t) return Error(ErrorCode::invalid_state, "the negotiation went on");
      return std::move(*t);
    }));
    return {};
  });
}

/// Agreements of before the index, a page at a time, and each once. False: there are more.
Result<bool> Service::look_for_older_ends() {
  SLUIS_TRY(const std::optional<std::string> looked, with_.store.get(kOverLooked));
  if (looked == kAllLookedThrough) return true;
  const std::string after = looked.value_or(std::string(kAgreementPrefix));
  std::string last;
  std::size_t seen = 0;
  std::size_t bytes = 0;
  bool all = true;
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  SLUIS_CHECK(with_.store.scan(kAgreementPrefix, after, [&](std::string_view key, std::string_view value) {
    if (key == after) return true;
    if (seen == limits::kPageDefault || bytes >= kOlderEndsBytes) return all = false;
    ++seen;
    last = key;
    Result<AgreementRecord> record = decode_agreement(value);  // one that cannot be read permits nothing
    if (record && record->active() && !record->over && with_.over_at) record->over = with_.over_at(*record);
    if (record && record->active() && record->over) {
      std::string now = encode(*record);
      bytes += value.size() + now.size();
      commit.preconditions.push_back({last, std::string(value)});
      commit.changes.push_back({last, std::move(now)});
      outbox::index_due(commit, kOverPrefix, record->id.str(), std::nullopt, record->over);
    }
    return true;
  }));
  commit.changes.push_back({std::string(kOverLooked), all ? std::string(kAllLookedThrough) : last});
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return all;
}

Result<std::optional<Timestamp>> Service::end_what_is_over() {
  const Timestamp now = with_.clock.now();
  const Result<bool> all = look_for_older_ends();  // where it fails, what is known to be over ends all the same
  const auto next = outbox::do_due(with_.store, kOverPrefix, now, [&](const std::string& named) -> Result<void> {
    SLUIS_TRY(const AgreementRecord record, agreement(AgreementId(named)));
    if (!record.is_over(now)) return Error(ErrorCode::invalid_state, "its time has not come");
    SLUIS_CHECK(terminate_agreement(record.id, {"over", {"since " + format_time(*record.over) + " its terms permit nothing any more"}}));
    return {};
  });
  if (!next) return next;
  if (!all) return all.error();
  return *all ? *next : std::optional(now);
}

Result<Negotiation> Service::show(const ProcessId& own_pid) const {
  SLUIS_TRY(Stored stored, required(own_pid));
  return std::move(stored.value);
}

Result<std::vector<Negotiation>> Service::list(const ProcessId& after, std::size_t count) const {
  return page<Negotiation>(with_.store, kNegotiationPrefix, negotiation_key(after), count, decode_negotiation);
}

Result<AgreementRecord> Service::agreement(const AgreementId& id) const { return read_agreement(with_.store, id); }

Result<std::vector<AgreementRecord>> Service::agreements(const AgreementId& after, std::size_t count) const {
  return page<AgreementRecord>(with_.store, kAgreementPrefix, agreement_key(after), count, decode_agreement);
}

}  // namespace sluis::negotiation
