#pragma once

#include "connector/outbox/envelope.hpp"
#include "connector/outbox/outcome.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace sluis::outbox {

/// A queued message, without its bytes: those stay in the store until it is sent.
struct OutboxItem {
  std::string key;
  std::string peer;
  std::string process;
  std::uint64_t sequence = 0;
  bool maybe_sent = false;  ///< found after a restart, or its outcome could not be recorded, or it was put back
};

/// What became of an item, as its service says.
enum class Verdict : std::uint8_t {
  done,             ///< the peer answered, and it is no longer in the store
  dropped,          ///< it is no longer in the store; the peer was not asked
  retry,            ///< later; the peer answered
  retry_untried,    ///< later; nothing was sent
  retry_uncertain,  ///< later; it may have arrived and the store does not say so
  away,             ///< later; the peer as a whole gives no answer that says what became of it
  dead,             ///< never, unless a person says so: it has left the outbox for the dead letters
};

/// What a send came to.
struct Delivered {
  Delivered(Verdict v, Reason why = {}) : verdict(v), reason(std::move(why)) {}  // NOLINT(google-explicit-constructor)
  Verdict verdict;
  Reason reason;  ///< of a dead letter
  std::uint64_t also = 0;  ///< later messages of the same process that left the store with it, or instead of it; not of one that is dead
};

/// Sends one message and commits what came of it, with the removal of the item, in one commit; but not that of one that is `dead`, which
/// the Driver moves. May block. `retry_at` is when it will be asked again. Called for one item of a process at a time.
using Deliver = std::function<Delivered(const OutboxItem& item, const Envelope& envelope, Timestamp retry_at)>;

/// Of a message that stays in the outbox: whether the peer said anything.
inline Verdict later(SendOutcome::Kind kind) {
  return kind == SendOutcome::Kind::never_sent || kind == SendOutcome::Kind::unknown ? Verdict::away : Verdict::retry;
}
inline Verdict later(const PeerView& view) { return view.kind == PeerView::Kind::failed && !view.answered ? Verdict::away : Verdict::retry; }

}  // namespace sluis::outbox
