#include "connector/base/limits.hpp"
#include "connector/base/toml.hpp"
#include "connector/management/activity_file.hpp"
#include "connector/node/cli/command.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"
#include "sluis/v1/register.pb.h"

#include <fmt/core.h>

#include <ostream>

namespace sluis::cli {
namespace {

struct Words {
  std::string file;
  std::string format;
  std::string at;
  std::vector<std::string> files;
  bool dry_run = false;
};

/// A key of the file, named as the field of the request is.
Result<void> read_field(TomlTable& table, const google::protobuf::FieldDescriptor& field, json::Value& request) {
  using Field = google::protobuf::FieldDescriptor;
  if (request.find(field.json_name()) != nullptr || field.type() == Field::TYPE_BOOL) return {};
  if (field.is_repeated()) {
    SLUIS_TRY(const auto texts, table.strings(field.name()));
    json::Array items(texts.begin(), texts.end());
    if (!items.empty()) request.set(field.json_name(), json::Value(std::move(items)));
  } else if (field.type() == Field::TYPE_STRING) {
    SLUIS_TRY(const auto text, table.optional_string(field.name()));
    if (text) request.set(field.json_name(), *text);
  } else {
    SLUIS_TRY(const auto time, table.optional_time(field.name()));
    if (time) request.set(field.json_name(), format_time(*time));
  }
  return {};
}

/// An activity's file: `id`, `purpose`, and if wanted the other fields of the request: `title`, `legal_basis`, `from`, …
Result<json::Value> read_activity(const std::string& file) {
  SLUIS_TRY(const auto text, read_text(file, limits::kTomlBytes));
  SLUIS_TRY(auto table, TomlTable::parse(text, file));
  SLUIS_TRY(const auto id, table.string("id"));
  SLUIS_TRY(const auto purpose, table.string("purpose"));
  auto request = json::object({{"id", id}, {"purpose", purpose_of(purpose)}});
  const auto* fields = v1::PublishActivityRequest::descriptor();
  for (int i = 0; i < fields->field_count(); ++i) {
    SLUIS_CHECK(read_field(table, *fields->field(i), request));
  }
  SLUIS_CHECK(table.finish());
  return request;
}

void publish_activity(Session& session, const Words& words) {
  auto request = read_activity(words.file);
  if (!request) return session.fail(request.error(), 1);
  if (words.dry_run) request->set("dryRun", true);
  const auto answer = session.call("ActivityService/Publish", *request);
  if (!answer) return session.fail(answer.error());
  static const Command kShown = {"activity", "publish", "", "", {}, "activity", {}, "id"};
  if (text_at(*answer, "unchanged") == "yes") session.with.err << say(session.options, "unchanged") << '\n';
  print(session, kShown, *answer);
}

/// A version from its row in a list.
Result<management::ActivityVersion> version_of(const json::Value& row) {
  management::ActivityVersion version;
  version.id = text_at(row, "id");
  for (const auto& field : management::activity_fields()) {
    const auto* value = row.find(field.name);
    if (value == nullptr) continue;
    if (field.text != nullptr && value->if_string() != nullptr) version.*field.text = *value->if_string();
    if (field.list == nullptr || value->if_array() == nullptr) continue;
    for (const auto& item : *value->if_array()) {
      if (item.if_string() != nullptr) (version.*field.list).push_back(*item.if_string());
    }
  }
  SLUIS_TRY(version.from, parse_time(text_at(row, "from")));
  if (row.find("until") != nullptr) {
    SLUIS_TRY(version.until, parse_time(text_at(row, "until")));
  }
  return version;
}

/// All versions, or those that held at a time, page by page.
Result<std::vector<management::ActivityVersion>> all_activities(Session& session, const std::string& at) {
  auto request = json::object({{"pageSize", std::uint64_t{limits::kPageMax}}});
  if (at.empty()) request.set("allVersions", true);
  else request.set("at", at.size() == 10 ? at + "T00:00:00Z" : at);
  std::vector<management::ActivityVersion> versions;
  while (true) {
    SLUIS_TRY(const auto answer, session.call("ActivityService/List", request));
    const auto* rows = answer.find("activities");
    for (const auto& row : rows == nullptr ? json::Array() : *rows->if_array()) {
      SLUIS_TRY(auto version, version_of(row));
      versions.push_back(std::move(version));
    }
    const auto next = text_at(answer, "nextPageToken");
    if (next.empty()) return versions;
    request.set("pageToken", next);
  }
}

void export_activities(Session& session, const Words& words) {
  const bool named = !words.format.empty() || !words.file.empty();
  const auto format = named ? management::activity_format(words.format, words.file)
                            : Result<management::ActivityFormat>(session.options.output == "json"
                                                                     ? management::ActivityFormat::json
                                                                     : management::ActivityFormat::csv);
  if (!format) return session.fail(format.error(), 2);
  const auto versions = all_activities(session, words.at);
  if (!versions) return session.fail(versions.error());
  const auto text = management::write_activities(*versions, *format);
  if (words.file.empty()) {
    session.with.out << text;
    return;
  }
  if (const auto done = write_text(words.file, text); !done) return session.fail(done.error());
  session.with.err << say(session.options, "written", words.file) << '\n';
}

/// Each file as a publication would read it.
void check_files(Session& session, const std::vector<std::string>& files) {
  for (const auto& file : files) {
    const auto text = read_text(file, limits::kTomlBytes);
    if (!text) {
      session.fail(text.error());
      continue;
    }
    const auto answer = session.call("DatasetService/Publish",
                                     json::object({{"toml", *text}, {"file", file}, {"dryRun", true}}));
    // Published just so already is as good as fit to be published.
    if (!answer && answer.error().code != ErrorCode::conflict) {
      session.fail(answer.error());
      continue;
    }
    session.with.out << say(session.options, "check.good", file) << '\n';
  }
}

/// Everything on offer: an assessment that is over keeps a dataset from being served.
void check_offered(Session& session) {
  auto request = json::object({{"pageSize", std::uint64_t{limits::kPageMax}}});
  const auto now = session.with.clock.now();
  while (true) {
    const auto answer = session.call("DatasetService/List", request);
    if (!answer) return session.fail(answer.error());
    const auto* rows = answer->find("datasets");
    for (const auto& row : rows == nullptr ? json::Array() : *rows->if_array()) {
      const auto until = parse_time(text_at(row, "personal.until"));
      const std::string id = text_at(row, "id");
      if (!until || *until <= now) {
        session.with.out << say(session.options, "check.over", id) << '\n';
        session.leave(1);
      } else if (*until <= now + std::chrono::days(30)) {
        session.with.out << say(session.options, "check.soon", id, format_time(*until)) << '\n';
      } else {
        session.with.out << say(session.options, "check.good", id) << '\n';
      }
    }
    const auto next = text_at(*answer, "nextPageToken");
    if (next.empty()) return;
    request.set("pageToken", next);
  }
}

}  // namespace

void add_register(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& publish = verb(app, "activity", "publish", "registers a processing activity, or a new version of one");
  publish.add_option("FILE", words->file, "a TOML file: id, purpose, title, legal_basis, controller, from, until, …")->required();
  publish.add_flag("--dry-run", words->dry_run, "says what would happen, and changes nothing");
  publish.callback([session, words] { publish_activity(*session, *words); });

  auto& write = verb(app, "activity", "export", "writes the register, with all its versions, as CSV or JSON");
  write.add_option("-O", words->file, "the file to write");
  write.add_option("--format", words->format, "csv or json; as the file's name ends, unless given");
  write.add_option("--at", words->at, "only what held then");
  write.callback([session, words] { export_activities(*session, *words); });

  auto& check = verb(app, "catalog", "check", "whether dataset files, or else all on offer, are fit to be served");
  check.add_option("FILE", words->files, "dataset files");
  check.callback([session, words] {
    words->files.empty() ? check_offered(*session) : check_files(*session, words->files);
  });
}

}  // namespace sluis::cli
