#include "connector/provenance/witness_policy.hpp"

#include "connector/provenance/export.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/provenance/verify.hpp"
#include "connector/storage/memory_store.hpp"
#include "tests/support/doubles.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>

#include <map>

/// Whose cosignatures are enough: the form (C2SP tlog-policy), what it says of a checkpoint, and of an exported log.
namespace sluis::provenance {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOrigin = "waterrijk.example/log";

crypto::Key some_key() { return crypto::Key::generate(crypto::Key::Kind::ed25519); }

/// Witnesses by name, and policies that name them.
class WitnessPolicyTest : public ::testing::Test {
 protected:
  VerifierKey verifier() const { return VerifierKey::of(kOrigin, key_); }
  /// The key of that witness; made when it is named first.
  const crypto::Key& witness(const std::string& name) {
    const auto found = witnesses_.find(name);
    return found != witnesses_.end() ? found->second : witnesses_.emplace(name, some_key()).first->second;
  }
  std::string vkey(const std::string& name) { return VerifierKey::of(name + ".example", witness(name), Signer::witness).text(); }
  std::string witness_lines(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += "witness " + name + " " + vkey(name) + "\n";
    return out;
  }
  WitnessPolicy policy(const std::string& text) {
    auto read = WitnessPolicy::parse(text, "some.policy");
    EXPECT_TRUE(read) << describe(read.error());
    return read ? *read : WitnessPolicy();
  }
  /// The line, and what is wrong there.
  std::string refused(const std::string& text) {
    const auto read = WitnessPolicy::parse(text, "some.policy");
    EXPECT_FALSE(read) << text;
    if (read) return "";
    EXPECT_EQ(read.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(read.error().place.file, "some.policy");
    EXPECT_FALSE(read.error().mend.empty());
    return std::to_string(read.error().place.line) + ": " + read.error().message;
  }
  std::string cosignature(const Checkpoint& checkpoint, const std::string& name) { return cosign(checkpoint, name + ".example", witness(name), clock_.now()); }
  std::string note(const Checkpoint& checkpoint, const std::vector<std::string>& by) {
    std::string out = sign_checkpoint(checkpoint, key_);
    for (const std::string& name : by) out += cosignature(checkpoint, name);
    return out;
  }
  bool met(const WitnessPolicy& policy, const std::vector<std::string>& by) {
    const auto judged = policy.judge(note({kOrigin, 3, Hash{}}, by), verifier());
    EXPECT_TRUE(judged) << describe(judged.error());
    return judged && judged->met && judged->vouches();
  }

  test::ManualClock clock_;
  crypto::Key key_ = some_key();
  std::map<std::string, crypto::Key> witnesses_;
};

TEST_F(WitnessPolicyTest, TheSpecificationsExampleIsMetByTwoOfTheOnesAndOneOfTheOthers) {
  const WitnessPolicy example = policy("log " + verifier().text() + "\n\n" + witness_lines({"X1", "X2", "X3"}) + "group X-witnesses 2 X1 X2 X3\n\n" +
                                       witness_lines({"Y1", "Y2", "Y3"}) + "group Y-witnesses any Y1 Y2 Y3\n\n" +
                                       "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n");
  ASSERT_EQ(example.logs().size(), 1U);
  EXPECT_EQ(example.logs()[0].text(), verifier().text());
  EXPECT_EQ(example.fewest(), 3U);
  EXPECT_EQ(example.quorum_name(), "X-and-Y");
  ASSERT_EQ(example.witnesses().size(), 6U);
  EXPECT_EQ(example.witnesses()[3].name, "Y1");
  const WitnessPolicy again = policy(example.text());
  EXPECT_TRUE(again.logs().empty()) << "its text names no logs";
  EXPECT_EQ(again.fewest(), 3U);
  const std::vector<std::string> names{"X1", "X2", "X3", "Y1", "Y2", "Y3"};
  for (unsigned chosen = 0; chosen < 64; ++chosen) {
    std::vector<std::string> by;
    for (unsigned i = 0; i < 6; ++i) {
      if ((chosen >> i & 1U) != 0) by.push_back(names[i]);
    }
    EXPECT_EQ(met(example, by), __builtin_popcount(chosen & 7U) >= 2 && (chosen >> 3U) != 0) << chosen;
  }
}

TEST_F(WitnessPolicyTest, ItSaysWhoCosignedAndWhen) {
  const WitnessPolicy two = policy(witness_lines({"duinmeer", "panel"}) + "group both all duinmeer panel\nquorum both\n");
  const Checkpoint checkpoint{kOrigin, 3, Hash{}};
  const auto judged = two.judge(note(checkpoint, {"panel", "stranger"}), verifier());
  ASSERT_TRUE(judged);
  EXPECT_EQ(judged->name, "both");
  EXPECT_EQ(judged->checkpoint, checkpoint);
  EXPECT_FALSE(judged->met);
  EXPECT_FALSE(judged->vouches());
  EXPECT_EQ(judged->count(), 1U);
  ASSERT_EQ(judged->witnesses.size(), 2U);
  EXPECT_EQ(judged->witnesses[0].name, "duinmeer");
  EXPECT_EQ(judged->witnesses[0].key, "duinmeer.example");
  EXPECT_FALSE(judged->witnesses[0].when);
  EXPECT_EQ(judged->witnesses[1].when, std::chrono::floor<std::chrono::seconds>(clock_.now()));
}

TEST_F(WitnessPolicyTest, AWrongSignatureOfSomebodyKnownRefusesTheWholeNote) {
  const WitnessPolicy any = policy(witness_lines({"duinmeer", "panel"}) + "group one any duinmeer panel\nquorum one\n");
  const Checkpoint checkpoint{kOrigin, 3, Hash{}};
  const Checkpoint other{kOrigin, 4, Hash{}};
  const std::string good = note(checkpoint, {"duinmeer"});
  EXPECT_TRUE(any.judge(good, verifier())->met);
  EXPECT_TRUE(any.judge(good + cosignature(other, "stranger"), verifier())->met) << "of nobody known here";
  for (const std::string& wrong : {good + cosignature(other, "panel"), good + cosignature(other, "duinmeer"), note(checkpoint, {}) + cosignature(other, "panel")}) {
    const auto judged = any.judge(wrong, verifier());
    ASSERT_FALSE(judged);
    EXPECT_EQ(judged.error().code, ErrorCode::permission_denied);
  }
  EXPECT_EQ(any.judge(good, VerifierKey::of(kOrigin, some_key())).error().code, ErrorCode::permission_denied) << "not of this log";
  EXPECT_EQ(any.judge("no note", verifier()).error().code, ErrorCode::invalid_argument);
  // A key of a log, or the same key under another name, is not the witness.
  EXPECT_FALSE(any.judge(sign_checkpoint(checkpoint, key_) + cosign(checkpoint, "duinmeer.example", key_, clock_.now()), verifier())->met);
  EXPECT_FALSE(any.judge(sign_checkpoint(checkpoint, key_) + cosign(checkpoint, "other.example", witness("duinmeer"), clock_.now()), verifier())->met);
}

TEST_F(WitnessPolicyTest, ASingleWitnessOrNoneMayBeTheQuorum) {
  const WitnessPolicy single = policy(witness_lines({"duinmeer", "panel"}) + "quorum panel\n");
  EXPECT_TRUE(met(single, {"panel"}));
  EXPECT_FALSE(met(single, {"duinmeer"}));
  const auto judged = policy("quorum none\n").judge(note({kOrigin, 3, Hash{}}, {"panel"}), verifier());
  ASSERT_TRUE(judged);
  EXPECT_TRUE(judged->met) << "nothing is asked";
  EXPECT_FALSE(judged->vouches()) << "so nobody vouches";
  EXPECT_FALSE(single.judge(note({kOrigin, 0, Hash{}}, {"panel"}), verifier())->vouches()) << "a log without entries is no anchor";
}

TEST_F(WitnessPolicyTest, WhiteSpaceCommentsAddressesAndNamesAreFree) {
  const std::string kelvin = "\xE2\x84\xAA";
  const WitnessPolicy read = policy("\t # who watches, caf\xE9\n \t\n\twitness  K \t" + vkey("a") + " https://a.example/ \nwitness " + kelvin + " " + vkey("b") +
                                    "\nlog " + verifier().text() + " https://waterrijk.example/log\n group\tany 1\tK\nwitness all " + vkey("c") +
                                    "\ngroup 2 2 any all " + kelvin + "\nquorum\t 2 \t\nwitness unused " + vkey("d") + "\n#quorum K\n");
  EXPECT_TRUE(met(read, {"a", "b"})) << "names are octets: K and the Kelvin sign are two";
  EXPECT_FALSE(met(read, {"b"}));
  EXPECT_FALSE(met(read, {"a", "d"}));
  const WitnessPolicy octets = policy("witness caf\xE9 " + vkey("a") + "\nwitness caf\xC3\xA9 " + vkey("b") + "\nquorum caf\xE9\n");
  EXPECT_TRUE(met(octets, {"a"}));
  const auto told = octets.judge(note({kOrigin, 3, Hash{}}, {}), verifier());
  EXPECT_EQ(told->name, "caf\\xe9") << "what is said is text all the same";
  EXPECT_EQ(told->witnesses[1].name, "caf\xC3\xA9");
}

TEST_F(WitnessPolicyTest, WhatIsNoPolicyIsRefusedWithItsLine) {
  const std::string two = witness_lines({"a", "b"});
  const std::string log = "log " + verifier().text() + "\n";
  const std::string renamed = VerifierKey::of("renamed.example", witness("a"), Signer::witness).text();
  const std::pair<std::string, const char*> cases[] = {
      {"", "0: there is no quorum"},
      {two + "# quorum a\n", "0: there is no quorum"},
      {two + "quorum a\n\nquorum b\n", "5: a second quorum; the first is in line 3"},
      {two + "quorum none\nquorum none\n", "4: a second quorum; the first is in line 3"},
      {two + "quorum c\n", "3: nothing before this line is called `c`"},
      {"quorum a\n" + two, "1: nothing before this line is called `a`"},
      {two + "quorum a.example\n", "3: nothing before this line is called `a.example`"},
      {two + "quorum A\n", "3: nothing before this line is called `A`"},
      {two + "quorum\n", "3: a quorum is one name"},
      {two + "quorum a b\n", "3: a quorum is one name"},
      {two + "witness a " + vkey("c") + "\nquorum a\n", "3: `a` is defined already, in line 1"},
      {two + "group a any b\nquorum a\n", "3: `a` is defined already, in line 1"},
      {two + "witness c " + vkey("a") + "\nquorum a\n", "3: the same key as in line 1"},
      {two + "witness c " + renamed + "\nquorum a\n", "3: the same key as in line 1"},
      {log + "log " + VerifierKey::of("other.example", key_).text() + "\nquorum none\n", "2: the same key as in line 1"},
      {"witness none " + vkey("a") + "\nquorum none\n", "1: `none` cannot be defined: it stands for no cosignature at all"},
      {two + "group none any a b\nquorum none\n", "3: `none` cannot be defined: it stands for no cosignature at all"},
      {two + "group g any a none\nquorum g\n", "3: `none` is no member of a group"},
      {two + "group g any a c\nquorum g\n", "3: nothing before this line is called `c`"},
      {two + "group g any g\nquorum g\n", "3: nothing before this line is called `g`"},
      {two + "group g any h\ngroup h any a\nquorum g\n", "3: nothing before this line is called `h`"},
      {two + "group g 2 a a\nquorum g\n", "3: `a` is a member of a group already, in line 3"},
      {two + "group g any a\ngroup h any b a\nquorum h\n", "4: `a` is a member of a group already, in line 3"},
      {two + "group g any a\ngroup h any g\ngroup i any g b\nquorum i\n", "5: `g` is a member of a group already, in line 4"},
      {two + "group g any\nquorum g\n", "3: a group with too few words"},
      {two + "group g\nquorum g\n", "3: a group with too few words"},
      {two + "group g a b\nquorum g\n", "3: a group wants `a` of its 1 members"},
      {two + "group g 0 a b\nquorum g\n", "3: a group wants `0` of its 2 members"},
      {two + "group g 3 a b\nquorum g\n", "3: a group wants `3` of its 2 members"},
      {two + "group g 01 a b\nquorum g\n", "3: a group wants `01` of its 2 members"},
      {two + "group g +1 a b\nquorum g\n", "3: a group wants `+1` of its 2 members"},
      {two + "group g -1 a b\nquorum g\n", "3: a group wants `-1` of its 2 members"},
      {two + "group g 1.0 a b\nquorum g\n", "3: a group wants `1.0` of its 2 members"},
      {two + "group g ALL a b\nquorum g\n", "3: a group wants `ALL` of its 2 members"},
      {two + "group g 18446744073709551617 a b\nquorum g\n", "3: a group wants `18446744073709551617` of its 2 members"},
      {"witness a\nquorum a\n", "1: a witness with too few words or too many"},
      {"witness " + vkey("a") + "\nquorum none\n", "1: a witness with too few words or too many"},
      {"witness a " + vkey("a") + " https://a more\nquorum a\n", "1: a witness with too few words or too many"},
      {"log\nquorum none\n", "1: a log with too few words or too many"},
      {"log " + verifier().text() + " https://a more\nquorum none\n", "1: a log with too few words or too many"},
      {"Witness a " + vkey("a") + "\nquorum none\n", "1: a line that begins with `Witness`"},
      {"\xEF\xBB\xBFquorum none\n", "1: a line that begins with `\xEF\xBB\xBFquorum`"},
      {"quorum none # nobody\n", "1: a quorum is one name"},
      {"quorum none", "1: the last line does not end"},
      {two + "quorum a\n# and", "4: the last line does not end"},
      {"quorum none\r\n", "1: a control character: byte 0d"},
      {"# \v\nquorum none\n", "1: a control character: byte 0b"},
      {"quorum none\n# \x7F\n", "2: a control character: byte 7f"},
      {std::string("quorum none\n\0\n", 14), "2: a control character: byte 00"},
  };
  for (const auto& [text, said] : cases) EXPECT_EQ(refused(text), said) << text;
  EXPECT_NE(refused("witness a " + verifier().text() + "\nquorum a\n").find("1: not the key of a witness"), std::string::npos) << "a log's key";
  EXPECT_NE(refused("log " + vkey("a") + "\nquorum none\n").find("1: not the key of a log"), std::string::npos) << "a witness's key";
}

TEST_F(WitnessPolicyTest, ThereIsRoomForManyAndForDepth) {
  std::string text;
  std::string all = "group all-of-them all";
  for (int i = 0; i < 40; ++i) {
    text += witness_lines({"w" + std::to_string(i)}) + "group g" + std::to_string(i) + " any w" + std::to_string(i) + "\n";
    text += "log " + VerifierKey::of("log" + std::to_string(i), some_key()).text() + "\n";
    all += " g" + std::to_string(i);
  }
  EXPECT_EQ(policy(text + all + "\nquorum all-of-them\n").logs().size(), 40U);
  std::string deep = witness_lines({"w"}) + "group h0 any w\n";
  for (int i = 1; i < 3000; ++i) deep += "group h" + std::to_string(i) + " all h" + std::to_string(i - 1) + "\n";
  const WitnessPolicy nested = policy(deep + "quorum h2999\n");
  EXPECT_TRUE(met(nested, {"w"}));
  EXPECT_FALSE(met(nested, {}));
}

/// An exported log, its checkpoints with and without cosignatures, and an auditor who trusts some witnesses.
class CosignedLogTest : public WitnessPolicyTest {
 protected:
  void grow(storage::MemoryStore& store, std::uint64_t end, const std::string& flavour = "") {
    LogAppender appender(keys_, random_);
    ASSERT_TRUE(appender.recover(store));
    while (appender.size() < end) {
      std::vector<storage::Change> changes;
      ASSERT_TRUE(appender.append(EntryDraft{20, {}, "shared " + std::to_string(appender.size()) + flavour, "internal"}, clock_.now(), changes));
      appender.seal(clock_.now(), changes);
      ASSERT_TRUE(store.write(changes, true));
    }
  }
  std::string newest(const storage::MemoryStore& store, const std::vector<std::string>& by = {}) {
    const auto head = LogReader(store, keys_).head();
    return note({kOrigin, head->frontier.size(), head->frontier.root()}, by);
  }
  fs::path exported(const storage::MemoryStore& store, const std::string& checkpoint, const std::optional<std::string>& cosigned = std::nullopt) {
    const fs::path to = folder_.path() / ("log-" + std::to_string(count_++));
    const auto done = export_log(LogReader(store, keys_), checkpoint, verifier(), to, true, cosigned);
    EXPECT_TRUE(done) << describe(done.error());
    return to;
  }
  VerifyReport verify(const fs::path& folder, const std::optional<std::string>& anchor = std::nullopt) {
    return verify_export(folder, verifier(), anchor, both_);
  }

  test::TempFolder folder_;
  test::SeededRandom random_;
  PayloadKeys keys_{folder_.path() / "keys", random_};
  storage::MemoryStore store_;
  int count_ = 0;
  std::optional<WitnessPolicy> both_ = policy(witness_lines({"duinmeer", "panel"}) + "group both all duinmeer panel\nquorum both\n");
};

TEST_F(CosignedLogTest, EnoughCosignaturesOnItsCheckpointAnchorAllOfALog) {
  grow(store_, 300);
  const VerifyReport good = verify(exported(store_, newest(store_, {"duinmeer", "panel"})));
  EXPECT_EQ(good.exit_code(), 0) << to_text(good);
  EXPECT_EQ(good.anchor_size, 300U);
  EXPECT_EQ(good.quorum_file, "checkpoint");
  EXPECT_NE(to_text(good).find("quorum:    `both` is met, at 300 entries\n           duinmeer (duinmeer.example) signed at "), std::string::npos) << to_text(good);
  const VerifyReport missed = verify(exported(store_, newest(store_, {"panel"})));
  EXPECT_EQ(missed.exit_code(), 3) << to_text(missed);
  EXPECT_TRUE(missed.quorum_missed());
  EXPECT_FALSE(missed.anchor_good);
  EXPECT_NE(to_text(missed).find("duinmeer (duinmeer.example) did not sign"), std::string::npos) << to_text(missed);
  EXPECT_NE(to_text(missed).find("panel (panel.example) signed at "), std::string::npos) << to_text(missed);
  EXPECT_EQ(verify(exported(store_, newest(store_))).exit_code(), 3);
}

TEST_F(CosignedLogTest, AWrongCosignatureOfAKnownWitnessRefusesTheNoteWhereverItIs) {
  grow(store_, 5);
  const std::string good = newest(store_, {"duinmeer", "panel"});
  const std::string wrong = good + cosignature({kOrigin, 9, Hash{}}, "panel");
  const VerifyReport newest_wrong = verify(exported(store_, wrong));
  EXPECT_EQ(newest_wrong.exit_code(), 1);
  ASSERT_EQ(newest_wrong.damage.size(), 1U);
  EXPECT_EQ(newest_wrong.damage[0].file, "checkpoint");
  EXPECT_NE(newest_wrong.damage[0].what.find("the cosignature of `panel.example` is wrong"), std::string::npos);
  const VerifyReport cosigned_wrong = verify(exported(store_, good, wrong));
  EXPECT_EQ(cosigned_wrong.exit_code(), 1);
  ASSERT_EQ(cosigned_wrong.damage.size(), 1U);
  EXPECT_EQ(cosigned_wrong.damage[0].file, kCosignedFile);
  EXPECT_EQ(verify(exported(store_, good), wrong).exit_code(), 1) << "on the anchor that was kept";
  EXPECT_EQ(verify_export(exported(store_, wrong), verifier(), good).exit_code(), 0) << "who trusts no witness does not read their lines";
}

TEST_F(CosignedLogTest, AnOlderCheckpointThatWasCosignedAnchorsTheLogUpToItsSize) {
  grow(store_, 280);
  const std::string cosigned = newest(store_, {"duinmeer", "panel"});
  grow(store_, 300);
  const fs::path folder = exported(store_, newest(store_, {"panel"}), cosigned);
  const VerifyReport good = verify(folder);
  EXPECT_EQ(good.exit_code(), 0) << to_text(good);
  EXPECT_EQ(good.size, 300U);
  EXPECT_EQ(good.anchor_size, 280U);
  EXPECT_EQ(good.quorum_file, kCosignedFile);
  EXPECT_NE(to_text(good).find("anchor:    280 entries; 20 later ones rest on the node's signature alone"), std::string::npos) << to_text(good);
  EXPECT_EQ(verify_export(folder, verifier(), std::nullopt).exit_code(), 3) << "by itself it is no anchor";
  EXPECT_EQ(verify(exported(store_, newest(store_, {"duinmeer", "panel"}), cosigned)).anchor_size, 300U) << "the largest that is enough";
  // Of two that are not enough, that with more is told.
  const VerifyReport missed = verify_export(folder, verifier(), std::nullopt, policy(witness_lines({"duinmeer", "panel", "more"}) + "group three all duinmeer panel more\nquorum three\n"));
  EXPECT_EQ(missed.exit_code(), 3);
  EXPECT_EQ(missed.quorum->checkpoint.size, 280U);
}

/// Signed by the log and by its witnesses, and not what is here: with a policy or without.
TEST_F(CosignedLogTest, ACosignedCheckpointOfAnotherHistoryIsProofAgainstTheLog) {
  storage::MemoryStore other;
  grow(store_, 20);
  grow(other, 12, " another story");
  const std::string older = newest(other, {"duinmeer", "panel"});
  for (const auto& policy : {both_, std::optional<WitnessPolicy>()}) {
    const VerifyReport report = verify_export(exported(store_, newest(store_), older), verifier(), newest(store_), policy);
    EXPECT_EQ(report.exit_code(), 1);
    EXPECT_NE(to_text(report).find("rewritten: the log's first 12 entries are not those that `checkpoint.cosigned` signs"), std::string::npos) << to_text(report);
    const VerifyReport cut = verify_export(exported(other, newest(other), newest(store_, {"duinmeer", "panel"})), verifier(), std::nullopt, policy);
    EXPECT_EQ(cut.exit_code(), 1);
    EXPECT_NE(to_text(cut).find("cut short: `checkpoint.cosigned` signs 20 entries, the log has 12"), std::string::npos) << to_text(cut);
  }
}

TEST_F(CosignedLogTest, WhatIsCalledSoAndIsNoCheckpointIsDamage) {
  grow(store_, 3);
  const std::string good = newest(store_, {"duinmeer", "panel"});
  const fs::path folder = exported(store_, good, good);
  EXPECT_EQ(verify(folder).exit_code(), 0);
  const fs::path file = folder / kCosignedFile;
  for (const std::string& bytes : {std::string(), std::string("x"), good.substr(1), good.substr(0, good.size() - 1), note({kOrigin, 0, empty_root()}, {}),
                                   note({"duinmeer.example/log", 3, Hash{}}, {})}) {
    test::write_file(file, bytes);
    EXPECT_EQ(verify(folder).exit_code(), 1) << bytes;
    EXPECT_EQ(verify_export(folder, verifier(), good).exit_code(), 1) << bytes;
  }
  fs::remove(file);
  fs::create_symlink("checkpoint", file);
  EXPECT_EQ(verify(folder).exit_code(), 1) << "a link";
  fs::remove(file);
  fs::create_directory(file);
  EXPECT_EQ(verify(folder).exit_code(), 1) << "a folder";
}

TEST_F(CosignedLogTest, WithAKeptAnchorBothMustHold) {
  grow(store_, 10);
  const std::string kept = newest(store_);
  const std::string kept_cosigned = newest(store_, {"duinmeer", "panel"});
  grow(store_, 30);
  const std::string later = newest(store_, {"duinmeer", "panel"});
  grow(store_, 40);
  const VerifyReport good = verify(exported(store_, newest(store_), later), kept);
  EXPECT_EQ(good.exit_code(), 0) << to_text(good);
  EXPECT_EQ(good.anchor_size, 30U) << "the larger of the two";
  EXPECT_EQ(verify(exported(store_, newest(store_), kept_cosigned), later).anchor_size, 30U);
  const VerifyReport missed = verify(exported(store_, newest(store_)), kept);
  EXPECT_EQ(missed.exit_code(), 3) << "the anchor holds, and the policy is not met";
  EXPECT_TRUE(missed.anchor_good);
  EXPECT_EQ(missed.anchor_size, 10U);
  const VerifyReport on_anchor = verify(exported(store_, newest(store_)), kept_cosigned);
  EXPECT_EQ(on_anchor.exit_code(), 0) << "where cosignatures come from does not matter: " << to_text(on_anchor);
  EXPECT_EQ(on_anchor.quorum_file, "");
  storage::MemoryStore other;
  grow(other, 10, " another story");
  EXPECT_EQ(verify(exported(store_, newest(store_), later), newest(other)).exit_code(), 1) << "the anchor does not hold";
}

TEST_F(CosignedLogTest, APolicyThatAsksForNobodyIsNoAnchor) {
  grow(store_, 4);
  const fs::path folder = exported(store_, newest(store_, {"panel"}));
  const WitnessPolicy nobody = policy("log " + verifier().text() + "\n" + witness_lines({"panel"}) + "quorum none\n");
  const VerifyReport report = verify_export(folder, verifier(), std::nullopt, nobody);
  EXPECT_EQ(report.exit_code(), 3) << to_text(report);
  EXPECT_FALSE(report.quorum_missed());
  EXPECT_NE(to_text(report).find("`none` asks for no cosignature"), std::string::npos);
  EXPECT_EQ(verify_export(folder, verifier(), newest(store_), nobody).exit_code(), 0) << "it asks for nothing more than the anchor";
}

TEST_F(CosignedLogTest, ALogWithoutEntriesIsNotProvenByCosignatures) {
  const VerifyReport report = verify(exported(store_, note({kOrigin, 0, empty_root()}, {"duinmeer", "panel"})));
  EXPECT_EQ(report.exit_code(), 3) << to_text(report);
  EXPECT_TRUE(report.quorum_missed());
}

TEST_F(CosignedLogTest, TheInsiderWhoRewritesFindsNoWitnesses) {
  grow(store_, 10);
  const std::string cosigned = newest(store_, {"duinmeer", "panel"});
  storage::MemoryStore again;
  grow(again, 10, " another story");
  EXPECT_EQ(verify(exported(again, newest(again))).exit_code(), 3) << "what they signed is left out: nobody vouches";
  std::string moved = newest(again);
  moved += cosigned.substr(cosigned.find("duinmeer.example") - 4);  // with the dash and its space
  EXPECT_EQ(verify(exported(again, moved)).exit_code(), 1) << "or moved to another checkpoint: refused";
}

}  // namespace
}  // namespace sluis::provenance
