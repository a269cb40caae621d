#pragma once

#include "connector/gate/alarm.hpp"
#include "connector/base/ids.hpp"
#include "connector/storage/commit_port.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluis::gate {

/// Callers that nobody knows get no entry each, but one per reason and minute; so do those of a party that is over its quota (D23), and
/// what could not be decided as nothing could be recorded (decision 23): a count that cannot be written waits here, and grows, until it
/// can. In memory alone, so a process that ends before then takes it along. Thread-safe.
class RefusalCounter {
 public:
  RefusalCounter(CommitPort& commits, const Clock& clock, ParticipantId self);
  ~RefusalCounter();

  /// `party`: whose quota it is, or who asked for what could not be decided, from the membership list; empty: a caller that nobody
  /// knows, or one of this node's own.
  void count(std::string_view reason, std::string_view party = {});
  /// Writes what was counted so far; waits for nothing.
  void flush();

 private:
  struct Count {
    std::int64_t minute = 0;  ///< written when it is over
    Timestamp first, last;
    std::uint64_t count = 0;
  };
  using What = std::pair<std::string, std::string>;  ///< reason, party
  /// What commits that are under way may still give back.
  struct Waiting {
    std::mutex mutex;
    std::map<What, Count> counts;
    std::vector<std::pair<What, Count>> unsure;  ///< whose commit may be durable: to be asked again as it is
    void again(const What& what, const Count& count, bool unsure_of_it);
  };

  std::optional<Timestamp> ring(Timestamp now);
  void write(const What& what, Count count);

  CommitPort& commits_;
  const Clock& clock_;
  ParticipantId self_;
  const std::shared_ptr<Waiting> waiting_ = std::make_shared<Waiting>();
  std::atomic<bool> wrote_ = false;  ///< since the last look, so that something may be given back
  Alarm alarm_;
};

/// For what could not be decided, as nothing could be read or recorded: requests for data, of others and of this node's own
/// applications; of open data; questions to the decision point.
inline constexpr std::string_view kUndecided = "undecided.";
inline constexpr std::string_view kUndecidedData = "undecided.data";
inline constexpr std::string_view kUndecidedIntake = "undecided.intake";
inline constexpr std::string_view kUndecidedOpen = "undecided.open";
inline constexpr std::string_view kUndecidedEvaluation = "undecided.evaluation";
inline constexpr std::string_view kUndecidedSearch = "undecided.search";

}  // namespace sluis::gate
