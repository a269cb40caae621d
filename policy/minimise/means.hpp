#pragma once

#include "policy/minimise/zone.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluis::policy {

/// 128 bits, as pseudonyms have them.
using Pseudonym = std::array<std::uint8_t, 16>;

/// A keyed function for one recipient, purpose and epoch. One thread at a time.
class Pseudonymiser {
 public:
  virtual ~Pseudonymiser() = default;
  /// One for each value; equal values give equal ones. `out` has the size of `in`.
  virtual void pseudonyms(std::span<const std::string_view> in, std::span<Pseudonym> out) = 0;
};

/// 0 to 255, as evenly spread as a keyed hash of the text: the same for the same text in every release of a node, whoever gets
/// it, and nobody's to foresee. One thread at a time.
using Lot = std::function<std::uint8_t(std::string_view text)>;

/// What a name becomes.
using PlaceTable = std::unordered_map<std::string, std::string>;
/// A CSV of two columns, with a header: what is written, and what it becomes. Refused, with file, line and column: a
/// name twice, another number of columns, more than the limits.
Result<PlaceTable> parse_place_table(std::string_view csv, const std::string& file);

/// What transforms need of the world, handed in by the gate.
struct Means {
  ZoneSource zones;  ///< unset: `generaliseTime` is refused
  /// By the epoch's name, for the recipient and purpose at hand; unset: `pseudonymise` is refused, unless `only_check`.
  std::function<Result<std::shared_ptr<Pseudonymiser>>(const std::string& epoch)> pseudonymiser;
  /// Lookup tables that the dataset declares, by name. not_found.
  std::function<Result<std::shared_ptr<const PlaceTable>>(const std::string& name)> places;
  /// Unset: rows and subjects are not counted where their numbers are rounded, unless `only_check`.
  Lot lot = {};
  bool only_check = false;  ///< at publication: plans are compiled, no row is read
};

}  // namespace sluis::policy
