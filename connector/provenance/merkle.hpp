#pragma once

#include "connector/base/bytes.hpp"

#include <functional>
#include <span>
#include <vector>

/// RFC 6962 section 2.1: hashing and proofs. Pure.
namespace sluis::provenance {

Hash leaf_hash(std::string_view entry);
Hash node_hash(const Hash& left, const Hash& right);
/// The root of a tree without entries.
Hash empty_root();

/// The right edge of a growing tree: the perfect subtrees of its size, largest first.
class Frontier {
 public:
  using OnNode = std::function<void(unsigned height, const Hash& hash)>;

  std::uint64_t size() const { return size_; }
  /// `on_node` is told each perfect subtree that this leaf completes, from the leaf (height 0) up.
  void append(const Hash& leaf, const OnNode& on_node = {});
  Hash root() const;

  const std::vector<Hash>& subtrees() const { return subtrees_; }
  /// corruption where the count of subtrees does not fit the size.
  static Result<Frontier> restore(std::uint64_t size, std::vector<Hash> subtrees);

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> subtrees_;
};

/// Where a proof's hashes come from: the root of the perfect subtree of 2^height leaves that starts at leaf
/// index * 2^height.
using NodeSource = std::function<Result<Hash>(unsigned height, std::uint64_t index)>;

/// Root of the first `size` leaves.
Result<Hash> root_of(std::uint64_t size, const NodeSource& nodes);
/// index < size.
Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeSource& nodes);
/// first <= second; empty where first is 0 or equal to second.
Result<std::vector<Hash>> consistency_proof(std::uint64_t first, std::uint64_t second, const NodeSource& nodes);

bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> proof,
                      const Hash& root);
/// A first size of 0 is refused: it proves nothing.
bool verify_consistency(std::uint64_t first, std::uint64_t second, std::span<const Hash> proof, const Hash& first_root,
                        const Hash& second_root);

}  // namespace sluis::provenance
