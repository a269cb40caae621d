#pragma once

#include "connector/base/quota.hpp"
#include "connector/base/random.hpp"
#include "connector/negotiation/ports.hpp"
#include "connector/outbox/item.hpp"

#include <functional>

namespace sluis::negotiation {

struct Options {
  ParticipantId self;
  Duration patience = std::chrono::days(7);  ///< for a whole negotiation
  Script script = {};                        ///< of the stewards
};

/// What the service needs; all of it outlives the service.
struct Dependencies {
  CommitPort& commits;
  const storage::Reader& store;
  const Clock& clock;
  Random& random;
  Terms& terms;
  EvidenceWriter& evidence;
  PeerPort& peers;
  /// A commit wrote a message: outbox::Driver::notify.
  std::function<void(std::string_view peer, std::string_view process)> notify;
  /// An agreement has ended: running transfers are to be terminated with its reason. After the commit.
  std::function<void(const AgreementRecord& record)> agreement_ended;
  /// Adds to the commit of an agreement's end what must become durable with it: the peer's receipt. Its first entry is
  /// the end's.
  std::function<void(Commit& commit, const AgreementRecord& record)> prepare_end = {};
  /// Negotiations that a peer begins; null: as many as it likes.
  Quota* begun = nullptr;
  /// A commit planned a step: `on_timer` has something to do earlier than it said.
  std::function<void()> planned = {};
  /// From when on the terms of an agreement can permit nothing any more; none: they always could, or cannot be read.
  std::function<std::optional<Timestamp>(const AgreementRecord& record)> over_at = {};
  /// Adds to the commit that makes or imports an agreement what becomes durable with it: what is known of its evidence, and the peer's receipt. Gives the
  /// process of the message that it added; empty: none.
  std::function<std::string(Commit& commit, const AgreementRecord& record)> prepare_agreement = {};
};

/// The agreement whose newer terms are asked for.
struct Renewal {
  AgreementId agreement;
  bool end_old = false;  ///< with the commit that makes the new one; else it stays until its own end
};

/// What the protocol answers to an accepted message.
struct Reply {
  bool created = false;
  Negotiation negotiation;
};

/// Negotiations in both roles. Each operation is one commit. Thread-safe; worker threads only.
/// Errors of all: those of CommitPort and of the store, and conflict where others were faster several times over.
class Service {
 public:
  Service(Options options, Dependencies dependencies);

  /// A message from a peer; errors as of machine.hpp's `receive`. limit_exceeded: it began too many.
  Result<Reply> receive(IncomingMessage message);
  /// The process with that id, for the party itself; not_found for any other.
  Result<Negotiation> shown_to(const ParticipantId& peer, const ProcessId& own_pid) const;

  /// Asks for a dataset on the terms of `offer` (as in the catalogue). Returns our new process.
  Result<Negotiation> request(const ParticipantId& peer, const DatasetId& dataset, const json::Value& offer,
                              std::string url, const std::optional<Renewal>& renews = std::nullopt);
  /// Offers a dataset to a party of ourselves.
  Result<Negotiation> offer(const ParticipantId& peer, const DatasetId& dataset, const json::Value& offer,
                            std::string url);
  /// Who does this is named in the log's entry, in the part that stays here; empty: the node itself. The body that decided it
  /// (`catalog::to_json`) is kept with the agreement.
  Result<Negotiation> approve(const ProcessId& own_pid, const std::string& person = {}, const json::Value& decided_by = {});
  /// A person proposes other terms: as provider where a request waits, as consumer where an offer does. What is agreed to then is what both
  /// saw, as ever. invalid_state: it is not our turn; invalid_argument: these are no terms, or the ones that the peer just proposed.
  Result<Negotiation> counter(const ProcessId& own_pid, const json::Value& offer, const std::string& person = {});
  Result<Negotiation> refuse(const ProcessId& own_pid, Reason reason, const std::string& person = {});
  /// D24: closes the gate in one commit, class revoke. Ended already: invalid_state.
  Result<AgreementRecord> terminate_agreement(const AgreementId& id, Reason reason, const std::string& person = {});

  /// The peer proved that it ended an agreement: `commit` keeps the proof, and the end goes with it. Of an agreement that is not
  /// here or is another party's the proof alone is kept, under the id of the commit; one that has ended already needs none.
  Result<void> ended_by_peer(const AgreementId& id, const ParticipantId& peer, Reason reason, const Commit& commit);

  /// A held agreement applies again, with what else `commit` changes. One that is not held stays as it is, and nothing is committed.
  Result<void> apply_again(const AgreementId& id, Commit commit);

  Result<Negotiation> show(const ProcessId& own_pid) const;
  /// In the order of ids, from `after` (exclusive; empty: from the first), at most `count`.
  Result<std::vector<Negotiation>> list(const ProcessId& after, std::size_t count) const;
  Result<AgreementRecord> agreement(const AgreementId& id) const;
  Result<std::vector<AgreementRecord>> agreements(const AgreementId& after, std::size_t count) const;

  /// outbox::Deliver for service "negotiation".
  outbox::Delivered deliver(const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp retry_at);
  /// An agreement that was made elsewhere, as on paper: with `imported`, under an id that is free here. It holds from now on, as if it had
  /// been negotiated; `commit` has what else changes with it. conflict: there is such an agreement already.
  Result<AgreementRecord> import(AgreementRecord record, const std::string& person, Commit commit);

  /// Ends agreements whose terms can permit nothing any more (reason `over`), some at a time, and finds those that were made before this was
  /// written down; returns when to be called next, if ever. Only where the clock is sure: an end is for ever.
  Result<std::optional<Timestamp>> end_what_is_over();

  /// Terminates what is past its deadline, and takes the steps that the script planned; returns when to be called next, if ever.
  Result<std::optional<Timestamp>> on_timer();

 private:
  struct Stored {
    Negotiation value;
    std::string bytes;
  };
  using Step = std::function<Result<Transition>(const Negotiation&)>;
  /// What a person did, for the log: an entry of its own where there is an event, and the name in all of the commit's.
  struct Deed {
    std::string event;
    std::string person;
  };

  Surroundings surroundings() const;
  /// For a step of this process: with what the script says about it.
  Surroundings surroundings_of(const Negotiation& negotiation) const;
  Result<std::optional<Stored>> load(const ProcessId& own_pid) const;
  Result<Stored> required(const ProcessId& own_pid) const;
  Result<Judgement> judge(const std::optional<Stored>& before, const IncomingMessage& message) const;
  Result<Reply> receive_once(const IncomingMessage& message);
  Result<Negotiation> start(Role role, const ParticipantId& peer, const DatasetId& dataset, const json::Value& offer,
                            std::string url, const std::optional<Renewal>& renews = std::nullopt);
  Result<Negotiation> change(const ProcessId& own_pid, const Step& step, const Deed& deed = {});
  Result<void> commit(const std::optional<Stored>& before, const Transition& transition, CommitClass commit_class,
                      const std::string& remove_item = {}, const Deed& deed = {});
  Result<void> void_agreement(const Negotiation& negotiation, const Reason& reason, Commit& commit,
                              std::optional<AgreementRecord>& ended) const;
  /// Puts the end of an active agreement into the commit, with all that goes with it: its bytes as read, the indexes, the entry (first).
  void put_end(AgreementRecord& record, const std::string& bytes, AgreementEnd end, Commit& commit, bool with_entry = true) const;
  Result<void> end_renewed(const Negotiation& negotiation, const AgreementId& by, Commit& commit, std::optional<AgreementRecord>& ended) const;
  /// Puts a record that is new into the commit, with the time at which it is over.
  void put_new(AgreementRecord& record, Commit& commit) const;
  Result<bool> look_for_older_ends();
  outbox::Verdict settle(const Stored& before, const DeliveryStep& step, const std::string& item_key, outbox::Verdict done_as,
                         outbox::Verdict later);

  Options options_;
  Dependencies with_;
};

}  // namespace sluis::negotiation
