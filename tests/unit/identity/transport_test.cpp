#include "connector/base/trace.hpp"
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
  SystemRandom random;
  IdentifiedTransport transport(scheme, wire, wire, random);
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
  SystemRandom random;
  IdentifiedTransport transport(scheme, wire, wire, random);
  const auto sent = transport.send(to("urn:stranger"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::peer_unavailable);
  EXPECT_FALSE(transport.get(to("urn:stranger"), {}));
  EXPECT_TRUE(wire.seen.empty());
  EXPECT_TRUE(transport.send(to("")));
  EXPECT_FALSE(wire.seen.at(0).headers.contains("authorization"));
}

TEST(IdentifiedTransport, EveryRequestToAPartyIsAStepOfATrace) {
  Tokens scheme;
  Wire wire;
  SystemRandom random;
  IdentifiedTransport transport(scheme, wire, wire, random);
  EXPECT_TRUE(transport.send(to("urn:duinmeer")));
  EXPECT_TRUE(transport.get(to("urn:duinmeer"), {}));
  http::PeerRequest known = to("urn:duinmeer");
  known.headers["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_TRUE(transport.send(known));
  ASSERT_EQ(wire.seen.size(), 3U);
  const std::string first = wire.seen[0].headers.at("traceparent");
  EXPECT_EQ(first.size(), 55U);
  EXPECT_EQ(begin_step(first, random).parent_span_id.size(), 8U) << first;
  EXPECT_NE(wire.seen[1].headers.at("traceparent"), first);
  EXPECT_EQ(wire.seen[2].headers.at("traceparent"), known.headers.at("traceparent"));
}

TEST(IdentifiedTransport, ARequestWhoseHeaderSaysSomethingElseIsNotSent) {
  Tokens scheme;
  Wire wire;
  SystemRandom random;
  IdentifiedTransport transport(scheme, wire, wire, random);
  http::PeerRequest request = to("urn:duinmeer");
  request.headers["authorization"] = "Bearer handle";
  const auto sent = transport.send(request);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::invalid_state);
  EXPECT_TRUE(wire.seen.empty());
}

}  // namespace
}  // namespace sluis::identity
