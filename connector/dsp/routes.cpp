#include "connector/dsp/routes.hpp"

#include "connector/base/limits.hpp"
#include "connector/dsp/answers.hpp"
#include "connector/dsp/version.hpp"

#include <algorithm>
#include <array>
#include <memory>

namespace sluis::dsp {
namespace {

struct Status {
  ErrorCode code;
  unsigned status;
};
/// One row for each code. Who is not allowed to know is told the same as for what does not exist.
constexpr std::array<Status, 12> kStatus = {{
    {ErrorCode::invalid_argument, 400},
    {ErrorCode::invalid_state, 400},
    {ErrorCode::not_found, 404},
    {ErrorCode::permission_denied, 404},
    {ErrorCode::unauthenticated, 404},
    {ErrorCode::conflict, 503},
    {ErrorCode::limit_exceeded, 429},
    {ErrorCode::peer_unavailable, 503},
    {ErrorCode::storage_unavailable, 503},
    {ErrorCode::outcome_unknown, 503},
    {ErrorCode::corruption, 500},
    {ErrorCode::internal, 500},
}};

struct Context {
  RouteOptions options;
  RouteDependencies with;
};
using Shared = std::shared_ptr<const Context>;
using Answer = std::function<http::Response(const ParticipantId&, const http::Request&)>;

std::string_view rest_of(const http::Request& request) {
  std::string_view rest = request.rest;
  while (rest.starts_with('/')) rest.remove_prefix(1);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  return rest;
}

/// The value of `page` in a query; tokens are made of unreserved characters.
std::string_view page_of(std::string_view query) {
  constexpr std::string_view name = "page=";
  const std::size_t at = query.starts_with(name) ? 0 : query.find("&page=");
  if (at == std::string_view::npos) return {};
  query.remove_prefix(at == 0 ? name.size() : at + name.size() + 1);
  return query.substr(0, query.find('&'));
}

http::Response catalog_answer(const Context& context, const ParticipantId& from, const http::Request& request) {
  constexpr auto of = ErrorMessage::Of::catalog;
  const Result<json::Value> body = json::parse(request.body);
  if (!body) return refusal(of, Error(ErrorCode::invalid_argument, describe(body.error())));
  const auto message = parse_as<CatalogRequestMessage>(*body);
  if (!message) return refusal(of, message.error());
  const Result<CatalogPort::Page> page = context.with.catalog.catalog(from, page_of(request.query));
  if (!page) return refusal(of, page.error());
  http::Response response = http::json_response(200, json::serialise(page->catalog));
  if (!page->next.empty()) {
    const std::string& url = context.options.public_url;
    const std::string target = url.empty() ? std::string() : url + "/catalog/request";
    response.headers["link"] = "<" + target + "?page=" + page->next + ">; rel=\"next\"";
  }
  return response;
}

http::Response dataset_answer(const Context& context, const ParticipantId& from, const http::Request& request) {
  const Result<json::Value> found = context.with.catalog.dataset(from, DatasetId(std::string(rest_of(request))));
  if (!found) return refusal(ErrorMessage::Of::catalog, found.error());
  return http::json_response(200, json::serialise(*found));
}

/// A route for known parties only.
http::Route known(const Shared& context, std::string method, const std::string& path, ErrorMessage::Of of,
                  Answer answer) {
  http::Handler handler = [context, of, answer = std::move(answer)](const http::Request& request) {
    const Result<ParticipantId> from = context->with.authenticate(request);
    if (!from) return refusal(of, from.error().code == ErrorCode::limit_exceeded ? from.error() : Error(ErrorCode::unauthenticated, {}));
    return answer(*from, request);
  };
  return {std::move(method), context->options.base_path + path, std::move(handler), limits::kJsonBytes};
}

}  // namespace

unsigned status_of(ErrorCode code) {
  const auto* row = std::find_if(kStatus.begin(), kStatus.end(), [&](const Status& s) { return s.code == code; });
  return row == kStatus.end() ? 500 : row->status;
}

NamedPids pids_in(const std::string& body) {
  const Result<json::Value> value = json::parse(body);
  const auto named = [&](std::string_view key) -> std::string {
    const json::Value* found = value && value->if_object() != nullptr ? value->find(key) : nullptr;
    const std::string* text = found == nullptr ? nullptr : found->if_string();
    return text == nullptr || text->size() > limits::kIdBytes ? std::string() : *text;
  };
  return {named("providerPid"), named("consumerPid")};
}

http::Response refusal(ErrorMessage::Of of, const Error& error, NamedPids pids) {
  const unsigned status = status_of(error.code);
  ErrorMessage body;
  body.of = of;
  body.provider_pid = std::move(pids.provider);
  body.consumer_pid = std::move(pids.consumer);
  const bool hidden = error.code == ErrorCode::permission_denied || error.code == ErrorCode::unauthenticated;
  body.reason.code = to_string(hidden ? ErrorCode::not_found : error.code);
  if (hidden) {
    body.reason.sentences = {"there is nothing here for you"};
  } else if (status >= 500) {
    body.reason.sentences = {"this could not be done now"};
  } else {
    body.reason.sentences = {describe(error)};
  }
  body.reason = outbox::bounded(std::move(body.reason));
  return reply(status, body);
}

http::Response reply(unsigned status, const Message& message) {
  http::Response response = http::json_response(status, json::serialise(write(message)));
  if (status == 429) response.headers["retry-after"] = "1";  // at least: who keeps the quota knows better
  return response;
}

http::Response refusal_by_server(std::string_view below_base, unsigned status) {
  ErrorMessage body;
  const auto is_below = [&](std::string_view part) { return below_base == part || below_base.starts_with(std::string(part) + "/"); };
  body.of = is_below("negotiations") ? ErrorMessage::Of::negotiation : is_below("transfers") ? ErrorMessage::Of::transfer : ErrorMessage::Of::catalog;
  const auto [code, sentence] = [&]() -> std::pair<ErrorCode, const char*> {
    switch (status) {
      case 404: return {ErrorCode::not_found, "there is nothing here for you"};
      case 405: return {ErrorCode::invalid_argument, "this is not asked with that method"};
      case 408: return {ErrorCode::invalid_argument, "the request came too slowly"};
      case 413: return {ErrorCode::limit_exceeded, "the body is too large"};
      case 415: return {ErrorCode::invalid_argument, "the body is compressed: send it as it is"};
      case 431: return {ErrorCode::limit_exceeded, "the headers are too large"};
      case 500: case 503: return {ErrorCode::internal, "this could not be done now"};
      default: return {ErrorCode::invalid_argument, "the request is not acceptable"};
    }
  }();
  body.reason.code = to_string(code);
  body.reason.sentences = {sentence};
  return reply(status, body);
}

ProcessPath split(std::string_view rest) {
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return {std::string(rest), {}};
  return {std::string(rest.substr(0, slash)), rest.substr(slash + 1)};
}

Result<void> check_places(negotiation::Role own_role, const ProcessId& own_pid, const NamedPids& named) {
  const bool provider = own_role == negotiation::Role::provider;
  if ((provider ? named.provider : named.consumer) == own_pid.str()) return {};
  return Error(ErrorCode::invalid_argument, "`" + std::string(provider ? "providerPid" : "consumerPid") + "` is not `" + own_pid.str() + "`")
      .at_pointer(provider ? "/providerPid" : "/consumerPid");
}

Result<void> check_callback(const RouteDependencies& with, const ParticipantId& from, const std::string& url) {
  if (with.origin_allowed(from, url)) return {};
  return Error(ErrorCode::invalid_argument,
               "the membership list has no endpoint of yours at the origin of `" + url + "`")
      .at_pointer("/callbackAddress");
}

std::vector<http::Route> routes(RouteOptions options, RouteDependencies dependencies) {
  using Of = ErrorMessage::Of;
  const auto context = std::make_shared<const Context>(Context{std::move(options), std::move(dependencies)});
  const std::string& path = context->options.public_path.empty() ? context->options.base_path
                                                                 : context->options.public_path;
  const std::string version = json::serialise(version_document(path, context->options.service_id));
  const http::Handler answer_version = [version](const http::Request&) { return http::json_response(200, version); };
  std::vector<http::Route> out;
  out.push_back({"GET", "/.well-known/dspace-version", answer_version, 0});
  out.push_back(known(context, "POST", "/catalog/request", Of::catalog, [context](const auto& from, const auto& r) {
    return catalog_answer(*context, from, r);
  }));
  out.push_back(known(context, "GET", "/catalog/datasets/*", Of::catalog, [context](const auto& from, const auto& r) {
    return dataset_answer(*context, from, r);
  }));
  out.push_back(known(context, "POST", "/negotiations/*", Of::negotiation, [context](const auto& from, const auto& r) {
    return negotiation_message(context->with, from, rest_of(r), r.body);
  }));
  out.push_back(known(context, "GET", "/negotiations/*", Of::negotiation, [context](const auto& from, const auto& r) {
    return negotiation_state(context->with, from, rest_of(r));
  }));
  out.push_back(known(context, "POST", "/transfers/*", Of::transfer, [context](const auto& from, const auto& r) {
    return transfer_message(context->with, from, rest_of(r), r.body);
  }));
  out.push_back(known(context, "GET", "/transfers/*", Of::transfer, [context](const auto& from, const auto& r) {
    return transfer_state(context->with, from, rest_of(r));
  }));
  return out;
}

}  // namespace sluis::dsp
