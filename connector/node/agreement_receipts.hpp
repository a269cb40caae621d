#pragma once

#include "connector/negotiation/agreement.hpp"
#include "connector/node/receipt_messages.hpp"

namespace sluis::node {

/// What proves an agreement besides this node's own log. Stored as JSON at `agreement-evidence/<agreement id>`; while the other party's receipt is
/// awaited there is a key of when it is looked at next as well.
struct AgreementProof {
  enum class State : std::uint8_t { one_sided, waiting, two_sided, missing, contradicts };
  State state = State::one_sided;
  std::string commit;            ///< that made the agreement here
  std::uint64_t at = 0;          ///< which of its entries is the agreement's
  std::optional<std::uint64_t> entry = {};  ///< that entry's number, once it was looked up: commits are forgotten
  Timestamp due{};               ///< when it is looked at next
  bool asked = false;            ///< this is the second time
  std::string theirs = {};       ///< key of the other party's receipt; empty: none is held

  std::string encode() const;
  static Result<AgreementProof> decode(std::string_view bytes);
  /// None: it was imported, or is of before this was kept.
  static Result<std::optional<AgreementProof>> read(const storage::Reader& store, const AgreementId& id);
};

inline constexpr std::string_view kAgreementProofPrefix = "agreement-evidence/";
inline constexpr std::string_view kAgreementProofDue = "agreement-evidence-due/";  ///< an index of outbox/due.hpp

/// Receipts of agreements (decision 38): each side holds the other's of its entry of the agreement, with the same document, so that each can prove it
/// alone. The consumer's node, whose entry is the later one, sends its own through the outbox, and gets the provider's in the answer; one message
/// carries what waits for a party. Whoever still waits at half of the time asks itself. What is not there then, or is refused before, is an entry, and what
/// comes later is taken all the same. Nothing here is on the way of a negotiation but keys and a message in commits that are made anyhow. Thread-safe; worker threads
/// only.
class AgreementReceipts {
 public:
  struct Options {
    ParticipantId self;
    Duration within = std::chrono::hours(24);
  };
  /// `notify`: a commit put a message for this process into the outbox. All in `with`, and `channel`, outlive this.
  AgreementReceipts(Options options, EvidenceDependencies with, const EvidenceChannel& channel,
                    std::function<void(std::string_view peer, std::string_view process)> notify);

  /// negotiation::Dependencies::prepare_agreement.
  std::string prepare(Commit& commit, const negotiation::AgreementRecord& record);
  /// `POST /evidence/v1/agreements`: `{"receipts": [of entries of agreements]}` gives, in their order, `{"results": [{"state", "receipt"}]}`. States:
  /// `proven`, with this node's receipt; `early`: to be asked again; `unknown`: no such agreement of this party; `gone`: the proof cannot be made any
  /// more; `contradicts`: another document is agreed on under this id here, with this node's receipt; `refused`, with a `reason`.
  std::vector<http::Route> routes();
  /// outbox::Deliver for service "agreement".
  outbox::Delivered deliver(const outbox::OutboxItem& item, const outbox::Envelope& envelope, Timestamp retry_at);
  /// Asks for what is not there at half of its time, and records what is missing. When there may be more. Errors: those of the store and of CommitPort.
  Result<std::optional<Timestamp>> on_timer();

  struct Held {
    std::string state;                   ///< as v1::Agreement.evidence
    std::optional<std::uint64_t> entry;  ///< here
    std::string theirs;                  ///< JSON; empty: none is held
  };
  /// Errors: the store's.
  Result<Held> held(const negotiation::AgreementRecord& record) const;

 private:
  struct Known;

  static Result<v1::Shared> check(const provenance::Receipt& receipt, ReceiptNotes& notes);
  Result<std::string> take_all(const ParticipantId& peer, const json::Array& receipts);
  std::string take_one(ReceiptNotes& notes, const std::string& text, Commit& commit);
  /// The agreement, with what proves it; none: there is no such agreement with this party, or nothing is awaited of it.
  Result<std::optional<Known>> known(const ParticipantId& peer, const AgreementId& id) const;
  Result<std::uint64_t> entry_of(const AgreementProof& proof) const;
  Result<void> hold(const Known& known, const provenance::Receipt& receipt, const v1::Shared& said, const ReceiptNotes& notes, Commit& commit) const;
  Result<void> settle(const Known& known, const json::Value& result, ReceiptNotes& notes, Commit& commit) const;
  void record_missing(const Known& known, std::string_view event, Timestamp now, Commit& commit) const;
  Result<void> look(const std::string& due_key, const AgreementId& id, Timestamp now, Commit& commit, std::vector<std::string>& asks) const;
  OutgoingMessage message(const ParticipantId& peer, const AgreementId& id) const;

  Options options_;
  EvidenceDependencies with_;
  const EvidenceChannel& channel_;
  std::function<void(std::string_view, std::string_view)> notify_;
  ReceiptTurns turns_;
};

}  // namespace sluis::node
