#include "connector/node/known_request.hpp"

#include "connector/base/bytes.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/json/json.hpp"

#include <algorithm>
#include <array>

namespace sluis::node {
namespace {

/// As it is stored; of one that runs, empty.
constexpr std::array<std::string_view, 4> kStates{"", "open", "taken", "missing"};

}  // namespace

std::string KnownRequest::encode() const {
  return json::serialise(json::object({{"decision", decision}, {"end", end}, {"state", kStates.at(static_cast<std::size_t>(state))}, {"due", format_time(due)}}));
}

Result<KnownRequest> KnownRequest::decode(std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  KnownRequest known;
  SLUIS_TRY(known.decision, json::required_string(value, "decision"));
  SLUIS_TRY(known.end, json::required_string(value, "end"));
  SLUIS_TRY(const std::string state, json::required_string(value, "state"));
  const auto at = std::find(kStates.begin(), kStates.end(), state);
  if (at == kStates.end()) return Error(ErrorCode::corruption, "a request is in no state `" + state.substr(0, 40) + "`");
  known.state = static_cast<RequestState>(at - kStates.begin());
  SLUIS_TRY(const std::string due, json::required_string(value, "due"));
  SLUIS_TRY(known.due, parse_time(due));
  return known;
}

Result<std::optional<KnownRequest>> KnownRequest::read(const storage::Reader& store, const std::string& key) {
  SLUIS_TRY(const std::optional<std::string> bytes, store.get(key));
  if (!bytes) return std::optional<KnownRequest>();
  SLUIS_TRY(KnownRequest known, decode(*bytes));
  return std::optional(std::move(known));
}

std::string name_of_request(const ParticipantId& peer, std::string_view transaction) {
  return to_hex(crypto::sha256(peer.str() + '\0' + std::string(transaction)));
}

std::vector<std::string> keys_of_request(const ParticipantId& peer, std::string_view transaction) {
  const std::string name = name_of_request(peer, transaction);
  std::vector<std::string> keys;
  for (const std::string_view prefix : {kReleased, kPulled, kHeldAsProvider, kHeldAsConsumer}) keys.push_back(std::string(prefix) + name);
  return keys;
}

std::string receipt_due_key(Timestamp due, std::string_view key) {
  std::string time;
  put_u64(time, static_cast<std::uint64_t>(due.time_since_epoch().count()));
  return std::string(kReceiptDue) + to_hex(time) + "/" + std::string(key);
}

void move_request(Commit& commit, const std::string& key, const KnownRequest& before, const KnownRequest& after) {
  commit.preconditions.push_back({key, before.encode()});
  commit.changes.push_back({key, after.encode()});
  if (after.due == before.due) return;
  commit.changes.push_back({receipt_due_key(before.due, key), std::nullopt});
  commit.changes.push_back({receipt_due_key(after.due, key), ""});
}

void forget_request(Commit& commit, const std::string& key, const KnownRequest& known) {
  commit.preconditions.push_back({key, known.encode()});
  commit.changes.push_back({key, std::nullopt});
  commit.changes.push_back({receipt_due_key(known.due, key), std::nullopt});
}

}  // namespace sluis::node
