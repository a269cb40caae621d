#include "connector/management/caller.hpp"

#include <algorithm>

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

Caller to_caller(const identity::RoleHolder& holder) { return {to_proto(holder.role), holder.person, holder.activities, holder.key}; }

}  // namespace sluis::management
