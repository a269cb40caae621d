#pragma once

#include "connector/json/json.hpp"

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

namespace sluis::cli {

/// A column of a table: what stands above it, and where in a row its value is (`negotiation.state`).
struct Column {
  std::string_view title;
  std::string_view path;
  std::string_view absent = "-";  ///< in place of nothing: JSON leaves a number out that is 0
};

/// The value at a dotted path as one line of text; empty where there is none. Lists are joined with commas.
std::string text_at(const json::Value& row, std::string_view path);
/// A member as it is, with its line ends: for files, never for a terminal. Empty: there is none, or it is no text.
std::string file_text_at(const json::Value& row, std::string_view member);

/// Rows below titles, columns as wide as they need to be. Control characters are replaced.
void print_table(std::ostream& out, std::span<const Column> columns, const json::Array& rows);
/// One object, a member a line; members that hold nothing are left out.
void print_members(std::ostream& out, const json::Value& object, std::string_view indent = "");
void print_yaml(std::ostream& out, const json::Value& value, unsigned depth = 0);

}  // namespace sluis::cli
