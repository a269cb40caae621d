#pragma once

#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"
#include "connector/storage/commit_port.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a node keeps of a data request for whose receipts it waits, or for which it gives them. Stored as JSON; two keys each: what is known,
/// and when it is looked at next.
namespace sluis::node {

inline constexpr std::string_view kReleased = "released/";  ///< as provider
inline constexpr std::string_view kPulled = "pulled/";      ///< as consumer
/// The other party's receipts, sealed: as this node holds them as provider or as consumer.
inline constexpr std::string_view kRequestReceiptsPrefix = "request-receipts/";
inline constexpr std::string_view kHeldAsProvider = "request-receipts/provider/";
inline constexpr std::string_view kHeldAsConsumer = "request-receipts/consumer/";
inline constexpr std::string_view kReceiptDue = "receipt-due/";  ///< `<16 hex digits of time>/<key of what is known>`
inline constexpr std::size_t kReceiptDueHead = kReceiptDue.size() + 17;  ///< of such a key, before the other

enum class RequestState : std::uint8_t {
  running,  ///< decided, and without an end that is recorded
  open,     ///< it has ended, and the other party's receipt is awaited
  taken,    ///< it came, or none is awaited
  missing,  ///< it did not come in its time; it is taken for a while yet
};

struct KnownRequest {
  std::string decision;  ///< commit of the provider's decision; of a consumer's request empty
  std::string end;       ///< commit of the end; empty: it has not ended, or was refused
  RequestState state = RequestState::running;
  Timestamp due{};       ///< when it is looked at next; of requests that an older version of this node began it may be the beginning of time

  std::string encode() const;
  /// corruption, invalid_argument: not what `encode` wrote.
  static Result<KnownRequest> decode(std::string_view bytes);
  /// None: nothing is known.
  static Result<std::optional<KnownRequest>> read(const storage::Reader& store, const std::string& key);
};

/// The end of a request's keys: of both nodes the same, and says nothing of either.
std::string name_of_request(const ParticipantId& peer, std::string_view transaction);
/// All keys that a node may have of a request, in either role, but for the times.
std::vector<std::string> keys_of_request(const ParticipantId& peer, std::string_view transaction);
std::string receipt_due_key(Timestamp due, std::string_view key);

/// Adds to the commit that it goes over to another state, with another time, if it is still as it was.
void move_request(Commit& commit, const std::string& key, const KnownRequest& before, const KnownRequest& after);
/// Adds to the commit that nothing is known any more, if it is still as it was.
void forget_request(Commit& commit, const std::string& key, const KnownRequest& known);

}  // namespace sluis::node
