#include "connector/provenance/pruned.hpp"

#include "connector/base/bytes.hpp"
#include "connector/json/json.hpp"

#include <algorithm>

namespace sluis::provenance {
namespace {

constexpr std::string_view kPruned = "log/pruned/";

std::string pruned_key(std::uint32_t log) {
  std::string key(kPruned);
  put_u32(key, log);
  return key;
}

Result<Pruned> decode(std::string_view key, std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  Pruned one;
  SLUIS_TRY(const std::uint64_t log, json::required_count(value, "log"));
  one.log = static_cast<std::uint32_t>(log);
  SLUIS_TRY(one.origin, json::required_string(value, "origin"));
  SLUIS_TRY(one.first, json::required_count(value, "first"));
  SLUIS_TRY(one.end, json::required_count(value, "end"));
  SLUIS_TRY(const std::string at, json::required_string(value, "at"));
  SLUIS_TRY(one.at, parse_time(at));
  SLUIS_TRY(one.commit, json::required_string(value, "commit"));
  if (value.find("entry") != nullptr) {
    SLUIS_TRY(one.entry, json::required_count(value, "entry"));
  }
  SLUIS_TRY(one.next, json::required_count(value, "next"));
  SLUIS_TRY(const std::string kept, json::required_string(value, "kept"));
  SLUIS_TRY(one.kept, parse_number_ranges(kept));
  if (key != pruned_key(one.log) || one.end < one.first || one.next < one.first) return Error(ErrorCode::corruption, "its numbers do not fit");
  return one;
}

}  // namespace

storage::Change Pruned::change() const {
  json::Value value = json::object({{"log", std::uint64_t{log}}, {"origin", origin}, {"first", first}, {"end", end}, {"at", format_time(at)},
                                    {"commit", commit}, {"next", next}, {"kept", number_ranges(kept)}});
  if (entry) value.set("entry", *entry);
  return {pruned_key(log), json::serialise(value)};
}

Result<std::vector<Pruned>> read_pruned(const storage::Reader& store) {
  std::vector<Pruned> all;
  Result<void> read = {};
  SLUIS_CHECK(store.scan(kPruned, kPruned, [&](std::string_view key, std::string_view value) {
    auto one = decode(key, value);
    if (!one) read = Error(ErrorCode::corruption, "what the store says of a pruned log cannot be read: " + one.error().message);
    else all.push_back(std::move(*one));
    return read.has_value();
  }));
  SLUIS_CHECK(std::move(read));
  return all;
}

std::uint64_t number_there(const std::vector<Pruned>& pruned, std::uint64_t number) {
  for (const Pruned& log : pruned) {
    if (number < log.first || number >= log.end) continue;
    const auto kept = log.kept.lower_bound(number);
    if (kept != log.kept.end()) return *kept;
    number = log.end;
  }
  return number;
}

std::string number_ranges(const std::set<std::uint64_t>& numbers) {
  std::string out;
  for (auto at = numbers.begin(); at != numbers.end();) {
    const std::uint64_t first = *at;
    std::uint64_t last = first;
    while (++at != numbers.end() && *at == last + 1) ++last;
    if (!out.empty()) out += ',';
    out += std::to_string(first);
    if (last != first) out += '-' + std::to_string(last);
  }
  return out;
}

Result<std::set<std::uint64_t>> parse_number_ranges(std::string_view text) {
  std::set<std::uint64_t> all;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const std::size_t dash = one.find('-');
    const auto number = [](std::string_view digits) -> Result<std::uint64_t> {
      if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string_view::npos) {
        return Error(ErrorCode::corruption, "numbers of entries cannot be read");
      }
      return std::stoull(std::string(digits));
    };
    SLUIS_TRY(const std::uint64_t first, number(one.substr(0, dash)));
    SLUIS_TRY(const std::uint64_t last, dash == std::string_view::npos ? Result<std::uint64_t>(first) : number(one.substr(dash + 1)));
    if (last >= first && last - first >= kNumbersAtMost - all.size()) return Error(ErrorCode::corruption, "these are more numbers of entries than any record has");
    for (std::uint64_t at = first; at <= last; ++at) all.insert(all.end(), at);
  }
  return all;
}

}  // namespace sluis::provenance
