#pragma once

#include "connector/base/error.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// The one reader of JSON from outside (D6), and the canonical form (RFC 8785).
namespace sluis::json {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
using Object = std::vector<Member>;  ///< in the order read; keys are unique

/// A number as it was written. Nothing is rounded.
struct Number {
  std::string text;
  friend bool operator==(const Number&, const Number&) = default;
};

class Value {
 public:
  Value() = default;  ///< null
  Value(std::nullptr_t) {}
  Value(bool value) : data_(value) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(Number value) : data_(std::move(value)) {}
  Value(std::int64_t value) : data_(Number{std::to_string(value)}) {}
  Value(std::uint64_t value) : data_(Number{std::to_string(value)}) {}
  Value(int value) : data_(Number{std::to_string(value)}) {}
  Value(Array value) : data_(std::move(value)) {}
  Value(Object value) : data_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(data_); }
  const bool* if_bool() const { return std::get_if<bool>(&data_); }
  const Number* if_number() const { return std::get_if<Number>(&data_); }
  const std::string* if_string() const { return std::get_if<std::string>(&data_); }
  const Array* if_array() const { return std::get_if<Array>(&data_); }
  const Object* if_object() const { return std::get_if<Object>(&data_); }
  Array* if_array() { return std::get_if<Array>(&data_); }
  Object* if_object() { return std::get_if<Object>(&data_); }

  /// The member of that name; null if this is no object or has none.
  const Value* find(std::string_view key) const;
  /// Sets or replaces a member; makes this an object if it was null.
  Value& set(std::string_view key, Value value);
  /// Removes a member; whether there was one.
  bool erase(std::string_view key);
  /// "null", "a boolean", "a number", "a string", "an array", "an object".
  std::string_view kind() const;

  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::variant<std::nullptr_t, bool, Number, std::string, Array, Object> data_;
};

/// A member in the list of `object`, out of which it is moved: of a usual list things are copied.
class NewMember {
 public:
  NewMember(std::string_view key, Value value) : member_(key, std::move(value)) {}
  Member take() const { return std::move(member_); }

 private:
  mutable Member member_;
};

/// `object({{"a", 1}, {"b", "x"}})`.
inline Value object(std::initializer_list<NewMember> members) {
  Object made;
  made.reserve(members.size());
  for (const NewMember& member : members) made.push_back(member.take());
  return Value(std::move(made));
}
inline Value array(std::initializer_list<Value> values) { return Value(Array(values)); }

/// What a document may be at most; the defaults are those of limits.hpp.
struct Bounds {
  std::size_t bytes;
  std::size_t depth;
  std::size_t values;
  Bounds();
};

/// Reads one document. Refused, with line and column: anything RFC 8259 does not allow, duplicate keys, invalid
/// UTF-8, lone surrogates, and more than the bounds.
Result<Value> parse(std::string_view text, const Bounds& bounds = {});

/// Compact text, members in their order.
std::string serialise(const Value& value);
/// Two spaces a level.
std::string serialise_pretty(const Value& value);

/// RFC 8785. Refused: a number that is not an integer of at most 15 digits (others travel as strings).
Result<std::string> canonical(const Value& value);

/// Line and column (1-based) at which the value of a JSON pointer begins in a text that `parse` took.
Place locate(std::string_view text, std::string_view pointer);

/// `base` with one more step, escaped as RFC 6901 says.
std::string pointer_to(std::string_view base, std::string_view key);
std::string pointer_to(std::string_view base, std::size_t index);

/// Typed access with errors that carry the pointer.
Result<std::string> required_string(const Value& object, std::string_view key, std::string_view pointer = "");
Result<std::optional<std::string>> optional_string(const Value& object, std::string_view key,
                                                   std::string_view pointer = "");
/// A whole number that is not below zero.
Result<std::uint64_t> required_count(const Value& object, std::string_view key, std::string_view pointer = "");
Result<std::int64_t> to_integer(const Number& number);

}  // namespace sluis::json
