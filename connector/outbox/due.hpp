#pragma once

#include "connector/storage/commit_port.hpp"
#include "connector/storage/kv_store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Ordered indexes of what becomes due: `<prefix><16 hex digits of microseconds>/<process>`, with the process's id as the value.
namespace sluis::outbox {

/// The index follows the record, in the record's own commit: when the process was due before, and when it is after.
void index_due(Commit& commit, std::string_view prefix, const std::string& process, std::optional<Timestamp> before,
               std::optional<Timestamp> after);

/// The key of such an entry, and when it says that its process is due; 0 where that cannot be read, so that it is due and the record decides.
std::string due_key(std::string_view prefix, Timestamp when, const std::string& process);
Timestamp due_time(std::string_view prefix, std::string_view key);

struct Due {
  std::vector<std::string> processes;  ///< at most limits::kPageMax
  std::optional<Timestamp> next;       ///< when to look again; none: nothing else waits
};
/// What is due now. Errors: those of the store.
Result<Due> read_due(const storage::Reader& store, std::string_view prefix, Timestamp now);

}  // namespace sluis::outbox
