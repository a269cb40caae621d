#pragma once

#include "connector/base/time.hpp"
#include "connector/json/json.hpp"
#include "policy/odrl/terms.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A policy as read: every term known, every value typed. What it means is in SEMANTICS.md.
namespace sluis::policy {

enum class Logic : std::uint8_t { atom, all, any, one, sequence };
/// `and`, `or`, `xone`, `andSequence`.
std::string_view to_string(Logic logic);

/// `leftOperand operator rightOperand`, or a logical constraint over others.
/// Which of the value fields counts follows from the operand's kind.
struct Constraint {
  Logic logic = Logic::atom;
  std::vector<Constraint> operands;  ///< of a logical constraint: two or more
  Operand operand = Operand::purpose;
  Operator op = Operator::eq;
  std::vector<std::string> values;  ///< names; purposes as full IRIs; columns, a group
  Timestamp time{};                 ///< instant; of a day its start
  std::optional<Timestamp> until;   ///< of a day: the start of the next
  Duration duration{};              ///< elapsed, delay, metered
  std::int64_t months = 0;          ///< elapsed: calendar months, counted before `duration`
  std::int64_t number = 0;          ///< count, minCellSize: whole; decimal: millionths
  std::string unit;                 ///< empty where there is none
  std::string id;                   ///< `uid`, may be empty
  std::string pointer;              ///< where it stood

  friend bool operator==(const Constraint&, const Constraint&) = default;
};

/// A permission, prohibition, obligation, duty, remedy or consequence; atomic: one action, target and assignee.
struct Rule {
  Action action = Action::use;
  std::vector<Constraint> constraints;  ///< all must hold
  std::vector<Constraint> refinements;  ///< of action, target and assignee; all must hold
  std::optional<std::string> target;    ///< an asset or a collection
  std::optional<std::string> assigner;
  std::optional<std::string> assignee;  ///< a party or a collection
  std::vector<Rule> duties;             ///< of a permission
  std::vector<Rule> remedies;           ///< of a prohibition
  std::vector<Rule> consequences;       ///< of a duty or obligation
  std::string id;                       ///< `uid`, may be empty
  std::string pointer;

  friend bool operator==(const Rule&, const Rule&) = default;
};

enum class Conflict : std::uint8_t { unwritten, perm, prohibit, invalid };

struct Policy {
  enum class Type : std::uint8_t { offer, agreement, set };
  Type type = Type::offer;
  std::string id;
  std::optional<std::string> target;
  std::optional<std::string> assigner;
  std::optional<std::string> assignee;
  std::optional<Timestamp> timestamp;  ///< of an agreement
  Conflict conflict = Conflict::unwritten;
  bool suite = false;  ///< read in suite mode, and to be decided in it
  std::vector<Rule> permissions;
  std::vector<Rule> prohibitions;
  std::vector<Rule> obligations;
};

struct ParseOptions {
  bool in_catalogue = false;  ///< an Offer in a catalogue carries no `target`
  std::string pointer;        ///< where in a larger document the policy stands
  bool full = false;          ///< a `Set` is read as well, and a policy needs no `@id`
  bool suite = false;         ///< SEMANTICS.md, suite mode; never for a node. Implies `full`.
  /// Finds the policy that `inheritFrom` names; unset: `inheritFrom` is refused.
  std::function<Result<json::Value>(std::string_view id)> parent = {};
};

/// Reads a policy in DSP's compact form (DSP 2025-1, contract-schema) or in ODRL 2.2's usual JSON-LD. Everything that
/// is not known is refused (invalid_argument) with its JSON pointer and a suggestion; what is too large with
/// limit_exceeded. Shared properties and several actions, targets or assignees of a rule are written out.
Result<Policy> parse_policy(const json::Value& value, const ParseOptions& options = {});

/// An aid for writing policies: the policy in the form this node sends. Actions and operands as full IRIs, operators
/// as short names (DSP's schema has them as an enumeration), values as plain strings.
json::Value to_json(const Policy& policy);

}  // namespace sluis::policy
