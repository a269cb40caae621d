#pragma once

#include "policy/odrl/model.hpp"

namespace sluis::policy {

/// Reads the right operand at `pointer` into the field that `constraint.operand` asks for; `constraint.op` is set.
Result<void> read_right_operand(const json::Value& value, const std::string& pointer, Constraint& constraint);

/// The right operand in words: what a constraint needs.
std::string describe_value(const Constraint& constraint);

/// A term or id that may stand as a string or as `{"@id": …}`.
Result<std::string> read_id(const json::Value& value, const std::string& pointer);

/// User input in backticks, cut to a sensible length.
std::string in_backticks(std::string_view text);

}  // namespace sluis::policy
