#pragma once

#include "connector/http/port.hpp"
#include "connector/negotiation/service.hpp"
#include "connector/transfer/service.hpp"

#include <functional>
#include <vector>

namespace sluis::dsp {

/// What the catalogue answers; called on worker threads.
class CatalogPort {
 public:
  virtual ~CatalogPort() = default;
  struct Page {
    json::Value catalog;  ///< with `@context` and `@type`
    std::string next;     ///< token of the next page; empty: the last
  };
  /// What this party may see, from a page's token (empty: the first). invalid_argument: no such token.
  virtual Result<Page> catalog(const ParticipantId& participant, std::string_view page) = 0;
  virtual Result<json::Value> dataset(const ParticipantId& participant, const DatasetId& id) = 0;
};

struct RouteOptions {
  std::string base_path = "/2025-1";  ///< without a trailing slash
  std::string public_path;            ///< `path` in the version document; empty: `base_path`
  std::string public_url;             ///< base address as peers see it, for links to next pages; empty: relative links
  std::string service_id;             ///< in the version document; empty: left out
};

struct RouteDependencies {
  negotiation::Service& negotiations;
  transfer::Service& transfers;
  CatalogPort& catalog;
  /// Who is calling; any error is answered 404, and is for the callback to log.
  std::function<Result<ParticipantId>(const http::Request&)> authenticate;
  /// Whether the membership list gives this party an endpoint of this origin.
  std::function<bool(const ParticipantId&, std::string_view url)> origin_allowed;
};

/// All paths of both roles (DSP 2025-1 HTTPS binding), and `/.well-known/dspace-version`. The dependencies outlive
/// them.
std::vector<http::Route> routes(RouteOptions options, RouteDependencies dependencies);

/// The error body for what never reached a route: of the part of the protocol to which the path below the base belongs. `status`: as the
/// server answers it.
http::Response refusal_by_server(std::string_view below_base, unsigned status);

/// What a DSP peer is answered for an error of ours.
unsigned status_of(ErrorCode code);

}  // namespace sluis::dsp
