#pragma once

#include "connector/base/random.hpp"
#include "connector/outbox/item.hpp"
#include "connector/transfer/ports.hpp"

#include <functional>

namespace sluis::transfer {

struct Options {
  std::string data_endpoint;  ///< the gate's public address, in the Start of a provider
  std::string node_key;       ///< 32 bytes: seals the handles that we got as a consumer
  negotiation::Script script = {};  ///< of the stewards
};

/// What the service needs; all of it outlives the service.
struct Dependencies {
  CommitPort& commits;
  const storage::Reader& store;
  const Clock& clock;
  Random& random;
  EvidenceWriter& evidence;
  PeerPort& peers;
  std::function<void(std::string_view peer, std::string_view process)> notify;
  /// A commit planned a step: `on_timer` has something to do earlier than it said.
  std::function<void()> planned = {};
  /// Signs what this node as a consumer claims for a transfer that is to be pushed to it. Unset: none is asked for.
  std::function<Result<std::string>(const ParticipantId& provider, const AgreementId& agreement, const ProcessId& own_pid, const PushRequest& request)> sign_push = {};
};

struct Reply {
  bool created = false;
  TransferProcess process;
};

/// What the gate learns from a handle.
struct TransferView {
  ProcessId own_pid;
  ProcessId peer_pid;
  ParticipantId peer;     ///< to whom alone the handle is bound
  AgreementId agreement;
  DatasetId dataset;
};

/// What a provider needs to push.
struct PushJob {
  TransferView transfer;
  std::string endpoint;
  std::string handle;  ///< in clear: never to a log; empty: there is none
  std::string claim;
  Timestamp requested;
  std::uint32_t tries = 0;
};
/// A push that waits for its turn.
struct PushDue {
  ProcessId own_pid;
  ParticipantId peer;
  Timestamp at;  ///< not before
};

/// What the intake needs to fetch data.
struct Access {
  ParticipantId peer;
  AgreementId agreement;
  DatasetId dataset;
  ProcessId own_pid;
  ProcessId peer_pid;
  std::string endpoint;
  std::string handle;  ///< in clear: never to a log
};

/// Transfers in both roles (HttpData-PULL and HttpData-PUSH). Each operation is one commit. Thread-safe; worker threads only.
/// Errors of all: those of CommitPort and of the store, and conflict where others were faster several times over.
class Service {
 public:
  Service(Options options, Dependencies dependencies);

  /// A message from a peer. A request under an agreement that is unknown, another party's or ended: not_found or
  /// invalid_state, with the reason.
  Result<Reply> receive(IncomingMessage message);
  Result<TransferProcess> shown_to(const ParticipantId& peer, const ProcessId& own_pid) const;

  /// Consumer: asks for access under an active agreement; with `push`, that the data are sent, and the log names
  /// the person that is in it.
  Result<TransferProcess> start(const AgreementId& agreement, std::optional<PushRequest> push = std::nullopt);
  /// Who does this is named in the log's entry, in the part that stays here; empty: the node itself.
  Result<TransferProcess> suspend(const ProcessId& own_pid, Reason reason, const std::string& person = {});
  Result<TransferProcess> resume(const ProcessId& own_pid, const std::string& person = {});
  Result<TransferProcess> complete(const ProcessId& own_pid, const std::string& person = {});
  Result<TransferProcess> terminate(const ProcessId& own_pid, Reason reason, const std::string& person = {});
  /// Terminates every transfer of the agreement that is not over. Again has no further effect.
  Result<void> terminate_all_of(const AgreementId& agreement, const Reason& reason);
  /// At start: does that for agreements whose end was recorded just before the node stopped.
  Result<void> recover();

  Result<TransferProcess> show(const ProcessId& own_pid) const;
  Result<std::vector<TransferProcess>> list(const ProcessId& after, std::size_t count) const;

  /// not_found: no such handle; invalid_state: its transfer is not STARTED. Whether the agreement is active is the
  /// caller's question.
  Result<TransferView> find_by_handle(std::string_view handle) const;
  /// Consumer: invalid_state unless STARTED.
  Result<Access> access(const ProcessId& own_pid) const;

  /// Provider: what has to be pushed now, by when it was due, and behind that the first that comes later, if any.
  Result<std::vector<PushDue>> pushes(Timestamp now) const;
  /// Provider: begins a try, durably, before anything of it is decided; none follows before the pause after it. invalid_state: it is not to be
  /// pushed any more; permission_denied: what opens the receiver cannot be read any more.
  Result<PushJob> begin_push(const ProcessId& own_pid, Duration (*pause_after)(std::uint32_t tries));
  /// Whether it still is. Errors: those of the store.
  Result<bool> is_pushed(const ProcessId& own_pid) const;
  /// Provider: a try failed, none begins before then.
  Result<void> put_off_push(const ProcessId& own_pid, Timestamp next);
  /// Provider: it was taken whole. A completion that comes to nothing is due again at `next`: then `begin_push` answers invalid_state, and this
  /// is to be called once more.
  Result<void> end_push(const ProcessId& own_pid, Timestamp next);
  /// Provider: terminates what is still to be pushed. invalid_state: it is not, and goes on as it is.
  Result<void> fail_push(const ProcessId& own_pid, Reason reason);

  /// outbox::Deliver for service "transfer".
  outbox::Delivered deliver(const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp retry_at);
  /// Commits that a message will never be delivered. A transfer that waits for just that one waits no more, so that it can be resumed or
  /// completed; but not one that it would have begun: nobody here can begin it again.
  Result<void> forget(const ProcessId& own_pid, std::string_view message, const Commit& dropped);
  /// Takes the steps that the script planned; returns when to be called next, if ever.
  Result<std::optional<Timestamp>> on_timer();

 private:
  static constexpr int kTries = 8;  ///< of a commit whose process somebody else changes at the same time
  struct Stored {
    TransferProcess value;
    std::string bytes;
  };
  using Step = std::function<Result<Transition>(const TransferProcess&, const Surroundings&)>;

  Surroundings surroundings() const;
  /// With what the script says about such a process.
  Surroundings surroundings_of(Role role, const DatasetId& dataset, const AgreementId& agreement) const;
  Result<std::optional<Stored>> load(const ProcessId& own_pid) const;
  Result<Stored> required(const ProcessId& own_pid) const;
  Result<void> admit(const IncomingMessage& message, Surroundings& around, Commit& commit) const;
  Result<Reply> receive_once(const IncomingMessage& message);
  Result<TransferProcess> change(const ProcessId& own_pid, const Step& step, const std::string& person);
  Result<void> commit(const std::optional<Stored>& before, const Transition& transition, Commit commit,
                      const std::string& person = {});
  Result<std::string> fill_handle(Stored& stored, const std::string& body);
  outbox::Verdict settle(const Stored& before, const DeliveryStep& step, const std::string& item_key, outbox::Verdict done_as,
                         outbox::Verdict later);

  Options options_;
  Dependencies with_;
};

}  // namespace sluis::transfer
