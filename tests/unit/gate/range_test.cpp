#include "connector/gate/row_counter.hpp"
#include "connector/gate/wanted.hpp"
#include "tests/unit/gate/gate_world.hpp"

namespace sluis::test {
namespace {

using provenance::EntryKind;

const std::string kCounts = "time,total\n10:00,12\n11:00,7\n";

/// A file of which all leaves as it is.
class RangeTest : public GateWorld {
 protected:
  void SetUp() override {
    GateWorld::SetUp();
    write_file("counts.csv", kCounts);
  }
  http::Response ask_with(const http::Headers& headers) {
    auto asked = request(claim());
    asked.headers.insert(headers.begin(), headers.end());
    return ask(asked);
  }
  /// What is released; a refusal is "refused: <status> <code>".
  std::string body(const http::Headers& headers) {
    auto response = ask_with(headers);
    if (!response.stream) return "refused: " + std::to_string(response.status) + " " + code(response);
    sink_ = std::make_unique<Sink>();
    response.stream(*sink_);
    EXPECT_TRUE(sink_->finished);
    return sink_->body;
  }
  std::string tag() {
    EXPECT_EQ(body({}), kCounts);
    return sink_->headers["etag"];
  }
  std::unique_ptr<Sink> sink_;
};

TEST_F(RangeTest, AWholeSaysItsVersionAndThatPartsCanBeAskedFor) {
  EXPECT_EQ(body({}), kCounts);
  EXPECT_EQ(sink_->status, 200U);
  EXPECT_EQ(sink_->headers["accept-ranges"], "bytes");
  EXPECT_EQ(sink_->headers["etag"].size(), 34U);
  EXPECT_FALSE(sink_->headers.contains("content-range"));
}

TEST_F(RangeTest, APartIsADecisionOfItsOwnRecordedWithItsBytes) {
  const std::string version = tag();
  auto response = ask_with({{"range", "bytes=11-"}, {"if-match", version}});
  ASSERT_TRUE(response.stream) << response.body;
  const auto decided = entries_of(EntryKind::decision);
  ASSERT_EQ(decided.size(), 2U) << "one for the whole, one for the part";
  EXPECT_TRUE(decided.back().internal.source().ends_with("; bytes 11-27/28")) << decided.back().internal.source();
  EXPECT_NE(decided.back().shared.transaction(), decided.front().shared.transaction());
  Sink sink;
  response.stream(sink);
  EXPECT_EQ(sink.status, 206U);
  EXPECT_EQ(sink.body, kCounts.substr(11));
  EXPECT_EQ(sink.headers["content-range"], "bytes 11-27/28");
  EXPECT_EQ(sink.headers["etag"], version);
  EXPECT_EQ(sink.headers["repr-digest"], "sha-256=:" + to_base64(view(crypto::sha256(kCounts))) + ":");
  EXPECT_EQ(sink.trailers["sluis-sha256"], to_hex(crypto::sha256(kCounts.substr(11))));
  EXPECT_EQ(sink.trailers["sluis-rows"], "2");
  const auto end = entries_of(EntryKind::stream_end).back();
  EXPECT_EQ(end.shared.bytes(), 17U);
  EXPECT_EQ(end.shared.rows(), 2U);
  EXPECT_EQ(end.shared.digest(), std::string(view(crypto::sha256(kCounts.substr(11)))));
  EXPECT_TRUE(end.internal.source().ends_with("; bytes 11-27/28"));
}

TEST_F(RangeTest, BeginningMiddleAndEnd) {
  EXPECT_EQ(body({{"range", "bytes=0-3"}}), "time");
  EXPECT_EQ(sink_->trailers["sluis-rows"], "0");
  EXPECT_EQ(body({{"range", "bytes=5-9"}}), "total");
  EXPECT_EQ(body({{"range", "bytes=-2"}}), "7\n");
  EXPECT_EQ(sink_->headers["content-range"], "bytes 26-27/28");
  EXPECT_EQ(body({{"range", "bytes=23-900"}}), "00,7\n") << "no further than the end";
}

TEST_F(RangeTest, AnotherVersionIsRefusedAndSoRecorded) {
  const std::string version = tag();
  write_file("counts.csv", kCounts + "12:00,3\n");
  EXPECT_EQ(body({{"range", "bytes=11-"}, {"if-match", version}}), "refused: 412 source.other_version");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "source.other_version");
  EXPECT_NE(entries_of(EntryKind::decision).back().internal.source().find("range bytes=11-"), std::string::npos);
  EXPECT_EQ(body({{"if-match", version}}), "refused: 412 source.other_version") << "without a range too";
  EXPECT_EQ(body({{"range", "bytes=11-"}, {"if-range", version}}), kCounts + "12:00,3\n") << "if-range asks for all of it then";
  EXPECT_EQ(sink_->status, 200U);
}

TEST_F(RangeTest, WhatIsNotThereIsRefusedWithTheSize) {
  const auto response = ask_with({{"range", "bytes=28-"}});
  EXPECT_EQ(response.status, 416U);
  EXPECT_EQ(code(response), "source.no_such_range");
  EXPECT_EQ(response.headers.at("content-range"), "bytes */28");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "source.no_such_range");
  EXPECT_EQ(body({{"range", "bytes=-0"}}), "refused: 416 source.no_such_range");
}

TEST_F(RangeTest, SeveralRangesAndOtherUnitsAreNoRange) {
  for (const std::string range : {"bytes=0-1,4-5", "rows=1-2", "bytes=5-2", "bytes=", "bytes=-", "bytes=x-", "bytes=99999999999999999999-"}) {
    EXPECT_EQ(body({{"range", range}}), kCounts) << range;
    EXPECT_EQ(sink_->status, 200U) << range;
  }
}

TEST_F(RangeTest, ThroughATransformThereIsNone) {
  datasets_.plan.columns.columns.push_back({"note", policy::ColumnAction::drop, false});
  write_file("counts.csv", "time,total,note\n10:00,12,a\n");
  EXPECT_EQ(body({{"range", "bytes=0-3"}}), "time,total\n10:00,12\n");
  EXPECT_EQ(sink_->headers["accept-ranges"], "rows") << "of which another test tells";
  EXPECT_EQ(body({{"if-match", "\"x\""}}), "refused: 412 source.other_version") << "no version that could fit";
  EXPECT_EQ(body({{"if-match", "*"}}), "time,total\n10:00,12\n");
}

TEST_F(RangeTest, WhatThePlanDoesNotShowIsFoundInTheFile) {
  // A column that nobody declared, quotes that are not needed, a last line without its end: each would leave otherwise than it stands.
  for (const std::string text : {"time,secret,total\n10:00,s,12\n", "time,total\n\"10:00\",12\n", "time,total\n10:00,12"}) {
    write_file("counts.csv", text);
    const std::string all = body({{"range", "bytes=0-13"}});
    EXPECT_EQ(sink_->status, 200U) << text;
    EXPECT_EQ(all, "time,total\n10:00,12\n") << text;
    EXPECT_EQ(sink_->headers["accept-ranges"], "none");
    EXPECT_EQ(body({}), all);
    EXPECT_EQ(sink_->headers["accept-ranges"], "rows") << "and that is known from then on";
  }
}

TEST_F(RangeTest, AFileThatWouldBeCutHasNoPartsEither) {
  write_file("counts.csv", kCounts + "12:00,1,2,3\n");
  auto response = ask_with({{"range", "bytes=0-3"}});
  ASSERT_TRUE(response.stream);
  Sink sink;
  response.stream(sink);
  EXPECT_EQ(sink.status, 200U);
  EXPECT_FALSE(sink.finished);
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "source.malformed");
}

TEST_F(RangeTest, AChangeWhileAPartIsSentCutsIt) {
  std::string text = "time,total\n";
  while (text.size() < 4 * gate::kSourceBlock) text += "10:00,12\n";
  write_file("counts.csv", text);
  auto response = ask_with({{"range", "bytes=100-"}});
  ASSERT_TRUE(response.stream);
  Sink sink;
  sink.on_write = [&] { write_file("counts.csv", "time,total\n"); };
  response.stream(sink);
  EXPECT_FALSE(sink.finished);
  EXPECT_TRUE(sink.is_cut);
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "source.changed");
}

TEST_F(RangeTest, EachPartCountsAsAUse) {
  record_ = put_agreement("urn:duinmeer", crowd_only("," + constraint("count", "lteq", "\"2\"")));
  record_.agreement_hash = crypto::sha256("counted");
  store_agreement(record_);
  EXPECT_EQ(body({{"range", "bytes=28-"}}), "refused: 416 source.no_such_range") << "what is refused does not count";
  EXPECT_EQ(body({{"range", "bytes=0-3"}}), "time");
  EXPECT_EQ(body({{"range", "bytes=4-"}}), kCounts.substr(4));
  EXPECT_EQ(body({{"range", "bytes=4-"}}).substr(0, 13), "refused: 403 ");
}

TEST_F(RangeTest, NobodyLearnsTheVersionWhoMayNotHaveTheData) {
  auto asked = request(claim(kMarketing));
  asked.headers["if-match"] = "\"x\"";
  expect_refused(ask(asked), "purpose");
}

TEST_F(RangeTest, PacedPartsKeepTheirPace) {
  datasets_.plan.pace = 1U << 20U;
  EXPECT_EQ(body({{"range", "bytes=5-9"}}), "total");
  EXPECT_EQ(sink_->trailers["sluis-rows"], "0");
}

TEST_F(RangeTest, NoFileIsLookedAtOnceTheNodeStops) {
  EXPECT_EQ(body({{"range", "bytes=0-3"}}), "time");
  gate_->on_stopping();
  EXPECT_EQ(body({{"range", "bytes=0-4"}}), "time,") << "what is known still is";
  write_file("counts.csv", kCounts + "12:00,3\n");
  EXPECT_EQ(body({{"range", "bytes=0-3"}}), "refused: 503 source.unavailable");
}

/// A whole of which it is known already that the plan leaves it as it is.
class KnownTest : public RangeTest {
 protected:
  gate::Preparation prepare(const gate::Wanted& wanted = {}) { return gate::prepare(datasets_.plan, {}, std::nullopt, wanted, &verbatim_); }
  /// How it ends; what left is in `sink_`.
  gate::ReleaseEnd send(gate::PreparedRelease& release) {
    sink_ = std::make_unique<Sink>();
    const auto stream = streams_.add({record_.id, ProcessId("urn:provider:1"), record_.dataset, ParticipantId("urn:duinmeer")});
    stream->permit([](Timestamp) { return gate::Reevaluation{std::nullopt, Timestamp::max()}; }, Timestamp::max());
    return gate::send(release, *stream, decisions_, *sink_, {});
  }
  /// Once through the plan.
  void get_to_know() {
    auto first = prepare();
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->as_it_is);
    EXPECT_EQ(send(*first).how, gate::ReleaseEnd::How::complete);
    EXPECT_EQ(sink_->body, read_counts());
  }
  std::string read_counts() {
    std::ifstream in(datasets_.plan.folder / "counts.csv", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  gate::Verbatim verbatim_;
};

TEST_F(KnownTest, OnceSeenItLeavesPastThePlanAndSaysTheSame) {
  std::string text = "time,total\n";
  while (text.size() < 4 * gate::kSourceBlock) text += "10:00,12\n";
  write_file("counts.csv", text);
  get_to_know();
  const auto said = sink_->trailers;
  auto again = prepare();
  ASSERT_TRUE(again);
  ASSERT_TRUE(again->as_it_is) << "it was seen on the way";
  const auto end = send(*again);
  EXPECT_EQ(end.how, gate::ReleaseEnd::How::complete);
  EXPECT_EQ(end.rows, (text.size() - 11) / 9);
  EXPECT_EQ(sink_->body, text);
  EXPECT_EQ(sink_->trailers, said);
  EXPECT_EQ(sink_->status, 200U);
  gate::Wanted part;
  part.range = "bytes=5-9";
  const auto ranged = prepare(part);
  ASSERT_TRUE(ranged);
  EXPECT_TRUE(ranged->part);
  EXPECT_FALSE(ranged->as_it_is);
}

TEST_F(KnownTest, AFileThatWasTouchedIsNotKnownWhateverItsTimesSay) {
  write_file("counts.csv", "time,total\n10:00,12\n");
  get_to_know();
  const auto file = datasets_.plan.folder / "counts.csv";
  const auto written = std::filesystem::last_write_time(file);
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << "time,other\n10:00,12\n";  // a column that nobody declared, in the same inode
  std::filesystem::last_write_time(file, written);
  auto again = prepare();
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->as_it_is);
  EXPECT_NE(send(*again).how, gate::ReleaseEnd::How::complete) << "`total` is missing";
}

TEST_F(KnownTest, WhatIsOtherThanWasKnownDoesNotEndAsComplete) {
  write_file("counts.csv", kCounts);
  get_to_know();
  for (int which = 0; which < 2; ++which) {
    auto again = prepare();
    ASSERT_TRUE(again && again->as_it_is);
    if (which == 0) again->as_it_is->digest = crypto::sha256("another");
    else again->as_it_is->rows += 1;
    const auto end = send(*again);
    EXPECT_EQ(end.how, gate::ReleaseEnd::How::cut);
    EXPECT_EQ(end.reason.code, "source.changed");
    EXPECT_FALSE(sink_->finished);
    EXPECT_TRUE(sink_->trailers.empty());
  }
}

TEST_F(KnownTest, WhatThePlanChangesIsNeverTakenForKnown) {
  // At once, and only behind the first block.
  std::string late = "time,total\n";
  while (late.size() < 2 * gate::kSourceBlock) late += "10:00,12\n";
  for (const std::string& text : {std::string("time,secret,total\n10:00,s,12\n"), late + "\"11:00\",7\n", late + "11:00,7"}) {
    write_file("counts.csv", text);
    for (int times = 0; times < 2; ++times) {
      auto release = prepare();
      ASSERT_TRUE(release);
      EXPECT_FALSE(release->as_it_is);
      EXPECT_EQ(send(*release).how, gate::ReleaseEnd::How::complete);
      EXPECT_NE(sink_->body, text);
    }
  }
}

TEST(LineEnds, AreCountedAtAnySizeAndPlace) {
  for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 255U * 64U - 1, 255U * 64U, 255U * 64U + 1, 70'000U}) {
    EXPECT_EQ(gate::line_ends(std::string(size, '\n')), size);
    std::string text(size, 'a');
    std::uint64_t put = 0;
    for (std::size_t at = 0; at < size; at += 7, ++put) text[at] = '\n';
    EXPECT_EQ(gate::line_ends(text), put) << size;
  }
}

TEST(Tried, WhatIsKnownWaitsForNoAttempt) {
  gate::Tried<Hash> tried;
  const Hash small = crypto::sha256("small");
  const auto found = [&] { return Result<std::optional<Hash>>(std::optional<Hash>(small)); };
  ASSERT_TRUE(tried.look("small", found));
  std::future<Result<std::optional<Hash>>> meanwhile;
  const auto changed = tried.look("huge", [&] {
    meanwhile = std::async(std::launch::async, [&] { return tried.look("small", found); });
    EXPECT_EQ(meanwhile.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    return Result<std::optional<Hash>>(std::optional<Hash>());
  });
  ASSERT_TRUE(changed);
  EXPECT_FALSE(*changed);
  EXPECT_EQ(*meanwhile.get(), small);
  EXPECT_TRUE(tried.has_none("huge"));
  EXPECT_FALSE(tried.has_none("small"));
  EXPECT_FALSE(tried.has_none("unknown"));
}

TEST(Wanted, ContentRangesAreRead) {
  const auto part = gate::read_content_range("bytes 11-26/27");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->told(), "bytes 11-26/27");
  for (const std::string bad : {"bytes 11-26/*", "bytes 5-4/9", "bytes 0-9/9", "lines 1-2/3", "rows 2-1/3", "bytes 1/2", ""}) {
    EXPECT_FALSE(gate::read_content_range(bad)) << bad;
  }
}

TEST(Wanted, QueriesAreReadOnceAndStrictly) {
  const auto pairs = gate::read_query("from=2026-01&to=a%20b+c");
  ASSERT_TRUE(pairs);
  EXPECT_EQ((*pairs)[1].second, "a b c");
  for (const std::string& bad : {std::string("a=1&a=2"), std::string("a=%0A"), std::string("a=%4"), std::string("=1"), std::string("a=%zz"),
                                 std::string(2000, 'a')}) {
    EXPECT_FALSE(gate::read_query(bad)) << bad.substr(0, 20);
  }
}

TEST(RowCounter, OfAPartEachLineEndCounts) {
  auto from_start = gate::RowCounter::of_part(0, true), later = gate::RowCounter::of_part(4, true), json = gate::RowCounter::of_part(0, false);
  for (auto* counter : {&from_start, &later, &json}) counter->take("a\"b\nc\n");
  EXPECT_EQ(from_start.rows(), 1U);
  EXPECT_EQ(later.rows(), 2U);
  EXPECT_EQ(json.rows(), 2U);
}

}  // namespace
}  // namespace sluis::test
