#include "connector/provenance/subject.hpp"

#include "connector/crypto/crypto.hpp"

#include <algorithm>

namespace sluis::provenance {
namespace {

constexpr std::size_t kTypeBytes = 64;
constexpr std::size_t kIdBytes = 256;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Stands in clear beside the mark, so that no number may be taken for it.
bool is_type(std::string_view text) {
  const auto may = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; };
  return !text.empty() && text.size() <= kTypeBytes && std::all_of(text.begin(), text.end(), may) && std::count_if(text.begin(), text.end(), is_digit) <= 2;
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytes && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

/// Letters and digits alone, as one and the same number may be written in parts.
std::string bare(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_digit(c)) out += c;
    if (is_letter(c)) out += static_cast<char>(c | 32);
  }
  return out;
}

}  // namespace

Result<DataSubject> read_subject(std::string_view text) {
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string_view type = text.substr(0, space);
  const std::string_view id = text.substr(std::min(space + 1, text.size()));
  if (is_type(type) && is_id(id)) {
    DataSubject out{std::string(type), std::string(id)};
    for (char& c : out.type) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    // A number of eight digits has lost its zero on the way.
    if (out.type == "BSN" && out.id.size() == 8 && std::all_of(out.id.begin(), out.id.end(), is_digit)) out.id.insert(0, 1, '0');
    return out;
  }
  return Error(ErrorCode::invalid_argument, "a person is named by the kind of the id, a word, and the id, in letters, digits and signs of ASCII, with one space between")
      .mended_by("as `BSN` and the number");
}

bool names_subject(std::string_view text, const DataSubject& subject) {
  const std::string id = bare(subject.id);
  return text.find(subject.id) != std::string_view::npos || (!id.empty() && bare(text).find(id) != std::string::npos);
}

std::string subject_mark(std::string_view key, const DataSubject& subject) {
  const Hash mark = crypto::hmac_sha256(key, subject.type + '\n' + subject.id);  // neither has a line's end
  return std::string(view(mark));
}

}  // namespace sluis::provenance
