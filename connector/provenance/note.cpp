#include "connector/provenance/note.hpp"

#include "connector/base/utf8.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::provenance {
namespace {

constexpr std::string_view kDash = "\xE2\x80\x94 ";  // U+2014 and a space
constexpr std::size_t kSignatures = 16;
constexpr std::uint64_t kLatestSecond = 253'402'300'799;  // 9999-12-31

std::uint32_t key_id(std::string_view name, std::string_view raw, Signer signer) {
  std::string bytes(name);
  bytes += '\n';
  bytes += static_cast<char>(signer);
  bytes += raw;
  return get_u32(view(crypto::sha256(bytes)));
}


Error bad_note(const std::string& why) { return Error(ErrorCode::invalid_argument, "no readable checkpoint: " + why); }

Result<Checkpoint> parse_body(std::string_view body) {
  std::vector<std::string_view> lines;
  for (std::string_view rest = body; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return bad_note("the last line does not end");
    lines.push_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  if (lines.size() != 3) return bad_note("expected the three lines origin, size and root");
  Checkpoint checkpoint;
  checkpoint.origin = std::string(lines[0]);
  const std::string_view digits = lines[1];
  const auto [at, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), checkpoint.size);
  if (ec != std::errc() || at != digits.data() + digits.size() || (digits.size() > 1 && digits[0] == '0')) {
    return bad_note("`" + std::string(digits) + "` is no size");
  }
  const auto root = from_base64(lines[2]);
  if (!root || root->size() != 32) return bad_note("the root is not 32 bytes in base64");
  SLUIS_TRY(checkpoint.root, to_hash(*root));
  return checkpoint;
}

/// A signature line, and what it holds behind the key's number.
struct Signature {
  std::string_view line;
  std::string bytes;
};

/// What a note says, and its signatures that name a key. Views of the note.
struct Signatures {
  std::string_view body;
  std::vector<Signature> by_key;
};

Result<Signatures> signatures_of(std::string_view note, const VerifierKey& key) {
  const std::size_t split = note.rfind("\n\n");
  if (split == std::string_view::npos || !note.ends_with('\n')) return bad_note("no signatures");
  Signatures out{note.substr(0, split + 1), {}};
  std::size_t count = 0;
  for (std::string_view rest = note.substr(split + 2); !rest.empty();) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (!line.starts_with(kDash) || ++count > kSignatures) return bad_note("a signature line is not one");
    const std::string_view signature = line.substr(kDash.size());
    const std::size_t space = signature.find(' ');
    if (space == std::string_view::npos || !may_be_origin(signature.substr(0, space))) return bad_note("a signature line is not one");
    const auto blob = from_base64(signature.substr(space + 1));
    if (!blob || blob->size() < 5) return bad_note("a signature is not base64");
    if (signature.substr(0, space) == key.name() && get_u32(*blob) == key.id()) out.by_key.push_back({line, blob->substr(4)});
  }
  return out;
}

/// What a witness signs.
std::string cosigned_text(std::uint64_t seconds, std::string_view body) {
  return "cosignature/v1\ntime " + std::to_string(seconds) + "\n" + std::string(body);
}

}  // namespace

bool may_be_origin(std::string_view name) {
  if (name.empty() || name.find_first_of(" \t\r\n+") != std::string_view::npos) return false;
  while (!name.empty()) {
    const std::size_t length = utf8_length(name);
    if (length == 0) return false;
    name.remove_prefix(length);
  }
  return true;
}

VerifierKey::VerifierKey(std::string name, crypto::Key key, Signer signer)
    : name_(std::move(name)), key_(std::move(key)), signer_(signer), id_(key_id(name_, key_.public_raw(), signer)) {}

VerifierKey VerifierKey::of(std::string name, const crypto::Key& key, Signer signer) { return {std::move(name), key, signer}; }

Result<VerifierKey> VerifierKey::parse(std::string_view text, Signer signer) {
  const Error bad = Error(ErrorCode::invalid_argument, "not a verification key")
                        .mended_by("it reads `name+hex+base64`, as the log's owner gave it to you");
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t first = text.find('+');
  if (first == std::string_view::npos) return bad;
  const std::size_t second = text.find('+', first + 1);
  if (second == std::string_view::npos) return bad;
  const std::string_view name = text.substr(0, first);
  const auto id = from_hex(text.substr(first + 1, second - first - 1));
  const auto raw = from_base64(text.substr(second + 1));
  if (!may_be_origin(name) || !id || id->size() != 4 || !raw || raw->size() != 33 || raw->front() != static_cast<char>(signer)) return bad;
  SLUIS_TRY(crypto::Key key, crypto::Key::from_ed25519_public(std::string_view(*raw).substr(1)));
  VerifierKey result(std::string(name), std::move(key), signer);
  if (result.id() != get_u32(*id)) return bad;
  return result;
}

std::string VerifierKey::text() const {
  std::string id;
  put_u32(id, id_);
  return name_ + "+" + to_hex(id) + "+" + to_base64(std::string(1, static_cast<char>(signer_)) + key_.public_raw());
}

std::string checkpoint_body(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" + to_base64(view(checkpoint.root)) + "\n";
}

std::string sign_checkpoint(const Checkpoint& checkpoint, const crypto::Key& key) {
  const std::string body = checkpoint_body(checkpoint);
  std::string signature;
  put_u32(signature, VerifierKey::of(checkpoint.origin, key).id());
  signature += key.sign(body);
  return body + "\n" + std::string(kDash) + checkpoint.origin + " " + to_base64(signature) + "\n";
}

Result<Checkpoint> open_checkpoint(std::string_view note, const VerifierKey& key) {
  SLUIS_TRY(const Signatures read, signatures_of(note, key));
  for (const Signature& one : read.by_key) {
    if (!key.verify(read.body, one.bytes)) {
      return Error(ErrorCode::permission_denied, "the checkpoint's signature by `" + key.name() + "` is wrong");
    }
  }
  if (read.by_key.empty()) {
    return Error(ErrorCode::permission_denied, "the checkpoint is not signed by the key of `" + key.name() + "`");
  }
  SLUIS_TRY(Checkpoint checkpoint, parse_body(read.body));
  if (checkpoint.origin != key.name()) {
    return Error(ErrorCode::permission_denied,
                 "the checkpoint is of the log `" + checkpoint.origin + "`, the key of `" + key.name() + "`");
  }
  return checkpoint;
}

Result<Checkpoint> read_own_checkpoint(std::string_view note) {
  const std::size_t end = note.find("\n\n");
  if (end == std::string_view::npos) return Error(ErrorCode::invalid_argument, "this is no note");
  return parse_body(note.substr(0, end + 1));
}

std::string_view origin_of(std::string_view note) { return note.substr(0, note.find('\n')); }

std::string with_signature_of(std::string_view note, const VerifierKey& key) {
  const auto read = signatures_of(note, key);
  if (!read) return {};
  std::string out(read->body);
  out += '\n';
  if (!read->by_key.empty()) out += std::string(read->by_key.front().line) + '\n';
  return out;
}

std::string cosign(const Checkpoint& checkpoint, const std::string& name, const crypto::Key& key, Timestamp when) {
  const auto seconds = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count());
  std::string signature;
  put_u32(signature, VerifierKey::of(name, key, Signer::witness).id());
  put_u64(signature, seconds);
  signature += key.sign(cosigned_text(seconds, checkpoint_body(checkpoint)));
  return std::string(kDash) + name + " " + to_base64(signature) + "\n";
}

Result<std::optional<Timestamp>> cosigned_at(std::string_view note, const VerifierKey& witness) {
  SLUIS_TRY(const Signatures read, signatures_of(note, witness));
  std::optional<Timestamp> latest;
  for (const Signature& one : read.by_key) {
    const std::uint64_t seconds = one.bytes.size() == 8 + 64 ? get_u64(one.bytes) : 0;
    const bool good = seconds != 0 && seconds <= kLatestSecond && witness.verify(cosigned_text(seconds, read.body), std::string_view(one.bytes).substr(8));
    if (!good) return Error(ErrorCode::permission_denied, "the cosignature of `" + witness.name() + "` is wrong");
    const Timestamp when{std::chrono::seconds(seconds)};
    latest = std::max(latest.value_or(when), when);
  }
  return latest;
}

}  // namespace sluis::provenance
