#include "connector/node/metrics.hpp"

#include <prometheus/histogram.h>
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

/// One value for each side that has TLS files; those for which there is none are left out.
template <class Value>
prometheus::MetricFamily of_tls(const Measured& measured, const char* name, const char* help, Value value) {
  prometheus::MetricFamily out{name, help, prometheus::MetricType::Gauge, {}};
  for (const http::TlsState& one : measured.tls) {
    const std::optional<double> known = value(one);
    if (!known) continue;
    prometheus::ClientMetric metric;
    metric.label = {{"of", one.name}};
    metric.gauge.value = *known;
    out.metric.push_back(std::move(metric));
  }
  return out;
}

/// Of each place from which lists are fetched, and how long a removal takes.
void add_places(const Measured& measured, std::vector<prometheus::MetricFamily>& all) {
  const auto add = [&](const char* name, const char* help, auto value) {
    all.push_back({name, help, prometheus::MetricType::Gauge, {}});
    for (const MeasuredPlace& one : measured.places) {
      prometheus::ClientMetric metric;
      metric.label = {{"list", one.list}, {"source", one.place}};
      metric.gauge.value = value(one);
      all.back().metric.push_back(std::move(metric));
    }
  };
  add("sluis_list_source_failing", "1 when this place was asked for a list last in vain", [](const auto& one) { return one.failing ? 1.0 : 0.0; });
  add("sluis_list_source_success_seconds", "When this place last had the list in force or a newer one, since 1970; 0: never yet", [](const auto& one) {
    return one.succeeded ? std::chrono::duration<double>(one.succeeded->time_since_epoch()).count() : 0.0;
  });
  all.push_back({"sluis_list_bound_seconds", "From a list at a place that answers until whom it removes has lost access, at most", prometheus::MetricType::Gauge, {}});
  for (const auto& [list, bound] : measured.list_bounds) {
    prometheus::ClientMetric metric;
    metric.label = {{"list", list}};
    metric.gauge.value = std::chrono::duration<double>(bound).count();
    all.back().metric.push_back(std::move(metric));
  }
}

/// Cuts, as they took, and within which time each is to be done.
void add_cuts(const Measured& measured, std::vector<prometheus::MetricFamily>& all) {
  if (measured.cuts == nullptr) return;
  all.push_back({"sluis_cut_seconds", "From the word that a stream is over until its sender was done with it", prometheus::MetricType::Histogram, {measured.cuts->Collect()}});
  all.push_back(family("sluis_cut_bound_seconds", "Within which a cut is done, once it is recorded", prometheus::MetricType::Gauge,
                       std::chrono::duration<double>(measured.cut_bound).count()));
}

std::optional<double> seconds_of(Timestamp end) {
  if (end == Timestamp::max()) return std::nullopt;
  return std::chrono::duration<double>(end.time_since_epoch()).count();
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
      family("sluis_receipts_total", "Data requests that the other party's log proves", MetricType::Counter, number(measured.receipts)),
      family("sluis_receipts_missing_total", "Data requests that it did not prove in time, or not as they were", MetricType::Counter,
             number(measured.receipts_missing)),
      family("sluis_streams", "Releases and receptions that run", MetricType::Gauge, number(measured.streams)),
      family("sluis_findings", "What `sluis doctor` would name", MetricType::Gauge, number(measured.findings)),
      family("sluis_log_quarantined", "1 when nothing is signed any more", MetricType::Gauge,
             measured.quarantined ? 1 : 0),
      family("sluis_exchanges_refused", "1 while exchanges are refused, as they cannot be recorded", MetricType::Gauge, measured.refusing ? 1 : 0),
      family("sluis_start_time_seconds", "When the node started, since 1970", MetricType::Gauge, started),
      family("sluis_build_info", "The program's version", MetricType::Gauge, 1)};
  all.back().metric.front().label.push_back({"version", measured.version});
  all.push_back(of_tls(measured, "sluis_tls_files_refused", "1 while changed TLS files are not used, and those before still are",
                       [](const auto& one) { return std::optional(one.trouble.empty() ? 0.0 : 1.0); }));
  all.push_back(of_tls(measured, "sluis_tls_certificate_end_seconds", "When the node's certificate in use is over, since 1970",
                       [](const auto& one) { return seconds_of(one.ends); }));
  all.push_back(of_tls(measured, "sluis_tls_revocation_list_end_seconds", "When the first of the revocation lists is over, since 1970",
                       [](const auto& one) { return seconds_of(one.lists_end); }));
  add_places(measured, all);
  add_cuts(measured, all);
  all.push_back(family("sluis_keys_locked", "1 when private keys are in memory that is never in swap", MetricType::Gauge, measured.keys_locked ? 1 : 0));
  if (measured.conflicts) {
    all.push_back(family("sluis_witness_conflicts", "Pairs of checkpoints kept as proof that a log contradicts itself", MetricType::Gauge, number(*measured.conflicts)));
  }
  if (!measured.witnesses.witnesses.empty()) {
    const MeasuredWitnesses& those = measured.witnesses;
    const auto add = [&](const char* name, const char* help, auto value) {
      all.push_back({name, help, MetricType::Gauge, {}});
      for (const MeasuredWitnesses::One& one : those.witnesses) {
        prometheus::ClientMetric metric;
        metric.label = {{"witness", one.name}};
        metric.gauge.value = value(one) ? 1 : 0;
        all.back().metric.push_back(std::move(metric));
      }
    };
    add("sluis_witness_cosigned", "1 when this witness cosigned the newest public checkpoint", [](const auto& one) { return one.cosigned; });
    add("sluis_witness_alarming", "1 when this witness says that the log is not what it was", [](const auto& one) { return one.alarming; });
    all.push_back({"sluis_witness_signed_seconds", "When this witness cosigned last, by its own clock, since 1970", MetricType::Gauge, {}});
    for (const MeasuredWitnesses::One& one : those.witnesses) {
      if (!one.signed_at) continue;
      prometheus::ClientMetric metric;
      metric.label = {{"witness", one.name}};
      metric.gauge.value = std::chrono::duration<double>(one.signed_at->time_since_epoch()).count();
      all.back().metric.push_back(std::move(metric));
    }
    all.push_back(family("sluis_witness_quorum", "Witnesses that should have cosigned, at least", MetricType::Gauge, number(those.quorum)));
    all.push_back(family("sluis_witness_quorum_met", "1 when enough witnesses cosigned the newest public checkpoint", MetricType::Gauge, those.met ? 1 : 0));
    all.push_back(family("sluis_witness_quorum_since_seconds", "Since when that has been so, met or not, since 1970", MetricType::Gauge,
                         std::chrono::duration<double>(those.since.time_since_epoch()).count()));
    all.push_back(family("sluis_witness_quorum_complete_seconds", "When enough witnesses had cosigned last, since 1970", MetricType::Gauge,
                         std::chrono::duration<double>(those.complete_at.time_since_epoch()).count()));
  }
  std::erase_if(all, [](const prometheus::MetricFamily& one) { return one.metric.empty(); });
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
