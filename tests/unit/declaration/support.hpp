#pragma once

#include "connector/declaration/rules.hpp"

#include <gtest/gtest.h>

namespace sluis::declaration::test {

using identity::Role;
using std::chrono::hours;

inline const Timestamp kNow = *parse_time("2026-11-26T12:00:00Z");
inline const std::string kCrowds = "https://waterrijk.example/situations/crowds";
inline const std::string kPurposes = "https://waterrijk.example/purpose#";
inline const By kOperator{Role::operator_, "A. Bakker"};
inline const By kOfficer{Role::privacy_officer, "B. Mulder"};

inline policy::Vocabulary vocabulary() {
  auto parsed = policy::Vocabulary::parse(
      "https://w3id.org/dpv#Purpose\tPurpose\t\t\n"
      "https://w3id.org/dpv#Marketing\tMarketing\t\thttps://w3id.org/dpv#Purpose\n"
      "https://w3id.org/dpv#ResearchAndDevelopment\tResearch\t\thttps://w3id.org/dpv#Purpose\n"
      "https://w3id.org/dpv#ScientificResearch\tScience\t\thttps://w3id.org/dpv#ResearchAndDevelopment\n"
      "https://w3id.org/dpv#PublicBenefit\tPublic benefit\t\thttps://w3id.org/dpv#Purpose\n"
      "https://w3id.org/dpv#ProvideOfficialStatistics\tStatistics\t\thttps://w3id.org/dpv#PublicBenefit\n"
      "https://waterrijk.example/purpose#CrowdManagement\tCrowd management\t\thttps://w3id.org/dpv#Purpose\n"
      "https://waterrijk.example/purpose#Evacuation\tEvacuation\t\thttps://waterrijk.example/purpose#CrowdManagement\n",
      "purposes.tsv");
  EXPECT_TRUE(parsed) << describe(parsed.error());
  return std::move(*parsed);
}

inline Definition crowds() {
  Definition out;
  out.id = kCrowds;
  out.title = "Crowds in the centre";
  out.where = "Around the Market";
  out.declared_by = {Role::operator_, Role::privacy_officer};
  out.renewed_by = {Role::privacy_officer, Role::council_clerk};
  out.opens = {kPurposes + "CrowdManagement"};
  out.closes = {"https://w3id.org/dpv#Marketing"};
  out.longest = hours(48);
  return out;
}

inline Declaration declared(Timestamp now = kNow, const By& by = kOperator) {
  auto made = declare(crowds(), by, "The Market is full", now + hours(6), now, nullptr);
  EXPECT_TRUE(made) << describe(made.error());
  return made ? *made : Declaration();
}

inline ErrorCode code(const Result<void>& result) { return result ? ErrorCode::internal : result.error().code; }
template <class T>
ErrorCode code(const Result<T>& result) {
  return result ? ErrorCode::internal : result.error().code;
}

}  // namespace sluis::declaration::test
