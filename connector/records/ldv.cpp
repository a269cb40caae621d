#include "connector/base/bytes.hpp"
#include "connector/json/json.hpp"
#include "connector/records/record.hpp"

/// Logboek Dataverwerkingen 1.0.0: one line for each action of processing (section 3.3.1), in the form of section 3.2.2.
namespace sluis::records {
namespace {

using provenance::EntryKind;

/// An action ended because something broke, and not because it was refused, cut by a rule, or left (section 3.2.2.3).
bool is_broken(const v1::Shared& shared) {
  const std::string& code = shared.decision().code();
  if (shared.end() == "unknown") return true;
  return code.starts_with("source.") || code.starts_with("store.") || code == "provider.incomplete" || code == "provider.mismatch" ||
         code == "provider.unavailable";
}

class Ldv final : public Recorder {
 public:
  explicit Ldv(const Surroundings& around) : around_(around) {}

  void add(const Entry& entry) override {
    const bool released = entry.kind == EntryKind::stream_end || entry.kind == EntryKind::cut;
    if (!released && entry.kind != EntryKind::received) return;
    const v1::Internal& internal = entry.internal;
    if (internal.trace_id().size() != 16 || internal.span_id().size() != 8 || internal.begun_us() == 0) {
      ++left_out_;
      return;
    }
    json::Value line = json::object({{"trace_id", to_hex(internal.trace_id())}, {"span_id", to_hex(internal.span_id())}});
    if (!internal.parent_span_id().empty()) line.set("parent_span_id", to_hex(internal.parent_span_id()));
    line.set("status", is_broken(entry.shared) ? "Error" : "Unset");
    line.set("name", (released ? "release of `" : "obtaining of `") + entry.shared.dataset() + "`");
    line.set("start_time", milliseconds(internal.begun_us()));
    line.set("end_time", std::max(milliseconds(internal.begun_us()), milliseconds(entry.shared.time_us())));
    line.set("resource", json::object({{"attributes", json::object({{"service.name", "sluis"}, {"service.instance.id", around_.self}})}}));
    json::Value attributes = json::object({});
    const std::string& activity = released ? internal.processed_under() : internal.activity();
    if (!activity.empty()) attributes.set("dpl.core.processing_activity_id", activity);
    const std::string caller = released ? around_.node_url(entry.shared.counterparty()) : around_.application_url + url_part(internal.application());
    if (!caller.empty()) attributes.set("dpl.core.foreign_operation.processor", caller);
    if (is_broken(entry.shared)) {
      const v1::DecisionReason& reason = entry.shared.decision();
      attributes.set("exception.type", reason.code().empty() ? "unknown" : reason.code());
      attributes.set("exception.message", reason.sentence().empty() ? "how it ended is not known" : reason.sentence());
    }
    line.set("attributes", std::move(attributes));
    out_ += json::serialise(line) + '\n';
  }
  std::string take() override { return std::exchange(out_, {}); }

 private:
  static std::string url_part(std::string_view text) {
    std::string out;
    for (const char c : text) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
      out += plain ? std::string(1, c) : "%" + to_hex(std::string_view(&c, 1));
    }
    return out;
  }

  const Surroundings& around_;
  std::string out_;
};

}  // namespace

std::unique_ptr<Recorder> make_ldv(const Surroundings& around) { return std::make_unique<Ldv>(around); }

}  // namespace sluis::records
