#include "connector/identity/transport.hpp"

#include "connector/base/trace.hpp"

namespace sluis::identity {

Result<http::PeerRequest> IdentifiedTransport::identified(const http::PeerRequest& request) const {
  http::PeerRequest out = request;
  if (out.peer.empty()) return out;
  const auto credentials = scheme_.credentials_for(out.peer, {out.method, out.url, out.body});
  if (!credentials) {
    return Error(ErrorCode::peer_unavailable, "no credentials for `" + out.peer.str() + "`: " + credentials.error().message);
  }
  for (const auto& [name, value] : *credentials) {
    if (out.headers.emplace(name, value).second) continue;
    return Error(ErrorCode::invalid_state, "`" + name + "` would say who sends and something else as well: this scheme does not carry such requests");
  }
  if (const auto [at, is_new] = out.headers.try_emplace("traceparent"); is_new) at->second = begin_step({}, random_).traceparent();
  return out;
}

Result<http::PeerResponse> IdentifiedTransport::send(const http::PeerRequest& request) {
  SLUIS_TRY(const http::PeerRequest out, identified(request));
  return transport_.send(out);
}

Result<http::StreamEnd> IdentifiedTransport::get(const http::PeerRequest& request, const http::StreamHandler& handler) {
  SLUIS_TRY(const http::PeerRequest out, identified(request));
  return upstream_.get(out, handler);
}

}  // namespace sluis::identity
