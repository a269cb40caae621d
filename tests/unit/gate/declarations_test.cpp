#include "connector/declaration/register.hpp"
#include "tests/unit/gate/gate_world.hpp"

namespace sluis::test {
namespace {

using declaration::Declaration;
using declaration::What;
using provenance::EntryKind;
using std::chrono::hours;

const std::string kFull = "https://waterrijk.example/situations/crowds";
const std::string kFlood = "https://waterrijk.example/situations/flood";
const std::string kSituation = "https://w3id.org/sluis/odrl/1#situation";
const std::string kAssessment = "https://w3id.org/sluis/odrl/1#assessment";

/// Waterrijk's gate, where terms depend on what is declared in its store.
class GateDeclarations : public GateWorld {
 protected:
  void SetUp() override {
    GateWorld::SetUp();
    auto with = dependencies();
    with.declarations = [this](const negotiation::AgreementRecord&, Timestamp now) -> Result<gate::KnownDeclarations> {
      ++asked_;
      if (fails_) return Error(ErrorCode::storage_unavailable, "the store does not answer");
      SLUIS_TRY(declaration::Open open, declaration::read_open(store_));
      gate::KnownDeclarations out;
      out.as_read.push_back(std::move(open.as_read));
      for (auto& one : open.declarations) {
        if (one.declaration.in_force(now)) out.declarations.push_back({std::move(one.declaration), 41});
      }
      return out;
    };
    gate_ = std::make_unique<gate::Gate>(ParticipantId("urn:waterrijk"), std::move(with));
  }
  static std::string named(const std::string& left, const std::string& id) { return constraint(left, "isAnyOf", "\"" + id + "\""); }
  /// Crowd management while a situation is there.
  void agree_on_situation() { record_ = put_agreement("urn:duinmeer", crowd_only("," + named(kSituation, kFull))); }
  void agree_but_in_flood() {
    record_ = put_agreement("urn:duinmeer",
                            crowd_only() + R"(,"prohibition":[{"action":"use","constraint":[)" + named(kSituation, kFlood) + "]}]");
  }
  void declare(const std::string& id, const std::string& purpose = kCrowd, declaration::Kind kind = declaration::Kind::situation) {
    Declaration one;
    one.kind = kind;
    one.id = id;
    one.title = "Crowds";
    one.opens = {purpose};
    one.safeguards = safeguards_;
    const auto what = kind == declaration::Kind::situation ? What::declared : What::recorded;
    one.acts.push_back({what, {identity::Role::operator_, "A. Bakker"}, clock_.now(), clock_.now() + hours(2), "full"});
    commit(nullptr, std::move(one));
  }
  void end(const std::string& id) {
    const auto before = declaration::read_newest(store_, declaration::Kind::situation, id);
    ASSERT_TRUE(before && *before);
    Declaration next = (*before)->declaration;
    next.acts.push_back({What::ended, {identity::Role::operator_, "A. Bakker"}, clock_.now(), clock_.now(), "quiet"});
    commit(&**before, std::move(next));
  }
  void commit(const declaration::Stored* before, Declaration next) {
    Commit made;
    const auto open = declaration::read_open(store_);
    ASSERT_TRUE(open);
    ASSERT_TRUE(declaration::put(made, *open, before, next, clock_.now()));
    const auto done = sequencer_.commit_and_wait(std::move(made));
    ASSERT_TRUE(done) << describe(done.error());
  }
  /// The last decision on record; `permitted`, or the code of the refusal.
  std::string outcome(const std::string& purpose = kCrowd) {
    const auto response = ask(claim(purpose));
    const auto last = entries_of(EntryKind::decision).back().shared;
    EXPECT_EQ(bool(response.stream), last.decision().permit());
    rests_on_ = {};
    for (const auto& one : last.rests_on()) rests_on_.push_back(one.id() + " " + std::to_string(one.entry()));
    return last.decision().code();
  }
  int asked_ = 0;
  bool fails_ = false;
  std::vector<std::string> safeguards_;  ///< of what is declared
  std::vector<std::string> rests_on_;
};

TEST_F(GateDeclarations, ASituationOpensWhileItIsThereAndEndsByItself) {
  agree_on_situation();
  EXPECT_EQ(outcome(), "value");
  declare(kFull);
  EXPECT_EQ(outcome(), "permitted");
  EXPECT_EQ(rests_on_, std::vector<std::string>{kFull + " 41"}) << "the record names what it rests on";
  clock_.advance(hours(2) - std::chrono::seconds(1));
  EXPECT_EQ(outcome(), "permitted");
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(outcome(), "value");
  EXPECT_TRUE(rests_on_.empty());
}

TEST_F(GateDeclarations, ASituationClosesWhileItIsThere) {
  agree_but_in_flood();
  EXPECT_EQ(outcome(), "permitted");
  declare(kFlood);
  EXPECT_EQ(outcome(), "prohibited");
  EXPECT_EQ(rests_on_, std::vector<std::string>{kFlood + " 41"});
  end(kFlood);
  EXPECT_EQ(outcome(), "permitted");
}

TEST_F(GateDeclarations, AnotherSituationOrOneAboutAnotherPurposeOpensNothing) {
  agree_on_situation();
  declare(kFlood);
  EXPECT_EQ(outcome(), "value");
  declare(kFull, kMarketing);
  EXPECT_EQ(outcome(), "value");
}

TEST_F(GateDeclarations, AnAssessmentOpensOnlyByItsOwnName) {
  record_ = put_agreement("urn:duinmeer", crowd_only("," + named(kAssessment, "urn:assessment:1")));
  EXPECT_EQ(outcome(), "value");
  declare("urn:assessment:1");
  EXPECT_EQ(outcome(), "value") << "a situation of that name is no assessment";
  declare("urn:assessment:1", kCrowd, declaration::Kind::assessment);
  EXPECT_EQ(outcome(), "permitted");
}

TEST_F(GateDeclarations, AnAssessmentCountsOnlyUnderTermsThatHaveItsSafeguards) {
  safeguards_ = {"in confidence", "sluis:deleteAfter"};
  record_ = put_agreement("urn:duinmeer", crowd_only("," + named(kAssessment, "urn:assessment:1")));
  declare("urn:assessment:1", kCrowd, declaration::Kind::assessment);
  EXPECT_EQ(outcome(), "declarations.unknown");
  EXPECT_NE(entries_of(EntryKind::decision).back().shared.decision().sentence().find("`sluis:deleteAfter`"), std::string::npos);
  record_ = put_agreement("urn:duinmeer", crowd_only("," + named(kAssessment, "urn:assessment:1")) + R"(,"obligation":[{"action":"deleteAfter","constraint":[)" +
                                              constraint("delayPeriod", "eq", "\"P7D\"") + "]}]");
  EXPECT_EQ(outcome(), "permitted");
}

TEST_F(GateDeclarations, WhatCannotBeKnownDeniesAndSaysWhy) {
  agree_on_situation();
  declare(kFull);
  fails_ = true;
  EXPECT_EQ(outcome(), "declarations.unknown");
  const auto reason = entries_of(EntryKind::decision).back().shared.decision();
  EXPECT_NE(reason.sentence().find("the store does not answer"), std::string::npos) << reason.sentence();
  agree_but_in_flood();
  EXPECT_EQ(outcome(), "declarations.unknown") << "a prohibition that cannot be ruled out";
  fails_ = false;
  ASSERT_TRUE(memory_.write({{std::string(declaration::kHeadKey), "damaged"}}, true));
  EXPECT_EQ(outcome(), "declarations.unknown");
  gate_ = std::make_unique<gate::Gate>(ParticipantId("urn:waterrijk"), dependencies());
  EXPECT_EQ(outcome(), "declarations.unknown") << "a node that keeps none";
}

TEST_F(GateDeclarations, APurposeThatTheTermsDoNotKnowLeavesItUnknown) {
  agree_on_situation();
  declare(kFull, "urn:purpose:of-a-later-version");
  EXPECT_EQ(outcome(), "declarations.unknown");
}

TEST_F(GateDeclarations, ASituationThatClosesAPartOfThePurposeDeniesTheWhole) {
  const std::string whole = "https://w3id.org/dpv#Purpose";
  record_ = put_agreement("urn:duinmeer", permit(constraint("purpose", "isA", "\"" + whole + "\"")) +
                                              R"(,"prohibition":[{"action":"use","constraint":[)" + named(kSituation, kFlood) + "]}]");
  EXPECT_EQ(outcome(whole), "permitted");
  Declaration one;
  one.id = kFlood;
  one.closes = {kMarketing};
  one.acts.push_back({What::declared, {identity::Role::operator_, "A. Bakker"}, clock_.now(), clock_.now() + hours(2), "flood"});
  commit(nullptr, std::move(one));
  EXPECT_EQ(outcome(whole), "declarations.unknown");
  EXPECT_EQ(outcome(kMarketing), "prohibited");
  EXPECT_EQ(outcome(), "permitted") << "beside the closed part";
}

TEST(AskedOnce, AsksOnceAboutAnAgreementAndNobodyWhenItsTimeIsOver) {
  int asked = 0;
  const auto source = [&](const negotiation::AgreementRecord&, Timestamp) -> Result<gate::KnownDeclarations> {
    ++asked;
    return gate::KnownDeclarations{};
  };
  negotiation::AgreementRecord first, second;
  first.id = AgreementId("urn:agreement:1");
  second.id = AgreementId("urn:agreement:2");
  const auto at_once = gate::asked_once(source, Duration(0));
  EXPECT_TRUE(at_once(first, {}));
  EXPECT_TRUE(at_once(first, {}));
  EXPECT_EQ(at_once(second, {}).error().code, ErrorCode::peer_unavailable);
  EXPECT_EQ(asked, 1);
  const auto in_time = gate::asked_once(source, std::chrono::hours(1));
  EXPECT_TRUE(in_time(first, {}));
  EXPECT_TRUE(in_time(second, {}));
  EXPECT_EQ(asked, 3);
}

TEST_F(GateDeclarations, NobodyIsAskedWhereItMakesNoDifference) {
  EXPECT_EQ(outcome(), "permitted");
  EXPECT_EQ(asked_, 0) << "terms that depend on none";
  agree_on_situation();
  ask(claim(kMarketing));
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.decision().code(), "purpose");
  EXPECT_EQ(asked_, 0) << "a purpose that no permission fits";
}

TEST_F(GateDeclarations, OneThatEndsBeforeThePermitIsRecordedIsLookedAtAnew) {
  agree_on_situation();
  declare(kFull);
  commits_.before_commit = [this] { end(kFull); };
  EXPECT_EQ(outcome(), "value");
  EXPECT_EQ(keys_under("rel/"), 0U);
}

TEST_F(GateDeclarations, OneThatClosesBeforeThePermitIsRecordedIsSeen) {
  agree_but_in_flood();
  commits_.before_commit = [this] { declare(kFlood); };
  EXPECT_EQ(outcome(), "prohibited") << "that there was none is a condition too";
}

class GateDeclarationStream : public GateDeclarations {
 protected:
  void SetUp() override {
    GateDeclarations::SetUp();
    datasets_.plan.pace = 16U << 10U;
    std::string text = "time,counter,total\n";
    while (text.size() < 400'000) text += "10:00,a,12\n";
    write_file("counts.csv", text);
  }
  /// A paced pull, and what happens once it is under way. The code of the cut.
  template <class Action>
  std::string cut_by(const Action& action) {
    auto response = ask(claim());
    EXPECT_TRUE(response.stream) << response.body;
    if (!response.stream) return {};
    Sink sink;
    std::thread worker([&] { response.stream(sink); });
    while (sink.size == 0) std::this_thread::yield();
    action();
    worker.join();
    EXPECT_TRUE(sink.is_cut);
    const auto cuts = entries_of(EntryKind::cut);
    return cuts.empty() ? "" : cuts.back().shared.decision().code();
  }
};

TEST_F(GateDeclarationStream, AStreamIsCutWhenTheSituationEndsByItself) {
  agree_on_situation();
  declare(kFull);
  EXPECT_EQ(cut_by([&] { clock_.advance(hours(2)); }), "value") << "nobody tells: the timer comes by itself";
}

TEST_F(GateDeclarationStream, AStreamIsCutWhenTheSituationIsEndedEarly) {
  agree_on_situation();
  declare(kFull);
  EXPECT_EQ(cut_by([&] {
              end(kFull);
              streams_.reevaluate_all();
            }),
            "value");
}

TEST_F(GateDeclarationStream, AStreamIsCutWhenAClosingSituationIsDeclared) {
  agree_but_in_flood();
  EXPECT_EQ(cut_by([&] {
              declare(kFlood);
              streams_.reevaluate_all();
            }),
            "prohibited");
}

TEST_F(GateDeclarationStream, WhatChangesJustAfterThePermitCutsBeforeTheFirstByte) {
  datasets_.plan.pace.reset();
  agree_but_in_flood();
  commits_.after_commit = [this] {  // the permit stands, and it is not known yet how to look at its stream again
    declare(kFlood);
    streams_.reevaluate_all();
  };
  auto response = ask(claim());
  ASSERT_TRUE(response.stream) << response.body;
  Sink sink;
  response.stream(sink);
  ASSERT_TRUE(sink.is_cut);
  EXPECT_EQ(sink.size, 0U);
  EXPECT_EQ(entries_of(EntryKind::cut).back().shared.decision().code(), "prohibited");
}

TEST_F(GateDeclarationStream, AStreamThatCannotBeLookedAtAnewIsCut) {
  agree_on_situation();
  declare(kFull);
  EXPECT_EQ(cut_by([&] {
              fails_ = true;
              streams_.reevaluate_all();
            }),
            "declarations.unknown");
}

}  // namespace
}  // namespace sluis::test
