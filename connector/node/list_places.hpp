#pragma once

#include "connector/base/time.hpp"
#include "connector/base/toml.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::node {

/// Where signed lists of one kind are fetched from, as node.toml says it (decision 30).
struct ListPlaces {
  std::vector<std::string> places;  ///< addresses, and absolute paths of files; none: nothing is fetched
  Duration every{};                 ///< between two looks at one place
  std::filesystem::path roots;      ///< who signs the certificates of https places; empty: as of [tls]
};

/// How the keys are called in their table.
struct ListKeys {
  std::string_view sources;
  std::string_view every;
  std::string_view roots;
  Duration otherwise;      ///< the interval where none is named
  bool plain_http = false; ///< http as well: revocation lists are published so, as https would need one to begin with (RFC 5280, section 8)
};
inline constexpr ListKeys kMembershipKeys{"sources", "every", "roots", std::chrono::minutes(5), false};
inline constexpr ListKeys kRevocationKeys{"crl_sources", "crl_every", "crl_roots", std::chrono::minutes(15), true};

inline constexpr std::size_t kMostPlaces = 8;
inline constexpr std::chrono::seconds kShortestEvery{1};
inline constexpr std::chrono::hours kLongestEvery{24};

/// invalid_argument with the place: neither an address nor an absolute path, named twice, more than kMostPlaces, an interval out of bounds, or
/// an interval or roots without any place.
Result<ListPlaces> read_list_places(TomlTable& table, const std::filesystem::path& folder, const ListKeys& keys);

}  // namespace sluis::node
