#pragma once

#include "connector/base/error.hpp"
#include "connector/base/time.hpp"
#include "connector/identity/roles.hpp"
#include "sluis/v1/access.pb.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::management {

/// Who calls, as the token says (D16).
struct Caller {
  v1::Role role = v1::ROLE_UNSPECIFIED;
  std::string person;
  std::vector<std::string> activities;  ///< of an application
};

/// From the token of `Authorization: Bearer …`. unauthenticated: empty, unknown, or over.
using Authenticator = std::function<Result<Caller>(std::string_view bearer_token)>;

/// The tokens that the node knows.
Authenticator authenticate_with(std::function<std::shared_ptr<const identity::Roles>()> roles, const Clock& clock);
v1::Role to_proto(identity::Role role);
/// `privacy_officer`.
std::string role_name(v1::Role role);

/// The token of an Authorization header; empty where it is of another scheme.
std::string_view bearer_token(std::string_view authorization);

}  // namespace sluis::management
