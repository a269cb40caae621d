#pragma once

#include "connector/storage/commit_port.hpp"
#include "connector/storage/kv_store.hpp"

#include <functional>
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
  std::string more;                    ///< where the rest of what is due begins; empty: this is all of it
};
/// What is due now, from a `more` on; empty: from the first. Errors: those of the store.
Result<Due> read_due(const storage::Reader& store, std::string_view prefix, Timestamp now, std::string_view from = {});

/// Has done what is due, up to a page of it in which something is done: those whose step cannot be taken now (invalid_state), as they are held,
/// stay in the index and keep no other from its turn. When to look again, if ever. Errors: those of the store; the first of a step, once the others had
/// their turn, but for one that says of the store that it takes nothing now: then all wait.
Result<std::optional<Timestamp>> do_due(const storage::Reader& store, std::string_view prefix, Timestamp now,
                                        const std::function<Result<void>(const std::string& process)>& step);

}  // namespace sluis::outbox
