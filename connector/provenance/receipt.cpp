#include "connector/provenance/receipt.hpp"

#include "connector/json/json.hpp"

#include <charconv>

namespace sluis::provenance {
namespace {

constexpr std::string_view kProofHeader = "c2sp.org/tlog-proof@v1\n";
constexpr std::size_t kMaxPath = 64;

Error bad(const std::string& why) { return Error(ErrorCode::invalid_argument, "not a receipt: " + why); }

Result<std::string> binary(const json::Value& value, std::string_view key) {
  SLUIS_TRY(const std::string text, json::required_string(value, key));
  auto bytes = from_base64(text);
  if (!bytes) return bad("`" + std::string(key) + "` is not base64");
  return bytes;
}

Result<Receipt> receipt_at(const LogReader& log, std::uint64_t number, const std::string& note, const Checkpoint& checkpoint) {
  Receipt receipt;
  SLUIS_TRY(receipt.leaf, log.leaf(number));
  SLUIS_TRY(const Payload payload, log.payload(number));
  receipt.index = number - log.shard().first;
  SLUIS_TRY(receipt.path, inclusion_proof(receipt.index, checkpoint.size, log.nodes(checkpoint.size)));
  receipt.shared = payload.shared;
  receipt.k = payload.k;
  receipt.inner = payload.inner();
  receipt.checkpoint = note;
  return receipt;
}

/// Of an entry in a log before the newest.
Result<Receipt> of_older(const LogReader& log, const Shard& shard, std::uint64_t number) {
  const Error lost(ErrorCode::not_found, "entry " + std::to_string(number) + " stands behind the last checkpoint of `" + shard.origin + "`");
  if (shard.seal.empty()) return lost;
  SLUIS_TRY(const VerifierKey old, VerifierKey::parse(shard.key));
  SLUIS_TRY(const Checkpoint sealed, open_checkpoint(shard.seal, old));
  if (number - shard.first >= sealed.size) return lost;
  return receipt_at(log.at(shard), number, shard.seal, sealed);
}

bool take_line(std::string_view& rest, std::string_view& line) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return false;
  line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::string Receipt::proof_text() const {
  std::string out(kProofHeader);
  out += "index " + std::to_string(index) + "\n";
  for (const Hash& hash : path) out += to_base64(view(hash)) + "\n";
  return out + "\n" + checkpoint;
}

Result<ParsedProof> parse_proof_text(std::string_view text) {
  if (!text.starts_with(kProofHeader)) return bad("the proof is not of tlog-proof v1");
  std::string_view rest = text.substr(kProofHeader.size());
  std::string_view line;
  if (!take_line(rest, line) || !line.starts_with("index ")) return bad("the proof names no index");
  line.remove_prefix(6);
  ParsedProof proof;
  const auto [at, ec] = std::from_chars(line.data(), line.data() + line.size(), proof.index);
  if (ec != std::errc() || at != line.data() + line.size() || (line.size() > 1 && line[0] == '0')) return bad("the proof names no index");
  for (;;) {
    if (!take_line(rest, line)) return bad("the proof is cut short");
    if (line.empty()) break;
    const auto bytes = from_base64(line);
    if (!bytes || bytes->size() != 32 || proof.path.size() == kMaxPath) return bad("a hash of the proof");
    SLUIS_TRY(const Hash hash, to_hash(*bytes));
    proof.path.push_back(hash);
  }
  proof.checkpoint = std::string(rest);
  return proof;
}

std::string Receipt::to_json() const {
  return json::serialise(json::object({{"leaf", to_base64(leaf.bytes())},
                                       {"shared", to_base64(shared)},
                                       {"k", to_base64(k)},
                                       {"inner", to_base64(view(inner))},
                                       {"proof", proof_text()}}));
}

Result<Receipt> Receipt::from_json(std::string_view text) {
  SLUIS_TRY(const json::Value value, json::parse(text));
  Receipt receipt;
  SLUIS_TRY(const std::string leaf, binary(value, "leaf"));
  SLUIS_TRY(receipt.leaf, Leaf::parse(leaf));
  SLUIS_TRY(receipt.shared, binary(value, "shared"));
  SLUIS_TRY(receipt.k, binary(value, "k"));
  if (receipt.k.size() != 32) return bad("`k` is not 32 bytes");
  SLUIS_TRY(const std::string inner, binary(value, "inner"));
  SLUIS_TRY(receipt.inner, to_hash(inner));
  SLUIS_TRY(const std::string proof, json::required_string(value, "proof"));
  SLUIS_TRY(ParsedProof parsed, parse_proof_text(proof));
  receipt.index = parsed.index;
  receipt.path = std::move(parsed.path);
  receipt.checkpoint = std::move(parsed.checkpoint);
  return receipt;
}

Result<Receipt> make_receipt(const LogReader& log, std::uint64_t number, const std::string& note, const VerifierKey& key) {
  const Shard& shard = log.shard_of(number);
  if (shard.number != log.shard().number) return of_older(log, shard, number);
  SLUIS_TRY(const Checkpoint checkpoint, open_checkpoint(note, key));
  return make_receipt(log, number, note, checkpoint);
}

Result<Receipt> make_receipt(const LogReader& log, std::uint64_t number, const std::string& note, const Checkpoint& checkpoint) {
  const Shard& shard = log.shard_of(number);
  if (shard.number != log.shard().number) return of_older(log, shard, number);
  if (number - shard.first >= checkpoint.size) {  // readers see entries before the checkpoint that covers them is kept
    SLUIS_CHECK(log.leaf(number));
    return Error(ErrorCode::storage_unavailable, "entry " + std::to_string(number) + " is not covered by a checkpoint yet");
  }
  return receipt_at(log, number, note, checkpoint);
}

Result<void> check_receipt(const Receipt& receipt, const Checkpoint& checkpoint) {
  if (commitment(receipt.leaf, receipt.shared, receipt.k, receipt.inner) != receipt.leaf.commitment) {
    return Error(ErrorCode::permission_denied, "the receipt's content is not what its entry commits to");
  }
  if (!verify_inclusion(leaf_hash(receipt.leaf.bytes()), receipt.index, checkpoint.size, receipt.path, checkpoint.root)) {
    return Error(ErrorCode::permission_denied, "the receipt's entry is not in the log `" + checkpoint.origin + "`");
  }
  return {};
}

Result<Checkpoint> verify_receipt(const Receipt& receipt, const VerifierKey& key) {
  SLUIS_TRY(Checkpoint checkpoint, open_checkpoint(receipt.checkpoint, key));
  SLUIS_CHECK(check_receipt(receipt, checkpoint));
  return checkpoint;
}

}  // namespace sluis::provenance
