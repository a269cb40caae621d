#pragma once

#include "policy/odrl/intervals.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <array>
#include <bitset>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The conditions of a rule as alternatives, each a set of values for each operand; private to check().
namespace sluis::policy::alternatives {

/// Sets of names that a request may give for one operand: each bit one of them.
using Points = std::bitset<128>;
struct Amount {
  std::string unit;
  Intervals values;
  friend bool operator==(const Amount&, const Amount&) = default;
};

using Domain = std::variant<PurposeSet, Intervals, Points, Amount>;
using Alternative = std::map<Operand, Domain>;  ///< an operand that is not there may have any value
using Alternatives = std::vector<Alternative>;

/// The names of one operand, in classes that its conditions cannot tell apart.
struct NameSpace {
  std::map<std::string, std::size_t, std::less<>> class_of;
  std::size_t classes = 0;  ///< and one more for all other names
  bool single = false;      ///< a request gives exactly one name
  bool too_many = false;
};

/// What the conditions of one policy range over.
class Space {
 public:
  Space(const Policy& policy, const Vocabulary& vocabulary);

  /// Nothing if there are more than 64 alternatives, or conditions that cannot be compared. Impossible ones are left
  /// out.
  std::optional<Alternatives> of(const Rule& rule, bool prohibition) const;

  bool meet(const Alternative& first, const Alternative& second) const;
  bool within(const Alternative& inner, const Alternative& outer) const;
  /// One purpose that both allow, or empty.
  std::string example(const Alternative& first, const Alternative& second) const;

 private:
  struct Mode {
    bool prohibition;
    bool negated;
  };

  std::optional<Domain> atom(const Constraint& constraint, Mode mode) const;
  std::optional<Alternatives> expand(const Constraint& constraint, Mode mode) const;
  std::optional<Alternatives> expand_one(const Constraint& constraint, Mode mode) const;
  std::optional<Alternatives> all(const std::vector<Constraint>& list, Mode mode) const;
  std::optional<Alternatives> any(const std::vector<Constraint>& list, Mode mode) const;
  std::optional<Domain> meet(const Domain& first, const Domain& second) const;  ///< nothing if empty
  std::optional<Alternatives> product(const Alternatives& first, const Alternatives& second) const;
  Points points(const Constraint& constraint) const;
  Points all_points(const NameSpace& names) const;

  const Vocabulary& vocabulary_;
  std::map<Operand, NameSpace> names_;
  bool months_only_ = true;   ///< every elapsedTime is in months
  bool months_mixed_ = false;
};

}  // namespace sluis::policy::alternatives
