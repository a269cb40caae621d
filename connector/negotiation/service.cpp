#include "connector/negotiation/service.hpp"

#include "connector/base/limits.hpp"
#include "connector/negotiation/ending.hpp"
#include "connector/outbox/due.hpp"
#include "connector/storage/hold.hpp"

namespace sluis::negotiation {
namespace {

constexpr int kTries = 8;  ///< of a commit whose process somebody else changes at the same time

std::string fresh_id(Random& random) { return to_hex(random.bytes(16)); }

outbox::Envelope envelope_of(const OutboundMessage& message, std::string body, Timestamp now) {
  outbox::Envelope envelope;
  envelope.service = "negotiation";
  envelope.id = message.id;
  envelope.kind = to_string(message.kind);
  envelope.role = to_string(message.role);
  envelope.url = message.peer_url;
  envelope.peer_pid = message.peer_pid.str();
  envelope.body = std::move(body);
  envelope.queued = now;
  return envelope;
}

/// What a script is asked about: the process with what the message changes of role, dataset and offer.
Negotiation as_it_will_be(const std::optional<Negotiation>& before, const IncomingMessage& message, const Judgement& judgement) {
  Negotiation n = before.value_or(Negotiation{});
  if (!before) {
    n.role = message.kind == MessageKind::request ? Role::provider : Role::consumer;
    n.first_message = message.bytes;
  }
  if (message.kind != MessageKind::request && message.kind != MessageKind::offer) return n;
  if (n.role == Role::consumer && n.asked.is_null()) n.asked = n.offer;
  n.dataset = message.dataset;
  n.offer = message.offer;
  n.published_hash.reset();
  if (judgement.kind == Judgement::Kind::agree) n.published_hash = judgement.offer_hash;
  return n;
}

}  // namespace

Service::Service(Options options, Dependencies dependencies)
    : options_(std::move(options)), with_(std::move(dependencies)) {}

Surroundings Service::surroundings() const {
  Surroundings around;
  around.self = options_.self;
  around.fresh_pid = ProcessId(with_.random.uuid_urn());
  around.message_id = fresh_id(with_.random);
  around.agreement_id = AgreementId(with_.random.uuid_urn());
  around.patience = options_.patience;
  return around;
}

/// An offer is known by its id only where its terms are ours: as published (in whatever words), or as we asked for them. Else the peer would choose the script.
/// As consumer we follow one where we asked at all.
Surroundings Service::surroundings_of(const Negotiation& n) const {
  Surroundings around = surroundings();
  const bool consumer = n.role == Role::consumer;
  const bool begun_by_us = !n.first_message;
  if (consumer && !begun_by_us) return around;
  const json::Value& ours = !consumer ? n.offer : n.asked.is_null() ? n.offer : n.asked;
  const json::Value* named = consumer || n.published_hash ? ours.find("@id") : nullptr;
  const std::string* id = named ? named->if_string() : nullptr;
  around.script = options_.script.find(n.role, n.dataset, id ? *id : std::string());
  return around;
}

Result<std::optional<Service::Stored>> Service::load(const ProcessId& own_pid) const {
  SLUIS_TRY(std::optional<std::string> bytes, with_.store.get(negotiation_key(own_pid)));
  if (!bytes) return std::optional<Stored>();
  SLUIS_TRY(Negotiation value, decode_negotiation(*bytes));
  return std::optional<Stored>(Stored{std::move(value), std::move(*bytes)});
}

Result<Service::Stored> Service::required(const ProcessId& own_pid) const {
  SLUIS_TRY(std::optional<Stored> stored, load(own_pid));
  if (!stored) return Error(ErrorCode::not_found, "there is no negotiation `" + own_pid.str() + "`");
  return std::move(*stored);
}

void Service::put_end(AgreementRecord& record, const std::string& bytes, AgreementEnd end, Commit& commit, bool with_entry) const {
  const std::string key = agreement_key(record.id);
  record.ended = std::move(end);
  commit.preconditions.push_back({key, bytes});
  commit.changes.push_back({key, encode(record)});
  commit.changes.push_back({ending_key(record.id), record.id.str()});
  commit.changes.push_back({newer_key(record.id), std::nullopt});
  if (record.held) commit.changes.push_back({storage::hold_key(key), std::nullopt});
  outbox::index_due(commit, kOverPrefix, record.id.str(), record.over, std::nullopt);
  // First, as `prepare_end` wants it.
  if (with_entry) commit.entries.insert(commit.entries.begin(), with_.evidence.agreement_ended_entry(record));
}

void Service::put_new(AgreementRecord& record, Commit& commit) const {
  if (with_.over_at) record.over = with_.over_at(record);
  const std::string key = agreement_key(record.id);
  commit.preconditions.push_back({key, std::nullopt});
  commit.changes.push_back({key, encode(record)});
  outbox::index_due(commit, kOverPrefix, record.id.str(), std::nullopt, record.over);
  commit.entries.push_back(with_.evidence.agreement_entry(record));
}

/// With the commit that makes the new one: there is no moment without, and none in which the wrong one was ended.
Result<void> Service::end_renewed(const Negotiation& negotiation, const AgreementId& by, Commit& commit, std::optional<AgreementRecord>& ended) const {
  SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(agreement_key(*negotiation.renews)));
  if (!bytes) return {};
  SLUIS_TRY(AgreementRecord record, decode_agreement(*bytes));
  if (!record.active() || record.peer != negotiation.peer) return {};
  put_end(record, *bytes, {options_.self, negotiation.updated, {"renewed", {"agreement " + by.str() + " follows it"}}}, commit);
  ended = std::move(record);
  return {};
}

Result<void> Service::void_agreement(const Negotiation& negotiation, const Reason& reason, Commit& commit,
                                     std::optional<AgreementRecord>& ended) const {
  SLUIS_TRY(std::string id, json::required_string(negotiation.agreement, "@id"));
  const std::string key = agreement_key(AgreementId(std::move(id)));
  SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(key));
  if (!bytes) return {};
  SLUIS_TRY(AgreementRecord record, decode_agreement(*bytes));
  if (!record.active() || record.negotiation != negotiation.own_pid) return {};
  const ParticipantId& by = negotiation.reason_is_ours ? options_.self : negotiation.peer;
  put_end(record, *bytes, {by, negotiation.updated, reason}, commit);
  ended = std::move(record);
  return {};
}

Result<void> Service::commit(const std::optional<Stored>& before, const Transition& transition,
                             CommitClass commit_class, const std::string& remove_item, const Deed& deed) {
  const Negotiation& next = transition.next;
  const std::string key = negotiation_key(next.own_pid);
  Commit commit;
  commit.commit_class = commit_class;
  commit.preconditions.push_back({key, before ? std::optional(before->bytes) : std::nullopt});
  commit.changes.push_back({key, encode(next)});
  if (before) {
    // A held one may end, and what waits of it may be given up: nothing else.
    SLUIS_TRY(const std::optional<Timestamp> held, storage::held_since(with_.store, key));
    const bool over = next.state == State::terminated;
    const bool same = next.state == before->value.state && transition.events.empty() && !transition.message && !transition.agreement && deed.event.empty();
    if (held && !over && !same) {
      return Error(ErrorCode::invalid_state, "the negotiation is held " + storage::told(*held) + ": it can be ended, no more")
          .mended_by("`sluis audit reconcile` with the other party settles it");
    }
    if (held && over) commit.changes.push_back({storage::hold_key(key), std::nullopt});
  }
  if (!next.peer_pid.empty() && (!before || before->value.peer_pid.empty())) {
    const std::string index = peer_key(next.peer, next.peer_pid);
    // Only a first message must find the name free; what a peer calls our process later is its own affair.
    if (!before) commit.preconditions.push_back({index, std::nullopt});
    commit.changes.push_back({index, next.own_pid.str()});
  }
  outbox::index_due(commit, kDuePrefix, next.own_pid.str(), before ? due_at(before->value) : std::nullopt, due_at(next));
  if (!remove_item.empty()) commit.changes.push_back({remove_item, std::nullopt});
  for (const State event : transition.events) {
    const bool with_reason = event == State::terminated && next.reason;
    commit.entries.push_back(
        with_.evidence.negotiation_entry(next, to_string(event), with_reason ? &*next.reason : nullptr));
  }
  std::optional<AgreementRecord> agreed;
  if (transition.agreement) {
    AgreementRecord record = *transition.agreement;
    record.vocabulary_hash = with_.terms.vocabulary_hash();
    record.peer_identity = with_.terms.legal_identity(record.peer);
    record.decided_by = next.decided_by;
    put_new(record, commit);
    agreed = std::move(record);
  }
  std::optional<AgreementRecord> ended;
  if (transition.agreement && next.renews && next.ends_renewed) SLUIS_CHECK(end_renewed(next, transition.agreement->id, commit, ended));
  if (transition.agreement_void) SLUIS_CHECK(void_agreement(next, *transition.agreement_void, commit, ended));
  if (!deed.event.empty()) commit.entries.push_back(with_.evidence.negotiation_entry(next, deed.event, nullptr));
  for (EntryDraft& entry : commit.entries) with_.evidence.name_person(entry, deed.person);
  if (transition.message) {
    std::string body = with_.peers.body(*transition.message);
    commit.messages.push_back({next.peer.str(), next.own_pid.str(),
                               outbox::encode(envelope_of(*transition.message, std::move(body), with_.clock.now()))});
  }
  // A peer that had our *finalized* takes no termination any more, but it takes the proof of the agreement's end.
  if (ended && ended->ended->by == options_.self && with_.prepare_end) with_.prepare_end(commit, *ended);
  std::string proves;
  if (agreed && with_.prepare_agreement) proves = with_.prepare_agreement(commit, *agreed);
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  if (!proves.empty() && with_.notify) with_.notify(next.peer.str(), proves);
  if (transition.message && with_.notify) with_.notify(next.peer.str(), next.own_pid.str());
  if ((next.planned || (agreed && agreed->over)) && with_.planned) with_.planned();
  if (ended && with_.agreement_ended) with_.agreement_ended(*ended);
  return {};
}

Result<Judgement> Service::judge(const std::optional<Stored>& before, const IncomingMessage& message) const {
  const bool request = message.kind == MessageKind::request;
  if (!request && message.kind != MessageKind::offer) return Judgement{};
  const ParticipantId& provider = request ? options_.self : message.from;
  const ParticipantId& consumer = request ? message.from : options_.self;
  const Result<NormalOffer> offer = normalise_offer(message.offer, message.dataset, provider, consumer);
  if (!offer) return Judgement{};  // the machine refuses it with the reason
  if (request) return with_.terms.judge_request(message.from, message.dataset, offer->offer, offer->hash);
  if (before && before->value.offer_hash == offer->hash) return Judgement{Judgement::Kind::agree, offer->hash, {}};
  return with_.terms.judge_offer(message.from, message.dataset, offer->offer, offer->hash);
}

Result<Reply> Service::receive_once(const IncomingMessage& message) {
  ProcessId own_pid = message.own_pid;
  if (own_pid.empty()) {
    SLUIS_TRY(std::optional<std::string> known, with_.store.get(peer_key(message.from, message.peer_pid)));
    if (known) own_pid = ProcessId(std::move(*known));
  }
  std::optional<Stored> before;
  if (!own_pid.empty()) {
    SLUIS_TRY(before, load(own_pid));
  }
  if (before && !message.own_pid.empty() && before->value.peer == message.from && message.kind != MessageKind::termination) {
    SLUIS_TRY(const std::optional<Timestamp> held, storage::held_since(with_.store, negotiation_key(own_pid)));
    if (held) return Error(ErrorCode::storage_unavailable, "the negotiation is held " + storage::told(*held) + ": ask again later");
  }
  const std::optional<Negotiation> value = before ? std::optional(before->value) : std::nullopt;
  SLUIS_TRY(const Judgement judgement, judge(before, message));
  Surroundings around = surroundings_of(as_it_will_be(value, message, judgement));
  around.judgement = judgement;
  SLUIS_TRY(const Transition transition, negotiation::receive(value, message, around, with_.clock.now()));
  if (transition.changed) {
    const bool begins = !before && with_.begun != nullptr;
    if (begins && !with_.begun->take(message.from.str())) {
      return Error(ErrorCode::limit_exceeded, "this party began too many negotiations")
          .mended_by("try again in " + std::to_string(with_.begun->wait(message.from.str()).count()) + " seconds");
    }
    const bool ends = before && transition.next.state == State::terminated;  // what is refused at once has not begun
    const auto done = commit(before, transition, ends ? CommitClass::revoke : CommitClass::exchange);
    if (!done && begins) with_.begun->give_back(message.from.str());
    SLUIS_CHECK(done);
  }
  return Reply{transition.reply == Transition::Reply::created, transition.next};
}

Result<Reply> Service::receive(IncomingMessage message) {
  message.reason = outbox::bounded(std::move(message.reason));
  for (int attempt = 1;; ++attempt) {
    Result<Reply> reply = receive_once(message);
    if (reply || reply.error().code != ErrorCode::conflict || attempt == kTries) return reply;
  }
}

Result<Negotiation> Service::shown_to(const ParticipantId& peer, const ProcessId& own_pid) const {
  SLUIS_TRY(Stored stored, required(own_pid));
  if (stored.value.peer != peer) return Error(ErrorCode::not_found, "there is no negotiation `" + own_pid.str() + "`");
  return std::move(stored.value);
}

Result<Negotiation> Service::start(Role role, const ParticipantId& peer, const DatasetId& dataset,
                                   const json::Value& offer, std::string url, const std::optional<Renewal>& renews) {
  const bool consumer = role == Role::consumer;
  SLUIS_TRY(const NormalOffer normal, normalise_offer(offer, dataset, consumer ? peer : options_.self,
                                                      consumer ? options_.self : peer));
  Transition transition =
      begin(role, peer, std::move(url), dataset, normal, surroundings(), with_.clock.now());
  if (renews) {
    transition.next.renews = renews->agreement;
    transition.next.ends_renewed = renews->end_old;
  }
  SLUIS_CHECK(commit(std::nullopt, transition, CommitClass::exchange));
  return transition.next;
}

Result<Negotiation> Service::request(const ParticipantId& peer, const DatasetId& dataset, const json::Value& offer,
                                     std::string url, const std::optional<Renewal>& renews) {
  return start(Role::consumer, peer, dataset, offer, std::move(url), renews);
}

Result<Negotiation> Service::offer(const ParticipantId& peer, const DatasetId& dataset, const json::Value& offer,
                                   std::string url) {
  return start(Role::provider, peer, dataset, offer, std::move(url));
}

Result<Negotiation> Service::change(const ProcessId& own_pid, const Step& step, const Deed& deed) {
  for (int attempt = 1;; ++attempt) {
    SLUIS_TRY(const Stored before, required(own_pid));
    SLUIS_TRY(const Transition transition, step(before.value));
    const bool ends = transition.next.state == State::terminated;
    const Result<void> done = commit(before, transition, ends ? CommitClass::revoke : CommitClass::exchange, {}, deed);
    if (done) return transition.next;
    if (done.error().code != ErrorCode::conflict || attempt == kTries) return done.error();
  }
}

Result<Negotiation> Service::approve(const ProcessId& own_pid, const std::string& person, const json::Value& decided_by) {
  const Step step = [&](const Negotiation& before) {
    auto transition = negotiation::approve(before, surroundings(), with_.clock.now());
    if (transition) transition->next.decided_by = decided_by;
    return transition;
  };
  // What follows is an entry when the peer has it; who said yes is one now.
  return change(own_pid, step, {"approved", person});
}

Result<Negotiation> Service::counter(const ProcessId& own_pid, const json::Value& offer, const std::string& person) {
  const Step step = [&](const Negotiation& before) -> Result<Transition> {
    SLUIS_TRY(Transition transition, negotiation::counter(before, offer, surroundings(), with_.clock.now()));
    Negotiation& next = transition.next;
    if (next.role != Role::provider) return transition;
    const auto published = with_.terms.published_offer(next.dataset);
    const auto normal = published ? normalise_offer(*published, next.dataset, options_.self, next.peer) : Result<NormalOffer>(published.error());
    if (normal && normal->hash == next.offer_hash) next.published_hash = next.offer_hash;
    return transition;
  };
  return change(own_pid, step, {"countered", person});
}

Result<Negotiation> Service::refuse(const ProcessId& own_pid, Reason reason, const std::string& person) {
  const Step step = [&](const Negotiation& before) {
    return negotiation::terminate(before, reason, surroundings(), with_.clock.now());
  };
  return change(own_pid, step, {"", person});
}

Result<AgreementRecord> Service::import(AgreementRecord record, const std::string& person, Commit commit) {
  record.vocabulary_hash = with_.terms.vocabulary_hash();
  record.peer_identity = with_.terms.legal_identity(record.peer);
  put_new(record, commit);
  with_.evidence.name_person(commit.entries.back(), person);
  if (with_.prepare_agreement) with_.prepare_agreement(commit, record);
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  if (record.over && with_.planned) with_.planned();
  return record;
}

Result<AgreementRecord> Service::terminate_agreement(const AgreementId& id, Reason reason, const std::string& person) {
  reason = outbox::bounded(std::move(reason));
  const std::string key = agreement_key(id);
  for (int attempt = 1;; ++attempt) {
    SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(key));
    if (!bytes) return Error(ErrorCode::not_found, "there is no agreement `" + id.str() + "`");
    SLUIS_TRY(AgreementRecord record, decode_agreement(*bytes));
    if (!record.active()) {
      return Error(ErrorCode::invalid_state, "the agreement was ended by `" + record.ended->by.str() + "` at " +
                                                 format_time(record.ended->when));
    }
    Commit commit;
    commit.commit_class = CommitClass::revoke;
    put_end(record, *bytes, {options_.self, with_.clock.now(), reason}, commit);
    with_.evidence.name_person(commit.entries.back(), person);
    if (with_.prepare_end) with_.prepare_end(commit, record);
    const Result<CommitReceipt> done = with_.commits.commit_and_wait(std::move(commit));
    if (done) {
      if (with_.agreement_ended) with_.agreement_ended(record);
      return record;
    }
    if (done.error().code != ErrorCode::conflict || attempt == kTries) return done.error();
  }
}

Result<void> Service::ended_by_peer(const AgreementId& id, const ParticipantId& peer, Reason reason, const Commit& commit) {
  reason = outbox::bounded(std::move(reason));
  const std::string key = agreement_key(id);
  for (int attempt = 1;; ++attempt) {
    Commit both = commit;
    SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(key));
    std::optional<AgreementRecord> ends;
    if (bytes) {
      SLUIS_TRY(AgreementRecord record, decode_agreement(*bytes));
      if (record.peer == peer && !record.active()) return {};
      if (record.peer == peer) ends = std::move(record);
    }
    if (ends) {
      both.commit_class = CommitClass::revoke;
      both.id += "-ends";  // the same proof may have come before the agreement was known here, and what was done once is not done again
      put_end(*ends, *bytes, {peer, with_.clock.now(), reason}, both, false);  // the proof is its entry
    }
    const Result<CommitReceipt> done = with_.commits.commit_and_wait(std::move(both));
    if (done) {
      if (ends && with_.agreement_ended) with_.agreement_ended(*ends);
      return {};
    }
    if (done.error().code != ErrorCode::conflict || attempt == kTries) return done.error();
  }
}

Result<void> Service::apply_again(const AgreementId& id, Commit commit) {
  const std::string key = agreement_key(id);
  SLUIS_TRY(const std::optional<std::string> bytes, with_.store.get(key));
  if (!bytes) return Error(ErrorCode::not_found, "there is no agreement `" + id.str() + "`");
  SLUIS_TRY(AgreementRecord record, decode_agreement(*bytes));
  if (!record.held) return {};
  record.held.reset();
  commit.preconditions.push_back({key, *bytes});
  commit.changes.push_back({key, encode(record)});
  commit.changes.push_back({storage::hold_key(key), std::nullopt});
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return {};
}

}  // namespace sluis::negotiation
