#include "connector/http/sink.hpp"

#include "connector/http/collector.hpp"
#include "connector/http/message.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace sluis::http {
namespace {

constexpr std::size_t kFraming = 32;  ///< of a chunk, at most
constexpr std::size_t kCollect = Collector::kPlain - kFraming;  ///< what TLS sends at once: a rest would be waited with
constexpr std::chrono::seconds kStall{30};  ///< a peer that takes nothing for so long is given up

Error misuse(const char* what) { return Error(ErrorCode::internal, what); }

}  // namespace

Result<void> ChannelSink::told(Result<void> done) const {
  if (!done && request_ && request_->failed) request_->failed();
  return done;
}

Result<void> ChannelSink::send(std::string_view bytes) {
  if (request_) return told(channel_.write(bytes, kStall, request_->last));
  return channel_.write(bytes, kStall, sip_limit_ ? std::chrono::steady_clock::now() + *sip_limit_ : Channel::Time::max());
}

Result<void> ChannelSink::await_room() { return told(request_ ? channel_.await_room(kStall, request_->last) : channel_.await_room(kStall)); }

Result<void> ChannelSink::start(unsigned status, const Headers& headers, std::optional<std::uint64_t> length) {
  if (state_ != State::fresh) return misuse("a streamed answer starts once");
  if (!sendable(headers)) return misuse("a header has a line break");
  chunked_ = !length;
  left_ = length.value_or(0);
  Headers all = headers;
  if (chunked_) {
    all["transfer-encoding"] = "chunked";
  } else {
    all["content-length"] = std::to_string(*length);
  }
  if (!request_) {
    state_ = State::open;
    return send(head_text(status, all, close_));
  }
  if (status >= 300) return Error(ErrorCode::invalid_state, "there is nothing to be sent");
  state_ = State::open;
  std::string head = request_->head;
  for (const auto& [name, value] : all) head += name + ": " + value + "\r\n";
  return send(head + "\r\n");
}

Result<void> ChannelSink::write(std::string_view bytes) {
  if (state_ != State::open) return misuse("the streamed answer is not open");
  if (head_only_) return {};
  if (!chunked_) {
    if (bytes.size() > left_) return misuse("more bytes than the length said");
    left_ -= bytes.size();
  }
  while (!bytes.empty()) {
    if (buffer_.empty()) {  // of many streams that wait for slow peers none holds one
      SLUIS_CHECK(await_room());
      buffer_ = take_buffer();
    }
    const std::string_view part = bytes.substr(0, kCollect - buffer_.size());
    buffer_.append(part);
    bytes.remove_prefix(part.size());
    if (buffer_.size() == kCollect) SLUIS_CHECK(flush());
  }
  return {};
}

Result<void> ChannelSink::flush() {
  if (state_ != State::open) return misuse("the streamed answer is not open");
  return send_collected({});
}

Result<void> ChannelSink::send_collected(std::string_view last) {
  if (buffer_.empty()) return last.empty() ? Result<void>() : send(last);
  if (chunked_) {
    char size[24];
    const int digits = std::snprintf(size, sizeof size, "%zx\r\n", buffer_.size());
    buffer_.insert(0, size, static_cast<std::size_t>(digits));
    buffer_ += "\r\n";
  }
  buffer_ += last;
  auto sent = send(buffer_);
  give_buffer(std::exchange(buffer_, std::string()));
  return sent;
}

Result<void> ChannelSink::finish(const Headers& trailers) {
  if (state_ != State::open) return misuse("the streamed answer is not open");
  if (!sendable(trailers)) return misuse("a trailer has a line break");
  if (!head_only_) {
    if (!chunked_ && left_ != 0) return misuse("fewer bytes than the length said");
    std::string end;
    if (chunked_) {
      end = "0\r\n";
      for (const auto& [name, value] : trailers) end += name + ": " + value + "\r\n";
      end += "\r\n";
    }
    SLUIS_CHECK(send_collected(end));
  }
  state_ = State::complete;
  return {};
}

}  // namespace sluis::http
