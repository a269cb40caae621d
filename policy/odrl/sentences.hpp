#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluis::policy {

/// The languages in which people are told things: English, and Dutch that is easy to read (B1).
enum class Language : std::uint8_t { english, dutch };
/// `en`, `nl`.
std::string_view to_string(Language language);
std::optional<Language> language_from(std::string_view text);

/// A text in both languages.
struct Both {
  std::string_view english;
  std::string_view dutch;

  std::string_view in(Language language) const { return language == Language::dutch ? dutch : english; }
};

/// A stable code and its sentence, with `{parameter}` in it; both languages have the same parameters.
struct Sentence {
  std::string_view code;
  Both text;
};
/// All sentences of decisions, of differences between terms, and of enforcement.
std::span<const Sentence> sentences();

/// The template of a code; for an unknown code a plain denial.
std::string_view sentence(std::string_view code, Language language);
/// `sentence` in English.
std::string_view english(std::string_view code);

/// The template with its parameters filled in; one that is missing is "nothing".
std::string fill(std::string_view text, const std::map<std::string, std::string>& parameters,
                 Language language = Language::english);

}  // namespace sluis::policy
