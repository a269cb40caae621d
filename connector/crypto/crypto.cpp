#include "connector/crypto/crypto.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <array>
#include <stdexcept>

namespace sluis::crypto {
namespace {

const unsigned char* data(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* data(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

/// OpenSSL fails here only when memory is out or the library is broken.
void must(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string(what) + ": " + last_openssl_error());
}

template <class T, void (*F)(T*)>
struct Freer {
  void operator()(T* object) const { F(object); }
};
template <class T, void (*F)(T*)>
using Owned = std::unique_ptr<T, Freer<T, F>>;
using Pkey = Owned<EVP_PKEY, EVP_PKEY_free>;
using PkeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using MdContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using CipherContext = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using Bio = Owned<BIO, BIO_free_all>;
using Signature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

/// Fetched once: an implicit fetch in each call costs more than the hash of a small input.
const EVP_MD* sha256_md() {
  static const EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

/// The same for the cipher.
const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

/// A context of this thread for a hash that is made in one go: making and freeing one costs more than a small hash.
EVP_MD_CTX* hashing() {
  thread_local const MdContext context(EVP_MD_CTX_new());
  must(context && EVP_DigestInit_ex2(context.get(), sha256_md(), nullptr) == 1, "sha-256");
  return context.get();
}

Hash hash_of(std::string_view first, std::string_view second) {
  EVP_MD_CTX* const context = hashing();
  Hash hash{};
  must(EVP_DigestUpdate(context, first.data(), first.size()) == 1 && EVP_DigestUpdate(context, second.data(), second.size()) == 1 &&
           EVP_DigestFinal_ex(context, hash.data(), nullptr) == 1,
       "sha-256");
  return hash;
}

std::string bio_text(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string coordinate(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  must(EVP_PKEY_get_bn_param(key, name, &number) == 1, "read a coordinate");
  std::string out(32, '\0');
  const int written = BN_bn2binpad(number, data(out), 32);
  BN_free(number);
  must(written == 32, "write a coordinate");
  return out;
}

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;

}  // namespace

std::string last_openssl_error() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    char line[256];
    ERR_error_string_n(code, line, sizeof line);
    if (!text.empty()) text += "; ";
    text += line;
  }
  return text.empty() ? "no detail" : text;
}

Hash sha256(std::string_view bytes) { return hash_of(bytes, {}); }

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  must(context_ && EVP_DigestInit_ex(context_.get(), sha256_md(), nullptr) == 1, "sha-256");
}

void Sha256::update(std::string_view bytes) {
  must(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1, "sha-256");
}

Hash Sha256::finish() {
  Hash hash{};
  must(EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) == 1, "sha-256");
  return hash;
}

Hash hmac_sha256(std::string_view key, std::string_view bytes) {
  // RFC 2104 over the fetched digest: EVP_MAC's set-up costs several times the hash of an entry.
  std::array<char, 64> block{};
  if (key.size() > block.size()) {
    const Hash short_key = sha256(key);
    std::copy(short_key.begin(), short_key.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  for (char& byte : block) byte = static_cast<char>(byte ^ 0x36);
  const Hash middle = hash_of({block.data(), block.size()}, bytes);
  for (char& byte : block) byte = static_cast<char>(byte ^ 0x36 ^ 0x5c);
  const Hash mac = hash_of({block.data(), block.size()}, view(middle));
  OPENSSL_cleanse(block.data(), block.size());
  return mac;
}

std::string hkdf_sha256(std::string_view key, std::string_view salt, std::string_view info, std::size_t size) {
  const PkeyContext context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  std::string out(size, '\0');
  must(context && EVP_PKEY_derive_init(context.get()) == 1 &&
           EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set1_hkdf_salt(context.get(), data(salt), static_cast<int>(salt.size())) == 1 &&
           EVP_PKEY_CTX_set1_hkdf_key(context.get(), data(key), static_cast<int>(key.size())) == 1 &&
           EVP_PKEY_CTX_add1_hkdf_info(context.get(), data(info), static_cast<int>(info.size())) == 1 &&
           EVP_PKEY_derive(context.get(), data(out), &size) == 1,
       "hkdf");
  return out;
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string seal(Random& random, std::string_view key, std::string_view plain, std::string_view associated) {
  if (key.size() != 32) throw std::logic_error("AES-256-GCM needs a key of 32 bytes");
  std::string out = random.bytes(kNonce);
  out.reserve(kNonce + plain.size() + kTag);
  const CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  must(context && EVP_EncryptInit_ex(context.get(), aes_256_gcm(), nullptr, data(key), data(out)) == 1, "seal");
  must(EVP_EncryptUpdate(context.get(), nullptr, &size, data(associated), static_cast<int>(associated.size())) == 1,
       "seal");
  out.resize(kNonce + plain.size() + kTag);
  must(EVP_EncryptUpdate(context.get(), data(out) + kNonce, &size, data(plain), static_cast<int>(plain.size())) == 1,
       "seal");
  must(EVP_EncryptFinal_ex(context.get(), data(out) + kNonce + size, &size) == 1, "seal");
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTag, data(out) + kNonce + plain.size()) == 1, "seal");
  return out;
}

Result<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view associated) {
  if (key.size() != 32) throw std::logic_error("AES-256-GCM needs a key of 32 bytes");
  const Error bad(ErrorCode::corruption, "sealed bytes do not open with this key");
  if (sealed.size() < kNonce + kTag) return bad;
  const std::string_view body = sealed.substr(kNonce, sealed.size() - kNonce - kTag);
  std::string tag(sealed.substr(sealed.size() - kTag));
  std::string out(body.size(), '\0');
  const CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  must(context && EVP_DecryptInit_ex(context.get(), aes_256_gcm(), nullptr, data(key), data(sealed)) == 1, "unseal");
  if (EVP_DecryptUpdate(context.get(), nullptr, &size, data(associated), static_cast<int>(associated.size())) != 1 ||
      EVP_DecryptUpdate(context.get(), data(out), &size, data(body), static_cast<int>(body.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), data(out) + size, &size) != 1) {
    ERR_clear_error();
    return bad;
  }
  return out;
}

Result<Key> Key::wrap(EVP_PKEY* pkey, bool is_private) {
  std::shared_ptr<EVP_PKEY> owned(pkey, EVP_PKEY_free);
  if (pkey == nullptr) {
    ERR_clear_error();
    return Error(ErrorCode::invalid_argument, "not a readable key");
  }
  if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519) return Key(std::move(owned), Kind::ed25519, is_private);
  char group[32] = "";
  std::size_t size = 0;
  if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
      EVP_PKEY_get_group_name(pkey, group, sizeof group, &size) == 1 && std::string_view(group) == "prime256v1") {
    return Key(std::move(owned), Kind::p256, is_private);
  }
  return Error(ErrorCode::invalid_argument, "the key is neither Ed25519 nor ECDSA P-256");
}

Key Key::generate(Kind kind) {
  EVP_PKEY* pkey = kind == Kind::ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519") : EVP_EC_gen("P-256");
  must(pkey != nullptr, "make a key");
  return Key(std::shared_ptr<EVP_PKEY>(pkey, EVP_PKEY_free), kind, true);
}

Result<Key> Key::from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (pem.find("PRIVATE KEY") != std::string_view::npos) {
    return wrap(PEM_read_bio_PrivateKey(bio.get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr), true);
  }
  return wrap(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr), false);
}

Result<Key> Key::from_ed25519_public(std::string_view raw) {
  return wrap(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data(raw), raw.size()), false);
}

Result<Key> Key::from_ed25519_seed(std::string_view seed) {
  return wrap(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, data(seed), seed.size()), true);
}

Result<Key> Key::from_p256_public(std::string_view x, std::string_view y) {
  if (x.size() != 32 || y.size() != 32) {
    return Error(ErrorCode::invalid_argument, "a P-256 point has two coordinates of 32 bytes");
  }
  std::string point = "\x04" + std::string(x) + std::string(y);
  char group[] = "prime256v1";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                               OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
                               OSSL_PARAM_construct_end()};
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* pkey = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &pkey, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(params)) != 1) {
    ERR_clear_error();
    EVP_PKEY_free(pkey);
    return Error(ErrorCode::invalid_argument, "not a point of P-256");
  }
  return wrap(pkey, false);
}

std::string Key::sign(std::string_view bytes) const {
  if (!private_) throw std::logic_error("signing needs a private key");
  const MdContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  const EVP_MD* md = kind_ == Kind::p256 ? EVP_sha256() : nullptr;
  must(context && EVP_DigestSignInit(context.get(), nullptr, md, nullptr, pkey_.get()) == 1 &&
           EVP_DigestSign(context.get(), nullptr, &size, data(bytes), bytes.size()) == 1,
       "sign");
  std::string out(size, '\0');
  must(EVP_DigestSign(context.get(), data(out), &size, data(bytes), bytes.size()) == 1, "sign");
  out.resize(size);
  if (kind_ == Kind::ed25519) return out;
  const unsigned char* der = data(out);
  const Signature pair(d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(out.size())));
  must(pair != nullptr, "sign");
  std::string raw(64, '\0');
  must(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), data(raw), 32) == 32 &&
           BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), data(raw) + 32, 32) == 32,
       "sign");
  return raw;
}

bool Key::verify(std::string_view bytes, std::string_view signature) const {
  if (signature.size() != 64) return false;
  std::string encoded(signature);
  if (kind_ == Kind::p256) {
    const Signature pair(ECDSA_SIG_new());
    BIGNUM* r = BN_bin2bn(data(signature), 32, nullptr);
    BIGNUM* s = BN_bin2bn(data(signature) + 32, 32, nullptr);
    must(pair && ECDSA_SIG_set0(pair.get(), r, s) == 1, "verify");
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    must(size > 0, "verify");
    encoded.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  const MdContext context(EVP_MD_CTX_new());
  const EVP_MD* md = kind_ == Kind::p256 ? EVP_sha256() : nullptr;
  must(context && EVP_DigestVerifyInit(context.get(), nullptr, md, nullptr, pkey_.get()) == 1, "verify");
  const bool good = EVP_DigestVerify(context.get(), data(encoded), encoded.size(), data(bytes), bytes.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

std::string Key::private_pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PKCS8PrivateKey(bio.get(), pkey_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "write a key");
  return bio_text(bio.get());
}

std::string Key::public_pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PUBKEY(bio.get(), pkey_.get()) == 1, "write a key");
  return bio_text(bio.get());
}

std::string Key::public_raw() const {
  if (kind_ == Kind::ed25519) {
    std::string out(32, '\0');
    std::size_t size = out.size();
    must(EVP_PKEY_get_raw_public_key(pkey_.get(), data(out), &size) == 1, "read a key");
    return out;
  }
  return coordinate(pkey_.get(), OSSL_PKEY_PARAM_EC_PUB_X) + coordinate(pkey_.get(), OSSL_PKEY_PARAM_EC_PUB_Y);
}

}  // namespace sluis::crypto
