#include "connector/base/limits.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"
#include "connector/node/offline.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/provenance/verify.hpp"
#include "connector/provenance/witness.hpp"
#include "connector/provenance/witness_policy.hpp"
#include "sluis/v1/evidence.pb.h"

#include <fmt/core.h>

#include <algorithm>
#include <ostream>

/// What an auditor does on her own machine: no node, no network.
namespace sluis::cli {
namespace {

struct Words {
  std::string log;
  std::string key;
  std::string anchor;
  std::string policy;
  std::string file;
  std::string folder;
  std::string origin;
  bool payloads = false;
  bool dry_run = false;
};

/// The key itself, or the name of a file that holds it.
Result<provenance::VerifierKey> read_key(const std::string& given) {
  if (auto key = provenance::VerifierKey::parse(given)) return key;
  auto text = read_text(given, 4096);
  if (!text) {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` is neither a log key nor a file that holds one", given))
        .mended_by("a log key is `name+hash+base64`; get it from elsewhere than the log's folder");
  }
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' ')) text->pop_back();
  return provenance::VerifierKey::parse(*text);
}

/// What an auditor trusts: the log's key, and whose cosignatures are enough, where she gave a policy.
struct Trust {
  provenance::VerifierKey key;
  std::optional<provenance::WitnessPolicy> policy;
};

/// The key may be left out where the policy names one log; of a policy that names logs it must be one. invalid_argument.
Result<Trust> read_trust(const Words& words) {
  std::optional<provenance::WitnessPolicy> policy;
  if (!words.policy.empty()) {
    SLUIS_TRY(const std::string text, read_text(words.policy, 64U << 10U));
    SLUIS_TRY(policy, provenance::WitnessPolicy::parse(text, words.policy));
  }
  const std::vector<provenance::VerifierKey> named = policy ? policy->logs() : std::vector<provenance::VerifierKey>();
  if (words.key.empty()) {
    if (named.size() == 1) return Trust{named.front(), std::move(policy)};
    const std::string several = fmt::format("`{}` names {} logs", words.policy, named.size());
    return Error(ErrorCode::invalid_argument, named.empty() ? "no key of the log is given" : several)
        .mended_by("give the log's key with --key, or a --policy that names one log");
  }
  SLUIS_TRY(provenance::VerifierKey key, read_key(words.key));
  const auto is_it = [&](const provenance::VerifierKey& one) { return one.text() == key.text(); };
  if (!named.empty() && std::none_of(named.begin(), named.end(), is_it)) {
    const std::string other = fmt::format("`{}` names logs, and the key of `{}` is not among them", words.policy, key.name());
    return Error(ErrorCode::invalid_argument, other)
        .mended_by("give the key of one of its logs, or a policy that knows this one");
  }
  return Trust{std::move(key), std::move(policy)};
}

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

void verify(Session& session, const Words& words) {
  const auto trust = read_trust(words);
  if (!trust) return session.fail(trust.error(), 2);
  std::optional<std::string> anchor;
  if (!words.anchor.empty()) {
    auto text = read_text(words.anchor, 64U << 10U);
    if (!text) return session.fail(text.error(), 2);
    anchor = std::move(*text);
  }
  std::error_code ignored;
  if (!std::filesystem::is_directory(words.log, ignored)) {
    return session.fail(Error(ErrorCode::invalid_argument, fmt::format("`{}` is no folder", words.log))
                            .mended_by("name the folder that `audit export-log` wrote"), 2);
  }
  const auto report = provenance::verify_export(words.log, trust->key, anchor, trust->policy);
  if (session.options.output == "json") {
    session.with.out << json::serialise_pretty(report_json(report));
  } else {
    session.with.out << told(report, session.options);
  }
  session.leave(report.exit_code());
}

/// A receipt; or an answer of the node that has one in it.
Result<provenance::Receipt> read_receipt(const std::string& file) {
  SLUIS_TRY(const auto text, read_text(file, limits::kJsonBytes));
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || text[first] != '{') {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` is no receipt", file))
        .mended_by("a receipt is what `audit proof` prints: a bare proof does not say what it proves");
  }
  SLUIS_TRY(const auto value, json::parse(text));
  const auto* inner = value.find("receipt");
  const auto* wrapped = inner == nullptr ? nullptr : inner->if_string();
  return provenance::Receipt::from_json(wrapped == nullptr ? text : *wrapped);
}

void verify_proof(Session& session, const Words& words) {
  const auto trust = read_trust(words);
  if (!trust) return session.fail(trust.error(), 2);
  if (const auto text = read_text(words.file, 64U << 10U); text && provenance::is_conflict(*text)) {
    const auto both = provenance::check_conflict(*text, trust->key);
    if (!both) return session.fail(both.error(), 1);
    session.with.out << say(session.options, "proof.conflict", both->origin, both->size) << '\n';
    return;
  }
  const auto receipt = read_receipt(words.file);
  if (!receipt) return session.fail(receipt.error(), 1);
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
  out << say(options, "proof.entry", receipt->index, checkpoint->origin, provenance::kind_name(receipt->leaf.kind),
             checkpoint->size, to_hex(checkpoint->root))
      << '\n';
  if (quorum) {
    out << told(*quorum, options);
    session.leave(quorum->met ? 0 : 3);
  }
  v1::Shared shared;
  if (!shared.ParseFromString(receipt->shared)) return;
  const Timestamp when{std::chrono::microseconds(shared.time_us())};
  out << say(options, "proof.event", format_time(when), shared.event());
  if (!shared.counterparty().empty()) out << say(options, "proof.party", shared.counterparty());
  if (!shared.dataset().empty()) out << say(options, "proof.dataset", shared.dataset());
  if (shared.has_decision()) out << ": " << shared.decision().sentence();
  out << '\n';
}

}  // namespace

void add_audit_papers(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& check = verb(app, "audit", "verify", "checks an exported log: no node, no network");
  check.add_option("--log", words->log, "the folder that export-log wrote")->required();
  check.add_option("--key", words->key, "the log's key, or a file of it, not of the folder; a policy that names one log has it");
  check.add_option("--anchor", words->anchor, "a checkpoint that was kept from before");
  check.add_option("--policy", words->policy, "whose cosignatures are enough: a file in the form of C2SP tlog-policy");
  check.callback([session, words] { verify(*session, *words); });

  auto& proof = verb(app, "audit", "verify-proof", "checks the receipt of one entry, or two checkpoints that contradict each other");
  proof.add_option("FILE", words->file, "what `audit proof` printed")->required();
  proof.add_option("--key", words->key, "the log's key, or a file of it; a policy that names one log has it");
  proof.add_option("--policy", words->policy, "whose cosignatures are enough: a file in the form of C2SP tlog-policy");
  proof.callback([session, words] { verify_proof(*session, *words); });

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
