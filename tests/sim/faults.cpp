#include "tests/sim/faults.hpp"

#include "connector/base/bytes.hpp"

#include <algorithm>

namespace sluis::sim {

std::string Dice::bytes(std::size_t count) {
  std::string out;
  out.reserve(count + 8);
  while (out.size() < count) put_u64(out, next());
  out.resize(count);
  return out;
}

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::lost_request: return "lost_request";
    case Fault::lost_answer: return "lost_answer";
    case Fault::refused_connection: return "refused_connection";
    case Fault::duplicate: return "duplicate";
    case Fault::reorder: return "reorder";
    case Fault::delay: return "delay";
    case Fault::late_request: return "late_request";
    case Fault::slow_peer: return "slow_peer";
    case Fault::not_now: return "not_now";
    case Fault::bad_gateway: return "bad_gateway";
    case Fault::server_error: return "server_error";
    case Fault::partition: return "partition";
    case Fault::crash_idle: return "crash_idle";
    case Fault::crash_before_write: return "crash_before_write";
    case Fault::crash_after_write: return "crash_after_write";
    case Fault::crash_before_answer: return "crash_before_answer";
    case Fault::crash_sending: return "crash_sending";
    case Fault::start_fails: return "start_fails";
    case Fault::write_lost: return "write_lost";
    case Fault::write_kept: return "write_kept";
    case Fault::keep_fails: return "keep_fails";
    case Fault::read_fails: return "read_fails";
    case Fault::corrupt_read: return "corrupt_read";
    case Fault::clock_forward: return "clock_forward";
    case Fault::clock_back: return "clock_back";
    case Fault::clock_skew: return "clock_skew";
    case Fault::older_clock: return "older_clock";
    case Fault::lie_about_state: return "lie_about_state";
    case Fault::lie_taken: return "lie_taken";
    case Fault::lie_refused: return "lie_refused";
    case Fault::forged_process: return "forged_process";
    case Fault::forged_pid: return "forged_pid";
    case Fault::forged_agreement: return "forged_agreement";
    case Fault::forged_order: return "forged_order";
    case Fault::count_: break;
  }
  return "";
}

namespace {

/// One in so many where it is asked; faults that are asked at every read must be rare.
std::uint32_t usual(Fault fault) {
  switch (fault) {
    case Fault::read_fails:
    case Fault::corrupt_read: return 250;
    case Fault::crash_before_write:
    case Fault::crash_after_write:
    case Fault::crash_before_answer:
    case Fault::crash_sending:
    case Fault::write_lost:
    case Fault::write_kept:
    case Fault::keep_fails: return 40;
    case Fault::start_fails: return 6;
    case Fault::older_clock: return 3;
    case Fault::crash_idle:
    case Fault::partition:
    case Fault::clock_forward:
    case Fault::clock_back:
    case Fault::clock_skew: return 4;
    case Fault::forged_process:
    case Fault::forged_pid:
    case Fault::forged_order: return 2;
    default: return 12;
  }
}

}  // namespace

Faults::Faults(Dice& dice, FaultCounts& fired) : dice_(dice), fired_(fired) {
  // A swarm: some seeds have few kinds, and those often; one in sixteen has none.
  const std::uint64_t share = dice_.below(16);
  for (std::size_t i = 0; i < kFaults; ++i) {
    if (share == 0 || dice_.below(16) >= share) continue;
    const std::uint32_t odds = usual(static_cast<Fault>(i));
    odds_[i] = std::max<std::uint32_t>(2, odds / 2 + static_cast<std::uint32_t>(dice_.below(odds * 3)));
  }
}

bool Faults::happens(Fault fault) {
  if (!enabled(fault) || !dice_.one_in(odds_[static_cast<std::size_t>(fault)])) return false;
  count(fault);
  return true;
}

}  // namespace sluis::sim
