#pragma once

#include "policy/odrl/match.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace sluis::policy::test {

inline std::string read_source(const std::string& path) {
  const char* root = std::getenv("SLUIS_SOURCE_DIR");
  std::ifstream file((root != nullptr ? std::string(root) : ".") + "/" + path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::shared_ptr<const Vocabulary> dpv() {
  static const auto vocabulary = [] {
    auto parsed = Vocabulary::parse(read_source("policy/purpose/dpv-purposes.tsv"), "dpv-purposes.tsv");
    EXPECT_TRUE(parsed) << describe(parsed.error());
    return std::make_shared<const Vocabulary>(std::move(*parsed));
  }();
  return vocabulary;
}

inline PurposeIndex purpose(std::string_view name) {
  const auto found = dpv()->lookup(name);
  EXPECT_TRUE(found) << name;
  return found.value_or(0);
}

/// `"permission": […]` and so on, as an offer.
inline std::string offer(const std::string& rules) {
  return R"({"@id":"offer-1","@type":"Offer",)" + rules + "}";
}
inline std::string agreement(const std::string& rules) {
  return R"({"@id":"a1","@type":"Agreement","target":"d1","assigner":"urn:waterrijk","assignee":"urn:duinmeer",)"
         R"("timestamp":"2026-11-01T00:00:00Z",)" + rules + "}";
}
inline std::string constraint(const std::string& left, const std::string& op, const std::string& right) {
  return R"({"leftOperand":")" + left + R"(","operator":")" + op + R"(","rightOperand":)" + right + "}";
}
inline std::string permission(const std::string& constraints) {
  return R"("permission":[{"action":"use","constraint":[)" + constraints + "]}]";
}
inline std::string prohibition(const std::string& constraints) {
  return R"("prohibition":[{"action":"use","constraint":[)" + constraints + "]}]";
}

inline json::Value read(const std::string& text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << describe(value.error()) << "\n" << text;
  return value ? *value : json::Value();
}
inline Result<Policy> parse(const std::string& text, const ParseOptions& options = {}) {
  return parse_policy(read(text), options);
}
inline Policy parsed(const std::string& text) {
  auto policy = parse(text);
  EXPECT_TRUE(policy) << describe(policy.error());
  return policy ? *policy : Policy();
}
inline Program program(const std::string& text) {
  auto compiled = compile(parsed(text), dpv());
  EXPECT_TRUE(compiled) << describe(compiled.error());
  return *compiled;
}
inline Timestamp at(std::string_view text) { return *parse_time(text); }

}  // namespace sluis::policy::test
