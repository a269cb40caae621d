#pragma once

#include "connector/crypto/crypto.hpp"
#include "connector/gate/release.hpp"

namespace sluis::intake {

/// What came, and how it ended.
struct Received {
  enum class How : std::uint8_t { complete, cut, refused, failed };
  How how = How::failed;
  policy::Reason reason;  ///< but for `complete`
  Hash digest{};          ///< of the bytes that came
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::string checkpoint = {};  ///< the provider's newest, as it came; empty: none that can be kept
  std::string false_checkpoint = {};  ///< why what came as one is none of its log; empty: it is not known to be none
  std::string version = {};  ///< which version of the source, and which part of it, where the provider says so
};

/// Fetches from the provider's gate and streams through to the application. Complete only when the final chunk came
/// and the trailers' digest and rows are those counted here, and of a part its length is the one announced; else the application's connection is reset. A refusal is
/// passed on with its reason. Does not finish the sink of a complete stream: that waits for its record. `around`: who looks at the provider's
/// certificate, and what ends the call.
struct RelayResult {
  Received received;
  http::Headers trailers;   ///< to pass on
  unsigned status = 0;      ///< of a refusal or failure: what to tell the application
};
RelayResult relay(http::Upstream& upstream, const http::PeerRequest& request, gate::Stream& stream,
                  const gate::DecisionClock& clock, http::ResponseSink& sink, const http::Headers& headers,
                  http::StreamHandler around = {});

}  // namespace sluis::intake
