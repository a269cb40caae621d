#include "connector/negotiation/script.hpp"

#include <algorithm>

namespace sluis::negotiation {
namespace {

constexpr std::int64_t kLongest = 86'400'000;  ///< a day

std::string listed(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "`" : ", `") + std::string(word) + "`";
  return text;
}

std::optional<std::size_t> index_of(std::span<const std::string_view> words, std::string_view word) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<std::size_t>(found - words.begin());
}

/// The acts that may follow an event, for a message.
std::string allowed(const ScriptWords& words, Role role, std::size_t event) {
  std::vector<std::string_view> may;
  for (std::size_t act = 0; act < words.acts.size(); ++act) {
    if (words.may_follow(role, event, act)) may.push_back(words.acts[act]);
  }
  return listed(may);
}

Result<Role> read_role(TomlTable& table) {
  const Result<std::string> named = table.string("role");
  if (!named) return named.error();
  if (*named == "provider") return Role::provider;
  if (*named == "consumer") return Role::consumer;
  return table.refused("role", "`" + *named + "` is neither `provider` nor `consumer`");
}

Result<ScriptEntry> read_entry(TomlTable& table, const ScriptWords& words, Role role, Duration delay) {
  ScriptEntry entry;
  SLUIS_TRY(entry.delay, read_delay(table, delay));
  for (std::size_t event = 0; event < words.events.size(); ++event) {
    SLUIS_TRY(const std::optional<std::string> said, table.optional_string(words.events[event]));
    if (!said) continue;
    const std::optional<std::size_t> act = index_of(words.acts, *said);
    if (!act || !words.may_follow(role, event, *act)) {
      return table.refused(words.events[event], "`" + *said + "` cannot follow that in the role of " + std::string(to_string(role)))
          .mended_by("write " + allowed(words, role, event));
    }
    entry.acts[event] = *act;
  }
  if (!entry.acts.empty()) return entry;
  return Error(ErrorCode::invalid_argument, "this says nothing to any event").at(table.place()).mended_by("name one of " + listed(words.events));
}

}  // namespace

Result<Duration> read_delay(TomlTable& table, Duration otherwise) {
  SLUIS_TRY(const std::optional<std::int64_t> given, table.optional_integer("delay_ms"));
  if (!given) return otherwise;
  if (*given < 0 || *given > kLongest) return table.refused("delay_ms", "a step waits from 0 to 86400000 milliseconds");
  return Duration(std::chrono::milliseconds(*given));
}

Result<void> Script::take_ids(TomlTable& table, std::string_view key, Role role, std::size_t entry, Ids& into) {
  SLUIS_TRY(const std::vector<std::string> ids, table.strings(key));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (into.emplace(std::pair(role, ids[i]), entry).second) continue;
    return Error(ErrorCode::invalid_argument, "`" + ids[i] + "` is named twice for the role of " + std::string(to_string(role)))
        .at(table.place(key, i));
  }
  return {};
}

Result<Script> Script::read(TomlTable& root, const ScriptWords& words, Duration delay) {
  Script script;
  SLUIS_TRY(std::vector<TomlTable> tables, root.tables(words.table));
  for (TomlTable& table : tables) {
    SLUIS_TRY(const Role role, read_role(table));
    if (!table.has("datasets") && !table.has(words.ids)) {
      return Error(ErrorCode::invalid_argument, "it does not say which processes it is about")
          .at(table.place())
          .mended_by("name `datasets` or `" + std::string(words.ids) + "`");
    }
    SLUIS_CHECK(take_ids(table, "datasets", role, script.entries_.size(), script.by_dataset_));
    SLUIS_CHECK(take_ids(table, words.ids, role, script.entries_.size(), script.by_id_));
    SLUIS_TRY(ScriptEntry entry, read_entry(table, words, role, delay));
    script.entries_.push_back(std::move(entry));
  }
  return script;
}

const ScriptEntry* Script::find(Role role, const DatasetId& dataset, const std::string& id) const {
  if (const auto found = by_id_.find({role, id}); found != by_id_.end()) return &entries_[found->second];
  const auto found = by_dataset_.find({role, dataset.str()});
  return found == by_dataset_.end() ? nullptr : &entries_[found->second];
}

const ScriptWords& script_words() {
  static const ScriptWords words{"negotiation", "offers", kEventNames, kActNames, [](Role role, std::size_t event, std::size_t act) {
                                   return may_follow(role, static_cast<Event>(event), static_cast<Act>(act));
                                 }};
  return words;
}

}  // namespace sluis::negotiation
