#pragma once

#include "connector/http/port.hpp"

#include <array>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace sluis::node {

/// What a witness did since it started, for its operator: of each log that it knows, and of those who got no cosignature, why. Bounded by
/// the logs of its configuration. Thread-safe.
class WitnessCounts {
 public:
  WitnessCounts(const std::vector<std::string>& origins, const Clock& clock);

  /// From then on what `POST /add-checkpoint` among these answers is counted here.
  void listen_to(std::vector<http::Route>& routes);
  /// In the text format of Prometheus, version 0.0.4. `conflicts`: pairs of contradicting checkpoints that are kept.
  std::string text(std::size_t conflicts) const;

 private:
  struct Log {
    std::uint64_t cosigned = 0;
    std::uint64_t size = 0;  ///< that was cosigned last
    Timestamp last{};
  };
  void count(const std::string& request, unsigned status);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Log, std::less<>> logs_;
  std::map<unsigned, std::uint64_t> refused_;  ///< by status
};

}  // namespace sluis::node
