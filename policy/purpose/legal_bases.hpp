#pragma once

#include "policy/purpose/vocabulary.hpp"

namespace sluis::policy {

/// A legal basis' place in `legal_bases()`.
using BasisIndex = PurposeIndex;

/// The legal bases of DPV and of its extension for the GDPR, and which lies below which: dpv-legal-bases.tsv, built into the program, so
/// that no file of a node can change it. Immutable, thread-safe.
const Vocabulary& legal_bases();
/// The file's bytes, as built in.
std::string_view pinned_legal_bases();

/// `dpv:Name`, `eu-gdpr:A6-1-e` and, as DPV wrote it before 2.0, `dpv-gdpr:A6-1-e` as a full IRI; anything else as it is.
std::string expand_legal_basis(std::string_view name);
/// The basis of that name. invalid_argument, with the nearest known: there is none.
Result<BasisIndex> find_legal_basis(std::string_view name);

/// Whether it is consent, or below it.
bool is_consent(BasisIndex basis);
/// The same, or so wide that it may be: something below it is consent.
bool may_be_consent(BasisIndex basis);

}  // namespace sluis::policy
