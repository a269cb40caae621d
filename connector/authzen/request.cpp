#include "connector/authzen/request.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/time.hpp"
#include "connector/crypto/crypto.hpp"

#include <array>

namespace sluis::authzen {
namespace {

constexpr std::array<std::string_view, 4> kParts{"subject", "resource", "action", "context"};

Error wrong(std::string_view pointer, const std::string& message) {
  return Error(ErrorCode::invalid_argument, message).at_pointer(std::string(pointer));
}

Result<std::optional<std::string>> text(const json::Value& object, std::string_view key, std::string_view pointer) {
  SLUIS_TRY(std::optional<std::string> value, json::optional_string(object, key, pointer));
  if (value && value->size() > limits::kIdBytes) {
    return Error(ErrorCode::limit_exceeded, "`" + std::string(key) + "` is longer than " +
                                                std::to_string(limits::kIdBytes) + " bytes")
        .at_pointer(json::pointer_to(pointer, key));
  }
  return value;
}

Result<std::string> required(const json::Value& object, std::string_view key, std::string_view pointer) {
  SLUIS_TRY(const std::optional<std::string> value, text(object, key, pointer));
  if (!value || value->empty()) return wrong(json::pointer_to(pointer, key), "`" + std::string(key) + "` is missing");
  return *value;
}

/// The object of that name; null where there is none.
Result<const json::Value*> part(const json::Value& body, std::string_view key, std::string_view pointer) {
  const json::Value* found = body.find(key);
  if (found != nullptr && found->if_object() == nullptr) {
    return wrong(json::pointer_to(pointer, key), "`" + std::string(key) + "` must be an object");
  }
  return found;
}

Result<std::optional<std::string>> property(const json::Value& entity, std::string_view key,
                                            std::string_view pointer) {
  SLUIS_TRY(const json::Value* properties, part(entity, "properties", pointer));
  if (properties == nullptr) return std::optional<std::string>();
  return text(*properties, key, json::pointer_to(pointer, "properties"));
}

/// The object of that name, which must be there.
Result<const json::Value*> entity(const json::Value& body, std::string_view key, std::string_view pointer) {
  SLUIS_TRY(const json::Value* found, part(body, key, pointer));
  if (found == nullptr) return wrong(json::pointer_to(pointer, key), "`" + std::string(key) + "` is missing");
  return found;
}

Result<void> read_subject(const json::Value& body, std::string_view pointer, bool is_sought, Evaluation& out) {
  SLUIS_TRY(const json::Value* subject, entity(body, "subject", pointer));
  const std::string at = json::pointer_to(pointer, "subject");
  SLUIS_TRY(out.subject_type, required(*subject, "type", at));
  if (!is_sought) {
    SLUIS_TRY(out.subject_id, required(*subject, "id", at));
  }
  SLUIS_TRY(out.subject_class, property(*subject, "class", at));
  SLUIS_TRY(const std::optional<std::string> party, property(*subject, "party", at));
  out.party = out.subject_type == "application" ? party.value_or("") : out.subject_id;
  return {};
}

Result<void> read_resource(const json::Value& body, std::string_view pointer, bool is_sought, Evaluation& out) {
  SLUIS_TRY(const json::Value* resource, entity(body, "resource", pointer));
  const std::string at = json::pointer_to(pointer, "resource");
  SLUIS_TRY(out.resource_type, required(*resource, "type", at));
  if (!is_sought) {
    SLUIS_TRY(out.resource_id, required(*resource, "id", at));
  }
  SLUIS_TRY(const std::optional<std::string> agreement, property(*resource, "agreement", at));
  out.agreement = out.resource_type == "agreement" ? out.resource_id : agreement.value_or("");
  return {};
}

Result<void> read_action(const json::Value& body, std::string_view pointer, Evaluation& out) {
  SLUIS_TRY(const json::Value* action, entity(body, "action", pointer));
  const std::string at = json::pointer_to(pointer, "action");
  SLUIS_TRY(out.action, required(*action, "name", at));
  SLUIS_TRY(out.purpose, property(*action, "purpose", at));
  SLUIS_TRY(const std::optional<std::string> activity, property(*action, "processing_activity_id", at));
  out.activity = activity.value_or("");
  SLUIS_TRY(const std::optional<std::string> algorithm, property(*action, "algorithm_id", at));
  out.algorithm = algorithm.value_or("");
  return {};
}

Result<void> read_context(const json::Value& body, std::string_view pointer, Evaluation& out) {
  SLUIS_TRY(const json::Value* context, part(body, "context", pointer));
  if (context == nullptr) return {};
  SLUIS_TRY(const std::optional<std::string> trace,
            text(*context, "traceparent", json::pointer_to(pointer, "context")));
  out.trace = trace.value_or("");
  SLUIS_TRY(const std::optional<std::string> time, text(*context, "time", json::pointer_to(pointer, "context")));
  if (time && !parse_time(*time)) return wrong(json::pointer_to(pointer, "context") + "/time", "`time` is no time: write it as RFC 3339 does, with a zone");
  out.said_time = time.value_or("");
  return {};
}

Result<Evaluation> read_at(const json::Value& body, std::string_view pointer, std::optional<Sought> sought = {}) {
  if (body.if_object() == nullptr) return wrong(pointer, "an evaluation must be an object");
  Evaluation out;
  SLUIS_CHECK(read_subject(body, pointer, sought == Sought::subject, out));
  SLUIS_CHECK(read_resource(body, pointer, sought == Sought::resource, out));
  if (sought != Sought::action) {
    SLUIS_CHECK(read_action(body, pointer, out));
  }
  SLUIS_CHECK(read_context(body, pointer, out));
  return out;
}

Result<Semantic> read_semantic(const json::Value& body) {
  SLUIS_TRY(const json::Value* options, part(body, "options", ""));
  if (options == nullptr) return Semantic::execute_all;
  SLUIS_TRY(const std::optional<std::string> name, text(*options, "evaluations_semantic", "/options"));
  if (!name || *name == "execute_all") return Semantic::execute_all;
  if (*name == "deny_on_first_deny") return Semantic::deny_on_first_deny;
  if (*name == "permit_on_first_permit") return Semantic::permit_on_first_permit;
  return wrong("/options/evaluations_semantic", "`" + *name + "` is no semantic of a batch");
}

/// The item with what it leaves out taken from the body around it, a whole member at a time.
json::Value with_defaults(const json::Value& item, const json::Value& body) {
  json::Value whole = item;
  if (whole.if_object() == nullptr) return whole;
  for (const std::string_view key : kParts) {
    const json::Value* given = body.find(key);
    if (given != nullptr && whole.find(key) == nullptr) whole.set(key, *given);
  }
  return whole;
}

Hash question_of(const json::Value& body, Sought sought) {
  std::string text(to_string(sought));
  for (const std::string_view key : kParts) {
    const json::Value* found = body.find(key);
    put_sized(text, found == nullptr ? std::string() : json::serialise(*found));
  }
  return crypto::sha256(text);
}

Result<std::optional<std::uint64_t>> read_limit(const json::Value& page) {
  const json::Value* limit = page.find("limit");
  if (limit == nullptr) return std::optional<std::uint64_t>();
  const json::Number* number = limit->if_number();
  const auto value = number == nullptr ? Result<std::int64_t>(std::int64_t{-1}) : json::to_integer(*number);
  if (!value || *value < 0) return wrong("/page/limit", "`limit` must be an integer that is not negative");
  return std::optional(static_cast<std::uint64_t>(*value));
}

/// limit ‖ question ‖ last candidate, as base64url. It opens nothing that its bearer could not ask for.
Result<void> read_token(std::string_view token, std::optional<std::uint64_t> limit, Search& search) {
  const auto bytes = from_base64url(token);
  if (!bytes || bytes->size() < sizeof(std::uint64_t) + search.question.size()) {
    return wrong("/page/token", "this is no token of a page");
  }
  const std::string_view rest = std::string_view(*bytes).substr(sizeof(std::uint64_t));
  search.limit = get_u64(*bytes);
  if (rest.substr(0, search.question.size()) != view(search.question) || (limit && *limit != search.limit)) {
    return wrong("/page/token", "the token came with another question or another limit");
  }
  search.after = rest.substr(search.question.size());
  return {};
}

Result<void> read_page(const json::Value& body, Search& search) {
  SLUIS_TRY(const json::Value* page, part(body, "page", ""));
  search.limit = limits::kSearchResults;
  if (page == nullptr) return {};
  SLUIS_TRY(const std::optional<std::uint64_t> limit, read_limit(*page));
  search.limit = limit.value_or(search.limit);
  SLUIS_TRY(const std::optional<std::string> token, json::optional_string(*page, "token", "/page"));
  if (!token || token->empty()) return {};
  if (token->size() > limits::kPageTokenBytes) {
    return Error(ErrorCode::limit_exceeded, "this is no token of a page").at_pointer("/page/token");
  }
  return read_token(*token, limit, search);
}

}  // namespace

std::string_view to_string(Sought sought) {
  switch (sought) {
    case Sought::subject: return "subject";
    case Sought::resource: return "resource";
    case Sought::action: return "action";
  }
  return "";
}

Result<Search> read_search(const json::Value& body, Sought sought) {
  Search search;
  search.sought = sought;
  SLUIS_TRY(search.asked, read_at(body, "", sought));
  if (sought == Sought::subject && search.asked.subject_type == "application") {
    return wrong("/subject/type", "applications are not known here; search for a `party`");
  }
  search.question = question_of(body, sought);
  SLUIS_CHECK(read_page(body, search));
  return search;
}

std::string page_token(const Search& search, std::string_view last) {
  std::string bytes;
  put_u64(bytes, search.limit);
  bytes += view(search.question);
  bytes += last;
  return to_base64url(bytes);
}

json::Value to_json(const Evaluation& asked) {
  const auto with = [](json::Value object, const char* name, const json::Value& value) {
    const bool empty = value.is_null() || (value.if_string() != nullptr && value.if_string()->empty()) ||
                       (value.if_object() != nullptr && value.if_object()->empty());
    if (!empty) object.set(name, value);
    return object;
  };
  json::Value subject = with(with(json::object({}), "type", asked.subject_type), "id", asked.subject_id);
  if (asked.subject_class) subject.set("properties", json::object({{"class", *asked.subject_class}}));
  json::Value resource = with(with(json::object({}), "type", asked.resource_type), "id", asked.resource_id);
  if (asked.resource_type == "dataset") resource = with(std::move(resource), "properties", with(json::object({}), "agreement", asked.agreement));
  json::Value properties = json::object({});
  if (asked.purpose) properties.set("purpose", *asked.purpose);
  properties = with(with(std::move(properties), "processing_activity_id", asked.activity), "algorithm_id", asked.algorithm);
  const json::Value action = with(with(json::object({}), "name", asked.action), "properties", properties);
  const json::Value context = with(with(json::object({}), "time", asked.said_time), "traceparent", asked.trace);
  return with(with(with(with(json::object({}), "subject", subject), "action", action), "resource", resource), "context", context);
}

Result<Evaluation> read_evaluation(const json::Value& body) { return read_at(body, ""); }

Result<Batch> read_batch(const json::Value& body) {
  if (body.if_object() == nullptr) return wrong("", "the body must be an object");
  Batch batch;
  SLUIS_TRY(batch.semantic, read_semantic(body));
  const json::Value* list = body.find("evaluations");
  if (list != nullptr && list->if_array() == nullptr) return wrong("/evaluations", "`evaluations` must be an array");
  if (list == nullptr || list->if_array()->empty()) {
    SLUIS_TRY(Evaluation only, read_evaluation(body));
    batch.single = true;
    batch.evaluations.push_back(std::move(only));
    return batch;
  }
  const json::Array& items = *list->if_array();
  if (items.size() > limits::kEvaluationsPerBatch) {
    return Error(ErrorCode::limit_exceeded, "a batch has at most " + std::to_string(limits::kEvaluationsPerBatch) +
                                                " evaluations").at_pointer("/evaluations");
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto item = read_at(with_defaults(items[i], body), json::pointer_to("/evaluations", i));
    batch.evaluations.push_back(item ? std::move(*item) : Evaluation());
    if (!item) batch.evaluations.back().unreadable = std::move(item).error();
  }
  return batch;
}

}  // namespace sluis::authzen
