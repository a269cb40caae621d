#pragma once

#include "connector/outbox/outcome.hpp"

#include <algorithm>
#include <span>

namespace sluis::negotiation {

/// A step that the node will take by itself when its time has come. Stored with the process, so that no restart loses it or takes it twice.
template <class Act>
struct Planned {
  Act act{};
  Timestamp due;
  friend bool operator==(const Planned&, const Planned&) = default;
};

/// `names`: the words for the acts, in the order of the enumeration.
template <class Act>
json::Value to_json(const Planned<Act>& planned, std::span<const std::string_view> names) {
  return json::object({{"act", names[static_cast<std::size_t>(planned.act)]}, {"due", outbox::time_value(planned.due)}});
}

/// The member `planned` of a stored record; corruption where it cannot be read.
template <class Act>
Result<std::optional<Planned<Act>>> read_planned(const json::Value& record, std::span<const std::string_view> names) {
  const json::Value* value = record.find("planned");
  if (!value) return std::optional<Planned<Act>>();
  SLUIS_TRY(const std::string act, json::required_string(*value, "act"));
  const auto found = std::find(names.begin(), names.end(), act);
  if (found == names.end()) return Error(ErrorCode::corruption, "a stored process has no readable `planned`").at_pointer("/planned/act");
  Planned<Act> out;
  out.act = static_cast<Act>(found - names.begin());
  SLUIS_TRY(out.due, outbox::required_time(*value, "due"));
  return std::optional<Planned<Act>>(out);
}

}  // namespace sluis::negotiation
