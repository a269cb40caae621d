#include "connector/base/limits.hpp"
#include "connector/node/cli/output.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"

#include <fmt/core.h>

#include <array>
#include <ostream>

/// `audit subject`: what the log says about one person, for two persons together.
namespace sluis::cli {
namespace {

constexpr std::size_t kIdBytes = 4096;  ///< of the file that has the id

struct Words {
  std::string type;
  std::string file;
  std::string basis;
  std::string confirm;
  std::string read;
  bool dry_run = false;
};

/// All pages. The lookup is that of the first.
Result<json::Value> read_all(Session& session, const std::string& id) {
  json::Value request = with_language(session);
  request.set("read", id);
  request.set("pageSize", limits::kPageMax);
  json::Value lookup;
  json::Array entries;
  while (true) {
    SLUIS_TRY(const json::Value answer, session.call("AuditService/Subject", request));
    if (const json::Value* found = answer.find("lookup"); found != nullptr && lookup.is_null()) lookup = *found;
    if (const json::Value* page = answer.find("entries"); page != nullptr && page->if_array() != nullptr) {
      entries.insert(entries.end(), page->if_array()->begin(), page->if_array()->end());
    }
    const std::string next = text_at(answer, "nextPageToken");
    if (next.empty()) return json::object({{"lookup", std::move(lookup)}, {"entries", json::Value(std::move(entries))}});
    request.set("pageToken", next);
  }
}

void tell_lookup(Session& session, const json::Value& lookup, bool dry_run) {
  const bool waits = text_at(lookup, "confirmedBy").empty();
  if (dry_run) session.with.err << say(session.options, "subject.dry") << '\n';
  session.with.err << say(session.options, waits ? "subject.waits" : "subject.confirmed", text_at(lookup, "id"), text_at(lookup, "askedBy"),
                          text_at(lookup, "basis"), text_at(lookup, "until"), text_at(lookup, "confirmedBy"))
                   << '\n';
}

void read(Session& session, const std::string& id) {
  const auto all = read_all(session, id);
  if (!all) return session.fail(all.error());
  if (session.options.output == "json") {
    session.with.out << json::serialise_pretty(*all);
    return;
  }
  tell_lookup(session, *all->find("lookup"), false);
  if (text_at(*all, "lookup.confirmedBy").empty()) return;
  constexpr std::array<Column, 9> kColumns{{{"INDEX", "index", "0"}, {"TIME", "time"}, {"KIND", "kind"}, {"PARTY", "counterparty"}, {"DATASET", "dataset"},
                                            {"PURPOSE", "purpose"}, {"ACTIVITY", "activity"}, {"DECISION", "decision"}, {"TRANSACTION", "transaction"}}};
  print_table(session.with.out, kColumns, *all->find("entries")->if_array());
}

void subject(Session& session, const Words& words) {
  if (!words.read.empty()) return read(session, words.read);
  json::Value request = with_language(session);
  if (words.dry_run) request.set("dryRun", true);
  if (words.type.empty() || words.file.empty() || (words.basis.empty() && words.confirm.empty())) {
    return session.fail(Error(ErrorCode::invalid_argument, "it is not said who is looked up, and why").mended_by("give --type and --id, with --basis or --confirm; or --read"), 2);
  }
  const auto id = read_line(words.file, kIdBytes);
  if (!id) return session.fail(id.error(), 2);
  request.set("type", words.type);
  request.set("id", *id);
  if (words.confirm.empty()) request.set("basis", words.basis);
  else request.set("confirm", words.confirm);
  const auto answer = session.call("AuditService/Subject", request);
  if (!answer) return session.fail(answer.error());
  const bool reads = !words.confirm.empty() && !words.dry_run;
  if (reads) return read(session, words.confirm);
  if (session.options.output == "json") {
    session.with.out << json::serialise_pretty(*answer);
  } else if (session.options.output == "name") {
    session.with.out << text_at(*answer, "lookup.id") << '\n';
  } else {
    tell_lookup(session, *answer->find("lookup"), words.dry_run);
  }
}

}  // namespace

void add_subject(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& look = verb(app, "audit", "subject", "what this log says about one person; one person asks, another names the same person and confirms, and the two read it for a day");
  look.add_option("--type", words->type, "of which kind the id is, as BSN");
  look.add_option("--id", words->file, "a file with the id: it stands in no flag and in no log");
  look.add_option("--basis", words->basis, "which request this answers, and nobody's name: it stays in the log");
  look.add_option("--confirm", words->confirm, "in place of --basis: the id of what another person asked for; it is shown now, where both named the same person");
  look.add_option("--read", words->read, "instead: the id of one that was confirmed; of one that waits, who asks and why");
  look.add_flag("--dry-run", words->dry_run, "says what would happen, and changes nothing");
  look.callback([session, words] { subject(*session, *words); });
}

}  // namespace sluis::cli
