#include "connector/gate/row_counter.hpp"
#include "connector/gate/wanted.hpp"
#include "tests/unit/gate/gate_world.hpp"

#include <future>
#include <thread>

namespace sluis::test {
namespace {

using provenance::EntryKind;

const std::string kHeader = "time,total\n";
const std::string kRows[] = {"10:00,12\n", "\"11:\n00\",7\n", "12:00,3\n"};
const std::string kWhole = kHeader + kRows[0] + kRows[1] + kRows[2];

/// A file of which a column is dropped: what leaves is not what stands there. A cell has a line end in it.
class RowsTest : public GateWorld {
 protected:
  void SetUp() override {
    GateWorld::SetUp();
    datasets_.plan.columns.columns.push_back({"counter", policy::ColumnAction::drop, false});
    write_file("counts.csv", source());
  }
  static std::string source() { return "time,counter,total\n10:00,a,12\n\"11:\n00\",b,7\n12:00,c,3\n"; }
  http::Response ask_with(const http::Headers& headers) {
    auto asked = request(claim());
    asked.headers.insert(headers.begin(), headers.end());
    return ask(asked);
  }
  std::string body(const http::Headers& headers) {
    auto response = ask_with(headers);
    if (!response.stream) return "refused: " + std::to_string(response.status) + " " + code(response);
    sink_ = std::make_unique<Sink>();
    response.stream(*sink_);
    return sink_->finished ? sink_->body : "cut";
  }
  std::string tag() {
    EXPECT_EQ(body({}), kWhole);
    EXPECT_EQ(sink_->headers["accept-ranges"], "rows");
    return sink_->headers["etag"];
  }
  std::unique_ptr<Sink> sink_;
};

TEST_F(RowsTest, OneGoesOnBehindARowByADecisionOfItsOwn) {
  const std::string version = tag();
  auto response = ask_with({{"range", "rows=1-"}, {"if-match", version}});
  ASSERT_TRUE(response.stream) << response.body;
  const auto decided = entries_of(EntryKind::decision);
  ASSERT_EQ(decided.size(), 2U);
  EXPECT_TRUE(decided.back().internal.source().ends_with("; rows 1-2/3")) << decided.back().internal.source();
  Sink sink;
  response.stream(sink);
  const std::string rest = kRows[1] + kRows[2];
  EXPECT_EQ(sink.status, 206U);
  EXPECT_EQ(sink.body, rest) << "neither the row before nor the header again";
  EXPECT_EQ(sink.headers["content-range"], "rows 1-2/3");
  EXPECT_EQ(sink.headers["etag"], version);
  EXPECT_EQ(sink.headers["repr-digest"], "sha-256=:" + to_base64(view(crypto::sha256(kWhole))) + ":");
  EXPECT_EQ(sink.trailers["sluis-sha256"], to_hex(crypto::sha256(rest)));
  EXPECT_EQ(sink.trailers["sluis-rows"], "2");
  const auto end = entries_of(EntryKind::stream_end).back();
  EXPECT_EQ(end.shared.rows(), 2U);
  EXPECT_EQ(end.shared.bytes(), rest.size());
  EXPECT_EQ(end.shared.digest(), std::string(view(crypto::sha256(rest))));
  EXPECT_TRUE(end.internal.source().ends_with("; rows 1-2/3"));
}

TEST_F(RowsTest, EveryMarkGivesTheRest) {
  const std::string version = tag();
  std::string rest = kRows[0] + kRows[1] + kRows[2];
  for (std::size_t mark = 0; mark < 3; ++mark) {
    EXPECT_EQ(body({{"range", "rows=" + std::to_string(mark) + "-"}, {"if-match", version}}), rest);
    EXPECT_EQ(sink_->trailers["sluis-rows"], std::to_string(3 - mark));
    rest.erase(0, kRows[mark].size());
  }
  const auto none = ask_with({{"range", "rows=3-"}, {"if-match", version}});
  EXPECT_EQ(none.status, 416U);
  EXPECT_EQ(code(none), "source.no_such_row");
  EXPECT_EQ(none.headers.at("content-range"), "rows */3");
}

TEST_F(RowsTest, AnotherVersionOrNoneIsRefusedAndSoRecorded) {
  const std::string version = tag();
  EXPECT_EQ(body({{"range", "rows=1-"}}), "refused: 412 source.unnamed_version");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "source.unnamed_version");
  write_file("counts.csv", source() + "13:00,d,9\n");
  EXPECT_EQ(body({{"range", "rows=1-"}, {"if-match", version}}), "refused: 412 source.other_version");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "source.other_version");
  EXPECT_EQ(body({{"range", "rows=1-"}, {"if-range", version}}), kWhole + "13:00,9\n") << "if-range asks for all of it then";
}

TEST_F(RowsTest, AnotherPlanIsAnotherVersion) {
  const std::string version = tag();
  datasets_.plan.columns.columns[1].counts = false;
  EXPECT_EQ(body({{"range", "rows=1-"}, {"if-match", version}}), "refused: 412 source.other_version");
}

TEST_F(RowsTest, TagsTellNothingThatAnotherCouldCompute) {
  gate::ReleasePlan plan = datasets_.plan;
  const std::string root(32, 'k');
  gate::Verbatim verbatim;
  const auto tag_for = [&](const std::optional<gate::Recipient>& who, const std::vector<policy::Transform>& transforms = {}) {
    const auto prepared = gate::prepare(plan, transforms, who, {}, &verbatim);
    return prepared ? prepared->tag : "refused: " + prepared.error().reason.code;
  };
  const std::string one = tag_for(gate::Recipient{"urn:duinmeer", kCrowd, root});
  EXPECT_EQ(one, tag_for(gate::Recipient{"urn:duinmeer", kCrowd, root}));
  EXPECT_NE(one, tag_for(gate::Recipient{"urn:stroomplein", kCrowd, root}));
  EXPECT_NE(one, tag_for(gate::Recipient{"urn:duinmeer", kMarketing, root}));
  EXPECT_NE(one, tag_for(gate::Recipient{"urn:duinmeer", kCrowd, std::string(32, 'l')}));
  const std::vector<policy::Transform> masked{policy::MaskColumn{{"time"}, 1}}, more{policy::MaskColumn{{"time"}, 2}};
  EXPECT_NE(tag_for(gate::Recipient{"urn:duinmeer", kCrowd, root}, masked), tag_for(gate::Recipient{"urn:duinmeer", kCrowd, root}, more));
}

TEST_F(RowsTest, OfAWholeTableOrAServiceThereAreNone) {
  const std::vector<policy::Transform> added{policy::AggregateBy{{"time"}, {{"total", policy::Measure::Of::sum, "total"}}, "", 10, false}};
  gate::Verbatim verbatim;
  gate::Wanted wanted;
  wanted.range = "rows=1-";
  wanted.if_match = "*";
  const auto prepared = gate::prepare(datasets_.plan, added, std::nullopt, wanted, &verbatim);
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().status, 416U);
  EXPECT_EQ(prepared.error().reason.code, "source.no_rows");
}

TEST_F(RowsTest, AnyVersionIsNoneToGoOnWith) {
  EXPECT_EQ(body({{"range", "rows=1-"}, {"if-match", "*"}}), "refused: 412 source.unnamed_version");
}

TEST(Tried, NobodyWaitsLongForAnother) {
  gate::Tried<int> tried;
  std::promise<void> begun, may_end;
  std::thread first([&] {
    const auto found = tried.look("first", [&]() -> Result<std::optional<int>> {
      begun.set_value();
      may_end.get_future().wait();
      return std::optional(1);
    });
    EXPECT_EQ(**found, 1);
  });
  begun.get_future().wait();
  const auto other = tried.look("other", []() -> Result<std::optional<int>> { return std::optional(2); });
  EXPECT_EQ(other.error().code, ErrorCode::limit_exceeded);
  may_end.set_value();
  first.join();
  EXPECT_EQ(**tried.look("other", []() -> Result<std::optional<int>> { return std::optional(2); }), 2);
}

TEST_F(RowsTest, OfWhatThePlanRefusesNothingLeavesInPieces) {
  const std::string version = [&] {
    write_file("counts.csv", source() + "13:00,d,9,too,many\n");
    EXPECT_EQ(body({}), "cut");
    return sink_->headers["etag"];
  }();
  EXPECT_EQ(body({{"range", "rows=1-"}, {"if-match", version}}), "refused: 416 source.no_rows");
}

TEST_F(RowsTest, AChangeWhileARestIsSentCutsIt) {
  std::string text = "time,counter,total\n";
  while (text.size() < 8 * gate::kSourceBlock) text += "10:00,a,12\n";
  write_file("counts.csv", text);
  const std::string version = (body({}), sink_->headers["etag"]);
  auto response = ask_with({{"range", "rows=100-"}, {"if-match", version}});
  ASSERT_TRUE(response.stream);
  Sink sink;
  sink.on_write = [&] { write_file("counts.csv", "time,counter,total\n"); };
  response.stream(sink);
  EXPECT_FALSE(sink.finished);
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "source.changed");
}

TEST_F(RowsTest, PacedTheyKeepTheirPaceAndCount) {
  datasets_.plan.pace = 1U << 20U;
  const std::string version = tag();
  EXPECT_EQ(body({{"range", "rows=2-"}, {"if-match", version}}), kRows[2]);
  EXPECT_EQ(sink_->trailers["sluis-rows"], "1");
}

TEST(RowSkip, HoldsBackRowsWhereverBlocksEnd) {
  const std::string all = "a,b\n1,\"x\n\"\n2,y\n";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    gate::RowSkip skip(1, {});
    std::string rest(skip.rest_of(std::string_view(all).substr(0, cut)));
    rest += skip.rest_of(std::string_view(all).substr(cut));
    EXPECT_EQ(rest, "2,y\n") << cut;
    EXPECT_TRUE(skip.done());
  }
}

TEST(RowCounter, KnowsWhereTheLastWholeRecordEnds) {
  gate::RowCounter counter{policy::CsvFormat{}};
  counter.take("a,b\n1,\"x\n");
  EXPECT_EQ(counter.whole(), 4U);
  counter.take("\"\n2,");
  EXPECT_EQ(counter.whole(), 11U);
  EXPECT_EQ(counter.rows(), 1U);
}

TEST(Wanted, RowMarksAreRead) {
  EXPECT_EQ(gate::row_mark("rows=0-"), 0U);
  EXPECT_EQ(gate::row_mark("rows=17-"), 17U);
  for (const std::string bad : {"rows=", "rows=-", "rows=1", "rows=1-2", "rows=-5", "rows=1-,4-", "bytes=1-", "rows=x-", "rows=99999999999999999999-"}) {
    EXPECT_FALSE(gate::row_mark(bad)) << bad;
  }
}

}  // namespace
}  // namespace sluis::test
