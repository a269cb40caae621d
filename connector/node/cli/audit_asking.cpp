#include "connector/node/cli/command.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ostream>

namespace sluis::cli {
namespace {

struct Words {
  std::string file;
  std::string id;
  bool text = false;
  std::vector<std::string> kinds;
  std::uint64_t count = 0;
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
  const auto answer = session.call("AuditService/Checkpoint", json::Value(json::Object{}));
  if (!answer) return session.fail(answer.error());
  if (session.options.output == "json") return give(session, words.file, json::serialise_pretty(*answer));
  give(session, words.file, text_at(*answer, "origin").empty() ? "" : *answer->find("note")->if_string());
}

void proof(Session& session, const Words& words) {
  const bool index = !words.id.empty() && std::all_of(words.id.begin(), words.id.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; });
  const auto request = json::object({{index ? "index" : "transaction", words.id}});
  const auto answer = session.call("AuditService/Proof", request);
  if (!answer) return session.fail(answer.error());
  const auto* member = answer->find(words.text ? "proof" : "receipt");
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
  auto request = json::object({{"fromEnd", true}, {"waitSeconds", 20}});
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

}  // namespace

void add_audit_asking(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& keep = verb(app, "audit", "checkpoint", "the newest signed checkpoint, to be kept elsewhere");
  keep.add_option("-O", words->file, "the file to write");
  keep.callback([session, words] { checkpoint(*session, *words); });

  auto& prove = verb(app, "audit", "proof", "the receipt of an entry, with the proof that the log has it");
  prove.add_option("ID", words->id, "the entry's index, or a transaction")->required();
  prove.add_option("-O", words->file, "the file to write");
  prove.add_flag("--text", words->text, "the bare proof in C2SP's text form");
  prove.callback([session, words] { proof(*session, *words); });

  auto& look = verb(app, "watch", "", "prints entries of the log as they come");
  look.add_option("KIND", words->kinds, "only of these kinds");
  look.add_option("--count", words->count, "ends after so many");
  look.callback([session, words] { watch(*session, *words); });
}

}  // namespace sluis::cli
