#pragma once

#include "connector/json/json.hpp"
#include "tests/support/naive_odrl_values.hpp"

#include <random>
#include <string>
#include <vector>

/// Policies and requests over the whole language of policy/odrl/SEMANTICS.md, from a seed. What is generated is
/// right by that page: both the engine and the naive interpreter must take it.
namespace sluis::test {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(engine_() % count); }
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(most - least + 1));
  }
  bool chance(unsigned percent) { return engine_() % 100 < percent; }
  template <class List>
  const auto& one_of(const List& list) {
    return list[below(std::size(list))];
  }
  std::uint64_t next() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

struct GeneratorOptions {
  bool strategies = true;     ///< `conflict: invalid` too, which may make a policy void
  bool named_duties = false;  ///< every duty has a uid and is written out, so that nothing depends on order
  bool memberships = true;    ///< requests tell of collections
};

/// A policy, and what a request needs to meet it.
struct GeneratedPolicy {
  json::Value value;
  bool suite = false;
  struct Hint {
    std::string operand;
    json::Value value;  ///< as a request gives it
  };
  std::vector<Hint> hints;  ///< values that the policy names
  std::vector<std::string> actions, targets, assignees;
  std::vector<naive::Micros> instants;  ///< where a dateTime changes
  std::vector<naive::Length> lengths;   ///< of elapsedTime
  std::vector<std::string> duties;      ///< uids and pointers
  std::size_t uids = 0;                 ///< given so far
};

GeneratedPolicy generate_policy(Dice& dice, const naive::Purposes& purposes, const GeneratorOptions& options = {});
/// A request that often meets some of it, at its boundaries above all.
json::Value generate_request(Dice& dice, const GeneratedPolicy& policy, const GeneratorOptions& options = {});

/// `2026-11-26T12:00:00.000001Z`.
std::string write_instant(naive::Micros instant);
/// A constraint that a permission of any policy may have.
json::Value generate_constraint(Dice& dice, GeneratedPolicy& policy, const naive::Purposes& purposes);
/// A rule that stands by itself.
json::Value generate_prohibition(Dice& dice, GeneratedPolicy& policy, const naive::Purposes& purposes);

/// The same policy in another spelling: short names, CURIEs and full IRIs of keys and terms.
json::Value respelt(const json::Value& policy, Dice& dice);

}  // namespace sluis::test
