#pragma once

#include <cstdint>
#include <deque>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluis::policy {

/// A name as programs know it. `absent` is not known; `other` is known, and in no policy of its table.
enum class Interned : std::uint32_t { absent = 0, other = 1 };

/// The names that policies use (parties, classes, assets, places, units …), each with a number. Programs that are
/// compiled with one table can share one look-up of a request's names. Only compiling adds; so a stranger's requests
/// cannot make it grow. Thread-safe.
class Names {
 public:
  Names() = default;
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  Interned add(std::string_view name);
  /// `absent` for an empty name, `other` for an unknown one.
  Interned find(std::string_view name) const;
  /// The text of a number that add() gave; empty for any other.
  std::string text(Interned name) const;
  std::size_t size() const;

 private:
  mutable std::shared_mutex mutex_;
  std::deque<std::string> texts_;  ///< never moved: the map points into it
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

}  // namespace sluis::policy
