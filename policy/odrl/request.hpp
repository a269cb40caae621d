#pragma once

#include "connector/base/time.hpp"
#include "policy/odrl/names.hpp"
#include "policy/odrl/terms.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <array>
#include <optional>
#include <span>

/// What a program is asked.
namespace sluis::policy {

/// A further value of a request: a name of Program::name (`other` where it is in no policy), a number (count: uses so
/// far; decimal: millionths) or microseconds (meteredTime). Several names of one operand are a set; the single
/// `Interned::absent` says that the set is known and empty.
struct Attribute {
  Operand operand;
  Interned unit = Interned::absent;
  std::int64_t value = 0;

  static Attribute name(Operand operand, Interned name) { return {operand, {}, static_cast<std::int64_t>(name)}; }
};

/// SEMANTICS.md, one rule.
enum class DutyState : std::uint8_t { unset, fulfilled, violated, remedied };
std::string_view to_string(DutyState state);
struct Duty {
  Interned name;  ///< Program::name of its uid or, without one, its pointer
  DutyState state;
};

/// What is asked. A field that is absent makes every condition on it unknown. Spans outlive the call.
struct Request {
  Action action = Action::use;
  std::optional<PurposeIndex> purpose;
  Interned recipient = Interned::absent;           ///< Program::recipient
  Interned class_of_recipient = Interned::absent;  ///< Program::class_of_recipient
  std::optional<Timestamp> now;                    ///< sampled once by the caller
  std::optional<Timestamp> agreed;                 ///< the agreement's timestamp
  Interned target = Interned::absent;
  Interned assignee = Interned::absent;
  std::span<const Interned> target_in = {};        ///< collections that the target is in: all of them
  std::span<const Interned> assignee_in = {};
  /// Other operands, of each the whole set. A recipient or class stands here where it is a set, and not above.
  std::span<const Attribute> attributes = {};
  std::span<const Duty> duties = {};
};

/// A request as programs decide on it: by operand. Made once, for any number of programs that share names and vocabulary.
/// The request, and what it points to, outlive it. Immutable.
class Facts {
 public:
  explicit Facts(const Request& request) noexcept;

 private:
  friend class Evaluation;
  friend class Program;

  /// Those before the parameters of transforms: a request has no other.
  static constexpr std::size_t kAskable = static_cast<std::size_t>(Operand::min_cell_size);
  static_assert(kAskable <= 64);
  static constexpr std::uint64_t bit_of(Operand operand) noexcept { return std::uint64_t{1} << static_cast<unsigned>(operand); }

  void give(Operand operand, bool is, std::int64_t value) noexcept;
  void take(const Attribute& attribute, std::uint64_t& seen) noexcept;

  std::uint64_t known_ = 0;   ///< operands, as bits
  std::uint64_t single_ = 0;  ///< of those, the ones with one value
  const IncludedIn& actions_;
  std::int64_t now_ = 0;
  Interned target_, assignee_;
  std::uint32_t lane_ = 0;    ///< what a lane may ask that is known: Program::Lane::Bit
  PurposeIndex purpose_;
  bool agreed_;               ///< whether it is known when
  /// The time is known, and no operand is a set of none or several: what Program::Lane and Program::Atom can decide.
  bool plain_ = false;
  std::array<std::int64_t, kAskable> values_{};  ///< of those that have one
  const Request& request_;
};

}  // namespace sluis::policy
