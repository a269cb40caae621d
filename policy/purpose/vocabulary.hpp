#pragma once

#include "connector/base/error.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluis::policy {

/// A purpose's place in its vocabulary: an index, not an identity; never stored or sent.
using PurposeIndex = std::uint16_t;
inline constexpr std::size_t kMaxPurposes = 512;

/// A set of purposes: one cache line.
class PurposeSet {
 public:
  bool test(PurposeIndex index) const noexcept { return ((words_[index / 64U] >> (index % 64U)) & 1U) != 0; }
  void set(PurposeIndex index) noexcept { words_[index / 64U] |= std::uint64_t{1} << (index % 64U); }
  PurposeSet& operator|=(const PurposeSet& other) noexcept;
  PurposeSet& operator&=(const PurposeSet& other) noexcept;
  bool none() const noexcept;
  std::size_t count() const noexcept;
  /// The lowest member; the set is not empty.
  PurposeIndex first() const noexcept;
  friend bool operator==(const PurposeSet&, const PurposeSet&) = default;

 private:
  std::array<std::uint64_t, kMaxPurposes / 64U> words_{};
};

/// A purpose as its file names it.
struct PurposeTerm {
  std::string iri;
  std::string label_en;
  std::string label_nl;  ///< empty where there is none
  std::vector<PurposeIndex> parents;
};

/// A hierarchy of purposes: the pinned DPV, and after it a federation's own terms. Immutable, thread-safe.
/// A file has a line for each purpose: IRI, English label, Dutch label or nothing, parents separated by spaces; with
/// tabs between. Lines that begin with `#` and empty lines are skipped. IRIs may be written as `dpv:Name`.
class Vocabulary {
 public:
  /// Refused, with file and line: duplicates, unknown parents, cycles, more than 512 purposes, malformed lines.
  static Result<Vocabulary> parse(std::string_view text, std::string_view file);
  /// This vocabulary with a further file, whose parents may be in either.
  Result<Vocabulary> with(std::string_view text, std::string_view file) const;

  /// By full IRI or `dpv:Name`.
  std::optional<PurposeIndex> lookup(std::string_view name) const;
  /// Whether `narrow` is `broad` or below it.
  bool is_a(PurposeIndex narrow, PurposeIndex broad) const noexcept { return ancestors_[narrow].test(broad); }
  /// The purpose itself and all above it.
  const PurposeSet& ancestors(PurposeIndex index) const noexcept { return ancestors_[index]; }
  /// The purpose itself and all below it.
  const PurposeSet& descendants(PurposeIndex index) const noexcept { return descendants_[index]; }
  /// The purpose itself, all above and all below it.
  const PurposeSet& related(PurposeIndex index) const noexcept { return related_[index]; }
  const PurposeSet& itself(PurposeIndex index) const noexcept { return itself_[index]; }
  /// Whether the purpose is directed at judging single persons: whatever the data are, they are personal for it (D8). So are those of
  /// DPV that the source names, `kJudgesPersons`, and all that is below one of them.
  bool judges_persons(PurposeIndex index) const noexcept { return judging_.test(index); }
  /// Every purpose that is not in the set.
  PurposeSet all_but(const PurposeSet& excluded) const noexcept;
  const PurposeTerm& term(PurposeIndex index) const noexcept { return terms_[index]; }
  std::size_t size() const noexcept { return terms_.size(); }
  /// The known IRI or `dpv:` name that is nearest, as "did you mean `x`?"; empty if none is near.
  std::string suggest(std::string_view name) const;
  /// What the vocabulary's hash is made of: IRIs and parents, sorted; labels do not count.
  std::string canonical_text() const;

 private:
  Result<void> add(std::string_view text, std::string_view file);
  Result<void> close(std::string_view file, std::size_t first, const std::vector<std::uint32_t>& lines);

  std::vector<PurposeTerm> terms_;
  std::unordered_map<std::string, PurposeIndex> by_iri_;
  std::vector<PurposeSet> ancestors_;
  std::vector<PurposeSet> descendants_;
  std::vector<PurposeSet> related_;
  std::vector<PurposeSet> itself_;
  PurposeSet judging_;
};

/// A federation puts those of its own purposes below this one, as a further parent, that judge persons. Its file names it first.
inline constexpr std::string_view kJudgesPersons = "https://w3id.org/sluis/odrl/1#JudgePersons";

/// `dpv:Name` as a full IRI; anything else as it is.
std::string expand_purpose(std::string_view name);

}  // namespace sluis::policy
