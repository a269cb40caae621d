#include "connector/base/limits.hpp"
#include "connector/identity/membership.hpp"
#include "connector/node/cli/signed_findings.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/trust.hpp"
#include "connector/node/cli/words.hpp"
#include "connector/node/offline.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/provenance/verify.hpp"
#include "connector/provenance/witness.hpp"
#include "connector/provenance/witness_policy.hpp"
#include "connector/records/package_check.hpp"
#include "sluis/v1/evidence.pb.h"

#include <fmt/core.h>

#include <algorithm>
#include <ostream>

/// What an auditor does on her own machine: no node, no network.
namespace sluis::cli {
namespace {

struct Words {
  std::string log;
  std::string package;
  std::string key;
  std::string anchor;
  std::string policy;
  std::string file;
  std::string folder;
  std::string origin;
  std::vector<std::string> dpo_keys;
  std::vector<std::string> later_keys;
  bool payloads = false;
  bool dry_run = false;
};

json::Value quorum_json(const provenance::Quorum& quorum, const std::string& file) {
  json::Array witnesses;
  for (const auto& one : quorum.witnesses) {
    auto witness = json::object({{"name", one.name}, {"key", one.key}});
    if (one.when) witness.set("cosigned", format_time(*one.when));
    witnesses.push_back(std::move(witness));
  }
  return json::object({{"name", quorum.name},
                       {"met", quorum.vouches()},
                       {"file", file.empty() ? "anchor" : file},
                       {"size", quorum.checkpoint.size},
                       {"witnesses", json::Value(std::move(witnesses))}});
}

json::Value report_json(const provenance::VerifyReport& report) {
  auto value = json::object({{"origin", report.origin},
                             {"size", report.size},
                             {"root", to_hex(report.root)},
                             {"signatureGood", report.signature_good},
                             {"payloadsChecked", report.payloads_checked},
                             {"payloadsErased", report.payloads_erased},
                             {"anchorGood", report.anchor_good},
                             {"consistent", report.consistent()}});
  if (report.anchor_size) value.set("anchorSize", *report.anchor_size);
  if (report.pruned_by) value.set("pruned", json::object({{"by", *report.pruned_by}, {"proven", report.pruned_proven}}));
  if (report.quorum) value.set("quorum", quorum_json(*report.quorum, report.quorum_file));
  json::Array damage;
  for (const auto& item : report.damage) {
    damage.push_back(json::object(
        {{"file", item.file}, {"first", item.first}, {"end", item.end}, {"what", item.what}}));
  }
  value.set("damage", json::Value(std::move(damage)));
  json::Array findings;
  for (const auto& finding : report.findings) findings.emplace_back(finding);
  value.set("findings", json::Value(std::move(findings)));
  return value;
}

json::Value package_json(const records::PackageReport& report) {
  json::Array damage, logs;
  for (const auto& item : report.damage) damage.push_back(json::object({{"file", item.file}, {"first", item.first}, {"end", item.end}, {"what", item.what}}));
  for (const auto& log : report.logs) logs.push_back(report_json(log));
  return json::object({{"entry", report.entry}, {"rows", report.rows}, {"documents", report.documents}, {"silent", report.silent}, {"perhaps", report.perhaps}, {"inOrder", report.exit_code() != 1},
                       {"logs", json::Value(std::move(logs))}, {"damage", json::Value(std::move(damage))}});
}

/// A log, or a package of one.
void verify(Session& session, const Words& words) {
  if (words.log.empty() == words.package.empty()) {
    return session.fail(Error(ErrorCode::invalid_argument, "it is not said what to check")
                            .mended_by("give --log, the folder that export-log wrote, or --package, that of audit package"), 2);
  }
  const auto trust = read_trust(words.key, words.policy);
  if (!trust) return session.fail(trust.error(), 2);
  const auto keys = read_dpo_keys(words.dpo_keys);
  if (!keys) return session.fail(keys.error(), 2);
  std::vector<provenance::VerifierKey> later;
  for (const std::string& given : words.later_keys) {
    auto key = read_log_key(given);
    if (!key) return session.fail(key.error(), 2);
    later.push_back(std::move(*key));
  }
  std::optional<std::string> anchor;
  if (!words.anchor.empty()) {
    auto text = read_text(words.anchor, 64U << 10U);
    if (!text) return session.fail(text.error(), 2);
    anchor = std::move(*text);
  }
  std::error_code ignored;
  const std::string& folder = words.package.empty() ? words.log : words.package;
  if (!std::filesystem::is_directory(folder, ignored)) {
    return session.fail(Error(ErrorCode::invalid_argument, fmt::format("`{}` is no folder", folder))
                            .mended_by("name the folder that `audit export-log` or `audit package` wrote"), 2);
  }
  SignedFindings signed_findings(*keys);
  const auto leave = [&](int code) { session.leave(code == 0 && signed_findings.missed() ? 3 : code); };
  if (!words.package.empty()) {
    const auto report = records::verify_package(folder, trust->key, anchor, trust->policy, signed_findings.checks());
    if (session.options.output == "json") {
      json::Value value = package_json(report);
      value.set("signedFindings", signed_findings.to_json());
      session.with.out << json::serialise_pretty(value);
    } else {
      session.with.out << signed_findings.told(session.options) << told(report, session.options);
    }
    return leave(report.exit_code());
  }
  const auto report = provenance::verify_export(words.log, trust->key, anchor, trust->policy, signed_findings.checks(), later);
  if (session.options.output == "json") {
    json::Value value = report_json(report);
    value.set("signedFindings", signed_findings.to_json());
    session.with.out << json::serialise_pretty(value);
  } else {
    session.with.out << signed_findings.told(session.options) << told(report, session.options);
  }
  leave(report.exit_code());
}

/// A receipt; or an answer of the node, or a statement, that has one with it.
struct Paper {
  provenance::Receipt receipt;
  std::string statement;  ///< signed findings, where they are with it
};
Result<Paper> read_paper(const std::string& file) {
  SLUIS_TRY(const auto text, read_text(file, limits::kJsonBytes));
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || text[first] != '{') {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` is no receipt", file))
        .mended_by("a receipt is what `audit proof` prints: a bare proof does not say what it proves");
  }
  SLUIS_TRY(const auto value, json::parse(text));
  const auto* inner = value.find("receipt");
  const auto* wrapped = inner == nullptr ? nullptr : inner->if_string();
  const auto* statement = value.find("statement");
  if (wrapped == nullptr && statement != nullptr) {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` has signed findings, and no proof that a log has them", file))
        .mended_by("have them recorded: `audit findings --sign` with the same draft");
  }
  SLUIS_TRY(provenance::Receipt receipt, provenance::Receipt::from_json(wrapped == nullptr ? text : *wrapped));
  return Paper{std::move(receipt), statement == nullptr || statement->if_string() == nullptr ? std::string() : *statement->if_string()};
}

/// Whether the statement is the one that the entry holds, and what it says; under a key that was given, where it names one.
Result<std::string> tell_statement(const Paper& paper, const v1::Shared& shared, const std::vector<crypto::Key>& keys, const Options& options) {
  if (paper.receipt.leaf.kind != static_cast<std::uint8_t>(provenance::EntryKind::findings_signed)) {
    if (!paper.statement.empty()) return Error(ErrorCode::permission_denied, "the proof is of another entry than these signed findings");
    return std::string();
  }
  if (!paper.statement.empty() && paper.statement != shared.document()) return Error(ErrorCode::permission_denied, "the proof is of other signed findings than these");
  SLUIS_TRY(const identity::SignedStatement opened, identity::SignedStatement::open(shared.document()));
  const auto named = std::find_if(keys.begin(), keys.end(), [&](const crypto::Key& key) { return identity::key_id(key) == opened.key_id(); });
  if (named == keys.end() && !keys.empty()) return Error(ErrorCode::permission_denied, "the findings are signed with another key than those given: " + opened.key_id());
  SLUIS_TRY(const identity::Statement statement, named == keys.end() ? opened.read() : opened.verify(*named));
  if (statement.origin == provenance::origin_of(paper.receipt.checkpoint) && statement.size > paper.receipt.index) {
    return Error(ErrorCode::permission_denied, "the findings rest on more of this log than it had when they were recorded");
  }
  return say(options, named == keys.end() ? "proof.key" : "proof.key.given", opened.key_id()) + "\n" + told(statement, options);
}

void verify_proof(Session& session, const Words& words) {
  const auto trust = read_trust(words.key, words.policy);
  if (!trust) return session.fail(trust.error(), 2);
  const auto keys = read_dpo_keys(words.dpo_keys);
  if (!keys) return session.fail(keys.error(), 2);
  if (const auto text = read_text(words.file, 64U << 10U); text && provenance::is_conflict(*text)) {
    const auto both = provenance::check_conflict(*text, trust->key);
    if (!both) return session.fail(both.error(), 1);
    session.with.out << say(session.options, "proof.conflict", both->origin, both->size) << '\n';
    return;
  }
  const auto paper = read_paper(words.file);
  if (!paper) return session.fail(paper.error(), 1);
  const provenance::Receipt* receipt = &paper->receipt;
  const auto checkpoint = provenance::verify_receipt(*receipt, trust->key);
  if (!checkpoint) return session.fail(checkpoint.error(), 1);
  std::optional<provenance::Quorum> quorum;
  if (trust->policy) {
    auto judged = trust->policy->judge(receipt->checkpoint, trust->key);
    if (!judged) return session.fail(judged.error(), 1);
    quorum = std::move(*judged);
  }
  auto& out = session.with.out;
  const Options& options = session.options;
  v1::Shared shared;
  const bool readable = shared.ParseFromString(receipt->shared);
  const auto findings = tell_statement(*paper, shared, *keys, options);
  if (!findings) return session.fail(findings.error(), 1);
  out << say(options, "proof.entry", receipt->index, checkpoint->origin, provenance::kind_name(receipt->leaf.kind),
             checkpoint->size, to_hex(checkpoint->root))
      << '\n';
  if (quorum) {
    out << told(*quorum, options);
    session.leave(quorum->met ? 0 : 3);
  }
  if (!readable) return;
  const Timestamp when{std::chrono::microseconds(shared.time_us())};
  out << say(options, "proof.event", format_time(when), shared.event());
  if (!shared.counterparty().empty()) out << say(options, "proof.party", shared.counterparty());
  if (!shared.dataset().empty()) out << say(options, "proof.dataset", shared.dataset());
  if (shared.has_decision()) out << ": " << shared.decision().sentence();
  out << '\n' << *findings;
}

}  // namespace

void add_audit_papers(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& check = verb(app, "audit", "verify", "checks an exported log, or a package: no node, no network");
  check.add_option("--log", words->log, "the folder that export-log wrote");
  check.add_option("--package", words->package, "the folder that audit package wrote");
  check.add_option("--key", words->key, "the log's key, or a file of it, not of the folder; a policy that names one log has it");
  check.add_option("--anchor", words->anchor, "a checkpoint that was kept from before");
  check.add_option("--policy", words->policy, "whose cosignatures are enough: a file in the form of C2SP tlog-policy");
  const auto add_dpo_key = [&words](CLI::App& command) {
    command.add_option("--dpo-key", words->dpo_keys, "public key of a data protection officer, from her: signed findings are held against it; may be repeated")->allow_extra_args(false);
  };
  add_dpo_key(check);
  check.add_option("--later-key", words->later_keys, "of a log that was pruned: the key of the later log that says so; may be repeated")->allow_extra_args(false);
  check.callback([session, words] { verify(*session, *words); });

  auto& proof = verb(app, "audit", "verify-proof", "checks the receipt of one entry, or two checkpoints that contradict each other");
  proof.add_option("FILE", words->file, "what `audit proof` printed")->required();
  proof.add_option("--key", words->key, "the log's key, or a file of it; a policy that names one log has it");
  proof.add_option("--policy", words->policy, "whose cosignatures are enough: a file in the form of C2SP tlog-policy");
  add_dpo_key(proof);
  proof.callback([session, words] { verify_proof(*session, *words); });

  auto& own = verb(app, "audit", "key", "a key of your own, with which a DPO signs findings: made on your own machine, never on the node");
  own.add_option("FILE", words->file, "private, for you alone; the public one gets .pub behind its name, and goes to who manages the node")->required();
  own.add_flag("--dry-run", words->dry_run, "says what would happen, and changes nothing");
  own.callback([session, words] {
    const std::filesystem::path folder = std::filesystem::path(words->file).parent_path();
    std::error_code ignored;
    if (std::filesystem::exists(folder / "node.toml", ignored)) {
      return session->fail(Error(ErrorCode::invalid_argument, fmt::format("`{}` is a node's folder, and who manages the node could sign with a key there", folder.string()))
                               .mended_by("make the key on your own machine"), 2);
    }
    session->leave(node::new_signing_key(words->file, words->dry_run));
  });

  auto& writing = verb(app, "audit", "export-log", "writes a node's log as the standard tree; --config names the node");
  writing.add_option("DIR", words->folder, "a new folder")->required();
  writing.add_option("--origin", words->origin, "which log, where one followed another; the newest unless given");
  writing.add_flag("--payloads", words->payloads, "with what the entries say");
  writing.add_flag("--dry-run", words->dry_run, "says what would happen, and changes nothing");
  writing.callback([session, words] {
    if (session->options.config.empty()) {
      return session->fail(Error(ErrorCode::invalid_argument, "no node is named").mended_by("use --config node.toml"),
                           2);
    }
    session->leave(node::audit_export(session->options.config, words->folder, words->origin, words->payloads, words->dry_run));
  });
}

}  // namespace sluis::cli
