#include "catalog/dataset_source.hpp"

#include "connector/http/loopback.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace sluis::catalog {
namespace {

constexpr std::size_t kMany = 64;  ///< paths, keys

std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

/// Parts of letters, digits and a few signs, or a name in braces.
bool is_path(std::string_view path) {
  if (!path.starts_with('/') || path.size() > 512) return false;
  for (std::size_t start = 1; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    std::string_view part = path.substr(start, end - start);
    if (part.size() > 2 && part.starts_with('{') && part.ends_with('}')) part = part.substr(1, part.size() - 2);
    if (!is_name(part) || part == "." || part == "..") return false;
    start = end + 1;
  }
  return true;
}

/// The names in braces.
std::vector<std::string> open_parts(std::string_view path) {
  std::vector<std::string> names;
  for (std::size_t open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
    names.emplace_back(path.substr(open + 1, path.find('}', open) - open - 1));
  }
  return names;
}

/// All that a request can choose by: keys of the query, and parts in braces.
std::vector<std::string> names_of(const HttpSource& source) {
  std::vector<std::string> names = source.query;
  for (const std::string& path : source.paths) {
    for (std::string& name : open_parts(path)) names.push_back(std::move(name));
  }
  return names;
}

/// https, or http to this machine: what goes in clear can be read on the way, the credential with it.
bool is_service(const std::string& text) {
  const auto url = boost::urls::parse_uri(text);
  if (!url || url->host().empty() || url->has_userinfo() || url->has_query() || url->has_fragment() || text.ends_with('/')) return false;
  if (http::begins_as_address(url->host()) || (!url->encoded_path().empty() && url->encoded_path().front() != '/')) return false;
  return url->scheme() == "https" || (url->scheme() == "http" && http::is_loopback(std::string(url->host_address())));
}

Error refused_item(const TomlTable& table, std::string_view key, std::size_t index, std::string message) {
  return Error(ErrorCode::invalid_argument, std::move(message)).at(table.place(key, index));
}

Result<void> read_selects(TomlTable& table, HttpSource& source) {
  SLUIS_TRY(auto selects, table.optional_table("selects"));
  if (!selects) return {};
  const std::vector<std::string> known = names_of(source);
  for (const std::string& name : selects->keys()) {
    SLUIS_TRY(source.selects[name], selects->string(name));
    if (std::find(known.begin(), known.end(), name) == known.end()) return selects->refused(name, in_backticks(name) + " is no key of `query`, and in no path");
  }
  return {};
}

Result<std::string> optional_path(TomlTable& table, std::string_view key) {
  SLUIS_TRY(const auto path, table.optional_string(key));
  if (path && !is_safe_path(*path)) return table.refused(key, in_backticks(*path) + " is not a path below the node's folder");
  return path.value_or("");
}

}  // namespace

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\\') != std::string_view::npos) return false;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") return false;
    start = end + 1;
  }
  return std::none_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

Result<FolderSource> read_folder_source(TomlTable& table) {
  FolderSource source;
  SLUIS_TRY(source.folder, table.string("folder"));
  if (!is_safe_path(source.folder)) {
    return table.refused("folder", in_backticks(source.folder) + " is not a path below the dataset's folder");
  }
  SLUIS_TRY(source.pattern, table.string("pattern"));
  if (source.pattern.find('/') != std::string::npos || !is_safe_path(source.pattern) || source.pattern.size() > 255) {
    return table.refused("pattern", in_backticks(source.pattern) + " is no pattern of a file's name")
        .mended_by("`*` stands for any characters and `?` for one; folders below this one are not read");
  }
  SLUIS_TRY(const auto choose, table.optional_string("choose"));
  if (choose && *choose != "newest" && *choose != "range") {
    return table.refused("choose", "unknown choose " + in_backticks(*choose)).mended_by("known are `newest`, `range`");
  }
  SLUIS_TRY(const auto selects, table.optional_string("selects"));
  if (choose == "range") source.choose = FolderSource::Choose::range;
  if ((source.choose == FolderSource::Choose::range) != selects.has_value()) {
    return table.refused(selects ? "selects" : "folder", selects ? "`selects` says by which column a range is chosen, and there is no range"
                                                                 : "a range of names is a choice of rows")
        .mended_by(selects ? "leave it out, or write `choose = \"range\"`" : "name the column that the names tell, like `selects = \"time\"`");
  }
  source.selects = selects.value_or("");
  return source;
}

Result<HttpSource> read_http_source(TomlTable& table) {
  HttpSource source;
  SLUIS_TRY(source.url, table.string("url"));
  if (!is_service(source.url)) {
    return table.refused("url", in_backticks(source.url) + " is no address that data are fetched from")
        .mended_by("write `https://…`, or `http://127.0.0.1:…`; without query and without a last `/`");
  }
  SLUIS_TRY(source.credential, optional_path(table, "credential"));
  SLUIS_TRY(source.roots, optional_path(table, "roots"));
  SLUIS_TRY(source.methods, table.strings("methods"));
  if (source.methods != std::vector<std::string>{"GET"}) {
    return table.refused("methods", "`methods` is not `[\"GET\"]`").mended_by("data are only fetched; no other method is sent");
  }
  SLUIS_TRY(source.paths, table.strings("paths"));
  if (source.paths.empty()) return table.refused("paths", "no path is open").mended_by("write `paths = [\"/counts\"]`");
  SLUIS_TRY(source.query, table.strings("query"));
  for (const std::string_view key : {"paths", "query"}) {
    const auto& list = key == "paths" ? source.paths : source.query;
    if (list.size() > kMany) return table.refused(key, "more than " + std::to_string(kMany) + " items");
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (key == "paths" ? is_path(list[i]) : is_name(list[i])) continue;
      return refused_item(table, key, i, in_backticks(list[i]) + (key == "paths" ? " is no path" : " is no key of a query"))
          .mended_by(key == "paths" ? "write it like `/counts/{day}`" : "write it like `from`");
    }
  }
  SLUIS_CHECK(read_selects(table, source));
  SLUIS_TRY(source.selects_rows, table.boolean_or("selects_rows", false));
  SLUIS_TRY(const auto timeout, table.optional_duration("timeout"));
  if (timeout) source.patience = std::chrono::ceil<std::chrono::milliseconds>(*timeout);
  if (source.patience < std::chrono::seconds(1) || source.patience > std::chrono::seconds(60)) {
    return table.refused("timeout", "a service is waited for from one second to a minute");
  }
  SLUIS_TRY(const auto silence, table.optional_duration("silence"));
  if (silence) source.silence = std::chrono::ceil<std::chrono::milliseconds>(*silence);
  if (source.silence < std::chrono::seconds(1) || source.silence > std::chrono::minutes(5)) {
    return table.refused("silence", "a service may be silent for one second to five minutes");
  }
  SLUIS_TRY(const auto whole, table.optional_duration("whole"));
  if (whole) source.whole = std::chrono::ceil<std::chrono::milliseconds>(*whole);
  if (source.whole < std::chrono::seconds(1) || source.whole > std::chrono::hours(24)) {
    return table.refused("whole", "an answer takes at most one second to a day in all");
  }
  return source;
}

Result<void> check_choices(const TomlTable& table, const Source& source) {
  const auto leaves = [&](const std::string& name) {
    const policy::ColumnDeclaration* column = source.columns.find(name);
    return column != nullptr && column->action == policy::ColumnAction::keep;
  };
  if (source.files && !source.files->selects.empty() && !leaves(source.files->selects)) {
    return table.refused("selects", in_backticks(source.files->selects) + " is no column that is kept")
        .mended_by("whoever chooses by what does not leave learns it");
  }
  if (!source.http) return {};
  for (const std::string& name : names_of(*source.http)) {
    const auto column = source.http->selects.find(name);
    if (leaves(column == source.http->selects.end() ? name : column->second)) continue;
    return table.refused("http", in_backticks(name) + " selects by no column that is kept")
        .mended_by("name it in `[source.http.selects]`, like `" + name + " = \"time\"`; whoever chooses by what does not leave learns it");
  }
  return {};
}

Result<void> check_follow(const TomlTable& table, const Source& source) {
  if (source.follow.empty()) return {};
  if (source.media_type != "application/jsonl") {
    return table.refused("media_type", "a file that is followed holds JSON lines")
        .mended_by("write one JSON object a line, and `media_type = \"application/jsonl\"`: a header stands at one place only, and nothing of CSV can "
                   "be sent while there is nothing to say");
  }
  if (source.pace) return table.refused("pace", "a file that is followed goes at its own pace").mended_by("leave it out");
  if (source.format.mark) return table.refused("byte_order_mark", "what follows a file has no beginning to mark").mended_by("leave it out");
  return {};
}

}  // namespace sluis::catalog
