#include "connector/management/caller.hpp"

#include <algorithm>
#include <memory>

namespace sluis::management {

v1::Role to_proto(identity::Role role) {
  switch (role) {
    case identity::Role::steward: return v1::STEWARD;
    case identity::Role::privacy_officer: return v1::PRIVACY_OFFICER;
    case identity::Role::dpo: return v1::DPO;
    case identity::Role::auditor: return v1::AUDITOR;
    case identity::Role::application: return v1::APPLICATION;
    case identity::Role::operator_: return v1::OPERATOR;
    case identity::Role::panel_member: return v1::PANEL_MEMBER;
    case identity::Role::council_clerk: return v1::COUNCIL_CLERK;
  }
  return v1::ROLE_UNSPECIFIED;
}

std::string role_name(v1::Role role) {
  std::string name = v1::Role_Name(role);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return name;
}

Authenticator authenticate_with(std::function<std::shared_ptr<const identity::Roles>()> roles, const Clock& clock) {
  return [roles = std::move(roles), &clock](std::string_view token) -> Result<Caller> {
    const auto known = roles();
    if (!known || token.empty()) {
      return Error(ErrorCode::unauthenticated, "no role token was sent")
          .mended_by("send `Authorization: Bearer <token>` with the token of a role");
    }
    SLUIS_TRY(const auto holder, known->find(token, clock.now()));
    return Caller{to_proto(holder.role), holder.person, holder.activities};
  };
}

std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return {};
  }
  authorization.remove_prefix(kScheme.size());
  return authorization;
}

}  // namespace sluis::management
