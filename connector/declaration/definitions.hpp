#pragma once

#include "connector/declaration/declaration.hpp"

#include <set>

namespace sluis::declaration {

/// A situation that may be declared here: who may, where, and what it opens and closes.
struct Definition {
  std::string id;
  std::string title;
  std::string where;
  std::string decided_by;
  std::set<identity::Role> declared_by;
  std::set<identity::Role> renewed_by;
  std::vector<std::string> opens;   ///< full IRIs
  std::vector<std::string> closes;
  Duration longest{};               ///< from the act that sets its end
};

/// The situations of one node, as its file defines them. Immutable; thread-safe.
class Definitions {
 public:
  Definitions() = default;
  /// Tables `[[situation]]`: id, title, where, declared_by, renewed_by, opens, closes, longest and, if wanted, decided_by. Every error is
  /// invalid_argument with file, line and column: an unknown key or role, a role that may not declare, a purpose that the vocabulary does
  /// not have, an id twice, a situation that neither opens nor closes anything.
  static Result<Definitions> parse(std::string_view text, const std::string& file, const policy::Vocabulary& vocabulary);

  /// not_found, with the nearest known.
  Result<const Definition*> find(std::string_view id) const;
  const std::vector<Definition>& all() const { return all_; }
  std::vector<std::string> ids() const;

 private:
  std::vector<Definition> all_;
};

/// An assessment as its author writes it down.
struct AssessmentDraft {
  std::string id;
  std::string title;
  std::vector<std::string> purposes;  ///< full IRIs
  std::vector<std::string> legal_basis;
  std::vector<std::string> safeguards;
  std::string why;
  std::string decided_by;
  Timestamp until;
};

/// id, title, purposes, legal_basis, why, until and, if wanted, safeguards, decided_by. Errors as of Definitions::parse; a legal basis that
/// is consent, and a purpose of research, statistics or archiving without a safeguard, are refused (rules.hpp).
Result<AssessmentDraft> parse_assessment(std::string_view text, const std::string& file, const policy::Vocabulary& vocabulary);

}  // namespace sluis::declaration
