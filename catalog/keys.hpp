#pragma once

#include "connector/base/ids.hpp"

#include <string>
#include <string_view>

namespace sluis::catalog {

inline constexpr std::string_view kDatasetPrefix = "dataset/";
/// Of the newest version.
inline std::string dataset_key(const DatasetId& id) { return std::string(kDatasetPrefix) + id.str(); }

}  // namespace sluis::catalog
