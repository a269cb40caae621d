#pragma once

#include "connector/base/log.hpp"
#include "connector/base/random.hpp"
#include "connector/http/port.hpp"
#include "connector/management/commit_signal.hpp"
#include "connector/node/metrics.hpp"
#include "connector/provenance/log_store.hpp"
#include "connector/records/record.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluis::node {

/// Somebody who gets records of this node: a collector of OpenTelemetry, or a webhook, which has the one form `events`.
struct CollectorAt {
  std::string url;                   ///< of a collector: before `/v1/traces`, without a slash at its end
  std::vector<records::Form> forms;
  std::function<Result<http::PeerResponse>(const http::PeerRequest&)> send;
  std::function<void()> cut;                        ///< lets what is being sent fail at once, and what would be sent later
  std::function<Result<std::string>()> credential;  ///< value of an Authorization header, read for each request; empty: none is shown
  std::function<Result<std::string>()> secret = {};  ///< of a webhook: signs what is sent, read for each request
  std::set<std::string, std::less<>> kinds = {};     ///< of which entries it hears, by `provenance::kind_name`; empty: of all
};

/// What pushing records needs; all of it outlives it.
struct CollectingDependencies {
  const storage::Reader& store;
  const provenance::LogReader& log;
  management::CommitSignal& commits;
  const records::Surroundings& around;
  const Clock& clock;
  Random& random;
};

/// Pushes the records of the log: to collectors as OTLP over HTTP with JSON, to webhooks as signed CloudEvents, one a request. Each record
/// of each entry, in the order of the log, at least once (decisions 19 and 26). Each form of each collector has a thread and a cursor of its own: the number of the first entry whose records were
/// not acknowledged yet, at `collected/<form>/<url>`. Nothing that is recorded waits for it. Thread-safe.
class Collecting {
 public:
  Collecting(std::vector<CollectorAt> collectors, CollectingDependencies with);
  /// Stops.
  ~Collecting();
  Collecting(const Collecting&) = delete;
  Collecting& operator=(const Collecting&) = delete;

  /// storage_unavailable, corruption: a cursor that cannot be read.
  Result<void> start();
  /// Lets go of what is being sent; the threads end by themselves.
  void halt();

  /// What the operator should look at, one line each: a collector that refuses, or that takes nothing for longer than kOverdue, or that
  /// rejected records within the last day.
  std::vector<std::string> findings() const;
  std::vector<MeasuredCollector> measured() const;

  static constexpr std::chrono::minutes kOverdue{1};

 private:
  class Lane;
  const std::vector<CollectorAt> collectors_;
  const CollectingDependencies with_;
  log::Seldom told_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

/// What a webhook gets beside an event (Standard Webhooks 1.0.0, symmetric signatures): its id, when it was sent, and a signature of both
/// and the body. `secret`: the bytes behind `whsec_`.
http::Headers webhook_headers(std::string_view secret, std::string_view id, Timestamp now, std::string_view body);

}  // namespace sluis::node
