#include "connector/management/activity_file.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "connector/json/json.hpp"
#include "policy/minimise/csv.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluis::management {
namespace {

constexpr std::string_view kFrom = "from";
constexpr std::string_view kUntil = "until";
constexpr std::string_view kActivities = "processingActivities";

std::vector<std::string_view> headings() {
  std::vector<std::string_view> names{kActivityId};
  for (const auto& field : activity_fields()) names.push_back(field.name);
  names.insert(names.end(), {kFrom, kUntil});
  return names;
}

const ActivityField* find_field(std::string_view name) {
  const auto fields = activity_fields();
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

Error refused(std::string message) { return {ErrorCode::invalid_argument, std::move(message)}; }

/// The heading that an error's pointer is about.
std::string_view heading_of(std::string_view pointer) {
  if (pointer.starts_with('/')) pointer.remove_prefix(1);
  pointer = pointer.substr(0, pointer.find('/'));
  return pointer == "id" ? kActivityId : pointer;
}

Result<Timestamp> read_time(std::string_view heading, const std::string& text) {
  auto time = parse_time(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (time) return time;
  return refused(fmt::format("`{}` is no time", text))
      .mended_by(fmt::format("write `{}` as 2026-11-26T12:00:00Z, or as a day: 2026-11-26", heading));
}

/// A value that is one text. `from` is set to the time of reading before.
Result<void> put(ActivityVersion& version, std::string_view heading, const std::string& text) {
  if (heading == kActivityId) {
    version.id = text;
  } else if (heading == kFrom || heading == kUntil) {
    if (text.empty()) return {};
    SLUIS_TRY(const Timestamp time, read_time(heading, text));
    if (heading == kFrom) version.from = time;
    else version.until = time;
  } else if (const auto* field = find_field(heading); field->text != nullptr) {
    version.*field->text = text;
  }
  return {};
}

bool is_list(std::string_view heading) {
  const auto* field = find_field(heading);
  return field != nullptr && field->list != nullptr;
}

std::vector<std::string> split(std::string_view cell) {
  std::vector<std::string> items;
  while (!cell.empty()) {
    const std::size_t end = std::min(cell.find('|'), cell.size());
    items.emplace_back(cell.substr(0, end));
    if (end + 1 == cell.size()) items.emplace_back();  // an item that is missing after the last sign
    cell.remove_prefix(std::min(cell.size(), end + 1));
  }
  return items;
}

class CsvFile {
 public:
  CsvFile(Timestamp now, const OnActivity& on_version) : now_(now), on_version_(on_version) {}

  Result<void> row(const policy::CsvRow& row) {
    if (row.number == 1) return header(row.fields);
    ActivityVersion version;
    version.from = now_;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (is_list(columns_[i])) {
        version.*find_field(columns_[i])->list = split(row.fields[i]);
      } else if (auto done = put(version, columns_[i], std::string(row.fields[i])); !done) {
        return in_column(done.error(), i);
      }
    }
    auto done = on_version_(std::move(version));
    if (done) return done;
    const auto column = std::find(columns_.begin(), columns_.end(), heading_of(done.error().place.pointer));
    const auto id = std::find(columns_.begin(), columns_.end(), kActivityId);
    return in_column(done.error(), static_cast<std::size_t>((column == columns_.end() ? id : column) - columns_.begin()));
  }

 private:
  static Error in_column(Error error, std::size_t index) {
    error.place = {};
    error.place.column = static_cast<std::uint32_t>(index + 1);
    return error;
  }

  Result<void> header(std::span<const std::string_view> fields) {
    const auto known = headings();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto found = std::find(known.begin(), known.end(), fields[i]);
      if (found == known.end()) {
        return in_column(refused(fmt::format("unknown column `{}`", fields[i])).mended_by(suggestion(fields[i], known)), i);
      }
      if (std::find(columns_.begin(), columns_.end(), *found) != columns_.end()) {
        return in_column(refused(fmt::format("the column `{}` is there twice", fields[i])), i);
      }
      columns_.push_back(*found);
    }
    for (const auto needed : {kActivityId, std::string_view("purpose")}) {
      if (std::find(columns_.begin(), columns_.end(), needed) != columns_.end()) continue;
      return in_column(refused(fmt::format("there is no column `{}`", needed))
                           .mended_by("the first line names the columns, with commas between"), 0);
    }
    return {};
  }

  Timestamp now_;
  const OnActivity& on_version_;
  std::vector<std::string_view> columns_;
};

Result<void> read_csv(std::string_view text, const std::string& file, Timestamp now, const OnActivity& on_version) {
  policy::CsvFormat format;
  format.file = file;
  policy::CsvReader reader(format);
  CsvFile rows(now, on_version);
  const auto on_row = [&](const policy::CsvRow& row) { return rows.row(row); };
  SLUIS_CHECK(reader.feed(text, on_row));
  return reader.finish(on_row);
}

class JsonFile {
 public:
  JsonFile(std::string_view text, const std::string& file, Timestamp now, const OnActivity& on_version)
      : text_(text), file_(file), now_(now), on_version_(on_version) {}

  Result<void> read() const {
    const auto document = json::parse(text_);
    if (!document) {
      Error error = document.error();
      error.place.file = file_;
      return error;
    }
    const auto* object = document->if_object();
    if (object == nullptr) return at(refused(expected()), "");
    for (const auto& [key, _] : *object) {
      if (key != kActivities) return at(refused(fmt::format("unknown key `{}`", key)).mended_by(expected()), json::pointer_to("", key));
    }
    const auto* list = document->find(kActivities);
    if (list == nullptr || list->if_array() == nullptr) return at(refused(expected()), "");
    const std::string base = json::pointer_to("", kActivities);
    for (std::size_t i = 0; i < list->if_array()->size(); ++i) {
      SLUIS_CHECK(item((*list->if_array())[i], json::pointer_to(base, i)));
    }
    return {};
  }

 private:
  static std::string expected() {
    return fmt::format("write an object with one key, `{}`: an array of activities", kActivities);
  }

  Error at(Error error, const std::string& pointer) const {
    error.place = json::locate(text_, pointer);
    error.place.file = file_;
    return error;
  }

  Result<void> item(const json::Value& value, const std::string& base) const {
    if (value.if_object() == nullptr) return at(refused("an activity is an object"), base);
    ActivityVersion version;
    version.from = now_;
    for (const auto& [key, member] : *value.if_object()) {
      const std::string pointer = json::pointer_to(base, key);
      const auto known = headings();
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        return at(refused(fmt::format("unknown key `{}`", key)).mended_by(suggestion(key, known)), pointer);
      }
      if (is_list(key)) {
        SLUIS_TRY(version.*find_field(key)->list, items(member, pointer));
        continue;
      }
      if (member.if_string() == nullptr) {
        return at(refused(fmt::format("`{}` is {}, and must be a string", key, member.kind())), pointer);
      }
      if (auto done = put(version, key, *member.if_string()); !done) return at(done.error(), pointer);
    }
    auto done = on_version_(std::move(version));
    if (done) return done;
    const auto heading = heading_of(done.error().place.pointer);
    return at(done.error(), value.find(heading) == nullptr ? base : json::pointer_to(base, heading));
  }

  Result<std::vector<std::string>> items(const json::Value& value, const std::string& pointer) const {
    if (value.if_array() == nullptr) {
      return at(refused(fmt::format("{} stands where an array of strings must be", value.kind())), pointer);
    }
    std::vector<std::string> out;
    for (std::size_t i = 0; i < value.if_array()->size(); ++i) {
      const auto* text = (*value.if_array())[i].if_string();
      if (text == nullptr) return at(refused("an item is a string"), json::pointer_to(pointer, i));
      out.push_back(*text);
    }
    return out;
  }

  std::string_view text_;
  const std::string& file_;
  Timestamp now_;
  const OnActivity& on_version_;
};

/// A time by its heading; empty where there is none.
std::string time_text(const ActivityVersion& version, std::string_view heading) {
  if (heading == kFrom) return format_time(version.from);
  return version.until ? format_time(*version.until) : std::string();
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : "|") + item;
  return out;
}

std::string text_of(const ActivityVersion& version, std::string_view heading) {
  if (heading == kActivityId) return version.id;
  const auto* field = find_field(heading);
  if (field == nullptr) return time_text(version, heading);
  return field->text != nullptr ? version.*field->text : joined(version.*field->list);
}

std::string write_csv(std::span<const ActivityVersion> versions) {
  std::string out;
  const auto names = headings();
  const auto line = [&](const auto& cell) {
    for (const auto name : names) {
      if (name != names.front()) out += ',';
      policy::write_field(out, cell(name), ',');
    }
    out += "\r\n";
  };
  line([](std::string_view name) { return std::string(name); });
  for (const auto& version : versions) line([&](std::string_view name) { return text_of(version, name); });
  return out;
}

std::string write_json(std::span<const ActivityVersion> versions) {
  json::Array list;
  for (const auto& version : versions) {
    json::Object object;
    for (const auto name : headings()) {
      if (is_list(name)) {
        json::Array items;
        for (const auto& item : version.*find_field(name)->list) items.emplace_back(item);
        if (!items.empty()) object.emplace_back(name, json::Value(std::move(items)));
      } else if (std::string text = text_of(version, name); !text.empty()) {
        object.emplace_back(name, std::move(text));
      }
    }
    list.emplace_back(std::move(object));
  }
  return json::serialise_pretty(json::object({{std::string(kActivities), json::Value(std::move(list))}}));
}

}  // namespace

Result<ActivityFormat> activity_format(std::string_view named, std::string_view file) {
  if (named == "csv" || (named.empty() && file.ends_with(".csv"))) return ActivityFormat::csv;
  if (named == "json" || (named.empty() && file.ends_with(".json"))) return ActivityFormat::json;
  return refused(named.empty() ? fmt::format("`{}` does not say whether it is CSV or JSON", file)
                               : fmt::format("`{}` is no form of a register", named))
      .at_pointer("/format")
      .mended_by("say `csv` or `json`, or let the file's name end in .csv or .json");
}

Result<void> read_activities(std::string_view text, const std::string& file, ActivityFormat format, Timestamp now,
                             const OnActivity& on_version) {
  if (text.size() > kActivityFileBytes) {
    return Error(ErrorCode::limit_exceeded, fmt::format("the register is larger than {} bytes", kActivityFileBytes))
        .at({file, 1, 1, ""})
        .mended_by("import it in parts");
  }
  std::size_t versions = 0;
  const OnActivity counted = [&](ActivityVersion version) -> Result<void> {
    if (++versions > kActivitiesPerFile) {
      return Error(ErrorCode::limit_exceeded, fmt::format("the register has more than {} versions", kActivitiesPerFile))
          .at_pointer("/id")
          .mended_by("import it in parts");
    }
    return on_version(std::move(version));
  };
  SLUIS_CHECK(format == ActivityFormat::csv ? read_csv(text, file, now, counted)
                                            : JsonFile(text, file, now, counted).read());
  if (versions > 0) return {};
  return refused("there is no activity in it").at({file, 1, 1, ""});
}

std::string write_activities(std::span<const ActivityVersion> versions, ActivityFormat format) {
  return format == ActivityFormat::csv ? write_csv(versions) : write_json(versions);
}

}  // namespace sluis::management
