#pragma once

#include "connector/json/json.hpp"

#include <functional>

namespace sluis::test {

/// What went wrong, as a case of SEMANTICS.md.
struct FailingCase {
  json::Value policy;
  json::Value request;
  bool suite = false;
};

/// The smallest case in reach that still fails: members and elements are left out one by one, as long as one can
/// be.
FailingCase shrunk(FailingCase failing, const std::function<bool(const FailingCase&)>& fails);
/// As JSON that a file of cases can hold, but for what is expected.
std::string to_text(const FailingCase& failing);

}  // namespace sluis::test
