#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluis::policy {

enum class Mark : std::uint8_t { shown, empty, hidden };

/// Hides more of a sum until nothing small can be computed back. `members` are places in `values` and `marks`; the
/// total is the first. Whether it hid something.
bool close_sum(std::span<const std::size_t> members, std::span<const std::int64_t> values, std::span<Mark> marks,
               std::int64_t threshold);

/// A count of persons in a cell: digits, 15 at most. Whether it is one.
bool read_count(std::string_view text, std::int64_t& value);

/// The count as it may take part in anything that is published: 0 below the threshold, else the nearest multiple of
/// `unit` (a half goes up), and the threshold at least. With a unit below 2, the count as it is. Whatever is made of
/// such counts, by any number of releases, tells no two counts below the threshold apart.
std::int64_t stable(std::int64_t value, std::int64_t threshold, std::int64_t unit);

/// Rows and subjects are counted by lot where counts are rounded (decision 35): three in four are drawn, once and for all
/// releases. Who is not drawn changes nothing that is published, so no number of releases bounds a count from above.
inline bool is_drawn(std::uint8_t lot) { return lot >= 64; }
/// The number that a drawn one stands for, as it is published: 0 below the threshold, else four thirds of it, to the nearest
/// multiple of `unit`, and the threshold at least.
std::int64_t estimated(std::int64_t drawn, std::int64_t threshold, std::int64_t unit);

}  // namespace sluis::policy
