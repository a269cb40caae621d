#pragma once

#include "connector/http/channel.hpp"

#include <functional>
#include <optional>

namespace sluis::http {

/// A streamed answer on a channel, or a streamed request. Small writes are collected, at most 112 KiB; what is collected and not sent is dropped by
/// a cut. Calls in the wrong order are `internal` errors and send nothing.
class ChannelSink final : public ResponseSink {
 public:
  /// `sip_limit`: for what is sent at once; none: as long as some of it is taken every half minute.
  ChannelSink(Channel& channel, bool head_only, bool close, std::optional<std::chrono::milliseconds> sip_limit = {})
      : channel_(channel), head_only_(head_only), close_(close), sip_limit_(sip_limit) {}
  struct Request {
    std::string head;              ///< request line and headers, each with its line end; what `start` is given comes behind it
    std::function<void()> failed;  ///< called where the peer takes no more, before the error is given back
    Channel::Time last;            ///< after it no more is sent
  };
  /// A request. A status that is no success sends nothing, and is an error: there is nothing to be sent.
  ChannelSink(Channel& channel, Request request) : channel_(channel), head_only_(false), close_(true), request_(std::move(request)) {}

  Result<void> start(unsigned status, const Headers& headers, std::optional<std::uint64_t> length) override;
  Result<void> write(std::string_view bytes) override;
  Result<void> flush() override;
  Result<void> finish(const Headers& trailers) override;
  void cut() override { channel_.cut(); }

  bool started() const { return state_ != State::fresh; }
  /// The final chunk or the whole length went out.
  bool complete() const { return state_ == State::complete; }

 private:
  enum class State { fresh, open, complete };
  Result<void> send(std::string_view bytes);
  /// What was collected, and behind it `last`, as one.
  Result<void> send_collected(std::string_view last);
  Result<void> await_room();
  /// As it was, told to who sends a request.
  Result<void> told(Result<void> done) const;

  Channel& channel_;
  const bool head_only_;
  const bool close_;
  const std::optional<std::chrono::milliseconds> sip_limit_ = {};
  const std::optional<Request> request_;  ///< none: it is an answer
  State state_ = State::fresh;
  bool chunked_ = true;
  std::uint64_t left_ = 0;  ///< of the length
  std::string buffer_;
};

}  // namespace sluis::http
