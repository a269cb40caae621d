#include "connector/node/cli/output.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <ostream>

namespace sluis::cli {
namespace {

struct Words {
  std::string format, from, until, file;
};

constexpr std::size_t kDocumentBytes = 64U << 20U;

/// PROV-JSON: kind, then identifier, then what is said of it.
using ProvDocuments = std::map<std::string, std::map<std::string, json::Value>>;

/// What is said of one thing in several documents, together; a text that stands already stays.
void add(json::Value& said, const json::Value& more) {
  for (const auto& [name, value] : *more.if_object()) {
    const json::Value* there = said.find(name);
    if (there == nullptr) said.set(name, value);
    if (there == nullptr || there->if_array() == nullptr || value.if_array() == nullptr) continue;
    json::Array both = *there->if_array();
    for (const json::Value& one : *value.if_array()) {
      const auto same = [&](const json::Value& other) { return json::serialise(other) == json::serialise(one); };
      if (std::none_of(both.begin(), both.end(), same)) both.push_back(one);
    }
    said.set(name, std::move(both));
  }
}

Result<void> merge(ProvDocuments& all, const std::string& text) {
  json::Bounds bounds;
  bounds.bytes = kDocumentBytes;
  bounds.values = kDocumentBytes;
  SLUIS_TRY(const json::Value document, json::parse(text, bounds));
  if (document.if_object() == nullptr) return Error(ErrorCode::internal, "the node sent no document");
  for (const auto& [kind, things] : *document.if_object()) {
    if (things.if_object() == nullptr) return Error(ErrorCode::internal, "the node sent no document");
    for (const auto& [id, said] : *things.if_object()) {
      const auto [found, fresh] = all[kind].try_emplace(id, said);
      if (!fresh && said.if_object() != nullptr && found->second.if_object() != nullptr) add(found->second, said);
    }
  }
  return {};
}

json::Value as_one(ProvDocuments& all) {
  json::Value document = json::object({});
  for (auto& [kind, things] : all) {
    json::Object members;
    for (auto& [id, said] : things) members.emplace_back(id, std::move(said));
    document.set(kind, json::Value(std::move(members)));
  }
  return document;
}

/// Page by page, so that a long log needs no memory; but for PROV-JSON, which is one document.
Result<void> write_all(Session& session, const Words& words, std::ostream& out, std::uint64_t& erased, std::uint64_t& left_out, std::string& note) {
  json::Value request = json::object({{"format", words.format}});
  if (!words.from.empty()) request.set("from", words.from);
  if (!words.until.empty()) request.set("until", words.until);
  const bool merged = words.format == "prov-json";
  ProvDocuments documents;
  while (true) {
    SLUIS_TRY(const json::Value page, session.call("AuditService/Export", request));
    const json::Value* member = page.find("text");
    const std::string* text = member == nullptr ? nullptr : member->if_string();
    if (text != nullptr && merged && !text->empty()) {
      SLUIS_CHECK(merge(documents, *text));
    } else if (text != nullptr && !merged) {
      out << *text;
    }
    for (const auto& [name, count] : {std::pair("erased", &erased), std::pair("leftOut", &left_out)}) {
      if (const std::string digits = text_at(page, name); !digits.empty()) *count += std::stoull(digits);
    }
    if (const json::Value* notes = page.find("notes"); notes != nullptr && notes->if_array() != nullptr && !notes->if_array()->empty()) {
      note = text_at(notes->if_array()->front(), "");
    }
    const std::string next = text_at(page, "nextPageToken");
    if (next.empty()) break;
    request.set("pageToken", next);
  }
  if (merged) out << json::serialise_pretty(as_one(documents));
  out.flush();
  if (!out) return Error(ErrorCode::storage_unavailable, "the records cannot be written");
  return {};
}

void export_records(Session& session, const Words& words) {
  std::uint64_t erased = 0, left_out = 0;
  std::string note;
  std::ofstream file;
  if (!words.file.empty()) {
    file.open(words.file, std::ios::binary | std::ios::trunc);
    if (!file) return session.fail(Error(ErrorCode::invalid_argument, "cannot write `" + words.file + "`"), 2);
  }
  const auto done = write_all(session, words, words.file.empty() ? session.with.out : file, erased, left_out, note);
  if (!done) return session.fail(done.error());
  if (!words.file.empty()) session.with.err << say(session.options, "written", words.file) << '\n';
  if (!note.empty()) session.with.err << say(session.options, "note", note) << '\n';
  if (erased != 0) session.with.err << say(session.options, "export.erased", erased) << '\n';
  if (left_out != 0) session.with.err << say(session.options, "export.left-out", left_out) << '\n';
}

}  // namespace

void add_audit_export(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& command = verb(app, "audit", "export", "entries in the forms that others read: connector/records/README.md says which says what");
  command.add_option("--format", words->format, "adl (Authorization Decision Log 1.0.0), ldv (Logboek Dataverwerkingen 1.0.0), fsc (FSC Logging 1.1.0, "
                     "of exchanges that no FSC contract covers), prov (PROV-O in Turtle), prov-json, csv, or events (CloudEvents, as webhooks get them)")->required();
  command.add_option("--from", words->from, "not earlier: RFC 3339");
  command.add_option("--until,--to", words->until, "earlier: RFC 3339");
  command.add_option("-O", words->file, "to this file");
  command.callback([session, words] { export_records(*session, *words); });
}

}  // namespace sluis::cli
