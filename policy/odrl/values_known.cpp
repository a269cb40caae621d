#include "policy/odrl/values_known.hpp"

#include "connector/base/suggest.hpp"
#include "policy/odrl/named.hpp"
#include "policy/odrl/values.hpp"
#include "policy/purpose/legal_bases.hpp"

#include <algorithm>
#include <array>

namespace sluis::policy {
namespace {

struct UnitTerm {
  Operand operand;
  std::string_view name;
};
/// In which each amount may be stated. Currencies by ISO 4217.
constexpr std::array kUnits{UnitTerm{Operand::pay_amount, "EUR"},      UnitTerm{Operand::percentage, "percent"},
                            UnitTerm{Operand::relative_size, "percent"}, UnitTerm{Operand::resolution, "metre"},
                            UnitTerm{Operand::resolution, "dpi"},        UnitTerm{Operand::absolute_size, "byte"}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }
bool is_visible(char c) { return c > ' ' && c <= '~'; }

template <class Is>
bool all(std::string_view text, const Is& is) {
  return std::all_of(text.begin(), text.end(), is);
}
bool has(std::string_view text, std::size_t least, std::size_t most) { return text.size() >= least && text.size() <= most; }

std::vector<std::string_view> subtags(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find('-');
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Error refused(const std::string& pointer, std::string_view what, std::string_view value, std::string_view key = "rightOperand") {
  std::string message = in_backticks(value) + " is " + std::string(what);
  if (!all(value, [](char c) { return c >= ' ' && c <= '~'; })) message += ": it has signs outside ASCII, which may look like others";
  return Error(ErrorCode::invalid_argument, std::move(message)).at_pointer(pointer.empty() ? pointer : json::pointer_to(pointer, key));
}

Result<void> check_name(Operand operand, const std::string& value, const std::string& pointer) {
  switch (operand) {
    case Operand::class_of_recipient:
      if (is_class_name(value)) return {};
      return refused(pointer, "not a class of parties", value).mended_by("write a word in lower case, like `municipality`");
    case Operand::recipient:
    case Operand::processing_activity:
    case Operand::situation:
    case Operand::assessment:
      if (all(value, is_visible)) return {};
      return refused(pointer, "not a name for `" + std::string(to_string(operand)) + "`", value)
          .mended_by("write an IRI in ASCII, without spaces, like `did:web:duinmeer.example`");
    case Operand::legal_basis: {
      if (const auto found = find_legal_basis(value); !found) {
        return Error(found.error()).at_pointer(json::pointer_to(pointer, "rightOperand"));
      }
      return {};
    }
    case Operand::language:
      if (is_language_tag(value)) return {};
      return refused(pointer, "not a language tag", value).mended_by("write one as BCP 47 has it, like `nl` or `nl-NL`");
    case Operand::evidence: {
      constexpr std::array<std::string_view, 2> known{kTwoSided, kOneSided};
      if (std::find(known.begin(), known.end(), value) != known.end()) return {};
      return refused(pointer, "not a kind of evidence", value).mended_by(suggestion(value, known));
    }
    case Operand::impact_assessment:
      if (value == kOnRecord) return {};
      return refused(pointer, "not a state of an impact assessment", value).mended_by("write `" + std::string(kOnRecord) + "`");
    default:
      if (all(value, [](char c) { return c >= ' ' && c <= '~'; })) return {};
      return refused(pointer, "not a value of `" + std::string(to_string(operand)) + "`", value).mended_by("write its IRI, in ASCII");
  }
}

Result<void> check_unit(const Constraint& one) {
  std::vector<std::string_view> known;
  for (const UnitTerm& term : kUnits) {
    if (term.operand == one.operand) known.push_back(term.name);
  }
  if (std::find(known.begin(), known.end(), one.unit) != known.end()) return {};
  return refused(one.pointer, "not a unit of `" + std::string(to_string(one.operand)) + "`", one.unit, "unit")
      .mended_by(suggestion(one.unit, known));
}

Result<void> check_constraint(const Constraint& one) {
  for (const Constraint& operand : one.operands) SLUIS_CHECK(check_constraint(operand));
  if (one.logic != Logic::atom) return {};
  if (!one.unit.empty()) SLUIS_CHECK(check_unit(one));
  if (kind(one.operand) != Kind::names) return {};
  for (const std::string& value : one.values) SLUIS_CHECK(check_name(one.operand, value, one.pointer));
  return {};
}

Result<void> check_party(const std::optional<std::string>& party, const std::string& pointer, std::string_view key) {
  if (!party || all(*party, is_visible)) return {};
  return refused(pointer, "not the name of a party or asset", *party, key).mended_by("write an IRI in ASCII, without spaces");
}

Result<void> check_rule(const Rule& rule) {
  SLUIS_CHECK(check_party(rule.assignee, rule.pointer, "assignee"));
  SLUIS_CHECK(check_party(rule.assigner, rule.pointer, "assigner"));
  SLUIS_CHECK(check_party(rule.target, rule.pointer, "target"));
  for (const auto* list : {&rule.constraints, &rule.refinements}) {
    for (const Constraint& one : *list) SLUIS_CHECK(check_constraint(one));
  }
  for (const auto* list : {&rule.duties, &rule.remedies, &rule.consequences}) {
    for (const Rule& one : *list) SLUIS_CHECK(check_rule(one));
  }
  return {};
}

/// What the other party says of itself counts for it alone: who left something out, or said it in other words, would not be excluded.
Result<void> check_stated(const Policy& policy, Operand operand) {
  for (const Named& one : named(policy, operand)) {
    if (!excludes(one)) continue;
    return Error(ErrorCode::invalid_argument, "`" + std::string(to_string(operand)) + "` is the other party's own word, by which nobody can be excluded")
        .at_pointer(one.pointer)
        .mended_by("say in a permission what is taken, with `eq` or `isAnyOf`");
  }
  return {};
}

/// The subtags between the language and what is private, RFC 5646 section 2.1: extlang, script, region, variants, extensions.
bool are_well_formed(const std::vector<std::string_view>& parts, bool extended) {
  std::size_t at = 1;
  const auto next = [&](const auto& is) { return at < parts.size() && is(parts[at]); };
  const auto letters = [](std::size_t size) { return [size](std::string_view t) { return t.size() == size && all(t, is_letter); }; };
  for (int i = 0; extended && i < 3 && next(letters(3)); ++i) ++at;
  if (next(letters(4))) ++at;
  if (next(letters(2)) || next([](std::string_view t) { return t.size() == 3 && all(t, is_digit); })) ++at;
  const auto variant = [](std::string_view t) {
    return all(t, is_alphanumeric) && (has(t, 5, 8) || (t.size() == 4 && is_digit(t.front())));
  };
  while (next(variant)) ++at;
  while (next([](std::string_view t) { return t.size() == 1 && is_alphanumeric(t.front()); })) {
    const bool own = parts[at] == "x" || parts[at] == "X";
    const std::size_t first = ++at;
    while (next([own](std::string_view t) { return has(t, own ? 1 : 2, 8) && all(t, is_alphanumeric); })) ++at;
    if (at == first) return false;
    if (own) break;
  }
  return at == parts.size();
}

}  // namespace

bool is_class_name(std::string_view text) {
  return has(text, 1, 64) && all(text, [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; });
}

bool is_language_tag(std::string_view text) {
  std::vector<std::string_view> parts = subtags(text);
  if (parts.front() == "x" || parts.front() == "X") {  // all of it is private
    parts.insert(parts.begin(), "und");
    return are_well_formed(parts, false);
  }
  if (!all(parts.front(), is_letter) || !has(parts.front(), 2, 8)) return false;
  return are_well_formed(parts, parts.front().size() <= 3);
}

Result<void> check_values(const Policy& policy) {
  SLUIS_CHECK(check_party(policy.assignee, "", "assignee"));
  for (const Operand operand : {Operand::legal_basis, Operand::impact_assessment}) SLUIS_CHECK(check_stated(policy, operand));
  for (const auto* rules : {&policy.permissions, &policy.prohibitions, &policy.obligations}) {
    for (const Rule& rule : *rules) SLUIS_CHECK(check_rule(rule));
  }
  return {};
}

}  // namespace sluis::policy
