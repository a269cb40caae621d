#include "connector/gate/wanted.hpp"

#include "connector/base/bytes.hpp"
#include "connector/gate/reason.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::gate {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// Digits and nothing else; a number that is too large is none.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string bounded(std::string_view header) { return header.size() > kWantedBytes ? "too long" : std::string(header); }

/// Whether a list of media types names it, whatever stands behind it.
bool accepts_events(std::string_view accept) {
  while (!accept.empty()) {
    const std::string_view one = accept.substr(0, accept.find(','));
    accept.remove_prefix(std::min(accept.size(), one.size() + 1));
    if (trimmed(one.substr(0, one.find(';'))) == kEventsType) return true;
  }
  return false;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i] == '+' ? ' ' : text[i];
    if (c == '%') {
      const auto byte = from_hex(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      c = byte->front();
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
    out += c;
  }
  return out;
}

}  // namespace

std::string Wanted::told() const {
  std::string out;
  const auto add = [&out](std::string_view name, const std::string& value) {
    if (!value.empty()) out += (out.empty() ? "" : "; ") + std::string(name) + valid_text(value, kWantedBytes);
  };
  add("path /", path);
  add("query ", query);
  add("range ", range);
  add("if-match ", if_match);
  add("if-range ", if_range);
  return out;
}

Wanted wanted_of(const http::Request& request, std::string path) {
  if (path.size() > kWantedBytes) path = "//";
  return {std::move(path), request.query.substr(0, kWantedBytes + 1), bounded(request.header("range")), bounded(request.header("if-match")),
          bounded(request.header("if-range")), accepts_events(request.header("accept"))};
}

std::optional<ByteRange> one_range(std::string_view header) {
  constexpr std::string_view unit = "bytes=";
  if (!header.starts_with(unit)) return std::nullopt;
  header = trimmed(header.substr(unit.size()));
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view from = header.substr(0, dash), to = header.substr(dash + 1);
  ByteRange range{number(from), number(to)};
  if ((!from.empty() && !range.first) || (!to.empty() && !range.last) || (from.empty() && to.empty())) return std::nullopt;
  if (range.first && range.last && *range.last < *range.first) return std::nullopt;
  return range;
}

std::optional<std::uint64_t> row_mark(std::string_view header) {
  constexpr std::string_view unit = "rows=";
  if (!header.starts_with(unit) || !header.ends_with('-')) return std::nullopt;
  header.remove_prefix(unit.size());
  header.remove_suffix(1);
  return number(trimmed(header));
}

std::string Part::told() const {
  return std::string(of_rows ? "rows " : "bytes ") + std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(size);
}

std::optional<Part> part_of(const ByteRange& range, std::uint64_t size) {
  if (size == 0) return std::nullopt;
  if (!range.first) {
    if (*range.last == 0) return std::nullopt;
    return Part{size - std::min(size, *range.last), size - 1, size};
  }
  if (*range.first >= size) return std::nullopt;
  return Part{*range.first, std::min(range.last.value_or(size - 1), size - 1), size};
}

std::optional<Part> read_content_range(std::string_view header) {
  const bool of_rows = header.starts_with("rows ");
  if (!of_rows && !header.starts_with("bytes ")) return std::nullopt;
  header.remove_prefix(header.find(' ') + 1);
  const std::size_t slash = header.find('/'), dash = header.find('-');
  if (slash == std::string_view::npos || dash == std::string_view::npos || dash > slash) return std::nullopt;
  const auto first = number(header.substr(0, dash)), last = number(header.substr(dash + 1, slash - dash - 1)),
             size = number(header.substr(slash + 1));
  if (!first || !last || !size || *last < *first || *size <= *last) return std::nullopt;
  return Part{*first, *last, *size, of_rows};
}

bool has_tag(std::string_view list, std::string_view tag) {
  if (trimmed(list) == "*") return true;
  if (tag.empty()) return false;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());  // the tags that this node gives have none in them
    if (trimmed(list.substr(0, comma)) == tag) return true;
    list.remove_prefix(std::min(list.size(), comma + 1));
  }
  return false;
}

std::optional<QueryPairs> read_query(std::string_view query) {
  QueryPairs pairs;
  if (query.size() > kWantedBytes) return std::nullopt;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    const std::size_t equals = std::min(one.find('='), one.size());
    auto key = decoded(one.substr(0, equals));
    auto value = decoded(one.substr(std::min(one.size(), equals + 1)));
    if (!key || key->empty() || !value) return std::nullopt;
    if (std::any_of(pairs.begin(), pairs.end(), [&](const auto& other) { return other.first == *key; })) return std::nullopt;
    pairs.emplace_back(std::move(*key), std::move(*value));
  }
  return pairs;
}

std::string target_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t path = scheme == std::string_view::npos ? std::string_view::npos : url.find_first_of("/?", scheme + 3);
  if (path == std::string_view::npos) return "/";
  return (url[path] == '/' ? "" : "/") + std::string(url.substr(path));
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (plain) out += c;
    else (out += '%') += {digits[byte >> 4U], digits[byte & 15U]};
  }
  return out;
}

}  // namespace sluis::gate
