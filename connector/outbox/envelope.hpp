#pragma once

#include "connector/base/error.hpp"
#include "connector/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluis::outbox {

/// What is stored in the outbox for one message: whose it is, where it goes, and the body's bytes, which are the same
/// at every send (but for a mark that `transfer/` fills in).
struct Envelope {
  std::string service;   ///< who delivers it: "negotiation", "transfer", …
  std::string id;        ///< random, names this message
  std::string kind;      ///< the service's word for it
  std::string role;      ///< our role in the process
  std::string url;       ///< the peer's base address
  std::string peer_pid;  ///< empty in a first message
  std::string body;
  bool maybe_sent = false;  ///< it was put back from the dead letters: it may have arrived before
  std::optional<Timestamp> queued = {};  ///< when it was put into the outbox, or put back; none: by a version that did not say
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// Compact JSON.
std::string encode(const Envelope& envelope);
Result<Envelope> decode_envelope(std::string_view bytes);
/// `queued` of what `encode` wrote, without reading the rest: who walks through many asks this.
std::optional<Timestamp> queued_of(std::string_view bytes);

}  // namespace sluis::outbox
