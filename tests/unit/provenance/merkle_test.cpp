#include "connector/provenance/merkle.hpp"

#include "connector/provenance/note.hpp"
#include "connector/provenance/tiles.hpp"

#include <gtest/gtest.h>

namespace sluis::provenance {
namespace {

std::vector<Hash> leaves(std::size_t count) {
  std::vector<Hash> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(leaf_hash("entry " + std::to_string(i)));
  return out;
}

NodeSource nodes_of(const std::vector<Hash>& all) {
  return [&all](unsigned height, std::uint64_t index) -> Result<Hash> {
    return perfect_root(std::span(all).subspan(index << height, 1ULL << height));
  };
}

TEST(Merkle, AnEmptyTreeHasTheHashOfNothing) {
  EXPECT_EQ(to_hex(Frontier().root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Merkle, EveryProofOfEverySizeHoldsAndNoOther) {
  const std::vector<Hash> all = leaves(40);
  Frontier frontier;
  std::vector<Hash> roots{frontier.root()};
  for (const Hash& leaf : all) {
    frontier.append(leaf);
    roots.push_back(frontier.root());
    EXPECT_EQ(*root_of(frontier.size(), nodes_of(all)), frontier.root());
  }
  for (std::uint64_t size = 1; size <= all.size(); ++size) {
    for (std::uint64_t i = 0; i < size; ++i) {
      auto proof = *inclusion_proof(i, size, nodes_of(all));
      EXPECT_TRUE(verify_inclusion(all[i], i, size, proof, roots[size]));
      EXPECT_FALSE(verify_inclusion(all[i], i + 1, size, proof, roots[size]));
      if (!proof.empty()) {
        proof.back()[0] ^= 1U;
        EXPECT_FALSE(verify_inclusion(all[i], i, size, proof, roots[size]));
      }
    }
    for (std::uint64_t first = 1; first <= size; ++first) {
      auto proof = *consistency_proof(first, size, nodes_of(all));
      EXPECT_TRUE(verify_consistency(first, size, proof, roots[first], roots[size]));
      if (first != size) {
        EXPECT_FALSE(verify_consistency(first, size, proof, roots[size], roots[first]));
      }
    }
  }
}

TEST(Merkle, AFrontierIsRestoredFromItsSubtrees) {
  const std::vector<Hash> all = leaves(23);
  Frontier frontier;
  for (const Hash& leaf : all) frontier.append(leaf);
  EXPECT_EQ(Frontier::restore(23, frontier.subtrees())->root(), frontier.root());
  EXPECT_FALSE(Frontier::restore(22, frontier.subtrees()));
}

TEST(Tiles, PathsAreInGroupsOfThree) {
  EXPECT_EQ(tile_path(0, 0, 256), "tile/0/000");
  EXPECT_EQ(tile_path(1, 1234067, 256), "tile/1/x001/x234/067");
  EXPECT_EQ(tile_path(2, 1000, 7), "tile/2/x001/000.p/7");
  EXPECT_EQ(bundle_path(5, 3), "tile/entries/005.p/3");
}

TEST(Tiles, AnEmptyPartialTileIsNoTile) {
  EXPECT_EQ(tile_width(0, 0, 256), 256U);
  EXPECT_EQ(tile_width(0, 1, 256), 0U);
  EXPECT_EQ(tile_width(1, 0, 255), 0U);
  EXPECT_EQ(tile_width(1, 0, 600), 2U);
  EXPECT_EQ(tile_width(0, 3, 600), 0U);
}

TEST(Note, RefusesWhatIsNotSignedByTheKey) {
  const auto mine = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const auto other = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const std::string note = sign_checkpoint({"waterrijk.example/log", 3, leaf_hash("x")}, mine);
  const auto key = VerifierKey::of("waterrijk.example/log", mine);
  ASSERT_TRUE(open_checkpoint(note, key));
  EXPECT_EQ(VerifierKey::parse(key.text())->text(), key.text());
  EXPECT_FALSE(open_checkpoint(note, VerifierKey::of("waterrijk.example/log", other)));
  EXPECT_FALSE(open_checkpoint(note, VerifierKey::of("duinmeer.example/log", mine)));
  for (std::size_t i = 0; i < note.size(); ++i) {
    std::string changed = note;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(open_checkpoint(changed, key)) << "byte " << i;
  }
}

}  // namespace
}  // namespace sluis::provenance
