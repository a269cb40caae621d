#include "connector/node/asked_to_wait.hpp"

#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

namespace sluis::node {
namespace {

using namespace std::chrono_literals;

struct OneAnswer final : http::PeerTransport {
  http::PeerResponse answer;
  Result<http::PeerResponse> send(const http::PeerRequest&) override { return answer; }
};

constexpr const char* kPeer = "did:web:duinmeer.example";

class AskedToWaitTest : public testing::Test {
 protected:
  void send(unsigned status, const std::string& wait, const std::string& path = "/2025-1/negotiations/request", const std::string& peer = kPeer) {
    inner_.answer = {status, {}, {}};
    if (!wait.empty()) inner_.answer.headers["retry-after"] = wait;
    http::PeerRequest request;
    request.peer = ParticipantId(peer);
    request.url = "https://duinmeer.example" + path;
    ASSERT_TRUE(transport_.send(request));
  }
  std::optional<Duration> wait(MessageKind kind = MessageKind::begins, const std::string& peer = kPeer) const {
    const auto until = transport_.until(peer, kind);
    return until ? std::optional<Duration>(*until - clock_.now()) : std::nullopt;
  }

  test::ManualClock clock_;
  OneAnswer inner_;
  AskedToWait transport_{inner_, clock_};
};

TEST_F(AskedToWaitTest, ItIsAsLongAsThePeerSays) {
  send(429, "7");
  EXPECT_EQ(wait(), Duration(7s));
  clock_.advance(6s);
  EXPECT_EQ(wait(), Duration(1s));
  clock_.advance(1s);
  EXPECT_FALSE(wait()) << "its time has come";
  send(503, "7");
  EXPECT_TRUE(wait());
  send(201, "");
  EXPECT_FALSE(wait()) << "it took one since";
}

TEST_F(AskedToWaitTest, ItIsOfThatPeerAndThatKindAlone) {
  send(429, "7");
  EXPECT_FALSE(wait(MessageKind::ends));
  EXPECT_FALSE(wait(MessageKind::other));
  EXPECT_FALSE(wait(MessageKind::begins, "did:web:stroomplein.example"));
  send(429, "9", "/2025-1/negotiations/x/termination");
  EXPECT_EQ(wait(MessageKind::ends), Duration(9s));
  send(200, "", "/2025-1/catalog/request");
  EXPECT_TRUE(wait()) << "another kind that is taken says nothing of this one";
}

TEST_F(AskedToWaitTest, NobodyHasMoreThanAnHourAndOtherAnswersSayNothing) {
  send(429, "999999");
  EXPECT_EQ(wait(), Duration(1h));
  send(404, "7", "/2025-1/catalog/request");
  EXPECT_FALSE(wait(MessageKind::other));
  send(429, "soon", "/2025-1/catalog/request");
  EXPECT_FALSE(wait(MessageKind::other));
}

TEST(MessageKinds, AreTheSameOfAMessageAndOfWhereItGoes) {
  outbox::Envelope one;
  one.service = "negotiation";
  one.kind = "request";
  EXPECT_EQ(kind_of(one), kind_of("https://duinmeer.example/2025-1/negotiations/request"));
  one.peer_pid = "urn:uuid:x";
  EXPECT_EQ(kind_of(one), kind_of("https://duinmeer.example/2025-1/negotiations/urn:uuid:x/request"));
  one.kind = "termination";
  EXPECT_EQ(kind_of(one), kind_of("https://duinmeer.example/2025-1/negotiations/urn:uuid:x/termination"));
  one = {};
  one.service = "evidence";
  EXPECT_EQ(kind_of(one), kind_of("https://duinmeer.example/evidence/v1/receipts"));
}

}  // namespace
}  // namespace sluis::node
