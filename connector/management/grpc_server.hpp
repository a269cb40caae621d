#pragma once

#include "connector/management/methods.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace sluis::management {

struct GrpcOptions {
  std::string address;  ///< `127.0.0.1:9092`, port 0 for any; or `unix:/run/sluis/management.sock`
  /// PEM files; gRPC looks every ten seconds whether they changed. That they fit is for the caller to see to.
  std::string certificate;  ///< chain; empty: no TLS, which is allowed on loopback and Unix sockets only
  std::string key;
  std::string roots;        ///< who signs clients' certificates; empty: none is asked for
  bool allow_tls_1_2 = false;  ///< else TLS 1.3 alone; of all gRPC servers of this process the first says so
  unsigned threads = 8;         ///< calls that run at the same time
  /// A connection is ended after so long and its calls a tenth of that later, whatever it does or does not; clients connect
  /// again by themselves. The longest call takes a minute.
  std::chrono::milliseconds longest = std::chrono::minutes(15);
  std::function<bool()> ready = {};  ///< what the health service says, to anybody; none: never ready
};

/// Whether an address of GrpcOptions reaches this machine only.
bool is_local(const std::string& address);

/// The same methods as gRPC. The token comes as metadata `authorization: Bearer <token>`, or the client has a certificate
/// (gRPC checks it by the machine's clock at the handshake; each call by the node's). Errors carry the serialised ErrorDetail
/// as trailing metadata `sluis-error-bin`. Beside the contract it answers the health service, without any token, and reflection, to who has
/// a role (`wellknown.hpp`).
class GrpcServer {
 public:
  /// `api` outlives the server. conflict: the address is in use; invalid_argument: off loopback without TLS.
  static Result<std::unique_ptr<GrpcServer>> start(const Api& api, const GrpcOptions& options);
  /// Cancels what is under way, and waits for its end.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  int port() const;  ///< 0 for a Unix socket

 private:
  struct Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluis::management
