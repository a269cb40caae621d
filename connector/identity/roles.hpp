#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/random.hpp"
#include "connector/base/time.hpp"
#include "connector/http/port.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::identity {

/// Who may call the management interface (D16).
enum class Role : std::uint8_t {
  steward, privacy_officer, dpo, auditor, application, operator_, panel_member, council_clerk,
};
inline constexpr std::size_t kRoles = 8;
/// `steward`, `privacy_officer`, `dpo`, `auditor`, `application`, `operator`, `panel_member`, `council_clerk`.
std::string_view to_string(Role role);
std::optional<Role> role_from(std::string_view name);

/// What a holder shows to be known.
enum class Shown : std::uint8_t { token, certificate };

/// A role and a person, known by the SHA-256 of a token, or of a client certificate's DER.
struct RoleHolder {
  Role role = Role::steward;
  std::string person;
  Shown shown = Shown::token;
  Hash hash{};
  std::optional<Timestamp> until;       ///< an auditor's end; for others optional
  std::vector<std::string> activities;  ///< of an application: the processing activities it may name
  std::string key = {};                 ///< of a DPO: the public Ed25519 key with which she signs findings, 32 bytes; empty: none
};

struct NewToken {
  std::string token;  ///< 32 random bytes, base64url; shown once
  RoleHolder holder;
};
NewToken make_token(Random& random, Role role, std::string person);

/// Writes a token to a new file, mode 0600, synced. conflict: there is a file already, or a link.
Result<void> write_token_file(const std::string& path, std::string_view token);
/// Whether a secret file is its owner's only. permission_denied: others than the owner may read it.
Result<void> for_owner_only(const std::string& path);
/// Reads one, for its owner only.
Result<std::string> read_token_file(const std::string& path);

/// Who may manage a node. Immutable; thread-safe.
class Roles {
 public:
  Roles() = default;
  explicit Roles(std::vector<RoleHolder> holders) : holders_(std::move(holders)) {}
  /// `{"roles":[{"role","person","sha256","until","activities","key"}]}`; for a client certificate `certificate_sha256` takes
  /// the place of `sha256`, and `key` is base64url. Refused: unknown members or roles, an auditor without an end, a hash twice, a key of
  /// another role than `dpo`, or of two persons.
  static Result<Roles> parse(std::string_view text, std::string_view file = "roles");
  std::string serialise() const;

  /// The token's holder. Takes the same time whichever it is, and if it is none.
  /// unauthenticated: no such token. invalid_state: its time is over, and whose it was; that is for the operator, who asks is told no more
  /// than of a token that never was (`opens_nothing`).
  Result<RoleHolder> find(std::string_view token, Timestamp now) const;
  /// From `Authorization: Bearer …`.
  Result<RoleHolder> find_bearer(std::string_view authorization, Timestamp now) const;
  /// By a client certificate that was verified. unauthenticated: none, not valid now, or nobody's.
  Result<RoleHolder> find_certificate(const http::TlsPeer& tls, Timestamp now) const;
  /// What who shows it is told.
  static Error opens_nothing(Shown shown);
  /// By what came. An Authorization header decides alone: a bad token is not mended by a good certificate.
  Result<RoleHolder> find_caller(std::string_view authorization, const http::TlsPeer& tls, Timestamp now) const;
  const std::vector<RoleHolder>& holders() const { return holders_; }

 private:
  Result<RoleHolder> find_hash(Shown shown, const Hash& hash, Timestamp now) const;

  std::vector<RoleHolder> holders_;
};

}  // namespace sluis::identity
