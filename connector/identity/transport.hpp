#pragma once

#include "connector/base/random.hpp"
#include "connector/identity/scheme.hpp"

namespace sluis::identity {

/// Says who sends: adds to each request what the scheme gives for its `peer`. A request whose peer the scheme does not know
/// is not sent (peer_unavailable), nor one that has such a header already (invalid_state). One that belongs to no trace yet begins one, so that
/// both sides can name it (W3C Trace Context). Requests without a peer go as they are.
/// Thread-safe; worker threads only.
class IdentifiedTransport final : public http::PeerTransport, public http::Upstream {
 public:
  IdentifiedTransport(Identity& scheme, http::PeerTransport& transport, http::Upstream& upstream, Random& random)
      : scheme_(scheme), transport_(transport), upstream_(upstream), random_(random) {}
  Result<http::PeerResponse> send(const http::PeerRequest& request) override;
  Result<http::StreamEnd> get(const http::PeerRequest& request, const http::StreamHandler& handler) override;

 private:
  Result<http::PeerRequest> identified(const http::PeerRequest& request) const;

  Identity& scheme_;
  http::PeerTransport& transport_;
  http::Upstream& upstream_;
  Random& random_;
};

}  // namespace sluis::identity
