#pragma once

#include "connector/base/bytes.hpp"
#include "connector/crypto/crypto.hpp"

#include <string>
#include <vector>

/// C2SP signed-note and tlog-checkpoint 1.0.0: how a log says how long it is.
namespace sluis::provenance {

/// A log's verification key: `name+hex(key id)+base64(01 ‖ public key)`.
class VerifierKey {
 public:
  static Result<VerifierKey> parse(std::string_view text);
  static VerifierKey of(std::string name, const crypto::Key& key);

  const std::string& name() const { return name_; }
  std::uint32_t id() const { return id_; }
  std::string text() const;
  bool verify(std::string_view bytes, std::string_view signature) const { return key_.verify(bytes, signature); }

 private:
  VerifierKey(std::string name, crypto::Key key);

  std::string name_;
  crypto::Key key_;
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

}  // namespace sluis::provenance
