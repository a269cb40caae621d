#include "policy/odrl/terms.hpp"

#include "connector/base/suggest.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace sluis::policy {
namespace {

enum class Space : std::uint8_t { odrl, profile };

template <class T>
struct Term {
  T value;
  Space space;
  std::string_view name;
};

/// The first row of a value is how it is written; further rows are only read.
constexpr std::array kActions{
    Term<Action>{Action::use, Space::odrl, "use"},
    Term<Action>{Action::delete_after, Space::profile, "deleteAfter"},
    Term<Action>{Action::delete_after, Space::odrl, "delete"},
    Term<Action>{Action::suppress_small_cells, Space::profile, "suppressSmallCells"},
};
constexpr std::array kOperands{
    Term<Operand>{Operand::purpose, Space::odrl, "purpose"},
    Term<Operand>{Operand::recipient, Space::odrl, "recipient"},
    Term<Operand>{Operand::class_of_recipient, Space::profile, "classOfRecipient"},
    Term<Operand>{Operand::date_time, Space::odrl, "dateTime"},
    Term<Operand>{Operand::elapsed_time, Space::odrl, "elapsedTime"},
    Term<Operand>{Operand::delay_period, Space::odrl, "delayPeriod"},
    Term<Operand>{Operand::min_cell_size, Space::profile, "minCellSize"},
    Term<Operand>{Operand::cell_column, Space::profile, "cellColumn"},
    Term<Operand>{Operand::cell_group, Space::profile, "cellGroup"},
};
constexpr std::array kOperators{
    Term<Operator>{Operator::eq, Space::odrl, "eq"},       Term<Operator>{Operator::is_a, Space::odrl, "isA"},
    Term<Operator>{Operator::is_any_of, Space::odrl, "isAnyOf"}, Term<Operator>{Operator::lt, Space::odrl, "lt"},
    Term<Operator>{Operator::lteq, Space::odrl, "lteq"},   Term<Operator>{Operator::gt, Space::odrl, "gt"},
    Term<Operator>{Operator::gteq, Space::odrl, "gteq"},
};

std::string_view without(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : std::string_view();
}

std::string_view local(std::string_view text, Space space) {
  const bool odrl = space == Space::odrl;
  if (const auto name = without(text, odrl ? kOdrl : kProfile); !name.empty()) return name;
  if (const auto name = without(text, odrl ? "odrl:" : "sluis:"); !name.empty()) return name;
  return text;
}

template <class T, std::size_t N>
const Term<T>& row(const std::array<Term<T>, N>& table, T value) {
  return *std::find_if(table.begin(), table.end(), [&](const Term<T>& term) { return term.value == value; });
}

template <class T, std::size_t N>
std::optional<T> find(const std::array<Term<T>, N>& table, std::string_view text) {
  for (const Term<T>& term : table) {
    if (local(text, term.space) == term.name) return term.value;
  }
  return std::nullopt;
}

template <class T, std::size_t N>
std::string suggest(const std::array<Term<T>, N>& table, std::string_view text) {
  std::vector<std::string_view> names;
  for (const Term<T>& term : table) names.push_back(term.name);
  const std::size_t at = text.find_last_of("#/:");
  return suggestion(at == std::string_view::npos ? text : text.substr(at + 1), names);
}

template <class T, std::size_t N>
std::string full(const std::array<Term<T>, N>& table, T value) {
  const Term<T>& term = row(table, value);
  return std::string(term.space == Space::odrl ? kOdrl : kProfile) + std::string(term.name);
}

}  // namespace

std::string_view to_string(Action action) { return row(kActions, action).name; }
std::string_view to_string(Operand operand) { return row(kOperands, operand).name; }
std::string_view to_string(Operator op) { return row(kOperators, op).name; }
std::string iri(Action action) { return full(kActions, action); }
std::string iri(Operand operand) { return full(kOperands, operand); }
std::string iri(Operator op) { return full(kOperators, op); }
std::optional<Action> action_from(std::string_view text) { return find(kActions, text); }
std::optional<Operand> operand_from(std::string_view text) { return find(kOperands, text); }
std::optional<Operator> operator_from(std::string_view text) { return find(kOperators, text); }
std::string suggest_action(std::string_view text) { return suggest(kActions, text); }
std::string suggest_operand(std::string_view text) { return suggest(kOperands, text); }
std::string suggest_operator(std::string_view text) { return suggest(kOperators, text); }

std::string_view short_key(std::string_view key) { return local(key, Space::odrl); }

bool is_profile(std::string_view text) { return text == kProfile || text == kProfile.substr(0, kProfile.size() - 1); }

std::string_view short_class(std::string_view text) { return local(text, Space::profile); }

}  // namespace sluis::policy
