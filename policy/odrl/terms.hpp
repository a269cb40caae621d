#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The terms a policy may use, and their three spellings (short name, CURIE, full IRI) read as one.
namespace sluis::policy {

inline constexpr std::string_view kOdrl = "http://www.w3.org/ns/odrl/2/";
/// The profile, fixed for ever; the document is profile.jsonld beside this file.
inline constexpr std::string_view kProfile = "https://w3id.org/sluis/odrl/1#";

enum class Action : std::uint8_t { use, delete_after, suppress_small_cells };
enum class Operand : std::uint8_t {
  purpose,
  recipient,
  class_of_recipient,
  date_time,
  elapsed_time,   ///< since the agreement's timestamp
  delay_period,   ///< since the end of a release
  min_cell_size,
  cell_column,    ///< columns suppressed one by one
  cell_group,     ///< `total = in + out`
};
enum class Operator : std::uint8_t { eq, is_a, is_any_of, lt, lteq, gt, gteq };

/// Short name as it stands in a policy: `classOfRecipient`.
std::string_view to_string(Action action);
std::string_view to_string(Operand operand);
std::string_view to_string(Operator op);
/// The full IRI, as sent.
std::string iri(Action action);
std::string iri(Operand operand);
std::string iri(Operator op);

std::optional<Action> action_from(std::string_view text);
std::optional<Operand> operand_from(std::string_view text);
std::optional<Operator> operator_from(std::string_view text);
/// "did you mean …" for a word that is none.
std::string suggest_action(std::string_view text);
std::string suggest_operand(std::string_view text);
std::string suggest_operator(std::string_view text);

/// A key without `odrl:` or ODRL's IRI before it.
std::string_view short_key(std::string_view key);
/// Whether a value of `profile` names ours (with or without the final `#`).
bool is_profile(std::string_view text);
/// A class of recipient without the profile's prefix: `sluis:municipality` is `municipality`.
std::string_view short_class(std::string_view text);

}  // namespace sluis::policy
