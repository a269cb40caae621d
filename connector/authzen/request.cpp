#include "connector/authzen/request.hpp"

#include "connector/base/limits.hpp"

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

Result<void> read_subject(const json::Value& body, std::string_view pointer, Evaluation& out) {
  SLUIS_TRY(const json::Value* subject, part(body, "subject", pointer));
  const std::string at = json::pointer_to(pointer, "subject");
  if (subject == nullptr) return wrong(at, "`subject` is missing");
  SLUIS_TRY(out.subject_type, required(*subject, "type", at));
  SLUIS_TRY(out.subject_id, required(*subject, "id", at));
  SLUIS_TRY(out.subject_class, property(*subject, "class", at));
  SLUIS_TRY(const std::optional<std::string> party, property(*subject, "party", at));
  out.party = out.subject_type == "application" ? party.value_or("") : out.subject_id;
  return {};
}

Result<void> read_resource(const json::Value& body, std::string_view pointer, Evaluation& out) {
  SLUIS_TRY(const json::Value* resource, part(body, "resource", pointer));
  const std::string at = json::pointer_to(pointer, "resource");
  if (resource == nullptr) return wrong(at, "`resource` is missing");
  SLUIS_TRY(out.resource_type, required(*resource, "type", at));
  SLUIS_TRY(out.resource_id, required(*resource, "id", at));
  SLUIS_TRY(const std::optional<std::string> agreement, property(*resource, "agreement", at));
  out.agreement = out.resource_type == "agreement" ? out.resource_id : agreement.value_or("");
  return {};
}

Result<void> read_action(const json::Value& body, std::string_view pointer, Evaluation& out) {
  SLUIS_TRY(const json::Value* action, part(body, "action", pointer));
  if (action == nullptr) return {};
  const std::string at = json::pointer_to(pointer, "action");
  SLUIS_TRY(const std::optional<std::string> name, text(*action, "name", at));
  if (name) out.action = *name;
  SLUIS_TRY(out.purpose, property(*action, "purpose", at));
  SLUIS_TRY(const std::optional<std::string> activity, property(*action, "processing_activity_id", at));
  out.activity = activity.value_or("");
  return {};
}

Result<Evaluation> read_at(const json::Value& body, std::string_view pointer) {
  if (body.if_object() == nullptr) return wrong(pointer, "an evaluation must be an object");
  Evaluation out;
  SLUIS_CHECK(read_subject(body, pointer, out));
  SLUIS_CHECK(read_resource(body, pointer, out));
  SLUIS_CHECK(read_action(body, pointer, out));
  SLUIS_CHECK(part(body, "context", pointer));
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

}  // namespace

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
  if (items.size() > kEvaluationsPerBatch) {
    return Error(ErrorCode::limit_exceeded, "a batch has at most " + std::to_string(kEvaluationsPerBatch) +
                                                " evaluations").at_pointer("/evaluations");
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    SLUIS_TRY(Evaluation item, read_at(with_defaults(items[i], body), json::pointer_to("/evaluations", i)));
    batch.evaluations.push_back(std::move(item));
  }
  return batch;
}

}  // namespace sluis::authzen
