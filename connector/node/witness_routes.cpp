#include "connector/node/witness_routes.hpp"

#include "connector/base/bytes.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/provenance/witness.hpp"

namespace sluis::node {
namespace {

constexpr std::size_t kRequestBytes = 16U << 10U;  // 63 hashes and a checkpoint
constexpr const char* kPlain = "text/plain; charset=utf-8";

http::Response text(unsigned status, std::string type, std::string body) {
  return {status, {{"content-type", std::move(type)}}, std::move(body), {}};
}

}  // namespace

std::string witnessed_path(std::string_view origin) { return "/witnessed/" + to_hex(view(crypto::sha256(origin))) + "/checkpoint"; }

std::vector<http::Route> witness_routes(provenance::Witness& witness, std::function<bool(const http::Request&)> may,
                                        std::function<std::vector<std::string>()> origins) {
  const auto nothing = [] { return text(404, kPlain, "nothing here\n"); };
  const auto add = [&witness, may, nothing](const http::Request& request) {
    if (!may(request)) return nothing();
    provenance::Witness::Answer answer = witness.add_checkpoint(request.body);
    return text(answer.status, std::move(answer.content_type), std::move(answer.body));
  };
  std::vector<http::Route> routes{{"POST", "/add-checkpoint", add, kRequestBytes}};
  routes.push_back({"GET", "/witnessed/*", [&witness, may, nothing, origins](const http::Request& request) {
                      if (!may(request)) return nothing();
                      for (const std::string& origin : origins()) {
                        if ("/witnessed/" + request.rest != witnessed_path(origin)) continue;
                        const auto newest = witness.newest(origin);
                        if (!newest) return text(503, kPlain, "it cannot be read now\n");
                        if (*newest) return text(200, kPlain, **newest);
                      }
                      return nothing();
                    }, 0});
  return routes;
}

}  // namespace sluis::node
