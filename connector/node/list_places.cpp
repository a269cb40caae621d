#include "connector/node/list_places.hpp"

#include "connector/identity/directory.hpp"

#include <algorithm>

namespace sluis::node {
namespace {

Result<void> check_place(const std::string& place, const ListKeys& keys) {
  const auto bad = [&](const std::string& why) { return Error(ErrorCode::invalid_argument, "`" + place.substr(0, 200) + "` " + why); };
  if (place.starts_with('/')) {
    if (place.ends_with('/') || place.find('\0') != std::string::npos) return bad("is no path of a file");
    return {};
  }
  const bool http = place.starts_with("http://");
  if (!place.starts_with("https://") && !(http && keys.plain_http)) {
    const std::string schemes = keys.plain_http ? "https:// or http://" : "https://";
    return bad("is neither an address (" + schemes + ") nor an absolute path")
        .mended_by("write it as `https://waterrijk.example/list.json` or `/srv/lists/list.json`");
  }
  if (place.find_first_of("?#@ ") != std::string::npos) return bad("has a query, fragment, user or space: a list is public and needs none");
  if (!identity::origin_of(place)) return bad("is no http address");
  return {};
}

}  // namespace

Result<ListPlaces> read_list_places(TomlTable& table, const std::filesystem::path& folder, const ListKeys& keys) {
  ListPlaces out;
  SLUIS_TRY(out.places, table.strings(keys.sources));
  for (auto one = out.places.begin(); one != out.places.end(); ++one) {
    const auto at = table.place(keys.sources, static_cast<std::size_t>(one - out.places.begin()));
    if (auto good = check_place(*one, keys); !good) return Error(good.error()).at(at);
    if (std::find(out.places.begin(), one, *one) != one) return Error(ErrorCode::invalid_argument, "`" + *one + "` is named twice").at(at);
  }
  if (out.places.size() > kMostPlaces) return table.refused(keys.sources, "more than " + std::to_string(kMostPlaces) + " places");
  for (const std::string_view key : {keys.every, keys.roots}) {
    if (out.places.empty() && table.has(key)) {
      return table.refused(key, "`" + std::string(key) + "` without any place").mended_by("name places in `" + std::string(keys.sources) + "`");
    }
  }
  SLUIS_TRY(const std::optional<Duration> every, table.optional_duration(keys.every));
  out.every = every.value_or(keys.otherwise);
  if (out.every < kShortestEvery || out.every > kLongestEvery) {
    return table.refused(keys.every, "`" + format_duration(out.every) + "` is not between " + format_duration(kShortestEvery) + " and " +
                                         format_duration(kLongestEvery));
  }
  SLUIS_TRY(const std::optional<std::string> roots, table.optional_string(keys.roots));
  if (roots) out.roots = folder / *roots;
  return out;
}

}  // namespace sluis::node
