#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/identity/jws.hpp"
#include "connector/json/json.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a data protection officer signs with a key of her own: what she found in a log, and what she makes of it (decision 21). A compact JWS,
/// EdDSA with Ed25519 (RFC 8037), type `sluis-findings+jws`, over canonical JSON (RFC 8785).
namespace sluis::identity {

enum class Judgement : std::uint8_t {
  confirmed,  ///< it is so
  accepted,   ///< it is so, and may stay so
  to_mend,    ///< it has to be otherwise, by a day
};
/// `confirmed`, `accepted`, `to mend`.
std::string_view to_string(Judgement judgement);
/// invalid_argument, with what is known.
Result<Judgement> judgement_from(std::string_view name);

/// `2026-12-31`, as the moment at which that day begins, UTC. invalid_argument.
Result<Timestamp> parse_day(std::string_view text);
/// Whether all of that day is over.
inline bool is_past(Timestamp day, Timestamp now) { return day + std::chrono::days(1) <= now; }

/// One finding as she saw it, and what she says of it.
struct JudgedFinding {
  std::string code;
  std::string sentence;
  std::string party, dataset, agreement, purpose, activity;  ///< what it is about; empty: not about such a thing
  std::optional<Timestamp> since;
  std::uint64_t times = 0;
  std::vector<std::uint64_t> entries;  ///< numbers over all logs of the node
  Judgement judgement = Judgement::confirmed;
  std::string why;
  std::optional<Timestamp> by;         ///< a day; what is to be mended has one

  /// What it is about: the same for the same finding at another time.
  std::string subject() const;
};

struct Statement {
  ParticipantId node;       ///< whose log it is
  std::string origin;       ///< of the log, and the checkpoint that it rests on
  std::uint64_t first = 0;  ///< number of that log's first entry
  std::uint64_t size = 0;
  Hash root{};
  Timestamp from;           ///< the period
  Timestamp until;
  Timestamp made;
  std::vector<JudgedFinding> findings;  ///< none: there were none
};

inline constexpr std::size_t kStatementBytes = 32U << 10U;       ///< canonical; signed it fits in an entry
inline constexpr std::size_t kSignedStatementBytes = 45U << 10U; ///< the JWS

json::Value to_json(const Statement& statement);
/// Strict: unknown members, a judgement without its sentence, and what is to be mended without a day are refused, with the pointer.
Result<Statement> read_statement(const json::Value& value);

/// `key` is her private Ed25519 key. invalid_argument: another key. limit_exceeded: too much for one entry.
Result<std::string> sign_statement(const Statement& statement, const crypto::Key& key);

/// A signed one that came from outside; nothing of it is believed yet.
class SignedStatement {
 public:
  /// invalid_argument: it has another form.
  static Result<SignedStatement> open(std::string_view token);

  /// Of the key that it says it is signed with: SHA-256 of the public key, hexadecimal.
  const std::string& key_id() const { return key_id_; }
  /// What it says, when that key signed it. permission_denied: it did not. Errors as of `read`.
  Result<Statement> verify(const crypto::Key& key) const;
  /// What it says, whoever signed it. invalid_argument: not canonical, or no statement.
  Result<Statement> read() const;

 private:
  SignedStatement(Jws jws, std::string key_id) : jws_(std::move(jws)), key_id_(std::move(key_id)) {}

  Jws jws_;
  std::string key_id_;
};

}  // namespace sluis::identity
