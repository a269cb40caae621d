#include "connector/base/bytes.hpp"
#include "connector/json/json.hpp"
#include "connector/records/record.hpp"

#include <vector>

/// Authorization Decision Log 1.0.0: one record for each decision (section 3.2.3), in the form of section 3.3.
namespace sluis::records {
namespace {

using provenance::EntryKind;

bool is_search(const Entry& entry) { return entry.shared.event().starts_with("searched."); }
bool is_evaluation(const Entry& entry) { return entry.shared.event().starts_with("evaluated."); }
/// Of the decision point, as opposed to a data request.
bool is_asked(const Entry& entry) { return is_search(entry) || is_evaluation(entry); }

bool has_decision(const Entry& entry) {
  switch (entry.kind) {
    case EntryKind::decision:
    case EntryKind::intent: return true;
    // A stream that a rule ended was looked at again, with another outcome.
    case EntryKind::cut: return is_decided(entry.shared.decision());
    case EntryKind::received: return entry.shared.end() == "cut" && is_decided(entry.shared.decision());
    default: return false;
  }
}

bool has_step(const Entry& entry) { return entry.internal.trace_id().size() == 16 && entry.internal.span_id().size() == 8; }

json::Value text_or_nothing(const std::string& text) { return text.empty() ? json::Value() : json::Value(text); }

void set_where(json::Value& object, const char* name, const std::string& text) {
  if (!text.empty()) object.set(name, text_or_nothing(text));
}

/// What was asked at the gate or the intake, in the form of the AuthZEN information model.
json::Value request_of(const Entry& entry) {
  const v1::Shared& shared = entry.shared;
  const std::string& application = entry.internal.application();
  json::Value action = json::object({{"name", "use"}});
  json::Value why = json::object({});
  set_where(why, "purpose", shared.purpose());
  set_where(why, "processing_activity_id", entry.internal.activity());
  if (!why.if_object()->empty()) action.set("properties", std::move(why));
  json::Value what = json::object({});
  set_where(what, "agreement", shared.agreement());
  set_where(what, "transfer", shared.transfer());
  json::Value resource = json::object({{"type", "dataset"}, {"id", shared.dataset()}});
  if (!what.if_object()->empty()) resource.set("properties", std::move(what));
  return json::object({{"subject", application.empty() ? json::object({{"type", "party"}, {"id", shared.counterparty()}})
                                                       : json::object({{"type", "application"}, {"id", application}})},
                       {"action", std::move(action)},
                       {"resource", std::move(resource)}});
}

json::Value response_of(const Entry& entry) {
  const v1::DecisionReason& decision = entry.shared.decision();
  json::Value context = json::object({{"id", entry.shared.transaction()}, {"code", decision.code()}});
  json::Value parameters = json::object({});
  for (const auto& [name, value] : std::map<std::string, std::string>(decision.parameters().begin(), decision.parameters().end())) parameters.set(name, value);
  if (!parameters.if_object()->empty()) context.set("parameters", std::move(parameters));
  context.set("reason_admin", json::object({{"en", decision.sentence()}}));
  return json::object({{"decision", decision.permit()}, {"context", std::move(context)}});
}

/// The node that decided, by the digests that its log has of what it decided by (section 3.5).
void add_sources(const std::vector<Entry>& entries, json::Value& attributes) {
  json::Value policies = json::object({}), information = json::object({});
  for (const Entry& entry : entries) {
    const v1::Shared& shared = entry.shared;
    if (!shared.offer_hash().empty()) policies.set("terms:" + shared.agreement(), "sha256:" + to_hex(shared.offer_hash()));
    if (!shared.agreement_hash().empty()) policies.set("agreement:" + shared.agreement(), "sha256:" + to_hex(shared.agreement_hash()));
    if (!shared.program_hash().empty()) policies.set("program:" + shared.agreement(), "sha256:" + to_hex(shared.program_hash()));
    for (const v1::RestsOn& one : shared.rests_on()) information.set("declaration:" + one.id(), json::object({{"log.entry", one.entry()}}));
    set_where(information, "source", entry.internal.source());
  }
  if (!policies.if_object()->empty()) attributes.set("adl.core.policies", std::move(policies));
  if (!information.if_object()->empty()) attributes.set("adl.core.information", std::move(information));
}

class Adl final : public Recorder {
 public:
  explicit Adl(const Surroundings& around) : around_(around) {}

  void add(const Entry& entry) override {
    if (!has_decision(entry)) return;
    if (!has_step(entry)) {
      ++left_out_;
      return;
    }
    if (!call_.empty() && !is_of_call(entry)) write();
    call_.push_back(entry);
    if (entry.internal.of_call() == 0) write();
  }
  bool ends_before(const Entry& next) const override { return call_.empty() || !is_of_call(next); }
  std::string take() override {
    write();
    return std::exchange(out_, {});
  }

 private:
  bool is_of_call(const Entry& next) const {
    const v1::Internal& begun = call_.front().internal;
    return next.kind == EntryKind::decision && is_evaluation(next) && next.internal.span_id() == begun.span_id() && next.internal.trace_id() == begun.trace_id();
  }

  /// A call of which an entry was erased gives none: half a record would be another decision.
  void write() {
    if (call_.empty()) return;
    const std::vector<Entry> call = std::exchange(call_, {});
    const Entry& first = call.front();
    const bool batch = first.internal.of_call() != 0;
    if (batch && first.internal.of_call() != call.size()) {
      left_out_ += call.size();
      return;
    }
    json::Value request, response;
    std::string event = "adl.access_evaluation";
    if (is_search(first)) {
      event = "adl.search_" + first.shared.event().substr(9);
      request = parsed(first.internal.request());
      response = json::object({{"results", parsed(first.internal.response())}});
    } else if (batch) {
      event += 's';
      json::Array asked_items, told_items;
      for (const Entry& one : call) {
        asked_items.push_back(parsed(one.internal.request()));
        told_items.push_back(response_of(one));
      }
      request = json::object({{"evaluations", std::move(asked_items)}});
      response = json::object({{"evaluations", std::move(told_items)}});
    } else {
      request = is_asked(first) ? parsed(first.internal.request()) : request_of(first);
      response = response_of(first);
    }
    json::Value attributes = json::object({{"sluis.log.entry", first.index}});
    set_where(attributes, "sluis.application.name", first.internal.application());
    add_sources(call, attributes);
    // A stream that was looked at again is in the step of its release; the decision is one below it.
    const bool again = first.kind == EntryKind::cut || first.kind == EntryKind::received;
    const std::string& span = again ? first.internal.decision_span_id() : first.internal.span_id();
    const std::string& parent = again ? first.internal.span_id() : first.internal.parent_span_id();
    if (span.size() != 8) {
      ++left_out_;
      return;
    }
    json::Value record = json::object({{"trace_id", to_hex(first.internal.trace_id())}, {"span_id", to_hex(span)}});
    if (!parent.empty()) record.set("parent_span_id", to_hex(parent));
    record.set("event_name", event);
    record.set("timestamp", milliseconds(first.shared.time_us()));
    record.set("status", "Unset");
    record.set("attributes", std::move(attributes));
    record.set("resource", json::object({{"service.name", "sluis"}, {"service.instance.id", around_.self}}));
    record.set("body", json::object({{"adl.core.request", std::move(request)}, {"adl.core.response", std::move(response)}}));
    out_ += json::serialise(record) + '\n';
  }

  static json::Value parsed(const std::string& text) {
    auto value = json::parse(text);
    return value ? std::move(*value) : json::Value(json::Object{});
  }

  const Surroundings& around_;
  std::vector<Entry> call_;  ///< evaluations of one call
  std::string out_;
};

}  // namespace

std::unique_ptr<Recorder> make_adl(const Surroundings& around) { return std::make_unique<Adl>(around); }

}  // namespace sluis::records
