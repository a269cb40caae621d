#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/time.hpp"
#include "connector/json/json.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluis::outbox {

/// Why a party refused or ended something: a code, and sentences for people. Bounded when it comes from outside.
struct Reason {
  std::string code;
  std::vector<std::string> sentences;
  friend bool operator==(const Reason&, const Reason&) = default;
};
json::Value to_json(const Reason& reason);
Result<Reason> reason_from_json(const json::Value& value);
/// Cut to limits::kReasonBytes in all, on whole characters; what is no UTF-8 is replaced.
Reason bounded(Reason reason);

/// What a send came to, whatever the protocol.
struct SendOutcome {
  enum class Kind {
    delivered,   ///< the peer took it
    refused,     ///< the peer said that it will not have it
    transient,   ///< the peer said "not now"; it may or may not have it
    never_sent,  ///< nothing reached the peer
    unknown,     ///< sent, and no answer that says what became of it
  };
  Kind kind = Kind::unknown;
  std::string answer;    ///< for people: status, or what went wrong
  Reason reason;         ///< of a refusal
  bool wrong_state = false;  ///< refused with the answer that a message in the wrong state gets, as a repeated one does
  std::string peer_pid;  ///< of the process that the answer names, if it names one
};

/// What a read of the peer's process came to. `state` is the domain's name for it.
struct PeerView {
  enum class Kind {
    seen,
    unreadable,  ///< the peer has no read for it, or does not show it
    failed,      ///< nothing that says how it stands
  };
  Kind kind = Kind::failed;
  std::string state;
  std::string answer;
  bool answered = false;  ///< of one that failed: the peer said something, as "not now", and is there
};

/// How the delivery of one message stands (D19): never a domain state.
struct Delivery {
  std::string id;          ///< of the message, the same in its Envelope
  std::int64_t attempts = 0;
  bool uncertain = false;  ///< an earlier send may have arrived: read the peer before the next
  std::optional<Timestamp> last_attempt;
  std::optional<Timestamp> next_attempt;
  std::string last_answer;
  friend bool operator==(const Delivery&, const Delivery&) = default;
};
json::Value to_json(const Delivery& delivery);
Result<Delivery> delivery_from_json(const json::Value& value);

/// Members of stored records.
json::Value time_value(Timestamp time);
Result<std::optional<Timestamp>> optional_time(const json::Value& object, std::string_view key);
Result<Timestamp> required_time(const json::Value& object, std::string_view key);
Result<std::optional<Hash>> optional_hash(const json::Value& object, std::string_view key);
bool flag(const json::Value& object, std::string_view key);

}  // namespace sluis::outbox
