#include "policy/purpose/vocabulary.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace sluis::policy {
namespace {

constexpr std::string_view kDpv = "https://w3id.org/dpv#";

/// Of DPV: what ends in a decision about one person. A reading of the definitions there; a federation can only add to it.
constexpr std::array<std::string_view, 9> kJudging{
    "dpv:AgeVerification",    "dpv:CustomerSolvencyMonitoring", "dpv:FraudPreventionAndDetection", "dpv:IdentityVerification",
    "dpv:Personalisation",    "dpv:PersonnelManagement",        "dpv:ServiceAccessDetermination",  "dpv:Counterterrorism",
    kJudgesPersons};

Error refused(std::string message, std::string_view file, std::uint32_t line) {
  return Error(ErrorCode::invalid_argument, std::move(message)).at({std::string(file), line, 1, {}});
}

std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool is_iri(std::string_view text) {
  if (text.size() > limits::kIdBytes) return false;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == '<' || c == '>' || c == '"' || c == '`';
  });
}

struct Line {
  std::uint32_t number;
  PurposeTerm term;
  std::vector<std::string> parents;
};

Result<Line> read_line(std::string_view text, std::string_view file, std::uint32_t number) {
  const auto fields = split(text, '\t');
  if (fields.size() < 2 || fields.size() > 4) {
    return refused("a purpose needs IRI, English label, Dutch label and parents, with tabs between", file, number)
        .mended_by("leave a field empty where there is nothing to say");
  }
  Line line{number, {}, {}};
  line.term.iri = expand_purpose(fields[0]);
  if (!is_iri(line.term.iri)) return refused(in_backticks(fields[0]) + " is not an IRI", file, number);
  line.term.label_en = fields[1];
  if (line.term.label_en.empty()) return refused(in_backticks(fields[0]) + " has no English label", file, number);
  if (fields.size() > 2) line.term.label_nl = fields[2];
  if (fields.size() > 3) {
    for (const std::string_view parent : split(fields[3], ' ')) {
      if (!parent.empty()) line.parents.push_back(expand_purpose(parent));
    }
  }
  return line;
}

Result<std::vector<Line>> read_lines(std::string_view text, std::string_view file) {
  std::vector<Line> lines;
  std::uint32_t number = 0;
  for (std::string_view row : split(text, '\n')) {
    ++number;
    if (!row.empty() && row.back() == '\r') row.remove_suffix(1);
    if (row.empty() || row.front() == '#') continue;
    SLUIS_TRY(Line line, read_line(row, file, number));
    lines.push_back(std::move(line));
    if (lines.size() > kMaxPurposes) {
      return Error(ErrorCode::limit_exceeded, "more than 512 purposes").at({std::string(file), number, 1, {}});
    }
  }
  return lines;
}

}  // namespace

PurposeSet& PurposeSet::operator|=(const PurposeSet& other) noexcept {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  return *this;
}

PurposeSet& PurposeSet::operator&=(const PurposeSet& other) noexcept {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  return *this;
}

bool PurposeSet::none() const noexcept {
  return std::all_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word == 0; });
}

std::size_t PurposeSet::count() const noexcept {
  std::size_t total = 0;
  for (const std::uint64_t word : words_) total += static_cast<std::size_t>(std::popcount(word));
  return total;
}

PurposeIndex PurposeSet::first() const noexcept {
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if (words_[i] != 0) return static_cast<PurposeIndex>(i * 64U + static_cast<unsigned>(std::countr_zero(words_[i])));
  }
  return 0;
}

std::string expand_purpose(std::string_view name) {
  if (name.starts_with("dpv:")) return std::string(kDpv) + std::string(name.substr(4));
  return std::string(name);
}

Result<Vocabulary> Vocabulary::parse(std::string_view text, std::string_view file) {
  Vocabulary vocabulary;
  SLUIS_CHECK(vocabulary.add(text, file));
  return vocabulary;
}

Result<Vocabulary> Vocabulary::with(std::string_view text, std::string_view file) const {
  Vocabulary vocabulary = *this;
  SLUIS_CHECK(vocabulary.add(text, file));
  return vocabulary;
}

Result<void> Vocabulary::add(std::string_view text, std::string_view file) {
  SLUIS_TRY(auto lines, read_lines(text, file));
  const std::size_t first = terms_.size();
  std::vector<std::uint32_t> numbers;
  for (Line& line : lines) {
    if (terms_.size() == kMaxPurposes) {
      return Error(ErrorCode::limit_exceeded, "more than 512 purposes").at({std::string(file), line.number, 1, {}});
    }
    if (!by_iri_.emplace(line.term.iri, static_cast<PurposeIndex>(terms_.size())).second) {
      return refused("the purpose " + in_backticks(line.term.iri) + " is there already", file, line.number);
    }
    terms_.push_back(std::move(line.term));
    numbers.push_back(line.number);
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (const std::string& parent : lines[i].parents) {
      const auto found = lookup(parent);
      if (!found) {
        return refused("unknown parent " + in_backticks(parent), file, numbers[i]).mended_by(suggest(parent));
      }
      terms_[first + i].parents.push_back(*found);
    }
  }
  return close(file, first, numbers);
}

/// Closes the new terms over their parents, in an order in which parents come first; what is left is a cycle.
Result<void> Vocabulary::close(std::string_view file, std::size_t first, const std::vector<std::uint32_t>& lines) {
  ancestors_.resize(terms_.size());
  descendants_.resize(terms_.size());
  std::vector<bool> done(terms_.size(), false);
  std::fill(done.begin(), done.begin() + static_cast<std::ptrdiff_t>(first), true);
  std::size_t left = terms_.size() - first;
  while (left != 0) {
    std::size_t closed = 0;
    for (std::size_t i = first; i < terms_.size(); ++i) {
      const auto& parents = terms_[i].parents;
      if (done[i] || !std::all_of(parents.begin(), parents.end(), [&](PurposeIndex p) { return done[p]; })) continue;
      ancestors_[i].set(static_cast<PurposeIndex>(i));
      for (const PurposeIndex parent : parents) ancestors_[i] |= ancestors_[parent];
      done[i] = true;
      ++closed;
    }
    if (closed == 0) {
      const auto at = static_cast<std::size_t>(std::find(done.begin(), done.end(), false) - done.begin());
      return refused("the purpose " + in_backticks(terms_[at].iri) + " is in or below a cycle of parents", file,
                     lines[at - first])
          .mended_by("a purpose cannot be broader than itself");
    }
    left -= closed;
  }
  for (std::size_t i = first; i < terms_.size(); ++i) {
    for (std::size_t above = 0; above < terms_.size(); ++above) {
      if (ancestors_[i].test(static_cast<PurposeIndex>(above))) descendants_[above].set(static_cast<PurposeIndex>(i));
    }
  }
  for (const std::string_view root : kJudging) {
    if (const auto found = lookup(root)) judging_ |= descendants_[*found];
  }
  related_ = ancestors_;
  itself_.assign(terms_.size(), {});
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    related_[i] |= descendants_[i];
    itself_[i].set(static_cast<PurposeIndex>(i));
  }
  return {};
}

PurposeSet Vocabulary::all_but(const PurposeSet& excluded) const noexcept {
  PurposeSet rest;
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    if (!excluded.test(static_cast<PurposeIndex>(i))) rest.set(static_cast<PurposeIndex>(i));
  }
  return rest;
}

std::optional<PurposeIndex> Vocabulary::lookup(std::string_view name) const {
  const auto found = by_iri_.find(expand_purpose(name));
  if (found == by_iri_.end()) return std::nullopt;
  return found->second;
}

std::string Vocabulary::suggest(std::string_view name) const {
  std::vector<std::string_view> known;
  known.reserve(terms_.size());
  for (const PurposeTerm& term : terms_) known.emplace_back(term.iri);
  const std::string near = nearest(expand_purpose(name), known);
  return near.empty() ? "" : "did you mean `" + near + "`?";
}

std::string Vocabulary::canonical_text() const {
  std::vector<std::string> lines;
  for (const PurposeTerm& term : terms_) {
    std::vector<std::string> parents;
    for (const PurposeIndex parent : term.parents) parents.push_back(terms_[parent].iri);
    std::sort(parents.begin(), parents.end());
    std::string line = term.iri + "\t";
    for (const std::string& parent : parents) line += (line.back() == '\t' ? "" : " ") + parent;
    lines.push_back(line + "\n");
  }
  std::sort(lines.begin(), lines.end());
  std::string text = "sluis purposes 1\n";
  for (const std::string& line : lines) text += line;
  return text;
}

}  // namespace sluis::policy
