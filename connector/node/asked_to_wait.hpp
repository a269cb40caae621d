#pragma once

#include "connector/base/time.hpp"
#include "connector/http/port.hpp"
#include "connector/outbox/envelope.hpp"

#include <map>
#include <mutex>

namespace sluis::node {

/// `Retry-After` of an answer: seconds, or a date (RFC 9110, section 10.2.3). None: it has none that can be read.
std::optional<std::chrono::seconds> retry_after(const http::PeerResponse& answer, Timestamp now);

/// For what a Sluis has quotas apart: who begins too much still ends what it began.
enum class MessageKind : std::uint8_t { begins, ends, other };
MessageKind kind_of(std::string_view url);
MessageKind kind_of(const outbox::Envelope& envelope);

/// Requests to peers, that remembers of each party until when its last answer asked to be left alone with such (429, 503). Thread-safe.
class AskedToWait final : public http::PeerTransport {
 public:
  AskedToWait(http::PeerTransport& inner, const Clock& clock) : inner_(inner), clock_(clock) {}
  Result<http::PeerResponse> send(const http::PeerRequest& request) override;
  /// None: it did not ask, or its time has come, or it took something since.
  std::optional<Timestamp> until(const std::string& peer, MessageKind kind) const;

  static constexpr std::chrono::hours kLongest{1};  ///< no peer has more

 private:
  http::PeerTransport& inner_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, MessageKind>, Timestamp> until_;  ///< of parties of the list: so many at most
};

}  // namespace sluis::node
