#include "connector/crypto/hmac.hpp"

#include "connector/crypto/crypto.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace sluis::crypto {
namespace {

constexpr std::size_t kBlock = 64;

void must(int done) {
  if (done != 1) throw std::runtime_error("OpenSSL cannot hash: " + last_openssl_error());
}

const EVP_MD* digest() {
  static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

}  // namespace

void HmacSha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

HmacSha256::HmacSha256(std::string_view key)
    : inner_(EVP_MD_CTX_new()), outer_(EVP_MD_CTX_new()), work_(EVP_MD_CTX_new()) {
  std::array<unsigned char, kBlock> block{};
  if (key.size() > kBlock) {
    const Hash shorter = sha256(key);
    std::copy(shorter.begin(), shorter.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  const auto start = [&](EVP_MD_CTX* context, unsigned char pad) {
    std::array<unsigned char, kBlock> padded{};
    std::transform(block.begin(), block.end(), padded.begin(),
                   [&](unsigned char byte) { return static_cast<unsigned char>(byte ^ pad); });
    must(EVP_DigestInit_ex2(context, digest(), nullptr));
    must(EVP_DigestUpdate(context, padded.data(), padded.size()));
  };
  start(inner_.get(), 0x36);
  start(outer_.get(), 0x5C);
}

Hash HmacSha256::of(std::string_view bytes) {
  Hash hash{};
  must(EVP_MD_CTX_copy_ex(work_.get(), inner_.get()));
  must(EVP_DigestUpdate(work_.get(), bytes.data(), bytes.size()));
  must(EVP_DigestFinal_ex(work_.get(), hash.data(), nullptr));
  must(EVP_MD_CTX_copy_ex(work_.get(), outer_.get()));
  must(EVP_DigestUpdate(work_.get(), hash.data(), hash.size()));
  must(EVP_DigestFinal_ex(work_.get(), hash.data(), nullptr));
  return hash;
}

}  // namespace sluis::crypto
