#include "connector/provenance/verify.hpp"

#include "connector/provenance/export.hpp"
#include "connector/provenance/passing.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/storage/memory_store.hpp"
#include "tests/support/doubles.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluis::provenance {
namespace {

namespace fs = std::filesystem;

class VerifyTest : public ::testing::Test {
 protected:
  /// Entries `first` to `end`-1, each in a batch of its own; `flavour` makes other payloads.
  void grow(storage::MemoryStore& store, std::uint64_t end, const std::string& flavour = "") {
    LogAppender appender(keys_, random_);
    ASSERT_TRUE(appender.recover(store));
    while (appender.size() < end) {
      std::vector<storage::Change> changes;
      const EntryDraft draft{20, {}, "shared " + std::to_string(appender.size()) + flavour, "internal"};
      ASSERT_TRUE(appender.append(draft, clock_.now(), changes));
      appender.seal(clock_.now(), changes);
      ASSERT_TRUE(store.write(changes, true));
    }
  }
  std::string checkpoint(const storage::MemoryStore& store) {
    const auto head = LogReader(store, keys_).head();
    return sign_checkpoint({"waterrijk.example/log", head->frontier.size(), head->frontier.root()}, key_);
  }
  fs::path exported(const storage::MemoryStore& store, const std::string& name) {
    const fs::path to = folder_.path() / name;
    const auto done = export_log(LogReader(store, keys_), checkpoint(store), verifier(), to, true);
    EXPECT_TRUE(done) << describe(done.error());
    return to;
  }
  VerifierKey verifier() { return VerifierKey::of("waterrijk.example/log", key_); }
  VerifyReport verify(const fs::path& folder, const std::optional<std::string>& anchor = std::nullopt) {
    return verify_export(folder, verifier(), anchor);
  }

  test::TempFolder folder_;
  test::ManualClock clock_;
  test::SeededRandom random_;
  PayloadKeys keys_{folder_.path() / "keys", random_};
  crypto::Key key_ = crypto::Key::generate(crypto::Key::Kind::ed25519);
  storage::MemoryStore store_;
};

TEST_F(VerifyTest, WithKeyAndAnchorItIsZeroAndWithoutAnchorThree) {
  grow(store_, 3);
  const std::string anchor = checkpoint(store_);
  grow(store_, 700);
  const fs::path folder = exported(store_, "log");
  const VerifyReport good = verify(folder, anchor);
  EXPECT_EQ(good.exit_code(), 0) << to_text(good);
  EXPECT_EQ(good.payloads_checked, 700U);
  EXPECT_NE(to_text(good).find("697 later ones rest on the node's signature alone"), std::string::npos);
  EXPECT_EQ(verify(folder).exit_code(), 3);
}

TEST_F(VerifyTest, EveryChangedByteOfEveryFileIsFoundAndNamed) {
  grow(store_, 5);
  const std::string anchor = checkpoint(store_);
  grow(store_, 12);
  const fs::path folder = exported(store_, "log");
  for (const auto& file : fs::recursive_directory_iterator(folder)) {
    if (!file.is_regular_file()) continue;
    const std::string name = fs::relative(file.path(), folder).generic_string();
    const std::string bytes = test::read_file(file.path());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
      test::write_file(file.path(), changed);
      const VerifyReport report = verify(folder, anchor);
      ASSERT_EQ(report.exit_code(), 1) << name << " byte " << i;
      ASSERT_FALSE(report.damage.empty()) << name << " byte " << i;
      const bool named = std::any_of(report.damage.begin(), report.damage.end(),
                                     [&](const Damage& d) { return d.file == name || name.starts_with("tile/entries"); });
      ASSERT_TRUE(named) << name << " byte " << i << "\n" << to_text(report);
    }
    test::write_file(file.path(), bytes);
  }
  EXPECT_EQ(verify(folder, anchor).exit_code(), 0);
}

TEST_F(VerifyTest, AChangedEntryIsNamedByItsIndexInALargeLog) {
  grow(store_, 600);
  const fs::path folder = exported(store_, "log");
  std::string bytes = test::read_file(folder / bundle_path(1, 256));
  bytes[72 * 44 + 20] = static_cast<char>(bytes[72 * 44 + 20] ^ 4);
  test::write_file(folder / bundle_path(1, 256), bytes);
  const VerifyReport report = verify(folder, checkpoint(store_));
  EXPECT_EQ(report.exit_code(), 1);
  EXPECT_NE(to_text(report).find("(entry 300)"), std::string::npos) << to_text(report);
}

TEST_F(VerifyTest, ACheckpointOfMoreEntriesThanAnyLogHasIsRefusedAtOnce) {
  grow(store_, 3);
  const fs::path folder = exported(store_, "log");
  for (const std::uint64_t size : {(1ULL << 48U) + 1, 1ULL << 56U, ~0ULL}) {
    test::write_file(folder / "checkpoint", sign_checkpoint({"waterrijk.example/log", size, {}}, key_));
    const VerifyReport report = verify(folder);
    EXPECT_EQ(report.exit_code(), 1);
    EXPECT_EQ(report.findings.size(), 1U);
  }
}

TEST_F(VerifyTest, AnAnchorWithoutEntriesProvesNothing) {
  grow(store_, 3);
  const fs::path folder = exported(store_, "log");
  EXPECT_EQ(verify(folder, sign_checkpoint({"waterrijk.example/log", 0, empty_root()}, key_)).exit_code(), 1);
}

/// Signed by the log's own key, as an insider could.
TEST_F(VerifyTest, AnEntryOfAnotherVersionOrLengthIsNoneAlsoWithoutItsPayload) {
  for (std::string leaf : {std::string(70, '\2'), std::string(69, '\1'), std::string(1, '\1')}) {
    const fs::path folder = folder_.path() / ("forged-" + std::to_string(leaf.size()) + std::to_string(leaf[0]));
    std::string bundle;
    put_bundle_entry(bundle, leaf);
    const Hash root = leaf_hash(leaf);
    fs::create_directories(folder / "tile/entries/000.p");
    fs::create_directories(folder / "tile/0/000.p");
    test::write_file(folder / "tile/entries/000.p/1", bundle);
    test::write_file(folder / "tile/0/000.p/1", std::string(view(root)));
    test::write_file(folder / "checkpoint", sign_checkpoint({"waterrijk.example/log", 1, root}, key_));
    const VerifyReport report = verify(folder);
    EXPECT_EQ(report.exit_code(), 1) << to_text(report);
    ASSERT_EQ(report.damage.size(), 1U) << to_text(report);
    EXPECT_NE(report.damage[0].what.find("version"), std::string::npos);
  }
}

/// A second log in the same store: entries are numbered on, its tree begins anew, and both are exported and proven apart.
TEST_F(VerifyTest, ALogThatFollowsAnotherIsATreeOfItsOwn) {
  grow(store_, 700);
  const Shard old{0, "waterrijk.example/log", 0, verifier().text(), checkpoint(store_)};
  const crypto::Key other = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const VerifierKey next_key = VerifierKey::of("waterrijk.example/log/2", other);
  ASSERT_TRUE(store_.write(follow(old, {1, next_key.name(), 700, next_key.text(), {}}, clock_.now()), true));
  grow(store_, 300);
  const auto shards = read_shards(store_);
  ASSERT_TRUE(shards) << describe(shards.error());
  const LogReader log(store_, keys_, *shards);
  ASSERT_EQ(*log.entries(), 1000U);
  EXPECT_EQ(*log.size(), 300U);
  EXPECT_EQ(*log.at(log.shards()[0]).size(), 700U);
  EXPECT_EQ(log.payload(700)->shared, "shared 0");
  const std::string note = sign_checkpoint({next_key.name(), 300, log.head()->frontier.root()}, other);
  EXPECT_EQ(*log.root(300), log.head()->frontier.root());
  for (const std::uint64_t number : {0U, 699U, 700U, 955U, 956U, 999U}) {
    const auto receipt = make_receipt(log, number, note, next_key);
    ASSERT_TRUE(receipt) << number << describe(receipt.error());
    EXPECT_EQ(receipt->index, number < 700 ? number : number - 700);
    EXPECT_TRUE(verify_receipt(*receipt, number < 700 ? verifier() : next_key)) << number;
    EXPECT_FALSE(verify_receipt(*receipt, number < 700 ? next_key : verifier())) << number;
  }
  ASSERT_TRUE(export_log(log, note, next_key, folder_.path() / "new", true));
  ASSERT_TRUE(export_log(log.at(log.shards()[0]), old.seal, verifier(), folder_.path() / "old", true));
  EXPECT_EQ(verify_export(folder_.path() / "new", next_key, note).exit_code(), 0);
  EXPECT_EQ(verify_export(folder_.path() / "old", verifier(), old.seal).exit_code(), 0);
  LogAppender again(keys_, random_);
  ASSERT_TRUE(again.recover(store_));
  EXPECT_EQ(again.next(), 1000U);
  EXPECT_EQ(again.root(), *log.root(300));
}

/// Two logs, the older of 700 entries, which is pruned but for entry 3, and 300 of which the first says so.
class PrunedTest : public VerifyTest {
 protected:
  void SetUp() override {
    grow(store_, 700);
    old_ = {0, "waterrijk.example/log", 0, verifier().text(), checkpoint(store_)};
    before_ = *make_receipt(LogReader(store_, keys_), 5, old_.seal, verifier());
    ASSERT_TRUE(store_.write(follow(old_, {1, next_key_.name(), 700, next_key_.text(), {}}, clock_.now()), true));
    const Checkpoint sealed = *open_checkpoint(old_.seal, verifier());
    say(EntryKind::pruned, crypto::sha256(checkpoint_body(sealed)));
    say(EntryKind::pruned, {});  // somebody asked
    say(EntryKind::decision, crypto::sha256(checkpoint_body(sealed)));
    grow(store_, 300);
    root_ = *log().at(log().shards()[0]).root(700);
    std::vector<storage::Change> changes = *log().at(log().shards()[0]).edge();
    for (std::uint64_t number = 0; number < 700; ++number) {
      if (number == 3) continue;
      changes.push_back({entry_key(number), std::nullopt});
      changes.push_back({payload_key(number), std::nullopt});
    }
    changes.push_back(Pruned{0, old_.origin, 0, 700, clock_.now(), "commit", 700, 700, {3}}.change());
    ASSERT_TRUE(store_.write(changes, true));
  }
  void say(EntryKind kind, const Hash& digest) {
    LogAppender appender(keys_, random_);
    ASSERT_TRUE(appender.recover(store_));
    std::vector<storage::Change> changes;
    ASSERT_TRUE(appender.append({static_cast<std::uint8_t>(kind), digest, "said", ""}, clock_.now(), changes));
    appender.seal(clock_.now(), changes);
    ASSERT_TRUE(store_.write(changes, true));
  }
  LogReader log() { return {store_, keys_, *read_shards(store_)}; }
  std::string note() { return sign_checkpoint({next_key_.name(), 300, log().head()->frontier.root()}, other_); }
  fs::path exported(std::uint64_t entry, const std::string& name) {
    const Pruned pruned{0, old_.origin, 0, 700, clock_.now(), "commit", entry, 700, {3}};
    const auto receipt = pruned_receipt(log(), pruned, note(), next_key_);
    EXPECT_TRUE(receipt) << describe(receipt.error());
    const auto done = export_log(log().at(log().shards()[0]), old_.seal, verifier(), folder_.path() / name, true, std::nullopt, *receipt);
    EXPECT_TRUE(done) << describe(done.error());
    return folder_.path() / name;
  }
  VerifyReport look(const fs::path& folder, const std::vector<VerifierKey>& later) {
    return verify_export(folder, verifier(), old_.seal, std::nullopt, {}, later);
  }

  crypto::Key other_ = crypto::Key::generate(crypto::Key::Kind::ed25519);
  VerifierKey next_key_ = VerifierKey::of("waterrijk.example/log/2", other_);
  Shard old_;
  Receipt before_;
  Hash root_{};
};

TEST_F(PrunedTest, WhatProofsNeedStaysAndWhatIsGoneIsSaid) {
  EXPECT_EQ(*log().first_kept(), 700U);
  EXPECT_EQ(log().leaf(5).error().code, ErrorCode::not_found);
  EXPECT_NE(log().leaf(5).error().message.find("was pruned on"), std::string::npos) << describe(log().leaf(5).error());
  EXPECT_EQ(log().leaf(5000).error().message, "there is no entry 5000");
  EXPECT_EQ(log().payload(3)->shared, "shared 3");
  EXPECT_EQ(*log().at(log().shards()[0]).root(700), root_);
  EXPECT_TRUE(verify_receipt(before_, verifier())) << "a receipt of before";
  const auto kept = make_receipt(log(), 3, note(), next_key_);
  ASSERT_TRUE(kept) << describe(kept.error());
  EXPECT_TRUE(verify_receipt(*kept, verifier())) << "and a new one, of what was kept";
  EXPECT_EQ(make_receipt(log(), 5, note(), next_key_).error().code, ErrorCode::not_found);
  const auto pruned = log().pruned();
  ASSERT_TRUE(pruned) << describe(pruned.error());
  EXPECT_EQ(number_there(*pruned, 0), 3U);
  EXPECT_EQ(number_there(*pruned, 4), 700U);
  EXPECT_EQ(number_there(*pruned, 800), 800U);
  LogAppender again(keys_, random_);
  ASSERT_TRUE(again.recover(store_));
  EXPECT_EQ(again.next(), 1000U);
}

TEST(NumberRanges, OneThatIsTooLongIsRefusedBeforeItIsMade) {
  EXPECT_EQ(number_ranges(*parse_number_ranges("3-7,12")), "3-7,12");
  EXPECT_EQ(parse_number_ranges("1-" + std::to_string(kNumbersAtMost))->size(), kNumbersAtMost);
  for (const std::string& bad : {"0-" + std::to_string(kNumbersAtMost), "1-" + std::to_string(kNumbersAtMost) + ",5000000", std::string("3-999999999999999999")}) {
    EXPECT_EQ(parse_number_ranges(bad).error().code, ErrorCode::corruption) << bad;
  }
}

TEST_F(PrunedTest, APassLeavesOutWhatWasPrunedUnderItAndNothingElse) {
  const auto gone = leaf_in_pass(log(), 5);
  ASSERT_TRUE(gone) << describe(gone.error());
  EXPECT_FALSE(*gone);
  for (const std::uint64_t there : {3U, 700U, 999U}) {
    const auto leaf = leaf_in_pass(log(), there);
    EXPECT_TRUE(leaf && *leaf) << there;
  }
  EXPECT_EQ(leaf_in_pass(log(), 1000).error().code, ErrorCode::not_found) << "nothing was ever there";
  EXPECT_EQ(first_leaf(log())->bytes(), log().leaf(700)->bytes());
  ASSERT_TRUE(store_.write({{entry_key(800), std::nullopt}}, true));
  EXPECT_EQ(leaf_in_pass(log(), 800).error().code, ErrorCode::not_found) << "it is missing, and no log was pruned there";
  ASSERT_TRUE(store_.write({{entry_key(3), std::nullopt}}, true));
  EXPECT_EQ(leaf_in_pass(log(), 3).error().code, ErrorCode::not_found) << "it was to be kept";
  std::uint64_t number = 5;
  const auto skipped = leaf_or_skip(log(), number);
  ASSERT_TRUE(skipped) << describe(skipped.error());
  EXPECT_FALSE(*skipped);
  EXPECT_EQ(number, 699U) << "the next step is the first that is there";
  EXPECT_TRUE(leaf_or_skip(log(), ++number)->has_value());
  EXPECT_EQ(number, 700U);
}

TEST_F(PrunedTest, ItVerifiesWhereALaterLogSaysThatJustThisOneWasPruned) {
  const fs::path folder = exported(700, "good");
  EXPECT_FALSE(fs::exists(folder / "tile/entries"));
  EXPECT_FALSE(fs::exists(folder / "payloads"));
  const VerifyReport good = look(folder, {next_key_});
  EXPECT_EQ(good.exit_code(), 0) << to_text(good);
  EXPECT_EQ(good.root, root_);
  EXPECT_EQ(look(folder, {}).exit_code(), 3) << "its key did not come from elsewhere";
  EXPECT_EQ(look(folder, {verifier()}).exit_code(), 3);
  const VerifierKey forged = VerifierKey::of(next_key_.name(), key_);
  EXPECT_EQ(look(folder, {forged}).exit_code(), 1);
  EXPECT_EQ(verify_export(folder, verifier(), std::nullopt, std::nullopt, {}, {next_key_}).exit_code(), 3) << "without an anchor";
  EXPECT_EQ(look(exported(701, "asked"), {next_key_}).exit_code(), 1) << "asked for, and not done";
  EXPECT_EQ(look(exported(702, "kind"), {next_key_}).exit_code(), 1) << "another kind of entry";
}

TEST_F(PrunedTest, WithoutThatWordOrWithAnotherFileItIsDamaged) {
  const fs::path folder = exported(700, "log");
  const std::string said = test::read_file(folder / kPrunedFile);
  for (const std::string& name : {tile_path(0, 1, 256), tile_path(0, 2, 188), tile_path(1, 0, 2)}) {
    const std::string bytes = test::read_file(folder / name);
    std::string changed = bytes;
    changed[40] ^= 1;
    test::write_file(folder / name, changed);
    EXPECT_EQ(look(folder, {next_key_}).exit_code(), 1) << name;
    fs::remove(folder / name);
    EXPECT_EQ(look(folder, {next_key_}).exit_code(), 1) << name << " is gone";
    test::write_file(folder / name, bytes);
  }
  fs::create_directories(folder / "tile/entries");
  test::write_file(folder / "tile/entries/000", "x");
  EXPECT_EQ(look(folder, {next_key_}).exit_code(), 1) << "entries beside the word that they are gone";
  fs::remove_all(folder / "tile/entries");
  EXPECT_EQ(look(folder, {next_key_}).exit_code(), 0);
  // The owner signs again, with an entry less: what was said is of another checkpoint.
  const Checkpoint shorter{old_.origin, 699, *log().at(log().shards()[0]).root(699)};
  test::write_file(folder / "checkpoint", sign_checkpoint(shorter, key_));
  EXPECT_EQ(look(folder, {next_key_}).exit_code(), 1);
  test::write_file(folder / "checkpoint", old_.seal);
  fs::remove(folder / kPrunedFile);
  EXPECT_EQ(look(folder, {next_key_}).exit_code(), 1);
  test::write_file(folder / kPrunedFile, "{}");
  EXPECT_EQ(look(folder, {next_key_}).exit_code(), 1);
  test::write_file(folder / kPrunedFile, said);
  EXPECT_EQ(look(folder, {next_key_}).exit_code(), 0);
}

TEST_F(VerifyTest, AnEntryBehindTheLastCheckpointOfALostLogHasNoProof) {
  grow(store_, 3);
  const std::string seal = checkpoint(store_);
  grow(store_, 5);
  const crypto::Key other = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const VerifierKey next_key = VerifierKey::of("waterrijk.example/log/2", other);
  ASSERT_TRUE(store_.write(follow({0, "waterrijk.example/log", 0, verifier().text(), seal}, {1, next_key.name(), 5, next_key.text(), {}}, clock_.now()), true));
  grow(store_, 1);
  const LogReader log(store_, keys_, *read_shards(store_));
  const std::string note = sign_checkpoint({next_key.name(), 1, log.head()->frontier.root()}, other);
  EXPECT_TRUE(make_receipt(log, 2, note, next_key));
  EXPECT_EQ(make_receipt(log, 3, note, next_key).error().code, ErrorCode::not_found);
  EXPECT_TRUE(make_receipt(log, 5, note, next_key));
}

TEST_F(VerifyTest, MissingExtraAndUnreadableFilesAreFound) {
  grow(store_, 300);
  const fs::path folder = exported(store_, "log");
  const std::string anchor = checkpoint(store_);
  test::write_file(folder / "tile/0/007", "x");
  EXPECT_EQ(verify(folder, anchor).exit_code(), 1);
  fs::remove(folder / "tile/0/007");
  ASSERT_EQ(verify(folder, anchor).exit_code(), 0);
  for (const std::string name : {"tile/entries/000", "tile/0/000", "tile/1/000.p/1", "payloads/000", "checkpoint"}) {
    fs::rename(folder / name, folder_.path() / "aside");
    const VerifyReport report = verify(folder, anchor);
    EXPECT_EQ(report.exit_code(), 1) << name;
    fs::create_symlink(folder_.path() / "aside", folder / name);
    EXPECT_EQ(verify(folder, anchor).exit_code(), 1) << "a symlink in place of " << name;
    fs::remove(folder / name);
    fs::rename(folder_.path() / "aside", folder / name);
  }
  EXPECT_EQ(verify(folder, anchor).exit_code(), 0);
}

TEST_F(VerifyTest, TheInsiderWhoCutsAndSignsAgainIsCaughtByTheKeptCheckpoint) {
  grow(store_, 10);
  storage::MemoryStore old;
  ASSERT_TRUE(store_.scan("", "", [&](std::string_view key, std::string_view value) {
    return bool(old.write({{std::string(key), std::string(value)}}, true));
  }));
  grow(store_, 20);
  const std::string kept = checkpoint(store_);
  const VerifyReport report = verify(exported(old, "cut"), kept);
  EXPECT_EQ(report.exit_code(), 1);
  EXPECT_NE(to_text(report).find("cut short"), std::string::npos);
  EXPECT_EQ(verify(folder_.path() / "cut").exit_code(), 3);  // without an anchor nobody could tell
}

TEST_F(VerifyTest, TheInsiderWhoReplacesOrRestoresAndGrowsAgainIsCaught) {
  grow(store_, 10);
  storage::MemoryStore old;
  ASSERT_TRUE(store_.scan("", "", [&](std::string_view key, std::string_view value) {
    return bool(old.write({{std::string(key), std::string(value)}}, true));
  }));
  grow(store_, 20);
  const std::string kept = checkpoint(store_);
  grow(old, 30, " another story");
  const VerifyReport report = verify(exported(old, "again"), kept);
  EXPECT_EQ(report.exit_code(), 1);
  EXPECT_NE(to_text(report).find("rewritten"), std::string::npos);
}

TEST_F(VerifyTest, AnotherKeyIsNotTheLogsKey) {
  grow(store_, 2);
  const fs::path folder = exported(store_, "log");
  const auto other = VerifierKey::of("waterrijk.example/log", crypto::Key::generate(crypto::Key::Kind::ed25519));
  EXPECT_EQ(verify_export(folder, other, std::nullopt).exit_code(), 1);
}

TEST_F(VerifyTest, AnErasedPayloadKeepsEveryProofValid) {
  grow(store_, 4);
  storage::MemoryStore::Reader& reader = store_;
  std::string second;
  ASSERT_TRUE(reader.scan("log/p/", "", [&](std::string_view key, std::string_view) {
    second = std::string(key);
    return second.back() != 1;
  }));
  ASSERT_TRUE(store_.write({{second, std::nullopt}}, true));
  const VerifyReport report = verify(exported(store_, "log"), checkpoint(store_));
  EXPECT_EQ(report.exit_code(), 0) << to_text(report);
  EXPECT_EQ(report.payloads_erased, 1U);
}

TEST_F(VerifyTest, ALeafTellsNothingToWhoGuessesItsPayload) {
  const EntryDraft draft{20, {}, "known", "known"};
  const Entry a = make_entry(draft, clock_.now(), random_);
  const Entry b = make_entry(draft, clock_.now(), random_);
  EXPECT_NE(a.leaf.commitment, b.leaf.commitment);
  EXPECT_EQ(a.leaf.bytes().size(), kLeafBytes);
}

TEST_F(VerifyTest, APayloadWhoseMonthKeyIsGoneStaysUnreadable) {
  grow(store_, 1);
  fs::remove_all(folder_.path() / "keys");
  PayloadKeys fresh(folder_.path() / "keys", random_);
  const auto payload = LogReader(store_, fresh).payload(0);
  ASSERT_FALSE(payload);
  EXPECT_EQ(payload.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace sluis::provenance
