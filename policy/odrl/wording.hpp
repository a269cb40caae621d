#pragma once

#include "policy/odrl/model.hpp"
#include "policy/odrl/sentences.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <functional>
#include <string>
#include <vector>

/// A policy told to people, in English and in Dutch that is easy to read (B1).
namespace sluis::policy {

/// How things are told.
struct Teller {
  const Vocabulary& vocabulary;  ///< outlives it; purposes are told by their labels
  Language language = Language::english;
  /// The name of a party or dataset; unset, or an empty answer: its id.
  std::function<std::string(const std::string& id)> name = {};
};

enum class RuleClass : std::uint8_t { permission, prohibition, obligation, duty };

/// A line; those that are deeper belong to the nearest one above that is less deep.
struct ToldLine {
  unsigned depth = 0;
  std::string text;
  std::string pointer;  ///< of the rule or constraint; may be empty
};

/// Every rule with every condition, duty and consequence.
std::vector<ToldLine> tell(const Policy& policy, const Teller& teller);
/// One rule with what belongs to it, from that depth on.
std::vector<ToldLine> tell(const Rule& rule, RuleClass kind, const Teller& teller, unsigned depth = 0);
/// What a condition asks, as one sentence with a full stop.
std::string tell(const Constraint& constraint, bool prohibition, const Teller& teller);
/// Lines as text: two spaces a level, a dash before those that are deeper.
std::string to_text(const std::vector<ToldLine>& lines);

/// The action as it is done to the data: "use the data", "de gegevens gebruiken".
std::string tell(Action action, Language language);
/// "purpose", "doel".
std::string_view tell(Operand operand, Language language);
/// By its label, in quotes; in the language where the label has it.
std::string tell_purpose(std::string_view iri, const Teller& teller);
/// "municipality", "gemeente".
std::string tell_class(std::string_view name, Language language);
/// "26 November 2026, 10:00 (UTC)", "26 november 2026, 10.00 uur (UTC)"; a midnight as the day alone.
std::string tell_time(Timestamp time, Language language);
/// "1 year, 2 months and 7 days", "1 jaar, 2 maanden en 7 dagen".
std::string tell_period(std::int64_t months, Duration rest, Language language);

/// The rule or condition that stands at a pointer, with what rule it is in; null where there is none.
struct Found {
  const Rule* rule = nullptr;              ///< permission, prohibition or obligation
  const Constraint* constraint = nullptr;
  const Rule* duty = nullptr;
  RuleClass kind = RuleClass::permission;
};
Found find(const Policy& policy, std::string_view pointer);

namespace wording {

/// A verb with what it is done to; in Dutch apart, as "niet" stands between them.
struct ActionWords {
  std::string_view name;
  std::string_view english;
  std::string_view object;
  std::string_view verb;
};
/// Null for a deprecated action.
const ActionWords* of(Action action);
std::span<const ActionWords> actions();

/// The thing that an operand measures, with its article.
Both of(Operand operand);
/// "is at most", "is hoogstens": for numbers and names.
Both of(Operator op);

}  // namespace wording
}  // namespace sluis::policy
