#include "policy/odrl/values.hpp"

#include "connector/base/limits.hpp"
#include "policy/odrl/transforms.hpp"
#include "policy/purpose/legal_bases.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::policy {
namespace {

constexpr std::string_view kXsd = "http://www.w3.org/2001/XMLSchema#";
constexpr std::int64_t kMillion = 1'000'000;
constexpr std::int64_t kMostMonths = 12'000;

Error refused(std::string message, const std::string& pointer) {
  return Error(ErrorCode::invalid_argument, std::move(message)).at_pointer(pointer);
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

/// Types a literal may say that it has, for each kind of operand.
bool type_fits(std::string_view type, Operand operand) {
  const bool named = kind(operand) == Kind::names || kind(operand) == Kind::purpose;
  if (type.starts_with("xsd:")) type.remove_prefix(4);
  else if (type.starts_with(kXsd)) type.remove_prefix(kXsd.size());
  else return type == "@id" && named;
  switch (kind(operand)) {
    case Kind::instant: return is_one_of(type, {"dateTime", "dateTimeStamp", "date"});
    case Kind::elapsed: return is_one_of(type, {"duration", "dayTimeDuration", "yearMonthDuration"});
    case Kind::delay:
    case Kind::metered: return is_one_of(type, {"duration", "dayTimeDuration"});
    case Kind::count: return is_one_of(type, {"integer", "nonNegativeInteger", "positiveInteger", "int"});
    case Kind::decimal:
      return is_one_of(type, {"decimal", "integer", "nonNegativeInteger", "positiveInteger", "int"});
    case Kind::transform:
      if (parameter(operand).form == Parameter::Form::decimal && type == "decimal") return true;
      if (parameter(operand).form != Parameter::Form::whole) return is_one_of(type, {"string", "duration"});
      return is_one_of(type, {"integer", "nonNegativeInteger", "positiveInteger", "int"});
    case Kind::purpose:
    case Kind::names: return is_one_of(type, {"string", "anyURI", "language", "token"});
  }
  return false;
}

Result<std::string> read_string(const json::Value& value, const std::string& pointer) {
  const std::string* text = value.if_string();
  if (text == nullptr) {
    return refused("a value is a string, not " + std::string(value.kind()), pointer)
        .mended_by("numbers travel as strings too");
  }
  if (text->empty() || text->size() > limits::kIdBytes) {
    return refused("a value has 1 to " + std::to_string(limits::kIdBytes) + " bytes", pointer);
  }
  return *text;
}

struct Scalar {
  std::string text;
  bool day = false;  ///< typed xsd:date
};

Result<Scalar> read_scalar(const json::Value& value, const std::string& pointer, Operand operand) {
  const json::Object* object = value.if_object();
  if (object == nullptr) {
    SLUIS_TRY(std::string text, read_string(value, pointer));
    return Scalar{std::move(text), false};
  }
  for (const auto& [key, member] : *object) {
    if (key != "@value" && key != "@type" && key != "@id") {
      return refused("unknown key " + in_backticks(key) + " in a value", json::pointer_to(pointer, key))
          .mended_by("known are `@value`, `@type`, `@id`");
    }
  }
  if (const json::Value* id = value.find("@id")) {
    if (object->size() != 1) return refused("`@id` stands alone in a value", pointer);
    if (kind(operand) != Kind::purpose && kind(operand) != Kind::names) {
      return refused("this operand takes a literal, not an `@id`", pointer);
    }
    SLUIS_TRY(std::string text, read_string(*id, json::pointer_to(pointer, "@id")));
    return Scalar{std::move(text), false};
  }
  const json::Value* literal = value.find("@value");
  if (literal == nullptr) return refused("a value needs `@value` or `@id`", pointer);
  bool day = false;
  if (const json::Value* type = value.find("@type")) {
    const std::string* name = type->if_string();
    if (name == nullptr || !type_fits(*name, operand)) {
      return refused("the type " + in_backticks(name != nullptr ? *name : type->kind()) + " does not fit `" +
                         std::string(to_string(operand)) + "`",
                     json::pointer_to(pointer, "@type"));
    }
    day = kind(operand) == Kind::instant && name->ends_with("date");
  }
  SLUIS_TRY(std::string text, read_string(*literal, json::pointer_to(pointer, "@value")));
  return Scalar{std::move(text), day};
}

/// The values of a set operator: an array, one string, or a string that holds an array, as another connector sends it.
Result<std::vector<std::string>> read_list(const json::Value& value, const std::string& pointer, Operand operand) {
  json::Value held;
  const json::Value* list = &value;
  const json::Value* literal = value.find("@value");
  const json::Value& carrier = literal != nullptr && value.if_object()->size() == 1 ? *literal : value;
  if (const std::string* text = carrier.if_string(); text != nullptr && text->starts_with('[')) {
    auto parsed = json::parse(*text);
    if (!parsed) return refused("this string starts like an array and is none", pointer);
    held = std::move(*parsed);
    list = &held;
  }
  const json::Array single{*list};
  const json::Array* array = list->if_array();
  if (array == nullptr) array = &single;
  if (array->empty()) return refused("a list of nothing decides nothing", pointer);
  if (array->size() > limits::kValuesPerConstraint) {
    return Error(ErrorCode::limit_exceeded,
                 "more than " + std::to_string(limits::kValuesPerConstraint) + " values")
        .at_pointer(pointer)
        .mended_by("name what they have in common: a class in place of its parties, a purpose in place of all that are narrower");
  }
  std::vector<std::string> values;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string at = list->if_array() == nullptr || list == &held ? pointer : json::pointer_to(pointer, i);
    SLUIS_TRY(Scalar one, read_scalar((*array)[i], at, operand));
    values.push_back(std::move(one.text));
  }
  return values;
}

Result<std::int64_t> read_whole(const std::string& text, std::int64_t least, std::int64_t most,
                                const std::string& pointer) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    return refused(in_backticks(text) + " is not a whole number from " + std::to_string(least) + " to " +
                       std::to_string(most), pointer);
  }
  return number;
}

Result<void> read_instant(const Scalar& scalar, const std::string& pointer, Constraint& constraint) {
  const std::string& text = scalar.text;
  // Without a type a value of ten characters and a zone can only be a day.
  const bool day = scalar.day || (text.size() > 10 && text.find('T') == std::string::npos);
  if (day) {
    if (text.size() <= 10) {
      return refused(in_backticks(text) + " has no zone, so it begins anywhere within 26 hours", pointer)
          .mended_by("write it like `2026-11-26Z` or `2026-11-26+01:00`");
    }
    auto start = parse_time(text.substr(0, 10) + "T00:00:00" + text.substr(10));
    if (!start)
      return refused(in_backticks(text) + " is not a date with a zone", pointer)
          .mended_by("write it like `2026-11-26Z`");
    constraint.time = *start;
    constraint.until = *start + std::chrono::days(1);
    return {};
  }
  if (text.find("T24:") != std::string::npos) {
    return refused(in_backticks(text) + " names the end of a day", pointer)
        .mended_by("write `00:00:00` of the next day");
  }
  auto time = parse_time(text);
  if (!time) return Error(time.error()).at_pointer(pointer);
  constraint.time = *time;
  return {};
}

/// An xsd:duration with years and months: these into `months`, the rest as base reads it.
Result<void> read_period(const std::string& text, const std::string& pointer, Constraint& constraint) {
  const Error bad = refused(in_backticks(text) + " is not a duration", pointer)
                        .mended_by("write it like `P7D`, `P1M`, `PT36H` or `PT1.5S`");
  if (!text.starts_with('P')) return bad;
  std::size_t at = 1;
  std::int64_t months = 0;
  for (const auto& [unit, size] : {std::pair{'Y', 12}, std::pair{'M', 1}}) {
    std::size_t end = at;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    if (end == at || end == text.size() || text[end] != unit) continue;
    std::int64_t number = 0;
    const auto [ignored, error] = std::from_chars(text.data() + at, text.data() + end, number);
    if (error != std::errc() || number > kMostMonths) return bad;
    months += number * size;
    at = end + 1;
  }
  if (months > kMostMonths) return bad;
  constraint.months = months;
  constraint.duration = Duration(0);
  if (at == text.size() && at > 1) return {};
  auto rest = parse_duration("P" + text.substr(at));
  if (!rest) return rest.error().message.ends_with("is not a duration") ? bad : Error(rest.error()).at_pointer(pointer);
  constraint.duration = *rest;
  return {};
}

Result<void> read_single(const Scalar& scalar, const std::string& pointer, Constraint& constraint) {
  switch (kind(constraint.operand)) {
    case Kind::instant: return read_instant(scalar, pointer, constraint);
    case Kind::elapsed: return read_period(scalar.text, pointer, constraint);
    case Kind::delay:
    case Kind::metered: {
      auto duration = parse_duration(scalar.text);
      if (!duration) return Error(duration.error()).at_pointer(pointer);
      constraint.duration = *duration;
      return {};
    }
    case Kind::count: {
      SLUIS_TRY(constraint.number, read_whole(scalar.text, 0, 1'000'000'000'000, pointer));
      return {};
    }
    case Kind::decimal: {
      auto number = parse_decimal(scalar.text);
      if (!number) return Error(number.error()).at_pointer(pointer);
      constraint.number = *number;
      return {};
    }
    case Kind::transform: return read_parameter(scalar.text, pointer, constraint);
    case Kind::purpose:
    case Kind::names: break;
  }
  constraint.values = {canonical_name(scalar.text, constraint.operand)};
  return {};
}

}  // namespace

std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

std::string canonical_name(std::string text, Operand operand) {
  if (operand == Operand::purpose) return expand_purpose(text);
  if (operand == Operand::class_of_recipient) return std::string(short_class(text));
  if (operand == Operand::legal_basis) return expand_legal_basis(text);
  if (operand == Operand::language) {
    for (char& c : text) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return text;
}

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

Result<std::int64_t> parse_decimal(std::string_view text) {
  const Error bad = Error(ErrorCode::invalid_argument, in_backticks(text) + " is not a decimal number")
                        .mended_by("at most 12 digits, and 6 after a point, like `12.50`");
  std::string_view rest = text;
  const bool minus = rest.starts_with('-');
  if (minus) rest.remove_prefix(1);
  std::int64_t number = 0;
  std::size_t whole = 0, fraction = 0;
  bool point = false;
  for (const char c : rest) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return bad;
    ++(point ? fraction : whole);
    if (whole > 12 || fraction > 6) return bad;
    number = number * 10 + (c - '0');
  }
  if (whole == 0 || (point && fraction == 0)) return bad;
  for (; fraction < 6; ++fraction) number *= 10;
  return minus ? -number : number;
}

std::string format_decimal(std::int64_t millionths) {
  const std::int64_t size = millionths < 0 ? -millionths : millionths;
  std::string text = (millionths < 0 ? "-" : "") + std::to_string(size / kMillion);
  if (const std::int64_t fraction = size % kMillion; fraction != 0) {
    std::string digits = std::to_string(kMillion + fraction).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += "." + digits;
  }
  return text;
}

std::string format_period(std::int64_t months, Duration rest) {
  if (months == 0) return format_duration(rest);
  std::string text = "P";
  if (months >= 12) text += std::to_string(months / 12) + "Y";
  if (months % 12 != 0) text += std::to_string(months % 12) + "M";
  return rest.count() == 0 ? text : text + format_duration(rest).substr(1);
}

Timestamp add_period(Timestamp from, std::int64_t months, Duration rest) noexcept {
  if (months != 0) {
    const auto day = std::chrono::floor<std::chrono::days>(from);
    const std::chrono::year_month_day date(day);
    const auto month = date.year() / date.month() + std::chrono::months(months);
    const std::chrono::year_month_day_last last(month.year(), std::chrono::month_day_last(month.month()));
    const auto moved = month / std::min(date.day(), last.day());
    from = std::chrono::sys_days(moved) + (from - day);
  }
  constexpr std::int64_t kEnd = Timestamp::max().time_since_epoch().count();
  const std::int64_t at = from.time_since_epoch().count();
  return rest.count() > 0 && at > kEnd - rest.count() ? Timestamp::max() : from + rest;
}

Result<void> read_right_operand(const json::Value& value, const std::string& pointer, Constraint& constraint) {
  if (takes_list(constraint.op)) {
    SLUIS_TRY(std::vector<std::string> list, read_list(value, pointer, constraint.operand));
    if (kind(constraint.operand) == Kind::transform) {
      for (const std::string& one : list) SLUIS_CHECK(read_parameter(one, pointer, constraint));
      return {};
    }
    constraint.values = std::move(list);
    for (std::string& one : constraint.values) one = canonical_name(std::move(one), constraint.operand);
    return {};
  }
  SLUIS_TRY(const Scalar scalar, read_scalar(value, pointer, constraint.operand));
  return read_single(scalar, pointer, constraint);
}

std::string describe_value(const Constraint& constraint) {
  const std::string unit = constraint.unit.empty() ? "" : " " + constraint.unit;
  switch (kind(constraint.operand)) {
    case Kind::instant:
      if (!constraint.until) return format_time(constraint.time);
      return "the day from " + format_time(constraint.time);
    case Kind::elapsed: return format_period(constraint.months, constraint.duration);
    case Kind::delay:
    case Kind::metered: return format_duration(constraint.duration);
    case Kind::count: return std::to_string(constraint.number);
    case Kind::decimal: return format_decimal(constraint.number) + unit;
    case Kind::transform:
      if (parameter(constraint.operand).form == Parameter::Form::whole) return std::to_string(constraint.number);
      if (constraint.operand == Operand::cell_group) {
        std::string text = constraint.values.at(0) + " = ";
        for (std::size_t i = 1; i < constraint.values.size(); ++i) text += (i > 1 ? " + " : "") + constraint.values[i];
        return text;
      }
      break;
    case Kind::purpose:
    case Kind::names: break;
  }
  std::string text;
  for (const std::string& value : constraint.values) text += (text.empty() ? "" : ", ") + value;
  return text;
}

std::string content(const Constraint& constraint) {
  if (constraint.logic == Logic::atom) {
    Constraint sorted = constraint;
    // The first column of a sum is its total.
    if (kind(constraint.operand) != Kind::transform) std::sort(sorted.values.begin(), sorted.values.end());
    return std::string(to_string(constraint.operand)) + " " + std::string(to_string(constraint.op)) + " " +
           describe_value(sorted);
  }
  std::vector<std::string> parts;
  for (const Constraint& one : constraint.operands) parts.push_back(content(one));
  std::sort(parts.begin(), parts.end());
  std::string text(to_string(constraint.logic));
  for (const std::string& part : parts) text += "(" + part + ")";
  return text;
}

}  // namespace sluis::policy
