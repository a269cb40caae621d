#pragma once

#include "connector/http/port.hpp"
#include "tests/sim/fibers.hpp"

#include <memory>
#include <optional>
#include <string>

namespace sluis::sim {

class World;
class Node;

/// A request that is under way, and the fiber that waits for its answer.
struct Exchange {
  Fibers::Token waiter;
  std::optional<Result<http::PeerResponse>> answer;
};

/// The network as one node sees it, with its faults. Calls the other node's routes with the very bytes of the message.
class Wire final : public http::PeerTransport {
 public:
  Wire(World& world, Node& from) : world_(world), from_(from) {}
  /// Within a fiber: waits for the answer, or until patience ends.
  Result<http::PeerResponse> send(const http::PeerRequest& request) override;

 private:
  struct Parcel {
    http::PeerRequest request;
    std::string message;  ///< which message it is, however often it is sent; empty: a read
    std::uint64_t order = 0;
    bool answered = true;  ///< somebody waits for the answer
    bool forged = false;
  };

  bool finish(const std::shared_ptr<Exchange>& exchange, Result<http::PeerResponse> answer);
  void bring(const std::shared_ptr<Exchange>& exchange, const std::shared_ptr<Parcel>& parcel, std::size_t to, Duration delay);
  bool arrive(const std::shared_ptr<Exchange>& exchange, const std::shared_ptr<Parcel>& parcel, std::size_t to);
  void take_back(const std::shared_ptr<Exchange>& exchange, http::Response response, std::size_t to);

  World& world_;
  Node& from_;
};

}  // namespace sluis::sim
