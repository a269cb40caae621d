#pragma once

#include "connector/gate/alarm.hpp"
#include "connector/base/ids.hpp"
#include "connector/storage/commit_port.hpp"

#include <map>
#include <mutex>
#include <string>

namespace sluis::gate {

/// Callers that nobody knows get no entry each, but one per reason and minute; so do those of a party that is over its quota (D23).
/// Thread-safe.
class RefusalCounter {
 public:
  RefusalCounter(CommitPort& commits, const Clock& clock, ParticipantId self);
  ~RefusalCounter();

  /// `party`: whose quota it is, from the membership list; empty: a caller that nobody knows.
  void count(std::string_view reason, std::string_view party = {});
  /// Writes what was counted so far; waits for nothing.
  void flush();

 private:
  struct Count {
    std::int64_t minute = 0;
    std::uint64_t count = 0;
  };
  using What = std::pair<std::string, std::string>;  ///< reason, party

  std::optional<Timestamp> ring(Timestamp now);
  void write(const What& what, const Count& count);

  CommitPort& commits_;
  const Clock& clock_;
  ParticipantId self_;
  std::mutex mutex_;
  std::map<What, Count> counts_;
  Alarm alarm_;
};

}  // namespace sluis::gate
