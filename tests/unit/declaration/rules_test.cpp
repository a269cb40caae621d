#include "tests/unit/declaration/support.hpp"

namespace sluis::declaration::test {
namespace {

TEST(SituationRules, ADeclarationEndsByItself) {
  const Declaration one = declared();
  EXPECT_TRUE(one.in_force(kNow));
  EXPECT_FALSE(one.in_force(kNow - Duration(1)));
  EXPECT_TRUE(one.in_force(kNow + hours(6) - Duration(1)));
  EXPECT_FALSE(one.in_force(kNow + hours(6)));
  EXPECT_TRUE(one.over(kNow + hours(6)));
  EXPECT_FALSE(one.ended());
}

TEST(SituationRules, OnlyTheNamedRolesDeclareAndNoLongerThanItMayLast) {
  const auto by = [](Role role) { return code(declare(crowds(), {role, "C"}, "full", kNow + hours(1), kNow, nullptr)); };
  EXPECT_EQ(by(Role::steward), ErrorCode::permission_denied);
  EXPECT_EQ(by(Role::council_clerk), ErrorCode::permission_denied) << "renews only";
  EXPECT_EQ(by(Role::operator_), ErrorCode::internal);
  const auto until = [](Timestamp time) {
    const auto made = declare(crowds(), kOperator, "full", time, kNow, nullptr);
    return made ? std::string("declared") : made.error().place.pointer;
  };
  EXPECT_EQ(until(kNow), "/until");
  EXPECT_EQ(until(kNow + hours(48)), "declared");
  EXPECT_EQ(until(kNow + hours(48) + Duration(1)), "/until");
  EXPECT_EQ(declare(crowds(), kOperator, "", kNow + hours(1), kNow, nullptr).error().place.pointer, "/why");
  EXPECT_EQ(declare(crowds(), kOperator, "a\nb", kNow + hours(1), kNow, nullptr).error().place.pointer, "/why");
}

TEST(SituationRules, ItsOwnDeclarerCannotRenewIt) {
  const Timestamp later = kNow + hours(3);
  const auto renewed_by = [&](const By& first, const By& by) {
    Declaration one = declared(kNow, first);
    return code(renew(one, crowds(), by, "still full", later + hours(10), later));
  };
  EXPECT_EQ(renewed_by(kOperator, kOperator), ErrorCode::permission_denied) << "its role does not renew";
  EXPECT_EQ(renewed_by(kOfficer, kOfficer), ErrorCode::permission_denied);
  EXPECT_EQ(renewed_by(kOfficer, {Role::privacy_officer, "D. Smit"}), ErrorCode::permission_denied) << "another person, the same role";
  EXPECT_EQ(renewed_by(kOperator, {Role::privacy_officer, "A. Bakker"}), ErrorCode::permission_denied) << "another role, the same person";
  EXPECT_EQ(renewed_by(kOperator, kOfficer), ErrorCode::internal);
  EXPECT_EQ(renewed_by(kOfficer, {Role::council_clerk, "E. Jansen"}), ErrorCode::internal);
}

TEST(SituationRules, ARenewalIsJudgedByTheLastDeclarer) {
  Declaration one = declared();
  ASSERT_TRUE(renew(one, crowds(), kOfficer, "still full", kNow + hours(40), kNow + hours(3)));
  EXPECT_EQ(one.until(), kNow + hours(40));
  EXPECT_EQ(one.from(), kNow);
  EXPECT_EQ(code(renew(one, crowds(), kOfficer, "still", kNow + hours(60), kNow + hours(30))), ErrorCode::permission_denied);
  EXPECT_EQ(renew(one, crowds(), {Role::council_clerk, "E"}, "still", kNow + hours(40), kNow + hours(30)).error().place.pointer,
            "/until");
  EXPECT_EQ(renew(one, crowds(), {Role::council_clerk, "E"}, "still", kNow + hours(79), kNow + hours(30)).error().place.pointer,
            "/until");
  EXPECT_TRUE(renew(one, crowds(), {Role::council_clerk, "E"}, "still", kNow + hours(78), kNow + hours(30)));
  EXPECT_EQ(code(renew(one, crowds(), kOfficer, "still", kNow + hours(120), kNow + hours(78))), ErrorCode::invalid_state);
}

TEST(SituationRules, DeclaringAgainSoonIsARenewal) {
  const Declaration last = declared();
  const auto again = [&](const By& by, Timestamp now) { return code(declare(crowds(), by, "full", now + hours(1), now, &last)); };
  EXPECT_EQ(again(kOperator, kNow + hours(2)), ErrorCode::invalid_state) << "it is in force";
  EXPECT_EQ(again(kOperator, kNow + hours(6)), ErrorCode::permission_denied);
  EXPECT_EQ(again(kOperator, kNow + hours(6 + 48) - Duration(1)), ErrorCode::permission_denied);
  EXPECT_EQ(again(kOfficer, kNow + hours(6)), ErrorCode::internal);
  EXPECT_EQ(again(kOperator, kNow + hours(6 + 48)), ErrorCode::internal);
}

TEST(SituationRules, ItCanBeEndedOnceByWhoDeclaresOrRenews) {
  const auto ended_by = [](Role role) {
    Declaration one = declared();
    const auto definition = crowds();
    return code(end(one, &definition, {role, "F"}, "quiet again", kNow + hours(1)));
  };
  EXPECT_EQ(ended_by(Role::steward), ErrorCode::permission_denied);
  EXPECT_EQ(ended_by(Role::operator_), ErrorCode::internal);
  EXPECT_EQ(ended_by(Role::council_clerk), ErrorCode::internal);
  Declaration one = declared();
  EXPECT_EQ(code(end(one, nullptr, kOperator, "quiet again", kNow + hours(1))), ErrorCode::permission_denied) << "defined no more";
  ASSERT_TRUE(end(one, nullptr, kOfficer, "quiet again", kNow + hours(1)));
  EXPECT_FALSE(one.in_force(kNow + hours(1)));
  EXPECT_EQ(one.until(), kNow + hours(1));
  EXPECT_EQ(code(end(one, nullptr, kOperator, "again", kNow + hours(2))), ErrorCode::invalid_state);
  Declaration over = declared();
  EXPECT_EQ(code(end(over, nullptr, kOperator, "late", kNow + hours(6))), ErrorCode::invalid_state);
}

AssessmentDraft draft() {
  AssessmentDraft out;
  out.id = "urn:assessment:1";
  out.title = "Flows studied";
  out.purposes = {"https://w3id.org/dpv#ScientificResearch"};
  out.legal_basis = {"eu-gdpr:A6-1-e"};
  out.safeguards = {"per hour"};
  out.why = "compatible";
  out.until = kNow + hours(1000);
  return out;
}

TEST(AssessmentRules, ThePrivacyOfficerRecordsThemOneAtATime) {
  EXPECT_EQ(code(record(draft(), kOperator, kNow, nullptr)), ErrorCode::permission_denied);
  auto made = record(draft(), kOfficer, kNow, nullptr);
  ASSERT_TRUE(made);
  EXPECT_EQ(code(record(draft(), kOfficer, kNow + hours(1), &*made)), ErrorCode::invalid_state);
  EXPECT_EQ(code(end(*made, nullptr, kOperator, "doubted", kNow + hours(2))), ErrorCode::permission_denied);
  ASSERT_TRUE(end(*made, nullptr, kOfficer, "doubted", kNow + hours(2)));
  EXPECT_TRUE(record(draft(), kOfficer, kNow + hours(3), &*made));
  auto late = draft();
  late.until = kNow;
  EXPECT_EQ(record(late, kOfficer, kNow, nullptr).error().place.pointer, "/until");
}

TEST(AssessmentRules, ConsentIsNoBasisInWhicheverNotation) {
  for (const char* basis : {"dpv:Consent", "dpv:ExplicitlyExpressedConsent", "https://w3id.org/dpv#InformedConsent", "eu-gdpr:A6-1-a",
                            "dpv-gdpr:a6-1-A", "eu-gdpr:A6-1-a-explicit-consent", "https://w3id.org/dpv/legal/eu/gdpr#A9-2-a",
                            "eu-gdpr:A7", "eu-gdpr:A7-1", "eu-gdpr:A8", "consent", "", "eu-gdpr:A6-1-a/", "eu-gdpr:A6-1-a#",
                            "https://w3id.org/dpv/legal/eu/gdpr#A6-1-a?x", "eu-gdpr:A6-1-%61", "eu-gdpr:A6-1-a.", "dpv:UninformedConsent",
                            "x:ConsentGiven", "x:Toestemming", "eu-gdpr:A22-2-c", "eu-gdpr:A49-1-a"}) {
    EXPECT_FALSE(read_legal_basis(basis)) << basis;
  }
  for (const char* basis : {"eu-gdpr:A6-1-e", "dpv-gdpr:A6-1-f", "dpv:PublicInterest", "https://w3id.org/dpv/legal/eu/gdpr#A6-1-c"}) {
    EXPECT_TRUE(read_legal_basis(basis)) << basis;
  }
  EXPECT_EQ(*read_legal_basis("dpv-gdpr:A6-1-f"), "https://w3id.org/dpv/legal/eu/gdpr#A6-1-f");
}

TEST(AssessmentRules, WhatDpvDoesNotHaveIsNoBasis) {
  for (const char* basis : {"gdpr:Art-6-1-a", "gdpr:6-1-a", "urn:instemming", "foo:bar", "eu-gdpr:A6-1-zz", "eu-gdpr:A89",
                            "https://wetten.example/gemeentewet#160"}) {
    const auto read = read_legal_basis(basis);
    ASSERT_FALSE(read) << basis;
    EXPECT_NE(read.error().message.find("no legal basis"), std::string::npos) << describe(read.error());
    EXPECT_FALSE(read.error().mend.empty()) << basis;
  }
  EXPECT_NE(read_legal_basis("dpv:LegalBasis").error().message.find("so wide"), std::string::npos);
}

TEST(AssessmentRules, DataThatWereGatheredOnConsentAreForNoOtherPurpose) {
  const auto why = [](const std::vector<std::string>& bases, bool needed = true) {
    const auto good = check_gathered_under(bases, needed);
    return good ? std::string("good") : good.error().message;
  };
  EXPECT_EQ(why({"eu-gdpr:A6-1-e"}), "good");
  EXPECT_NE(why({"eu-gdpr:A6-1-e", "dpv-gdpr:A6-1-a"}).find("consent"), std::string::npos) << "one of several is enough";
  EXPECT_NE(why({"dpv:LegalBasis"}).find("may be, consent"), std::string::npos);
  EXPECT_NE(why({"AVG 6.1.a"}).find("no legal basis that DPV has"), std::string::npos) << "registers of an earlier time";
  EXPECT_NE(why({}).find("not known"), std::string::npos);
  EXPECT_EQ(why({}, false), "good");
  EXPECT_NE(why({"dpv:Consent"}, false), "good");
}

TEST(AssessmentRules, ASafeguardSaysWhatIsDone) {
  for (const char* text : {"", " ", "-", "...", "none", "None.", " NONE ", "geen", "n.v.t.", "N/A", "nvt"}) EXPECT_FALSE(check_safeguard(text)) << text;
  for (const char* text : {"per hour and counter", "none of the names is kept", "pseudonymised before use"}) {
    EXPECT_TRUE(check_safeguard(text)) << text;
  }
  for (const char* text : {"sluis:pseudonymise", "odrl:delete", "https://w3id.org/sluis/odrl/1#deleteAfter"}) EXPECT_TRUE(check_safeguard(text)) << text;
  EXPECT_NE(describe(check_safeguard("sluis:pseudonimise").error()).find("did you mean `pseudonymise`?"), std::string::npos);
  for (const char* text : {"sluis:use", "odrl:use", "odrl:inform"}) EXPECT_FALSE(check_safeguard(text)) << text << ": no data pass it";
}

TEST(AssessmentRules, WhatASafeguardNamesHasToBeInTheTerms) {
  Declaration said;
  said.safeguards = {"per hour and counter", "sluis:suppressSmallCells", "https://w3id.org/sluis/odrl/1#deleteAfter"};
  using policy::Action;
  const std::vector<Action> both{Action::delete_after, Action::suppress_small_cells};
  EXPECT_EQ(missing_safeguard(said, both), nullptr);
  ASSERT_NE(missing_safeguard(said, std::span(both).first(1)), nullptr);
  EXPECT_EQ(*missing_safeguard(said, std::span(both).first(1)), "sluis:suppressSmallCells");
  said.safeguards.resize(1);
  EXPECT_EQ(missing_safeguard(said, {}), nullptr) << "words are promised";
}

TEST(AssessmentRules, ResearchAndStatisticsNeedSafeguardsAndWhatIsAboveThemToo) {
  const auto words = vocabulary();
  const std::string dpv = "https://w3id.org/dpv#";
  for (const char* name : {"ResearchAndDevelopment", "ScientificResearch", "ProvideOfficialStatistics", "PublicBenefit", "Purpose"}) {
    EXPECT_TRUE(needs_safeguards(dpv + name, words)) << name;
  }
  EXPECT_FALSE(needs_safeguards(dpv + "Marketing", words));
  EXPECT_FALSE(needs_safeguards(kPurposes + "CrowdManagement", words));
  EXPECT_TRUE(is_safeguarded(dpv + "ScientificResearch", words));
  EXPECT_FALSE(is_safeguarded(dpv + "PublicBenefit", words)) << "it may be research, and is not";
}

TEST(Declarations, ConcernAPurposeOrOneBelowIt) {
  const auto words = vocabulary();
  const auto about = [&](const std::string& purpose) { return *concerns(declared(), words, *words.lookup(purpose)); };
  EXPECT_TRUE(about(kPurposes + "CrowdManagement"));
  EXPECT_TRUE(about(kPurposes + "Evacuation"));
  EXPECT_TRUE(about("https://w3id.org/dpv#Marketing")) << "what it closes as well";
  EXPECT_FALSE(about("https://w3id.org/dpv#ScientificResearch"));
  const auto whole = words.lookup("https://w3id.org/dpv#Purpose");
  EXPECT_FALSE(concerns(declared(), words, *whole)) << "a part of it is closed: neither yes nor no";
  Declaration opens = declared();
  opens.closes.clear();
  EXPECT_FALSE(*concerns(opens, words, *whole)) << "what it opens opens nothing broader";
  Declaration strange = declared();
  strange.closes.push_back("urn:not-here");
  EXPECT_FALSE(concerns(strange, words, *words.lookup(kPurposes + "CrowdManagement"))) << "nobody can tell";
}

TEST(Declarations, AreReadAsTheyWereWrittenAndNothingElse) {
  Declaration one = declared();
  one.number = 7;
  ASSERT_TRUE(renew(one, crowds(), kOfficer, "still full", kNow + hours(9), kNow + hours(3)));
  const std::string whole = encode(one, true);
  const auto read = decode(whole);
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(encode(*read, true), whole);
  EXPECT_EQ(read->acts.back().by.person, kOfficer.person);
  const std::string shown = encode(one, false);
  EXPECT_EQ(shown.find("Bakker"), std::string::npos);
  EXPECT_EQ(digest(*decode(shown)), digest(one)) << "what others read has the digest of the log's entry";
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = shown;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return decode(text.replace(at, from.size(), to));
  };
  EXPECT_FALSE(with("\"number\":7", "\"number\":7,\"more\":1"));
  EXPECT_FALSE(with("\"number\":7", "\"number\":-7"));
  EXPECT_FALSE(with("\"what\":\"declared\"", "\"what\":\"renewed\"")) << "a situation begins by being declared";
  EXPECT_FALSE(with("\"what\":\"renewed\"", "\"what\":\"declared\""));
  EXPECT_FALSE(with("\"until\":\"2026-11-26T21:00:00Z\"", "\"until\":\"2026-11-26T22:00:00Z\"")) << "the times are those of the acts";
  EXPECT_FALSE(with("\"kind\":\"situation\"", "\"kind\":\"assessment\""));
  EXPECT_FALSE(decode("{}"));
  EXPECT_EQ(code(decode(std::string(9000, ' '))), ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace sluis::declaration::test
