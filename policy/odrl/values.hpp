#pragma once

#include "policy/odrl/model.hpp"

namespace sluis::policy {

/// Reads the right operand at `pointer` into the field that `constraint.operand` asks for; `constraint.op` is set.
Result<void> read_right_operand(const json::Value& value, const std::string& pointer, Constraint& constraint);

/// The right operand in words: what a constraint needs.
std::string describe_value(const Constraint& constraint);
/// What a constraint says, whatever its spelling and order: equal for constraints that decide alike.
std::string content(const Constraint& constraint);
/// A decimal of so many millionths, without needless zeros.
std::string format_decimal(std::int64_t millionths);
/// `P1M7D`.
std::string format_period(std::int64_t months, Duration rest);

/// A decimal in millionths: at most 12 digits, and 6 after the point. Exact.
Result<std::int64_t> parse_decimal(std::string_view text);
/// A time plus calendar months (UTC; the 31st becomes the month's last day) and a duration. Saturates at the ends of
/// time.
Timestamp add_period(Timestamp from, std::int64_t months, Duration rest) noexcept;

/// A term or id that may stand as a string or as `{"@id": …}`.
Result<std::string> read_id(const json::Value& value, const std::string& pointer);

/// The value of an operand in the form in which values are compared: full IRIs of purposes, classes without prefix,
/// languages in lower case.
std::string canonical_name(std::string text, Operand operand);

/// User input in backticks, cut to a sensible length.
std::string in_backticks(std::string_view text);

}  // namespace sluis::policy
