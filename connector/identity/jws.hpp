#pragma once

#include "connector/crypto/crypto.hpp"

#include <string>
#include <string_view>

/// A compact JWS (RFC 7515, section 7.1) in the one form that is made and read here (decision 11): its header has `alg`, `kid` and `typ`, and
/// nothing else, so that there is no algorithm to be talked into.
namespace sluis::identity {

/// What the two fixed members of a header say, and of which kind the key is.
struct JwsForm {
  std::string_view algorithm;  ///< `ES256` (RFC 7518), `EdDSA` (RFC 8037)
  std::string_view type;
  crypto::Key::Kind key;
};

/// `key` is private, and of the form's kind.
std::string make_jws(const JwsForm& form, std::string_view kid, std::string_view payload, const crypto::Key& key);

/// The three parts, decoded. Nothing of them is checked.
struct Jws {
  std::string header;
  std::string payload;
  std::string signature;
  std::string signed_part;  ///< header and payload as they came, with the dot between
};
/// invalid_argument: longer than that, not three parts with dots between, or not base64url.
Result<Jws> split_jws(std::string_view token, std::size_t most_bytes);
/// The key id of a header that is just what the form says. invalid_argument, with the pointer.
Result<std::string> jws_key_id(const JwsForm& form, const Jws& jws);
/// Whether that key, of the form's kind, signed it.
bool is_signed_by(const JwsForm& form, const Jws& jws, const crypto::Key& key);

}  // namespace sluis::identity
