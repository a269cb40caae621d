#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The terms a policy may use, and their three spellings (short name, CURIE, full IRI) read as one.
/// Source: ODRL Vocabulary 2.2; the profile's own terms are in profile.jsonld.
namespace sluis::policy {

inline constexpr std::string_view kOdrl = "http://www.w3.org/ns/odrl/2/";
/// The profile, fixed for ever; the document is profile.jsonld beside this file.
inline constexpr std::string_view kProfile = "https://w3id.org/sluis/odrl/1#";

/// A place in the table of actions. Those with a meaning of their own have a name here.
enum class Action : std::uint8_t {
  use,
  transfer,
  delete_after,
  suppress_small_cells,
  generalise_time,
  generalise_place,
  pseudonymise,
  aggregate_by,
  mask_column,
  any = 0xff,  ///< of a rule without action, in suite mode only
};

enum class Operand : std::uint8_t {
  purpose,
  recipient,
  class_of_recipient,
  date_time,
  elapsed_time,   ///< since the agreement's timestamp
  delay_period,   ///< since the end of a release
  metered_time,
  count,          ///< uses so far, plus this one
  pay_amount,
  percentage,
  resolution,
  absolute_size,
  relative_size,
  spatial,
  file_format,
  industry,
  language,
  media,
  product,
  system_device,
  delivery_channel,
  event,
  virtual_location,
  version,
  legal_basis,
  assessment,           ///< a recorded assessment that a purpose is compatible
  situation,            ///< a declared situation that is in force
  processing_activity,
  evidence,             ///< who can prove the exchange: `two-sided`, the other party's log does as well; `one-sided`
  impact_assessment,    ///< whether the party has a data protection impact assessment of the activity: `on-record`
  // From here on parameters of transforms: policy/minimise/transform.hpp says what each means.
  min_cell_size,
  cell_column,
  cell_group,
  round_to,
  time_column,
  time_step,
  time_zone,
  pseudonym_column,
  pseudonym_epoch,
  masked_column,
  kept_characters,
  place_column,
  place_grid,
  place_lookup,
  group_column,
  group_measure,
  subject_column,
  max_groups,
  group_total,
};
/// The values of `evidence` that this profile defines.
inline constexpr std::string_view kTwoSided = "two-sided";
inline constexpr std::string_view kOneSided = "one-sided";
/// The value of `impact_assessment` that this profile defines.
inline constexpr std::string_view kOnRecord = "on-record";
inline constexpr std::size_t kOperands = static_cast<std::size_t>(Operand::group_total) + 1;

/// How the values of an operand are read and compared.
enum class Kind : std::uint8_t { purpose, names, instant, elapsed, delay, metered, count, decimal, transform };
constexpr Kind kind(Operand operand) noexcept {
  switch (operand) {
    case Operand::purpose: return Kind::purpose;
    case Operand::date_time: return Kind::instant;
    case Operand::elapsed_time: return Kind::elapsed;
    case Operand::delay_period: return Kind::delay;
    case Operand::metered_time: return Kind::metered;
    case Operand::count: return Kind::count;
    case Operand::pay_amount:
    case Operand::percentage:
    case Operand::resolution:
    case Operand::absolute_size:
    case Operand::relative_size: return Kind::decimal;
    default: return operand >= Operand::min_cell_size ? Kind::transform : Kind::names;
  }
}

enum class Operator : std::uint8_t {
  eq, neq, is_a, is_part_of, has_part, is_any_of, is_all_of, is_none_of, lt, lteq, gt, gteq,
};
/// Whether that operator takes a list.
bool takes_list(Operator op);

/// Short name as it stands in a policy: `classOfRecipient`.
std::string_view to_string(Action action);
std::string_view to_string(Operand operand);
std::string_view to_string(Operator op);
/// The full IRI, as sent.
std::string iri(Action action);
std::string iri(Operand operand);
std::string iri(Operator op);

/// Nothing for an unknown word, and for a deprecated one unless asked for.
std::optional<Action> action_from(std::string_view text, bool deprecated = false);
std::optional<Operand> operand_from(std::string_view text);
std::optional<Operator> operator_from(std::string_view text);
/// "did you mean …" for a word that is none; for a deprecated or unmeasurable one, what to do instead.
std::string suggest_action(std::string_view text);
std::string suggest_operand(std::string_view text);
std::string suggest_operator(std::string_view text);

/// An action and those that it is included in (`odrl:includedIn`, closed).
struct IncludedIn {
  std::array<std::uint64_t, 4> words{};
  bool test(Action broad) const noexcept {
    const auto at = static_cast<std::size_t>(broad);
    return ((words[at / 64] >> (at % 64)) & 1U) != 0;
  }
};
const IncludedIn& included_in(Action action) noexcept;
/// Whether one action is the other or included in it.
inline bool included(Action narrow, Action broad) noexcept { return included_in(narrow).test(broad); }
/// Whether the gate itself does it to a release before it leaves.
bool is_transform(Action action) noexcept;

/// A key without `odrl:` or ODRL's IRI before it.
std::string_view short_key(std::string_view key);
/// Whether a value of `profile` names ours (with or without the final `#`).
bool is_profile(std::string_view text);
/// A class of recipient without the profile's prefix: `sluis:municipality` is `municipality`.
std::string_view short_class(std::string_view text);

}  // namespace sluis::policy
