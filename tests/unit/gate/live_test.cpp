#include "connector/gate/live.hpp"
#include "connector/gate/live_release.hpp"
#include "tests/unit/gate/gate_world.hpp"

namespace sluis::test {
namespace {

using gate::LiveForm;
using gate::LiveReader;
using gate::LiveWriter;
using provenance::EntryKind;

const std::string kRows = "{\"total\":1}\n{\"total\":2}\n";

TEST(LiveForms, MediaTypesNameThem) {
  EXPECT_EQ(gate::live_form("application/x-ndjson"), LiveForm::lines);
  EXPECT_EQ(gate::live_form("text/event-stream; charset=utf-8"), LiveForm::events);
  EXPECT_EQ(gate::live_form("application/jsonl"), std::nullopt);
  EXPECT_EQ(gate::live_form(""), std::nullopt);
}

TEST(LiveForms, EventsAreNumbered) {
  LiveWriter writer(LiveForm::events);
  EXPECT_EQ(writer.write(kRows), "id: 1\ndata: {\"total\":1}\n\nid: 2\ndata: {\"total\":2}\n\n");
  EXPECT_EQ(writer.write("{}\n"), "id: 3\ndata: {}\n\n");
  EXPECT_EQ(LiveWriter(LiveForm::lines).write(kRows), kRows);
}

TEST(LiveForms, WhatIsReadBackIsTheRowsHoweverItIsCut) {
  for (const LiveForm form : {LiveForm::lines, LiveForm::events}) {
    LiveWriter writer(form);
    const std::string body = std::string(writer.keep_alive()) + writer.write(kRows) + std::string(writer.keep_alive()) + writer.write("{}\n");
    for (std::size_t part = 1; part <= body.size(); ++part) {
      LiveReader reader(form);
      std::string passed;
      for (std::size_t at = 0; at < body.size(); at += part) {
        const auto whole = reader.take(std::string_view(body).substr(at, part));
        ASSERT_TRUE(whole);
        passed += *whole;
      }
      EXPECT_EQ(passed, body) << part;
      EXPECT_EQ(reader.rows(), 3U);
      EXPECT_EQ(reader.bytes(), kRows.size() + 3);
      EXPECT_EQ(reader.digest(), crypto::sha256(kRows + "{}\n")) << "the same in either form";
    }
  }
}

TEST(LiveForms, AHalfRowIsNotCountedAndNotPassedOn) {
  LiveReader lines(LiveForm::lines);
  EXPECT_EQ(*lines.take(kRows + "{\"tot"), kRows);
  EXPECT_EQ(lines.rows(), 2U);
  EXPECT_EQ(lines.digest(), crypto::sha256(kRows));
  LiveReader events(LiveForm::events);
  EXPECT_EQ(*events.take("id: 1\ndata: {}\n\nid: 2\ndata: {}\n"), "id: 1\ndata: {}\n\n");
  EXPECT_EQ(events.rows(), 1U);
  EXPECT_EQ(events.digest(), crypto::sha256("{}\n"));
}

TEST(LiveForms, OthersEventsAreRead) {
  LiveReader reader(LiveForm::events);
  EXPECT_TRUE(reader.take("event: count\r\ndata:{}\r\ndata: []\r\n: note\r\n\r\n"));
  EXPECT_EQ(reader.rows(), 2U);
  EXPECT_EQ(reader.digest(), crypto::sha256("{}\n[]\n"));
}

TEST(LiveForms, ARowHasALimit) {
  LiveReader reader(LiveForm::lines);
  const std::string most(gate::kLiveRowBytes, 'x');
  EXPECT_TRUE(reader.take(most));
  const auto more = reader.take("x");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::limit_exceeded);
}

class Live : public GateWorld {
 protected:
  void SetUp() override {
    GateWorld::SetUp();
    write_file("now.jsonl", line(1));
    datasets_.plan.file = "";
    datasets_.plan.follow = "now.jsonl";
    datasets_.plan.content_type = "application/jsonl";
    datasets_.plan.format.form = policy::Form::json_lines;
  }
  void TearDown() override {
    if (worker_.joinable()) {
      gate_->on_revoked(record_.id, gate::make_reason("agreement.ended"));
      worker_.join();
    }
    World::TearDown();
  }
  /// As the source has it; the counter does not leave.
  static std::string line(int total) { return R"({"time":"10:00","counter":"a","total":)" + std::to_string(total) + "}\n"; }
  static std::string row(int total) { return R"({"time":"10:00","total":)" + std::to_string(total) + "}\n"; }
  void add(std::string_view text) const { std::ofstream(data() / "now.jsonl", std::ios::binary | std::ios::app) << text; }
  http::Response ask_for(const std::string& query, const std::string& accept = "") {
    auto said = claim();
    said.path = query.empty() ? "/data" : "/data?" + query;
    auto asked = request(said);
    asked.target = said.path;
    asked.query = query;
    if (!accept.empty()) asked.headers["accept"] = accept;
    return ask(asked);
  }
  void begin(const std::string& query = "", const std::string& accept = "") {
    auto response = ask_for(query, accept);
    ASSERT_TRUE(response.stream) << response.body;
    worker_ = std::thread([this, stream = response.stream] { stream(sink_); });
  }
  void wait_for(std::size_t bytes) const {
    while (sink_.size < bytes && !sink_.is_cut) std::this_thread::yield();
  }
  std::string refused(const std::string& query) {
    const auto response = ask_for(query);
    return response.stream ? "released" : std::to_string(response.status) + " " + code(response);
  }
  /// The stream's end, once it is over.
  v1::Shared end(EntryKind kind = EntryKind::stream_end) {
    worker_.join();
    const auto ends = entries_of(kind);
    EXPECT_EQ(ends.size(), 1U);
    EXPECT_EQ(streams_.size(), 0U);
    return ends.empty() ? v1::Shared() : ends.back().shared;
  }
  static void expect_sent(const v1::Shared& end, const std::string& rows, std::uint64_t count) {
    EXPECT_EQ(end.rows(), count);
    EXPECT_EQ(end.bytes(), rows.size());
    EXPECT_EQ(end.digest(), std::string(view(crypto::sha256(rows))));
  }
  Sink sink_;
  std::thread worker_;
};

TEST_F(Live, LinesGoOnAsTheyComeThroughThePlan) {
  begin();
  ASSERT_EQ(entries_of(EntryKind::decision).size(), 1U);
  EXPECT_TRUE(entries_of(EntryKind::decision)[0].internal.source().starts_with("now.jsonl followed from=" + std::to_string(line(1).size())));
  add(line(2));
  wait_for(row(2).size());
  add(line(3).substr(0, 10));
  const auto progress = streams_.progress(ProcessId("urn:provider:1"));
  ASSERT_EQ(progress.size(), 1U);
  EXPECT_EQ(progress[0].rows, 1U);
  EXPECT_EQ(progress[0].bytes, row(2).size());
  EXPECT_TRUE(progress[0].endless);
  add(line(3).substr(10));
  wait_for(row(2).size() + row(3).size());
  gate_->on_revoked(record_.id, gate::make_reason("agreement.ended"));
  const auto shared = end(EntryKind::cut);
  EXPECT_EQ(shared.decision().code(), "agreement.ended");
  EXPECT_EQ(sink_.body, row(2) + row(3));
  EXPECT_EQ(sink_.headers["content-type"], "application/x-ndjson");
  expect_sent(shared, sink_.body, 2);
}

TEST_F(Live, OneThatIsSilentIsCutWithoutALine) {
  begin();
  while (streams_.size() == 0) std::this_thread::yield();
  gate_->on_revoked(ProcessId("urn:provider:1"), gate::make_reason("transfer.not_started"));
  const auto shared = end(EntryKind::cut);  // or the test does not end
  EXPECT_EQ(shared.decision().code(), "transfer.not_started");
  expect_sent(shared, "", 0);
}

TEST_F(Live, APermissionThatIsOverCutsASilentOne) {
  membership_.until = clock_.now() + std::chrono::hours(1);
  begin();
  clock_.advance(std::chrono::hours(1));
  gate_->on_clock_step();
  EXPECT_EQ(end(EntryKind::cut).decision().code(), "membership");
}

TEST_F(Live, EventsAreForWhoAccepts) {
  begin("last=1", "text/html, text/event-stream;q=0.9");
  add(line(2));
  const std::string events = "id: 1\ndata: " + row(1) + "\nid: 2\ndata: " + row(2) + "\n";
  wait_for(events.size());
  gate_->on_revoked(record_.id, gate::make_reason("agreement.ended"));
  const auto shared = end(EntryKind::cut);
  EXPECT_EQ(sink_.body, events);
  EXPECT_EQ(sink_.headers["content-type"], "text/event-stream");
  expect_sent(shared, row(1) + row(2), 2);
}

TEST_F(Live, WhereItBeginsIsChosenByLinesOnly) {
  write_file("now.jsonl", line(1) + line(2) + line(3));
  for (const std::string query : {"last=0", "last=1001", "last=-1", "last=1&from=2", "from=10:00", "last=", "last=1x"}) {
    EXPECT_EQ(refused(query), "403 source.choice") << query;
    EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "source.choice");
  }
  begin("last=2");
  wait_for(row(2).size() + row(3).size());
  gate_->on_revoked(record_.id, gate::make_reason("agreement.ended"));
  expect_sent(end(EntryKind::cut), row(2) + row(3), 2);
}

TEST_F(Live, AFileThatBecomesShorterFails) {
  begin();
  add(line(2));
  wait_for(row(2).size());
  write_file("now.jsonl", "");
  const auto shared = end();
  EXPECT_EQ(shared.event(), "failed");
  EXPECT_EQ(shared.decision().code(), "source.truncated");
  EXPECT_TRUE(sink_.is_cut);
  expect_sent(shared, row(2), 1);
}

TEST_F(Live, ALineThatIsNotAsDeclaredFails) {
  for (const std::string& text : {std::string("{\"time\":\n"), std::string("\n"), std::string("{\"time\":\"10:00\",\"total\":{}}\n")}) {
    Sink sink;
    auto response = ask_for("");
    ASSERT_TRUE(response.stream) << response.body;
    add(text);
    response.stream(sink);
    EXPECT_TRUE(sink.is_cut);
    EXPECT_EQ(sink.body, "");
    EXPECT_EQ(entries_of(EntryKind::stream_end).back().shared.decision().code(), "source.malformed") << text;
  }
  auto response = ask_for("");
  add(std::string(gate::kFollowLine + 1, 'x'));
  response.stream(sink_);
  EXPECT_EQ(entries_of(EntryKind::stream_end).back().shared.decision().code(), "source.line_too_long");
}

TEST_F(Live, WhoIsGoneIsNoticedAtTheNextLine) {
  begin();
  while (streams_.size() == 0) std::this_thread::yield();
  sink_.gone = true;
  add(line(2));
  const auto shared = end();
  EXPECT_EQ(shared.event(), "failed");
  EXPECT_EQ(shared.decision().code(), "peer.gone");
}

TEST_F(Live, WhatCannotBeReadIsRefused) {
  std::filesystem::remove(data() / "now.jsonl");
  EXPECT_EQ(refused(""), "503 source.unavailable");
  std::filesystem::create_symlink(data() / "counts.csv", data() / "now.jsonl");
  EXPECT_EQ(refused(""), "503 source.unavailable");
}

TEST_F(Live, ADatasetThatIsPublishedAnewCutsIt) {
  begin();
  while (streams_.size() == 0) std::this_thread::yield();
  streams_.reevaluate_all();
  add(line(2));
  wait_for(row(2).size());
  EXPECT_FALSE(sink_.is_cut) << "nothing changed";
  {
    const std::lock_guard lock(datasets_.mutex);
    datasets_.plan.columns.columns.front().action = policy::ColumnAction::drop;
  }
  streams_.reevaluate_all();
  EXPECT_EQ(end(EntryKind::cut).decision().code(), "dataset.changed");
}

TEST_F(Live, OfOnePartySoManyRunAtOnce) {
  std::vector<http::Response> running;
  for (unsigned i = 0; i < gate::kLiveAtOnce; ++i) {
    running.push_back(ask_for(""));
    ASSERT_TRUE(running.back().stream) << i;
  }
  EXPECT_EQ(refused(""), "503 live.busy");
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "live.busy");
  running.clear();
  EXPECT_EQ(refused(""), "released");
}

TEST_F(Live, OnlyTheEndlessAreCutWhenTheNodeStops) {
  begin();
  while (streams_.progress(ProcessId("urn:provider:1")).empty() || !streams_.progress(ProcessId("urn:provider:1"))[0].endless) std::this_thread::yield();
  const auto other = streams_.add({record_.id, ProcessId("urn:provider:1"), record_.dataset, record_.peer});
  EXPECT_EQ(streams_.cut_endless(gate::make_reason("node.stopping")), 1U);
  EXPECT_FALSE(other->cut_reason());
  worker_.join();
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "node.stopping");
}

/// Below the gate, so that how long is waited is a test's to say.
class LiveSending : public Live {
 protected:
  gate::ReleaseEnd send(const gate::FollowTimes& times, std::chrono::milliseconds keep_alive) {
    auto prepared = gate::prepare(datasets_.plan, {}, std::nullopt);
    EXPECT_TRUE(prepared) << prepared.error().reason.sentence;
    auto file = gate::FollowedFile::open(data(), "now.jsonl", 0, times);
    EXPECT_TRUE(file);
    prepared->live->file = std::move(*file);
    prepared->live->form = form_;
    if (ready_) ready_();
    return gate::send_live(*prepared, *stream_, decisions_, sink_, {}, keep_alive);
  }
  static constexpr gate::FollowTimes kSoon{std::chrono::milliseconds(5), std::chrono::milliseconds(5), std::chrono::milliseconds(0), std::chrono::milliseconds(0)};
  LiveForm form_ = LiveForm::lines;
  std::function<void()> ready_;
  std::shared_ptr<gate::Stream> stream_ = streams_.add({});
};

TEST_F(LiveSending, TheSourcesEndIsAnEnd) {
  ready_ = [this] {
    add(line(2));
    std::filesystem::remove(data() / "now.jsonl");
  };
  const auto end = send(kSoon, std::chrono::minutes(5));
  EXPECT_EQ(end.how, gate::ReleaseEnd::How::complete);
  EXPECT_TRUE(sink_.finished);
  EXPECT_EQ(sink_.body, row(2));
  EXPECT_EQ(sink_.trailers["sluis-rows"], "1");
  EXPECT_EQ(sink_.trailers["sluis-sha256"], to_hex(crypto::sha256(row(2))));
}

TEST_F(LiveSending, SomethingThatIsNoDataComesWhileNothingDoes) {
  for (const auto& [form, body] : {std::pair(LiveForm::lines, std::string("\n\n")), std::pair(LiveForm::events, std::string(": nothing new\n\n: nothing new\n\n"))}) {
    form_ = form;
    sink_.body.clear();
    sink_.size = 0;
    sink_.is_cut = false;
    stream_ = streams_.add({});
    sink_.on_write = [this, wanted = body.size()] {
      if (sink_.size >= wanted) stream_->cut(gate::make_reason("agreement.ended"));
    };
    const auto end = send(kSoon, std::chrono::milliseconds(1));
    EXPECT_EQ(sink_.body, body);
    EXPECT_EQ(end.bytes, 0U);
    EXPECT_EQ(end.rows, 0U);
    EXPECT_EQ(end.digest, crypto::sha256("")) << "it is no data";
    EXPECT_EQ(end.reason.code, "agreement.ended");
  }
}

TEST_F(LiveSending, ASlowReaderMissesNothing) {
  std::string rows;
  ready_ = [&] {
    std::string lines;
    for (int i = 0; i < 20'000; ++i) {
      lines += line(i);
      rows += row(i);
    }
    add(lines);
    std::filesystem::remove(data() / "now.jsonl");
  };
  sink_.on_write = [] { std::this_thread::yield(); };
  const auto end = send(kSoon, std::chrono::minutes(5));
  EXPECT_EQ(end.how, gate::ReleaseEnd::How::complete);
  EXPECT_EQ(end.rows, 20'000U);
  EXPECT_TRUE(sink_.body == rows);
}

}  // namespace
}  // namespace sluis::test
