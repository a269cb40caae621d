#include "connector/base/limits.hpp"
#include "tests/unit/declaration/support.hpp"

namespace sluis::declaration::test {
namespace {

constexpr const char* kFile = R"([[situation]]
id = "https://waterrijk.example/situations/crowds"
title = "Crowds in the centre"
where = "Around the Market"
declared_by = ["operator"]
renewed_by = ["privacy_officer"]
opens = ["https://waterrijk.example/purpose#CrowdManagement"]
closes = ["dpv:Marketing"]
longest = "P2D"
)";

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// `line:column: message; mend` of the refusal.
std::string refused(const std::string& text) {
  const auto read = Definitions::parse(text, "situations.toml", vocabulary());
  return read ? "read" : describe(read.error());
}

TEST(SituationFile, IsReadWhole) {
  const auto read = Definitions::parse(kFile, "situations.toml", vocabulary());
  ASSERT_TRUE(read) << describe(read.error());
  const auto found = read->find(kCrowds);
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)->longest, hours(48));
  EXPECT_EQ((*found)->closes, std::vector<std::string>{"https://w3id.org/dpv#Marketing"});
  EXPECT_TRUE((*found)->declared_by.contains(Role::operator_));
  const auto other = read->find("https://waterrijk.example/situations/crowd");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().mend.find(kCrowds), std::string::npos) << "the nearest known";
  EXPECT_TRUE(Definitions::parse("", "situations.toml", vocabulary()));
}

TEST(SituationFile, WhatIsWrongIsRefusedAtItsPlace) {
  EXPECT_NE(refused(with(kFile, "closes", "close")).find("situations.toml:8:"), std::string::npos)
      << refused(with(kFile, "closes", "close"));
  EXPECT_NE(refused(with(kFile, "\"operator\"", "\"operators\"")).find("did you mean `operator`?"), std::string::npos);
  EXPECT_NE(refused(with(kFile, "\"operator\"", "\"dpo\"")).find("situations.toml:5:"), std::string::npos)
      << "who supervises declares nothing";
  EXPECT_NE(refused(with(kFile, "dpv:Marketing", "dpv:Marketin")).find("situations.toml:8:"), std::string::npos);
  EXPECT_NE(refused(with(kFile, "P2D", "PT0S")).find("situations.toml:9:"), std::string::npos);
  EXPECT_NE(refused(with(kFile, "P2D", "2 days")).find("situations.toml:9:"), std::string::npos);
  EXPECT_NE(refused(with(kFile, "https://waterrijk.example/situations/crowds", "crowds")).find("situations.toml:2:"), std::string::npos);
  EXPECT_NE(refused(std::string(kFile) + kFile).find("defined twice"), std::string::npos);
  EXPECT_NE(refused(with(kFile, "[\"operator\"]", "[]")).find("names no role"), std::string::npos);
  EXPECT_NE(refused(std::string(kFile) + "\n[[situations]]\nid = \"urn:x\"\n").find("did you mean `situation`?"), std::string::npos);
  const auto empty = with(with(kFile, "[\"https://waterrijk.example/purpose#CrowdManagement\"]", "[]"), "[\"dpv:Marketing\"]", "[]");
  EXPECT_NE(refused(empty).find("neither opens nor closes"), std::string::npos);
}

TEST(SituationFile, HasNoMoreThanTheLimit) {
  const auto of = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += with(kFile, "situations/crowds", "situations/" + std::to_string(i));
    return refused(text);
  };
  EXPECT_EQ(of(limits::kSituationDefinitions), "read");
  EXPECT_NE(of(limits::kSituationDefinitions + 1).find("too many situations"), std::string::npos);
}

constexpr const char* kAssessment = R"(id = "urn:assessment:1"
title = "Flows studied"
purposes = ["dpv:ScientificResearch"]
legal_basis = ["eu-gdpr:A6-1-e"]
safeguards = ["per hour and counter", "sluis:suppressSmallCells"]
why = "compatible: the same context"
until = "2027-06-01"
)";

std::string draft_refused(const std::string& text) {
  const auto read = parse_assessment(text, "a.toml", vocabulary());
  return read ? "read" : describe(read.error());
}

TEST(AssessmentFile, ConsentAndWantOfSafeguardsAreRefusedAtTheirPlace) {
  EXPECT_EQ(draft_refused(kAssessment), "read");
  EXPECT_NE(draft_refused(with(kAssessment, "eu-gdpr:A6-1-e", "dpv:Consent")).find("a.toml:4:"), std::string::npos);
  EXPECT_NE(draft_refused(with(kAssessment, "[\"eu-gdpr:A6-1-e\"]", "[]")).find("no legal basis"), std::string::npos);
  EXPECT_NE(draft_refused(with(kAssessment, "[\"per hour and counter\", \"sluis:suppressSmallCells\"]", "[]")).find("a.toml:3:"), std::string::npos);
  EXPECT_EQ(draft_refused(with(with(kAssessment, "[\"per hour and counter\", \"sluis:suppressSmallCells\"]", "[]"), "dpv:ScientificResearch", "dpv:Marketing")),
            "read");
  EXPECT_NE(draft_refused(with(kAssessment, "eu-gdpr:A6-1-e", "foo:bar")).find("a.toml:4:"), std::string::npos);
  EXPECT_NE(draft_refused(with(kAssessment, "per hour and counter", "none")).find("a.toml:5:"), std::string::npos);
  EXPECT_NE(draft_refused(with(kAssessment, "\"per hour and counter\"", "\"per hour\", \"-\"")).find("no safeguard"), std::string::npos);
  EXPECT_NE(draft_refused(with(kAssessment, "\"per hour and counter\"", "\"per hour\", \"\"")), "read");
  EXPECT_EQ(parse_assessment(kAssessment, "a.toml", vocabulary())->legal_basis.front(), "https://w3id.org/dpv/legal/eu/gdpr#A6-1-e");
  EXPECT_NE(draft_refused(with(kAssessment, ", \"sluis:suppressSmallCells\"", "")).find("a.toml:3:"), std::string::npos) << "words alone are no safeguard of research";
  EXPECT_NE(draft_refused(with(kAssessment, "sluis:suppress", "sluis:supress")).find("a.toml:5:"), std::string::npos);
  EXPECT_NE(draft_refused(with(kAssessment, "safeguards", "safegards")).find("did you mean"), std::string::npos);
  EXPECT_NE(draft_refused(with(kAssessment, "dpv:ScientificResearch", "dpv:Science")).find("a.toml:3:"), std::string::npos);
}

}  // namespace
}  // namespace sluis::declaration::test
