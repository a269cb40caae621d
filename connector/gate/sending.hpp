#pragma once

#include "connector/gate/reason.hpp"
#include "connector/gate/release.hpp"
#include "connector/gate/streams.hpp"

namespace sluis::gate {

/// A release on its way out: how it ends. Nothing is written once it has. One thread.
class Sending {
 protected:
  Sending(Stream& stream, const DecisionClock& clock, http::ResponseSink& sink) : stream_(stream), clock_(clock), sink_(sink) {}

  /// Where the stream was cut, its reason counts.
  void end_with(ReleaseEnd::How how, std::string_view code, std::map<std::string, std::string> parameters = {}) {
    ended_ = true;
    end_.how = how;
    end_.reason = make_reason(code, std::move(parameters));
    if (auto reason = stream_.cut_reason()) {
      end_.how = ReleaseEnd::How::cut;
      end_.reason = std::move(*reason);
    }
  }

  bool may_go_on() {
    if (ended_) return false;
    if (stream_.may_go_on(clock_.now())) return true;
    end_with(ReleaseEnd::How::cut, "time.over_now");
    return false;
  }

  /// All has left: the trailers, by the rows in `end_`.
  void finish() {
    end_.digest = digest_.finish();
    digested_ = true;
    end_.how = ReleaseEnd::How::complete;
    const auto done = sink_.finish({{std::string(kRowsTrailer), std::to_string(end_.rows)}, {std::string(kDigestTrailer), to_hex(end_.digest)}});
    if (!done) end_with(ReleaseEnd::How::failed, "peer.gone");
  }

  Stream& stream_;
  const DecisionClock& clock_;
  http::ResponseSink& sink_;
  crypto::Sha256 digest_;
  ReleaseEnd end_;
  bool ended_ = false;
  bool digested_ = false;
};

}  // namespace sluis::gate
