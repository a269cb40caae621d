#include "connector/node/metrics.hpp"

#include <prometheus/text_serializer.h>

namespace sluis::node {
namespace {

prometheus::MetricFamily family(const char* name, const char* help, prometheus::MetricType type, double value) {
  prometheus::ClientMetric metric;
  if (type == prometheus::MetricType::Counter) metric.counter.value = value;
  else metric.gauge.value = value;
  return {name, help, type, {metric}};
}

/// One value for each form of each collector.
template <class Value>
prometheus::MetricFamily of_collectors(const Measured& measured, const char* name, const char* help, prometheus::MetricType type,
                                       Value value) {
  prometheus::MetricFamily out{name, help, type, {}};
  for (const MeasuredCollector& one : measured.collectors) {
    prometheus::ClientMetric metric;
    metric.label = {{"collector", one.url}, {"form", one.form}};
    (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = static_cast<double>(value(one));
    out.metric.push_back(std::move(metric));
  }
  return out;
}

}  // namespace

std::string metrics_text(const Measured& measured) {
  using prometheus::MetricType;
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  const double started = std::chrono::duration<double>(measured.started.time_since_epoch()).count();
  std::vector<prometheus::MetricFamily> all{
      family("sluis_log_entries", "Entries of the provenance log", MetricType::Counter, number(measured.log_entries)),
      family("sluis_outbox_waiting", "Messages that no peer has taken yet", MetricType::Gauge, number(measured.outbox_waiting)),
      family("sluis_outbox_dead", "Messages that are not delivered unless somebody has them tried again", MetricType::Gauge,
             number(measured.outbox_dead)),
      family("sluis_outbox_peers_away", "Parties for whom messages wait and that give no answer", MetricType::Gauge,
             number(measured.outbox_away)),
      family("sluis_streams", "Releases and receptions that run", MetricType::Gauge, number(measured.streams)),
      family("sluis_findings", "What `sluis doctor` would name", MetricType::Gauge, number(measured.findings)),
      family("sluis_log_quarantined", "1 when nothing is signed any more", MetricType::Gauge,
             measured.quarantined ? 1 : 0),
      family("sluis_exchanges_refused", "1 while exchanges are refused, as they cannot be recorded", MetricType::Gauge, measured.refusing ? 1 : 0),
      family("sluis_start_time_seconds", "When the node started, since 1970", MetricType::Gauge, started),
      family("sluis_build_info", "The program's version", MetricType::Gauge, 1)};
  all.back().metric.front().label.push_back({"version", measured.version});
  if (!measured.collectors.empty()) {
    const auto add = [&](const char* name, const char* help, MetricType type, auto value) {
      all.push_back(of_collectors(measured, name, help, type, value));
    };
    add("sluis_collector_waiting_entries", "Entries whose records the collector did not acknowledge yet", MetricType::Gauge,
        [](const auto& one) { return one.waiting; });
    add("sluis_collector_records_total", "Records that the collector acknowledged", MetricType::Counter,
        [](const auto& one) { return one.records; });
    add("sluis_collector_rejected_total", "Records that it rejected for good", MetricType::Counter,
        [](const auto& one) { return one.rejected; });
    add("sluis_collector_entries_without_record_total", "Entries that were erased, or say too little for a record", MetricType::Counter,
        [](const auto& one) { return one.without_record; });
    add("sluis_collector_failing", "1 when its last request was not taken", MetricType::Gauge,
        [](const auto& one) { return one.failing ? 1 : 0; });
    add("sluis_collector_last_status", "HTTP status of its last answer; 0: none came", MetricType::Gauge,
        [](const auto& one) { return one.last_status; });
  }
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace sluis::node
