#include "connector/provenance/witness.hpp"

#include "connector/provenance/merkle.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <thread>

namespace sluis::provenance {
namespace {

constexpr const char* kOrigin = "log.waterrijk.example";
constexpr const char* kName = "panel.waterrijk.example/witness";

/// A log that can sign at any size; `other` is another history from that entry on.
class SomeLog {
 public:
  explicit SomeLog(std::uint64_t size, std::uint64_t other = ~std::uint64_t{0}) {
    for (std::uint64_t i = 0; i < size; ++i) leaves_.push_back(leaf_hash("entry " + std::to_string(i) + (i >= other ? "!" : "")));
  }
  Hash root(std::uint64_t size) const { return size == 0 ? empty_root() : *root_of(size, nodes()); }
  std::vector<Hash> proof(std::uint64_t from, std::uint64_t to) const { return *consistency_proof(from, to, nodes()); }
  std::string note(std::uint64_t size, const crypto::Key& key) const { return sign_checkpoint({kOrigin, size, root(size)}, key); }

 private:
  NodeSource nodes() const {
    return [this](unsigned height, std::uint64_t index) -> Result<Hash> { return node(height, index); };
  }
  Hash node(unsigned height, std::uint64_t index) const {
    return height == 0 ? leaves_[index] : node_hash(node(height - 1, 2 * index), node(height - 1, 2 * index + 1));
  }
  std::vector<Hash> leaves_;
};

std::string body(std::uint64_t old, const std::vector<Hash>& proof, const std::string& note) {
  std::string out = "old " + std::to_string(old) + "\n";
  for (const Hash& hash : proof) out += to_base64(view(hash)) + "\n";
  return out + "\n" + note;
}

class WitnessTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    witness_ = std::make_unique<Witness>(Witness::Options{kName, witness_key_, folder_.path() / "state", [this](std::string_view origin) {
      return origin == kOrigin ? std::vector{VerifierKey::of(kOrigin, log_key_)} : std::vector<VerifierKey>();
    }}, clock_);
  }
  Witness::Answer add(std::uint64_t old, std::uint64_t size, const SomeLog& log) {
    return witness_->add_checkpoint(body(old, old == 0 || old >= size ? std::vector<Hash>() : log.proof(old, size), log.note(size, log_key_)));
  }

  test::TempFolder folder_;
  test::ManualClock clock_{*parse_time("2026-11-27T12:00:00.5Z")};
  crypto::Key log_key_ = crypto::Key::generate(crypto::Key::Kind::ed25519);
  crypto::Key witness_key_ = crypto::Key::generate(crypto::Key::Kind::ed25519);
  std::unique_ptr<Witness> witness_;
  SomeLog log_{300};
};

TEST_F(WitnessTest, CosignsALogThatOnlyGrows) {
  std::uint64_t old = 0;
  for (const std::uint64_t size : {1, 2, 7, 8, 9, 255, 256, 257, 300}) {
    const auto answer = add(old, size, log_);
    ASSERT_EQ(answer.status, 200U) << answer.body;
    const std::string note = log_.note(size, log_key_) + answer.body;
    EXPECT_EQ(open_checkpoint(note, VerifierKey::of(kOrigin, log_key_))->size, size) << "the log's own signature still holds";
    EXPECT_EQ(*cosigned_at(note, witness_->key()), parse_time("2026-11-27T12:00:00Z").value());
    old = size;
  }
  EXPECT_EQ(add(300, 300, log_).status, 200U) << "the same again";
  EXPECT_TRUE((*witness_->newest(kOrigin))->starts_with(log_.note(300, log_key_)));
  EXPECT_TRUE(cosigned_at(**witness_->newest(kOrigin), witness_->key())->has_value());
  EXPECT_EQ(*witness_->newest("other.example"), std::nullopt);
}

TEST_F(WitnessTest, ItsKeyIsAnotherThanALogsOfTheSameBytes) {
  const std::string text = witness_->key().text();
  ASSERT_TRUE(VerifierKey::parse(text, Signer::witness));
  EXPECT_EQ(VerifierKey::parse(text, Signer::witness)->id(), witness_->key().id());
  EXPECT_FALSE(VerifierKey::parse(text)) << "a witness's key is no log's";
  EXPECT_FALSE(VerifierKey::parse(VerifierKey::of(kOrigin, log_key_).text(), Signer::witness));
  EXPECT_NE(VerifierKey::of(kName, witness_key_).id(), witness_->key().id());
}

TEST_F(WitnessTest, ACosignatureIsOfItsCheckpointAndItsTime) {
  const std::string line = add(0, 9, log_).body;
  const std::string note = log_.note(9, log_key_);
  EXPECT_EQ(cosigned_at(log_.note(10, log_key_) + line, witness_->key()).error().code, ErrorCode::permission_denied);
  EXPECT_EQ(*cosigned_at(note, witness_->key()), std::nullopt) << "not signed";
  const auto other = VerifierKey::of("other.example", witness_key_, Signer::witness);
  EXPECT_EQ(*cosigned_at(note + line, other), std::nullopt) << "another's line is passed over";
  const std::size_t space = line.rfind(' ');
  std::string blob = *from_base64(line.substr(space + 1, line.size() - space - 2));
  for (const std::size_t at : {std::size_t{4}, std::size_t{11}, std::size_t{12}, blob.size() - 1}) {  // the time, the signature
    std::string changed = blob;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(cosigned_at(note + line.substr(0, space + 1) + to_base64(changed) + "\n", witness_->key())) << at;
  }
  for (const std::size_t size : {std::size_t{5}, blob.size() - 1}) {
    EXPECT_FALSE(cosigned_at(note + line.substr(0, space + 1) + to_base64(blob.substr(0, size)) + "\n", witness_->key())) << size;
  }
}

TEST_F(WitnessTest, RefusesWhatTheSpecificationSaysItMust) {
  const auto good = log_.note(9, log_key_);
  ASSERT_EQ(add(0, 7, log_).status, 200U);
  const auto status = [&](const std::string& request) { return witness_->add_checkpoint(request).status; };
  EXPECT_EQ(status(""), 400U);
  EXPECT_EQ(status("old x\n\n" + good), 400U);
  EXPECT_EQ(status("old 07\n\n" + good), 400U);
  EXPECT_EQ(status("old 7\n" + good), 400U) << "no empty line";
  EXPECT_EQ(status("old 7\nAAAA\n\n" + good), 400U) << "no hash";
  EXPECT_EQ(status(body(7, std::vector<Hash>(64), good)), 400U) << "too many";
  EXPECT_EQ(status(body(10, {}, good)), 400U) << "old is larger";
  EXPECT_EQ(status("old 7\n\nnot a note"), 404U) << "of no known origin";
  EXPECT_EQ(status("old 7\n\n" + std::string(kOrigin) + "\n9\n"), 400U);
  const auto stranger = crypto::Key::generate(crypto::Key::Kind::ed25519);
  EXPECT_EQ(status(body(7, log_.proof(7, 9), sign_checkpoint({"other.example", 9, log_.root(9)}, log_key_))), 404U);
  EXPECT_EQ(status(body(7, log_.proof(7, 9), log_.note(9, stranger))), 403U);
  std::string forged = good;
  forged[forged.size() - 6] = forged[forged.size() - 6] == 'A' ? 'B' : 'A';
  EXPECT_EQ(status(body(7, log_.proof(7, 9), forged)), 403U);
  const auto conflict = witness_->add_checkpoint(body(0, {}, good));
  EXPECT_EQ(conflict.status, 409U);
  EXPECT_EQ(conflict.content_type, "text/x.tlog.size");
  EXPECT_EQ(conflict.body, "7\n");
  EXPECT_EQ(status(body(7, {}, good)), 422U) << "no proof";
  EXPECT_EQ(status(body(7, log_.proof(6, 9), good)), 422U) << "another's";
  EXPECT_EQ(status(body(7, log_.proof(7, 9), SomeLog(9, 3).note(9, log_key_))), 422U) << "another history";
  EXPECT_EQ(status(body(7, log_.proof(7, 9), log_.note(7, log_key_))), 422U) << "a proof where none belongs";
  EXPECT_TRUE((*witness_->newest(kOrigin))->starts_with(log_.note(7, log_key_))) << "none of these counts";
  EXPECT_EQ(add(7, 9, log_).status, 200U);
  EXPECT_EQ(witness_->add_checkpoint(body(9, {}, log_.note(7, log_key_))).status, 400U) << "never a smaller one";
}

TEST_F(WitnessTest, AnEmptyLogIsSeenToo) {
  EXPECT_EQ(witness_->add_checkpoint(body(0, {}, sign_checkpoint({kOrigin, 0, log_.root(1)}, log_key_))).status, 422U);
  EXPECT_EQ(add(0, 0, log_).status, 200U);
  EXPECT_EQ(witness_->add_checkpoint(body(0, {log_.root(1)}, log_.note(3, log_key_))).status, 422U) << "nothing to prove from 0";
  EXPECT_EQ(add(0, 3, log_).status, 200U);
}

TEST_F(WitnessTest, WhatItSawOutlivesIt) {
  ASSERT_EQ(add(0, 7, log_).status, 200U);
  ASSERT_EQ(add(7, 200, log_).status, 200U);
  open();
  EXPECT_EQ(add(0, 7, log_).body, "200\n");
  EXPECT_EQ(add(200, 300, SomeLog(300, 5)).status, 422U);
  EXPECT_EQ(add(200, 300, log_).status, 200U);
}

TEST_F(WitnessTest, DamageToWhatItKeptNeverBringsBackASmallerSize) {
  ASSERT_EQ(add(0, 7, log_).status, 200U);
  ASSERT_EQ(add(7, 200, log_).status, 200U);
  const auto damage = [&](int slot) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.path().filename() != "checkpoint-" + std::to_string(slot)) continue;
      std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(60);
      file.put('\xff');
    }
  };
  for (const int slot : {0, 1, 0}) {  // one after another: each time the other has it, and mends this one
    damage(slot);
    open();
    EXPECT_EQ(add(0, 7, log_).body, "200\n") << slot;
  }
  damage(0);
  damage(1);
  open();
  EXPECT_EQ(add(0, 7, log_).status, 503U) << "it does not begin anew as if it had seen nothing";
}

TEST_F(WitnessTest, SlotsThatAreCutAreEvidenceAndNoBeginning) {
  for (const std::uintmax_t left : {std::uintmax_t{0}, std::uintmax_t{100}}) {
    std::filesystem::remove_all(folder_.path() / "state");
    open();
    ASSERT_EQ(add(0, 9, log_).status, 200U);
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (file.path().filename().string().starts_with("checkpoint-")) std::filesystem::resize_file(file.path(), left);
    }
    for (int i = 0; i < 3; ++i) {  // not only the first time
      open();
      EXPECT_EQ(add(0, 9, SomeLog(300, 3)).status, 503U) << left;
      EXPECT_EQ(add(0, 9, SomeLog(300, 3)).status, 503U) << left;
    }
  }
}

TEST_F(WitnessTest, AWriteThatWasBrokenOffIsMadeWholeAgain) {
  ASSERT_EQ(add(0, 7, log_).status, 200U);
  ASSERT_EQ(add(7, 9, log_).status, 200U);
  std::filesystem::path state;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "state")) state = entry.path();
  { (void)(*CheckpointSlots::open(state))->write(log_.note(12, log_key_)); }  // the first of the two writes, and no answer
  open();
  EXPECT_EQ(add(0, 12, log_).body, "12\n");
  const auto slots = [&](int slot) {
    std::ifstream in(state / ("checkpoint-" + std::to_string(slot)), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  for (int slot = 0; slot < 2; ++slot) EXPECT_NE(slots(slot).find("\n12\n"), std::string::npos) << slot;
}

TEST_F(WitnessTest, NobodyBlindsItWithCopiesOfASignature) {
  std::string note = log_.note(9, log_key_);
  const std::string line = note.substr(note.rfind("\n\n") + 2);
  for (int i = 0; i < 15; ++i) note += line;
  ASSERT_EQ(witness_->add_checkpoint(body(0, {}, note)).status, 200U);
  const std::string shown = **witness_->newest(kOrigin);
  EXPECT_TRUE(open_checkpoint(shown, VerifierKey::of(kOrigin, log_key_))) << shown;
  EXPECT_TRUE(cosigned_at(shown, witness_->key())->has_value());
}

TEST_F(WitnessTest, TwoCheckpointsThatContradictEachOtherAreKeptAsProof) {
  ASSERT_EQ(add(0, 9, log_).status, 200U);
  const SomeLog fork(300, 5);
  EXPECT_EQ(witness_->add_checkpoint(body(0, {}, fork.note(9, log_key_))).status, 422U) << "whatever it says was before";
  EXPECT_EQ(witness_->add_checkpoint(body(9, {}, fork.note(9, log_key_))).status, 422U);
  ASSERT_EQ(witness_->conflicts().size(), 1U) << "once";
  std::ifstream in(witness_->conflicts().front(), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto key = VerifierKey::of(kOrigin, log_key_);
  ASSERT_TRUE(is_conflict(text));
  ASSERT_TRUE(check_conflict(text, key));
  EXPECT_EQ(check_conflict(text, key)->size, 9U);
  ASSERT_EQ(kept_conflicts(folder_.path() / "state"), witness_->conflicts());
  const auto told = read_conflict_file(witness_->conflicts().front());
  ASSERT_TRUE(told) << describe(told.error());
  EXPECT_EQ(std::pair(told->origin, told->size), std::pair(std::string(kOrigin), std::uint64_t{9}));
  EXPECT_EQ(told->text, text);
  std::ofstream(folder_.path() / "other") << text.substr(0, 60);
  EXPECT_FALSE(read_conflict_file(folder_.path() / "other"));
  EXPECT_FALSE(read_conflict_file(folder_.path() / "none"));
  EXPECT_FALSE(check_conflict(text, VerifierKey::of(kOrigin, witness_key_))) << "not of that log";
  const std::size_t between = text.find("\n---\n");
  EXPECT_FALSE(check_conflict(text.substr(0, between + 5) + log_.note(9, log_key_), key)) << "the same twice contradicts nothing";
  EXPECT_FALSE(check_conflict(text.substr(0, between + 5) + fork.note(10, log_key_), key)) << "sizes differ: no proof by itself";
  EXPECT_FALSE(check_conflict(text.substr(0, between), key));
}

TEST_F(WitnessTest, OfManyAtOnceNoneIsRolledBack) {
  ASSERT_EQ(add(0, 1, log_).status, 200U);
  const SomeLog fork(300, 1);
  std::mutex mutex;
  std::map<std::uint64_t, std::set<std::string>> cosigned;  // size -> notes
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const SomeLog& mine = t % 2 == 0 ? log_ : fork;  // both go on from the same entry
      std::uint64_t old = 1;
      for (std::uint64_t size = 2; size <= 120; ++size) {
        const auto answer = add(old, size, mine);
        if (answer.status == 409) old = std::stoull(answer.body);
        if (answer.status != 200) continue;
        old = size;
        const std::lock_guard lock(mutex);
        cosigned[size].insert(mine.note(size, log_key_));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_FALSE(cosigned.empty());
  const bool first = cosigned.begin()->second.contains(log_.note(cosigned.begin()->first, log_key_));
  for (const auto& [size, notes] : cosigned) {
    EXPECT_EQ(notes.size(), 1U) << size;
    EXPECT_EQ(notes.contains((first ? log_ : fork).note(size, log_key_)), true) << "one history, whoever came first: " << size;
  }
}

}  // namespace
}  // namespace sluis::provenance
