#pragma once

#include "connector/base/error.hpp"

#include <string>
#include <string_view>

namespace sluis {

/// A file of the machine's time zone database, as it stands there (`/usr/share/zoneinfo`). invalid_argument: no name
/// of a zone (letters, digits, `+-_/`, 64 bytes at most). not_found. limit_exceeded: more than 64 KiB.
Result<std::string> read_zoneinfo(std::string_view name);

}  // namespace sluis
