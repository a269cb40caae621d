#include "connector/node/cli/signed_findings.hpp"

#include "connector/identity/membership.hpp"
#include "connector/node/cli/words.hpp"
#include "sluis/v1/evidence.pb.h"

#include <fmt/core.h>

#include <algorithm>

namespace sluis::cli {

Result<std::vector<crypto::Key>> read_dpo_keys(const std::vector<std::string>& files) {
  std::vector<crypto::Key> keys;
  for (const std::string& file : files) {
    SLUIS_TRY(const std::string text, read_text(file, 4096));
    const auto key = crypto::Key::from_pem(text);
    if (!key || key->is_private() || key->kind() != crypto::Key::Kind::ed25519) {
      return Error(ErrorCode::invalid_argument, fmt::format("`{}` is no public Ed25519 key", file))
          .mended_by("give the FILE.pub that `sluis audit key FILE` made; get it from the officer, not from the node");
    }
    keys.push_back(*key);
  }
  return keys;
}

std::optional<std::string> SignedFindings::check(const provenance::CheckedEntry& entry) {
  ++entries;
  if (entry.leaf.kind != static_cast<std::uint8_t>(provenance::EntryKind::findings_signed)) return std::nullopt;
  if (entry.payload == nullptr) {
    ++absent;
    return std::nullopt;
  }
  v1::Shared shared;
  if (!shared.ParseFromString(entry.payload->shared)) return "the entry of signed findings cannot be read";
  if (crypto::sha256(shared.document()) != entry.leaf.policy_digest) return "the signed findings are not those of the entry's digest";
  const auto opened = identity::SignedStatement::open(shared.document());
  if (!opened) return "the signed findings are not in order: " + describe(opened.error());
  const auto named = std::find_if(keys_.begin(), keys_.end(), [&](const crypto::Key& key) { return identity::key_id(key) == opened->key_id(); });
  const auto statement = named == keys_.end() ? opened->read() : opened->verify(*named);
  if (!statement) return "the signed findings are not in order: " + describe(statement.error());
  if (statement->origin != entry.origin) return "the signed findings rest on another log: `" + statement->origin + "`";
  const auto root = statement->size > entry.index ? Result<Hash>(Error()) : entry.root_at(statement->size);
  if (!root || *root != statement->root) {
    return fmt::format("the signed findings rest on {} entries with another root than this log has: it was rewritten, or they are of another one", statement->size);
  }
  ++statements;
  if (named != keys_.end()) ++held;
  return std::nullopt;
}

std::string SignedFindings::told(const Options& options) const {
  std::string out;
  if (absent != 0) out += say(options, "verify.findings.absent", absent) + "\n";
  if (!keys_.empty() && entries == 0) return out + say(options, "verify.findings.none") + "\n";
  if (!keys_.empty()) {
    out += say(options, "verify.findings.keys", statements, held) + "\n";
    return missed() ? out + say(options, "verify.findings.missed") + "\n" : out;
  }
  return statements == 0 ? out : out + say(options, "verify.findings", statements) + "\n";
}

json::Value SignedFindings::to_json() const { return json::object({{"statements", statements}, {"held", held}, {"absent", absent}}); }

std::string told(const identity::Statement& statement, const Options& options) {
  std::string out = say(options, "statement", statement.node.str(), statement.size, format_time(statement.from), format_time(statement.until)) + "\n";
  for (const identity::JudgedFinding& one : statement.findings) {
    out += say(options, "statement.finding", one.code, say(options, "judgement." + std::string(identity::to_string(one.judgement))), one.why);
    if (one.by) out += say(options, "statement.by", format_time(*one.by).substr(0, 10));
    out += "\n";
  }
  return out;
}

}  // namespace sluis::cli
