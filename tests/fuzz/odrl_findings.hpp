#pragma once

#include "policy/odrl/check.hpp"
#include "tests/support/naive_odrl.hpp"

namespace sluis::test {

/// The first finding at publication that a request gives the lie to, or the pair of rules that meet without a word;
/// empty if there is none. Values are the naive interpreter's; the request tells of no memberships.
std::string findings_fault(const std::vector<policy::Finding>& findings, const naive::Policy& plain,
                           const naive::Request& request);
/// Whether the findings can be held against requests: see the questions in conformance/questions.
bool findings_are_clear(const json::Value& policy);

}  // namespace sluis::test
