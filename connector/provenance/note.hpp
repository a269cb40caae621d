#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/time.hpp"
#include "connector/crypto/crypto.hpp"

#include <optional>
#include <string>
#include <vector>

/// C2SP signed-note and tlog-checkpoint 1.0.0: how a log says how long it is. tlog-cosignature: how a witness says that it saw it.
namespace sluis::provenance {

/// What an Ed25519 key signs: checkpoints of its log, or as a witness those of others.
enum class Signer : char { log = 1, witness = 4 };

/// A verification key: `name+hex(key id)+base64(algorithm ‖ public key)`.
class VerifierKey {
 public:
  static Result<VerifierKey> parse(std::string_view text, Signer signer = Signer::log);
  static VerifierKey of(std::string name, const crypto::Key& key, Signer signer = Signer::log);

  const std::string& name() const { return name_; }
  std::uint32_t id() const { return id_; }
  std::string text() const;
  bool verify(std::string_view bytes, std::string_view signature) const { return key_.verify(bytes, signature); }

 private:
  VerifierKey(std::string name, crypto::Key key, Signer signer);

  std::string name_;
  crypto::Key key_;
  Signer signer_;
  std::uint32_t id_;
};

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// The text that is signed.
std::string checkpoint_body(const Checkpoint& checkpoint);
/// Signed by an Ed25519 key under the checkpoint's origin.
std::string sign_checkpoint(const Checkpoint& checkpoint, const crypto::Key& key);
/// Reads a note and demands a good signature of `key`, with an origin that is the key's name.
/// invalid_argument: no readable note; permission_denied: not signed by that key, or the signature is wrong.
Result<Checkpoint> open_checkpoint(std::string_view note, const VerifierKey& key);
/// Of a note that this program signed itself: its signature is not looked at. invalid_argument: no readable note.
Result<Checkpoint> read_own_checkpoint(std::string_view note);
/// Whether a log, or a witness, may be named so: not empty, without space, plus sign and control characters.
bool may_be_origin(std::string_view name);
/// The origin that a note begins with; nothing is checked.
std::string_view origin_of(std::string_view note);
/// The note with one signature of that key alone. Needs one that `open_checkpoint` takes.
std::string with_signature_of(std::string_view note, const VerifierKey& key);

/// The signature line of a witness (`cosignature/v1`) that saw this checkpoint, the newest of its log, at that second.
std::string cosign(const Checkpoint& checkpoint, const std::string& name, const crypto::Key& key, Timestamp when);
/// When that witness saw the note's checkpoint; nothing: it did not sign. Several: the latest. Errors as of open_checkpoint.
Result<std::optional<Timestamp>> cosigned_at(std::string_view note, const VerifierKey& witness);

}  // namespace sluis::provenance
