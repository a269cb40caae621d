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

/// Who calls, as the token or the client certificate says (D16).
struct Caller {
  v1::Role role = v1::ROLE_UNSPECIFIED;
  std::string person;
  std::vector<std::string> activities;  ///< of an application
  std::string key = {};                 ///< of a DPO: the public Ed25519 key with which she signs findings; empty: none
};

/// From the Authorization header as it came, or the client certificate. unauthenticated: neither, unknown, or over.
using Authenticator = std::function<Result<Caller>(std::string_view authorization, const http::TlsPeer& tls)>;

Caller to_caller(const identity::RoleHolder& holder);
v1::Role to_proto(identity::Role role);
/// `privacy_officer`.
std::string role_name(v1::Role role);

}  // namespace sluis::management
