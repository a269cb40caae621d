#pragma once

#include "connector/base/bytes.hpp"

#include <memory>
#include <string_view>

struct evp_md_ctx_st;

namespace sluis::crypto {

/// HMAC-SHA-256 (RFC 2104) of many short values under one key: the key's part is hashed once. One thread at a time.
class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key);
  Hash of(std::string_view bytes);

 private:
  struct Free { void operator()(evp_md_ctx_st* context) const; };
  using Context = std::unique_ptr<evp_md_ctx_st, Free>;

  Context inner_;
  Context outer_;
  Context work_;
};

}  // namespace sluis::crypto
