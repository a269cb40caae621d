#pragma once

#include "connector/json/json.hpp"
#include "tests/support/naive_odrl_values.hpp"

#include <array>
#include <map>

/// A naive interpreter of policies, written from policy/odrl/SEMANTICS.md and the ODRL 2.2 and DSP specifications
/// alone, to hold the engine against. It shares no code with policy/. Where the page leaves a choice it takes the
/// one that denies; each such place is marked `Choice:`.
namespace sluis::test::naive {

/// Kleene's three values, in their order.
enum class Value : std::uint8_t { no, unknown, yes };
std::string_view to_string(Value value);

enum class Kind : std::uint8_t { purpose, time, elapsed, metered, delay, count, decimal, text, cells };
struct OperandInfo {
  std::string_view name;
  bool profile;  ///< ours, not ODRL's
  Kind kind;
};
inline constexpr std::array kOperands{
    OperandInfo{"purpose", false, Kind::purpose},      OperandInfo{"dateTime", false, Kind::time},
    OperandInfo{"elapsedTime", false, Kind::elapsed},  OperandInfo{"meteredTime", false, Kind::metered},
    OperandInfo{"delayPeriod", false, Kind::delay},    OperandInfo{"count", false, Kind::count},
    OperandInfo{"payAmount", false, Kind::decimal},    OperandInfo{"percentage", false, Kind::decimal},
    OperandInfo{"resolution", false, Kind::decimal},   OperandInfo{"absoluteSize", false, Kind::decimal},
    OperandInfo{"relativeSize", false, Kind::decimal}, OperandInfo{"recipient", false, Kind::text},
    OperandInfo{"classOfRecipient", true, Kind::text}, OperandInfo{"spatial", false, Kind::text},
    OperandInfo{"fileFormat", false, Kind::text},      OperandInfo{"industry", false, Kind::text},
    OperandInfo{"language", false, Kind::text},        OperandInfo{"media", false, Kind::text},
    OperandInfo{"product", false, Kind::text},         OperandInfo{"systemDevice", false, Kind::text},
    OperandInfo{"deliveryChannel", false, Kind::text}, OperandInfo{"event", false, Kind::text},
    OperandInfo{"virtualLocation", false, Kind::text}, OperandInfo{"version", false, Kind::text},
    OperandInfo{"legalBasis", true, Kind::text},       OperandInfo{"assessment", true, Kind::text},
    OperandInfo{"situation", true, Kind::text},        OperandInfo{"processingActivity", true, Kind::text},
    OperandInfo{"evidence", true, Kind::text},         OperandInfo{"impactAssessment", true, Kind::text},
    OperandInfo{"minCellSize", true, Kind::cells},     OperandInfo{"cellColumn", true, Kind::cells},
    OperandInfo{"cellGroup", true, Kind::cells},
};
/// By short name, CURIE or full IRI.
std::optional<std::size_t> find_operand(std::string_view text);

enum class Operator : std::uint8_t {
  eq,
  neq,
  lt,
  lteq,
  gt,
  gteq,
  isA,
  isPartOf,
  hasPart,
  isAnyOf,
  isAllOf,
  isNoneOf
};
std::string_view to_string(Operator op);

/// One comparison, or several under `and`, `or`, `xone`.
struct Constraint {
  enum class Logic : std::uint8_t { none, all, any, exactly_one };
  Logic logic = Logic::none;
  std::vector<Constraint> parts;

  std::size_t operand = 0;
  Operator op = Operator::eq;
  std::vector<std::string> values;
  std::vector<std::size_t> purposes;
  When when;
  Length length;
  std::int64_t number = 0;
  std::optional<std::string> unit;
};

/// An action, asset or party as a rule names it, with its refinements.
struct Named {
  std::string name;
  std::vector<Constraint> refinements;
};

struct Duty {
  std::string key;  ///< its uid, or where it stands
  std::vector<Duty> consequences;
};

struct Rule {
  bool prohibition = false;
  std::string pointer;
  std::vector<Named> actions;    ///< empty in suite mode only: every action
  std::vector<Named> targets;    ///< empty: whatever is asked
  std::vector<Named> assignees;  ///< the same
  std::vector<Constraint> constraints;
  std::vector<Duty> duties;
};

/// What a request tells of one operand.
struct Given {
  std::vector<std::string> values;
  std::optional<std::string> unit;
};

struct Request {
  std::optional<std::string> action;  ///< short name; of an action that nobody knows, as it is
  std::optional<std::string> target;
  std::vector<std::string> target_in;
  std::optional<std::string> assignee;
  std::vector<std::string> assignee_in;
  std::optional<Micros> now;
  std::optional<Micros> agreed;
  std::array<std::optional<Given>, kOperands.size()> given;
  std::map<std::string, std::string> duties;
};
/// The `request` of a case.
Result<Request> read_request(const json::Value& value);

struct Answer {
  bool permit = false;
  std::vector<std::pair<std::string, Value>> rules;  ///< pointer and value, as written, before atomising
};

class Policy {
 public:
  /// The whole of a policy, or the first thing that the page does not allow.
  static Result<Policy> read(const json::Value& value, const Purposes& purposes, bool suite);
  Answer decide(const Request& request) const;
  const std::vector<Rule>& rules() const { return rules_; }

 private:
  friend class PolicyReader;
  Value of_rule(const Rule& rule, const Request& request) const;
  Value of_named(const Named& named, Value match, const Rule& rule, const Request& request) const;
  Value of_constraint(const Constraint& constraint, bool prohibition, const Request& request) const;
  Value of_comparison(const Constraint& constraint, bool prohibition, const Request& request) const;
  Value of_purpose(const Constraint& constraint, bool prohibition, const Given& given) const;
  Value of_duty(const Duty& duty, const Request& request) const;

  const Purposes* purposes_ = nullptr;
  bool suite_ = false;
  bool permissions_win_ = false;  ///< `conflict: perm`
  std::vector<Rule> rules_;
};

/// The short name of an action in any spelling; nothing if there is no such action. Deprecated ones count in suite
/// mode only.
std::optional<std::string> find_action(std::string_view text, bool suite);
/// Whether the narrow action is the broad one or included in it. Deprecated ones are in nothing but in suite mode.
bool included(std::string_view narrow, std::string_view broad, bool suite);

}  // namespace sluis::test::naive
