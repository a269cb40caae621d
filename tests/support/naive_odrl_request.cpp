#include "tests/support/naive_odrl.hpp"

namespace sluis::test::naive {
namespace {

Error refused(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

Result<std::optional<std::string>> read_text(const json::Value& value, const char* key) {
  const json::Value* found = value.find(key);
  if (found == nullptr) return std::optional<std::string>();
  if (found->if_string() == nullptr) return refused(std::string("`") + key + "` is a string");
  return std::optional<std::string>(*found->if_string());
}

Result<std::vector<std::string>> read_texts(const json::Value* value) {
  std::vector<std::string> texts;
  if (value == nullptr) return texts;
  if (const std::string* one = value->if_string()) return std::vector<std::string>{*one};
  if (value->if_array() == nullptr) return refused("a list of strings is needed");
  for (const json::Value& one : *value->if_array()) {
    if (one.if_string() == nullptr) return refused("a list of strings is needed");
    texts.push_back(*one.if_string());
  }
  return texts;
}

Result<std::optional<Micros>> read_time(const json::Value& value, const char* key) {
  SLUIS_TRY(const auto text, read_text(value, key));
  if (!text) return std::optional<Micros>();
  const auto instant = read_instant(*text);
  if (!instant) return refused(std::string("`") + key + "` is no time");
  return std::optional<Micros>(*instant);
}

}  // namespace

Result<Request> read_request(const json::Value& value) {
  Request request;
  SLUIS_TRY(const auto action, read_text(value, "action"));
  // Deprecated actions may be asked; nothing holds them but in suite mode.
  if (action) request.action = find_action(*action, true).value_or(*action);
  SLUIS_TRY(request.target, read_text(value, "target"));
  SLUIS_TRY(request.target_in, read_texts(value.find("targetIn")));
  SLUIS_TRY(request.assignee, read_text(value, "assignee"));
  SLUIS_TRY(request.assignee_in, read_texts(value.find("assigneeIn")));
  SLUIS_TRY(request.now, read_time(value, "now"));
  SLUIS_TRY(request.agreed, read_time(value, "agreed"));
  if (const json::Value* attributes = value.find("attributes")) {
    if (attributes->if_object() == nullptr) return refused("`attributes` is an object");
    for (const auto& [key, member] : *attributes->if_object()) {
      const auto operand = find_operand(key);
      if (!operand) return refused("unknown operand `" + key + "`");
      Given given;
      const json::Value* values = &member;
      if (member.if_object() != nullptr) {
        values = member.find("value");
        SLUIS_TRY(given.unit, read_text(member, "unit"));
        if (values == nullptr) return refused("`" + key + "` has no value");
      }
      SLUIS_TRY(given.values, read_texts(values));
      request.given[*operand] = std::move(given);
    }
  }
  if (const json::Value* duties = value.find("duties")) {
    if (duties->if_object() == nullptr) return refused("`duties` is an object");
    for (const auto& [key, state] : *duties->if_object()) {
      if (state.if_string() == nullptr) return refused("a duty's state is a string");
      request.duties[key] = *state.if_string();
    }
  }
  return request;
}

}  // namespace sluis::test::naive
