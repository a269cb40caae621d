#include "policy/odrl/program.hpp"

#include "connector/base/limits.hpp"

#include <limits>

namespace sluis::policy {
namespace {

constexpr std::int64_t kSkew = std::chrono::duration_cast<Duration>(limits::kSkew).count();

std::int64_t micros(Timestamp time) noexcept { return time.time_since_epoch().count(); }

}  // namespace

Facts::Facts(const Request& request) noexcept
    : actions_(included_in(request.action)),
      target_(request.target),
      assignee_(request.assignee),
      purpose_(request.purpose.value_or(0)),
      agreed_(request.agreed.has_value()),
      request_(request) {
  give(Operand::purpose, request.purpose.has_value(), purpose_);
  give(Operand::recipient, request.recipient != Interned::absent, static_cast<std::int64_t>(request.recipient));
  give(Operand::class_of_recipient, request.class_of_recipient != Interned::absent,
       static_cast<std::int64_t>(request.class_of_recipient));
  if (request.now) now_ = micros(*request.now);
  give(Operand::date_time, request.now.has_value(), now_);
  const std::int64_t elapsed = request.now && request.agreed ? now_ - micros(*request.agreed) : 0;
  // Agreed in the future: no anchor.
  give(Operand::elapsed_time, request.now && request.agreed && elapsed >= -kSkew, elapsed);
  // What stands in the request itself is not taken from its attributes.
  const std::uint64_t own = known_ | bit_of(Operand::purpose) | bit_of(Operand::date_time) | bit_of(Operand::elapsed_time);
  std::uint64_t seen = 0;
  for (const Attribute& attribute : request.attributes) {
    if (attribute.operand < Operand::min_cell_size && (own & bit_of(attribute.operand)) == 0) take(attribute, seen);
  }

  using Bit = Program::Lane::Bit;
  const auto single = [this](Operand operand, Bit bit) {
    return (single_ & bit_of(operand)) != 0 ? std::uint32_t{bit} : std::uint32_t{0};
  };
  lane_ = single(Operand::purpose, Bit::purpose) | single(Operand::recipient, Bit::recipient) |
          single(Operand::class_of_recipient, Bit::kind) | single(Operand::date_time, Bit::window) |
          single(Operand::elapsed_time, Bit::elapsed);
  if (request.target != Interned::absent) lane_ |= Bit::target;
  if (request.assignee != Interned::absent) lane_ |= Bit::assignee;
  plain_ = request.now.has_value() && (known_ & ~single_) == 0;
}

void Facts::give(Operand operand, bool is, std::int64_t value) noexcept {
  known_ |= is ? bit_of(operand) : 0;
  single_ |= is ? bit_of(operand) : 0;
  values_[static_cast<std::size_t>(operand)] = value;
}

/// `seen`: the operands that stood among the attributes before.
void Facts::take(const Attribute& attribute, std::uint64_t& seen) noexcept {
  const Operand operand = attribute.operand;
  const bool names = kind(operand) == Kind::names;
  const std::uint64_t bit = bit_of(operand);
  std::int64_t& value = values_[static_cast<std::size_t>(operand)];
  if ((seen & bit) == 0) {
    seen |= bit;
    known_ |= bit;
    if (!names || attribute.value != 0) single_ |= bit;
    // One use more than so far; what cannot be counted any further stays as it is.
    const bool more = operand == Operand::count && attribute.value != std::numeric_limits<std::int64_t>::max();
    value = attribute.value + (more ? 1 : 0);
    return;
  }
  if (names && (single_ & bit) != 0 && attribute.value == value) return;  // said twice: a set has it once
  single_ &= ~bit;
  if (!names) known_ &= ~bit;  // two numbers for one thing: neither counts
}

}  // namespace sluis::policy
