#include "connector/provenance/merkle.hpp"

#include "connector/crypto/crypto.hpp"

#include <algorithm>
#include <bit>

namespace sluis::provenance {
namespace {

/// The root of leaves [begin, end), where `begin` is a multiple of the largest power of two below the range's size.
Result<Hash> range_root(std::uint64_t begin, std::uint64_t end, const NodeSource& nodes) {
  const std::uint64_t size = end - begin;
  if (std::has_single_bit(size) && begin % size == 0) {
    const auto height = static_cast<unsigned>(std::countr_zero(size));
    return nodes(height, begin >> height);
  }
  const std::uint64_t left = std::bit_floor(size - 1);
  SLUIS_TRY(const Hash a, range_root(begin, begin + left, nodes));
  SLUIS_TRY(const Hash b, range_root(begin + left, end, nodes));
  return node_hash(a, b);
}

Result<void> inclusion_path(std::uint64_t index, std::uint64_t begin, std::uint64_t end, const NodeSource& nodes,
                            std::vector<Hash>& out) {
  if (end - begin == 1) return {};
  const std::uint64_t middle = begin + std::bit_floor(end - begin - 1);
  if (index < middle) {
    SLUIS_CHECK(inclusion_path(index, begin, middle, nodes, out));
    SLUIS_TRY(const Hash right, range_root(middle, end, nodes));
    out.push_back(right);
  } else {
    SLUIS_CHECK(inclusion_path(index, middle, end, nodes, out));
    SLUIS_TRY(const Hash left, range_root(begin, middle, nodes));
    out.push_back(left);
  }
  return {};
}

/// RFC 6962 section 2.1.2, SUBPROOF(m, D[begin:end], whole).
Result<void> sub_proof(std::uint64_t m, std::uint64_t begin, std::uint64_t end, bool whole, const NodeSource& nodes,
                       std::vector<Hash>& out) {
  if (m == end) {
    if (!whole) {
      SLUIS_TRY(const Hash root, range_root(begin, end, nodes));
      out.push_back(root);
    }
    return {};
  }
  const std::uint64_t middle = begin + std::bit_floor(end - begin - 1);
  if (m <= middle) {
    SLUIS_CHECK(sub_proof(m, begin, middle, whole, nodes, out));
    SLUIS_TRY(const Hash right, range_root(middle, end, nodes));
    out.push_back(right);
  } else {
    SLUIS_CHECK(sub_proof(m, middle, end, false, nodes, out));
    SLUIS_TRY(const Hash left, range_root(begin, middle, nodes));
    out.push_back(left);
  }
  return {};
}

}  // namespace

Hash leaf_hash(std::string_view entry) {
  crypto::Sha256 sha;
  sha.update(std::string_view("\x00", 1));
  sha.update(entry);
  return sha.finish();
}

Hash node_hash(const Hash& left, const Hash& right) {
  char bytes[65];
  bytes[0] = 1;
  std::copy(left.begin(), left.end(), bytes + 1);
  std::copy(right.begin(), right.end(), bytes + 33);
  return crypto::sha256(std::string_view(bytes, sizeof bytes));
}

Hash empty_root() { return crypto::sha256(""); }

void Frontier::append(const Hash& leaf, const OnNode& on_node) {
  Hash node = leaf;
  if (on_node) on_node(0, node);
  unsigned height = 0;
  for (std::uint64_t bits = size_; (bits & 1U) != 0; bits >>= 1U) {
    node = node_hash(subtrees_.back(), node);
    subtrees_.pop_back();
    ++height;
    if (on_node) on_node(height, node);
  }
  subtrees_.push_back(node);
  ++size_;
}

Hash Frontier::root() const {
  if (subtrees_.empty()) return empty_root();
  Hash root = subtrees_.back();
  for (std::size_t i = subtrees_.size() - 1; i-- > 0;) root = node_hash(subtrees_[i], root);
  return root;
}

Result<Frontier> Frontier::restore(std::uint64_t size, std::vector<Hash> subtrees) {
  if (static_cast<std::size_t>(std::popcount(size)) != subtrees.size()) {
    return Error(ErrorCode::corruption, "the tree's right edge does not fit its size");
  }
  Frontier frontier;
  frontier.size_ = size;
  frontier.subtrees_ = std::move(subtrees);
  return frontier;
}

Result<Hash> root_of(std::uint64_t size, const NodeSource& nodes) {
  if (size == 0) return empty_root();
  return range_root(0, size, nodes);
}

Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeSource& nodes) {
  if (index >= size) {
    return Error(ErrorCode::not_found, "entry " + std::to_string(index) + " is not in a log of " + std::to_string(size));
  }
  std::vector<Hash> out;
  SLUIS_CHECK(inclusion_path(index, 0, size, nodes, out));
  return out;
}

Result<std::vector<Hash>> consistency_proof(std::uint64_t first, std::uint64_t second, const NodeSource& nodes) {
  if (first > second) {
    return Error(ErrorCode::invalid_argument,
                 "a log of " + std::to_string(second) + " cannot extend one of " + std::to_string(first));
  }
  std::vector<Hash> out;
  if (first == 0 || first == second) return out;
  SLUIS_CHECK(sub_proof(first, 0, second, true, nodes, out));
  return out;
}

bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> proof,
                      const Hash& root) {
  if (index >= size) return false;
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Hash r = leaf;
  for (const Hash& p : proof) {
    if (sn == 0) return false;
    if ((fn & 1U) != 0 || fn == sn) {
      r = node_hash(p, r);
      if ((fn & 1U) == 0) {
        while (fn != 0 && (fn & 1U) == 0) {
          fn >>= 1U;
          sn >>= 1U;
        }
      }
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  return sn == 0 && r == root;
}

bool verify_consistency(std::uint64_t first, std::uint64_t second, std::span<const Hash> proof, const Hash& first_root,
                        const Hash& second_root) {
  if (first == 0 || first > second) return false;
  if (first == second) return proof.empty() && first_root == second_root;
  std::vector<Hash> path(proof.begin(), proof.end());
  if (std::has_single_bit(first)) path.insert(path.begin(), first_root);
  if (path.empty()) return false;
  std::uint64_t fn = first - 1;
  std::uint64_t sn = second - 1;
  while ((fn & 1U) != 0) {
    fn >>= 1U;
    sn >>= 1U;
  }
  Hash fr = path.front();
  Hash sr = path.front();
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (sn == 0) return false;
    if ((fn & 1U) != 0 || fn == sn) {
      fr = node_hash(path[i], fr);
      sr = node_hash(path[i], sr);
      while (fn != 0 && (fn & 1U) == 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      sr = node_hash(sr, path[i]);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  return sn == 0 && fr == first_root && sr == second_root;
}

}  // namespace sluis::provenance
