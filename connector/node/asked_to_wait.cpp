#include "connector/node/asked_to_wait.hpp"

#include "connector/http/message.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::node {

using namespace std::chrono_literals;

std::optional<std::chrono::seconds> retry_after(const http::PeerResponse& answer, Timestamp now) {
  const auto found = answer.headers.find("retry-after");
  if (found == answer.headers.end()) return std::nullopt;
  const std::string& text = found->second;
  std::uint32_t seconds = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && at == text.data() + text.size()) return std::chrono::seconds(seconds);
  const auto then = http::parse_http_date(text);
  return then ? std::optional(std::max(0s, std::chrono::ceil<std::chrono::seconds>(*then - now))) : std::nullopt;
}

MessageKind kind_of(std::string_view url) {
  if (url.ends_with("/negotiations/request")) return MessageKind::begins;
  return url.ends_with("/termination") || url.ends_with("/evidence/v1/receipts") ? MessageKind::ends : MessageKind::other;
}

MessageKind kind_of(const outbox::Envelope& envelope) {
  if (envelope.service == "negotiation" && envelope.kind == "request" && envelope.peer_pid.empty()) return MessageKind::begins;
  return envelope.kind == "termination" || envelope.service == "evidence" ? MessageKind::ends : MessageKind::other;
}

Result<http::PeerResponse> AskedToWait::send(const http::PeerRequest& request) {
  auto answer = inner_.send(request);
  if (!answer || request.peer.empty()) return answer;
  const bool not_now = answer->status == 429 || answer->status == 503;
  const Timestamp now = clock_.now();
  const auto wait = not_now ? retry_after(*answer, now) : std::nullopt;
  const std::pair of(request.peer.str(), kind_of(request.url));
  const std::lock_guard lock(mutex_);
  if (wait) until_[of] = now + std::min<Duration>(*wait, kLongest);
  else if (answer->status < 300) until_.erase(of);
  return answer;
}

std::optional<Timestamp> AskedToWait::until(const std::string& peer, MessageKind kind) const {
  const Timestamp now = clock_.now();
  const std::lock_guard lock(mutex_);
  const auto found = until_.find({peer, kind});
  // A clock that was set back must not hold a message longer than may be asked.
  if (found == until_.end() || found->second <= now || found->second > now + kLongest) return std::nullopt;
  return found->second;
}

}  // namespace sluis::node
