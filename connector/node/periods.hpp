#pragma once

#include "connector/base/time.hpp"

#include <optional>
#include <string_view>

namespace sluis::node {

/// How long one log of a node goes on before another follows: until such a part of the calendar (UTC) is over.
enum class Period { month, quarter, year };

std::optional<Period> period_from(std::string_view name);
/// When the part of the calendar ends that this time lies in.
Timestamp end_of(Period period, Timestamp within);

}  // namespace sluis::node
