#include "policy/purpose/legal_bases.hpp"
#include "policy/odrl/values_known.hpp"
#include "tests/unit/policy/support.hpp"

namespace sluis::policy::test {
namespace {

BasisIndex basis(std::string_view name) {
  const auto found = find_legal_basis(name);
  EXPECT_TRUE(found) << name;
  return found ? *found : BasisIndex{0};
}

TEST(LegalBases, AreThoseOfTheFileAndNamedInEachSpelling) {
  EXPECT_EQ(pinned_legal_bases(), read_source("policy/purpose/dpv-legal-bases.tsv"));
  EXPECT_EQ(legal_bases().size(), 66U);
  EXPECT_EQ(basis("eu-gdpr:A6-1-e"), basis("https://w3id.org/dpv/legal/eu/gdpr#A6-1-e"));
  EXPECT_EQ(basis("dpv-gdpr:A6-1-e"), basis("eu-gdpr:A6-1-e")) << "as DPV wrote it before 2.0";
  EXPECT_TRUE(legal_bases().is_a(basis("eu-gdpr:A6-1-e-public-interest"), basis("dpv:PublicInterest")));
  EXPECT_FALSE(legal_bases().is_a(basis("dpv:PublicInterest"), basis("eu-gdpr:A6-1-e")));
}

TEST(LegalBases, WhatDpvDoesNotHaveIsRefusedWithTheNearest) {
  const auto mend = [](std::string_view name) {
    const auto found = find_legal_basis(name);
    return found ? std::string("found") : found.error().mend;
  };
  EXPECT_EQ(mend("gdpr:6-1-a"), "did you mean `eu-gdpr:A6-1-a`?");
  EXPECT_EQ(mend("dpv:LegalObligatoin"), "did you mean `dpv:LegalObligation`?");
  for (const char* name : {"gdpr:Art-6-1-a", "urn:instemming", "foo:bar", "eu-gdpr:A6-1-zz", "", "consent", "eu-gdpr:A6-1-\xd0\xb5", "eu-gdpr:A6-1-e "}) {
    EXPECT_NE(mend(name), "found") << name;
    EXPECT_FALSE(mend(name).empty()) << name;
  }
}

TEST(LegalBases, ConsentIsWhatLiesBelowItAndWhatIsSoWideThatItMayBe) {
  for (const char* name : {"dpv:Consent", "dpv:UninformedConsent", "dpv:ExplicitlyExpressedConsent", "eu-gdpr:Consent", "eu-gdpr:A6-1-a",
                           "eu-gdpr:A6-1-a-non-explicit-consent", "eu-gdpr:A9-2-a", "eu-gdpr:A49-1-a"}) {
    EXPECT_TRUE(is_consent(basis(name)) && may_be_consent(basis(name))) << name;
  }
  for (const char* name : {"dpv:LegalBasis", "dpv:DataTransferLegalBasis"}) {
    EXPECT_TRUE(!is_consent(basis(name)) && may_be_consent(basis(name))) << name;
  }
  for (const char* name : {"eu-gdpr:A6-1-b", "eu-gdpr:A6-1-e", "eu-gdpr:A9-2-j", "dpv:LegitimateInterest"}) {
    EXPECT_FALSE(may_be_consent(basis(name))) << name;
  }
}

/// `pointer: message; mend` of what is refused, or `good`.
std::string checked(const std::string& rules) {
  const auto read = parse(offer(rules), {.in_catalogue = true, .pointer = ""});
  EXPECT_TRUE(read) << describe(read.error());
  const auto good = read ? check_values(*read) : Result<void>();
  return good ? "good" : good.error().place.pointer + ": " + good.error().message + "; " + good.error().mend;
}
bool says(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

TEST(CheckValues, LookAlikesAreRefusedAtTheirPlace) {
  const auto cyrillic = checked(permission(constraint("sluis:classOfRecipient", "eq", "\"mun\xd1\x96" "cipality\"")));
  EXPECT_TRUE(says(cyrillic, "/permission/0/constraint/0/rightOperand: ") && says(cyrillic, "outside ASCII")) << cyrillic;
  EXPECT_EQ(checked(permission(constraint("sluis:classOfRecipient", "eq", "\"municipality\""))), "good");
  EXPECT_TRUE(says(checked(permission(constraint("sluis:classOfRecipient", "isAnyOf", "[\"company\",\"Company\"]"))), "lower case"));
  EXPECT_TRUE(says(checked(permission(constraint("recipient", "eq", "\"d\xd0\xb0ta\""))), "outside ASCII"));
  EXPECT_TRUE(says(checked(permission(constraint("recipient", "eq", "\"no iri at all \xe2\x80\x8b\""))), "not a name"));
  EXPECT_TRUE(says(checked(prohibition(constraint("recipient", "eq", "\"no iri\""))), "/prohibition/0/constraint/0/rightOperand"));
  EXPECT_EQ(checked(permission(constraint("recipient", "eq", "\"did:web:duinmeer.example\""))), "good");
  EXPECT_TRUE(says(checked(permission(constraint("spatial", "eq", "\"\xd0\xb0\""))), "outside ASCII"));
  EXPECT_TRUE(says(checked("\"permission\":[{\"action\":\"use\",\"assignee\":\"urn:d\xd0\xb0ta\"}]"), "/permission/0/assignee"));
  EXPECT_TRUE(says(checked(permission("{\"or\":[" + constraint("recipient", "eq", "\"u:a\"") + "," + constraint("recipient", "eq", "\"\xc3\xa9\"") + "]}")),
                   "/permission/0/constraint/0/or/1/rightOperand"));
}

TEST(CheckValues, NobodyIsExcludedByWhatHeSaysOfHimself) {
  const std::string consent = "\"dpv:Consent\"";
  const std::string taken = constraint("sluis:legalBasis", "isAnyOf", "[\"eu-gdpr:A6-1-e\"]");
  for (const std::string& rules : {permission(constraint("sluis:legalBasis", "neq", consent)), permission(constraint("sluis:legalBasis", "isNoneOf", consent)),
                                   permission("{\"xone\":[" + taken + "," + constraint("sluis:legalBasis", "eq", "\"eu-gdpr:A6-1-c\"") + "]}"),
                                   permission(taken) + R"(,"prohibition":[{"action":"use","constraint":[)" + constraint("sluis:legalBasis", "eq", consent) + "]}]"}) {
    EXPECT_TRUE(says(checked(rules), "the other party's own word")) << rules;
  }
  EXPECT_TRUE(says(checked(permission(constraint("sluis:impactAssessment", "neq", "\"on-record\""))), "the other party's own word"));
  EXPECT_EQ(checked(permission("{\"or\":[" + taken + "," + constraint("sluis:legalBasis", "eq", "\"eu-gdpr:A6-1-c\"") + "]}")), "good");
}

TEST(CheckValues, LegalBasesEvidenceAndUnitsAreOfTheProfile) {
  EXPECT_EQ(checked(permission(constraint("sluis:legalBasis", "isAnyOf", "[\"eu-gdpr:A6-1-e\",\"dpv:LegalObligation\"]"))), "good");
  EXPECT_TRUE(says(checked(permission(constraint("sluis:legalBasis", "eq", "\"eu-gdpr:A6-1-g\""))), "did you mean `eu-gdpr:A6-1-"));
  EXPECT_TRUE(says(checked(permission(constraint("sluis:evidence", "eq", "\"two-side\""))), "did you mean `two-sided`?"));
  EXPECT_EQ(checked(permission(constraint("sluis:impactAssessment", "eq", "\"on-record\""))), "good");
  EXPECT_TRUE(says(checked(permission(constraint("sluis:impactAssessment", "eq", "\"done\""))), "write `on-record`"));
  const auto paid = [](const std::string& unit) {
    return checked(permission(R"({"leftOperand":"payAmount","operator":"lteq","rightOperand":"5","unit":")" + unit + "\"}"));
  };
  EXPECT_EQ(paid("EUR"), "good");
  EXPECT_TRUE(says(paid("bananas"), "/permission/0/constraint/0/unit: `bananas` is not a unit of `payAmount`; known are `EUR`")) << paid("bananas");
  EXPECT_TRUE(says(paid("percent"), "not a unit"));
}

TEST(CheckValues, LanguagesAreWellFormedTags) {
  for (const char* tag : {"nl", "NL", "nl-NL", "zh-Hant-TW", "sl-rozaj-biske", "de-CH-1901", "es-419", "en-a-myext-b-another", "x-own", "de-x-own",
                          "zh-yue-HK", "fy"}) {
    EXPECT_TRUE(is_language_tag(tag)) << tag;
  }
  for (const char* tag : {"not a tag!!", "", "n", "nl-", "-nl", "nl--NL", "nl-NLD1", "en-a", "de-x", "x", "dutch-NL-NL", "nl_NL", "n\xd1\x96"}) {
    EXPECT_FALSE(is_language_tag(tag)) << tag;
  }
  EXPECT_TRUE(says(checked(permission(constraint("language", "eq", "\"not a tag!!\""))), "BCP 47"));
}

}  // namespace
}  // namespace sluis::policy::test
