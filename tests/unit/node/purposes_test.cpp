#include "connector/node/purposes.hpp"

#include "connector/gate/assess.hpp"
#include "connector/node/pinned_purposes.hpp"
#include "connector/node/writer.hpp"
#include "policy/purpose/legal_bases.hpp"
#include "tests/unit/gate/world.hpp"

namespace sluis::test {
namespace {

const std::string kBase =
    "https://w3id.org/dpv#Purpose\tPurpose\t\t\n"
    "https://w3id.org/dpv#Marketing\tMarketing\t\thttps://w3id.org/dpv#Purpose\n"
    "https://example.org/purpose#CrowdManagement\tCrowd management\t\thttps://w3id.org/dpv#Purpose\n";
const std::string kFestival = "https://example.org/purpose#Festival";
const std::string kApart = kFestival + "\tFestivals\tFestivals\thttps://w3id.org/dpv#Purpose\n";
const std::string kBelow = kFestival + "\tFestivals\tFestivals\thttps://example.org/purpose#CrowdManagement\n";

class PurposesTest : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    ASSERT_TRUE(words_.open({{kBase, "base.tsv"}}));
    ASSERT_TRUE(words_.record());
  }
  node::Purposes make() {
    return {store_, commits_, clock_, [this](const Hash& hash, const std::string& document, const management::PublishedBy& by) {
              return writer_.purposes_entry(hash, document, by);
            }};
  }
  /// An agreement for crowd management, made with the purposes in force now.
  negotiation::AgreementRecord agree() {
    auto record = put_agreement("urn:duinmeer", crowd_only());
    record.vocabulary_hash = words_.current_hash();
    store_agreement(record);
    return record;
  }
  gate::Verdict ask(node::Purposes& words, const std::string& purpose) {
    gate::ProgramCache programs([&](const negotiation::AgreementRecord& record) {
      return record.vocabulary_hash ? words.by_hash(*record.vocabulary_hash) : words.oldest();
    });
    const gate::Question question{AgreementId("urn:agreement:1"), DatasetId("urn:waterrijk:counts"),
                                  ParticipantId("urn:duinmeer"), ParticipantId("urn:duinmeer"), "municipality", purpose};
    auto verdict = gate::assess(question, store_, programs, words.current(), {}, clock_.now());
    EXPECT_TRUE(verdict);
    return std::move(*verdict);
  }

  node::Writer writer_{ParticipantId("urn:waterrijk"), clock_};
  node::Purposes words_ = make();
};

/// What the pinned file has to be; who changes it changes this too.
constexpr const char* kPinned = "88ee625ca12097ec1b83c6556a127b3387312f17265fda2bd84be7b8c9470242";
constexpr const char* kPinnedBases = "ee73bd85ba726e0e6e7b1b2a36895d4e71687ac4b6bab76fe717e8f4dfb6d9eb";

TEST(PinnedPurposes, AreTheFileOfThisHash) {
  EXPECT_EQ(to_hex(crypto::sha256(node::kPinnedPurposes)), kPinned);
  EXPECT_EQ(to_hex(crypto::sha256(policy::pinned_legal_bases())), kPinnedBases);
}

TEST(PinnedPurposes, AFileThatIsAnotherIsRefusedUnlessItsHashIsNamed) {
  TempFolder folder;
  node::NodeConfig config;
  config.purposes = folder.path() / "dpv-purposes.tsv";
  const auto write = [&](const std::filesystem::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; };
  write(config.purposes, node::kPinnedPurposes);
  const auto good = node::read_purpose_files(config);
  ASSERT_TRUE(good) << describe(good.error());
  EXPECT_EQ(node::changed_purposes(config, *good), "");
  // Marketing moves below what is of benefit to all.
  std::string moved(node::kPinnedPurposes);
  const std::string line = "https://w3id.org/dpv#Marketing\t";
  const auto at = moved.find("\n" + line);
  ASSERT_NE(at, std::string::npos);
  const auto end = moved.find('\n', at + 1);
  moved.replace(at + 1, end - at - 1, line + "Marketing\t\thttps://w3id.org/dpv#PublicBenefit");
  write(config.purposes, moved);
  const auto refused = node::read_purpose_files(config);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused.error().place.file, config.purposes.string());
  const std::string hash = to_hex(crypto::sha256(moved));
  EXPECT_NE(refused.error().mend.find("purposes_sha256 = \"" + hash + "\""), std::string::npos) << describe(refused.error());
  EXPECT_NE(node::changed_purposes(config, *good).find("would not start again"), std::string::npos) << "a finding of the doctor while it runs";
  config.purposes_sha256 = hash;
  const auto named = node::read_purpose_files(config);
  ASSERT_TRUE(named) << "a version that was agreed";
  EXPECT_EQ(named->front().text, moved);
  EXPECT_NE(node::changed_purposes(config, *good).find("have changed"), std::string::npos);
  write(config.purposes, node::kPinnedPurposes);
  EXPECT_FALSE(node::read_purpose_files(config)) << "and then no other, not even the one built in";
}

TEST_F(PurposesTest, AnotherPinnedFileIsAVersionOfItsOwnAlsoWhereItSaysTheSame) {
  const auto versions = [this] {
    std::size_t count = 0;
    EXPECT_TRUE(store_.scan("purpose-version/", "purpose-version/", [&](std::string_view, std::string_view) { return ++count > 0; }));
    return count;
  };
  EXPECT_EQ(versions(), 1U);
  auto same = make();
  ASSERT_TRUE(same.open({{kBase, "base.tsv"}}));
  ASSERT_TRUE(same.record());
  EXPECT_EQ(versions(), 1U);
  std::string labelled = kBase;
  labelled.replace(labelled.find("\tMarketing"), 10, "\tPublicity");
  auto other = make();
  ASSERT_TRUE(other.open({{labelled, "base.tsv"}}));
  EXPECT_EQ(other.current_hash(), words_.current_hash());
  ASSERT_TRUE(other.record());
  EXPECT_EQ(versions(), 2U) << "with the file's hash, in the log";
}

TEST_F(PurposesTest, ANewVersionNeverWidensARunningAgreement) {
  ASSERT_TRUE(words_.publish(kApart, "own.tsv", false, {"A. Bakker", {}}));
  agree();
  EXPECT_TRUE(ask(words_, kCrowd).permit);
  EXPECT_FALSE(ask(words_, kFestival).permit);
  ASSERT_TRUE(words_.publish(kBelow, "own.tsv", false, {"A. Bakker", {}}));
  EXPECT_TRUE(ask(words_, kCrowd).permit);
  EXPECT_FALSE(ask(words_, kFestival).permit) << "the festival came below what was agreed, afterwards";
  agree();
  EXPECT_TRUE(ask(words_, kFestival).permit) << "who agrees now agrees with this version";
}

TEST_F(PurposesTest, APurposeThatCameLaterIsUnknownToAnOlderAgreement) {
  agree();
  ASSERT_TRUE(words_.publish(kBelow, "own.tsv", false, {"A. Bakker", {}}));
  const auto verdict = ask(words_, kFestival);
  EXPECT_FALSE(verdict.permit);
  EXPECT_FALSE(verdict.reason.code.empty());
}

TEST_F(PurposesTest, AnAgreementFromBeforeVersionsWereKeptHasTheOldestOne) {
  put_agreement("urn:duinmeer", crowd_only());
  ASSERT_TRUE(words_.publish(kBelow, "own.tsv", false, {"A. Bakker", {}}));
  EXPECT_TRUE(ask(words_, kCrowd).permit);
  EXPECT_FALSE(ask(words_, kFestival).permit);
}

TEST_F(PurposesTest, BothVersionsSurviveARestart) {
  ASSERT_TRUE(words_.publish(kApart, "own.tsv", false, {"A. Bakker", {}}));
  const Hash first = words_.current_hash();
  agree();
  ASSERT_TRUE(words_.publish(kBelow, "own.tsv", false, {"A. Bakker", {}}));
  node::Purposes again = make();
  ASSERT_TRUE(again.open({{kBase, "base.tsv"}}));
  const auto entries_before = entries().size();
  ASSERT_TRUE(again.record());
  EXPECT_EQ(entries().size(), entries_before) << "nothing new was to be recorded";
  EXPECT_EQ(again.current_hash(), words_.current_hash());
  EXPECT_NE(again.current_hash(), first);
  EXPECT_FALSE(ask(again, kFestival).permit);
  EXPECT_TRUE(ask(again, kCrowd).permit);
}

TEST_F(PurposesTest, AChangeOfTheConfigurationIsAVersionTooAndWidensNothing) {
  agree();
  node::Purposes again = make();
  ASSERT_TRUE(again.open({{kBase, "base.tsv"}, {kBelow, "more.tsv"}}));
  ASSERT_TRUE(again.record());
  EXPECT_EQ(entries_of(provenance::EntryKind::purposes).size(), 2U);
  EXPECT_FALSE(ask(again, kFestival).permit);
}

TEST_F(PurposesTest, EachVersionIsAnEntryOfTheLogThatNamesWhoPublishedIt) {
  const auto taken = words_.publish(kApart, "own.tsv", false, {"A. Bakker", {}});
  ASSERT_TRUE(taken);
  const auto found = entries_of(provenance::EntryKind::purposes);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].shared.event(), "configured");
  EXPECT_EQ(found[1].shared.event(), "published");
  EXPECT_NE(found[1].shared.document().find("Festival"), std::string::npos);
  EXPECT_EQ(found[1].internal.person(), "A. Bakker");
  EXPECT_EQ(found[1].shared.SerializeAsString().find("Bakker"), std::string::npos) << "the name stays inside";
  provenance::LogReader log(store_, keys_);
  EXPECT_EQ(log.leaf(taken->entry)->policy_digest, words_.current_hash());
}

TEST_F(PurposesTest, AVersionNamesTheBodyThatDecidedIt) {
  const catalog::DecidedBy council{"Council of Waterrijk", catalog::DecidedBy::Kind::elected, "2026-114"};
  const auto decided = [&](const Hash& hash) { return *words_.decided_by(hash, clock_.now()); };
  EXPECT_FALSE(decided(words_.current_hash())) << "the configuration's files name nobody";
  ASSERT_TRUE(words_.publish(kApart, "own.tsv", false, {"A. Bakker", {}}));
  const Hash apart = words_.current_hash();
  EXPECT_FALSE(decided(apart));
  const Timestamp before = clock_.now();
  clock_.advance(std::chrono::hours(1));
  const auto said = words_.publish(kApart, "own.tsv", false, {"A. Bakker", council});
  ASSERT_TRUE(said);
  EXPECT_FALSE(said->unchanged) << "the same words, but now somebody answers for them";
  EXPECT_EQ(decided(apart), council);
  EXPECT_FALSE(*words_.decided_by(apart, before)) << "what was in force before is not laid at the council's door";
  EXPECT_EQ(json::serialise(catalog::to_json(council)), entries_of(provenance::EntryKind::purposes).back().internal.decided_by());
  EXPECT_TRUE(words_.publish(kApart, "own.tsv", false, {"A. Bakker", council})->unchanged);
  ASSERT_TRUE(words_.publish(kBelow, "own.tsv", false, {"A. Bakker", {}}));
  EXPECT_FALSE(decided(words_.current_hash()));
  EXPECT_EQ(decided(apart), council);
}

TEST_F(PurposesTest, ADryRunOrTheSameAgainChangesNothing) {
  const Hash before = words_.current_hash();
  ASSERT_TRUE(words_.publish(kApart, "own.tsv", true, {"A. Bakker", {}}));
  EXPECT_EQ(words_.current_hash(), before);
  ASSERT_TRUE(words_.publish(kApart, "own.tsv", false, {"A. Bakker", {}}));
  const auto again = words_.publish(kApart, "own.tsv", false, {"A. Bakker", {}});
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->unchanged);
  EXPECT_EQ(entries_of(provenance::EntryKind::purposes).size(), 2U);
}

TEST_F(PurposesTest, APurposeInForceCannotBeTakenAway) {
  ASSERT_TRUE(words_.publish(kApart, "own.tsv", false, {"A. Bakker", {}}));
  const auto refused = words_.publish("https://example.org/purpose#Other\tOther\t\tdpv:Purpose\n", "own.tsv", false, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(refused.error().message.find("Festival"), std::string::npos);
}

TEST_F(PurposesTest, AnErrorNamesTheFileAndTheLine) {
  const auto refused = words_.publish("# ours\nhttps://example.org/purpose#Other\tOther\t\tdpv:Purpos\n", "own.tsv", false, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().place.file, "own.tsv");
  EXPECT_EQ(refused.error().place.line, 2U);
}

TEST_F(PurposesTest, WhatCannotBeRecordedIsNotInForce) {
  const Hash before = words_.current_hash();
  commits_.refuse = true;
  EXPECT_FALSE(words_.publish(kApart, "own.tsv", false, {"A. Bakker", {}}));
  EXPECT_EQ(words_.current_hash(), before);
}

TEST_F(PurposesTest, AVocabularyThatIsNotKnownPermitsNothing) {
  auto record = agree();
  record.vocabulary_hash = crypto::sha256("never seen");
  store_agreement(record);
  const auto verdict = ask(words_, kCrowd);
  EXPECT_FALSE(verdict.permit);
  EXPECT_EQ(verdict.reason.code, "agreement.unreadable");
}

}  // namespace
}  // namespace sluis::test
