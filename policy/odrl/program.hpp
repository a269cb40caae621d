#pragma once

#include "connector/base/bytes.hpp"
#include "policy/minimise/transform.hpp"
#include "policy/odrl/model.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <limits>
#include <map>
#include <memory>
#include <span>

namespace sluis::policy {

/// Kleene's three values.
enum class Truth : std::uint8_t { no, unknown, yes };

/// A recipient or class as a program knows it. `absent` is not known; `other` is known, and not in the policy.
enum class Interned : std::uint32_t { absent = 0, other = 1 };

/// What is asked. A field that is absent makes every constraint on it unknown.
struct Request {
  Action action = Action::use;
  std::optional<PurposeIndex> purpose;
  Interned recipient = Interned::absent;            ///< Program::recipient
  Interned class_of_recipient = Interned::absent;   ///< Program::class_of_recipient
  std::optional<Timestamp> now;                     ///< sampled once by the caller
  std::optional<Timestamp> agreed;                  ///< the agreement's timestamp
};

enum class ReasonCode : std::uint8_t {
  permitted,
  purpose,
  recipient,
  class_of_recipient,
  time_not_yet,
  time_over,
  elapsed,
  no_permission,
  prohibited,
  indeterminate,
};
/// Stable for ever: `permitted`, `purpose`, `recipient`, `class`, `time.not_yet`, `time.over`, `elapsed`,
/// `no_permission`, `prohibited`, `indeterminate`.
std::string_view to_string(ReasonCode code);

struct Decision {
  static constexpr std::uint16_t kNone = 0xffff;

  bool permit = false;
  ReasonCode reason = ReasonCode::no_permission;
  std::uint16_t rule = kNone;        ///< in the program: the permission that holds, or the rule that denies
  std::uint16_t constraint = kNone;  ///< in the program: the first that is not true
  Timestamp valid_until = Timestamp::max();  ///< the first instant at which time may change the outcome
};

/// A compiled policy. Immutable; any thread may use it. The deciding path does no I/O, reads no clock, allocates
/// nothing.
class Program {
 public:
  struct FlatRule {
    bool prohibition;
    std::uint16_t first;  ///< constraint
    std::uint16_t count;
  };
  struct FlatConstraint {
    Operand operand;
    std::uint32_t first = 0;  ///< purpose: the set; recipient and class: into the sorted ids
    std::uint32_t count = 0;
    std::int64_t from = std::numeric_limits<std::int64_t>::min();  ///< true in [from, to), in microseconds
    std::int64_t to = std::numeric_limits<std::int64_t>::max();
  };
  /// What the flat arrays came from, for explanations.
  struct Source {
    std::string pointer;
    std::string needed;  ///< right operand, readable
  };

  /// Denies unless a permission is true; a prohibition is inactive only when it is false.
  Decision decide(const Request& request) const noexcept;

  /// Partial evaluation: unknown means "could be".
  Truth permission_possible(const Request& request) const noexcept;

  Interned recipient(std::string_view id) const;
  Interned class_of_recipient(std::string_view name) const;

  std::span<const FlatRule> rules() const noexcept { return rules_; }
  std::span<const FlatConstraint> constraints() const noexcept { return constraints_; }
  const Source& rule_source(std::size_t rule) const { return rule_sources_.at(rule); }
  const Source& constraint_source(std::size_t constraint) const { return constraint_sources_.at(constraint); }
  const PurposeSet& purposes(const FlatConstraint& constraint) const { return sets_[constraint.first]; }
  const Vocabulary& vocabulary() const { return *vocabulary_; }
  const Policy& policy() const { return policy_; }
  /// Told to the author at publication: permissions and prohibitions that overlap.
  const std::vector<std::string>& notes() const { return notes_; }

  /// Bytes whose SHA-256 is the program hash (D6): offer hash, profile, vocabulary hash.
  static std::string program_hash_input(const Hash& offer_hash, const Hash& vocabulary_hash);

 private:
  friend class Compiler;

  Truth evaluate(const FlatConstraint& constraint, const Request& request) const noexcept;
  Truth evaluate(const FlatRule& rule, const Request& request, std::uint16_t& failing) const noexcept;
  bool contains(const FlatConstraint& constraint, Interned id) const noexcept;
  ReasonCode reason_for(const FlatConstraint& constraint, const Request& request) const noexcept;
  Timestamp next_change(const Request& request) const noexcept;

  std::vector<FlatRule> rules_;
  std::vector<FlatConstraint> constraints_;
  std::vector<PurposeSet> sets_;
  std::vector<std::uint32_t> ids_;
  std::vector<std::int64_t> instants_;  ///< sorted; where a dateTime constraint changes
  std::vector<std::int64_t> offsets_;   ///< the same since the agreement
  std::map<std::string, std::uint32_t, std::less<>> recipients_;
  std::map<std::string, std::uint32_t, std::less<>> classes_;
  std::vector<Source> rule_sources_;
  std::vector<Source> constraint_sources_;
  std::vector<std::string> notes_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  Policy policy_;
};

/// The purposes that a purpose constraint of a permission admits; of a prohibition: those it forbids, which are the
/// named ones with all below and all above them (Byun & Li). Refused: a purpose that the vocabulary does not have.
Result<PurposeSet> purpose_set(const Constraint& constraint, bool prohibition, const Vocabulary& vocabulary);

/// Refuses (invalid_argument, with pointer and suggestion) a purpose that the vocabulary does not have, and a policy
/// beyond the limits.
Result<Program> compile(const Policy& policy, std::shared_ptr<const Vocabulary> vocabulary);
Result<Program> compile(const Policy& policy, const Vocabulary& vocabulary);

/// When a release must have been deleted, counted from its end: the shortest of the policy's periods.
std::optional<Duration> retention(const Program& program);
/// What the provider's gate does to a release.
std::vector<Transform> transforms(const Program& program);
/// The purpose, if the permissions leave exactly one.
std::optional<PurposeIndex> single_purpose(const Program& program);
/// Whether some permission is open to that purpose, and no prohibition stands against it.
bool purpose_satisfies(const Program& program, PurposeIndex purpose);

}  // namespace sluis::policy
