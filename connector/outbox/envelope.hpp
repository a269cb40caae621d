#pragma once

#include "connector/base/error.hpp"

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
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// Compact JSON.
std::string encode(const Envelope& envelope);
Result<Envelope> decode_envelope(std::string_view bytes);

}  // namespace sluis::outbox
