#include "connector/identity/transport.hpp"

#include <gtest/gtest.h>

namespace sluis::identity {
namespace {

struct Tokens final : Identity {
  Result<http::Headers> credentials_for(const ParticipantId& peer, const MessageContext& message) override {
    if (peer.str() != "urn:duinmeer") return Error(ErrorCode::not_found, "no such party");
    return http::Headers{{"authorization", "Token for " + std::string(message.method) + " " + std::string(message.url)}};
  }
  Result<VerifiedPeer> verify(const http::Headers&, const http::TlsPeer&) override {
    return Error(ErrorCode::unauthenticated, "not here");
  }
};

struct Wire final : http::PeerTransport, http::Upstream {
  Result<http::PeerResponse> send(const http::PeerRequest& request) override {
    seen.push_back(request);
    return http::PeerResponse{200, {}, ""};
  }
  Result<http::StreamEnd> get(const http::PeerRequest& request, const http::StreamHandler&) override {
    seen.push_back(request);
    return http::StreamEnd{true, {}};
  }
  std::vector<http::PeerRequest> seen;
};

http::PeerRequest to(const std::string& peer) {
  http::PeerRequest request;
  request.peer = ParticipantId(peer);
  request.method = "GET";
  request.url = "https://duinmeer.example/x";
  request.headers["accept"] = "application/json";
  return request;
}

TEST(IdentifiedTransport, EveryRequestToAPartySaysWhoSends) {
  Tokens scheme;
  Wire wire;
  IdentifiedTransport transport(scheme, wire, wire);
  EXPECT_TRUE(transport.send(to("urn:duinmeer")));
  EXPECT_TRUE(transport.get(to("urn:duinmeer"), {}));
  ASSERT_EQ(wire.seen.size(), 2U);
  for (const http::PeerRequest& request : wire.seen) {
    EXPECT_EQ(request.headers.at("authorization"), "Token for GET https://duinmeer.example/x");
    EXPECT_EQ(request.headers.at("accept"), "application/json");
  }
}

TEST(IdentifiedTransport, WhoeverTheSchemeDoesNotKnowGetsNothing) {
  Tokens scheme;
  Wire wire;
  IdentifiedTransport transport(scheme, wire, wire);
  const auto sent = transport.send(to("urn:stranger"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::peer_unavailable);
  EXPECT_FALSE(transport.get(to("urn:stranger"), {}));
  EXPECT_TRUE(wire.seen.empty());
  EXPECT_TRUE(transport.send(to("")));
  EXPECT_FALSE(wire.seen.at(0).headers.contains("authorization"));
}

TEST(IdentifiedTransport, ARequestWhoseHeaderSaysSomethingElseIsNotSent) {
  Tokens scheme;
  Wire wire;
  IdentifiedTransport transport(scheme, wire, wire);
  http::PeerRequest request = to("urn:duinmeer");
  request.headers["authorization"] = "Bearer handle";
  const auto sent = transport.send(request);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::invalid_state);
  EXPECT_TRUE(wire.seen.empty());
}

}  // namespace
}  // namespace sluis::identity
