#pragma once

#include "connector/base/ids.hpp"
#include "connector/base/time.hpp"
#include "connector/gate/alarm.hpp"
#include "connector/gate/progress.hpp"
#include "connector/http/port.hpp"
#include "policy/odrl/explain.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace sluis::gate {

/// What a running stream hangs on.
struct StreamSubject {
  AgreementId agreement;
  ProcessId transfer;
  DatasetId dataset;
  ParticipantId peer;
};

/// What a look at the rules says: it may go on until then, or is to be cut.
struct Reevaluation {
  std::optional<policy::Reason> cut;
  Timestamp valid_until = Timestamp::max();
};

/// Told how long a cut took: from the word that a stream is over, with which its connection is reset, until its sender was done with it; on the side that
/// receives the record of that end is part of it. Called by the sender's thread.
using OnCut = std::function<void(std::chrono::duration<double> took)>;

/// One stream that is under way. Thread-safe: one thread sends, any may cut.
class Stream {
 public:
  using Reevaluate = std::function<Reevaluation(Timestamp now)>;

  explicit Stream(StreamSubject subject, OnCut on_cut = {}) : subject_(std::move(subject)), on_cut_(std::move(on_cut)) {}

  const StreamSubject& subject() const { return subject_; }
  /// Before the first byte: how to look again, and when. At once, if something changed between the decision and this.
  void permit(Reevaluate reevaluate, Timestamp valid_until);
  /// The sender gives its sink while it sends; a cut resets it. Null: no longer.
  void attach(http::ResponseSink* sink);
  /// The first reason counts. Wakes the sender and resets the connection.
  void cut(policy::Reason reason);
  std::optional<policy::Reason> cut_reason() const;
  /// Whether the next byte may leave. Looks again at the rules when `valid_until` has come.
  bool may_go_on(Timestamp now);
  /// Looks again whether or not its time has come.
  void reevaluate(Timestamp now);
  Timestamp valid_until() const;
  /// Waits until then, or less when it is cut; whether it may go on.
  bool wait_until(std::chrono::steady_clock::time_point time);
  /// What has left, or come, in all; by the one thread that sends.
  void count(std::uint64_t rows, std::uint64_t bytes);
  /// It has no end of its own.
  void set_endless() { endless_ = true; }
  StreamProgress progress() const { return {rows_, bytes_, endless_}; }

 private:
  StreamSubject subject_;
  mutable std::mutex mutex_;
  std::mutex looking_;  ///< one look at a time
  std::condition_variable wake_;
  Reevaluate reevaluate_;
  bool missed_ = false;  ///< something changed before it was known how to look again
  Timestamp valid_until_ = Timestamp::max();
  std::optional<policy::Reason> cut_;
  std::chrono::steady_clock::time_point cut_at_;
  const OnCut on_cut_;
  http::ResponseSink* sink_ = nullptr;
  std::atomic<std::uint64_t> rows_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<bool> endless_ = false;
};

/// The stream knows the sink as long as this lives.
class Attached {
 public:
  Attached(Stream& stream, http::ResponseSink& sink) : stream_(stream) { stream_.attach(&sink); }
  ~Attached() { stream_.attach(nullptr); }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

 private:
  Stream& stream_;
};

/// All streams that are under way. Cuts each at the instant at which its rules end, by a timer of its own, so that a
/// sender that is blocked is cut as well. Thread-safe.
class StreamRegistry {
 public:
  /// What `on_cut` uses outlives every stream.
  explicit StreamRegistry(const Clock& clock, OnCut on_cut = {});
  ~StreamRegistry();

  /// Registered until the pointer goes away. Register first, then look at the state that a revocation changes.
  std::shared_ptr<Stream> add(StreamSubject subject);
  /// After `Stream::permit`: the timer takes its end into account.
  void permitted();

  /// Each returns how many it cut.
  std::size_t cut_agreement(const AgreementId& agreement, const policy::Reason& reason);
  std::size_t cut_transfer(const ProcessId& transfer, const policy::Reason& reason);
  std::size_t cut_all(const policy::Reason& reason);
  /// Those that would not end by themselves however long one waits.
  std::size_t cut_endless(const policy::Reason& reason);
  /// The wall clock stepped, or membership, datasets or vocabulary changed: looks at all anew, at once.
  void reevaluate_all();
  std::size_t size() const;
  /// Of the streams under a transfer, how far each has come.
  std::vector<StreamProgress> progress(const ProcessId& transfer) const;

 private:
  template <class Fits>
  std::size_t cut_if(const Fits& fits, const policy::Reason& reason);
  std::vector<std::shared_ptr<Stream>> all() const;
  std::optional<Timestamp> ring(Timestamp now);

  const Clock& clock_;
  struct Shared;
  std::shared_ptr<Shared> shared_;
  const OnCut on_cut_;
  Alarm alarm_;
};

}  // namespace sluis::gate
