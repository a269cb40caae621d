#include "tests/fuzz/odrl_shrink.hpp"

namespace sluis::test {
namespace {

using json::Value;

/// Every place in a document, deepest last.
void collect(Value& value, std::vector<Value*>& places) {
  places.push_back(&value);
  if (auto* array = value.if_array()) {
    for (Value& one : *array) collect(one, places);
  } else if (auto* object = value.if_object()) {
    for (auto& [key, member] : *object) collect(member, places);
  }
}

/// How many things can be left out or put simpler at a place.
std::size_t cuts_of(const Value& value) {
  if (value.if_array() != nullptr) return value.if_array()->size() + (value.if_array()->size() == 1 ? 1 : 0);
  return value.if_object() != nullptr ? value.if_object()->size() : 0;
}

/// Leaves out the n-th member or element; the last cut of an array of one puts that one in its place.
void cut(Value& value, std::size_t n) {
  if (auto* array = value.if_array()) {
    if (n == array->size()) {
      Value one = array->front();
      value = std::move(one);
    } else {
      array->erase(array->begin() + static_cast<std::ptrdiff_t>(n));
    }
    return;
  }
  auto* object = value.if_object();
  object->erase(object->begin() + static_cast<std::ptrdiff_t>(n));
}

/// A logical constraint may be replaced by each of its operands.
std::vector<Value> operands_of(const Value& value) {
  for (const char* logic : {"and", "or", "xone", "andSequence"}) {
    const Value* list = value.find(logic);
    if (list != nullptr && list->if_array() != nullptr) return *list->if_array();
  }
  return {};
}

/// Whether some smaller policy or request fails too; if so it takes its place.
bool step(FailingCase& failing, Value FailingCase::*part, const std::function<bool(const FailingCase&)>& fails) {
  std::vector<Value*> places;
  FailingCase trial = failing;
  collect(trial.*part, places);
  for (std::size_t place = 0; place < places.size(); ++place) {
    const std::vector<Value> operands = operands_of(*places[place]);
    const std::size_t cuts = cuts_of(*places[place]);
    for (std::size_t n = 0; n < cuts + operands.size(); ++n) {
      FailingCase smaller = failing;
      std::vector<Value*> same;
      collect(smaller.*part, same);
      if (n < cuts)
        cut(*same[place], n);
      else
        *same[place] = operands[n - cuts];
      if (!fails(smaller)) continue;
      failing = std::move(smaller);
      return true;
    }
  }
  return false;
}

}  // namespace

FailingCase shrunk(FailingCase failing, const std::function<bool(const FailingCase&)>& fails) {
  for (int steps = 0; steps < 2000; ++steps) {
    if (!step(failing, &FailingCase::policy, fails) && !step(failing, &FailingCase::request, fails)) break;
  }
  return failing;
}

std::string to_text(const FailingCase& failing) {
  return json::serialise(json::object({{"title", ""},
                                       {"mode", failing.suite ? "suite" : "strict"},
                                       {"policy", failing.policy},
                                       {"request", failing.request}}));
}

}  // namespace sluis::test
