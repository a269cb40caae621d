#include "connector/gate/reason.hpp"
#include "connector/node/cli/words.hpp"

#include <gtest/gtest.h>

#include <set>

/// Both languages say the same: each key once, no empty text, the same things filled in.
namespace sluis {
namespace {

std::set<std::string> placeholders(std::string_view text) {
  std::set<std::string> found;
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    found.insert(std::string(text.substr(at, text.find('}', at) - at)));
  }
  return found;
}

TEST(Languages, ThePhrasesOfTheCommandLineAreTheSameInBoth) {
  std::set<std::string_view> keys;
  for (const policy::Sentence& row : cli::phrases()) {
    EXPECT_TRUE(keys.insert(row.code).second) << row.code;
    EXPECT_FALSE(row.text.english.empty()) << row.code;
    EXPECT_FALSE(row.text.dutch.empty()) << row.code;
    EXPECT_EQ(placeholders(row.text.english), placeholders(row.text.dutch)) << row.code;
  }
}

TEST(Languages, TheSentencesOfTheGateAreTheSameInBoth) {
  std::set<std::string_view> codes;
  for (const policy::Sentence& row : gate::sentences()) {
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_FALSE(row.text.english.empty()) << row.code;
    EXPECT_FALSE(row.text.dutch.empty()) << row.code;
    EXPECT_EQ(placeholders(row.text.english), placeholders(row.text.dutch)) << row.code;
    EXPECT_EQ(row.text.english.starts_with("Denied"), row.text.dutch.starts_with("Geweigerd")) << row.code;
  }
}

TEST(Languages, EveryErrorCodeHasASentence) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const auto name = to_string(static_cast<ErrorCode>(code));
    EXPECT_NE(cli::phrase(name, "nl"), name) << name;
  }
}

TEST(Languages, ARecordedReasonIsToldInDutchWithWhatItIsAbout) {
  const auto reason = gate::make_reason("purpose.unknown", {{"asked", "dpv:Nothing"}});
  const auto dutch = gate::sentence_in("nl", reason.code, reason.parameters);
  ASSERT_TRUE(dutch);
  EXPECT_NE(dutch->find("Geweigerd"), std::string::npos);
  EXPECT_NE(dutch->find("dpv:Nothing"), std::string::npos);
  EXPECT_FALSE(gate::sentence_in("en", reason.code, reason.parameters)) << "the recorded one counts";
  EXPECT_FALSE(gate::sentence_in("nl", "a.code.of.another.table", {}));
}

TEST(Languages, TheReportOfVerifySaysInEnglishWhatItAlwaysSaid) {
  provenance::VerifyReport report;
  report.origin = "waterrijk.example/log";
  report.size = 3;
  report.signature_good = true;
  report.payloads_checked = 2;
  report.damage.push_back({"tile/0/000", 1, 2, "another hash"});
  report.damage.push_back({"tile/0/001", 0, 3, "missing"});
  cli::Options options;
  EXPECT_EQ(cli::told(report, options), provenance::to_text(report));
  provenance::VerifyReport pruned;
  pruned.origin = report.origin;
  pruned.signature_good = pruned.anchor_good = true;
  pruned.anchor_size = 0;
  pruned.pruned_by = "waterrijk.example/log/2";
  EXPECT_EQ(cli::told(pruned, options), provenance::to_text(pruned));
  pruned.pruned_proven = true;
  EXPECT_EQ(cli::told(pruned, options), provenance::to_text(pruned));
  options.lang = "nl";
  EXPECT_NE(cli::told(report, options).find("NIET in orde"), std::string::npos);
}

}  // namespace
}  // namespace sluis
