#pragma once

#include "connector/commit/sequencer.hpp"
#include "connector/gate/evidence.hpp"
#include "connector/gate/open.hpp"
#include "connector/storage/memory_store.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

/// A provider or consumer in memory, with a real sequencer and log.
namespace sluis::test {

inline const std::string kCrowd = "https://example.org/purpose#CrowdManagement";
inline const std::string kMarketing = "https://w3id.org/dpv#Marketing";

inline std::shared_ptr<const policy::Vocabulary> small_vocabulary() {
  auto parsed = policy::Vocabulary::parse(
      "https://w3id.org/dpv#Purpose\tPurpose\t\t\n"
      "https://w3id.org/dpv#Marketing\tMarketing\t\thttps://w3id.org/dpv#Purpose\n"
      "https://example.org/purpose#CrowdManagement\tCrowd management\t\thttps://w3id.org/dpv#Purpose\n",
      "purposes.tsv");
  EXPECT_TRUE(parsed) << describe(parsed.error());
  return std::make_shared<const policy::Vocabulary>(std::move(*parsed));
}

/// The memory outlives "reopening", as a disk does.
class Disk final : public storage::KvStore {
 public:
  explicit Disk(storage::MemoryStore& memory) : memory_(memory) {}
  Result<std::optional<std::string>> get(std::string_view key) const override { return memory_.get(key); }
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return memory_.scan(prefix, from, visit);
  }
  Result<void> write(const std::vector<storage::Change>& changes, bool sync) override {
    return memory_.write(changes, sync);
  }
  std::unique_ptr<storage::Reader> snapshot() const override { return memory_.snapshot(); }
  Result<void> purge() const override { return memory_.purge(); }

 private:
  storage::MemoryStore& memory_;
};

/// Passes on, unless told to refuse or to hold; counts.
class WatchedCommits final : public CommitPort {
 public:
  void submit(Commit commit, Completion done) override { inner->submit(std::move(commit), std::move(done)); }
  Result<CommitReceipt> commit_and_wait(Commit commit) override {
    if (refuse) return Error(ErrorCode::storage_unavailable, "the disk is full");
    {
      std::unique_lock lock(mutex);
      ++waiting;
      changed.notify_all();
      changed.wait(lock, [this] { return !hold; });
    }
    if (before_commit) std::exchange(before_commit, nullptr)();
    auto done = inner->commit_and_wait(std::move(commit));
    if (after_commit) std::exchange(after_commit, nullptr)();
    return done;
  }
  void release() {
    const std::lock_guard lock(mutex);
    hold = false;
    changed.notify_all();
  }
  void wait_for_caller() {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [this] { return waiting > 0; }));
  }

  CommitPort* inner = nullptr;
  std::atomic<bool> refuse = false;
  std::function<void()> before_commit;
  std::function<void()> after_commit;
  std::mutex mutex;
  std::condition_variable changed;
  bool hold = false;
  int waiting = 0;
};

/// Keeps what it was given; can be told to run something after the first bytes.
class Sink final : public http::ResponseSink {
 public:
  Result<void> start(unsigned got, const http::Headers& with, std::optional<std::uint64_t>) override {
    status = got;
    headers = with;
    return answer();
  }
  Result<void> write(std::string_view bytes) override {
    if (is_cut) return Error(ErrorCode::peer_unavailable, "reset");
    if (keep) body += bytes;
    size += bytes.size();
    if (on_write) on_write();
    return answer();
  }
  Result<void> finish(const http::Headers& with) override {
    if (is_cut) return Error(ErrorCode::peer_unavailable, "reset");
    trailers = with;
    finished = true;
    if (on_finish) on_finish();
    return {};
  }
  void cut() override {
    is_cut = true;
    cut_at = std::chrono::steady_clock::now();
  }
  Result<void> answer() const {
    if (gone) return Error(ErrorCode::peer_unavailable, "closed");
    return {};
  }

  unsigned status = 0;
  http::Headers headers;
  std::string body;
  std::atomic<std::size_t> size = 0;
  http::Headers trailers;
  std::function<void()> on_finish = {};
  bool finished = false;
  bool keep = true;
  std::atomic<bool> gone = false;
  std::atomic<bool> is_cut = false;
  std::atomic<std::chrono::steady_clock::time_point> cut_at{};
  std::function<void()> on_write;
};

struct FixedDatasets final : gate::Datasets {
  Result<gate::ReleasePlan> find(const DatasetId& dataset) override {
    const std::lock_guard lock(mutex);
    if (gone || dataset != plan.id) return Error(ErrorCode::not_found, "no such dataset");
    return plan;
  }
  Result<gate::ReleasePlan> find_open(std::string_view path) override {
    const std::lock_guard lock(mutex);
    if (gone || path != "counts") return Error(ErrorCode::not_found, "no such dataset");
    return plan;
  }
  std::mutex mutex;
  gate::ReleasePlan plan;
  bool gone = false;
};

struct FixedMembership final : gate::Membership {
  Result<Timestamp> admitted_until(const ParticipantId&, Timestamp now) override {
    if (now >= until.load()) return Error(ErrorCode::permission_denied, "the membership list has expired");
    return until.load();
  }
  bool keeps_evidence(const ParticipantId&, Timestamp) override { return evidence; }
  std::atomic<bool> evidence = true;
  Result<void> still_good(const http::PeerCertificate& certificate) override {
    const std::lock_guard lock(mutex);
    if (certificate.sha256 == revoked) return Error(ErrorCode::permission_denied, "its certificate was revoked");
    return {};
  }
  std::atomic<Timestamp> until = *parse_time("2027-06-01T00:00:00Z");
  void revoke(const std::string& digest) {
    const std::lock_guard lock(mutex);
    revoked = digest;
  }
  std::mutex mutex;
  std::string revoked;  ///< the digest of a certificate
};

class SequencerClock final : public gate::DecisionClock {
 public:
  Timestamp now() const override { return sequencer->decision_time(); }
  bool behind() const override { return sequencer->clock_behind(); }
  commit::Sequencer* sequencer = nullptr;
};

class World : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(sequencer_.open());
    commits_.inner = &sequencer_;
    decisions_.sequencer = &sequencer_;
    std::filesystem::create_directories(data());
    write_file("counts.csv", "time,counter,total\n10:00,a,12\n11:00,a,7\n");
    datasets_.plan.id = DatasetId("urn:waterrijk:counts");
    datasets_.plan.folder = data();
    datasets_.plan.file = "counts.csv";
    datasets_.plan.columns.columns = {{"time", policy::ColumnAction::keep, false},
                                      {"total", policy::ColumnAction::keep, true}};
    datasets_.plan.assessed_until = *parse_time("2027-11-26T00:00:00Z");
  }
  std::filesystem::path data() const { return folder_.path() / "data"; }
  void write_file(const std::string& name, std::string_view text) const {
    std::ofstream(data() / name, std::ios::binary) << text;
  }

  /// An active agreement, as stored; `peer` is the other party.
  negotiation::AgreementRecord put_agreement(const std::string& peer, const std::string& rules) {
    negotiation::AgreementRecord record;
    record.id = AgreementId("urn:agreement:1");
    record.peer = ParticipantId(peer);
    record.dataset = DatasetId("urn:waterrijk:counts");
    auto agreement = json::parse(
        R"({"@id":"urn:agreement:1","@type":"Agreement","target":"urn:waterrijk:counts","assigner":"urn:waterrijk",)"
        R"("assignee":"urn:duinmeer","timestamp":"2026-11-26T08:00:00Z",)" + rules + "}");
    EXPECT_TRUE(agreement) << describe(agreement.error());
    record.agreement = std::move(*agreement);
    record.agreement_hash = crypto::sha256(rules);
    record.offer_hash = crypto::sha256("offer");
    record.timestamp = *parse_time("2026-11-26T08:00:00Z");
    store_agreement(record);
    return record;
  }
  void store_agreement(const negotiation::AgreementRecord& record) {
    Commit commit;
    commit.changes.push_back({negotiation::agreement_key(record.id), negotiation::encode(record)});
    EXPECT_TRUE(sequencer_.commit_and_wait(std::move(commit)));
  }
  static std::string constraint(const std::string& left, const std::string& op, const std::string& right) {
    return R"({"leftOperand":")" + left + R"(","operator":")" + op + R"(","rightOperand":)" + right + "}";
  }
  static std::string permit(const std::string& constraints) {
    return R"("permission":[{"action":"use","constraint":[)" + constraints + "]}]";
  }
  static std::string crowd_only(const std::string& more = "") {
    return permit(constraint("purpose", "isA", "\"" + kCrowd + "\"") + more);
  }

  struct Entry {
    std::uint8_t kind;
    v1::Shared shared;
    v1::Internal internal;
  };
  std::vector<Entry> entries() {
    provenance::LogReader log(store_, keys_);
    std::vector<Entry> out;
    for (std::uint64_t i = 0;; ++i) {
      const auto leaf = log.leaf(i);
      const auto payload = log.payload(i);
      if (!leaf || !payload) return out;
      Entry entry{leaf->kind, {}, {}};
      EXPECT_TRUE(entry.shared.ParseFromString(payload->shared));
      EXPECT_TRUE(entry.internal.ParseFromString(payload->internal));
      out.push_back(std::move(entry));
    }
  }
  std::vector<Entry> entries_of(provenance::EntryKind kind) {
    std::vector<Entry> out;
    for (Entry& entry : entries()) {
      if (entry.kind == static_cast<std::uint8_t>(kind)) out.push_back(std::move(entry));
    }
    return out;
  }
  std::size_t keys_under(std::string_view prefix) {
    std::size_t count = 0;
    EXPECT_TRUE(store_.scan(prefix, prefix, [&](std::string_view, std::string_view) { return ++count > 0; }));
    return count;
  }

  TempFolder folder_;
  ManualClock clock_;
  SeededRandom random_;
  storage::MemoryStore memory_;
  storage::ReopeningStore store_{[this]() -> Result<std::unique_ptr<storage::KvStore>> {
    return std::unique_ptr<storage::KvStore>(std::make_unique<Disk>(memory_));
  }};
  provenance::PayloadKeys keys_{folder_.path() / "keys", random_};
  commit::Sequencer sequencer_{store_, keys_, clock_, random_,
                               {"waterrijk.example/log", crypto::Key::generate(crypto::Key::Kind::ed25519),
                                folder_.path() / "slots"}};
  WatchedCommits commits_;
  SequencerClock decisions_;
  FixedDatasets datasets_;
  FixedMembership membership_;
  gate::ProgramCache programs_;
  std::atomic<int> cuts_timed_ = 0;
  std::atomic<double> slowest_cut_ = 0;
  gate::StreamRegistry streams_{clock_, [this](std::chrono::duration<double> took) {
                                  ++cuts_timed_;
                                  slowest_cut_ = std::max(slowest_cut_.load(), took.count());
                                }};
  std::shared_ptr<const policy::Vocabulary> vocabulary_ = small_vocabulary();
};

}  // namespace sluis::test
