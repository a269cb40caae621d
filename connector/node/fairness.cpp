#include "connector/node/fairness.hpp"

#include "connector/dsp/routes.hpp"
#include "connector/gate/reason.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::node {
namespace {

constexpr std::string_view kDsp = "/2025-1/";
constexpr std::string_view kReceipts = "/evidence/v1/receipts";
constexpr unsigned kTooMany = 429;

/// Without the slash behind it, which changes nothing.
std::string_view bare(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

bool is_data(std::string_view path) { return path == "/data" || path.starts_with("/data/"); }
bool is_for_parties(std::string_view path) { return path.starts_with(kDsp) || is_data(path) || path.starts_with("/evidence/"); }

http::Response no_place(std::string_view why) {
  constexpr const char* kSoon = "5";  // when another ends nobody knows
  http::Response response = gate::refusal(kTooMany, gate::make_reason("quota", {{"why", std::string(why)}}));
  response.headers["retry-after"] = std::string(kSoon);
  return response;
}

}  // namespace

bool Fairness::ends(const http::Request& request) {
  const std::string_view path = bare(request.path);
  return path.ends_with("/termination") || path == kReceipts;
}

http::ServerOptions::Place Fairness::place_of_party(const http::Request& request) {
  if (!is_data(request.path)) return std::shared_ptr<const void>();
  const auto peer = with_.scheme.verify(request.headers, request.tls);
  if (!peer) return std::shared_ptr<const void>();  // the route says so, and counts it
  if (auto place = of_parties_.take(peer->participant.str())) return place;
  with_.refusals.count("quota.releases", peer->participant.str());
  return no_place("as many requests of this party for data run as may at once");
}

http::ServerOptions::Place Fairness::place_of_stranger(const http::Request& request, const std::string& address) {
  if (!request.path.starts_with("/open/")) return std::shared_ptr<const void>();
  if (auto place = of_strangers_.take(http::neighbourhood(address))) return place;
  with_.refusals.count("open.quota.releases");
  return no_place("as many requests for open data run as may at once");
}

http::Route Fairness::told_when(http::Route route) {
  route.handler = [this, inner = std::move(route.handler)](const http::Request& request) {
    http::Response response = inner(request);
    if (response.status != kTooMany) return response;
    std::uint32_t said = 0;
    std::string& header = response.headers["retry-after"];
    std::from_chars(header.data(), header.data() + header.size(), said);
    header = std::to_string(std::max<std::int64_t>(said, wait(request).count()));
    return response;
  };
  return route;
}

/// Until each quota that such a request needs has one again.
std::chrono::seconds Fairness::wait(const http::Request& request) {
  const auto peer = with_.scheme.verify(request.headers, request.tls);
  if (!peer) return std::chrono::seconds(1);
  const std::string& who = peer->participant.str();
  const std::string_view path = bare(request.path);
  std::chrono::seconds longest = (ends(request) ? with_.endings : with_.requests).wait(who);
  if (path == std::string(kDsp) + "negotiations/request") longest = std::max(longest, with_.begun.wait(who));
  if (path == kReceipts) longest = std::max(longest, with_.mistakes.wait(who));
  return longest;
}

void Fairness::refuse(const http::Request& request, http::Response& response) {
  if (!is_for_parties(request.path)) return;
  const bool shows_a_route = response.status == 405 || response.status == 413 || response.status == 415;
  if (shows_a_route && !with_.scheme.verify(request.headers, request.tls)) {
    response = http::json_response(404, R"({"code":"not_found","reason":["There is nothing here for this request."]})");
  }
  if (!request.path.starts_with(kDsp)) return;
  http::Response told = dsp::refusal_by_server(request.path.substr(kDsp.size()), response.status);
  response.body = std::move(told.body);
}

}  // namespace sluis::node
