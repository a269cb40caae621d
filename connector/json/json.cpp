#include "connector/json/json.hpp"

#include "connector/base/limits.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <charconv>
#include <unordered_set>

namespace sluis::json {
namespace {

/// Builds the tree from the parser's events.
class Handler {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  using Code = boost::system::error_code;
  using Text = boost::json::string_view;

  explicit Handler(std::size_t values) : values_left_(values) {}

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code& ec) { return open(Value(Object{}), ec); }
  bool on_array_begin(Code& ec) { return open(Value(Array{}), ec); }
  bool on_object_end(std::size_t, Code& ec) {
    if (!unique_keys(*stack_.back().value.if_object(), ec)) return false;
    return close(ec);
  }
  bool on_array_end(std::size_t, Code& ec) { return close(ec); }
  bool on_key_part(Text part, std::size_t, Code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_key(Text part, std::size_t, Code&) {
    text_.append(part.data(), part.size());
    stack_.back().key = std::exchange(text_, {});
    return true;
  }
  bool on_string_part(Text part, std::size_t, Code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(Text part, std::size_t, Code& ec) {
    text_.append(part.data(), part.size());
    return add(Value(std::exchange(text_, {})), ec);
  }
  bool on_number_part(Text part, Code&) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t, Text part, Code& ec) { return number(part, ec); }
  bool on_uint64(std::uint64_t, Text part, Code& ec) { return number(part, ec); }
  bool on_double(double, Text part, Code& ec) { return number(part, ec); }
  bool on_bool(bool value, Code& ec) { return add(Value(value), ec); }
  bool on_null(Code& ec) { return add(Value(), ec); }
  bool on_comment_part(Text, Code&) { return true; }
  bool on_comment(Text, Code&) { return true; }

  Value take() { return std::move(root_); }
  const std::string& complaint() const { return complaint_; }

 private:
  struct Level {
    Value value;
    std::string key;
  };

  bool refuse(std::string why, Code& ec) {
    complaint_ = std::move(why);
    ec = boost::json::error::syntax;
    return false;
  }
  bool number(Text part, Code& ec) {
    text_.append(part.data(), part.size());
    return add(Value(Number{std::exchange(text_, {})}), ec);
  }
  bool count(Code& ec) {
    if (values_left_ == 0) return refuse("more values than a document may hold", ec);
    --values_left_;
    return true;
  }
  bool open(Value value, Code& ec) {
    if (!count(ec)) return false;
    stack_.push_back({std::move(value), {}});
    return true;
  }
  bool close(Code&) {
    Value value = std::move(stack_.back().value);
    stack_.pop_back();
    attach(std::move(value));
    return true;
  }
  bool add(Value value, Code& ec) {
    if (!count(ec)) return false;
    attach(std::move(value));
    return true;
  }
  void attach(Value value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (Array* array = stack_.back().value.if_array()) {
      array->push_back(std::move(value));
    } else {
      stack_.back().value.if_object()->emplace_back(std::exchange(stack_.back().key, {}), std::move(value));
    }
  }
  bool unique_keys(const Object& object, Code& ec) {
    std::unordered_set<std::string_view> seen;
    for (const Member& member : object) {
      if (!seen.insert(member.first).second) return refuse("the key `" + member.first + "` appears twice", ec);
    }
    return true;
  }

  std::vector<Level> stack_;
  std::string text_;
  std::string complaint_;
  Value root_;
  std::size_t values_left_;
};

Place line_and_column(std::string_view text, std::size_t offset) {
  Place place;
  place.line = 1;
  place.column = 1;
  for (std::size_t i = 0; i < std::min(offset, text.size()); ++i) {
    if (text[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else {
      ++place.column;
    }
  }
  return place;
}

void write_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (byte < 0x20) {
          out += "\\u00";
          out += digits[byte >> 4U];
          out += digits[byte & 15U];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void new_line(std::string& out, int indent) { out.append("\n").append(static_cast<std::size_t>(indent) * 2, ' '); }

/// `indent` < 0: compact.
void write(std::string& out, const Value& value, int indent) {
  const int inner = indent < 0 ? indent : indent + 1;
  if (const Object* object = value.if_object()) {
    out += '{';
    for (std::size_t i = 0; i < object->size(); ++i) {
      if (i != 0) out += ',';
      if (inner >= 0) new_line(out, inner);
      write_string(out, (*object)[i].first);
      out += inner >= 0 ? ": " : ":";
      write(out, (*object)[i].second, inner);
    }
    if (inner >= 0 && !object->empty()) new_line(out, indent);
    out += '}';
  } else if (const Array* array = value.if_array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i != 0) out += ',';
      if (inner >= 0) new_line(out, inner);
      write(out, (*array)[i], inner);
    }
    if (inner >= 0 && !array->empty()) new_line(out, indent);
    out += ']';
  } else if (const std::string* text = value.if_string()) {
    write_string(out, *text);
  } else if (const Number* number = value.if_number()) {
    out += number->text;
  } else if (const bool* truth = value.if_bool()) {
    out += *truth ? "true" : "false";
  } else {
    out += "null";
  }
}

/// Order of UTF-16 code units, which RFC 8785 section 3.2.3 asks for. It differs from byte order only where a
/// surrogate pair (a four-byte sequence, lead byte 0xF0 and up) meets U+E000..U+FFFF (lead byte 0xEE, 0xEF).
bool utf16_less(std::string_view a, std::string_view b) {
  const auto [left, right] = std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
  if (left == a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()))) return a.size() < b.size();
  const auto x = static_cast<unsigned char>(*left);
  const auto y = static_cast<unsigned char>(*right);
  const bool x_pair = x >= 0xF0;
  const bool y_pair = y >= 0xF0;
  if (x_pair != y_pair) {
    if (x_pair && y >= 0xEE) return true;
    if (y_pair && x >= 0xEE) return false;
  }
  return x < y;
}

Result<void> write_canonical(std::string& out, const Value& value, const std::string& pointer) {
  if (const Object* object = value.if_object()) {
    std::vector<const Member*> members;
    members.reserve(object->size());
    for (const Member& member : *object) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](const Member* a, const Member* b) { return utf16_less(a->first, b->first); });
    out += '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i != 0) out += ',';
      write_string(out, members[i]->first);
      out += ':';
      SLUIS_CHECK(write_canonical(out, members[i]->second, pointer_to(pointer, members[i]->first)));
    }
    out += '}';
    return {};
  }
  if (const Array* array = value.if_array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i != 0) out += ',';
      SLUIS_CHECK(write_canonical(out, (*array)[i], pointer_to(pointer, i)));
    }
    out += ']';
    return {};
  }
  if (const Number* number = value.if_number()) {
    std::string_view digits = number->text;
    if (digits.starts_with('-')) digits.remove_prefix(1);
    const bool whole = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!whole || digits.size() > 15) {
      return Error(ErrorCode::invalid_argument, "`" + number->text + "` is no integer of at most 15 digits")
          .at_pointer(pointer)
          .mended_by("write it as a string");
    }
    out += number->text == "-0" ? "0" : number->text;
    return {};
  }
  write(out, value, -1);
  return {};
}

/// Walks a text that is known to be valid JSON.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void blank() {
    while (at_ < text_.size() && std::string_view(" \t\r\n,:").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  std::string string() {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2U : 1U;
    ++at_;
    auto parsed = parse(text_.substr(begin, at_ - begin));
    return parsed && parsed->if_string() ? *parsed->if_string() : std::string();
  }
  void skip() {
    blank();
    if (at_ >= text_.size()) return;
    if (text_[at_] == '"') {
      string();
    } else if (text_[at_] == '{' || text_[at_] == '[') {
      std::size_t depth = 0;
      do {
        const char c = text_[at_];
        if (c == '"') {
          string();
          continue;
        }
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        ++at_;
      } while (depth != 0 && at_ < text_.size());
    } else {
      while (at_ < text_.size() && std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos) ++at_;
    }
  }
  /// Moves to the value of one step below the value here; whether it is there.
  bool step(std::string_view key) {
    blank();
    if (at_ >= text_.size()) return false;
    const bool object = text_[at_] == '{';
    if (!object && text_[at_] != '[') return false;
    ++at_;
    for (std::size_t index = 0;; ++index) {
      blank();
      if (at_ >= text_.size() || text_[at_] == '}' || text_[at_] == ']') return false;
      if (object) {
        const bool here = string() == key;
        blank();
        if (here) return true;
      } else if (std::to_string(index) == key) {
        return true;
      }
      skip();
    }
  }
  std::size_t offset() {
    blank();
    return at_;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Bounds::Bounds() : bytes(limits::kJsonBytes), depth(limits::kJsonDepth), values(limits::kJsonValues) {}

const Value* Value::find(std::string_view key) const {
  const Object* object = if_object();
  if (object == nullptr) return nullptr;
  for (const Member& member : *object) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Value& Value::set(std::string_view key, Value value) {
  if (is_null()) data_ = Object{};
  Object* object = if_object();
  if (object == nullptr) return *this;
  for (Member& member : *object) {
    if (member.first == key) {
      member.second = std::move(value);
      return *this;
    }
  }
  object->emplace_back(std::string(key), std::move(value));
  return *this;
}

bool Value::erase(std::string_view key) {
  Object* object = if_object();
  return object != nullptr && std::erase_if(*object, [&](const Member& m) { return m.first == key; }) != 0;
}

std::string_view Value::kind() const {
  constexpr std::string_view names[] = {"null", "a boolean", "a number", "a string", "an array", "an object"};
  return names[data_.index()];
}

Result<Value> parse(std::string_view text, const Bounds& bounds) {
  if (text.size() > bounds.bytes) {
    return Error(ErrorCode::limit_exceeded, "the document has " + std::to_string(text.size()) + " bytes, at most " +
                                                std::to_string(bounds.bytes) + " are taken");
  }
  boost::json::parse_options options;
  options.max_depth = bounds.depth;
  boost::json::basic_parser<Handler> parser(options, bounds.values);
  boost::system::error_code ec;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && read < text.size()) ec = boost::json::error::extra_data;
  if (ec) {
    std::string why = parser.handler().complaint();
    ErrorCode code = ErrorCode::invalid_argument;
    if (why.empty()) {
      if (ec == boost::json::error::too_deep) {
        why = "nested deeper than " + std::to_string(bounds.depth) + " levels";
        code = ErrorCode::limit_exceeded;
      } else {
        why = "not valid JSON: " + ec.message();
      }
    } else if (why.starts_with("more values")) {
      code = ErrorCode::limit_exceeded;
    }
    return Error(code, std::move(why)).at(line_and_column(text, read));
  }
  return parser.handler().take();
}

std::string serialise(const Value& value) {
  std::string out;
  write(out, value, -1);
  return out;
}

std::string serialise_pretty(const Value& value) {
  std::string out;
  write(out, value, 0);
  return out + "\n";
}

Result<std::string> canonical(const Value& value) {
  std::string out;
  SLUIS_CHECK(write_canonical(out, value, ""));
  return out;
}

Place locate(std::string_view text, std::string_view pointer) {
  Scanner scanner(text);
  std::string_view rest = pointer;
  while (rest.starts_with('/')) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    std::string key;
    for (std::size_t i = 0; i < end; ++i) {
      if (rest[i] == '~' && i + 1 < end) {
        key += rest[++i] == '1' ? '/' : '~';
      } else {
        key += rest[i];
      }
    }
    rest.remove_prefix(end);
    if (!scanner.step(key)) break;
  }
  Place place = line_and_column(text, scanner.offset());
  place.pointer = std::string(pointer);
  return place;
}

std::string pointer_to(std::string_view base, std::string_view key) {
  std::string out(base);
  out += '/';
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string pointer_to(std::string_view base, std::size_t index) {
  return std::string(base) + "/" + std::to_string(index);
}

Result<std::string> required_string(const Value& object, std::string_view key, std::string_view pointer) {
  const Value* value = object.find(key);
  if (value == nullptr) {
    return Error(ErrorCode::invalid_argument, "`" + std::string(key) + "` is missing").at_pointer(std::string(pointer));
  }
  if (value->if_string() == nullptr) {
    return Error(ErrorCode::invalid_argument,
                 "`" + std::string(key) + "` must be a string, it is " + std::string(value->kind()))
        .at_pointer(pointer_to(pointer, key));
  }
  return *value->if_string();
}

Result<std::optional<std::string>> optional_string(const Value& object, std::string_view key,
                                                   std::string_view pointer) {
  if (object.find(key) == nullptr) return std::optional<std::string>();
  SLUIS_TRY(std::string text, required_string(object, key, pointer));
  return std::optional<std::string>(std::move(text));
}

Result<std::uint64_t> required_count(const Value& object, std::string_view key, std::string_view pointer) {
  const Value* value = object.find(key);
  const auto number = value == nullptr || value->if_number() == nullptr ? Result<std::int64_t>(std::int64_t{-1}) : to_integer(*value->if_number());
  if (number && *number >= 0) return static_cast<std::uint64_t>(*number);
  return Error(ErrorCode::invalid_argument, "`" + std::string(key) + "` must be a whole number that is not below zero")
      .at_pointer(pointer_to(pointer, key));
}

Result<std::int64_t> to_integer(const Number& number) {
  std::int64_t value = 0;
  const char* end = number.text.data() + number.text.size();
  const auto [at, ec] = std::from_chars(number.text.data(), end, value);
  if (ec != std::errc() || at != end) {
    return Error(ErrorCode::invalid_argument, "`" + number.text + "` is no integer");
  }
  return value;
}

}  // namespace sluis::json
