#include "catalog/offer.hpp"
#include "connector/declaration/register.hpp"
#include "connector/node/ports.hpp"
#include "connector/node/writer.hpp"
#include "tests/unit/catalog/support.hpp"
#include "tests/unit/gate/world.hpp"
#include "tests/unit/identity/support.hpp"

namespace sluis::test {
namespace {

using negotiation::Judgement;

constexpr const char* kWords =
    "dpv:Purpose\tPurpose\t\t\ndpv:PublicBenefit\tPublic benefit\t\tdpv:Purpose\n"
    "urn:f:CrowdManagement\tCrowd management\t\tdpv:PublicBenefit\ndpv:Marketing\tMarketing\t\tdpv:Purpose\n";

struct Gone final : storage::Reader {
  Result<std::optional<std::string>> get(std::string_view) const override { return Error(ErrorCode::storage_unavailable, "the disk is gone"); }
  Result<void> scan(std::string_view, std::string_view, const std::function<bool(std::string_view, std::string_view)>&) const override {
    return Error(ErrorCode::storage_unavailable, "the disk is gone");
  }
};

/// What a node says to proposals, where others than the published terms wait for the steward.
class NodeTermsTest : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    ASSERT_TRUE(purposes_.open({{kWords, "test.tsv"}}));
    ASSERT_TRUE(purposes_.record());
    ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now(), true));
    const catalog::Dataset dataset = catalog::test::good(catalog::test::agreement_file());
    auto commit = catalog_.publish(dataset, 4, clock_.now());
    ASSERT_TRUE(commit) << describe(commit.error());
    ASSERT_TRUE(sequencer_.commit_and_wait(std::move(*commit)));
    published_ = dataset.offer;
    id_ = dataset.id;
  }
  Judgement judge(const json::Value& offer) {
    return *terms_.judge_request(ParticipantId("did:web:duinmeer.example"), id_, offer, *catalog::offer_hash(offer));
  }
  /// The published terms with one more condition.
  json::Value with(const std::string& op, const std::string& situation) {
    std::string text = json::serialise(published_);
    const std::string key = "\"constraint\":[";
    const auto at = text.find(key);
    EXPECT_NE(at, std::string::npos) << text;
    text.insert(at + key.size(), R"({"leftOperand":"https://w3id.org/sluis/odrl/1#situation","operator":")" + op +
                                     R"(","rightOperand":")" + situation + R"("},)");
    return *json::parse(text);
  }

  identity::test::Federation federation_;
  identity::Directory directory_{identity::Trust{{federation_.keeper}, 1}};
  node::Writer writer_{ParticipantId("did:web:waterrijk.example"), clock_};
  node::Purposes purposes_{store_, commits_, clock_, [this](const Hash& hash, const std::string& document, const management::PublishedBy& by) {
                             return writer_.purposes_entry(hash, document, by);
                           }};
  catalog::Catalog catalog_{store_, [this] { return purposes_.current(); }};
  node::NodeTerms terms_{catalog_, purposes_, directory_, store_, clock_, false, {"urn:situation:crowds"}};
  json::Value published_;
  DatasetId id_{"none"};
};

TEST_F(NodeTermsTest, TwoSidedTermsAreForPartiesWithEvidenceAlone) {
  std::string file = catalog::test::agreement_file();
  const auto at = file.find("processing_activity = true");
  ASSERT_NE(at, std::string::npos);
  const catalog::Dataset dataset = catalog::test::good(file.insert(at, "two_sided_evidence = true\n"));
  auto commit = catalog_.publish(dataset, 5, clock_.now());
  ASSERT_TRUE(commit) << describe(commit.error());
  ASSERT_TRUE(sequencer_.commit_and_wait(std::move(*commit)));
  EXPECT_EQ(judge(dataset.offer).kind, Judgement::Kind::agree);
  for (identity::Party& party : federation_.list.parties) party.evidence = false;
  ++federation_.list.version;
  ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now(), true));
  const Judgement judged = judge(dataset.offer);
  EXPECT_EQ(judged.kind, Judgement::Kind::refuse);
  EXPECT_EQ(judged.reason.code, "evidence");
}

TEST_F(NodeTermsTest, ThePublishedTermsAreAgreedAndOthersWait) {
  EXPECT_EQ(judge(published_).kind, Judgement::Kind::agree);
  EXPECT_EQ(judge(with("isAnyOf", "urn:situation:crowds")).kind, Judgement::Kind::wait);
}

TEST_F(NodeTermsTest, TheSameTermsWrittenAnotherWayAreAgreed) {
  json::Value other = published_;
  for (json::Member& member : *other.if_object()) {
    if (member.first == "permission") member.first = "odrl:permission";
  }
  EXPECT_EQ(judge(other).kind, Judgement::Kind::agree);
  EXPECT_EQ(judge(other).offer_hash, judge(published_).offer_hash) << "it follows the publication, whose hash is not that of these words";
  std::string text = json::serialise(published_);
  const auto replace = [&](const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << text;
    text.replace(at, from.size(), to);
  };
  replace(R"("action":"use")", R"("action":{"@id":"odrl:use"})");
  replace(R"("leftOperand":"http://www.w3.org/ns/odrl/2/purpose")", R"("leftOperand":"purpose")");
  EXPECT_EQ(judge(*json::parse(text)).kind, Judgement::Kind::agree);
}

TEST_F(NodeTermsTest, TermsThatSayLessAreNotTheSame) {
  json::Value without = published_;
  for (json::Member& member : *without.if_object()) {
    if (member.first != "permission") continue;
    ASSERT_TRUE((*member.second.if_array())[0].erase("constraint"));
  }
  const auto judged = judge(without);
  EXPECT_NE(judged.kind, Judgement::Kind::agree);
  json::Value renamed = published_;
  renamed.set("@id", json::Value("urn:another"));
  EXPECT_NE(judge(renamed).kind, Judgement::Kind::agree);
}

TEST_F(NodeTermsTest, OthersThatCouldOpenByMistakeDoNotReachTheSteward) {
  const auto more = judge(with("neq", "urn:situation:crowds"));
  EXPECT_EQ(more.kind, Judgement::Kind::refuse);
  EXPECT_NE(more.reason.sentences.at(0).find("one more situation"), std::string::npos);
  const auto unknown = judge(with("isNoneOf", "urn:situation:crowd"));
  EXPECT_EQ(unknown.kind, Judgement::Kind::refuse);
  EXPECT_NE(unknown.reason.sentences.at(0).find("defines no situation"), std::string::npos);
}

TEST_F(NodeTermsTest, AnAssessmentOpensNoDataThatWereGatheredOnNothingKnown) {
  declaration::Declaration one;
  one.kind = declaration::Kind::assessment;
  one.id = "urn:assessment:flows";
  one.title = "Flows";
  one.acts.push_back({declaration::What::recorded, {identity::Role::privacy_officer, "B"}, clock_.now(), clock_.now() + std::chrono::hours(1), "compatible"});
  Commit commit;
  ASSERT_TRUE(declaration::put(commit, *declaration::read_open(store_), nullptr, one, clock_.now()));
  ASSERT_TRUE(store_.write(commit.changes, true));
  const auto judged = judge(*json::parse(catalog::test::with(json::serialise(with("isAnyOf", "urn:assessment:flows")), "#situation", "#assessment")));
  EXPECT_EQ(judged.kind, Judgement::Kind::refuse);
  EXPECT_NE(judged.reason.sentences.at(0).find("processed_under"), std::string::npos) << judged.reason.sentences.at(0);
}

TEST_F(NodeTermsTest, AStoreThatDoesNotAnswerEndsNoNegotiation) {
  const json::Value offer = *json::parse(catalog::test::with(json::serialise(with("isAnyOf", "urn:assessment:none")), "#situation", "#assessment"));
  const Gone gone;
  const ParticipantId duinmeer("did:web:duinmeer.example");
  node::NodeTerms strict{catalog_, purposes_, directory_, store_, clock_, true, {}};
  const auto unknown = strict.judge_request(duinmeer, id_, offer, *catalog::offer_hash(offer));
  ASSERT_TRUE(unknown) << describe(unknown.error());
  EXPECT_EQ(unknown->kind, Judgement::Kind::refuse);
  EXPECT_NE(unknown->reason.sentences.at(0).find("was recorded here"), std::string::npos) << unknown->reason.sentences.at(0);
  node::NodeTerms without{catalog_, purposes_, directory_, gone, clock_, true, {}};
  const auto judged = without.judge_request(duinmeer, id_, offer, *catalog::offer_hash(offer));
  ASSERT_FALSE(judged) << "nor does it wait for a person as if it had been looked at";
  EXPECT_EQ(judged.error().code, ErrorCode::storage_unavailable);
}

TEST_F(NodeTermsTest, WhatAScriptOffersIsWhatIsPublished) {
  const auto offer = terms_.published_offer(id_);
  ASSERT_TRUE(offer) << describe(offer.error());
  EXPECT_EQ(*offer, published_);
  EXPECT_EQ(terms_.published_offer(DatasetId("urn:waterrijk:none")).error().code, ErrorCode::not_found);
  clock_.set(*parse_time("2030-01-01T00:00:00Z"));  // the dataset's assessment is over
  EXPECT_FALSE(terms_.published_offer(id_));
}

}  // namespace
}  // namespace sluis::test
