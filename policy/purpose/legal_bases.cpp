#include "policy/purpose/legal_bases.hpp"

#include "connector/base/suggest.hpp"

#include <stdexcept>

// The file's bytes, placed by the assembler; CMake sets SLUIS_LEGAL_BASES_FILE.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    ".globl sluis_legal_bases_begin\n"
    "sluis_legal_bases_begin:\n"
    ".incbin \"" SLUIS_LEGAL_BASES_FILE "\"\n"
    ".globl sluis_legal_bases_end\n"
    "sluis_legal_bases_end:\n"
    ".previous\n");

extern "C" {
extern const char sluis_legal_bases_begin[];
extern const char sluis_legal_bases_end[];
}

namespace sluis::policy {
namespace {

constexpr std::string_view kDpv = "https://w3id.org/dpv#";
constexpr std::string_view kGdpr = "https://w3id.org/dpv/legal/eu/gdpr#";
constexpr std::string_view kPrefixes[][2] = {
    {"dpv:", kDpv}, {"eu-gdpr:", kGdpr}, {"dpv-gdpr:", kGdpr}, {"https://w3id.org/dpv/dpv-gdpr#", kGdpr}};

std::string_view last_word(std::string_view text) {
  const std::size_t at = text.find_last_of("#/:");
  return at == std::string_view::npos ? text : text.substr(at + 1);
}

/// `eu-gdpr:A6-1-e` of a full IRI.
std::string short_name(std::string_view iri) {
  return iri.starts_with(kGdpr) ? "eu-gdpr:" + std::string(last_word(iri)) : "dpv:" + std::string(last_word(iri));
}

/// The nearest by its last word: prefixes are many, and seldom what was mistyped.
std::string suggest_basis(std::string_view name) {
  const Vocabulary& all = legal_bases();
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < all.size(); ++i) known.push_back(last_word(all.term(static_cast<BasisIndex>(i)).iri));
  const std::string near = nearest(last_word(name), known);
  for (std::size_t i = 0; !near.empty() && i < all.size(); ++i) {
    const std::string& iri = all.term(static_cast<BasisIndex>(i)).iri;
    if (last_word(iri) == near) return "did you mean `" + short_name(iri) + "`?";
  }
  return "name one of DPV's, as `eu-gdpr:A6-1-e` or `dpv:LegalObligation`";
}

BasisIndex consent() {
  static const BasisIndex index = legal_bases().lookup("dpv:Consent").value();
  return index;
}

}  // namespace

std::string_view pinned_legal_bases() {
  return {sluis_legal_bases_begin, static_cast<std::size_t>(sluis_legal_bases_end - sluis_legal_bases_begin)};
}

const Vocabulary& legal_bases() {
  static const Vocabulary all = [] {
    auto parsed = Vocabulary::parse(pinned_legal_bases(), "dpv-legal-bases.tsv");
    if (!parsed) throw std::logic_error("the legal bases that are built in cannot be read");
    return std::move(*parsed);
  }();
  return all;
}

std::string expand_legal_basis(std::string_view name) {
  for (const auto& [prefix, space] : kPrefixes) {
    if (name.starts_with(prefix)) return std::string(space) + std::string(name.substr(prefix.size()));
  }
  return std::string(name);
}

Result<BasisIndex> find_legal_basis(std::string_view name) {
  if (const auto found = legal_bases().lookup(expand_legal_basis(name))) return *found;
  return Error(ErrorCode::invalid_argument, "the vocabulary has no legal basis `" + std::string(name.substr(0, 200)) + "`")
      .mended_by(suggest_basis(name));
}

bool is_consent(BasisIndex basis) { return legal_bases().is_a(basis, consent()); }

bool may_be_consent(BasisIndex basis) {
  PurposeSet both = legal_bases().descendants(basis);
  both &= legal_bases().descendants(consent());
  return !both.none();
}

}  // namespace sluis::policy
