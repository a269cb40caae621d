#include "connector/node/cli/output.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"

#include "connector/provenance/whole_file.hpp"

#include <array>
#include <ostream>

namespace sluis::cli {
namespace {

struct Words {
  std::string peer, from, until, folder, accept;
  std::vector<std::string> apply, confirm;
  bool settle = false;
  bool dry_run = false;
};

/// The proofs of what differs, for anybody who has both logs' keys: `audit verify-proof`.
Result<void> keep_proofs(const json::Value& answer, const std::filesystem::path& folder) {
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  const auto* list = answer.find("differences");
  if (list != nullptr && list->if_array() != nullptr) {
    std::size_t count = 0;
    for (const json::Value& one : *list->if_array()) {
      ++count;
      for (const auto& [proof, number, name] : {std::array{"proof", "entry", "here-"}, std::array{"peerProof", "peerEntry", "there-"}}) {
        const std::string text = text_at(one, proof);
        const std::string index = text_at(one, number);
        if (!text.empty()) SLUIS_CHECK(provenance::write_whole_file(folder / (std::to_string(count) + "-" + name + (index.empty() ? "0" : index) + ".json"), text, 0644));
      }
    }
  }
  for (const auto& [member, name] : {std::array{"heldCheckpoint", "held-checkpoint"}, std::array{"conflict", "conflict"}}) {
    const std::string text = file_text_at(answer, member);
    if (!text.empty()) SLUIS_CHECK(provenance::write_whole_file(folder / name, text, 0644));
  }
  return provenance::write_whole_file(folder / "peer-checkpoint", file_text_at(answer, "peerCheckpoint"), 0644);
}

void reconcile(Session& session, const Words& words) {
  json::Value request = json::object({{"peer", words.peer}});
  if (!words.from.empty()) request.set("from", words.from);
  if (!words.until.empty()) request.set("until", words.until);
  if (words.settle) request.set("settle", true);
  if (words.dry_run) request.set("dryRun", true);
  if (!words.accept.empty()) request.set("accept", words.accept);
  json::Array apply(words.apply.begin(), words.apply.end());
  if (!apply.empty()) request.set("apply", json::Value(std::move(apply)));
  const auto answer = session.call("AuditService/Reconcile", request);
  if (!answer) return session.fail(answer.error());
  if (!words.folder.empty() && !words.dry_run) {
    if (const auto kept = keep_proofs(*answer, words.folder); !kept) return session.fail(kept.error());
  }
  const auto* list = answer->find("differences");
  const json::Array none;
  const json::Array& differences = list == nullptr || list->if_array() == nullptr ? none : *list->if_array();
  auto& out = session.with.out;
  if (session.options.output == "json") {
    out << json::serialise_pretty(*answer);
  } else {
    constexpr std::array<Column, 6> kColumns{{{"WHAT", "what"}, {"ABOUT", "about"}, {"ID", "id"}, {"ENTRY", "entry"}, {"THERE", "peerEntry"}, {"TOLD", "told"}}};
    if (!differences.empty()) print_table(out, kColumns, differences);
    const auto count = [&](std::string_view name) {
      const std::string text = text_at(*answer, name);
      return text.empty() ? std::string("0") : text;
    };
    session.with.err << say(session.options, "reconciled", count("entries"), count("peerEntries"), count("found"), count("underWay"))
                     << '\n';
    for (const char* name : {"settled", "held"}) {
      const auto* ids = answer->find(name);
      if (ids == nullptr || ids->if_array() == nullptr) continue;
      for (const json::Value& id : *ids->if_array()) {
        const std::string text = text_at(id, "");
        const bool process = text.find(' ') != std::string::npos;  // which says itself what it is
        session.with.err << say(session.options, std::string("reconciled.") + name + (process ? ".process" : ""), text) << '\n';
      }
    }
    if (const auto* notes = answer->find("notes"); notes != nullptr && notes->if_array() != nullptr) {
      for (const json::Value& note : *notes->if_array()) session.with.err << say(session.options, "note", text_at(note, "")) << '\n';
    }
    if (words.dry_run) session.with.err << say(session.options, "dry-run") << '\n';
  }
  if (!differences.empty()) session.leave(1);
}

void confirm_datasets(Session& session, const Words& words) {
  json::Value request = json::object({{"confirm", json::Array(words.confirm.begin(), words.confirm.end())}});
  if (words.dry_run) request.set("dryRun", true);
  const auto answer = session.call("DatasetService/Publish", request);
  if (!answer) return session.fail(answer.error());
  if (session.options.output == "json") session.with.out << json::serialise_pretty(*answer);
  if (const auto* notes = answer->find("notes"); notes != nullptr && notes->if_array() != nullptr) {
    for (const json::Value& note : *notes->if_array()) session.with.err << say(session.options, "note", text_at(note, "")) << '\n';
  }
  if (words.dry_run) session.with.err << say(session.options, "dry-run") << '\n';
  if (const auto* left = answer->find("notConfirmed"); left != nullptr && left->if_array() != nullptr && !left->if_array()->empty()) session.leave(1);
}

}  // namespace

void add_reconcile(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& command = verb(app, "audit", "reconcile", "compares both logs of an exchange: what one has and the other lacks, with proof; exit 1 if there is anything");
  command.add_option("PEER", words->peer, "participant id or name")->required();
  command.add_option("--from", words->from, "not earlier: RFC 3339");
  command.add_option("--until,--to", words->until, "earlier: RFC 3339");
  command.add_option("-O", words->folder, "a folder that gets the proofs of what differs");
  command.add_flag("--settle", words->settle, "what is held since a recovery goes on, or ends: agreements as the other log shows, negotiations and transfers as the other party says");
  command.add_option("--apply", words->apply, "with --settle: an agreement, negotiation or transfer that this node did not end or suspend before the recovery, as you made sure: "
                     "the other party could hide that; may be repeated")->allow_extra_args(false);
  command.add_option("--accept", words->accept, "why the other log is taken as it is now, though it contradicts what it signed before: recorded, with who says so");
  command.add_flag("--dry-run", words->dry_run, "compares, and records nothing");
  command.callback([session, words] { reconcile(*session, *words); });

  auto datasets = std::make_shared<Words>();
  auto& confirming = verb(app, "dataset", "confirm", "offers datasets again that are held since a recovery, as they are: they were not changed or taken off meanwhile");
  confirming.add_option("ID", datasets->confirm, "as the list shows it; `*`: all that are held")->required();
  confirming.add_flag("--dry-run", datasets->dry_run, "says what would happen, and changes nothing");
  confirming.callback([session, datasets] { confirm_datasets(*session, *datasets); });
}

}  // namespace sluis::cli
