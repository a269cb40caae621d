#pragma once

#include "connector/base/time.hpp"
#include "connector/json/json.hpp"
#include "policy/odrl/terms.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::policy {

/// `leftOperand operator rightOperand`. Which of the value fields counts follows from the operand.
struct Constraint {
  Operand operand = Operand::purpose;
  Operator op = Operator::eq;
  std::vector<std::string> values;  ///< purposes (full IRIs), recipients, classes, columns, a group
  Timestamp time{};                 ///< dateTime
  Duration duration{};              ///< elapsedTime, delayPeriod
  std::int64_t number = 0;          ///< minCellSize
  std::string pointer;              ///< where it stood
};

/// A permission, prohibition or obligation; its constraints must all hold.
struct Rule {
  Action action = Action::use;
  std::vector<Constraint> constraints;
  std::string pointer;
};

/// An Offer or Agreement as read: every term known, every value typed.
struct Policy {
  enum class Type : std::uint8_t { offer, agreement };
  Type type = Type::offer;
  std::string id;
  std::optional<std::string> target;
  std::optional<std::string> assigner;
  std::optional<std::string> assignee;
  std::optional<Timestamp> timestamp;  ///< of an agreement
  std::vector<Rule> permissions;
  std::vector<Rule> prohibitions;
  std::vector<Rule> obligations;
};

struct ParseOptions {
  bool in_catalogue = false;  ///< an Offer in a catalogue carries no `target`
  std::string pointer;        ///< where in a larger document the policy stands
};

/// Reads an Offer or Agreement in DSP's compact form (DSP 2025-1, contract-schema). Everything that is not known is
/// refused (invalid_argument) with its JSON pointer and a suggestion: keys, actions, operands, operators, profiles,
/// types, numbers as right operands, times without a zone.
Result<Policy> parse_policy(const json::Value& value, const ParseOptions& options = {});

/// An aid for writing policies: the policy in the form this node sends. Actions and operands as full IRIs, operators
/// as short names (DSP's schema has them as an enumeration), values as plain strings.
json::Value to_json(const Policy& policy);

}  // namespace sluis::policy
