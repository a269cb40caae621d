#include "connector/identity/list_sources.hpp"

#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace sluis::identity {
namespace {

using namespace std::chrono_literals;
using Kind = Judged::Kind;

http::PeerResponse answer(unsigned status, std::string body = {}, http::Headers headers = {}) { return {status, std::move(headers), std::move(body)}; }

TEST(ListAnswer, IsWholeUnchangedOrAFailureWithItsReason) {
  const struct {
    http::PeerResponse answer;
    bool conditional;
    Fetched::Kind kind;
    const char* why;
  } cases[] = {
      {answer(200, "list"), false, Fetched::Kind::whole, ""},
      {answer(200, "list"), true, Fetched::Kind::whole, ""},
      {answer(200, "12345678"), false, Fetched::Kind::whole, ""},
      {answer(200, "123456789"), false, Fetched::Kind::failed, "more than 8 bytes"},
      {answer(304), true, Fetched::Kind::unchanged, ""},
      {answer(304), false, Fetched::Kind::failed, "has no condition"},
      {answer(301, "", {{"location", "https://elsewhere.example/"}}), false, Fetched::Kind::failed, "301: a redirect is not followed"},
      {answer(308), true, Fetched::Kind::failed, "308: a redirect"},
      {answer(404, "list"), false, Fetched::Kind::failed, "it answers 404"},
      {answer(206, "list"), false, Fetched::Kind::failed, "it answers 206"},
      {answer(503), false, Fetched::Kind::failed, "it answers 503"},
  };
  for (const auto& one : cases) {
    const Fetched got = read_answer(one.answer, 8, one.conditional, std::nullopt);
    EXPECT_EQ(got.kind, one.kind) << one.answer.status;
    EXPECT_NE(got.why.find(one.why), std::string::npos) << got.why;
    EXPECT_EQ(got.body, one.kind == Fetched::Kind::whole ? one.answer.body : "");
  }
}

TEST(ListAnswer, OnlyAStrongTagOfBoundedSizeIsKept) {
  const auto tag = [](std::string of) { return read_answer(answer(200, "list", {{"etag", std::move(of)}}), 8, false, std::nullopt).etag; };
  EXPECT_EQ(tag("\"v7\""), "\"v7\"");
  EXPECT_EQ(tag("W/\"v7\""), "");
  EXPECT_EQ(tag("v7"), "");
  EXPECT_EQ(tag("\"" + std::string(600, 'x') + "\""), "");
}

/// Three places, asked once in five minutes, with a clock that moves when it is told.
class ListSourcesTest : public ::testing::Test {
 protected:
  void pass(Duration time) {
    now_.steady += time;
    now_.wall += time;
  }
  /// Whose turn it is, in its order, each answering as told.
  std::string turns(const std::function<void(std::size_t)>& answer) {
    std::string out;
    while (const auto index = sources_.due(now_)) {
      out += std::to_string(*index);
      answer(*index);
    }
    return out;
  }
  void good(std::size_t index) { sources_.judged(index, now_, {Kind::same, {}}, "", "7"); }

  test::SeededRandom random_;
  Moment now_{std::chrono::steady_clock::time_point() + 1000h, *parse_time("2026-11-28T09:00:00Z")};
  ListSources sources_{"membership list", {"https://a.example/list", "https://b.example/list", "/srv/list"}, 5min, random_, now_};
};

TEST_F(ListSourcesTest, EachIsAskedOnceAnIntervalAndALittleEarlierByChance) {
  EXPECT_EQ(turns([&](std::size_t i) { good(i); }), "012");
  EXPECT_EQ(turns([&](std::size_t i) { good(i); }), "");
  pass(269s);
  EXPECT_EQ(turns([&](std::size_t i) { good(i); }), "") << "not more than a tenth earlier";
  pass(31s);
  EXPECT_EQ(turns([&](std::size_t i) { good(i); }).size(), 3U) << "not later";
  for (const ListSource& one : sources_.sources(now_)) {
    EXPECT_FALSE(one.failing);
    EXPECT_GT(one.next, now_.wall + 269s);
    EXPECT_LE(one.next, now_.wall + 5min);
  }
}

TEST_F(ListSourcesTest, OneThatFailsIsAskedEverLaterUpToTheIntervalAndHoldsUpNoOther) {
  std::vector<Duration> gaps;
  const auto began = now_;
  Moment last = now_;
  int others = 0;
  while (now_.steady < began.steady + 30min) {
    (void)turns([&](std::size_t i) {
      if (i != 0) {
        good(i);
        ++others;
        return;
      }
      gaps.push_back(std::chrono::duration_cast<Duration>(now_.steady - last.steady));
      last = now_;
      sources_.failed(0, now_, "it answers 503");
    });
    pass(1s);
  }
  ASSERT_GE(gaps.size(), 9U);
  const Duration most[] = {0s, 10s, 20s, 40s, 80s, 160s, 300s, 300s};
  for (std::size_t i = 0; i < std::size(most); ++i) {
    EXPECT_LE(gaps[i], most[i] + 1s) << i;
    EXPECT_GE(gaps[i], most[i] - most[i] / 10) << i;
  }
  EXPECT_GE(others, 12);
  EXPECT_LE(others, 15);
  good(0);
  sources_.failed(0, now_, "it answers 503");
  EXPECT_LE(sources_.next(), now_.steady + 10s) << "after a success it begins anew";
}

TEST_F(ListSourcesTest, APlaceMayAskToBeLeftAloneForAnHour) {
  sources_.failed(0, now_, "it answers 429", 30min);
  pass(29min);
  EXPECT_EQ(turns([&](std::size_t i) { good(i); }).find('0'), std::string::npos);
  pass(1min);
  EXPECT_NE(turns([&](std::size_t i) { good(i); }).find('0'), std::string::npos);
  sources_.failed(0, now_, "it answers 429", std::chrono::hours(1000));
  pass(1h);
  EXPECT_NE(turns([&](std::size_t i) { good(i); }).find('0'), std::string::npos);
}

TEST_F(ListSourcesTest, ATagIsAConditionOnlyWhileWhatItCameWithIsInForce) {
  sources_.judged(0, now_, {Kind::taken, "version 7"}, "\"seven\"", "7");
  EXPECT_EQ(sources_.condition(0, "7"), "\"seven\"");
  EXPECT_EQ(sources_.condition(1, "7"), "") << "another place's";
  sources_.judged(1, now_, {Kind::taken, "version 8"}, "\"eight\"", "8");
  EXPECT_EQ(sources_.condition(0, "8"), "") << "unchanged would hide that it is behind";
  sources_.judged(0, now_, {Kind::older, "version 7 is older"}, "\"seven\"", "8");
  EXPECT_EQ(sources_.condition(0, "8"), "");
  sources_.unchanged(1, now_);
  EXPECT_EQ(sources_.condition(1, "8"), "\"eight\"");
}

TEST_F(ListSourcesTest, WhatIsOlderRefusedOrContradictsIsToldAtOnceAndFailuresWhenTheyLast) {
  const auto told = [&](std::string_view held) { return sources_.findings(now_, held); };
  EXPECT_TRUE(told("7").empty());
  sources_.judged(0, now_, {Kind::older, "version 6 is older than version 7"}, "", "7");
  ASSERT_EQ(told("7").size(), 1U);
  EXPECT_EQ(told("7")[0], "the membership list at `https://a.example/list` is refused: version 6 is older than version 7. The place is behind, or somebody rolls back");
  good(0);
  EXPECT_TRUE(told("7").empty());
  sources_.judged(1, now_, {Kind::refused, "0 valid signatures"}, "", "7");
  ASSERT_EQ(told("7").size(), 1U);
  EXPECT_NE(told("7")[0].find("refused: 0 valid signatures"), std::string::npos);
  sources_.failed(1, now_, "it answers 404");
  EXPECT_TRUE(told("7").empty()) << "not yet";
  pass(10min);
  ASSERT_EQ(told("7").size(), 1U);
  EXPECT_NE(told("7")[0].find("cannot be fetched: it answers 404"), std::string::npos);
}

TEST_F(ListSourcesTest, AContradictionStaysUntilSomethingNewerIsInForce) {
  sources_.judged(2, now_, {Kind::contradicts, "another version 7"}, "", "7");
  good(2);
  ASSERT_EQ(sources_.findings(now_, "7").size(), 1U) << "whatever the place says later";
  EXPECT_NE(sources_.findings(now_, "7")[0].find("CONTRADICTS"), std::string::npos);
  EXPECT_TRUE(sources_.findings(now_, "8").empty());
}

TEST_F(ListSourcesTest, WhatWasTriedIsToldOfEach) {
  sources_.failed(0, now_, "it answers 404");
  good(1);
  EXPECT_EQ(sources_.tried(now_), "`https://a.example/list`: it answers 404 (2026-11-28T09:00:00Z); `https://b.example/list`: has nothing newer "
                                  "(2026-11-28T09:00:00Z); `/srv/list`: not asked yet");
}

TEST_F(ListSourcesTest, AWallClockThatIsSetBackDelaysNothing) {
  (void)turns([&](std::size_t i) { good(i); });
  now_.wall -= std::chrono::hours(24 * 365);
  now_.steady += 5min;
  EXPECT_EQ(turns([&](std::size_t i) { good(i); }).size(), 3U);
}

}  // namespace
}  // namespace sluis::identity
