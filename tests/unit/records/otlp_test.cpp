#include "connector/records/otlp.hpp"

#include "connector/json/json.hpp"

#include <gtest/gtest.h>

namespace sluis::records {
namespace {

const std::string kAction =
    R"({"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","parent_span_id":"b7ad6b7169203331","status":"Error",)"
    R"("name":"release of `urn:waterrijk:counts`","start_time":1780000000123,"end_time":1780000000456,)"
    R"("resource":{"attributes":{"service.name":"sluis"}},"attributes":{"dpl.core.processing_activity_id":"https://waterrijk.example/a"}})";

/// The same text but for white space.
void expect_request(Form form, const std::string& lines, const std::string& wanted) {
  const auto made = otlp_request(form, lines);
  ASSERT_TRUE(made) << describe(made.error());
  const auto expected = json::parse(wanted);
  ASSERT_TRUE(expected) << describe(expected.error());
  EXPECT_EQ(*made, json::serialise(*expected));
}

TEST(Otlp, AnActionIsASpan) {
  expect_request(Form::ldv, kAction + "\n", R"({"resourceSpans": [{
      "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "sluis"}}]},
      "scopeSpans": [{"scope": {"name": "sluis.ldv"}, "spans": [{
          "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "parentSpanId": "b7ad6b7169203331",
          "name": "release of `urn:waterrijk:counts`",
          "startTimeUnixNano": "1780000000123000000", "endTimeUnixNano": "1780000000456000000",
          "attributes": [{"key": "dpl.core.processing_activity_id", "value": {"stringValue": "https://waterrijk.example/a"}}],
          "status": {"code": 2}}]}]}]})");
}

TEST(Otlp, ADecisionIsALogRecord) {
  expect_request(Form::adl,
                 R"({"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","parent_span_id":"b7ad6b7169203331",)"
                 R"("event_name":"adl.access_evaluation","timestamp":1780000000123,"status":"Unset",)"
                 R"("attributes":{"sluis.log.entry":7,"adl.core.policies":{"terms:urn:a":"sha256:ab"}},"resource":{"service.name":"sluis"},)"
                 R"("body":{"adl.core.request":{"subject":{"type":"party"}},"adl.core.response":{"decision":false}}})"
                 "\n",
                 R"({"resourceLogs": [{
      "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "sluis"}}]},
      "scopeLogs": [{"scope": {"name": "sluis.adl"}, "logRecords": [{
          "timeUnixNano": "1780000000123000000", "observedTimeUnixNano": "1780000000123000000", "eventName": "adl.access_evaluation",
          "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7",
          "body": {"kvlistValue": {"values": [
              {"key": "adl.core.request", "value": {"kvlistValue": {"values": [
                  {"key": "subject", "value": {"kvlistValue": {"values": [{"key": "type", "value": {"stringValue": "party"}}]}}}]}}},
              {"key": "adl.core.response", "value": {"kvlistValue": {"values": [{"key": "decision", "value": {"boolValue": false}}]}}}]}},
          "attributes": [
              {"key": "sluis.log.entry", "value": {"intValue": "7"}},
              {"key": "adl.core.policies", "value": {"kvlistValue": {"values": [{"key": "terms:urn:a", "value": {"stringValue": "sha256:ab"}}]}}},
              {"key": "sluis.adl.parent_span_id", "value": {"stringValue": "b7ad6b7169203331"}},
              {"key": "sluis.adl.status", "value": {"stringValue": "Unset"}}]}]}]}]})");
}

/// The value of the attribute `x`, as it is told.
std::string told(const std::string& value) {
  const auto made = otlp_request(Form::ldv, R"({"trace_id":"t","span_id":"s","status":"Unset","name":"n","start_time":0,"end_time":1,"attributes":{"x":)" + value + "}}\n");
  EXPECT_TRUE(made) << value;
  if (!made) return {};
  const std::string begin = R"("attributes":[{"key":"x","value":)";
  const std::size_t at = made->rfind(begin) + begin.size();
  return made->substr(at, made->find(R"(}],"status")") - at);
}

TEST(Otlp, EachKindOfValueIsTold) {
  EXPECT_EQ(told("null"), "{}");
  EXPECT_EQ(told("true"), R"({"boolValue":true})");
  EXPECT_EQ(told("\"\""), R"({"stringValue":""})");
  EXPECT_EQ(told("-9223372036854775808"), R"({"intValue":"-9223372036854775808"})");
  EXPECT_EQ(told("9223372036854775808"), R"({"doubleValue":9223372036854775808})");
  EXPECT_EQ(told("1.5"), R"({"doubleValue":1.5})");
  EXPECT_EQ(told("1e400"), R"({"stringValue":"1e400"})") << "no number of 64 bits";
  EXPECT_EQ(told("[]"), R"({"arrayValue":{"values":[]}})");
  EXPECT_EQ(told(R"([1,"a"])"), R"({"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"a"}]}})");
  EXPECT_EQ(told("{}"), R"({"kvlistValue":{"values":[]}})");
}

TEST(Otlp, WhatLiesTooDeepIsToldAsItsJson) {
  std::string deep = "7";
  for (int i = 0; i < 30; ++i) deep = "[" + deep + "]";
  const std::string out = told(deep);
  EXPECT_NE(out.find(R"({"stringValue":"[[[[[[[[[[[[[[7]]]]]]]]]]]]]]"})"), std::string::npos) << out;
}

TEST(Otlp, RecordsOfOneResourceStandTogetherInTheirOrder) {
  std::string other = kAction;
  other.replace(other.find("00f067aa0ba902b7"), 16, "00f067aa0ba902b8");
  const auto made = otlp_request(Form::ldv, kAction + "\n" + other + "\n");
  ASSERT_TRUE(made);
  const auto read = json::parse(*made);
  const auto& resources = *read->find("resourceSpans")->if_array();
  ASSERT_EQ(resources.size(), 1U);
  const auto& spans = *resources[0].find("scopeSpans")->if_array()->front().find("spans")->if_array();
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(*spans[1].find("spanId")->if_string(), "00f067aa0ba902b8");
}

TEST(Otlp, OnlyWhatHasASignalIsSent) {
  EXPECT_EQ(otlp_path(Form::ldv), "/v1/traces");
  EXPECT_EQ(otlp_path(Form::adl), "/v1/logs");
  EXPECT_EQ(otlp_path(Form::fsc), "");
  EXPECT_EQ(otlp_request(Form::csv, "").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(otlp_request(Form::adl, kAction + "\n").error().code, ErrorCode::corruption) << "a span is no log record";
  EXPECT_EQ(otlp_request(Form::ldv, "{\n").error().code, ErrorCode::corruption);
}

TEST(Otlp, AnAnswerSaysWhatItDidNotTake) {
  EXPECT_EQ(read_otlp_answer("").rejected, 0U);
  EXPECT_EQ(read_otlp_answer("{}").rejected, 0U);
  EXPECT_EQ(read_otlp_answer("\x0a\x02\x08\x03").rejected, 0U) << "protobuf is not read";
  const OtlpAnswer partly = read_otlp_answer(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}})");
  EXPECT_EQ(partly.rejected, 3U);
  EXPECT_EQ(partly.message, "too old");
  EXPECT_EQ(read_otlp_answer(R"({"partialSuccess":{"rejectedLogRecords":2}})").rejected, 2U);
  EXPECT_EQ(read_otlp_answer(R"({"partialSuccess":{"rejectedSpans":-3}})").rejected, 0U);
  EXPECT_EQ(read_otlp_refusal(R"({"code":16,"message":"who are you"})"), "who are you");
  EXPECT_EQ(read_otlp_refusal("<html>"), "");
}

TEST(Otlp, AnAnswerOfACollectorIsNothingOrAnObject) {
  EXPECT_TRUE(is_otlp_answer(""));
  EXPECT_TRUE(is_otlp_answer("{}"));
  EXPECT_TRUE(is_otlp_answer(R"({"partialSuccess":{}})"));
  EXPECT_FALSE(is_otlp_answer("<html>log in</html>"));
  EXPECT_FALSE(is_otlp_answer("[]"));
  EXPECT_FALSE(is_otlp_answer("ok"));
}

}  // namespace
}  // namespace sluis::records
