#include "policy/odrl/values.hpp"

#include "connector/base/limits.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::policy {
namespace {

constexpr std::string_view kXsd = "http://www.w3.org/2001/XMLSchema#";

Error refused(std::string message, const std::string& pointer) {
  return Error(ErrorCode::invalid_argument, std::move(message)).at_pointer(pointer);
}

/// Types a literal may say that it has, for each kind of operand.
bool type_fits(std::string_view type, Operand operand) {
  if (type.starts_with("xsd:")) type.remove_prefix(4);
  else if (type.starts_with(kXsd)) type.remove_prefix(kXsd.size());
  else return type == "@id" && operand <= Operand::class_of_recipient;
  switch (operand) {
    case Operand::date_time: return type == "dateTime" || type == "dateTimeStamp";
    case Operand::elapsed_time:
    case Operand::delay_period: return type == "duration" || type == "dayTimeDuration";
    case Operand::min_cell_size:
      return type == "integer" || type == "nonNegativeInteger" || type == "positiveInteger" || type == "int";
    case Operand::cell_column:
    case Operand::cell_group: return type == "string";
    case Operand::purpose:
    case Operand::recipient:
    case Operand::class_of_recipient: return type == "string" || type == "anyURI";
  }
  return false;
}

Result<std::string> read_string(const json::Value& value, const std::string& pointer) {
  const std::string* text = value.if_string();
  if (text == nullptr) {
    return refused("a right operand is a string, not " + std::string(value.kind()), pointer)
        .mended_by("write the value as a string, like \"10\"");
  }
  if (text->empty() || text->size() > limits::kIdBytes) {
    return refused("a right operand has 1 to " + std::to_string(limits::kIdBytes) + " bytes", pointer);
  }
  return *text;
}

/// One value: a string, `{"@value": …, "@type": …}` or `{"@id": …}`.
Result<std::string> read_scalar(const json::Value& value, const std::string& pointer, Operand operand) {
  const json::Object* object = value.if_object();
  if (object == nullptr) return read_string(value, pointer);
  for (const auto& [key, member] : *object) {
    if (key != "@value" && key != "@type" && key != "@id") {
      return refused("unknown key " + in_backticks(key) + " in a value", json::pointer_to(pointer, key))
          .mended_by("known are `@value`, `@type`, `@id`");
    }
  }
  if (const json::Value* id = value.find("@id")) {
    if (object->size() != 1) return refused("`@id` stands alone in a value", pointer);
    if (operand > Operand::class_of_recipient) {
      return refused("this operand takes a literal, not an `@id`", pointer);
    }
    return read_string(*id, json::pointer_to(pointer, "@id"));
  }
  const json::Value* literal = value.find("@value");
  if (literal == nullptr) return refused("a value needs `@value` or `@id`", pointer);
  if (const json::Value* type = value.find("@type")) {
    const std::string* name = type->if_string();
    if (name == nullptr || !type_fits(*name, operand)) {
      return refused("the type " + in_backticks(name != nullptr ? *name : type->kind()) + " does not fit `" +
                         std::string(to_string(operand)) + "`",
                     json::pointer_to(pointer, "@type"));
    }
  }
  return read_string(*literal, json::pointer_to(pointer, "@value"));
}

/// The values of `isAnyOf`: an array, or a string that holds one, as another connector sends it.
Result<std::vector<std::string>> read_list(const json::Value& value, const std::string& pointer, Operand operand) {
  json::Value held;
  const json::Value* list = &value;
  const json::Value* literal = value.find("@value");
  const json::Value& carrier = literal != nullptr && value.if_object()->size() == 1 ? *literal : value;
  if (const std::string* text = carrier.if_string()) {
    auto parsed = json::parse(*text);
    if (!parsed) {
      return refused("`isAnyOf` takes an array of strings, or a string that holds one", pointer)
          .mended_by("for a single value use `eq`");
    }
    held = std::move(*parsed);
    list = &held;
  }
  const json::Array* array = list->if_array();
  if (array == nullptr) return refused("`isAnyOf` takes an array, not " + std::string(list->kind()), pointer);
  if (array->empty()) return refused("`isAnyOf` of nothing can never hold", pointer);
  if (array->size() > 512) return Error(ErrorCode::limit_exceeded, "more than 512 values").at_pointer(pointer);
  std::vector<std::string> values;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string at = list == &held ? pointer : json::pointer_to(pointer, i);
    SLUIS_TRY(std::string one, read_scalar((*array)[i], at, operand));
    values.push_back(std::move(one));
  }
  return values;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// `total = in + out`, as total and parts.
Result<std::vector<std::string>> read_group(const std::string& text, const std::string& pointer) {
  const Error bad = refused(in_backticks(text) + " is not a sum of columns", pointer).mended_by("write `total = in + out`");
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return bad;
  std::vector<std::string> names{std::string(trimmed(std::string_view(text).substr(0, equals)))};
  std::string_view rest = std::string_view(text).substr(equals + 1);
  if (rest.find('=') != std::string_view::npos) return bad;
  for (;;) {
    const std::size_t plus = rest.find('+');
    names.emplace_back(trimmed(rest.substr(0, plus)));
    if (plus == std::string_view::npos) break;
    rest.remove_prefix(plus + 1);
  }
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const bool twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  if (names.size() < 3 || twice || sorted.front().empty()) return bad;
  return names;
}

Result<std::int64_t> read_count(const std::string& text, const std::string& pointer) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > 1'000'000) {
    return refused(in_backticks(text) + " is not a whole number from 1 to 1000000", pointer);
  }
  return number;
}

std::string canonical_id(std::string text, Operand operand) {
  if (operand == Operand::purpose) return expand_purpose(text);
  if (operand == Operand::class_of_recipient) return std::string(short_class(text));
  return text;
}

}  // namespace

std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

Result<std::string> read_id(const json::Value& value, const std::string& pointer) {
  const json::Object* object = value.if_object();
  const bool reference = object != nullptr && object->size() == 1 && object->front().first == "@id";
  const std::string* text = reference ? object->front().second.if_string() : value.if_string();
  if (text == nullptr) return refused("a string is needed, not " + std::string(value.kind()), pointer);
  if (text->empty() || text->size() > limits::kIdBytes) {
    return refused("this has 1 to " + std::to_string(limits::kIdBytes) + " bytes", pointer);
  }
  return *text;
}

Result<void> read_right_operand(const json::Value& value, const std::string& pointer, Constraint& constraint) {
  const Operand operand = constraint.operand;
  if (constraint.op == Operator::is_any_of) {
    SLUIS_TRY(constraint.values, read_list(value, pointer, operand));
    for (std::string& one : constraint.values) one = canonical_id(std::move(one), operand);
    return {};
  }
  SLUIS_TRY(std::string text, read_scalar(value, pointer, operand));
  const auto placed = [&](Error error) { return std::move(error).at_pointer(pointer); };
  switch (operand) {
    case Operand::date_time: {
      auto time = parse_time(text);
      if (!time) return placed(time.error());
      constraint.time = *time;
      return {};
    }
    case Operand::elapsed_time:
    case Operand::delay_period: {
      auto duration = parse_duration(text);
      if (!duration) return placed(duration.error());
      constraint.duration = *duration;
      return {};
    }
    case Operand::min_cell_size: {
      SLUIS_TRY(constraint.number, read_count(text, pointer));
      return {};
    }
    case Operand::cell_group: {
      SLUIS_TRY(constraint.values, read_group(text, pointer));
      return {};
    }
    case Operand::purpose:
    case Operand::recipient:
    case Operand::class_of_recipient:
    case Operand::cell_column: break;
  }
  constraint.values = {canonical_id(std::move(text), operand)};
  return {};
}

std::string describe_value(const Constraint& constraint) {
  switch (constraint.operand) {
    case Operand::date_time: return format_time(constraint.time);
    case Operand::elapsed_time:
    case Operand::delay_period: return format_duration(constraint.duration);
    case Operand::min_cell_size: return std::to_string(constraint.number);
    case Operand::cell_group: {
      std::string text = constraint.values.at(0) + " = ";
      for (std::size_t i = 1; i < constraint.values.size(); ++i) text += (i > 1 ? " + " : "") + constraint.values[i];
      return text;
    }
    case Operand::purpose:
    case Operand::recipient:
    case Operand::class_of_recipient:
    case Operand::cell_column: break;
  }
  std::string text;
  for (const std::string& value : constraint.values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

}  // namespace sluis::policy
