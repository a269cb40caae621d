#include "connector/management/connect.hpp"

#include "connector/base/bytes.hpp"
#include "connector/base/limits.hpp"
#include "connector/json/json.hpp"
#include "connector/management/json_message.hpp"
#include "connector/management/status_codes.hpp"

#include <fmt/core.h>

#include <set>

namespace sluis::management {
namespace {

std::string without_padding(std::string text) {
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

bool is_json(std::string_view content_type) {
  const auto end = content_type.find(';');
  std::string_view type = content_type.substr(0, end);
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  if (type != "application/json") return false;
  return end == std::string_view::npos || content_type.find("utf-8", end) != std::string_view::npos ||
         content_type.find("UTF-8", end) != std::string_view::npos;
}

http::Response error_with(const Error& error, unsigned status, std::string_view code) {
  const auto detail = to_detail(error);
  json::Value debug = json::object({{"code", detail.code()}});
  if (!detail.mend().empty()) debug.set("mend", detail.mend());
  const auto body = json::object(
      {{"code", code},
       {"message", describe(error)},
       {"details", json::array({json::object({{"type", v1::ErrorDetail::descriptor()->full_name()},
                                              {"value", without_padding(to_base64(detail.SerializeAsString()))},
                                              {"debug", debug}})})}});
  auto response = http::json_response(status, json::serialise(body));
  if (error.code == ErrorCode::unauthenticated) response.headers["www-authenticate"] = "Bearer";
  return response;
}

/// What Connect asks of the headers, before anything else of the request is read.
std::optional<http::Response> refuse_headers(const http::Request& request) {
  if (!is_json(request.header("content-type"))) {
    auto response = http::json_response(415, "");
    response.headers = {{"accept-post", "application/json"}};
    return response;
  }
  const auto version = request.header("connect-protocol-version");
  if (!version.empty() && version != "1") {
    return connect_error(Error(ErrorCode::invalid_argument,
                               fmt::format("`connect-protocol-version` is `{}`", version)).mended_by("send `1`"));
  }
  const auto encoding = request.header("content-encoding");
  if (!encoding.empty() && encoding != "identity") {
    return error_with(Error(ErrorCode::invalid_argument, fmt::format("content encoding `{}` is not read", encoding))
                          .mended_by("send the body as it is"),
                      501, "unimplemented");
  }
  return std::nullopt;
}

Result<std::string> answer(const Api& api, const Method& method, const http::Request& request) {
  SLUIS_TRY(const auto caller, api.authorise(method, request.header("authorization"), request.tls));
  auto message = method.new_request();
  SLUIS_CHECK(read_json(request.body, *message));
  SLUIS_TRY(const auto response, api.run(method, *message, caller));
  return write_json(*response);
}

}  // namespace

http::Response connect_error(const Error& error) {
  const auto& status = status_of(error.code);
  return error_with(error, status.http, status.connect);
}

std::vector<http::Route> connect_routes(const Api& api) {
  std::vector<http::Route> routes;
  std::set<std::string> services;
  for (const auto& [path, method] : api.methods().all()) {
    const Method* served = &method;
    auto handler = [&api, served](const http::Request& request) {
      if (auto refused = refuse_headers(request)) return std::move(*refused);
      auto body = answer(api, *served, request);
      if (!body) return connect_error(body.error());
      return http::json_response(200, std::move(*body));
    };
    // Files travel as strings in JSON: escapes make them longer than they are.
    routes.push_back({"POST", path, std::move(handler), limits::kJsonBytes});
    services.insert(path.substr(0, path.rfind('/')));
  }
  // After those that there are: a client of a newer contract is told so in Connect's words.
  for (const std::string& service : services) {
    auto handler = [](const http::Request& request) {
      if (auto refused = refuse_headers(request)) return std::move(*refused);
      return error_with(Error(ErrorCode::not_found, "no such method").mended_by("use the contract of this version"), 501, "unimplemented");
    };
    routes.push_back({"POST", service + "/*", std::move(handler), limits::kJsonBytes});
  }
  return routes;
}

}  // namespace sluis::management
