#pragma once

#include "connector/outbox/envelope.hpp"
#include "connector/storage/commit_port.hpp"
#include "connector/transfer/machine.hpp"

/// What transfers need of the rest of the node. All are called from many threads.
namespace sluis::transfer {

class EvidenceWriter {
 public:
  virtual ~EvidenceWriter() = default;
  /// `event`: the state reached, "requested" … "terminated".
  virtual EntryDraft transfer_entry(const TransferProcess& process, std::string_view event, const Reason* reason) = 0;
  /// Names the person who did it in the part that never leaves the node. Nobody: the entry stays as it is.
  virtual void name_person(EntryDraft&, const std::string&) const {}
};

class PeerPort {
 public:
  virtual ~PeerPort() = default;
  /// The same message has the same bytes. kHandleMark stays as it is.
  virtual std::string body(const OutboundMessage& message) const = 0;
  virtual outbox::SendOutcome send(const ParticipantId& peer, const outbox::Envelope& envelope) = 0;
  virtual outbox::PeerView read(const TransferProcess& process) = 0;
};

}  // namespace sluis::transfer
