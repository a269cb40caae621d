#include "connector/node/witness_counts.hpp"

#include "connector/provenance/note.hpp"
#include "connector/provenance/witness.hpp"

#include <charconv>

namespace sluis::node {
namespace {

/// As `Witness::add_checkpoint` answers.
constexpr std::array<std::pair<unsigned, const char*>, 6> kRefusals{{
    {400, "unreadable"}, {403, "signature"}, {404, "unknown_log"}, {409, "other_size"}, {422, "not_consistent"}, {503, "not_kept"}}};

std::string label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

void family(std::string& out, const char* name, const char* type, const char* help) {
  out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

/// The second line of a note, its size; 0: there is none.
std::uint64_t size_of(std::string_view note) {
  const std::size_t begin = note.find('\n');
  std::uint64_t size = 0;
  if (begin != std::string_view::npos) std::from_chars(note.data() + begin + 1, note.data() + note.size(), size);
  return size;
}

}  // namespace

WitnessCounts::WitnessCounts(const std::vector<std::string>& origins, const Clock& clock) : clock_(clock) {
  for (const std::string& origin : origins) logs_[origin];
  for (const auto& [status, _] : kRefusals) refused_[status] = 0;
}

void WitnessCounts::listen_to(std::vector<http::Route>& routes) {
  for (http::Route& route : routes) {
    if (route.path != "/add-checkpoint") continue;
    route.handler = [this, answer = std::move(route.handler)](const http::Request& request) {
      http::Response response = answer(request);
      count(request.body, response.status);
      return response;
    };
  }
}

void WitnessCounts::count(const std::string& request, unsigned status) {
  const auto read = provenance::read_add_checkpoint(request);
  const std::lock_guard lock(mutex_);
  if (const auto refused = refused_.find(status); refused != refused_.end()) ++refused->second;
  if (status != 200 || !read) return;
  const auto log = logs_.find(provenance::origin_of(read->note));
  if (log == logs_.end()) return;
  ++log->second.cosigned;
  log->second.size = size_of(read->note);
  log->second.last = clock_.now();
}

std::string WitnessCounts::text(std::size_t conflicts) const {
  std::string out;
  const std::lock_guard lock(mutex_);
  family(out, "sluis_witness_cosignatures_total", "counter", "Checkpoints of a log that were cosigned");
  for (const auto& [origin, log] : logs_) out += "sluis_witness_cosignatures_total{log=\"" + label(origin) + "\"} " + std::to_string(log.cosigned) + "\n";
  family(out, "sluis_witness_last_cosignature_seconds", "gauge", "When a checkpoint of a log was cosigned last, since 1970; 0: not since the start");
  for (const auto& [origin, log] : logs_) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(log.last).time_since_epoch().count();
    out += "sluis_witness_last_cosignature_seconds{log=\"" + label(origin) + "\"} " + std::to_string(seconds) + "\n";
  }
  family(out, "sluis_witness_log_entries", "gauge", "Entries of the checkpoint of a log that was cosigned last; 0: none since the start");
  for (const auto& [origin, log] : logs_) out += "sluis_witness_log_entries{log=\"" + label(origin) + "\"} " + std::to_string(log.size) + "\n";
  family(out, "sluis_witness_refusals_total", "counter", "Checkpoints that were not cosigned; other_size: the caller is told from which one on");
  for (const auto& [status, reason] : kRefusals) {
    out += std::string("sluis_witness_refusals_total{reason=\"") + reason + "\"} " + std::to_string(refused_.at(status)) + "\n";
  }
  family(out, "sluis_witness_conflicts", "gauge", "Pairs of checkpoints kept as proof that a log contradicts itself");
  out += "sluis_witness_conflicts " + std::to_string(conflicts) + "\n";
  return out;
}

}  // namespace sluis::node
