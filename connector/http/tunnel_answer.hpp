#pragma once

#include "connector/http/tunnel.hpp"

namespace sluis::http {

/// The status that a proxy answers CONNECT with, read from a socket; its head and nothing behind it. After a tunnel was opened nothing may follow: TLS begins
/// with this side's word. peer_unavailable: all else, with what the proxy did. Known apart so that what a proxy may send can be tried without one.
Result<unsigned> tunnel_answer(int file, const Proxy& proxy, std::chrono::steady_clock::time_point until);

}  // namespace sluis::http
