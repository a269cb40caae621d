#include "connector/provenance/verify.hpp"

#include "connector/provenance/export.hpp"
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
