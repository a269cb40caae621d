#pragma once

#include "connector/http/port.hpp"
#include "connector/management/methods.hpp"

namespace sluis::management {

/// The Connect protocol's unary calls with JSON bodies: `POST /sluis.v1.DatasetService/List`, one route a method, and
/// at the end one a service for what it does not have (unimplemented). `api` outlives the routes.
std::vector<http::Route> connect_routes(const Api& api);

/// An error as Connect writes it: `{"code", "message", "details": [{"type", "value"}]}`, with the right status.
http::Response connect_error(const Error& error);

}  // namespace sluis::management
