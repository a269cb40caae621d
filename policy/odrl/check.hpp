#pragma once

#include "policy/odrl/model.hpp"
#include "policy/odrl/sentences.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluis::policy {

/// SEMANTICS.md, findings at publication. The words are `never`, `void`, `conflict`, `duplicate`, `contained`,
/// `duty_prohibited`, `nothing_permitted`, `undecided`.
enum class FindingKind : std::uint8_t {
  never, voided, conflict, duplicate, contained, duty_prohibited, nothing_permitted, undecided,
};
std::string_view to_string(FindingKind kind);

struct Finding {
  FindingKind kind;
  std::vector<std::string> rules;  ///< pointers
  std::string detail;              ///< English: what excludes what, an example of what meets
  std::string example = {};        ///< of a conflict: a purpose, IRI, for which both hold; may be empty
};
/// The same in words, without its kind: which rule excludes which.
std::string tell(const Finding& finding, Language language);

/// Finds contradictions without running a request. Bounded: what is too large to compare is `undecided`.
/// Purposes that the vocabulary does not have count as never asked.
std::vector<Finding> check(const Policy& policy, const Vocabulary& vocabulary);

}  // namespace sluis::policy
