#include "connector/base/toml.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <variant>

namespace sluis {

/// A value of the document in our own form, so that the library shows in this file only.
struct TomlNode {
  struct Entry {
    std::string key;
    Place place;  ///< of the key
    std::shared_ptr<TomlNode> value;
    bool asked = false;
  };
  enum class Kind : std::uint8_t { table, array, string, integer, boolean, real, time };

  Kind kind = Kind::table;
  Place place;
  std::string text;
  std::int64_t number = 0;
  bool truth = false;
  std::vector<Entry> entries;                    ///< of a table
  std::vector<std::shared_ptr<TomlNode>> items;  ///< of an array
  std::vector<std::string> known;                ///< keys that somebody asked for
  bool opened = false;                           ///< somebody reads this table

  Entry* find(std::string_view key) {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.key == key; });
    return found == entries.end() ? nullptr : &*found;
  }
};

namespace {

using Kind = TomlNode::Kind;

std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::table: return "a table";
    case Kind::array: return "an array";
    case Kind::string: return "a string";
    case Kind::integer: return "an integer";
    case Kind::boolean: return "a boolean";
    case Kind::real: return "a decimal number";
    case Kind::time: return "a date or time";
  }
  return "something else";
}

Place to_place(const toml::source_region& region, const std::string& file) {
  return {file, static_cast<std::uint32_t>(region.begin.line), static_cast<std::uint32_t>(region.begin.column), {}};
}

Error wrong_kind(std::string_view key, const TomlNode& node, std::string_view wanted) {
  Error error(ErrorCode::invalid_argument,
              in_backticks(key) + " must be " + std::string(wanted) + ", not " + std::string(kind_name(node.kind)));
  if (node.kind == Kind::time) error.mend = "write it as a string, like \"2026-11-26T09:00:00Z\"";
  return std::move(error).at(node.place);
}

std::string suggest_among(std::string_view word, const std::vector<std::string>& candidates) {
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  return suggestion(word, views);
}

Error unknown_key(const TomlNode::Entry& entry, const std::vector<std::string>& known) {
  Error error(ErrorCode::invalid_argument, "unknown key " + in_backticks(entry.key));
  if (!known.empty()) error.mend = suggest_among(entry.key, known);
  return std::move(error).at(entry.place);
}

Result<void> finish_node(const TomlNode& node) {
  for (const TomlNode::Entry& entry : node.entries) {
    if (!entry.asked) return unknown_key(entry, node.known);
  }
  for (const TomlNode::Entry& entry : node.entries) {
    if (entry.value->opened) SLUIS_CHECK(finish_node(*entry.value));
    for (const auto& item : entry.value->items) {
      if (item->opened) SLUIS_CHECK(finish_node(*item));
    }
  }
  return {};
}

/// Whether one is likely meant where the other is written; swapped letters count as one slip.
bool alike(const std::string& written, std::string_view meant) {
  const std::string_view candidate[] = {meant};
  if (!nearest(written, candidate).empty()) return true;
  return written.size() == meant.size() && std::is_permutation(written.begin(), written.end(), meant.begin());
}

/// A day as the first instant of it; else with time and zone.
Result<Timestamp> read_time(const std::string& text) {
  return parse_time(text.size() == 10 ? text + "T00:00:00Z" : text);
}

std::shared_ptr<TomlNode> convert(const toml::node& from, const std::string& file) {
  auto node = std::make_shared<TomlNode>();
  node->place = to_place(from.source(), file);
  if (const auto* table = from.as_table()) {
    node->kind = Kind::table;
    for (auto&& [key, value] : *table) {
      node->entries.push_back({std::string(key.str()), to_place(key.source(), file), convert(value, file), false});
    }
    const auto before = [](const TomlNode::Entry& a, const TomlNode::Entry& b) {
      return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    };
    std::sort(node->entries.begin(), node->entries.end(), before);
  } else if (const auto* array = from.as_array()) {
    node->kind = Kind::array;
    for (const toml::node& item : *array) node->items.push_back(convert(item, file));
  } else if (const auto* text = from.as_string()) {
    node->kind = Kind::string;
    node->text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node->kind = Kind::integer;
    node->number = integer->get();
  } else if (const auto* boolean = from.as_boolean()) {
    node->kind = Kind::boolean;
    node->truth = boolean->get();
  } else {
    node->kind = from.is_floating_point() ? Kind::real : Kind::time;
  }
  return node;
}

}  // namespace

Result<TomlTable> TomlTable::parse(std::string_view text, std::string file) {
  Place place;
  place.file = file;
  if (text.size() > limits::kTomlBytes) {
    return Error(ErrorCode::limit_exceeded,
                 "more than " + std::to_string(limits::kTomlBytes) + " bytes").at(std::move(place));
  }
  try {
    const toml::table table = toml::parse(text, file);
    auto root = convert(table, file);
    root->opened = true;
    if (root->place.line == 0) root->place = {file, 1, 1, {}};
    return TomlTable(std::move(root));
  } catch (const toml::parse_error& error) {
    std::string message(error.description());
    message.erase(std::remove(message.begin(), message.end(), '\n'), message.end());
    return Error(ErrorCode::invalid_argument, "not valid TOML: " + message).at(to_place(error.source(), file));
  }
}

TomlNode* TomlTable::ask(std::string_view key) {
  if (std::find(node_->known.begin(), node_->known.end(), key) == node_->known.end()) node_->known.emplace_back(key);
  TomlNode::Entry* entry = node_->find(key);
  if (entry == nullptr) return nullptr;
  entry->asked = true;
  return entry->value.get();
}

Error TomlTable::missing(std::string_view key) const {
  for (const TomlNode::Entry& entry : node_->entries) {
    if (!entry.asked && alike(entry.key, key)) return unknown_key(entry, {std::string(key)});
  }
  return Error(ErrorCode::invalid_argument, "missing key " + in_backticks(key)).at(node_->place);
}

template <class T>
Result<T> TomlTable::required(std::string_view key, Result<std::optional<T>> value) {
  if (!value) return std::move(value).error();
  if (!*value) return missing(key);
  return std::move(**value);
}

bool TomlTable::has(std::string_view key) const { return node_->find(key) != nullptr; }

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::string> names;
  for (const TomlNode::Entry& entry : node_->entries) names.push_back(entry.key);
  return names;
}

Result<std::optional<std::string>> TomlTable::optional_string(std::string_view key) {
  const TomlNode* node = ask(key);
  if (node == nullptr) return std::optional<std::string>();
  if (node->kind != Kind::string) return wrong_kind(key, *node, "a string");
  if (node->text.empty()) return refused(key, in_backticks(key) + " is empty");
  if (node->text.find('\0') != std::string::npos) return refused(key, in_backticks(key) + " holds a NUL");
  return std::optional<std::string>(node->text);
}

Result<std::optional<std::int64_t>> TomlTable::optional_integer(std::string_view key) {
  const TomlNode* node = ask(key);
  if (node == nullptr) return std::optional<std::int64_t>();
  if (node->kind != Kind::integer) return wrong_kind(key, *node, "an integer");
  return std::optional<std::int64_t>(node->number);
}

Result<bool> TomlTable::boolean(std::string_view key) {
  const TomlNode* node = ask(key);
  if (node == nullptr) return missing(key);
  if (node->kind != Kind::boolean) return wrong_kind(key, *node, "a boolean");
  return node->truth;
}

Result<bool> TomlTable::boolean_or(std::string_view key, bool otherwise) {
  if (ask(key) == nullptr) return otherwise;
  return boolean(key);
}

Result<std::optional<Timestamp>> TomlTable::optional_time(std::string_view key) {
  SLUIS_TRY(const auto text, optional_string(key));
  if (!text) return std::optional<Timestamp>();
  auto time = read_time(*text);
  if (!time) return Error(time.error()).at(place(key));
  return std::optional<Timestamp>(*time);
}

Result<std::optional<Duration>> TomlTable::optional_duration(std::string_view key) {
  SLUIS_TRY(const auto text, optional_string(key));
  if (!text) return std::optional<Duration>();
  auto duration = parse_duration(*text);
  if (!duration) return Error(duration.error()).at(place(key));
  return std::optional<Duration>(*duration);
}

Result<std::optional<TomlTable>> TomlTable::optional_table(std::string_view key) {
  TomlNode* node = ask(key);
  if (node == nullptr) return std::optional<TomlTable>();
  if (node->kind != Kind::table) return wrong_kind(key, *node, "a table");
  node->opened = true;
  return std::optional<TomlTable>(TomlTable(node_->find(key)->value));
}

Result<std::string> TomlTable::string(std::string_view key) { return required(key, optional_string(key)); }
Result<std::int64_t> TomlTable::integer(std::string_view key) { return required(key, optional_integer(key)); }
Result<Timestamp> TomlTable::time(std::string_view key) { return required(key, optional_time(key)); }
Result<Duration> TomlTable::duration(std::string_view key) { return required(key, optional_duration(key)); }
Result<TomlTable> TomlTable::table(std::string_view key) { return required(key, optional_table(key)); }

Result<std::vector<std::string>> TomlTable::strings(std::string_view key, bool allow_empty) {
  std::vector<std::string> list;
  const TomlNode* node = ask(key);
  if (node == nullptr) return list;
  if (node->kind != Kind::array) return wrong_kind(key, *node, "an array of strings");
  for (const auto& item : node->items) {
    if (item->kind != Kind::string) return wrong_kind(key, *item, "an array of strings");
    if (item->text.empty() && !allow_empty) {
      return Error(ErrorCode::invalid_argument, in_backticks(key) + " holds an empty string").at(item->place);
    }
    list.push_back(item->text);
  }
  return list;
}

Result<std::vector<TomlTable>> TomlTable::tables(std::string_view key) {
  std::vector<TomlTable> list;
  const TomlNode* node = ask(key);
  if (node == nullptr) return list;
  if (node->kind != Kind::array) return wrong_kind(key, *node, "an array of tables");
  for (const auto& item : node->items) {
    if (item->kind != Kind::table) return wrong_kind(key, *item, "an array of tables");
    item->opened = true;
    list.push_back(TomlTable(item));
  }
  return list;
}

Result<void> TomlTable::finish() const { return finish_node(*node_); }

Place TomlTable::place() const { return node_->place; }

Place TomlTable::place(std::string_view key) const {
  const TomlNode::Entry* entry = node_->find(key);
  return entry == nullptr ? node_->place : entry->value->place;
}

Place TomlTable::place(std::string_view key, std::size_t index) const {
  const TomlNode::Entry* entry = node_->find(key);
  if (entry == nullptr || index >= entry->value->items.size()) return place(key);
  return entry->value->items[index]->place;
}

Error TomlTable::refused(std::string_view key, std::string message) const {
  return Error(ErrorCode::invalid_argument, std::move(message)).at(place(key));
}

}  // namespace sluis
