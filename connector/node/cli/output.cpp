#include "connector/node/cli/output.hpp"

#include <algorithm>
#include <ostream>
#include <vector>

namespace sluis::cli {
namespace {

std::string scalar(const json::Value& value) {
  if (const auto* text = value.if_string()) return *text;
  if (const auto* number = value.if_number()) return number->text;
  if (const auto* flag = value.if_bool()) return *flag ? "yes" : "no";
  return {};
}

/// What a peer wrote must not move the cursor.
std::string printable(std::string text) {
  for (auto& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

std::string one_line(const json::Value& value) {
  if (const auto* list = value.if_array()) {
    std::string joined;
    for (const auto& item : *list) joined += (joined.empty() ? "" : ", ") + one_line(item);
    return joined;
  }
  if (value.if_object() != nullptr) return printable(json::serialise(value));
  return printable(scalar(value));
}

/// Code points, which is near enough to columns.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void print_row(std::ostream& out, const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out << cells[i];
    if (i + 1 < cells.size()) out << std::string(widths[i] - width(cells[i]) + 2, ' ');
  }
  out << '\n';
}

bool holds_nothing(const json::Value& value) {
  if (value.is_null()) return true;
  if (const auto* text = value.if_string()) return text->empty();
  if (const auto* list = value.if_array()) return list->empty();
  if (const auto* object = value.if_object()) return object->empty();
  return false;
}

bool needs_quotes(const std::string& text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return true;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == '/' || static_cast<unsigned char>(c) >= 0x80;
  };
  if (!std::all_of(text.begin(), text.end(), plain)) return true;
  const char first = text.front();
  static constexpr std::string_view kWords[] = {"true", "false", "null", "yes", "no", "on", "off"};
  return (first >= '0' && first <= '9') || first == '-' || first == '.' ||
         std::find(std::begin(kWords), std::end(kWords), text) != std::end(kWords);
}

/// JSON's strings are YAML's.
std::string yaml_scalar(const json::Value& value) {
  if (const auto* text = value.if_string(); text != nullptr && !needs_quotes(*text)) return *text;
  return json::serialise(value);
}

bool is_container(const json::Value& value) {
  return (value.if_array() != nullptr && !value.if_array()->empty()) ||
         (value.if_object() != nullptr && !value.if_object()->empty());
}

void print_item(std::ostream& out, const std::string& lead, const json::Value& value, unsigned depth) {
  if (is_container(value)) {
    out << lead << '\n';
    print_yaml(out, value, depth);
  } else {
    out << lead << ' ' << yaml_scalar(value) << '\n';
  }
}

}  // namespace

std::string file_text_at(const json::Value& row, std::string_view member) {
  const json::Value* at = row.find(member);
  const std::string* text = at != nullptr ? at->if_string() : nullptr;
  return text != nullptr ? *text : std::string();
}

std::string text_at(const json::Value& row, std::string_view path) {
  const json::Value* at = &row;
  while (!path.empty()) {
    const auto dot = path.find('.');
    at = at->find(path.substr(0, dot));
    if (at == nullptr) return {};
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return one_line(*at);
}

void print_table(std::ostream& out, std::span<const Column> columns, const json::Array& rows) {
  std::vector<std::vector<std::string>> lines(1);
  for (const auto& column : columns) lines.front().emplace_back(column.title);
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (const auto& column : columns) {
      auto text = text_at(row, column.path);
      cells.push_back(text.empty() ? std::string(column.absent) : std::move(text));
    }
    lines.push_back(std::move(cells));
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width(line[i]));
  }
  for (const auto& line : lines) print_row(out, line, widths);
}

void print_members(std::ostream& out, const json::Value& object, std::string_view indent) {
  const auto* members = object.if_object();
  if (members == nullptr) return;
  std::size_t widest = 0;
  for (const auto& [key, value] : *members) {
    if (!holds_nothing(value)) widest = std::max(widest, width(key));
  }
  const std::string deeper = std::string(indent) + "  ";
  for (const auto& [key, value] : *members) {
    if (holds_nothing(value)) continue;
    const auto* list = value.if_array();
    const bool objects = list != nullptr && list->front().if_object() != nullptr;
    if (value.if_object() != nullptr || objects) {
      out << indent << key << '\n';
      if (!objects) print_members(out, value, deeper);
      for (std::size_t i = 0; objects && i < list->size(); ++i) {
        if (i > 0) out << '\n';
        print_members(out, (*list)[i], deeper);
      }
    } else {
      out << indent << key << std::string(widest - width(key) + 2, ' ') << one_line(value) << '\n';
    }
  }
}

void print_yaml(std::ostream& out, const json::Value& value, unsigned depth) {
  const std::string indent(std::size_t{2} * depth, ' ');
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    for (const auto& [key, member] : *object) {
      print_item(out, indent + yaml_scalar(json::Value(key)) + ":", member, depth + 1);
    }
  } else if (const auto* list = value.if_array(); list != nullptr && !list->empty()) {
    for (const auto& item : *list) print_item(out, indent + "-", item, depth + 1);
  } else {
    out << indent << yaml_scalar(value) << '\n';
  }
}

}  // namespace sluis::cli
