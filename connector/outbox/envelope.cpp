#include "connector/outbox/envelope.hpp"

#include "connector/json/json.hpp"
#include "connector/outbox/outcome.hpp"

namespace sluis::outbox {

std::string encode(const Envelope& envelope) {
  json::Value value = json::object({{"service", envelope.service},
                                    {"id", envelope.id},
                                    {"kind", envelope.kind},
                                    {"role", envelope.role},
                                    {"url", envelope.url},
                                    {"peer_pid", envelope.peer_pid},
                                    {"body", envelope.body}});
  if (envelope.maybe_sent) value.set("maybe_sent", true);
  if (envelope.queued) value.set("queued", time_value(*envelope.queued));  // last: `queued_of`
  return json::serialise(value);
}

Result<Envelope> decode_envelope(std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  Envelope envelope;
  SLUIS_TRY(envelope.service, json::required_string(value, "service"));
  SLUIS_TRY(envelope.id, json::required_string(value, "id"));
  SLUIS_TRY(envelope.kind, json::required_string(value, "kind"));
  SLUIS_TRY(envelope.role, json::required_string(value, "role"));
  SLUIS_TRY(envelope.url, json::required_string(value, "url"));
  SLUIS_TRY(envelope.peer_pid, json::required_string(value, "peer_pid"));
  SLUIS_TRY(envelope.body, json::required_string(value, "body"));
  envelope.maybe_sent = flag(value, "maybe_sent");
  SLUIS_TRY(envelope.queued, optional_time(value, "queued"));
  return envelope;
}

std::optional<Timestamp> queued_of(std::string_view bytes) {
  constexpr std::string_view begin = R"("queued":")", end = R"("})";
  const std::size_t at = bytes.rfind(begin);
  if (at == std::string_view::npos || !bytes.ends_with(end)) return std::nullopt;
  const Result<Timestamp> time = parse_time(bytes.substr(at + begin.size(), bytes.size() - at - begin.size() - end.size()));
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace sluis::outbox
