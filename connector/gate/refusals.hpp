#pragma once

#include "connector/gate/alarm.hpp"
#include "connector/base/ids.hpp"
#include "connector/storage/commit_port.hpp"

#include <map>
#include <mutex>
#include <string>

namespace sluis::gate {

/// Callers that nobody knows get no entry each, but one per reason and minute (D23). Thread-safe.
class RefusalCounter {
 public:
  RefusalCounter(CommitPort& commits, const Clock& clock, ParticipantId self);
  ~RefusalCounter();

  void count(std::string_view reason);
  /// Writes what was counted so far; waits for nothing.
  void flush();

 private:
  struct Count {
    std::int64_t minute = 0;
    std::uint64_t count = 0;
  };

  std::optional<Timestamp> ring(Timestamp now);
  void write(const std::string& reason, const Count& count);

  CommitPort& commits_;
  const Clock& clock_;
  ParticipantId self_;
  std::mutex mutex_;
  std::map<std::string, Count, std::less<>> counts_;
  Alarm alarm_;
};

}  // namespace sluis::gate
