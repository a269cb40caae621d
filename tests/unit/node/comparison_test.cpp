#include "connector/node/comparison.hpp"

#include <gtest/gtest.h>

namespace sluis::node {
namespace {

using provenance::EntryKind;

const Timestamp kNoon = *parse_time("2026-11-26T12:00:00Z");
const Timestamp kEvening = *parse_time("2026-11-26T18:00:00Z");
const Timestamp kMorning = *parse_time("2026-11-26T06:00:00Z");

struct Said {
  std::string end = "complete";
  std::uint64_t bytes = 100;
  std::uint64_t rows = 10;
  std::string digest = std::string(32, 'd');
};

/// A log in the making: each entry a second after the one before.
class Log {
 public:
  explicit Log(Timestamp from = kNoon) : now_(from) {}

  v1::Shared& add(EntryKind kind, const std::string& transaction) {
    now_ += std::chrono::seconds(1);
    SharedEntry entry{kind, {}, entries.size(), entries.size()};
    entry.shared.set_time_us(now_.time_since_epoch().count());
    entry.shared.set_transaction(transaction);
    entry.shared.set_agreement("agreement-1");
    entries.push_back(entry);
    return entries.back().shared;
  }
  Log& permit(const std::string& transaction) {
    add(EntryKind::decision, transaction).mutable_decision()->set_permit(true);
    return *this;
  }
  Log& intent(const std::string& transaction) {
    add(EntryKind::intent, transaction);
    return *this;
  }
  Log& end(EntryKind kind, const std::string& transaction, const Said& said = {}) {
    v1::Shared& shared = add(kind, transaction);
    shared.set_end(said.end);
    shared.set_bytes(said.bytes);
    shared.set_rows(said.rows);
    shared.set_digest(said.digest);
    return *this;
  }
  Log& agreed(EntryKind kind, const std::string& hash, const std::string& event = "") {
    v1::Shared& shared = add(kind, "");
    shared.set_agreement_hash(hash);
    shared.set_event(event);
    return *this;
  }

  std::vector<SharedEntry> entries;

 private:
  Timestamp now_;
};

Log provider(const Said& said = {}) {
  Log log;
  log.agreed(EntryKind::agreement, "hash").permit("t1").end(EntryKind::stream_end, "t1", said);
  return log;
}
Log consumer(const Said& said = {}) {
  Log log;
  log.agreed(EntryKind::agreement, "hash").intent("t1").end(EntryKind::received, "t1", said);
  return log;
}

std::string found(const Log& ours, const Log& theirs, Timestamp from = kMorning, Timestamp until = kEvening) {
  std::string out;
  for (const Difference& one : compare(ours.entries, theirs.entries, from, until).differences) out += one.what + ": " + one.about + " " + one.id + "\n";
  return out;
}

TEST(Comparison, TwoLogsOfOneExchangeAreTheSameFromBothSides) {
  EXPECT_EQ(found(provider(), consumer()), "");
  EXPECT_EQ(found(consumer(), provider()), "");
}

TEST(Comparison, DataThatCameWithoutAReleaseAreMissingInTheProvidersLog) {
  Log none;
  none.agreed(EntryKind::agreement, "hash");
  EXPECT_EQ(found(consumer(), none), "missing there: release t1\n");
  EXPECT_EQ(found(none, consumer()), "missing here: release t1\n");
}

TEST(Comparison, AReleaseThatTheConsumerNeverAskedForIsSeen) {
  Log none;
  none.agreed(EntryKind::agreement, "hash");
  EXPECT_EQ(found(provider(), none), "missing there: request t1\n");
}

std::string found_with(const std::vector<ErasedEntry>& erased, const Log& ours, const Log& theirs) {
  Comparison comparison = compare(ours.entries, theirs.entries, kMorning, kEvening);
  explain_erased(comparison, theirs.entries, erased);
  std::string out;
  for (const Difference& one : comparison.differences) out += one.what + ": " + one.about + " " + one.id + "\n";
  return out;
}

TEST(Comparison, WhatWasErasedHereIsNotMissing) {
  Log none;
  none.agreed(EntryKind::agreement, "hash");
  Log two = provider();
  two.permit("t2").end(EntryKind::stream_end, "t2", {});
  const SharedEntry& release = two.entries.at(1);
  const Timestamp hour = std::chrono::floor<std::chrono::hours>(Timestamp(Duration(release.shared.time_us())));
  const std::string missing = "missing here: request t1\nmissing here: request t2\n";
  EXPECT_EQ(found_with({}, none, two), missing);
  EXPECT_EQ(found_with({{EntryKind::decision, hour, 7}, {EntryKind::received, hour, 8}}, none, two), missing) << "not what a request needs";
  EXPECT_EQ(found_with({{EntryKind::intent, hour - std::chrono::hours(2), 7}, {EntryKind::intent, hour + std::chrono::hours(2), 8}}, none, two), missing)
      << "of another time";
  EXPECT_EQ(found_with({{EntryKind::intent, hour, 7}}, none, two), "erased here: request t1\nmissing here: request t2\n") << "one for one";
  EXPECT_EQ(found_with({{EntryKind::intent, hour, 7}, {EntryKind::intent, hour + std::chrono::hours(1), 9}}, none, two),
            "erased here: request t1\nerased here: request t2\n");
  EXPECT_EQ(found_with({{EntryKind::intent, hour, 7}, {EntryKind::intent, hour, 9}}, two, none), found(two, none)) << "what the peer lacks, the peer lacks";
}

TEST(Comparison, ReleasesDoNotHideBehindOneTransaction) {
  Log several;
  several.agreed(EntryKind::agreement, "hash").permit("t1").permit("t1").end(EntryKind::stream_end, "t1");
  EXPECT_EQ(found(several, consumer()), "differs: request t1\n");
}

TEST(Comparison, AConsumerThatForgetsWhatCameIsSeen) {
  Log forgetful;
  forgetful.agreed(EntryKind::agreement, "hash").intent("t1");
  EXPECT_EQ(found(provider(), forgetful), "missing there: receipt of data t1\n");
}

TEST(Comparison, WhatLeftAndWhatCameMustBeTheSame) {
  EXPECT_EQ(found(provider(), consumer({"complete", 100, 10, std::string(32, 'x')})), "differs: release t1\n");
  EXPECT_EQ(found(provider(), consumer({"complete", 100, 9})), "differs: release t1\n");
  EXPECT_EQ(found(provider({"cut", 50, 5}), consumer({"cut", 51, 5})), "differs: release t1\n") << "more came than left";
  EXPECT_EQ(found(provider({"cut", 50, 5}), consumer({"cut", 40, 4})), "") << "what was under way when it was cut is lost";
  EXPECT_EQ(found(provider({"unknown", 0, 0, ""}), consumer()), "") << "after a crash a node says that it does not know";
}

TEST(Comparison, ARequestThatWasNotAnsweredIsNoDifference) {
  Log alone;
  alone.agreed(EntryKind::agreement, "hash").intent("t1").end(EntryKind::received, "t1", {"", 0, 0, ""});
  Log none;
  none.agreed(EntryKind::agreement, "hash");
  EXPECT_EQ(found(alone, none), "");
  Log refusing;
  refusing.agreed(EntryKind::agreement, "hash");
  refusing.add(EntryKind::decision, "t1").mutable_decision()->set_permit(false);
  EXPECT_EQ(found(alone, refusing), "");
}

TEST(Comparison, AgreementsAndTheirEndsMustBeInBoth) {
  Log other;
  other.agreed(EntryKind::agreement, "another");
  Log one;
  one.agreed(EntryKind::agreement, "hash");
  EXPECT_EQ(found(one, other), "differs: agreement agreement-1\n");
  EXPECT_EQ(found(one, Log()), "missing there: agreement agreement-1\n");
  Log ended = one;
  ended.agreed(EntryKind::agreement_ended, "hash");
  EXPECT_EQ(found(ended, one), "missing there: end of agreement agreement-1\n");
  Log told = one;
  told.agreed(EntryKind::receipt, "hash", "agreement-ended");
  EXPECT_EQ(found(ended, told), "");
}

TEST(Comparison, AnImportedAgreementStandsInOneLogOnly) {
  Log paper;
  paper.agreed(EntryKind::agreement, "hash", "imported.asked").agreed(EntryKind::agreement, "hash", "imported");
  EXPECT_EQ(found(paper, Log()), "");
  EXPECT_EQ(found(Log(), paper), "");
}

TEST(Comparison, WhatIsUnderWayIsNotCompared) {
  Log log;
  log.permit("t1");
  const auto result = compare(log.entries, {}, kMorning, kNoon + std::chrono::seconds(30));
  EXPECT_TRUE(result.differences.empty());
  EXPECT_EQ(result.under_way, 1U);
  EXPECT_EQ(found(log, Log(), kMorning, kEvening), "missing there: request t1\n");
}

TEST(Comparison, OnlyWhatLiesWithinTheTimeIsReported) {
  EXPECT_EQ(found(consumer(), Log(), kEvening, kEvening + std::chrono::hours(1)), "");
  // The clocks of two nodes differ: the other's entry lies just outside, and is found.
  Log late(kNoon + std::chrono::seconds(30));
  late.agreed(EntryKind::agreement, "hash");
  Log early;
  early.agreed(EntryKind::agreement, "hash");
  EXPECT_EQ(found(early, late, kMorning, kNoon + std::chrono::seconds(10)), "");
}

}  // namespace
}  // namespace sluis::node
