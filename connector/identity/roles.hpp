#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/random.hpp"
#include "connector/base/time.hpp"

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

/// A role and a person, known by the SHA-256 of a token.
struct RoleHolder {
  Role role = Role::steward;
  std::string person;
  Hash token_hash{};
  std::optional<Timestamp> until;       ///< an auditor's end; for others optional
  std::vector<std::string> activities;  ///< of an application: the processing activities it may name
};

struct NewToken {
  std::string token;  ///< 32 random bytes, base64url; shown once
  RoleHolder holder;
};
NewToken make_token(Random& random, Role role, std::string person);

/// Writes a token to a new file, mode 0600, synced. conflict: there is a file already, or a link.
Result<void> write_token_file(const std::string& path, std::string_view token);
/// Reads one. permission_denied: others than the owner may read it.
Result<std::string> read_token_file(const std::string& path);

/// Tokens of a node. Immutable; thread-safe.
class Roles {
 public:
  Roles() = default;
  explicit Roles(std::vector<RoleHolder> holders) : holders_(std::move(holders)) {}
  /// `{"roles":[{"role","person","sha256","until","activities"}]}`. Refused: unknown members or roles, an auditor
  /// without an end, a hash twice.
  static Result<Roles> parse(std::string_view text, std::string_view file = "roles");
  std::string serialise() const;

  /// The token's holder; its role may have ended. Takes the same time whichever it is, and if it is none.
  /// unauthenticated: no such token, or its time is over.
  Result<RoleHolder> find(std::string_view token, Timestamp now) const;
  /// From `Authorization: Bearer …`.
  Result<RoleHolder> find_bearer(std::string_view authorization, Timestamp now) const;
  const std::vector<RoleHolder>& holders() const { return holders_; }

 private:
  std::vector<RoleHolder> holders_;
};

}  // namespace sluis::identity
