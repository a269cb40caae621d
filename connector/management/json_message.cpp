#include "connector/management/json_message.hpp"

#include "connector/base/suggest.hpp"
#include "connector/json/json.hpp"

#include <fmt/core.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <vector>

namespace sluis::management {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

const FieldDescriptor* field_named(const Descriptor& type, const std::string& key) {
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == key || type.field(i)->name() == key) return type.field(i);
  }
  return nullptr;
}

std::string suggest_field(const Descriptor& type, const std::string& key) {
  std::vector<std::string_view> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->json_name());
  return names.empty() ? "send `{}`" : suggestion(key, names);
}

Result<void> check_members(const json::Value& value, const Descriptor& type, const std::string& pointer);

Result<void> check_field(const json::Value& value, const FieldDescriptor& field, const std::string& pointer) {
  const bool own = field.type() == FieldDescriptor::TYPE_MESSAGE && !field.is_map() &&
                   field.message_type()->file()->package() == "sluis.v1";
  if (!own) return {};
  const auto* items = value.if_array();
  if (items == nullptr) return check_members(value, *field.message_type(), pointer);
  for (std::size_t i = 0; i < items->size(); ++i) {
    SLUIS_CHECK(check_members((*items)[i], *field.message_type(), json::pointer_to(pointer, i)));
  }
  return {};
}

Result<void> check_members(const json::Value& value, const Descriptor& type, const std::string& pointer) {
  const auto* object = value.if_object();
  if (object == nullptr) {
    if (!pointer.empty()) return {};  // protobuf's reader says what is wrong with it
    return Error(ErrorCode::invalid_argument, fmt::format("the request is {}, not an object", value.kind()));
  }
  for (const auto& [key, member] : *object) {
    const std::string place = json::pointer_to(pointer, key);
    const auto* field = field_named(type, key);
    if (field == nullptr) {
      return Error(ErrorCode::invalid_argument, fmt::format("`{}` is not a field of the request", key))
          .at_pointer(place)
          .mended_by(suggest_field(type, key));
    }
    SLUIS_CHECK(check_field(member, *field, place));
  }
  return {};
}

}  // namespace

Result<void> read_json(std::string_view text, google::protobuf::Message& message) {
  const auto parsed = json::parse(text);
  if (!parsed) {
    Error error = parsed.error();
    // Too deep or too many values is a fault of this request, not of how many there are.
    if (error.code == ErrorCode::limit_exceeded) error.code = ErrorCode::invalid_argument;
    return error;
  }
  const json::Value& value = *parsed;
  SLUIS_CHECK(check_members(value, *message.GetDescriptor(), ""));
  const auto status = google::protobuf::util::JsonStringToMessage(std::string(text), &message);
  if (!status.ok()) {
    return Error(ErrorCode::invalid_argument, fmt::format("the request does not fit: {}", status.ToString()));
  }
  return {};
}

Result<std::string> write_json(const google::protobuf::Message& message) {
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text);
  if (!status.ok()) return Error(ErrorCode::internal, "the answer has no JSON form: " + status.ToString());
  return text;
}

}  // namespace sluis::management
