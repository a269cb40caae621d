#include "connector/outbox/due.hpp"

#include "connector/base/limits.hpp"
#include "connector/outbox/keys.hpp"

#include <fmt/format.h>

#include <charconv>

namespace sluis::outbox {

std::string due_key(std::string_view prefix, Timestamp when, const std::string& process) {
  const auto micros = static_cast<std::uint64_t>(when.time_since_epoch().count());
  return fmt::format("{}{:016x}/{}", prefix, micros, key_part(process));
}

Timestamp due_time(std::string_view prefix, std::string_view key) {
  const std::string_view digits = key.substr(prefix.size(), 16);
  std::int64_t micros = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), micros, 16);
  return Timestamp{Duration(micros)};
}

void index_due(Commit& commit, std::string_view prefix, const std::string& process, std::optional<Timestamp> before,
               std::optional<Timestamp> after) {
  if (before == after) return;
  if (before) commit.changes.push_back({due_key(prefix, *before, process), std::nullopt});
  if (after) commit.changes.push_back({due_key(prefix, *after, process), process});
}

Result<Due> read_due(const storage::Reader& store, std::string_view prefix, Timestamp now, std::string_view from) {
  Due due;
  SLUIS_CHECK(store.scan(prefix, from.empty() ? prefix : from, [&](std::string_view key, std::string_view process) {
    const Timestamp when = due_time(prefix, key);
    if (when > now) {
      due.next = when;
      return false;
    }
    if (due.processes.size() == limits::kPageMax) {
      due.next = now;
      due.more = key;
      return false;
    }
    due.processes.emplace_back(process);
    return true;
  }));
  return due;
}

Result<std::optional<Timestamp>> do_due(const storage::Reader& store, std::string_view prefix, Timestamp now,
                                        const std::function<Result<void>(const std::string& process)>& step) {
  std::optional<Error> failed;
  std::optional<Timestamp> next;
  std::string from;
  for (bool went_on = false; !went_on;) {
    SLUIS_TRY(const Due due, read_due(store, prefix, now, from));
    for (const std::string& process : due.processes) {
      const Result<void> done = step(process);
      went_on = went_on || done;
      if (!done && (done.error().code == ErrorCode::storage_unavailable || done.error().code == ErrorCode::outcome_unknown)) return done.error();
      if (!done && done.error().code != ErrorCode::invalid_state && !failed) failed = done.error();
    }
    next = due.next;
    from = due.more;
    if (from.empty()) break;
  }
  if (failed) return *failed;
  return next;
}

}  // namespace sluis::outbox
