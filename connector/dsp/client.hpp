#pragma once

#include "connector/http/port.hpp"
#include "connector/negotiation/ports.hpp"
#include "connector/transfer/ports.hpp"

namespace sluis::dsp {

struct ClientOptions {
  std::string callback_url;  ///< our public base address, without a trailing slash
  std::chrono::milliseconds timeout{5000};
};

/// Sends the messages of negotiations and transfers to DSP peers. Thread-safe; worker threads only.
class Client final : public negotiation::PeerPort, public transfer::PeerPort {
 public:
  Client(ClientOptions options, http::PeerTransport& transport);

  std::string body(const negotiation::OutboundMessage& message) const override;
  std::string body(const transfer::OutboundMessage& message) const override;
  outbox::SendOutcome send(const ParticipantId& peer, const outbox::Envelope& envelope) override;
  outbox::PeerView read(const negotiation::Negotiation& negotiation) override;
  outbox::PeerView read(const transfer::TransferProcess& process) override;

  struct CatalogPage {
    json::Value catalog;
    std::string next;  ///< address of the next page; empty: the last
    std::size_t bytes = 0;
  };
  /// One page of a peer's catalogue; `next` as an earlier page gave it, or empty. Errors: not_found (it does not know
  /// us, or serves none), peer_unavailable, invalid_argument (an answer that is no Catalog).
  Result<CatalogPage> catalog(const ParticipantId& peer, std::string_view url, std::string_view next = "");
  Result<json::Value> dataset(const ParticipantId& peer, std::string_view url, const DatasetId& id);

 private:
  http::PeerRequest request(const ParticipantId& peer, std::string method, std::string url, std::string body) const;
  outbox::PeerView read(const ParticipantId& peer, const std::string& url, bool negotiation);

  ClientOptions options_;
  http::PeerTransport& transport_;
};

/// What an answer to a message means; bodies that are empty, HTML or otherwise unreadable are taken for their status.
outbox::SendOutcome outcome_of(const http::PeerResponse& response, const outbox::Envelope& envelope);
outbox::SendOutcome outcome_of(const Error& error);
/// The path below the base address for a message. invalid_argument: no such kind.
Result<std::string> path_of(const outbox::Envelope& envelope);

}  // namespace sluis::dsp
