#pragma once

#include "connector/http/port.hpp"

namespace sluis::provenance {
class Witness;
}

namespace sluis::node {

/// C2SP tlog-witness: `POST /add-checkpoint`, and with the monitoring prefix `/witnessed` what was seen last of one of `origins`,
/// `GET /witnessed/<SHA-256 of the origin>/checkpoint`. Who may not is answered 404.
std::vector<http::Route> witness_routes(provenance::Witness& witness, std::function<bool(const http::Request&)> may,
                                        std::function<std::vector<std::string>()> origins);
/// That second path, of a log.
std::string witnessed_path(std::string_view origin);

}  // namespace sluis::node
