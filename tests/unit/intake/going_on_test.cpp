#include "tests/unit/intake/intake_world.hpp"

namespace sluis::test {
namespace {

TEST_F(IntakeTest, APullIsCutOnceItsProvidersCertificateIsRevoked) {
  provider_.shown = std::make_shared<const http::PeerCertificate>(http::PeerCertificate{"of-waterrijk", {}, {}, {}, {}});
  provider_.silent = [&] {
    membership_.revoke("of-another");
    streams_.reevaluate_all();
    membership_.revoke("of-waterrijk");
    streams_.reevaluate_all();
  };
  auto response = ask(request());
  ASSERT_TRUE(response.stream);
  Sink sink;
  response.stream(sink);
  EXPECT_TRUE(sink.is_cut);
  EXPECT_FALSE(sink.finished);
  const auto end = entries_of(EntryKind::received).back();
  EXPECT_EQ(end.shared.event(), "cut");
  EXPECT_EQ(end.shared.decision().code(), "membership");
  EXPECT_EQ(end.shared.rows(), 2U) << "what had come";
}

TEST_F(IntakeTest, NothingIsAskedOfAProviderWhoseCertificateIsRevokedMeanwhile) {
  provider_.shown = std::make_shared<const http::PeerCertificate>(http::PeerCertificate{"of-waterrijk", {}, {}, {}, {}});
  membership_.revoke("of-waterrijk");
  auto response = ask(request());
  ASSERT_TRUE(response.stream);
  Sink sink;
  response.stream(sink);
  EXPECT_TRUE(sink.is_cut);
  EXPECT_EQ(entries_of(EntryKind::received).back().shared.decision().code(), "membership");
}

TEST_F(IntakeTest, WhatGoesOnBehindARowIsCountedAsSuch) {
  provider_.status = 206;
  provider_.serve({"\"11:\n00\",7\n", "12:00,3\n"}, 2);
  provider_.head = {{"content-range", "rows 1-2/3"}, {"accept-ranges", "rows"}, {"etag", "\"v\""}};
  const auto asked = [](const std::string& range) {
    auto out = request_with("range", range);
    out.headers["if-match"] = "\"v\"";
    return out;
  };
  auto response = ask(asked("rows=1-"));
  ASSERT_TRUE(response.stream);
  Sink sink;
  response.stream(sink);
  EXPECT_TRUE(sink.finished);
  EXPECT_EQ(sink.status, 206U);
  EXPECT_EQ(provider_.asked.headers.at("range"), "rows=1-");
  EXPECT_EQ(provider_.asked.headers.at("if-match"), "\"v\"");
  const auto end = entries_of(EntryKind::received).back();
  EXPECT_EQ(end.shared.rows(), 2U);
  EXPECT_EQ(end.internal.source(), "etag \"v\"; rows 1-2/3");
  for (const std::string other : {"rows=0-", "bytes=1-"}) {
    auto again = ask(asked(other));
    ASSERT_TRUE(again.stream);
    Sink refused;
    again.stream(refused);
    EXPECT_EQ(refused.status, 502U) << "another part than the one that was asked for: " << other;
  }
  provider_.serve({"12:00,3\n"}, 1);
  auto shorter = ask(asked("rows=1-"));
  Sink cut;
  shorter.stream(cut);
  EXPECT_TRUE(cut.is_cut) << "fewer rows than were announced";
}

}  // namespace
}  // namespace sluis::test
