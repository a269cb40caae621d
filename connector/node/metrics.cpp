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

}  // namespace

std::string metrics_text(const Measured& measured) {
  using prometheus::MetricType;
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  const double started = std::chrono::duration<double>(measured.started.time_since_epoch()).count();
  std::vector<prometheus::MetricFamily> all{
      family("sluis_log_entries", "Entries of the provenance log", MetricType::Counter, number(measured.log_entries)),
      family("sluis_outbox_messages", "Messages that no peer has taken yet", MetricType::Gauge,
             number(measured.outbox_messages)),
      family("sluis_streams", "Releases and receptions that run", MetricType::Gauge, number(measured.streams)),
      family("sluis_findings", "What `sluis doctor` would name", MetricType::Gauge, number(measured.findings)),
      family("sluis_log_quarantined", "1 when nothing is signed any more", MetricType::Gauge,
             measured.quarantined ? 1 : 0),
      family("sluis_exchanges_refused", "1 while exchanges are refused, as they cannot be recorded", MetricType::Gauge, measured.refusing ? 1 : 0),
      family("sluis_start_time_seconds", "When the node started, since 1970", MetricType::Gauge, started),
      family("sluis_build_info", "The program's version", MetricType::Gauge, 1)};
  all.back().metric.front().label.push_back({"version", measured.version});
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace sluis::node
