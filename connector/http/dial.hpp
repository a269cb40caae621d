#pragma once

#include "connector/http/address_guard.hpp"

namespace sluis::http {

/// A connection to the first of these addresses that answers. `host`, `port`: for the message. peer_unavailable.
Result<int> dial(const std::vector<Address>& addresses, const std::string& host, const std::string& port, std::chrono::steady_clock::time_point until);

}  // namespace sluis::http
