#pragma once

#include "connector/base/log.hpp"
#include "connector/gate/alarm.hpp"
#include "connector/gate/gate.hpp"
#include "connector/http/client.hpp"
#include "connector/identity/directory.hpp"
#include "connector/transfer/service.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

/// Sending the data of transfers that their party asked to have sent (decision 32).
namespace sluis::node {

/// Names the transfer that what is sent belongs to, by the receiver's own id.
inline constexpr std::string_view kTransferHeader = "sluis-transfer";

struct PushingDependencies {
  transfer::Service& transfers;
  gate::Gate& gate;
  http::Client& client;
  const identity::Directory& directory;
  const Clock& clock;
  Random& random;
};

/// Takes the pushes of this node up as they become due, each on a thread of its own and one of a party at a time. A try is begun durably,
/// decided and recorded by the gate, and only then sent. One that did not arrive is tried again, later and later, until kTries were begun;
/// then, or where the gate or the receiver refuses, the transfer is terminated with the reason. Nothing begins while the membership list is out
/// of date. Thread-safe.
class Pushing {
 public:
  static constexpr std::uint32_t kTries = 12;  ///< for somewhat more than an hour, by `pause_after`

  explicit Pushing(PushingDependencies dependencies);
  ~Pushing();
  Pushing(const Pushing&) = delete;
  Pushing& operator=(const Pushing&) = delete;

  /// Before it nothing is sent.
  void start();
  /// A push may be due.
  void wake() { alarm_.wake(); }
  /// No other begins.
  void halt();
  /// Halts, and waits for those that are under way: first cut the streams and stop the client. It can be woken still.
  void stop();
  /// How long after the beginning and the failure of that try the next may begin.
  static Duration pause_after(std::uint32_t tries);

 private:
  struct Worker {
    ParticipantId peer;
    std::thread thread;
    bool done = false;
  };

  /// One that nothing durable says the next time of.
  struct Later {
    Timestamp at;
    std::uint32_t times = 0;
  };

  std::optional<Timestamp> ring(Timestamp now);
  bool begin(const transfer::PushDue& one);
  void work(const ProcessId& pid);
  void try_once(const ProcessId& pid);
  Result<http::PeerResponse> send(const transfer::PushJob& job, gate::Party party, std::optional<http::Response>& refused);
  void refuse(const ProcessId& pid, const http::Response& answer);
  void settle(const transfer::PushJob& job, const Result<http::PeerResponse>& answer);
  void complete(const ProcessId& pid);
  void terminate(const ProcessId& pid, outbox::Reason reason);
  bool halted();
  void put_off(const ProcessId& pid);
  void put_off_no_more(const ProcessId& pid);

  PushingDependencies with_;
  std::mutex mutex_;
  bool started_ = false;
  bool halted_ = false;
  std::map<ProcessId, Worker> workers_;
  std::map<ProcessId, Later> later_;
  log::Seldom told_;
  gate::Alarm alarm_;
};

}  // namespace sluis::node
