#include "connector/outbox/envelope.hpp"

#include "connector/json/json.hpp"

namespace sluis::outbox {

std::string encode(const Envelope& envelope) {
  return json::serialise(json::object({{"service", envelope.service},
                                       {"id", envelope.id},
                                       {"kind", envelope.kind},
                                       {"role", envelope.role},
                                       {"url", envelope.url},
                                       {"peer_pid", envelope.peer_pid},
                                       {"body", envelope.body}}));
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
  return envelope;
}

}  // namespace sluis::outbox
