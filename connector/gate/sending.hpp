#pragma once

#include "connector/gate/reason.hpp"
#include "connector/gate/release.hpp"
#include "connector/gate/streams.hpp"

namespace sluis::gate {

/// A sink whose cut also wakes a sender that waits elsewhere than at the sink.
class WakingSink final : public http::ResponseSink {
 public:
  /// `wake` may be called from any thread, and more than once.
  WakingSink(http::ResponseSink& inner, std::function<void()> wake) : inner_(inner), wake_(std::move(wake)) {}

  Result<void> start(unsigned status, const http::Headers& headers, std::optional<std::uint64_t> length) override {
    return inner_.start(status, headers, length);
  }
  Result<void> write(std::string_view bytes) override { return inner_.write(bytes); }
  Result<void> flush() override { return inner_.flush(); }
  Result<void> finish(const http::Headers& trailers) override { return inner_.finish(trailers); }
  void cut() override {
    inner_.cut();
    wake_();
  }

 private:
  http::ResponseSink& inner_;
  std::function<void()> wake_;
};

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
    end_.digest = digest();
    end_.how = ReleaseEnd::How::complete;
    const auto done = sink_.finish({{std::string(kRowsTrailer), std::to_string(end_.rows)}, {std::string(kDigestTrailer), to_hex(end_.digest)}});
    if (!done) end_with(ReleaseEnd::How::failed, "peer.gone");
  }

  /// Of what has left; nothing more may leave.
  const Hash& digest() {
    if (!digested_) digested_ = digest_.finish();
    return *digested_;
  }

  Stream& stream_;
  const DecisionClock& clock_;
  http::ResponseSink& sink_;
  crypto::Sha256 digest_;
  ReleaseEnd end_;
  bool ended_ = false;
  std::optional<Hash> digested_;
};

}  // namespace sluis::gate
