#include "connector/gate/streams.hpp"

#include "connector/gate/reason.hpp"

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace sluis::gate {

void Stream::permit(Reevaluate reevaluate, Timestamp valid_until) {
  const std::lock_guard lock(mutex_);
  reevaluate_ = std::move(reevaluate);
  valid_until_ = missed_ ? Timestamp::min() : valid_until;  // asked to look when it could not yet: it does so before the first byte
}

void Stream::attach(http::ResponseSink* sink) {
  const std::lock_guard lock(mutex_);
  if (cut_ && on_cut_ && sink_ != nullptr && sink == nullptr) on_cut_(std::chrono::steady_clock::now() - cut_at_);
  sink_ = sink;
  if (cut_ && sink_ != nullptr) sink_->cut();
}

void Stream::cut(policy::Reason reason) {
  {
    const std::lock_guard lock(mutex_);
    if (cut_) return;
    cut_ = std::move(reason);
    cut_at_ = std::chrono::steady_clock::now();
    if (sink_ != nullptr) sink_->cut();
  }
  wake_.notify_all();
}

std::optional<policy::Reason> Stream::cut_reason() const {
  const std::lock_guard lock(mutex_);
  return cut_;
}

Timestamp Stream::valid_until() const {
  const std::lock_guard lock(mutex_);
  return valid_until_;
}

bool Stream::may_go_on(Timestamp now) {
  {
    const std::lock_guard lock(mutex_);
    if (cut_) return false;
    if (now < valid_until_) return true;
  }
  reevaluate(now);
  const std::lock_guard lock(mutex_);
  return !cut_ && now < valid_until_;
}

void Stream::reevaluate(Timestamp now) {
  const std::lock_guard one(looking_);
  Reevaluate look;
  {
    const std::lock_guard lock(mutex_);
    if (cut_) return;
    missed_ = !reevaluate_;
    if (missed_) return;
    look = reevaluate_;
  }
  Reevaluation seen = look(now);
  if (!seen.cut && seen.valid_until <= now) seen.cut = make_reason("time.over_now");
  if (seen.cut) {
    cut(std::move(*seen.cut));
    return;
  }
  const std::lock_guard lock(mutex_);
  valid_until_ = seen.valid_until;
}

bool Stream::wait_until(std::chrono::steady_clock::time_point time) {
  std::unique_lock lock(mutex_);
  wake_.wait_until(lock, time, [this] { return cut_.has_value(); });
  return !cut_;
}

void Stream::count(std::uint64_t rows, std::uint64_t bytes) {
  rows_ = rows;
  bytes_ = bytes;
}

struct StreamRegistry::Shared {
  mutable std::mutex mutex;
  std::unordered_map<const Stream*, std::weak_ptr<Stream>> streams;
};

StreamRegistry::StreamRegistry(const Clock& clock, OnCut on_cut)
    : clock_(clock), shared_(std::make_shared<Shared>()), on_cut_(std::move(on_cut)), alarm_(clock, [this](Timestamp now) { return ring(now); }) {}

StreamRegistry::~StreamRegistry() = default;

std::shared_ptr<Stream> StreamRegistry::add(StreamSubject subject) {
  std::shared_ptr<Stream> stream(new Stream(std::move(subject), on_cut_), [shared = shared_](Stream* gone) {
    {
      const std::lock_guard lock(shared->mutex);
      shared->streams.erase(gone);
    }
    delete gone;
  });
  const std::lock_guard lock(shared_->mutex);
  shared_->streams.emplace(stream.get(), stream);
  return stream;
}

void StreamRegistry::permitted() { alarm_.wake(); }

std::vector<std::shared_ptr<Stream>> StreamRegistry::all() const {
  std::vector<std::shared_ptr<Stream>> out;
  const std::lock_guard lock(shared_->mutex);
  out.reserve(shared_->streams.size());
  for (const auto& [_, weak] : shared_->streams) {
    if (auto stream = weak.lock()) out.push_back(std::move(stream));
  }
  return out;
}

template <class Fits>
std::size_t StreamRegistry::cut_if(const Fits& fits, const policy::Reason& reason) {
  std::size_t count = 0;
  for (const auto& stream : all()) {
    if (!fits(stream->subject())) continue;
    stream->cut(reason);
    ++count;
  }
  return count;
}

std::size_t StreamRegistry::cut_agreement(const AgreementId& agreement, const policy::Reason& reason) {
  return cut_if([&](const StreamSubject& subject) { return subject.agreement == agreement; }, reason);
}

std::size_t StreamRegistry::cut_transfer(const ProcessId& transfer, const policy::Reason& reason) {
  return cut_if([&](const StreamSubject& subject) { return subject.transfer == transfer; }, reason);
}

std::size_t StreamRegistry::cut_all(const policy::Reason& reason) {
  return cut_if([](const StreamSubject&) { return true; }, reason);
}

std::size_t StreamRegistry::cut_endless(const policy::Reason& reason) {
  std::size_t count = 0;
  for (const auto& stream : all()) {
    if (!stream->progress().endless) continue;
    stream->cut(reason);
    ++count;
  }
  return count;
}

std::vector<StreamProgress> StreamRegistry::progress(const ProcessId& transfer) const {
  std::vector<StreamProgress> out;
  for (const auto& stream : all()) {
    if (stream->subject().transfer == transfer) out.push_back(stream->progress());
  }
  return out;
}

void StreamRegistry::reevaluate_all() {
  const Timestamp now = clock_.now();
  for (const auto& stream : all()) stream->reevaluate(now);
  alarm_.wake();
}

std::size_t StreamRegistry::size() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->streams.size();
}

std::optional<Timestamp> StreamRegistry::ring(Timestamp now) {
  std::optional<Timestamp> next;
  for (const auto& stream : all()) {
    if (!stream->may_go_on(now)) continue;
    const Timestamp until = stream->valid_until();
    if (until != Timestamp::max() && (!next || until < *next)) next = until;
  }
  return next;
}

}  // namespace sluis::gate
