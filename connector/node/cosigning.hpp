#pragma once

#include "connector/http/port.hpp"
#include "connector/node/metrics.hpp"
#include "connector/provenance/log_store.hpp"
#include "connector/provenance/witness_policy.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

namespace sluis::node {

/// Somebody who watches this node's log.
struct WitnessAt {
  provenance::VerifierKey key;  ///< of a witness
  std::string url;              ///< before `/add-checkpoint`, without a slash at its end
};

/// What getting cosignatures needs; all of it outlives it.
struct CosigningDependencies {
  const provenance::LogReader& log;
  provenance::VerifierKey log_key;
  std::function<std::string()> published;  ///< the checkpoint that everybody sees; empty: none yet
  /// Https to others, plain http on this machine.
  std::function<Result<http::PeerResponse>(const http::PeerRequest&)> send;
  const Clock& clock;
  /// Called once, when a witness shows a checkpoint that this log signed and that is not of what is here.
  std::function<void(const std::string& why)> on_lost;
  std::filesystem::path kept;  ///< the file with the newest checkpoint that enough of them cosigned
};

/// Asks witnesses to cosign the published checkpoint, in a thread of its own: nothing that is recorded waits for it. Thread-safe.
class Cosigning {
 public:
  /// `policy`: of these witnesses, in its order; which of them are enough.
  Cosigning(std::vector<WitnessAt> witnesses, provenance::WitnessPolicy policy, CosigningDependencies with);
  ~Cosigning();
  Cosigning(const Cosigning&) = delete;
  Cosigning& operator=(const Cosigning&) = delete;

  void start();
  /// Once through all witnesses whose time has come, as far as one gets in `at_most`; for the thread, and before it.
  void round(std::chrono::milliseconds at_most);

  /// The note with the cosignatures that are there for it.
  std::string cosigned(const std::string& note) const;
  /// The newest that enough of them cosigned, with their lines; empty: none yet, or it cannot be read.
  std::string newest_cosigned() const;
  /// What the operator should look at: a quorum that is missed for longer than kOverdue, a witness that says that this log is not what it
  /// was. One line each.
  std::vector<std::string> findings() const;
  /// Who cosigned the newest public checkpoint.
  MeasuredWitnesses measured() const;
  /// Whom it asks, and how many are enough, as C2SP tlog-policy.
  std::string policy_text() const;

  static constexpr std::chrono::minutes kOverdue{5};

 private:
  struct State {
    WitnessAt at;
    std::uint64_t seen = 0;          ///< what it saw last, as far as is known here
    std::string note;                ///< for which it signed
    std::string line;
    std::optional<Timestamp> signed_at;  ///< by its clock
    std::string trouble;
    bool alarming = false;           ///< the trouble is one of the log, not of the network
    std::chrono::steady_clock::time_point next{};  ///< not asked again before
    std::chrono::seconds pause{0};
  };

  void run();
  void judge(const std::string& note, Timestamp now);
  State state_at(std::size_t index) const;
  void ask_of_an_empty_log(std::chrono::steady_clock::time_point until);
  /// False: to be asked once more at once, as it said from which size on.
  bool ask(State& state, const std::string& note, const provenance::Checkpoint& checkpoint);
  void contradicted(State& state, const std::string& claim);
  std::optional<std::string> proof_against_us(const WitnessAt& at) const;

  const provenance::WitnessPolicy policy_;
  const CosigningDependencies with_;
  mutable std::mutex mutex_;
  std::vector<State> states_;
  Timestamp complete_at_;  ///< when the quorum was last there; before it was once, when this was made
  bool completed_ = false;
  bool met_ = false;       ///< of the newest checkpoint that was looked at, and since when it has been so
  Timestamp since_;
  std::mutex round_mutex_;
  std::mutex stop_mutex_;
  std::condition_variable stop_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> lost_ = false;  ///< nobody is asked to sign it any more
  std::thread thread_;
};

}  // namespace sluis::node
