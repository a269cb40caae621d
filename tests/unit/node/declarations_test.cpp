#include "connector/node/declarations.hpp"

#include "catalog/catalog.hpp"
#include "connector/base/limits.hpp"
#include "connector/management/activities.hpp"
#include "connector/storage/hold.hpp"
#include "tests/unit/node/peer_log.hpp"

namespace sluis::test {
namespace {

using declaration::Declaration;
using declaration::What;
using std::chrono::hours;

const std::string kDuinmeer = "did:web:duinmeer.example";
const std::string kWaterrijk = "did:web:waterrijk.example";
const std::string kFull = "https://waterrijk.example/situations/crowds";
const std::string kSecret = "https://waterrijk.example/situations/something-else";

/// Waterrijk's node: it asks Duinmeer, and is asked.
class DeclarationsTest : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    federation_.list.parties[0].log_origins = {{theirs_.name, theirs_.vkey(), {federation_.list.issued, {}}}};
    ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now(), true));
  }
  negotiation::AgreementRecord agreement(negotiation::Role role) {
    auto record =
        put_agreement(kDuinmeer, crowd_only("," + constraint("https://w3id.org/sluis/odrl/1#situation", "isAnyOf", "\"" + kFull + "\"")));
    record.role = role;
    store_agreement(record);
    return record;
  }
  Declaration situation(const std::string& id = kFull) const {
    Declaration one;
    one.id = id;
    one.number = 1;
    one.title = "Crowds";
    one.where = "Around the Market";
    one.opens = {kCrowd};
    one.acts.push_back({What::declared, {identity::Role::operator_, "A. Bakker"}, clock_.now(), clock_.now() + hours(2), "full"});
    return one;
  }
  static v1::Shared shared_of(const Declaration& one, const std::string& self) {
    v1::Shared shared;
    shared.set_self(self);
    shared.set_event(std::string(declaration::to_string(one.acts.back().what)));
    shared.set_document(declaration::encode(one, false));
    return shared;
  }
  /// What Duinmeer's log proves.
  std::string proof(const Declaration& one) {
    return theirs_.append(EntryKind::declaration, declaration::digest(one), shared_of(one, kDuinmeer), clock_.now()).to_json();
  }
  void answer(const std::vector<std::string>& receipts) {
    std::string list;
    for (const auto& one : receipts) list += (list.empty() ? "" : ",") + one;
    transport_.answer = {200, {}, R"({"declarations":[)" + list + "]}"};
  }
  /// Empty: known; else why not.
  std::string asked() {
    const auto known = declarations_.of_provider(agreement(negotiation::Role::consumer), clock_.now());
    taken_ = known ? known->declarations : std::vector<gate::ProvenDeclaration>();
    return known ? "" : known.error().message;
  }
  void declare_here(Declaration one, const declaration::Stored* before = nullptr) {
    Commit commit;
    const auto open = declaration::read_open(store_);
    ASSERT_TRUE(declaration::put(commit, *open, before, one, clock_.now()));
    const v1::Shared shared = shared_of(one, kWaterrijk);
    commit.entries.push_back(gate::make_entry(EntryKind::declaration, declaration::digest(one), shared, {}));
    ASSERT_TRUE(sequencer_.commit_and_wait(std::move(commit)));
  }
  http::Response get(const std::string& id, const std::string& by) {
    caller_ = by;
    http::Request request;
    request.method = "GET";
    request.rest = to_hex(id);
    return declarations_.routes().front().handler(request);
  }

  http::Response published(const std::string& query = "") const {
    http::Request request;
    request.query = query;
    return declarations_.published(request);
  }

  identity::test::Federation federation_;
  PeerLog theirs_{folder_, random_, "duinmeer.example/log"};
  PeerLog strange_{folder_, random_, "stroomplein.example/log"};
  identity::Directory directory_{identity::Trust{{federation_.keeper}, 1}};
  provenance::LogReader log_{store_, keys_};
  node::Writer writer_{ParticipantId(kWaterrijk), clock_};
  OneAnswer transport_;
  std::string caller_ = kDuinmeer;
  catalog::Dataset dataset_ = [] {
    catalog::Dataset one;
    one.processed_under = "urn:a:counts";
    return one;
  }();
  std::vector<gate::ProvenDeclaration> taken_;
  std::function<Result<ParticipantId>(const http::Request&)> authenticate_ = [this](const http::Request&) -> Result<ParticipantId> {
    if (caller_.empty()) return Error(ErrorCode::unauthenticated, "nobody");
    return ParticipantId(caller_);
  };
  node::EvidenceChannel channel_{
      ParticipantId(kWaterrijk),
      node::EvidenceDependencies{
          commits_, store_, keys_, log_, sequencer_, directory_, clock_, random_, writer_, transport_, authenticate_,
          [](const AgreementId&, const ParticipantId&, const outbox::Reason&, const Commit&) -> Result<void> { return {}; }}};
  node::Declarations declarations_{node::DeclarationDependencies{store_, channel_, directory_, clock_, transport_, programs_,
                                                                 [this] { return vocabulary_; }, authenticate_,
                                                                 [this](const DatasetId&) -> Result<catalog::Dataset> { return dataset_; }}};
};

TEST_F(DeclarationsTest, WhatAPeerProvesIsUsedAsItsLogHasIt) {
  answer({});
  EXPECT_EQ(asked(), "");
  EXPECT_TRUE(taken_.empty()) << "a known empty set";
  const Declaration one = situation();
  (void)proof(situation(kSecret));
  answer({proof(one)});
  EXPECT_EQ(asked(), "");
  ASSERT_EQ(taken_.size(), 1U);
  EXPECT_EQ(taken_[0].entry, 1U) << "its place in their log";
  EXPECT_EQ(declaration::digest(taken_[0].declaration), declaration::digest(one));
  EXPECT_EQ(transport_.asked.url, "https://duinmeer.example:8443/base/evidence/v1/declarations/" + to_hex("urn:agreement:1"));
  EXPECT_EQ(transport_.asked.timeout, limits::kDeclarationTimeout);
}

TEST_F(DeclarationsTest, WhatIsNotProvenIsNotKnown) {
  const Declaration one = situation();
  const auto refused = [&](const std::string& receipt, const std::string& why) {
    answer({receipt});
    EXPECT_NE(asked().find(why), std::string::npos) << asked();
  };
  refused(strange_.append(EntryKind::declaration, declaration::digest(one), shared_of(one, kDuinmeer), clock_.now()).to_json(),
          "is no log of");
  refused(theirs_.append(EntryKind::published, declaration::digest(one), shared_of(one, kDuinmeer), clock_.now()).to_json(),
          "not of a declaration");
  refused(theirs_.append(EntryKind::declaration, declaration::digest(one), shared_of(one, kWaterrijk), clock_.now()).to_json(),
          "not of a declaration");
  refused(theirs_.append(EntryKind::declaration, crypto::sha256("another"), shared_of(one, kDuinmeer), clock_.now()).to_json(),
          "not of a declaration");
  v1::Shared other_event = shared_of(one, kDuinmeer);
  other_event.set_event("renewed");
  refused(theirs_.append(EntryKind::declaration, declaration::digest(one), other_event, clock_.now()).to_json(), "not of a declaration");
  provenance::Receipt forged = theirs_.append(EntryKind::declaration, declaration::digest(one), shared_of(one, kDuinmeer), clock_.now());
  Declaration longer = one;
  longer.acts.back().until += hours(9);
  forged.shared = shared_of(longer, kDuinmeer).SerializeAsString();
  forged.leaf.policy_digest = declaration::digest(longer);
  answer({forged.to_json()});
  EXPECT_NE(asked(), "");
  Declaration ended = one;
  ended.acts.push_back({What::ended, one.acts[0].by, clock_.now(), clock_.now(), "quiet"});
  refused(proof(ended), "in force");
  Declaration over = one;
  over.acts[0].when -= hours(3);
  over.acts[0].until = clock_.now();
  refused(proof(over), "in force");
  Declaration ahead = one;
  ahead.acts[0].when += limits::kSkew + Duration(1);
  refused(proof(ahead), "in force");
  Declaration skewed = one;
  skewed.acts[0].when += limits::kSkew;
  answer({proof(skewed)});
  EXPECT_EQ(asked(), "");
  answer({proof(one), proof(one)});
  EXPECT_NE(asked().find("says twice"), std::string::npos) << asked();
  answer({proof(one), "{}"});
  EXPECT_NE(asked(), "") << "one bad proof spoils all: it may be the one that closes";
}

TEST_F(DeclarationsTest, APeerThatDoesNotAnswerAsItShouldIsNotKnown) {
  transport_.answer = {503, {}, ""};
  EXPECT_NE(asked().find("status 503"), std::string::npos);
  transport_.answer = {404, {}, "no such route: not a node of this kind"};
  EXPECT_NE(asked().find("status 404"), std::string::npos);
  transport_.answer = {200, {}, "<html>"};
  EXPECT_NE(asked(), "");
  transport_.answer = {200, {}, "{}"};
  EXPECT_NE(asked(), "");
  transport_.answer = {200, {}, std::string(limits::kDeclarationProofBytes + 1, ' ')};
  EXPECT_NE(asked().find("too much"), std::string::npos);
  answer(std::vector<std::string>(limits::kOpenDeclarations + 1, "{}"));
  EXPECT_NE(asked().find("too many"), std::string::npos);
  federation_.list.version++;
  federation_.list.parties[0].evidence = false;
  ASSERT_TRUE(directory_.load(federation_.envelope(), clock_.now(), true));
  transport_.asked = {};
  EXPECT_NE(asked().find("does not prove"), std::string::npos);
  EXPECT_TRUE(transport_.asked.url.empty()) << "not asked at all";
}

TEST_F(DeclarationsTest, TheOtherPartyOfAnAgreementGetsWhatItsTermsNameAndNobodyElseDoes) {
  const auto record = agreement(negotiation::Role::provider);
  declare_here(situation(kSecret));
  declare_here(situation());
  const auto response = get(record.id.str(), kDuinmeer);
  ASSERT_EQ(response.status, 200U) << response.body;
  EXPECT_EQ(response.body.find("Bakker"), std::string::npos);
  const json::Value body = *json::parse(response.body);
  const json::Array& receipts = *body.find("declarations")->if_array();
  ASSERT_EQ(receipts.size(), 1U) << "not the one that its terms do not name";
  const auto receipt = provenance::Receipt::from_json(json::serialise(receipts[0]));
  ASSERT_TRUE(receipt) << describe(receipt.error());
  EXPECT_TRUE(provenance::verify_receipt(*receipt, *provenance::VerifierKey::parse(sequencer_.verifier_key())));
  v1::Shared shared;
  ASSERT_TRUE(shared.ParseFromString(receipt->shared));
  EXPECT_EQ(declaration::decode(shared.document())->id, kFull);

  EXPECT_EQ(get(record.id.str(), "did:web:stroomplein.example").status, 404U);
  EXPECT_EQ(get(record.id.str(), "").status, 404U);
  EXPECT_EQ(get("urn:agreement:2", kDuinmeer).status, 404U);
  EXPECT_EQ(get(agreement(negotiation::Role::consumer).id.str(), kDuinmeer).status, 404U) << "this node is not its provider";
  auto over = agreement(negotiation::Role::provider);
  over.ended = negotiation::AgreementEnd{ParticipantId(kWaterrijk), clock_.now(), {"ended", {"enough"}}};
  store_agreement(over);
  EXPECT_EQ(get(record.id.str(), kDuinmeer).status, 404U);
}

TEST_F(DeclarationsTest, ItsOwnHaveTheEntryOfTheirNewestActAndEndByThemselves) {
  const auto record = agreement(negotiation::Role::provider);
  declare_here(situation());
  const auto first = declarations_.own(record, clock_.now());
  ASSERT_TRUE(first);
  const auto before = declaration::read_newest(store_, declaration::Kind::situation, kFull);
  Declaration renewed = (*before)->declaration;
  renewed.acts.push_back({What::renewed, {identity::Role::privacy_officer, "B"}, clock_.now(), clock_.now() + hours(4), "still"});
  declare_here(renewed, &**before);
  const auto known = declarations_.of_provider(record, clock_.now());
  ASSERT_EQ(known->declarations.size(), 1U);
  EXPECT_GT(known->declarations[0].entry, first->declarations[0].entry);
  EXPECT_NE(known->as_read[0].expected, first->as_read[0].expected);
  clock_.advance(hours(4));
  EXPECT_TRUE(declarations_.own(record, clock_.now())->declarations.empty());
}

TEST_F(DeclarationsTest, AnAssessmentCountsOnlyWhileTheDataWereGatheredOnAnotherBasisThanConsent) {
  auto record = put_agreement(kDuinmeer, crowd_only("," + constraint("https://w3id.org/sluis/odrl/1#assessment", "isAnyOf", "\"urn:assessment:1\"")));
  record.role = negotiation::Role::provider;
  store_agreement(record);
  Declaration assessed = situation("urn:assessment:1");
  assessed.kind = declaration::Kind::assessment;
  assessed.acts[0].what = What::recorded;
  declare_here(assessed);
  const auto gathered_on = [&](const std::string& basis, std::optional<Timestamp> until = std::nullopt) {
    management::ActivityVersion one;
    one.until = until;
    one.id = dataset_.processed_under;
    one.purpose = kCrowd;
    one.from = clock_.now() - hours(1);
    one.legal_basis = {basis};
    Commit commit;
    commit.changes.push_back({management::activity_key(one.id), management::encode(std::vector{one})});
    ASSERT_TRUE(sequencer_.commit_and_wait(std::move(commit)));
  };
  EXPECT_FALSE(declarations_.own(record, clock_.now())) << "the data's activity is not in the register";
  gathered_on("eu-gdpr:A6-1-e");
  const auto known = declarations_.own(record, clock_.now());
  ASSERT_TRUE(known) << describe(known.error());
  EXPECT_EQ(known->declarations.size(), 1U);
  EXPECT_EQ(known->as_read.back().key, management::activity_key(dataset_.processed_under)) << "a permit needs that still to be so";
  EXPECT_EQ(known->until, Timestamp::max());
  const Timestamp end = clock_.now() + hours(1);
  gathered_on("eu-gdpr:A6-1-e", end);
  EXPECT_EQ(declarations_.own(record, clock_.now())->until, end) << "what streams is looked at anew then";
  gathered_on("eu-gdpr:A6-1-a");
  const auto consent = declarations_.own(record, clock_.now());
  ASSERT_FALSE(consent) << "not known, with every operator";
  const std::string told = describe(consent.error());
  EXPECT_EQ(told.find("consent"), std::string::npos) << "the other party reads this: the register is not for it: " << told;
  EXPECT_EQ(told.find(dataset_.processed_under), std::string::npos) << told;
  EXPECT_EQ(get(record.id.str(), kDuinmeer).status, 503U) << "and nothing is proven to the other party";
  record.agreement_hash = crypto::sha256("another");
  record.agreement = *json::parse(R"({"@id":"urn:agreement:1","@type":"Agreement","target":"urn:waterrijk:counts","assigner":"urn:waterrijk",)"
                                  R"("assignee":"urn:duinmeer","timestamp":"2026-11-26T08:00:00Z",)" + crowd_only() + "}");
  EXPECT_TRUE(declarations_.own(record, clock_.now())) << "terms that name none are not concerned";
}

TEST_F(DeclarationsTest, OneThatARecoveryHoldsStopsOnlyWhoseTermsNameItAndIsNotNamedToThem) {
  const auto record = agreement(negotiation::Role::provider);
  declare_here(situation(kSecret));
  declare_here(situation());
  const auto hold = [&](const std::string& id) {
    const auto one = declaration::read_newest(store_, declaration::Kind::situation, id);
    ASSERT_TRUE(one && *one);
    Commit commit;
    commit.changes.push_back(storage::hold((*one)->key, clock_.now()));
    ASSERT_TRUE(sequencer_.commit_and_wait(std::move(commit)));
  };
  hold(kSecret);
  const auto known = declarations_.own(record, clock_.now());
  ASSERT_TRUE(known) << describe(known.error());
  EXPECT_EQ(known->declarations.size(), 1U);
  EXPECT_EQ(get(record.id.str(), kDuinmeer).status, 200U);
  hold(kFull);
  const auto held = declarations_.own(record, clock_.now());
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, ErrorCode::invalid_state);
  EXPECT_EQ(describe(held.error()).find("waterrijk.example"), std::string::npos) << describe(held.error());
  EXPECT_EQ(get(record.id.str(), kDuinmeer).status, 503U);
}

TEST_F(DeclarationsTest, AnAssessmentOfBeforeBasesWereCheckedCountsOnlyOnOneThatCanBear) {
  auto record = put_agreement(kDuinmeer, crowd_only("," + constraint("https://w3id.org/sluis/odrl/1#assessment", "isAnyOf", "\"urn:assessment:1\"")));
  record.role = negotiation::Role::provider;
  store_agreement(record);
  dataset_.processed_under.clear();
  dataset_.assessment.personal = false;
  Declaration assessed = situation("urn:assessment:1");
  assessed.kind = declaration::Kind::assessment;
  assessed.acts[0].what = What::recorded;
  assessed.legal_basis = {"eu-gdpr:A6-1-e"};
  declare_here(assessed);
  const auto counted = [&] {
    const auto known = declarations_.own(record, clock_.now());
    return known ? known->declarations.size() : 99U;
  };
  EXPECT_EQ(counted(), 1U);
  const auto before = declaration::read_newest(store_, declaration::Kind::assessment, "urn:assessment:1");
  Declaration free = (*before)->declaration;
  free.legal_basis.emplace_back("the visitors said yes");
  declare_here(free, &**before);
  EXPECT_EQ(counted(), 0U);
}

TEST_F(DeclarationsTest, SituationsBecomePublicAfterwards) {
  declare_here(situation());
  EXPECT_EQ(published().body.find(kFull), std::string::npos) << "during it, nothing";
  Declaration assessed = situation("urn:assessment:1");
  assessed.kind = declaration::Kind::assessment;
  assessed.acts[0].what = What::recorded;
  declare_here(assessed);
  EXPECT_NE(published().body.find("urn:assessment:1"), std::string::npos) << "an assessment is no secret";
  clock_.advance(hours(2));
  const json::Value body = *json::parse(published().body);
  const json::Array& all = *body.find("situations")->if_array();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(*all[0].find("id")->if_string(), kFull);
  EXPECT_EQ(*all[0].find("state")->if_string(), "over");
  EXPECT_EQ(*all[0].find("where")->if_string(), "Around the Market");
  const auto text = json::serialise(body);
  EXPECT_NE(text.find("operator"), std::string::npos) << "by which role";
  EXPECT_EQ(text.find("Bakker"), std::string::npos) << "and no person";
  const std::string first = declaration::record_key(declaration::Kind::assessment, "urn:assessment:1", 2);
  const auto rest = published("after=" + catalog::page_token(first)).body;
  EXPECT_EQ(rest.find("urn:assessment:1"), std::string::npos);
  EXPECT_NE(rest.find(kFull), std::string::npos);
  EXPECT_EQ(published("after=%").status, 400U);
  EXPECT_EQ(published("x=1").status, 400U);
  ASSERT_TRUE(memory_.write({{declaration::record_key(declaration::Kind::situation, kFull, 1), "{"}}, true));
  EXPECT_EQ(published().status, 503U);
}

}  // namespace
}  // namespace sluis::test
