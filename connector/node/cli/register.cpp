#include "connector/base/limits.hpp"
#include "connector/base/toml.hpp"
#include "connector/node/cli/command.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"

#include <fmt/core.h>

#include <ostream>

namespace sluis::cli {
namespace {

struct Words {
  std::string file;
  std::vector<std::string> files;
  bool dry_run = false;
};

/// An activity's file: `id`, `purpose`, and if wanted `title`, `from`, `until`.
Result<json::Value> read_activity(const std::string& file) {
  SLUIS_TRY(const auto text, read_text(file, limits::kTomlBytes));
  SLUIS_TRY(auto table, TomlTable::parse(text, file));
  SLUIS_TRY(const auto id, table.string("id"));
  SLUIS_TRY(const auto purpose, table.string("purpose"));
  SLUIS_TRY(const auto title, table.optional_string("title"));
  SLUIS_TRY(const auto from, table.optional_time("from"));
  SLUIS_TRY(const auto until, table.optional_time("until"));
  SLUIS_CHECK(table.finish());
  auto request = json::object({{"id", id}, {"purpose", purpose_of(purpose)}});
  if (title) request.set("title", *title);
  if (from) request.set("from", format_time(*from));
  if (until) request.set("until", format_time(*until));
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
  publish.add_option("FILE", words->file, "a TOML file: id, purpose, title, from, until")->required();
  publish.add_flag("--dry-run", words->dry_run, "says what would happen, and changes nothing");
  publish.callback([session, words] { publish_activity(*session, *words); });

  auto& check = verb(app, "catalog", "check", "whether dataset files, or else all on offer, are fit to be served");
  check.add_option("FILE", words->files, "dataset files");
  check.callback([session, words] {
    words->files.empty() ? check_offered(*session) : check_files(*session, words->files);
  });
}

}  // namespace sluis::cli
