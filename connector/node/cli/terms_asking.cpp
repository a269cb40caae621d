#include "connector/base/limits.hpp"
#include "connector/node/cli/command.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <ostream>

/// Terms before anybody relies on them, and decisions in words.
namespace sluis::cli {
namespace {

struct Words {
  std::string file;
  std::string other;
  std::string as;
  std::string kind;
  std::string purpose;
  std::string at;
  std::string agreed;
  std::string replay;
  std::string dataset;
  std::string activity;
  std::vector<std::string> legal_basis;
  std::string impact_assessment;
  std::uint64_t count = 0;
  bool matrix = false;
  bool report = false;
};

/// JSON and YAML as they are; true when nothing is left to print.
bool printed(Session& session, const json::Value& answer, std::string_view name) {
  const auto& form = session.options.output;
  if (form == "json") session.with.out << json::serialise_pretty(answer);
  else if (form == "yaml") print_yaml(session.with.out, answer);
  else if (form == "name") session.with.out << text_at(answer, name) << '\n';
  return form != "table";
}

json::Array list_of(const json::Value& answer, std::string_view member) {
  const auto* found = answer.find(member);
  return found == nullptr || found->if_array() == nullptr ? json::Array() : *found->if_array();
}

void tell_notes(Session& session, const json::Value& answer) {
  for (const auto& note : list_of(answer, "notes")) session.with.err << say(session.options, "note", text_at(note, "")) << '\n';
}

void print_told(Session& session, const json::Value& answer) {
  for (const auto& sentence : list_of(answer, "told")) session.with.out << text_at(sentence, "") << '\n';
}

/// A file's text, or else the id of a published dataset.
Result<void> put_terms(json::Value& request, const std::string& named) {
  std::error_code ignored;
  if (!std::filesystem::exists(named, ignored) && !named.ends_with(".toml") && !named.ends_with(".json")) {
    request.set("dataset", named);
    return {};
  }
  SLUIS_TRY(auto text, read_text(named, limits::kTomlBytes));
  request.set("text", std::move(text));
  request.set("file", named);
  return {};
}

Result<std::string> time_of(const std::string& text) {
  const auto time = parse_time(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (time) return format_time(*time);
  return Error(ErrorCode::invalid_argument, fmt::format("`{}` is no time", text))
      .mended_by("write a time as 2026-11-26T12:00:00Z, or a day as 2026-11-26");
}

Result<void> put_time(json::Value& request, std::string_view field, const std::string& text) {
  if (text.empty()) return {};
  SLUIS_TRY(auto time, time_of(text));
  request.set(field, std::move(time));
  return {};
}

void check(Session& session, const Words& words) {
  auto request = with_language(session);
  const auto text = read_text(words.file, limits::kTomlBytes);
  if (!text) return session.fail(text.error(), 2);
  request.set("text", *text);
  request.set("file", words.file);
  const auto answer = session.call("TermsService/Check", request);
  if (!answer) return session.fail(answer.error());
  if (text_at(*answer, "refused") == "yes") session.leave(1);
  if (printed(session, *answer, "hash")) return;
  static const std::vector<Column> kParts = {{"KEPT BY", "keeper"}, {"PART", "part"}, {"WHY", "why"},
                                             {"WHERE", "pointer"}};
  session.with.out << "hash  " << text_at(*answer, "hash") << '\n';
  print_table(session.with.out, kParts, list_of(*answer, "parts"));
  tell_notes(session, *answer);
  const auto has = [](const json::Array& list, std::string_view member, std::string_view value) {
    return std::any_of(list.begin(), list.end(), [&](const json::Value& one) { return text_at(one, member) == value; });
  };
  if (has(list_of(*answer, "parts"), "keeper", "refused")) session.with.err << say(session.options, "terms.unkept") << '\n';
  if (has(list_of(*answer, "findings"), "kind", "nothing_permitted")) session.with.err << say(session.options, "terms.nothing") << '\n';
}

Result<json::Value> replay_request(Session& session, const Words& words) {
  auto request = with_language(session);
  SLUIS_TRY(auto text, read_text(words.file, limits::kTomlBytes));
  request.set("text", std::move(text));
  request.set("file", words.file);
  if (!words.dataset.empty()) request.set("dataset", words.dataset);
  const auto dots = words.replay.find("..");
  if (dots == std::string::npos) {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` is no period", words.replay))
        .mended_by("write FROM..TO, as 2026-11-01..2026-11-26; either may be left out");
  }
  SLUIS_CHECK(put_time(request, "from", words.replay.substr(0, dots)));
  SLUIS_CHECK(put_time(request, "until", words.replay.substr(dots + 2)));
  return request;
}

void replay(Session& session, const Words& words) {
  const auto request = replay_request(session, words);
  if (!request) return session.fail(request.error(), 2);
  const auto answer = session.call("TermsService/Replay", *request);
  if (!answer) return session.fail(answer.error());
  tell_notes(session, *answer);
  if (printed(session, *answer, "askedAgain")) return;
  auto& out = session.with.out;
  const auto count = [&](std::string_view member) {
    const auto text = text_at(*answer, member);
    return text.empty() ? std::string("0") : text;
  };
  out << say(session.options, "replay.simulation") << '\n'
      << say(session.options, "replay.counts", count("askedAgain"), count("newlyReleased"), count("newlyRefused"), count("stillReleased"),
             count("stillRefused"), count("unaffected"))
      << '\n';
  static const std::vector<Column> kItems = {{"TIME", "time"}, {"PARTY", "party"}, {"PURPOSE", "purpose"},
                                             {"BEFORE", "before"}, {"AFTER", "after"},
                                             {"TRANSACTION", "transaction"}, {"WHY", "sentence"}};
  for (const auto& [member, title] : {std::pair{"released", "replay.released"}, {"refused", "replay.refused"}}) {
    auto rows = list_of(*answer, member);
    if (rows.empty()) continue;
    for (json::Value& row : rows) {
      if (text_at(row, "transaction").empty()) row.set("transaction", text_at(row, "negotiation"));
    }
    out << '\n' << say(session.options, title) << '\n';
    print_table(out, kItems, rows);
  }
}

void test(Session& session, const Words& words) {
  if (!words.replay.empty()) return replay(session, words);
  auto request = with_language(session);
  const auto filled = [&]() -> Result<void> {
    SLUIS_CHECK(put_terms(request, words.file));
    SLUIS_CHECK(put_time(request, "at", words.at));
    return put_time(request, "agreed", words.agreed);
  }();
  if (!filled) return session.fail(filled.error(), 2);
  if (!words.as.empty()) request.set("participant", words.as);
  if (!words.kind.empty()) request.set("classOfRecipient", words.kind);
  if (!words.purpose.empty()) request.set("purpose", purpose_of(words.purpose));
  if (!words.activity.empty()) request.set("activity", words.activity);
  json::Array bases;
  for (const std::string& basis : words.legal_basis) bases.emplace_back(basis);
  if (!bases.empty()) request.set("legalBasis", json::Value(std::move(bases)));
  if (!words.impact_assessment.empty()) request.set("impactAssessment", words.impact_assessment);
  if (words.count != 0) request.set("uses", std::to_string(words.count));
  const auto answer = session.call("TermsService/Test", request);
  if (!answer) return session.fail(answer.error());
  if (printed(session, *answer, "decision.code")) return;
  print_told(session, *answer);
  session.with.out << "code  " << text_at(*answer, "decision.code") << '\n';
  const auto until = text_at(*answer, "validUntil");
  if (!until.empty()) session.with.out << "until " << until << '\n';
}

/// One table a dataset: a row for each purpose, a column for each class of party.
void print_matrix(Session& session, const json::Array& rows) {
  struct Table {
    std::string title;
    std::vector<std::string> classes;
    std::map<std::string, std::map<std::string, std::string>> cells;
  };
  std::vector<std::pair<std::string, Table>> tables;
  for (const auto& row : rows) {
    const auto id = text_at(row, "dataset");
    if (tables.empty() || tables.back().first != id) tables.push_back({id, {text_at(row, "title"), {}, {}}});
    auto& table = tables.back().second;
    const auto kind = text_at(row, "classOfRecipient");
    auto& classes = table.classes;
    if (std::find(classes.begin(), classes.end(), kind) == classes.end()) classes.push_back(kind);
    table.cells[text_at(row, "label")][kind] = text_at(row, "access");
  }
  for (const auto& [id, table] : tables) {
    session.with.out << table.title << " (" << id << ")\n";
    std::vector<Column> columns{{"PURPOSE", "purpose"}};
    for (const auto& kind : table.classes) columns.push_back({kind, kind});
    json::Array lines;
    for (const auto& [purpose, cells] : table.cells) {
      json::Value line = json::object({{"purpose", purpose}});
      for (const auto& [kind, access] : cells) line.set(kind, say(session.options, "access." + access));
      lines.push_back(std::move(line));
    }
    print_table(session.with.out, columns, lines);
  }
}

void explain_matrix(Session& session, const Words& words) {
  auto request = with_language(session);
  if (!words.file.empty()) request.set("dataset", words.file);
  if (!words.purpose.empty()) request.set("purposes", json::array({json::Value(purpose_of(words.purpose))}));
  const auto answer = session.call("TermsService/Matrix", request);
  if (!answer) return session.fail(answer.error());
  if (!printed(session, *answer, "rows")) print_matrix(session, list_of(*answer, "rows"));
}

void explain_terms(Session& session, const Words& words) {
  if (words.matrix) return explain_matrix(session, words);
  auto request = with_language(session);
  if (words.file.empty()) {
    return session.fail(Error(ErrorCode::invalid_argument, "no terms are named")
                            .mended_by("name a file or a dataset, or ask for --matrix"), 2);
  }
  const auto put = put_terms(request, words.file);
  if (!put) return session.fail(put.error(), 2);
  const auto answer = session.call("TermsService/Explain", request);
  if (!answer) return session.fail(answer.error());
  if (printed(session, *answer, "decidedBy.body")) return;
  for (const auto& line : list_of(*answer, "lines")) {
    const auto depth = text_at(line, "depth");
    const auto levels = depth.empty() ? 0U : static_cast<unsigned>(std::stoul(depth));
    session.with.out << std::string(std::size_t{2} * levels, ' ') << (levels == 0 ? "" : "- ") << text_at(line, "text")
                     << '\n';
  }
  const auto body = text_at(*answer, "decidedBy.body");
  if (body.empty()) return;
  session.with.out << (session.options.lang == "nl" ? "Besloten door: " : "Decided by: ") << body << " ("
                   << text_at(*answer, "decidedBy.kind") << ") " << text_at(*answer, "decidedBy.reference") << '\n';
}

void diff(Session& session, const Words& words) {
  auto request = with_language(session);
  const bool two = !words.other.empty();
  const std::string& after = two ? words.other : words.file;
  const auto filled = [&]() -> Result<void> {
    if (two) {
      SLUIS_TRY(auto before, read_text(words.file, limits::kTomlBytes));
      request.set("before", std::move(before));
      request.set("beforeFile", words.file);
    }
    SLUIS_TRY(auto text, read_text(after, limits::kTomlBytes));
    request.set("after", std::move(text));
    request.set("afterFile", after);
    return {};
  }();
  if (!filled) return session.fail(filled.error(), 2);
  const auto answer = session.call("TermsService/Diff", request);
  if (!answer) return session.fail(answer.error());
  if (printed(session, *answer, "changes")) return;
  static const std::vector<Column> kChanges = {{"CHANGE", "what"}, {"AGREEMENT", "agreement"}, {"DATASET", "dataset"},
                                               {"PEER", "peer"}, {"TEXT", "text"}};
  const auto changes = list_of(*answer, "changes");
  if (changes.empty()) session.with.err << "nothing changes\n";
  else print_table(session.with.out, kChanges, changes);
}

void explain_decision(Session& session, const Words& words) {
  auto request = with_language(session);
  request.set("decision", words.file);
  const auto answer = session.call("TermsService/ExplainDecision", request);
  if (!answer) return session.fail(answer.error());
  if (words.report) {
    tell_notes(session, *answer);
    session.with.out << text_at(*answer, "report") << '\n';
    return;
  }
  if (printed(session, *answer, "code")) return;
  print_told(session, *answer);
  session.with.out << "code  " << text_at(*answer, "code") << '\n';
}

}  // namespace

void add_terms(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& checking = verb(app, "terms", "check", "who keeps each part of terms, and what in them excludes what; exit 1 where this node could not keep them, or nothing can be permitted");
  checking.add_option("FILE", words->file, "a dataset file, or an offer as JSON")->required();
  checking.callback([session, words] { check(*session, *words); });

  auto& testing = verb(app, "terms", "test", "what terms would say; a simulation, nothing is recorded");
  testing.add_option("FILE", words->file, "a dataset file, an offer as JSON, or a published dataset's id")->required();
  testing.add_option("--as", words->as, "the party that asks");
  testing.add_option("--class", words->kind, "its class, in place of a party");
  testing.add_option("--purpose", words->purpose, "what for");
  testing.add_option("--at", words->at, "when; now unless given");
  testing.add_option("--activity", words->activity, "the processing activity that the request names, URI");
  testing.add_option("--legal-basis", words->legal_basis, "that the party's register has of the activity, as eu-gdpr:A6-1-e; may be repeated");
  testing.add_option("--impact-assessment", words->impact_assessment, "that the party's register has of the activity");
  testing.add_option("--count", words->count, "uses of the agreement so far; 0 unless given");
  testing.add_option("--agreed", words->agreed, "when it was agreed");
  testing.add_option("--replay", words->replay, "FROM..TO: the requests on record, asked again under these terms");
  testing.add_option("--dataset", words->dataset, "with --replay: whose requests, where FILE is an offer");
  testing.callback([session, words] { test(*session, *words); });

  auto& explaining = verb(app, "terms", "explain", "terms in sentences");
  explaining.add_option("FILE", words->file, "a dataset file, an offer as JSON, or the id of a published dataset");
  explaining.add_flag("--matrix", words->matrix, "purpose by class of party, for the dataset or for all");
  explaining.add_option("--purpose", words->purpose, "with --matrix: this purpose too");
  explaining.callback([session, words] { explain_terms(*session, *words); });

  auto& comparing = verb(app, "terms", "diff", "what other terms, or a vocabulary (.tsv), would change");
  comparing.add_option("A", words->file, "before; alone: after, compared with what the node has")->required();
  comparing.add_option("B", words->other, "after");
  comparing.callback([session, words] { diff(*session, *words); });

  auto& decision = verb(app, "explain", "", "a decision in words: which rule, what was needed, who decided");
  decision.add_option("DECISION", words->file, "transaction, or index of the entry")->required();
  decision.add_flag("--report", words->report, "as a compliance report, JSON-LD");
  decision.callback([session, words] { explain_decision(*session, *words); });
}

}  // namespace sluis::cli
