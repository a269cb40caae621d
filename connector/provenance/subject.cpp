#include "connector/provenance/subject.hpp"

#include "connector/crypto/crypto.hpp"

#include <algorithm>

namespace sluis::provenance {
namespace {

constexpr std::size_t kTypeBytes = 64;
constexpr std::size_t kIdBytes = 256;

bool is_word(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

Result<DataSubject> read_subject(std::string_view text) {
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string_view type = text.substr(0, space);
  const std::string_view id = text.substr(std::min(space + 1, text.size()));
  if (is_word(type, kTypeBytes) && is_word(id, kIdBytes)) return DataSubject{std::string(type), std::string(id)};
  return Error(ErrorCode::invalid_argument, "a person is named by the kind of the id and the id, in letters, digits and signs of ASCII, with one space between")
      .mended_by("as `BSN` and the number");
}

std::string subject_mark(std::string_view key, const DataSubject& subject) {
  const Hash mark = crypto::hmac_sha256(key, subject.type + '\n' + subject.id);  // neither has a line's end
  return std::string(view(mark));
}

}  // namespace sluis::provenance
