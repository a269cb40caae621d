#include "connector/identity/jws.hpp"

#include "connector/base/bytes.hpp"
#include "connector/identity/object_reader.hpp"

namespace sluis::identity {

std::string make_jws(const JwsForm& form, std::string_view kid, std::string_view payload, const crypto::Key& key) {
  const std::string header = json::serialise(
      json::object({{"alg", json::Value(form.algorithm)}, {"kid", json::Value(kid)}, {"typ", json::Value(form.type)}}));
  const std::string input = to_base64url(header) + "." + to_base64url(payload);
  return input + "." + to_base64url(key.sign(input));
}

Result<Jws> split_jws(std::string_view token, std::size_t most_bytes) {
  if (token.size() > most_bytes) return Error(ErrorCode::invalid_argument, "what is signed is longer than " + std::to_string(most_bytes) + " bytes");
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last) {
    return Error(ErrorCode::invalid_argument, "what is signed is not three parts with dots between");
  }
  auto header = from_base64url(token.substr(0, first));
  auto payload = from_base64url(token.substr(first + 1, last - first - 1));
  auto signature = from_base64url(token.substr(last + 1));
  if (!header || !payload || !signature) return Error(ErrorCode::invalid_argument, "a part of what is signed is not base64url");
  return Jws{std::move(*header), std::move(*payload), std::move(*signature), std::string(token.substr(0, last))};
}

Result<std::string> jws_key_id(const JwsForm& form, const Jws& jws) {
  SLUIS_TRY(const auto value, json::parse(jws.header));
  SLUIS_TRY(ObjectReader reader, ObjectReader::open(value, ""));
  SLUIS_TRY(const auto algorithm, reader.string("alg"));
  if (algorithm != form.algorithm) return reader.refused("alg", "the algorithm is not `" + std::string(form.algorithm) + "`");
  SLUIS_TRY(const auto type, reader.string("typ"));
  if (type != form.type) return reader.refused("typ", "the type is not `" + std::string(form.type) + "`");
  SLUIS_TRY(auto kid, reader.string("kid"));
  SLUIS_CHECK(reader.finish());
  return kid;
}

bool is_signed_by(const JwsForm& form, const Jws& jws, const crypto::Key& key) {
  return key.kind() == form.key && key.verify(jws.signed_part, jws.signature);
}

}  // namespace sluis::identity
