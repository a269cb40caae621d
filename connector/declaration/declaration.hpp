#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/time.hpp"
#include "connector/identity/roles.hpp"
#include "connector/json/json.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What terms may depend on beside who asks and why: a declared situation, a recorded assessment. Pure but for register.hpp.
namespace sluis::declaration {

enum class Kind : std::uint8_t { situation, assessment };
/// `situation`, `assessment`.
std::string_view to_string(Kind kind);
/// invalid_argument, at `/kind`.
Result<Kind> kind_from(std::string_view name);

/// Who does something: a role's token names both.
struct By {
  identity::Role role = identity::Role::steward;
  std::string person;  ///< never leaves the node
};

enum class What : std::uint8_t { declared, renewed, recorded, ended };
/// `declared`, `renewed`, `recorded`, `ended`.
std::string_view to_string(What what);

struct Act {
  What what = What::declared;
  By by;
  Timestamp when;
  Timestamp until;  ///< of `ended`: the same as `when`
  std::string why;
};

/// One occurrence of a situation, or one record of an assessment, of the node that provides the data. It ends by itself.
struct Declaration {
  Kind kind = Kind::situation;
  std::string id;                        ///< as terms name it
  std::uint64_t number = 0;              ///< of this node: tells two occurrences of one situation apart
  std::string title;
  std::string where;                     ///< in words; of a situation
  std::string decided_by;                ///< who decided that this may be declared; may be empty
  std::vector<std::string> opens;        ///< full IRIs of purposes that it concerns; of an assessment those assessed
  std::vector<std::string> closes;
  std::vector<std::string> legal_basis;  ///< of an assessment
  std::vector<std::string> safeguards;   ///< of an assessment
  std::vector<Act> acts;                 ///< never empty

  Timestamp from() const { return acts.front().when; }
  Timestamp until() const { return acts.back().until; }
  bool ended() const { return acts.back().what == What::ended; }
  /// Then, as it was then: what was done later does not count.
  bool in_force(Timestamp when) const;
  bool over(Timestamp now) const { return ended() || until() <= now; }
};

/// Whether it is about this purpose: one that it opens or closes is the asked one or above it. invalid_argument: there is no yes or no, as
/// it names a purpose that this vocabulary does not have, or closes one that is only a part of the asked one.
Result<bool> concerns(const Declaration& declaration, const policy::Vocabulary& vocabulary, policy::PurposeIndex asked);

/// As canonical JSON. `with_persons`: as this node stores it; without, it is what the log's entry says and what others may see.
std::string encode(const Declaration& declaration, bool with_persons);
/// Both forms, strictly: from a peer too. invalid_argument with the pointer: an unknown member, no act, times that do not follow one
/// another. limit_exceeded beyond limits::kDeclarationBytes.
Result<Declaration> decode(std::string_view text);
/// SHA-256 of the form without persons: the digest of the log's entry.
Hash digest(const Declaration& declaration);

}  // namespace sluis::declaration
