#include "tests/unit/gate/gate_world.hpp"

#include <sys/resource.h>

namespace sluis::test {
namespace {

using provenance::EntryKind;
using std::chrono::steady_clock;

class GateStream : public GateWorld {
 protected:
  void SetUp() override {
    GateWorld::SetUp();
    datasets_.plan.pace = 16U << 10U;
    std::string text = "time,counter,total\n";
    while (text.size() < 400'000) text += "10:00,a,12\n";
    write_file("counts.csv", text);
  }
  /// Runs a paced pull, lets something happen once it is under way, and joins.
  template <class Action>
  void while_under_way(const Action& action) {
    auto response = ask(claim());
    ASSERT_TRUE(response.stream) << response.body;
    std::thread worker([&] { response.stream(sink_); });
    while (sink_.size == 0) std::this_thread::yield();
    acted_ = steady_clock::now();
    action();
    worker.join();
  }
  void expect_cut(const std::string& wanted) {
    EXPECT_TRUE(sink_.is_cut);
    EXPECT_FALSE(sink_.finished);
    EXPECT_LT(sink_.cut_at.load() - acted_, std::chrono::milliseconds(200));
    const auto cuts = entries_of(EntryKind::cut);
    ASSERT_EQ(cuts.size(), 1U);
    EXPECT_EQ(cuts[0].shared.decision().code(), wanted);
    EXPECT_EQ(cuts[0].shared.end(), "cut");
    EXPECT_EQ(cuts[0].shared.bytes(), sink_.body.size());
    EXPECT_EQ(cuts[0].shared.digest(), std::string(view(crypto::sha256(sink_.body))));
    EXPECT_EQ(streams_.size(), 0U);
    EXPECT_EQ(cuts_timed_, 1) << "and how long it took is told";
    EXPECT_LE(slowest_cut_, 1.0) << "within the bound";
  }
  Sink sink_;
  steady_clock::time_point acted_;
};

TEST_F(GateStream, ARevokedAgreementCutsAtOnce) {
  while_under_way([&] { gate_->on_revoked(record_.id, gate::make_reason("agreement.ended")); });
  expect_cut("agreement.ended");
}

TEST_F(GateStream, ASuspendedTransferCutsAtOnce) {
  while_under_way([&] { gate_->on_revoked(ProcessId("urn:provider:1"), gate::make_reason("transfer.not_started")); });
  expect_cut("transfer.not_started");
}

TEST_F(GateStream, ASuspendedDatasetCutsAtOnce) {
  while_under_way([&] {
    datasets_.plan.suspended = "its assessment is doubted";
    streams_.reevaluate_all();
  });
  expect_cut("dataset.suspended");
}

TEST_F(GateStream, MembershipThatEndsCutsAtTheClocksStep) {
  membership_.until = clock_.now() + std::chrono::hours(1);
  while_under_way([&] {
    clock_.advance(std::chrono::hours(1));
    gate_->on_clock_step();
  });
  expect_cut("membership");
}

TEST_F(GateStream, ACertificateThatIsRevokedCutsWhenItIsLookedAtAgain) {
  while_under_way([&] {
    membership_.revoke("another party's");
    streams_.reevaluate_all();
    EXPECT_FALSE(sink_.is_cut) << "it goes on";
    membership_.revoke("urn:duinmeer");
    acted_ = steady_clock::now();
    streams_.reevaluate_all();
  });
  expect_cut("membership");
  EXPECT_EQ(ask(claim()).status, 403U);
}

TEST_F(GateStream, APermissionThatIsOverCutsAtTheClocksStep) {
  record_ = put_agreement("urn:duinmeer", crowd_only("," + constraint("elapsedTime", "lt", "\"P7D\"")));
  while_under_way([&] {
    clock_.advance(std::chrono::days(8));
    gate_->on_clock_step();
  });
  expect_cut("elapsed");
}

TEST_F(GateStream, ASenderThatIsBlockedIsCutByTheTimer) {
  membership_.until = clock_.now() + std::chrono::milliseconds(100);
  auto response = ask(claim());
  ASSERT_TRUE(response.stream);
  std::atomic<bool> blocked = false;
  sink_.on_write = [&] {
    blocked = true;
    while (!sink_.is_cut) std::this_thread::yield();
  };
  std::thread worker([&] { response.stream(sink_); });
  while (!blocked) std::this_thread::yield();
  clock_.advance(std::chrono::milliseconds(100));  // no step is told: the timer comes by itself
  worker.join();
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "membership");
}

TEST_F(GateStream, ASourceThatChangesIsCut) {
  datasets_.plan.pace = 1U << 20U;
  while_under_way([&] { write_file("counts.csv", "time,counter,total\n"); });
  EXPECT_TRUE(sink_.is_cut);
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "source.changed");
}

TEST_F(GateStream, RaggedRowsEndTheStreamWithAReason) {
  datasets_.plan.pace.reset();
  for (const std::string text : {"time,counter,total\n1,a,2\n1,2\n", "time,counter,total\n1,\xff,2\n", "time\n1\n"}) {
    write_file("counts.csv", text);
    auto response = ask(claim());
    ASSERT_TRUE(response.stream);
    Sink sink;
    response.stream(sink);
    EXPECT_TRUE(sink.is_cut);
    EXPECT_FALSE(sink.finished);
    EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "source.malformed");
  }
  write_file("counts.csv", "time,counter,total\n1,a," + std::string(10U << 20U, '7') + "\n");
  auto response = ask(claim());
  Sink sink;
  response.stream(sink);
  EXPECT_TRUE(sink.is_cut);
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "source.malformed");
}

TEST_F(GateStream, AReceiverThatGoesAwayIsRecorded) {
  sink_.gone = true;
  auto response = ask(claim());
  response.stream(sink_);
  const auto ends = entries_of(EntryKind::stream_end);
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(ends[0].shared.event(), "failed");
  EXPECT_EQ(ends[0].shared.end(), "cut");
}

TEST_F(GateStream, AStreamThatIsNeverRunHasAnEndToo) {
  { auto response = ask(claim()); }
  ASSERT_EQ(entries_of(EntryKind::stream_end).size(), 1U);
  EXPECT_EQ(entries_of(EntryKind::stream_end)[0].shared.bytes(), 0U);
}

TEST_F(GateStream, PaceHolds) {
  datasets_.plan.pace = 64U << 10U;
  std::string text = "time,counter,total\n";
  while (text.size() < 45'000) text += "10:00,a,12\n";
  write_file("counts.csv", text);
  auto response = ask(claim());
  const auto began = steady_clock::now();
  response.stream(sink_);
  const double took = std::chrono::duration<double>(steady_clock::now() - began).count();
  EXPECT_TRUE(sink_.finished);
  const double due = static_cast<double>(sink_.body.size() - (8U << 10U)) / (64U << 10U);
  EXPECT_GE(took, due);
  EXPECT_LT(took, due + 0.7);
}

TEST_F(GateStream, ManyAtOnceAreAllCut) {
  std::vector<http::Response> responses;
  for (int i = 0; i < 16; ++i) responses.push_back(ask(claim()));
  std::vector<Sink> sinks(responses.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < sinks.size(); ++i) threads.emplace_back([&, i] { responses[i].stream(sinks[i]); });
  for (const Sink& sink : sinks) {
    while (sink.size == 0) std::this_thread::yield();
  }
  EXPECT_EQ(streams_.cut_all(gate::make_reason("node.stopping")), 16U);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(entries_of(EntryKind::cut).size(), 16U);
}

TEST_F(GateStream, ALargeFilePassesInLittleMemory) {
  datasets_.plan.pace.reset();
  {
    std::ofstream file(data() / "counts.csv", std::ios::binary);
    file << "time,counter,total\n";
    std::string block;
    while (block.size() < (1U << 20U)) block += "2026-11-26T10:00:00Z,counter-1,12\n";
    for (int i = 0; i < 200; ++i) file << block;
  }
  sink_.keep = false;
  auto response = ask(claim());
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  response.stream(sink_);
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_TRUE(sink_.finished);
  EXPECT_GT(sink_.size, 100U << 20U);
#ifndef __SANITIZE_ADDRESS__  // it keeps for a while what was given back
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 16 << 10);  // KiB
#endif
}

}  // namespace
}  // namespace sluis::test
