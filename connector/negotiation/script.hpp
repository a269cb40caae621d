#pragma once

#include "connector/base/ids.hpp"
#include "connector/base/toml.hpp"
#include "connector/negotiation/model.hpp"

#include <map>
#include <span>
#include <vector>

namespace sluis::negotiation {

/// What may stand in a script about one kind of process.
struct ScriptWords {
  std::string_view table;                    ///< of the file: `negotiation`
  std::string_view ids;                      ///< named beside `datasets`, and stronger than these: `offers`
  std::span<const std::string_view> events;  ///< in the order of an enumeration, as are the acts
  std::span<const std::string_view> acts;
  bool (*may_follow)(Role role, std::size_t event, std::size_t act);
};

/// What the node does by itself in some processes, and how long it waits before each step. An event that is not named is handled as
/// without a script.
struct ScriptEntry {
  Duration delay{0};
  std::map<std::size_t, std::size_t> acts;  ///< by event

  /// None: the script does not name this event.
  template <class Act, class Event>
  std::optional<Act> after(Event event) const {
    const auto found = acts.find(static_cast<std::size_t>(event));
    return found == acts.end() ? std::nullopt : std::optional(static_cast<Act>(found->second));
  }
};

/// A standing instruction of the stewards: `[[negotiation]]` or `[[transfer]]` tables of a TOML file. Read once, then asked from any thread.
class Script {
 public:
  /// invalid_argument, with file, line and column: an unknown word, an act that may not follow that event in that role, an id that two
  /// tables name. `delay`: of tables without one of their own.
  static Result<Script> read(TomlTable& root, const ScriptWords& words, Duration delay);
  /// Null: it says nothing about such a process. As long as this script.
  const ScriptEntry* find(Role role, const DatasetId& dataset, const std::string& id) const;

 private:
  using Ids = std::map<std::pair<Role, std::string>, std::size_t>;
  static Result<void> take_ids(TomlTable& table, std::string_view key, Role role, std::size_t entry, Ids& into);

  std::vector<ScriptEntry> entries_;
  Ids by_id_, by_dataset_;
};

/// `delay_ms` of a table, in whole milliseconds; `otherwise` where there is none.
Result<Duration> read_delay(TomlTable& table, Duration otherwise);

/// The words of `[[negotiation]]`.
const ScriptWords& script_words();

}  // namespace sluis::negotiation
