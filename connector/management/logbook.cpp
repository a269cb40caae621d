#include "connector/management/logbook.hpp"

#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/json/json.hpp"
#include "connector/management/audit_export.hpp"
#include "connector/management/audit_rows.hpp"
#include "connector/management/entries.hpp"
#include "connector/management/status_codes.hpp"
#include "connector/provenance/passing.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace sluis::management {
namespace {

using Request = v1::AuditProcessingActivitiesRequest;
using provenance::EntryKind;

constexpr std::string_view kVersion = "1.1.0";  // of the API in the draft
constexpr std::size_t kMostFound = 1000;
constexpr std::size_t kMostBytes = 2U << 20U;   // of the answer
constexpr std::uint64_t kMostRead = 100'000;    // entries whose payload is read
constexpr std::uint64_t kMostSeen = 2'000'000;  // entries whose leaf is
constexpr std::size_t kRequestBytes = 16U << 10U;

/// What a request can say as text, by the extension's name.
struct Named {
  std::string_view name;
  const std::string& (Request::*get)() const;
  std::string* (Request::*set)();
};
constexpr std::array<Named, 5> kTexts{{
    {"traceId", &Request::trace_id, &Request::mutable_trace_id},
    {"dpl.core.processing_activity_id", &Request::processing_activity_id, &Request::mutable_processing_activity_id},
    {"dpl.core.data_subject_id", &Request::data_subject_id, &Request::mutable_data_subject_id},
    {"dpl.core.data_subject_id_type", &Request::data_subject_id_type, &Request::mutable_data_subject_id_type},
    {"dpl.core.foreign_operation.processor", &Request::processor, &Request::mutable_processor},
}};

/// Names in an exported line, and in the extension.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kNames{{
    {"trace_id", "traceId"}, {"span_id", "spanId"}, {"status", "status"},
    {"name", "name"}, {"start_time", "startTime"}, {"end_time", "endTime"},
    {"parent_span_id", "parentSpanId"}, {"resource", "resource"}, {"attributes", "attributes"},
}};

/// 32 digits in lower case, of a UUID too.
Result<std::string> trace_of(const std::string& text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = text.size() == 36 && (i == 8 || i == 13 || i == 18 || i == 23);
    if (dash && text[i] == '-') continue;
    digits += text[i];
  }
  const auto bytes = from_hex(digits);
  if (!bytes || bytes->size() != 16) {
    return Error(ErrorCode::invalid_argument, "`traceId` is no trace: a UUID, or 32 hexadecimal digits").at_pointer("/traceId");
  }
  return to_hex(*bytes);
}

std::string as_uuid(const std::string& trace) {
  return trace.substr(0, 8) + "-" + trace.substr(8, 4) + "-" + trace.substr(12, 4) + "-" + trace.substr(16, 4) + "-" + trace.substr(20);
}

Result<Timestamp> time_of(std::int64_t milliseconds, std::string_view name) {
  constexpr std::int64_t kLatest = 32'503'680'000'000;  // the year 3000: in no clock's reach, and microseconds of it fit
  if (milliseconds < 0 || milliseconds > kLatest) {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` is no time: milliseconds since 1970", name)).at_pointer(json::pointer_to("", name));
  }
  return Timestamp(std::chrono::milliseconds(milliseconds));
}

class Look {
 public:
  static Result<Look> make(const Request& request) {
    Look look(request);
    if (request.trace_id().empty() && request.processing_activity_id().empty() && request.data_subject_id().empty()) {
      return Error(ErrorCode::invalid_argument, "nothing says which actions of processing are wanted")
          .at_pointer("")
          .mended_by("name at least one of `traceId`, `dpl.core.processing_activity_id`, `dpl.core.data_subject_id`");
    }
    if (!request.trace_id().empty()) {
      SLUIS_TRY(look.trace_, trace_of(request.trace_id()));
    }
    if (request.has_start_time()) {
      SLUIS_TRY(look.start_, time_of(request.start_time(), "startTime"));
    }
    if (request.has_end_time()) {
      SLUIS_TRY(look.end_, time_of(request.end_time(), "endTime"));
    }
    if (look.start_ && look.end_ && *look.end_ < *look.start_) {
      return Error(ErrorCode::invalid_argument, "`endTime` is before `startTime`").at_pointer("/endTime");
    }
    return look;
  }

  /// Of the extension's form, with a member less than the whole: the list.
  Result<json::Array> through(const Backend& backend) const {
    SLUIS_TRY(const std::uint64_t entries, backend.log.entries());
    SLUIS_TRY(std::uint64_t number, first_of(backend.log, entries));
    const records::Surroundings around = surroundings_of(backend);
    const auto recorder = records::make_recorder(records::Form::ldv, around);
    json::Array found;
    std::size_t bytes = 0;
    for (std::uint64_t read = 0, seen = 0; number < entries; ++number, ++seen) {
      SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_or_skip(backend.log, number));
      if (!leaf) continue;
      // What ended in time was recorded within the hour, and hours never fall.
      if (end_ && Timestamp(std::chrono::hours(leaf->hours)) > *end_ + std::chrono::hours(1)) break;
      const auto kind = static_cast<EntryKind>(leaf->kind);
      if (kind != EntryKind::stream_end && kind != EntryKind::cut && kind != EntryKind::received) continue;
      if (++read > kMostRead || seen > kMostSeen) return too_much("too many entries of the log would have to be looked through");
      SLUIS_TRY(const auto entry, records::read_entry(backend.log, number, *leaf));
      if (!entry || (!trace_.empty() && to_hex(entry->internal.trace_id()) != trace_)) continue;
      recorder->add(*entry);
      const std::string line = recorder->take();
      if (line.empty()) continue;
      SLUIS_TRY(const json::Value record, json::parse(line));
      if (!fits(record)) continue;
      bytes += line.size();
      found.push_back(as_read(record));
      if (found.size() > kMostFound || bytes > kMostBytes) {
        return too_much(fmt::format("more than {} actions of processing fit, or they are too long for an answer", kMostFound));
      }
    }
    return found;
  }

  /// Of what was recorded.
  TimeSpan span() const { return TimeSpan(start_); }

 private:
  explicit Look(const Request& request) : asked_(request) {}

  static Error too_much(std::string what) {
    return Error(ErrorCode::invalid_argument, std::move(what)).at_pointer("").mended_by("narrow it with `traceId`, or with `startTime` and `endTime`");
  }

  /// The first entry that can be of the time asked for.
  Result<std::uint64_t> first_of(const provenance::LogReader& log, std::uint64_t entries) const {
    SLUIS_TRY(std::uint64_t low, log.first_kept());
    if (!start_) return low;
    std::uint64_t high = entries;
    while (low < high) {
      const std::uint64_t middle = low + (high - low) / 2;
      SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_in_pass(log, middle));
      if (!leaf || Timestamp(std::chrono::hours(leaf->hours + 2)) <= *start_) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  bool fits(const json::Value& record) const {
    const auto time = [&](std::string_view name) {
      const auto read = json::required_count(record, name);
      return Timestamp(std::chrono::milliseconds(read ? *read : 0));
    };
    if (start_ && time("start_time") < *start_) return false;
    if (end_ && time("end_time") > *end_) return false;
    const json::Value* attributes = record.find("attributes");
    return std::all_of(kTexts.begin() + 1, kTexts.end(), [&](const Named& one) {
      const std::string& wanted = (asked_.*one.get)();
      const json::Value* has = attributes == nullptr ? nullptr : attributes->find(one.name);
      return wanted.empty() || (has != nullptr && has->if_string() != nullptr && *has->if_string() == wanted);
    });
  }

  static json::Value as_read(const json::Value& record) {
    json::Value out;
    for (const auto& [from, to] : kNames) {
      const json::Value* value = record.find(from);
      if (value == nullptr) continue;
      out.set(to, from == "trace_id" && value->if_string() != nullptr ? json::Value(as_uuid(*value->if_string())) : *value);
    }
    return out;
  }

  const Request asked_;
  std::string trace_;  ///< 32 digits; empty: any
  std::optional<Timestamp> start_, end_;
};

json::Value as_told(const Request& request) {
  json::Value out = json::object({});
  for (const Named& one : kTexts) {
    if (!(request.*one.get)().empty()) out.set(one.name, (request.*one.get)());
  }
  if (request.has_start_time()) out.set("startTime", std::int64_t{request.start_time()});
  if (request.has_end_time()) out.set("endTime", std::int64_t{request.end_time()});
  return out;
}

/// Who looked, for what, and how much was told: in the part that stays here, as what is looked for may be somebody.
Result<std::uint64_t> record_look(Backend& backend, const Request& request, const Caller& caller, const json::Array& found,
                                  const std::string& document) {
  v1::Shared shared;
  shared.set_event("processing-activities");
  shared.set_count(found.size());
  shared.set_digest(std::string(view(crypto::sha256(document))));
  EntryDraft entry = make_entry(backend, caller, EntryKind::looked, std::move(shared));
  v1::Internal internal;
  internal.ParseFromString(entry.internal);
  internal.set_detail("role " + role_name(caller.role));
  internal.set_request(json::serialise(as_told(request)));
  entry.internal = internal.SerializeAsString();
  Commit commit;
  commit.entries.push_back(std::move(entry));
  const auto receipt = backend.commits.commit_and_wait(std::move(commit));
  if (receipt) return receipt->first_entry;
  return Error(ErrorCode::storage_unavailable, "this look could not be recorded, so there is no answer: " + receipt.error().message);
}

/// RFC 9457, with the members that the API Design Rules have.
http::Response problem(const Error& error) {
  const unsigned status = error.code == ErrorCode::limit_exceeded ? 400 : status_of(error.code).http;
  constexpr std::array<std::pair<unsigned, std::string_view>, 4> kTitles{
      {{400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {503, "Service Unavailable"}}};
  const auto* title = std::find_if(kTitles.begin(), kTitles.end(), [&](const auto& one) { return one.first == status; });
  const std::string detail = error.mend.empty() ? error.message : error.message + "; " + error.mend;
  json::Value body = json::object(
      {{"status", std::uint64_t{status}}, {"title", title == kTitles.end() ? "Error" : title->second}, {"detail", detail}});
  if (status == 400) {
    json::Value location = json::object({{"pointer", error.place.pointer}});
    if (error.place.line != 0) location.set("line", std::uint64_t{error.place.line}).set("column", std::uint64_t{error.place.column});
    body.set("errors", json::array({json::object(
                           {{"in", "body"}, {"location", std::move(location)}, {"code", to_string(error.code)}, {"detail", error.message}})}));
  }
  http::Response response{
      status, {{"content-type", "application/problem+json"}, {"api-version", std::string(kVersion)}}, json::serialise(body), {}};
  if (status == 401) response.headers["www-authenticate"] = "Bearer";
  return response;
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type == "application/json";
}

Result<std::string> answer(const Api& api, const Method& method, const http::Request& request) {
  SLUIS_TRY(const Caller caller, api.authorise(method, request.header("authorization"), request.tls));
  if (!is_json(request.header("content-type"))) {
    return Error(ErrorCode::invalid_argument, "the body is not said to be JSON").mended_by("send `content-type: application/json`");
  }
  SLUIS_TRY(const Request asked, read_logbook_request(request.body));
  SLUIS_TRY(const MessagePtr told, api.run(method, asked, caller));
  return static_cast<const v1::AuditProcessingActivitiesResponse&>(*told).document();
}

}  // namespace

Result<Request> read_logbook_request(std::string_view body) {
  SLUIS_TRY(const json::Value value, json::parse(body));
  const json::Object* members = value.if_object();
  if (members == nullptr) return Error(ErrorCode::invalid_argument, fmt::format("the body is {}, not an object", value.kind())).at_pointer("");
  Request request;
  for (const auto& [name, member] : *members) {
    const std::string pointer = json::pointer_to("", name);
    const auto refused = [&](const std::string& what) { return Error(ErrorCode::invalid_argument, what).at_pointer(pointer); };
    if (name == "startTime" || name == "endTime") {
      const auto number = member.if_number() != nullptr ? json::to_integer(*member.if_number()) : Result<std::int64_t>(Error());
      if (!number) return refused(fmt::format("`{}` is no whole number of milliseconds since 1970", name));
      if (name == "startTime") request.set_start_time(*number);
      else request.set_end_time(*number);
      continue;
    }
    const auto* known = std::find_if(kTexts.begin(), kTexts.end(), [&](const Named& one) { return one.name == name; });
    if (known == kTexts.end()) {
      std::string all;
      for (const Named& one : kTexts) all += fmt::format("`{}`, ", one.name);
      return refused(fmt::format("`{}` is nothing that can be asked for", name)).mended_by("known are " + all + "`startTime`, `endTime`");
    }
    const std::string* text = member.if_string();
    if (text == nullptr || text->empty()) {
      return refused(fmt::format("`{}` is {}, not a text that says something", name, text == nullptr ? member.kind() : "empty"));
    }
    if (text->size() > limits::kIdBytes) return refused(fmt::format("`{}` has more than {} bytes", name, limits::kIdBytes));
    *(request.*known->set)() = *text;
  }
  return request;
}

Result<v1::AuditProcessingActivitiesResponse> read_logbook(Backend& backend, const Request& request, const Caller& caller) {
  // Not all come by the route.
  for (const Named& one : kTexts) {
    if ((request.*one.get)().size() > limits::kIdBytes) {
      return Error(ErrorCode::invalid_argument, fmt::format("`{}` has more than {} bytes", one.name, limits::kIdBytes))
          .at_pointer(json::pointer_to("", one.name));
    }
  }
  SLUIS_TRY(const Look look, Look::make(request));
  SLUIS_TRY(json::Array found, look.through(backend));
  const std::string document = json::serialise(json::object({{"processingActivities", found}}));
  v1::AuditProcessingActivitiesResponse response;
  SLUIS_TRY(const std::uint64_t entry, record_look(backend, request, caller, found, document));
  response.set_entry(entry);
  response.set_found(found.size());
  response.set_document(document);
  SLUIS_TRY(const std::optional<std::string> gone, pruned_note(backend.log, look.span()));
  if (gone) response.add_notes(*gone);
  return response;
}

http::Route logbook_route(const Api& api) {
  const Method* method = api.methods().find("/sluis.v1.AuditService/ProcessingActivities");
  const auto handler = [&api, method](const http::Request& request) {
    const auto document = answer(api, *method, request);
    if (!document) return problem(document.error());
    http::Response response = http::json_response(200, *document);
    response.headers["api-version"] = std::string(kVersion);
    return response;
  };
  return {"POST", "/processing-activities", handler, kRequestBytes};
}

}  // namespace sluis::management
