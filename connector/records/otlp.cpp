#include "connector/records/otlp.hpp"

#include "connector/json/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace sluis::records {
namespace {

/// Readers of protobuf's JSON stop at about a hundred messages in one another, and a value takes three of them.
constexpr std::size_t kDeepest = 16;

json::Bounds bounds() {
  json::Bounds out;  // of what this node wrote itself
  out.bytes = 64U << 20U;
  out.depth = 256;
  out.values = 10'000'000;
  return out;
}

json::Value any(const json::Value& value, std::size_t depth);

json::Value key_values(const json::Value& object, std::size_t depth = 0) {
  json::Array list;
  if (const json::Object* members = object.if_object()) {
    for (const auto& [name, value] : *members) list.push_back(json::object({{"key", name}, {"value", any(value, depth)}}));
  }
  return list;
}

json::Value of_number(const json::Number& number) {
  if (const auto whole = json::to_integer(number)) return json::object({{"intValue", std::to_string(*whole)}});
  double read = 0;
  const char* end = number.text.data() + number.text.size();
  const auto [at, error] = std::from_chars(number.text.data(), end, read);
  if (error == std::errc() && at == end && std::isfinite(read)) return json::object({{"doubleValue", number}});
  return json::object({{"stringValue", number.text}});
}

/// An AnyValue. What lies too deep is told as its JSON.
json::Value any(const json::Value& value, std::size_t depth) {
  if (value.is_null()) return json::object({});
  if (const bool* yes = value.if_bool()) return json::object({{"boolValue", *yes}});
  if (const std::string* text = value.if_string()) return json::object({{"stringValue", *text}});
  if (const json::Number* number = value.if_number()) return of_number(*number);
  if (depth == kDeepest) return json::object({{"stringValue", json::serialise(value)}});
  if (const json::Array* items = value.if_array()) {
    json::Array list;
    for (const json::Value& item : *items) list.push_back(any(item, depth + 1));
    return json::object({{"arrayValue", json::object({{"values", std::move(list)}})}});
  }
  return json::object({{"kvlistValue", json::object({{"values", key_values(value, depth + 1)}})}});
}

Result<std::string> text_of(const json::Value& record, std::string_view name) { return json::required_string(record, name); }

/// Milliseconds of a record as nanoseconds.
Result<std::string> nanoseconds(const json::Value& record, std::string_view name) {
  SLUIS_TRY(const std::uint64_t milliseconds, json::required_count(record, name));
  return milliseconds == 0 ? "0" : std::to_string(milliseconds) + "000000";
}

json::Value member(const json::Value& record, std::string_view name) {
  const json::Value* found = record.find(name);
  return found == nullptr ? json::Value(json::Object{}) : *found;
}

std::string text_or_none(const json::Value* value) {
  return value != nullptr && value->if_string() != nullptr ? *value->if_string() : std::string();
}

/// The parts of a request: a record with the resource that it is of.
struct Told {
  json::Value resource;  ///< its attributes
  json::Value record;
};

/// A Span. LDV knows no kind of span, so none is told; `Unset` and `Ok` are 0 and 1 of StatusCode.
Result<Told> span(const json::Value& line) {
  json::Value out;
  SLUIS_TRY(std::string trace, text_of(line, "trace_id"));
  SLUIS_TRY(std::string id, text_of(line, "span_id"));
  out.set("traceId", std::move(trace)).set("spanId", std::move(id));
  SLUIS_TRY(auto parent, json::optional_string(line, "parent_span_id"));
  if (parent) out.set("parentSpanId", std::move(*parent));
  SLUIS_TRY(std::string name, text_of(line, "name"));
  SLUIS_TRY(std::string start, nanoseconds(line, "start_time"));
  SLUIS_TRY(std::string end, nanoseconds(line, "end_time"));
  out.set("name", std::move(name)).set("startTimeUnixNano", std::move(start)).set("endTimeUnixNano", std::move(end));
  out.set("attributes", key_values(member(line, "attributes")));
  SLUIS_TRY(const std::string status, text_of(line, "status"));
  out.set("status", json::object({{"code", status == "Error" ? 2 : status == "Ok" ? 1 : 0}}));
  return Told{member(member(line, "resource"), "attributes"), std::move(out)};
}

/// A LogRecord. What it has no field for are attributes of this node's own.
Result<Told> log_record(const json::Value& line) {
  json::Value out;
  SLUIS_TRY(std::string time, nanoseconds(line, "timestamp"));
  SLUIS_TRY(std::string event, text_of(line, "event_name"));
  out.set("timeUnixNano", time).set("observedTimeUnixNano", time).set("eventName", std::move(event));
  SLUIS_TRY(std::string trace, text_of(line, "trace_id"));
  SLUIS_TRY(std::string id, text_of(line, "span_id"));
  out.set("traceId", std::move(trace)).set("spanId", std::move(id)).set("body", any(member(line, "body"), 0));
  json::Value attributes = member(line, "attributes");
  SLUIS_TRY(auto parent, json::optional_string(line, "parent_span_id"));
  if (parent) attributes.set("sluis.adl.parent_span_id", std::move(*parent));
  SLUIS_TRY(std::string status, text_of(line, "status"));
  attributes.set("sluis.adl.status", std::move(status));
  out.set("attributes", key_values(attributes));
  return Told{member(line, "resource"), std::move(out)};
}

}  // namespace

std::string_view otlp_path(Form form) {
  switch (form) {
    case Form::ldv: return "/v1/traces";
    case Form::adl: return "/v1/logs";
    case Form::fsc:
    case Form::prov:
    case Form::prov_json:
    case Form::csv:
    case Form::events: return {};
  }
  return {};
}

Result<std::string> otlp_request(Form form, std::string_view lines) {
  if (otlp_path(form).empty()) return Error(ErrorCode::invalid_argument, "this form has no signal of OTLP");
  const bool traces = form == Form::ldv;
  std::vector<std::pair<json::Value, json::Array>> by_resource;  // few: a node is one
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const auto read = json::parse(line, bounds());
    auto told = !read ? Result<Told>(read.error()) : traces ? span(*read) : log_record(*read);
    if (!told) return Error(ErrorCode::corruption, "a record is none of its form: " + describe(told.error()));
    auto group = std::find_if(by_resource.begin(), by_resource.end(), [&](const auto& one) { return one.first == told->resource; });
    if (group == by_resource.end()) group = by_resource.insert(group, {std::move(told->resource), {}});
    group->second.push_back(std::move(told->record));
  }
  json::Array resources;
  for (auto& [resource, records] : by_resource) {
    json::Value scope = json::object({{"scope", json::object({{"name", traces ? "sluis.ldv" : "sluis.adl"}})}});
    scope.set(traces ? "spans" : "logRecords", std::move(records));
    json::Value one = json::object({{"resource", json::object({{"attributes", key_values(resource)}})}});
    one.set(traces ? "scopeSpans" : "scopeLogs", json::array({std::move(scope)}));
    resources.push_back(std::move(one));
  }
  json::Value request;
  request.set(traces ? "resourceSpans" : "resourceLogs", std::move(resources));
  return json::serialise(request);
}

bool is_otlp_answer(std::string_view body) {
  if (body.empty()) return true;
  const auto answer = json::parse(body);
  return answer && answer->if_object() != nullptr;
}

OtlpAnswer read_otlp_answer(std::string_view body) {
  OtlpAnswer out;
  const auto answer = json::parse(body);
  const json::Value* partial = answer ? answer->find("partialSuccess") : nullptr;
  if (partial == nullptr) return out;
  for (const char* name : {"rejectedSpans", "rejectedLogRecords"}) {
    const json::Value* rejected = partial->find(name);
    if (rejected == nullptr) continue;
    // 64 bits are a text in this encoding; a plain number is to be read as well.
    const std::string text = rejected->if_number() != nullptr ? rejected->if_number()->text : text_or_none(rejected);
    std::from_chars(text.data(), text.data() + text.size(), out.rejected);
  }
  out.message = text_or_none(partial->find("errorMessage"));
  return out;
}

std::string read_otlp_refusal(std::string_view body) {
  const auto status = json::parse(body);
  return text_or_none(status ? status->find("message") : nullptr);
}

}  // namespace sluis::records
