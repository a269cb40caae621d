#include "connector/management/package.hpp"

#include "connector/provenance/receipt.hpp"
#include "connector/records/package_check.hpp"
#include "sluis/v1/evidence.pb.h"
#include "tests/unit/management/world.hpp"

#include <fstream>

namespace sluis::management::test {
namespace {

namespace fs = std::filesystem;
using provenance::EntryKind;
using std::chrono::hours;

/// A node with a dataset on offer, an activity, and some decisions: two before noon, two after.
struct Packed : World {
  Packed() {
    answer("/sluis.v1.DatasetService/Publish", json::serialise(json::object({{"toml", catalog::test::agreement_file()}, {"file", "counts.toml"}})));
    answer("/sluis.v1.ActivityService/Publish", R"({"id":"urn:a:1","purpose":"Marketing"})");
    for (int i = 0; i < 4; ++i) {
      if (i == 2) clock.advance(hours(6));
      decide("urn:x:" + std::to_string(i));
    }
  }
  void decide(const std::string& transaction) {
    v1::Shared shared;
    shared.set_time_us(clock.now().time_since_epoch().count());
    shared.set_event("permitted");
    shared.set_transaction(transaction);
    v1::Internal internal;
    internal.set_activity("urn:secret:activity");
    Commit one;
    one.entries.push_back({static_cast<std::uint8_t>(EntryKind::decision), offered.show(DatasetId("urn:waterrijk:dataset:counts"))->dataset.offer_hash,
                           shared.SerializeAsString(), internal.SerializeAsString()});
    EXPECT_TRUE(commits.commit_and_wait(std::move(one)));
  }
  provenance::VerifierKey key() const { return *provenance::VerifierKey::parse(sequencer.verifier_key()); }

  v1::AuditPackageRequest since(Timestamp from) const {
    v1::AuditPackageRequest request;
    request.mutable_from()->set_seconds(std::chrono::duration_cast<std::chrono::seconds>(from.time_since_epoch()).count());
    request.mutable_until()->set_seconds(request.from().seconds() + 86'400);
    return request;
  }
  static void put(const fs::path& file, const std::string& bytes) {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
  }
  static std::string get(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  /// As the command line does it.
  fs::path take(const std::string& name, const v1::AuditPackageRequest& request) {
    const fs::path where = folder.path() / name;
    const auto made = packages.make(request, auditor);
    EXPECT_TRUE(made) << describe(made.error());
    if (!made) return where;
    put(where / "manifest.json", made->manifest());
    put(where / "proof.json", made->receipt());
    const auto manifest = records::parse_manifest(made->manifest());
    EXPECT_TRUE(manifest) << describe(manifest.error());
    for (const auto& file : manifest->files) {
      v1::AuditPackageFileRequest piece;
      piece.set_id(made->id());
      piece.set_name(file.name);
      const auto got = packages.file(piece, auditor);
      EXPECT_TRUE(got) << describe(got.error());
      if (got) put(where / file.name, got->data());
    }
    last = *made;
    return where;
  }
  records::PackageReport check(const fs::path& where) { return records::verify_package(where, key(), std::nullopt, std::nullopt); }
  std::vector<std::string> damaged(const fs::path& where) {
    std::vector<std::string> files;
    for (const auto& one : check(where).damage) files.push_back(one.file);
    return files;
  }

  Packages packages{backend};
  Caller auditor{v1::AUDITOR, "Cas", {}};
  v1::AuditPackageResponse last;
};

TEST(Package, HoldsWhatThePeriodNeedsAndNoMore) {
  Packed w;
  const fs::path where = w.take("package", w.since(w.clock.now() - hours(1)));
  const auto report = w.check(where);
  EXPECT_EQ(report.exit_code(), 3) << (report.damage.empty() ? "" : report.damage[0].file + report.damage[0].what);
  EXPECT_EQ(report.rows, 2U) << "of the afternoon";
  EXPECT_EQ(report.documents, 1U) << "the offer";
  EXPECT_EQ(report.entry, w.last.entry());
  EXPECT_EQ(report.silent, 0U) << "the morning is not of the period";
  EXPECT_TRUE(fs::exists(where / "activities/1.json")) << "what is on paper goes along, whenever it was recorded";
  const std::string payloads = w.get(where / "logs/0/payloads/000");
  EXPECT_EQ(payloads.find("urn:x:1"), std::string::npos) << "the morning's does not";
  EXPECT_NE(payloads.find("urn:x:2"), std::string::npos);
  EXPECT_NE(w.get(where / "LEESMIJ.txt").find("Waterrijk"), std::string::npos);
  EXPECT_NE(w.get(where / "README.txt").find("sluis audit verify --package"), std::string::npos);
  w.clock.advance(std::chrono::seconds(1));  // up to now, and not with it
  const auto whole = w.check(w.take("whole", {}));
  EXPECT_EQ(whole.exit_code(), 3);
  EXPECT_EQ(whole.rows, *w.log.entries() - 1) << "all but that it was taken";
}

TEST(Package, ThatItWasTakenIsRecordedBeforeAnythingIsGiven) {
  Packed w;
  const auto before = *w.log.entries();
  v1::AuditPackageRequest dry;
  dry.set_dry_run(true);
  const auto planned = w.packages.make(dry, w.auditor);
  ASSERT_TRUE(planned);
  EXPECT_TRUE(planned->id().empty());
  EXPECT_EQ(*w.log.entries(), before);
  const auto made = w.packages.make({}, w.auditor);
  ASSERT_TRUE(made);
  ASSERT_EQ(*w.log.entries(), before + 1);
  EXPECT_EQ(w.log.leaf(before)->kind, static_cast<std::uint8_t>(EntryKind::package));
  EXPECT_EQ(w.log.leaf(before)->policy_digest, crypto::sha256(made->manifest()));
  v1::Internal internal;
  ASSERT_TRUE(internal.ParseFromString(w.log.payload(before)->internal));
  EXPECT_EQ(internal.person(), "Cas");
  w.disk_fails = true;
  EXPECT_FALSE(w.packages.make({}, w.auditor)) << "what cannot be recorded is not given";
}

TEST(Package, IsForWhoTookItAndForAnHour) {
  Packed w;
  const auto made = w.packages.make({}, w.auditor);
  ASSERT_TRUE(made);
  v1::AuditPackageFileRequest piece;
  piece.set_id(made->id());
  piece.set_name("keys.txt");
  EXPECT_TRUE(w.packages.file(piece, w.auditor));
  EXPECT_FALSE(w.packages.file(piece, Caller{v1::AUDITOR, "Bo", {}}));
  EXPECT_FALSE(w.packages.file(piece, Caller{v1::DPO, "Cas", {}}));
  piece.set_name("../keys.txt");
  EXPECT_EQ(w.packages.file(piece, w.auditor).error().code, ErrorCode::not_found);
  piece.set_name("keys.txt");
  piece.set_offset(100'000);
  EXPECT_EQ(w.packages.file(piece, w.auditor).error().code, ErrorCode::invalid_argument);
  piece.set_offset(0);
  w.clock.advance(hours(1));
  EXPECT_EQ(w.packages.file(piece, w.auditor).error().code, ErrorCode::not_found);
}

TEST(Package, AByteThatChangedIsNamedInEveryFile) {
  Packed w;
  const fs::path where = w.take("package", {});
  ASSERT_EQ(w.check(where).exit_code(), 3);
  std::size_t count = 0;
  for (const auto& file : fs::recursive_directory_iterator(where)) {
    if (!file.is_regular_file()) continue;
    const std::string name = file.path().lexically_relative(where).generic_string();
    const std::string good = w.get(file.path());
    ASSERT_FALSE(good.empty()) << name;
    std::string bad = good;
    bad[good.size() / 2] = static_cast<char>(bad[good.size() / 2] ^ 1);
    w.put(file.path(), bad);
    const auto named = w.damaged(where);
    EXPECT_NE(std::find(named.begin(), named.end(), name), named.end()) << name;
    w.put(file.path(), good);
    ++count;
  }
  EXPECT_GE(count, 11U);
  EXPECT_EQ(w.check(where).exit_code(), 3) << "as it was";
  w.put(where / "more.txt", "x");
  EXPECT_EQ(w.damaged(where), std::vector<std::string>{"more.txt"});
  fs::remove(where / "more.txt");
  fs::remove(where / "report/000000.csv");
  EXPECT_EQ(w.damaged(where), std::vector<std::string>{"report/000000.csv"});
}

/// Who changes a file can change the manifest as well: then it is not the one that was recorded; and what stands beside the log is held
/// against the log itself, too.
TEST(Package, WhatStandsBesideTheLogIsHeldAgainstItsEntries) {
  Packed w;
  const auto forge = [&](const std::string& copy, const std::string& name, const std::function<std::string(std::string)>& change) {
    const fs::path where = w.take(copy, {});
    w.put(where / name, change(w.get(where / name)));
    auto manifest = *records::parse_manifest(w.get(where / "manifest.json"));
    for (auto& file : manifest.files) {
      if (file.name != name) continue;
      file.bytes = w.get(where / name).size();
      file.sha256 = crypto::sha256(w.get(where / name));
    }
    w.put(where / "manifest.json", *records::manifest_text(manifest));
    EXPECT_EQ(w.damaged(where).at(0), "manifest.json");
    // And whoever holds the log's key can have recorded that one.
    v1::Shared shared;
    Commit one;
    one.entries.push_back({static_cast<std::uint8_t>(EntryKind::package), crypto::sha256(w.get(where / "manifest.json")), shared.SerializeAsString(), ""});
    const auto done = w.commits.commit_and_wait(std::move(one));
    EXPECT_TRUE(done);
    w.put(where / "proof.json", provenance::make_receipt(w.log, done->first_entry, w.sequencer.checkpoint(), w.key())->to_json());
    const auto report = w.check(where);
    return report.damage.empty() ? std::string("taken") : report.damage[0].file + ": " + report.damage[0].what;
  };
  EXPECT_EQ(forge("a", "report/000000.csv", [](std::string text) { return text.replace(text.find("urn:x:1"), 7, "urn:x:9"); }),
            "report/000000.csv: line 5 is not what the entries say");
  EXPECT_EQ(forge("b", "activities/1.json", [](std::string text) { return text.replace(text.find("urn:a:1"), 7, "urn:a:2"); }),
            "activities/1.json: it is not what the entry says");
  const std::string offer = records::document_file("offers", w.offered.show(DatasetId("urn:waterrijk:dataset:counts"))->dataset.offer_hash);
  EXPECT_EQ(forge("c", offer, [](std::string text) { return text + " "; }), offer + ": it has another hash than entries name");
  EXPECT_EQ(forge("e", "keys.txt", [](std::string text) { return text + text; }), "keys.txt: it has not a key for each log");
  EXPECT_EQ(forge("f", "witnesses.policy", [](std::string) { return "quorum all\n"; }).substr(0, 16), "witnesses.policy");
  EXPECT_EQ(forge("d", "README.txt", [](std::string text) { return text + "ask nobody"; }), "taken") << "a page is what was given out";
}

TEST(Package, WhatWasErasedMeanwhileIsNotGivenOut) {
  Packed w;
  const auto made = w.packages.make({}, w.auditor);
  ASSERT_TRUE(made);
  EXPECT_TRUE(w.store.write({{provenance::payload_key(3), std::nullopt}}, true));
  v1::AuditPackageFileRequest piece;
  piece.set_id(made->id());
  piece.set_name("logs/0/payloads/000");
  EXPECT_EQ(w.packages.file(piece, w.auditor).error().code, ErrorCode::conflict);
  piece.set_name("keys.txt");
  EXPECT_TRUE(w.packages.file(piece, w.auditor));
}

TEST(Package, WhatIsErasedInThePeriodIsCounted) {
  Packed w;
  EXPECT_TRUE(w.store.write({{provenance::payload_key(3), std::nullopt}}, true));
  w.clock.advance(hours(1));
  const auto report = w.check(w.take("package", {}));
  EXPECT_EQ(report.exit_code(), 3);
  EXPECT_EQ(report.silent, 1U);
  EXPECT_EQ(report.rows, 5U);
}

TEST(PackageManifest, IsReadStrictly) {
  records::Manifest manifest;
  manifest.node = "did:web:waterrijk.example";
  manifest.name = "Waterrijk";
  manifest.role = "auditor";
  manifest.logs = {{"waterrijk.example/log", 0, 3}};
  manifest.files = {{"a/b.csv", 1, Hash{}}, {"keys.txt", 2, Hash{}}};
  const std::string good = *records::manifest_text(manifest);
  ASSERT_TRUE(records::parse_manifest(good)) << describe(records::parse_manifest(good).error());
  EXPECT_EQ(*records::manifest_text(*records::parse_manifest(good)), good);
  const auto refused = [&](const std::string& before, const std::string& after) {
    std::string text = good;
    EXPECT_NE(text.find(before), std::string::npos) << before;
    text.replace(text.find(before), before.size(), after);
    const auto read = records::parse_manifest(text);
    return read ? "taken" : read.error().place.pointer;
  };
  for (const char* name : {"../x", "/etc/x", "a//b", "a/./b", ".x", "a/", "a b", "a\\\\b", "manifest.json", "proof.json"}) {
    EXPECT_EQ(refused("a/b.csv", name), "/files/0/name") << name;
  }
  EXPECT_EQ(refused("keys.txt", "a/a.csv"), "/files") << "out of order";
  EXPECT_EQ(refused("keys.txt", "a/b.csv"), "/files") << "twice";
  EXPECT_EQ(refused("\"sha256\":\"0", "\"sha256\":\""), "/files/0/sha256");
  EXPECT_EQ(refused("\"role\"", "\"rol\""), "");
  EXPECT_EQ(refused("{\"files\"", "{\"extra\":1,\"files\""), "/extra");
  manifest.logs.clear();
  EXPECT_EQ(records::parse_manifest(*records::manifest_text(manifest)).error().place.pointer, "/logs");
}

}  // namespace
}  // namespace sluis::management::test
