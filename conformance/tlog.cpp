#include "conformance/suites.hpp"
#include "connector/base/bytes.hpp"
#include "connector/provenance/merkle.hpp"
#include "connector/provenance/note.hpp"
#include "connector/provenance/tiles.hpp"

#include <functional>

namespace sluis::conformance {
namespace {

using namespace provenance;

constexpr int kLeastCases = 206;
/// The golden log's key, as its makers publish it beside it.
constexpr const char* kGoldenKey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

/// And what it signs with, which they publish too, as all of it is a test: an algorithm byte, and the seed.
constexpr const char* kGoldenSeed = "AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg";
constexpr std::uint64_t kGoldenEntries = 15;

/// One vector, read; a hash that is none of 32 bytes makes it unreadable.
struct Vector {
  json::Value value;
  bool readable = true;

  Hash hash(std::string_view text) {
    const auto bytes = from_base64(std::string(text));
    const auto hash = bytes ? to_hash(*bytes) : Result<Hash>(Error());
    if (!hash) readable = false;
    return hash ? *hash : Hash{};
  }
  Hash hash_of(std::string_view key) { return hash(text_of(value, key)); }
  std::vector<Hash> proof() {
    std::vector<Hash> proof;
    const json::Value* list = value.find("proof");
    if (list == nullptr || list->if_array() == nullptr) return proof;
    for (const json::Value& one : *list->if_array())
      proof.push_back(hash(one.if_string() != nullptr ? *one.if_string() : ""));
    return proof;
  }
  std::uint64_t number(std::string_view key) {
    const json::Value* found = value.find(key);
    return found != nullptr && found->if_number() != nullptr ? std::stoull(found->if_number()->text) : 0;
  }
};

bool inclusion_holds(Vector& vector) {
  return verify_inclusion(vector.hash_of("leafHash"), vector.number("leafIdx"), vector.number("treeSize"),
                          vector.proof(), vector.hash_of("root"));
}

bool consistency_holds(Vector& vector) {
  const auto proof = vector.proof();
  const Hash first = vector.hash_of("root1");
  const Hash second = vector.hash_of("root2");
  const std::uint64_t from = vector.number("size1");
  const std::uint64_t to = vector.number("size2");
  // A log of no entries is followed by any log; the vectors say so for equal sizes only.
  if (from == 0 && to == 0) return proof.empty() && first == empty_root() && second == empty_root();
  return verify_consistency(from, to, proof, first, second);
}

void run_proofs(const std::filesystem::path& folder, const std::function<bool(Vector&)>& holds, Tally& tally) {
  if (!std::filesystem::is_directory(folder)) return;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (file.path().extension() != ".json") continue;
    const std::string name = std::filesystem::relative(file.path(), folder.parent_path()).string();
    auto value = json::parse(read_file(file.path()));
    if (!value) {
      tally.fail(name, describe(value.error()));
      continue;
    }
    Vector vector{std::move(*value)};
    const json::Value* wrong = vector.value.find("wantErr");
    const bool want = wrong == nullptr || !*wrong->if_bool();
    const bool got = holds(vector);
    if (want && !vector.readable)
      tally.skip(name, "its roots are no hashes; here a root has 32 bytes by its type");
    else if ((got && vector.readable) == want)
      tally.pass();
    else
      tally.fail(name, want ? "a good proof is refused" : "a bad proof is taken");
  }
}

/// What its makers wrote into the log, of which each size has the first so many.
Result<std::vector<std::string>> golden_entries(const std::filesystem::path& folder) {
  return parse_bundle(read_file(folder / bundle_path(0, kGoldenEntries)));
}

/// Empty if this code, given the entries and the key alone, writes the log at that size byte for byte as its makers did: the signed checkpoint, the
/// tile of hashes and the bundle of entries; and reads that checkpoint.
std::string golden_fault(const std::filesystem::path& folder, std::uint64_t size, const std::vector<std::string>& entries, const crypto::Key& signing,
                         const VerifierKey& key) {
  Frontier frontier;
  std::string tile, bundle;
  for (std::uint64_t i = 0; i < size; ++i) {
    frontier.append(leaf_hash(entries[i]));
    tile += view(leaf_hash(entries[i]));
    put_bundle_entry(bundle, entries[i]);
  }
  const std::string note = sign_checkpoint({key.name(), size, frontier.root()}, signing);
  const std::string theirs = read_file(folder / ("checkpoint." + std::to_string(size)));
  if (note != theirs) return "another checkpoint";
  const auto checkpoint = open_checkpoint(theirs, key);
  if (!checkpoint) return describe(checkpoint.error());
  if (checkpoint->size != size) return "another size is read";
  if (size == 0) return tile_width(0, 0, 0) == 0 ? "" : "a log without entries has a tile";
  if (read_file(folder / tile_path(0, 0, tile_width(0, 0, size))) != tile) return "another tile";
  return read_file(folder / bundle_path(0, size)) == bundle ? "" : "another bundle";
}

void run_golden(const std::filesystem::path& folder, Tally& tally) {
  if (!std::filesystem::is_directory(folder)) return;
  const auto key = VerifierKey::parse(kGoldenKey);
  if (!key) return tally.fail("golden-log", describe(key.error()));
  const auto entries = golden_entries(folder);
  if (!entries || entries->size() != kGoldenEntries) return tally.fail("golden-log", entries ? "another number of entries" : describe(entries.error()));
  const auto seed = from_base64(kGoldenSeed);
  const auto signing = seed ? crypto::Key::from_ed25519_seed(std::string_view(*seed).substr(1)) : Result<crypto::Key>(seed.error());
  if (!signing) return tally.fail("golden-log", describe(signing.error()));
  for (std::uint64_t size = 0; size <= kGoldenEntries; ++size) {
    const std::string why = golden_fault(folder, size, *entries, *signing, *key);
    if (why.empty())
      tally.pass();
    else
      tally.fail("golden-log checkpoint." + std::to_string(size), why);
  }
}

}  // namespace

void run_tlog(const Options& options, Tally& tally) {
  std::optional<std::filesystem::path> folder = options.cases;
  if (!folder && options.vectors) folder = *options.vectors / "tlog";
  if (!folder || !std::filesystem::is_directory(*folder)) return;
  run_proofs(*folder / "testdata/inclusion", inclusion_holds, tally);
  run_proofs(*folder / "testdata/consistency", consistency_holds, tally);
  run_golden(*folder / "golden-log", tally);
  const int least = options.cases ? 1 : kLeastCases;
  if (tally.cases() != 0 && tally.cases() < least)
    tally.fail("tlog", "fewer than " + std::to_string(least) + " cases");
}

}  // namespace sluis::conformance
