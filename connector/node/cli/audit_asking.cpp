#include "connector/base/limits.hpp"
#include "connector/base/time.hpp"
#include "connector/node/cli/command.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <ostream>

namespace sluis::cli {
namespace {

struct Words {
  std::string file;
  std::string id;
  std::string of;
  bool text = false;
  bool theirs = false;
  std::vector<std::string> kinds;
  std::uint64_t count = 0;
  std::optional<std::uint64_t> from = {};  ///< of the log; none: from its end
};

/// To the file if one is named, else as data.
void give(Session& session, const std::string& file, const std::string& text) {
  if (file.empty()) {
    session.with.out << text;
    return;
  }
  if (const auto written = write_text(file, text); !written) return session.fail(written.error());
  session.with.err << say(session.options, "written", file) << '\n';
}

void checkpoint(Session& session, const Words& words) {
  json::Value request{json::Object{}};
  if (!words.of.empty()) request.set("peer", words.of);
  const auto answer = session.call("AuditService/Checkpoint", request);
  if (!answer) return session.fail(answer.error());
  if (const std::string contradicts = text_at(*answer, "contradicts"); !contradicts.empty()) {
    session.with.err << say(session.options, "note", contradicts) << '\n';
    session.leave(1);
    const std::string conflict = file_text_at(*answer, "conflict");
    if (session.options.output != "json") return give(session, words.file, conflict.empty() ? file_text_at(*answer, "note") + "\n---\n" + file_text_at(*answer, "shown") : conflict);
  }
  if (session.options.output == "json") return give(session, words.file, json::serialise_pretty(*answer));
  give(session, words.file, text_at(*answer, "origin").empty() ? "" : file_text_at(*answer, "note"));
}

void proof(Session& session, const Words& words) {
  const bool index = !words.id.empty() && std::all_of(words.id.begin(), words.id.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; });
  const auto request = json::object({{index ? "index" : "transaction", words.id}});
  const auto answer = session.call("AuditService/Proof", request);
  if (!answer) return session.fail(answer.error());
  const auto* member = answer->find(words.theirs ? "others" : words.text ? "proof" : "receipt");
  if (words.theirs) {
    const auto* all = member == nullptr ? nullptr : member->if_array();
    if (all == nullptr || all->empty()) return session.fail(Error(ErrorCode::not_found, say(session.options, "proof.none_of_theirs")));
    member = &all->back();  // of how it ended, where it did
  }
  const auto* text = member == nullptr ? nullptr : member->if_string();
  if (text == nullptr) return session.fail(Error(ErrorCode::internal, "the node sent no proof"));
  give(session, words.file, text->ends_with('\n') ? *text : *text + "\n");
}

void print_entry(Session& session, const json::Value& entry) {
  auto& out = session.with.out;
  if (session.options.output == "json") {
    out << json::serialise(entry) << std::endl;
    return;
  }
  out << fmt::format("{:>8}  {}  {}", text_at(entry, "index").empty() ? "0" : text_at(entry, "index"), text_at(entry, "time"), text_at(entry, "kind"));
  for (const auto* field : {"event", "counterparty", "dataset", "decision", "sentence", "end"}) {
    if (const auto text = text_at(entry, field); !text.empty()) out << "  " << text;
  }
  out << std::endl;
}

/// Until interrupted; the node answers as soon as there is something.
void watch(Session& session, const Words& words) {
  json::Array kinds;
  for (const auto& kind : words.kinds) kinds.emplace_back(kind);
  auto request = json::object({{"waitSeconds", 20}});
  if (words.from) request.set("from", std::to_string(*words.from));
  else request.set("fromEnd", true);
  if (!kinds.empty()) request.set("kinds", json::Value(std::move(kinds)));
  std::uint64_t printed = 0;
  while (true) {
    const auto answer = session.call("AuditService/Watch", request);
    if (!answer) return session.fail(answer.error());
    const auto* entries = answer->find("entries");
    if (entries != nullptr && entries->if_array() != nullptr) {
      for (const auto& entry : *entries->if_array()) {
        print_entry(session, entry);
        if (++printed == words.count) return;
      }
    }
    request.erase("fromEnd");
    const auto next = text_at(*answer, "next");
    request.set("from", next.empty() ? "0" : next);
  }
}

/// What is asked of a leak; at least one.
struct Leak {
  std::string party, dataset, agreement, purpose, activity, certificate, key, from, until;
};

/// All that went to one party, from one dataset, under one agreement, for one purpose and activity.
struct Affected {
  json::Value row;
  std::uint64_t times = 0, rows = 0, bytes = 0;
  json::Array entries;
};

std::uint64_t number_at(const json::Value& row, std::string_view path) {
  const std::string text = text_at(row, path);
  return text.empty() ? 0 : std::strtoull(text.c_str(), nullptr, 10);
}

/// Asks for every page of the log.
Result<void> each_entry(Session& session, json::Value request, const std::function<void(const json::Value&)>& visit) {
  request.set("pageSize", limits::kPageMax);
  while (true) {
    SLUIS_TRY(const auto answer, session.call("AuditService/Log", request));
    if (const auto* entries = answer.find("entries"); entries != nullptr && entries->if_array() != nullptr) {
      for (const auto& entry : *entries->if_array()) visit(entry);
    }
    const std::string next = text_at(answer, "nextPageToken");
    if (next.empty()) return {};
    request.set("pageToken", next);
  }
}

void add(std::map<std::string, Affected>& all, const json::Value& entry, const json::Value* end) {
  std::string key;
  json::Value row;
  for (const char* name : {"kind", "event", "counterparty", "dataset", "agreement", "purpose", "activity"}) {
    const std::string text = text_at(entry, name);
    key += text + '\n';
    row.set(name, text);
  }
  Affected& one = all[key];
  if (one.row.is_null()) {
    row.set("first", text_at(entry, "time"));
    one.row = std::move(row);
  }
  one.row.set("last", text_at(entry, "time"));
  ++one.times;
  one.entries.emplace_back(number_at(entry, "index"));
  const json::Value& measured = end == nullptr ? entry : *end;
  one.rows += number_at(measured, "rows");
  one.bytes += number_at(measured, "bytes");
  if (end != nullptr) one.entries.emplace_back(number_at(*end, "index"));
}

/// All that a leak concerns: each permitted request, with how its release ended where that is on record, and what came in, whole or not.
void impact(Session& session, const Leak& leak) {
  json::Value request = json::object({{"kinds", json::array({"decision", "received", "open-hour"})}});
  json::Value ends = json::object({{"kinds", json::array({"stream-end", "cut"})}});
  const std::array<std::pair<const char*, const std::string*>, 9> given{{{"party", &leak.party}, {"dataset", &leak.dataset},
      {"agreement", &leak.agreement}, {"purpose", &leak.purpose}, {"from", &leak.from}, {"until", &leak.until},
      {"activity", &leak.activity}, {"certificate", &leak.certificate}, {"key", &leak.key}}};
  bool any = false;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto& [name, value] = given[i];
    if (value->empty()) continue;
    any = true;
    // A release that was permitted before and went on after that counts; its end may come later than `until`, and says less.
    if (name != std::string_view("from")) request.set(name, *value);
    if (i < 4) ends.set(name, *value);
  }
  if (!any) {
    return session.fail(Error(ErrorCode::invalid_argument, "it is not said what leaked")
                            .mended_by("give --party, --dataset, --key or another of `audit impact --help`"), 2);
  }
  std::optional<Timestamp> from;
  if (!leak.from.empty()) {
    const auto read = parse_time(leak.from);
    if (!read) return session.fail(Error(read.error()).at_pointer("/from"), 2);
    from = *read;
  }
  std::vector<json::Value> released;
  std::map<std::string, json::Value> ended;
  std::map<std::string, Affected> all;
  auto asked = each_entry(session, request, [&](const json::Value& entry) {
    if (text_at(entry, "kind") != "decision" || text_at(entry, "decision") == "permit") released.push_back(entry);
  });
  if (asked) {  // after them, so that none that ended meanwhile looks as if it had not
    asked = each_entry(session, ends, [&](const json::Value& end) { ended.insert_or_assign(text_at(end, "transaction"), end); });
  }
  if (!asked) return session.fail(asked.error());
  for (const json::Value& entry : released) {
    const auto found = ended.find(text_at(entry, "transaction"));
    const bool is_decision = text_at(entry, "kind") == "decision";
    const json::Value* end = !is_decision || found == ended.end() ? nullptr : &found->second;
    const auto last = parse_time(text_at(end == nullptr ? entry : *end, "time"));
    const bool open = is_decision && end == nullptr && !text_at(entry, "event").starts_with("evaluated");
    if (from && !open && last && *last < *from) continue;
    add(all, entry, end);
  }
  json::Array rows;
  for (auto& [_, one] : all) {
    one.row.set("times", one.times);
    one.row.set("rows", one.rows);
    one.row.set("bytes", one.bytes);
    one.row.set("entries", json::Value(std::move(one.entries)));
    rows.push_back(std::move(one.row));
  }
  if (session.options.output == "json") {
    session.with.out << json::serialise_pretty(json::object({{"affected", json::Value(std::move(rows))}}));
    return;
  }
  constexpr std::array<Column, 10> kColumns{{{"WHAT", "event"}, {"PARTY", "counterparty"}, {"DATASET", "dataset"}, {"PURPOSE", "purpose"},
      {"AGREEMENT", "agreement"}, {"TIMES", "times", "0"}, {"ROWS", "rows", "0"}, {"FIRST", "first"}, {"LAST", "last"}, {"ENTRIES", "entries"}}};
  print_table(session.with.out, kColumns, rows);
}

}  // namespace

void add_audit_asking(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& keep = verb(app, "audit", "checkpoint", "the newest signed checkpoint, to be kept elsewhere");
  keep.add_option("--of", words->of, "of another party, by id or name: what its log proved to this node; where it contradicts itself both checkpoints, for verify-proof where they are of one size, and exit 1");
  keep.add_option("-O", words->file, "the file to write");
  keep.callback([session, words] { checkpoint(*session, *words); });

  auto& prove = verb(app, "audit", "proof", "the receipt of an entry, with the proof that the log has it");
  prove.add_option("ID", words->id, "the entry's index, a transaction or an agreement")->required();
  prove.add_option("-O", words->file, "the file to write");
  prove.add_flag("--text", words->text, "the bare proof in C2SP's text form");
  prove.add_flag("--theirs", words->theirs, "of a data request or an agreement: the other party's receipt, as this node holds it; of a request the one of how it ended, where it did");
  prove.callback([session, words] { proof(*session, *words); });

  auto leak = std::make_shared<Leak>();
  auto& leaked = verb(app, "audit", "impact", "after a leak: all that was released, to whom, with the entries that prove it; what was erased cannot be found");
  leaked.add_option("--party", leak->party, "to this participant, or from it");
  leaked.add_option("--dataset", leak->dataset, "from this dataset");
  leaked.add_option("--agreement", leak->agreement, "under this agreement");
  leaked.add_option("--purpose", leak->purpose, "for this purpose: full IRI");
  leaked.add_option("--activity", leak->activity, "for this processing activity");
  leaked.add_option("--certificate", leak->certificate, "to who came with this certificate: SHA-256, hexadecimal; known of requests to this node");
  leaked.add_option("--key", leak->key, "to who came with this key: the SHA-256 of a certificate, or the kid of a claim key; known of requests to this node");
  leaked.add_option("--from", leak->from, "not earlier: RFC 3339");
  leaked.add_option("--until,--to", leak->until, "earlier: RFC 3339");
  leaked.callback([session, leak] { impact(*session, *leak); });

  auto& look = verb(app, "watch", "", "prints entries of the log as they come");
  look.add_option("KIND", words->kinds, "only of these kinds");
  look.add_option("--from", words->from, "the first entry: one more than the last INDEX that was seen, so that nothing is missed over a restart; else what comes from now on");
  look.add_option("--count", words->count, "ends after so many");
  look.callback([session, words] { watch(*session, *words); });
}

}  // namespace sluis::cli
