#pragma once

#include "connector/gate/gate.hpp"

#include <future>

namespace sluis::gate {

struct OpenDependencies {
  CommitPort& commits;
  const storage::Reader& store;
  const Clock& clock;
  const DecisionClock& decision_clock;
  Datasets& datasets;
  ProgramCache& programs;
  StreamRegistry& streams;
  RefusalCounter& refusals;
  VocabularySource vocabulary;
  /// As GateDependencies::pseudonym_root: which rows and persons are counted must not differ from what parties get.
  std::string root_key = {};
};

/// Open data (D28): the same gate without identity or agreement. Decided, transformed, counted by dataset and hour;
/// nothing about a caller is kept. Thread-safe; worker threads only.
class OpenGate {
 public:
  OpenGate(ParticipantId self, OpenDependencies dependencies);
  ~OpenGate();

  /// GET `/open/<path>`. HEAD of it is decided too; nothing is opened or asked of a service for it, and it is not counted: no data leave.
  std::vector<http::Route> routes();
  /// At start, before the first request: hours without a total get the total *unknown*.
  Result<void> recover();
  /// At stop: the totals of the hours that are open; nothing is released after it.
  Result<void> close();
  /// The wall clock stepped.
  void on_clock_step() { alarm_.wake(); }
  /// As Gate::on_stopping.
  void on_stopping() { verbatim_.stop(); }

 private:
  struct Hour {
    std::shared_future<Result<void>> opened;
    Hash offer_hash{};
    std::uint64_t count = 0;
    bool durable = false;
  };
  using HourKey = std::pair<std::string, std::int64_t>;  ///< dataset, hours since 1970

  http::Response handle(const http::Request& request);
  Result<void> count_in(const ReleasePlan& plan, Timestamp now);
  Result<void> open_hour(const ReleasePlan& plan, std::int64_t hour, Timestamp now);
  Result<void> write_total(const HourKey& key, const Hash& offer_hash, std::optional<std::uint64_t> count);
  Reevaluation look_again(const std::string& path, Timestamp now) const;
  std::optional<Timestamp> ring(Timestamp now);

  ParticipantId self_;
  OpenDependencies with_;
  std::mutex mutex_;
  std::map<HourKey, Hour> hours_;
  bool closed_ = false;
  Verbatim verbatim_;
  UpstreamCalls calls_;  ///< of all together
  Alarm alarm_;
};

}  // namespace sluis::gate
