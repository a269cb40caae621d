#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/random.hpp"

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;
struct evp_md_ctx_st;

/// What the node needs of OpenSSL's EVP, in the project's types.
namespace sluis::crypto {

Hash sha256(std::string_view bytes);
/// SHA-256 of a stream of parts. One thread at a time.
class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  /// Ends this digest; a new object is needed for the next.
  Hash finish();

 private:
  struct Free { void operator()(evp_md_ctx_st* context) const; };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

Hash hmac_sha256(std::string_view key, std::string_view bytes);
/// RFC 5869, at most 255 * 32 bytes.
std::string hkdf_sha256(std::string_view key, std::string_view salt, std::string_view info, std::size_t size);
/// In constant time; false where the sizes differ.
bool equal(std::string_view a, std::string_view b);

/// AES-256-GCM: nonce (12) ‖ ciphertext ‖ tag (16), with a fresh random nonce. `key` has 32 bytes.
std::string seal(Random& random, std::string_view key, std::string_view plain, std::string_view associated);
/// corruption: another key, other associated bytes, or altered.
Result<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view associated);

/// A private or public key, Ed25519 or ECDSA P-256. Copies share the key. Thread-safe.
class Key {
 public:
  enum class Kind { ed25519, p256 };

  static Key generate(Kind kind);
  /// PKCS#8 or SubjectPublicKeyInfo in PEM; other algorithms are refused.
  static Result<Key> from_pem(std::string_view pem);
  /// 32 raw bytes.
  static Result<Key> from_ed25519_public(std::string_view raw);
  static Result<Key> from_ed25519_seed(std::string_view seed);
  /// The affine coordinates of a P-256 point, 32 bytes each (JWK `x`, `y`); a point off the curve is refused.
  static Result<Key> from_p256_public(std::string_view x, std::string_view y);

  Kind kind() const { return kind_; }
  bool is_private() const { return private_; }
  /// Ed25519: 64 bytes (RFC 8032). P-256: r ‖ s over SHA-256, 64 bytes (ES256 of RFC 7518). Needs a private key.
  std::string sign(std::string_view bytes) const;
  bool verify(std::string_view bytes, std::string_view signature) const;
  std::string private_pem() const;
  std::string public_pem() const;
  /// Ed25519: 32 raw bytes. P-256: x ‖ y, 64 bytes.
  std::string public_raw() const;
  evp_pkey_st* native() const { return pkey_.get(); }

 private:
  Key(std::shared_ptr<evp_pkey_st> pkey, Kind kind, bool is_private)
      : pkey_(std::move(pkey)), kind_(kind), private_(is_private) {}
  static Result<Key> wrap(evp_pkey_st* pkey, bool is_private);

  std::shared_ptr<evp_pkey_st> pkey_;
  Kind kind_ = Kind::ed25519;
  bool private_ = false;
};

/// What OpenSSL says went wrong last, for operators.
std::string last_openssl_error();

}  // namespace sluis::crypto
