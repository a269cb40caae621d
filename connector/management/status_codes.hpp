#pragma once

#include "connector/base/error.hpp"
#include "sluis/v1/access.pb.h"

#include <span>
#include <string_view>

namespace sluis::management {

/// What an error is called at each edge of the management interface: the one table.
struct StatusCode {
  ErrorCode code;
  int grpc;                  ///< grpc::StatusCode
  std::string_view connect;  ///< Connect protocol, section "Error codes"
  unsigned http;             ///< the status that Connect gives that code
};
std::span<const StatusCode> status_codes();
const StatusCode& status_of(ErrorCode code);

v1::ErrorDetail to_detail(const Error& error);
/// What a client makes of it. An unknown code becomes `internal`.
Error from_detail(const v1::ErrorDetail& detail);

}  // namespace sluis::management
