#include "connector/base/limits.hpp"
#include "connector/identity/membership.hpp"
#include "connector/identity/object_reader.hpp"
#include "connector/identity/roles.hpp"
#include "connector/identity/statement.hpp"
#include "connector/node/cli/command.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/trust.hpp"
#include "connector/node/cli/words.hpp"
#include "connector/provenance/receipt.hpp"
#include "sluis/v1/evidence.pb.h"

#include <fmt/core.h>

#include <charconv>
#include <ostream>

/// `audit findings`: what does not fit, and on the DPO's own machine what she makes of it, signed.
namespace sluis::cli {
namespace {

struct Words {
  std::string from, until;
  std::string draft;               ///< a file
  std::string key;                 ///< of her private key
  std::string log_key;
  std::string judgement, why, by;  ///< of findings for which the draft has none
  std::string file;
  bool dry_run = false;
};

const Command& asking() {
  static const Command kAsking = {
      "audit", "findings", "AuditService/Findings",
      "where the register, the terms and the agreements do not fit what the log shows; a DPO signs what she makes of it",
      {{"--from", "from", Kind::time, false, "of a time not earlier; else all of the log"},
       {"--until", "until", Kind::time, false, "as it was then; else now"}},
      "findings",
      {{"WHAT", "code"}, {"SINCE", "since"}, {"TIMES", "times", "0"}, {"FINDING", "sentence"}, {"ENTRIES", "entries"}, {"JUDGED", "judged.judgement"},
       {"SIGNED BY", "judged.person"}, {"MEND BY", "judged.by"}, {"OVERDUE", "judged.overdue"}},
      "code", false, false, false, Waits::no, true};
  return kAsking;
}

std::uint64_t number_at(const json::Value& row, std::string_view path) {
  const std::string text = text_at(row, path);
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Text as the node wrote it; `text_at` would take line ends out.
std::string whole_text(const json::Value& row, std::string_view name) {
  const json::Value* value = row.find(name);
  return value == nullptr || value->if_string() == nullptr ? std::string() : *value->if_string();
}

Result<json::Value> ask(Session& session, const Words& words) {
  Given given;
  given.values = {words.from, words.until};
  SLUIS_TRY(json::Value request, make_request(asking(), given));
  request.set("lang", session.options.lang);
  return session.call(std::string(asking().method), request);
}

Result<identity::JudgedFinding> seen(const json::Value& row) {
  identity::JudgedFinding finding;
  finding.code = whole_text(row, "code");
  finding.sentence = whole_text(row, "sentence");
  finding.party = whole_text(row, "party");
  finding.dataset = whole_text(row, "dataset");
  finding.agreement = whole_text(row, "agreement");
  finding.purpose = whole_text(row, "purpose");
  finding.activity = whole_text(row, "activity");
  if (const std::string since = whole_text(row, "since"); !since.empty()) {
    SLUIS_TRY(finding.since, parse_time(since));
  }
  finding.times = number_at(row, "times");
  if (const json::Value* entries = row.find("entries"); entries != nullptr && entries->if_array() != nullptr) {
    for (const json::Value& one : *entries->if_array()) finding.entries.push_back(number_at(one, ""));
  }
  return finding;
}

/// A statement of what the node told, on a checkpoint that its log signed. Nothing is judged yet: three members of each finding are empty.
Result<json::Value> draw_up(Session& session, const json::Value& told, const provenance::VerifierKey& key) {
  SLUIS_TRY(const json::Value answer, session.call("AuditService/Checkpoint", json::Value(json::Object{})));
  SLUIS_TRY(const provenance::Checkpoint checkpoint, provenance::open_checkpoint(whole_text(answer, "note"), key));
  SLUIS_TRY(const json::Value status, session.call("NodeService/Status", json::Value(json::Object{})));
  identity::Statement statement;
  statement.node = ParticipantId(whole_text(status, "participant"));
  statement.origin = checkpoint.origin;
  statement.first = number_at(answer, "first");
  statement.size = checkpoint.size;
  statement.root = checkpoint.root;
  if (statement.first + statement.size < number_at(told, "logSize")) {
    return Error(ErrorCode::conflict, "the findings rest on entries that the log has not signed yet").mended_by("ask again");
  }
  SLUIS_TRY(statement.from, parse_time(whole_text(told, "from")));
  SLUIS_TRY(statement.until, parse_time(whole_text(told, "until")));
  statement.made = std::chrono::floor<std::chrono::seconds>(session.with.clock.now());
  if (const json::Value* findings = told.find("findings"); findings != nullptr && findings->if_array() != nullptr) {
    for (const json::Value& row : *findings->if_array()) {
      SLUIS_TRY(identity::JudgedFinding finding, seen(row));
      statement.findings.push_back(std::move(finding));
    }
  }
  json::Value draft = identity::to_json(statement);
  json::Array rows;
  for (json::Value row : *draft.find("findings")->if_array()) {
    for (const char* name : {"judgement", "why", "by"}) row.set(name, "");
    rows.push_back(std::move(row));
  }
  draft.set("findings", json::Value(std::move(rows)));
  return draft;
}

/// What was left empty gets what the words say, or is left out.
void fill(json::Value& draft, const Words& words) {
  const json::Value* findings = draft.find("findings");
  if (findings == nullptr || findings->if_array() == nullptr) return;
  json::Array rows;
  for (json::Value row : *findings->if_array()) {
    const bool judged = !whole_text(row, "judgement").empty();
    for (const auto& [name, text] : {std::pair("judgement", &words.judgement), std::pair("why", &words.why), std::pair("by", &words.by)}) {
      const json::Value* value = row.find(name);
      if (value != nullptr && (value->if_string() == nullptr || !value->if_string()->empty())) continue;
      row.erase(name);
      if (!judged && !text->empty()) row.set(name, *text);
    }
    rows.push_back(std::move(row));
  }
  draft.set("findings", json::Value(std::move(rows)));
}

Result<identity::Statement> from_draft(const std::string& text, const Words& words) {
  auto draft = json::parse(text);
  if (!draft) return identity::located(draft.error(), text, words.draft);
  fill(*draft, words);
  auto statement = identity::read_statement(*draft);
  if (!statement) {
    Error error = identity::located(statement.error(), text, words.draft);
    if (error.mend.empty()) error.mend = "judge each finding in a draft (--draft FILE), or all alike with --judgement, --why and --by";
    return error;
  }
  return statement;
}

/// Whose statement it is goes with the proof that the log has it, into one file: `audit verify-proof` takes it.
std::string paper(const std::string& signed_one, const std::string& receipt) {
  json::Value value = json::object({{"statement", signed_one}});
  if (!receipt.empty()) value.set("receipt", receipt);
  return json::serialise_pretty(value);
}

/// Whether the node's proof is one of just this statement, in the log of that key.
Result<std::uint64_t> check_receipt(const std::string& text, const std::string& signed_one, const provenance::VerifierKey& key) {
  SLUIS_TRY(const provenance::Receipt receipt, provenance::Receipt::from_json(text));
  SLUIS_CHECK(provenance::verify_receipt(receipt, key));
  v1::Shared shared;
  if (receipt.leaf.kind != static_cast<std::uint8_t>(provenance::EntryKind::findings_signed) || !shared.ParseFromString(receipt.shared) ||
      shared.document() != signed_one) {
    return Error(ErrorCode::corruption, "the node's proof is of another entry than these signed findings");
  }
  return receipt.index;
}

/// What she signed is hers, whatever the node makes of it: it is kept before it is sent. A file with something else stays as it is.
Result<void> keep(const std::string& file, const std::string& signed_one) {
  std::error_code ec;
  if (std::filesystem::exists(file, ec)) {
    SLUIS_TRY(const std::string text, read_text(file, limits::kJsonBytes));
    const auto value = json::parse(text);
    if (value && whole_text(*value, "statement") == signed_one) return {};  // perhaps with its proof
    return Error(ErrorCode::conflict, fmt::format("`{}` is there already, and has something else", file)).mended_by("name a new file with -O");
  }
  return write_text(file, paper(signed_one, ""));
}

Result<crypto::Key> read_own_key(const std::string& file) {
  SLUIS_CHECK(identity::for_owner_only(file));
  SLUIS_TRY(const std::string pem, read_text(file, 4096));
  return crypto::Key::from_pem(pem);
}

Result<void> sign(Session& session, const Words& words) {
  SLUIS_TRY(const crypto::Key own, read_own_key(words.key));
  SLUIS_TRY(const provenance::VerifierKey key, read_log_key(words.log_key));
  std::string text;
  if (words.draft.empty()) {
    SLUIS_TRY(const json::Value told, ask(session, words));
    print(session, asking(), told);
    SLUIS_TRY(const json::Value draft, draw_up(session, told, key));
    text = json::serialise_pretty(draft);
  } else {
    SLUIS_TRY(text, read_text(words.draft, limits::kJsonBytes));
  }
  SLUIS_TRY(const identity::Statement statement, from_draft(text, words));
  SLUIS_TRY(const std::string signed_one, identity::sign_statement(statement, own));
  if (!words.dry_run) SLUIS_CHECK(keep(words.file, signed_one));
  const json::Value request = json::object({{"statement", signed_one}, {"dryRun", words.dry_run}});
  SLUIS_TRY(const json::Value answer, session.call("AuditService/Sign", request));
  auto& err = session.with.err;
  if (words.dry_run) {
    err << say(session.options, "dry-run") << '\n';
    return {};
  }
  const std::string receipt = whole_text(answer, "receipt");
  SLUIS_TRY(const std::uint64_t index, check_receipt(receipt, signed_one, key));
  SLUIS_CHECK(write_text(words.file, paper(signed_one, receipt)));
  err << say(session.options, "findings.signed", statement.findings.size(), index, statement.origin, identity::key_id(own)) << '\n'
      << say(session.options, "written", words.file) << '\n';
  return {};
}

Result<void> draft(Session& session, const Words& words) {
  SLUIS_TRY(const provenance::VerifierKey key, read_log_key(words.log_key));
  std::error_code ec;
  if (std::filesystem::exists(words.draft, ec)) {
    return Error(ErrorCode::conflict, fmt::format("`{}` is there already", words.draft)).mended_by("sign it with --sign, or name a new file");
  }
  SLUIS_TRY(const json::Value told, ask(session, words));
  SLUIS_TRY(const json::Value drawn, draw_up(session, told, key));
  print(session, asking(), told);
  if (words.dry_run) {
    session.with.err << say(session.options, "dry-run") << '\n';
    return {};
  }
  SLUIS_CHECK(write_text(words.draft, json::serialise_pretty(drawn)));
  session.with.err << say(session.options, "findings.draft", words.draft) << '\n';
  return {};
}

void findings(Session& session, const Words& words) {
  if (words.key.empty() && words.draft.empty()) {
    Given given;
    given.values = {words.from, words.until};
    return run(session, asking(), given);
  }
  if (words.log_key.empty()) {
    return session.fail(Error(ErrorCode::invalid_argument, "no key of the log is given")
                            .mended_by("give --log-key, got from elsewhere than the node: what you sign rests on it"), 2);
  }
  if (!words.key.empty() && words.file.empty() && !words.dry_run) {
    return session.fail(Error(ErrorCode::invalid_argument, "it is not said where to keep what is signed")
                            .mended_by("give -O FILE: it gets the statement, and the proof that the log has it"), 2);
  }
  if (const auto done = words.key.empty() ? draft(session, words) : sign(session, words); !done) session.fail(done.error());
}

}  // namespace

void add_findings(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  const Command& row = asking();
  auto& command = verb(app, row.noun, row.verb, row.help);
  command.add_option("--from", words->from, std::string(row.arguments[0].help));
  command.add_option("--until,--to", words->until, std::string(row.arguments[1].help));
  command.add_option("--draft", words->draft, "a file: without --sign it gets what is found, to be judged; with --sign it is what is signed");
  command.add_option("--sign", words->key, "signs what is found, and has it recorded: the private key's file, on your own machine (audit key)");
  command.add_option("--log-key", words->log_key, "with --draft or --sign: the log's key, or a file of it, from elsewhere than the node");
  command.add_option("--judgement", words->judgement, "of what is not judged in the draft: confirmed, accepted, or `to mend`");
  command.add_option("--why", words->why, "of what is not judged in the draft: a sentence");
  command.add_option("--by", words->by, "of what is not judged in the draft: a day; what is to be mended has one");
  command.add_option("-O", words->file, "with --sign: the file that gets the statement and its proof, for audit verify-proof");
  command.add_flag("--dry-run", words->dry_run, "says what would happen, and records nothing");
  command.callback([session, words] { findings(*session, *words); });
}

}  // namespace sluis::cli
