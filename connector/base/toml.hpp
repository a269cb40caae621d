#pragma once

#include "connector/base/error.hpp"
#include "connector/base/time.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluis {

struct TomlNode;

/// A table of a TOML 1.0 document, read strictly: every key must be asked for by somebody, else `finish` refuses it.
/// Copies are views of the same document and share what was asked for. One thread at a time.
/// All errors are invalid_argument with file, line and column. Asking for a key with a typing error in it names the
/// key that was written, and suggests the one that was meant.
class TomlTable {
 public:
  /// limit_exceeded beyond limits::kTomlBytes. `file` is for places only; nothing is opened.
  static Result<TomlTable> parse(std::string_view text, std::string file);

  bool has(std::string_view key) const;
  std::vector<std::string> keys() const;

  /// Required; not empty.
  Result<std::string> string(std::string_view key);
  Result<std::int64_t> integer(std::string_view key);
  Result<bool> boolean(std::string_view key);
  /// A string, as TOML's own dates may leave their zone out: RFC 3339 with a zone, or `2026-11-26` for the first
  /// instant of that day in UTC.
  Result<Timestamp> time(std::string_view key);
  /// A string, as `P7D`.
  Result<Duration> duration(std::string_view key);
  Result<TomlTable> table(std::string_view key);

  Result<std::optional<std::string>> optional_string(std::string_view key);
  Result<std::optional<std::int64_t>> optional_integer(std::string_view key);
  Result<bool> boolean_or(std::string_view key, bool otherwise);
  Result<std::optional<Timestamp>> optional_time(std::string_view key);
  Result<std::optional<Duration>> optional_duration(std::string_view key);
  Result<std::optional<TomlTable>> optional_table(std::string_view key);
  /// None where the key is missing. No empty strings unless `allow_empty`.
  Result<std::vector<std::string>> strings(std::string_view key, bool allow_empty = false);
  Result<std::vector<TomlTable>> tables(std::string_view key);

  /// Refuses keys that nobody asked for, here and in the tables below that were asked for.
  Result<void> finish() const;

  /// Where this table, or the value of that key, stands.
  Place place() const;
  Place place(std::string_view key) const;
  /// Where an item of the array at that key stands.
  Place place(std::string_view key, std::size_t index) const;
  /// An invalid_argument at the key's value; at the table where there is no such key.
  Error refused(std::string_view key, std::string message) const;

 private:
  friend struct TomlReader;
  explicit TomlTable(std::shared_ptr<TomlNode> node) : node_(std::move(node)) {}
  /// Marks the key as known; null where it is missing.
  TomlNode* ask(std::string_view key);
  Error missing(std::string_view key) const;
  template <class T>
  Result<T> required(std::string_view key, Result<std::optional<T>> value);

  std::shared_ptr<TomlNode> node_;
};

}  // namespace sluis
