#include "policy/odrl/terms.hpp"

#include "connector/base/suggest.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace sluis::policy {
namespace {

enum class Space : std::uint8_t { odrl, profile };

struct ActionTerm {
  Space space;
  std::string_view name;
  std::string_view within;      ///< `odrl:includedIn`; empty for the two roots
  std::string_view deprecated;  ///< what replaced it, or `-` for nothing
};

/// In the order of Action; then ODRL's other actions; then the deprecated ones, which suite mode reads.
constexpr ActionTerm kActions[] = {
    {Space::odrl, "use", {}, {}},
    {Space::odrl, "transfer", {}, {}},
    {Space::profile, "deleteAfter", "use", {}},
    {Space::profile, "suppressSmallCells", "use", {}},
    {Space::profile, "generaliseTime", "use", {}},
    {Space::profile, "generalisePlace", "use", {}},
    {Space::profile, "pseudonymise", "use", {}},
    {Space::profile, "aggregateBy", "use", {}},
    {Space::profile, "maskColumn", "use", {}},
    {Space::odrl, "grantUse", "use", {}},
    {Space::odrl, "compensate", "use", {}},
    {Space::odrl, "acceptTracking", "use", {}},
    {Space::odrl, "aggregate", "use", {}},
    {Space::odrl, "annotate", "use", {}},
    {Space::odrl, "anonymize", "use", {}},
    {Space::odrl, "archive", "use", {}},
    {Space::odrl, "attribute", "use", {}},
    {Space::odrl, "concurrentUse", "use", {}},
    {Space::odrl, "derive", "use", {}},
    {Space::odrl, "digitize", "use", {}},
    {Space::odrl, "display", "play", {}},
    {Space::odrl, "distribute", "use", {}},
    {Space::odrl, "ensureExclusivity", "use", {}},
    {Space::odrl, "execute", "use", {}},
    {Space::odrl, "extract", "reproduce", {}},
    {Space::odrl, "give", "transfer", {}},
    {Space::odrl, "include", "use", {}},
    {Space::odrl, "index", "use", {}},
    {Space::odrl, "inform", "use", {}},
    {Space::odrl, "install", "use", {}},
    {Space::odrl, "modify", "use", {}},
    {Space::odrl, "move", "use", {}},
    {Space::odrl, "nextPolicy", "use", {}},
    {Space::odrl, "obtainConsent", "use", {}},
    {Space::odrl, "play", "use", {}},
    {Space::odrl, "present", "use", {}},
    {Space::odrl, "print", "use", {}},
    {Space::odrl, "read", "use", {}},
    {Space::odrl, "reproduce", "use", {}},
    {Space::odrl, "reviewPolicy", "use", {}},
    {Space::odrl, "sell", "transfer", {}},
    {Space::odrl, "stream", "use", {}},
    {Space::odrl, "synchronize", "use", {}},
    {Space::odrl, "textToSpeech", "use", {}},
    {Space::odrl, "transform", "use", {}},
    {Space::odrl, "translate", "use", {}},
    {Space::odrl, "uninstall", "use", {}},
    {Space::odrl, "watermark", "use", {}},
    {Space::odrl, "append", "use", "modify"},
    {Space::odrl, "appendTo", "use", "modify"},
    {Space::odrl, "copy", "use", "reproduce"},
    {Space::odrl, "export", "use", "transform"},
    {Space::odrl, "lease", "use", "-"},
    {Space::odrl, "license", "use", "grantUse"},
    {Space::odrl, "lend", "use", "-"},
    {Space::odrl, "pay", "use", "compensate"},
    {Space::odrl, "preview", "use", "-"},
    {Space::odrl, "secondaryUse", "use", "-"},
    {Space::odrl, "write", "use", "modify"},
    {Space::odrl, "writeTo", "use", "modify"},
    {Space::odrl, "adHocShare", "use", "-"},
    {Space::odrl, "extractChar", "use", "-"},
    {Space::odrl, "extractPage", "use", "-"},
    {Space::odrl, "extractWord", "use", "-"},
    {Space::odrl, "attachPolicy", "use", "-"},
    {Space::odrl, "attachSource", "use", "-"},
    {Space::odrl, "shareAlike", "use", "-"},
    {Space::odrl, "commercialize", "use", "-"},
    {Space::odrl, "share", "use", "-"},
};
constexpr std::size_t kActionCount = std::size(kActions);
static_assert(kActionCount < 128);

struct OperandTerm {
  Space space;
  std::string_view name;
};

/// In the order of Operand.
constexpr OperandTerm kOperandTerms[] = {
    {Space::odrl, "purpose"},
    {Space::odrl, "recipient"},
    {Space::profile, "classOfRecipient"},
    {Space::odrl, "dateTime"},
    {Space::odrl, "elapsedTime"},
    {Space::odrl, "delayPeriod"},
    {Space::odrl, "meteredTime"},
    {Space::odrl, "count"},
    {Space::odrl, "payAmount"},
    {Space::odrl, "percentage"},
    {Space::odrl, "resolution"},
    {Space::odrl, "absoluteSize"},
    {Space::odrl, "relativeSize"},
    {Space::odrl, "spatial"},
    {Space::odrl, "fileFormat"},
    {Space::odrl, "industry"},
    {Space::odrl, "language"},
    {Space::odrl, "media"},
    {Space::odrl, "product"},
    {Space::odrl, "systemDevice"},
    {Space::odrl, "deliveryChannel"},
    {Space::odrl, "event"},
    {Space::odrl, "virtualLocation"},
    {Space::odrl, "version"},
    {Space::profile, "legalBasis"},
    {Space::profile, "assessment"},
    {Space::profile, "situation"},
    {Space::profile, "processingActivity"},
    {Space::profile, "evidence"},
    {Space::profile, "impactAssessment"},
    {Space::profile, "minCellSize"},
    {Space::profile, "cellColumn"},
    {Space::profile, "cellGroup"},
    {Space::profile, "roundTo"},
    {Space::profile, "timeColumn"},
    {Space::profile, "timeStep"},
    {Space::profile, "timeZone"},
    {Space::profile, "pseudonymColumn"},
    {Space::profile, "pseudonymEpoch"},
    {Space::profile, "maskedColumn"},
    {Space::profile, "keptCharacters"},
    {Space::profile, "placeColumn"},
    {Space::profile, "placeGrid"},
    {Space::profile, "placeLookup"},
    {Space::profile, "groupColumn"},
    {Space::profile, "groupMeasure"},
    {Space::profile, "subjectColumn"},
    {Space::profile, "maxGroups"},
    {Space::profile, "groupTotal"},
};
static_assert(std::size(kOperandTerms) == kOperands);

/// ODRL's other left operands, with what to do instead.
struct Refused {
  std::string_view name;
  std::string_view instead;
};
constexpr Refused kRefusedOperands[] = {
    {"device", "this term is deprecated; write `systemDevice`"},
    {"system", "this term is deprecated; write `systemDevice`"},
    {"absolutePosition", {}}, {"absoluteSpatialPosition", {}}, {"absoluteTemporalPosition", {}},
    {"relativePosition", {}}, {"relativeSpatialPosition", {}}, {"relativeTemporalPosition", {}},
    {"spatialCoordinates", "no node can measure it; write `spatial` with the name of a place"},
    {"timeInterval", "no node can measure it; write windows of `dateTime`"},
    {"unitOfCount", "no node can measure it; write `count`"},
};

/// In the order of Operator.
constexpr std::string_view kOperators[] = {"eq",      "neq",     "isA",      "isPartOf", "hasPart", "isAnyOf",
                                           "isAllOf", "isNoneOf", "lt",       "lteq",     "gt",      "gteq"};

std::string_view without(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : std::string_view();
}

std::string_view local(std::string_view text, Space space) {
  const bool odrl = space == Space::odrl;
  if (const auto name = without(text, odrl ? kOdrl : kProfile); !name.empty()) return name;
  if (const auto name = without(text, odrl ? "odrl:" : "sluis:"); !name.empty()) return name;
  return text;
}

/// What follows the last separator, to find a word that is near.
std::string_view last_word(std::string_view text) {
  const std::size_t at = text.find_last_of("#/:");
  return at == std::string_view::npos ? text : text.substr(at + 1);
}

std::string full(Space space, std::string_view name) {
  return std::string(space == Space::odrl ? kOdrl : kProfile) + std::string(name);
}

const OperandTerm& term(Operand operand) { return kOperandTerms[static_cast<std::size_t>(operand)]; }

constexpr std::size_t place_of(std::string_view action) {
  for (std::size_t i = 0; i < kActionCount; ++i) {
    if (kActions[i].name == action) return i;
  }
  return kActionCount;
}

/// For each action; and for an unknown one the set of `any` alone.
using ActionSets = std::array<IncludedIn, kActionCount + 1>;
constexpr ActionSets close() {
  ActionSets sets{};
  for (std::size_t i = 0; i <= kActionCount; ++i) {
    for (std::size_t at = i; at < kActionCount; at = place_of(kActions[at].within)) {
      sets[i].words[at / 64] |= std::uint64_t{1} << (at % 64);
    }
    sets[i].words[3] |= std::uint64_t{1} << 63U;  // Action::any
  }
  return sets;
}
constexpr ActionSets kIncludedIn = close();

}  // namespace

bool takes_list(Operator op) {
  return op == Operator::is_any_of || op == Operator::is_all_of || op == Operator::is_none_of;
}

std::string_view to_string(Action action) {
  return action == Action::any ? "any action" : kActions[static_cast<std::size_t>(action)].name;
}
std::string_view to_string(Operand operand) { return term(operand).name; }
std::string_view to_string(Operator op) { return kOperators[static_cast<std::size_t>(op)]; }

std::string iri(Action action) {
  return action == Action::any ? std::string()
                               : full(kActions[static_cast<std::size_t>(action)].space, to_string(action));
}
std::string iri(Operand operand) { return full(term(operand).space, to_string(operand)); }
std::string iri(Operator op) { return full(Space::odrl, to_string(op)); }

std::optional<Action> action_from(std::string_view text, bool deprecated) {
  if (local(text, Space::odrl) == "delete") return Action::delete_after;  // the profile's own name says how
  for (std::size_t i = 0; i < kActionCount; ++i) {
    if (!deprecated && !kActions[i].deprecated.empty()) break;  // they stand last
    if (local(text, kActions[i].space) == kActions[i].name) return static_cast<Action>(i);
  }
  return std::nullopt;
}

std::optional<Operand> operand_from(std::string_view text) {
  for (std::size_t i = 0; i < kOperands; ++i) {
    if (local(text, kOperandTerms[i].space) == kOperandTerms[i].name) return static_cast<Operand>(i);
  }
  return std::nullopt;
}

std::optional<Operator> operator_from(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kOperators); ++i) {
    if (local(text, Space::odrl) == kOperators[i]) return static_cast<Operator>(i);
  }
  return std::nullopt;
}

std::string suggest_action(std::string_view text) {
  std::vector<std::string_view> names;
  for (const ActionTerm& one : kActions) {
    if (one.deprecated.empty()) {
      names.push_back(one.name);
    } else if (local(text, one.space) == one.name) {
      return one.deprecated == "-" ? "this term is deprecated; nothing replaces it"
                                   : "this term is deprecated; write `" + std::string(one.deprecated) + "`";
    }
  }
  return suggestion(last_word(text), names);
}

std::string suggest_operand(std::string_view text) {
  for (const Refused& one : kRefusedOperands) {
    if (local(text, Space::odrl) != one.name) continue;
    return std::string(one.instead.empty() ? "no node can measure it" : one.instead);
  }
  std::vector<std::string_view> names;
  for (const OperandTerm& one : kOperandTerms) names.push_back(one.name);
  return suggestion(last_word(text), names);
}

std::string suggest_operator(std::string_view text) { return suggestion(last_word(text), kOperators); }

const IncludedIn& included_in(Action action) noexcept {
  return kIncludedIn[std::min(static_cast<std::size_t>(action), kActionCount)];
}

bool is_transform(Action action) noexcept {
  return action >= Action::suppress_small_cells && action <= Action::mask_column;
}

std::string_view short_key(std::string_view key) { return local(key, Space::odrl); }

bool is_profile(std::string_view text) { return text == kProfile || text == kProfile.substr(0, kProfile.size() - 1); }

std::string_view short_class(std::string_view text) { return local(text, Space::profile); }

}  // namespace sluis::policy
