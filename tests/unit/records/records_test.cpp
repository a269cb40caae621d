#include "connector/records/record.hpp"

#include "connector/json/json.hpp"
#include "connector/records/prov_document.hpp"

#include <gtest/gtest.h>

namespace sluis::records {
namespace {

using provenance::EntryKind;

const std::string kTrace(16, 'T'), kSpan(8, 'S'), kOther(8, 'O');

class RecordsTest : public ::testing::Test {
 protected:
  Surroundings around_{"did:web:waterrijk.example", "http://127.0.0.1:8080/applications/",
                       [](std::string_view who) { return std::string(who == "did:web:waterrijk.example" ? "00000099000000001000" : who == "did:web:duinmeer.example" ? "00000099000000002000" : ""); },
                       [](std::string_view) { return std::string("https://duinmeer.example:8443"); }};

  static Entry entry(std::uint64_t index, EntryKind kind, const std::string& event, bool permit = true) {
    Entry out{index, kind, {}, {}};
    out.shared.set_time_us(1'780'000'000'123'456);
    out.shared.set_event(event);
    out.shared.set_counterparty("did:web:duinmeer.example");
    out.shared.set_transaction("urn:uuid:t" + std::to_string(index));
    out.shared.set_dataset("urn:waterrijk:detailed-counts");
    out.shared.mutable_decision()->set_permit(permit);
    out.shared.mutable_decision()->set_code(permit ? "permitted" : "purpose");
    out.internal.set_trace_id(kTrace);
    out.internal.set_span_id(kSpan);
    return out;
  }
  static Entry evaluated(std::uint64_t index, std::uint32_t of_call, const std::string& span = kSpan) {
    Entry out = entry(index, EntryKind::decision, "evaluated.permitted");
    out.internal.set_request(R"({"subject":{"type":"party","id":")" + std::to_string(index) + R"("}})");
    out.internal.set_of_call(of_call);
    out.internal.set_span_id(span);
    return out;
  }
  std::vector<json::Value> lines(Recorder& recorder) {
    std::vector<json::Value> out;
    std::string text = recorder.take();
    while (!text.empty()) {
      out.push_back(*json::parse(text.substr(0, text.find('\n'))));
      text.erase(0, text.find('\n') + 1);
    }
    return out;
  }
};

TEST_F(RecordsTest, AnEventSaysWhatTheCounterpartyMayKnowAndNoMore) {
  Entry one = entry(7, EntryKind::stream_end, "complete", false);
  one.commitment.fill(0xAB);
  one.shared.set_agreement("urn:uuid:a");
  one.shared.set_rows(12);
  one.shared.set_digest(std::string(32, '\x01'));
  one.internal.set_person("A. Bakker");
  one.internal.set_activity("https://waterrijk.example/activities/counting");
  one.internal.set_application("dashboard");
  const auto events = make_events(around_);
  events->add(one);
  const std::string line = events->take();
  const auto hex = [](const char* pair) {
    std::string out;
    for (int i = 0; i < 32; ++i) out += pair;
    return out;
  };
  EXPECT_EQ(line, R"({"specversion":"1.0","id":")" + hex("ab") +
                      R"(","source":"did:web:waterrijk.example","type":"org.w3id.sluis.stream-end","time":"2026-05-28T20:26:40.123456Z",)"
                      R"("datacontenttype":"application/json","subject":"urn:uuid:a","data":{"entry":7,"event":"complete",)"
                      R"("counterparty":"did:web:duinmeer.example","transaction":"urn:uuid:t7","dataset":"urn:waterrijk:detailed-counts",)"
                      R"("agreement":"urn:uuid:a","sha256":")" + hex("01") + R"(","rows":12,"decision":{"permit":false,"code":"purpose"}}})" "\n");
  for (const char* inside : {"Bakker", "counting", "dashboard"}) EXPECT_EQ(line.find(inside), std::string::npos);
}

TEST_F(RecordsTest, ACallToTheDecisionPointIsOneRecord) {
  const auto adl = make_adl(around_);
  adl->add(evaluated(1, 3));
  adl->add(evaluated(2, 3));
  EXPECT_FALSE(adl->ends_before(evaluated(3, 3))) << "a page does not end in its middle";
  adl->add(evaluated(3, 3));
  EXPECT_TRUE(adl->ends_before(evaluated(4, 0, kOther)));
  adl->add(evaluated(4, 0, kOther));
  const auto records = lines(*adl);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(*records[0].find("event_name")->if_string(), "adl.access_evaluations");
  EXPECT_EQ(records[0].find("body")->find("adl.core.response")->find("evaluations")->if_array()->size(), 3U);
  EXPECT_EQ(*records[1].find("event_name")->if_string(), "adl.access_evaluation");
  EXPECT_EQ(records[0].find("timestamp")->if_number()->text, "1780000000123");
}

TEST_F(RecordsTest, HalfACallIsNone) {
  const auto adl = make_adl(around_);
  adl->add(evaluated(1, 3));
  adl->add(evaluated(3, 3));  // the second was erased
  EXPECT_TRUE(lines(*adl).empty());
  EXPECT_EQ(adl->left_out(), 2U);
}

TEST_F(RecordsTest, OnlyWhatARuleEndedIsADecision) {
  const auto adl = make_adl(around_);
  for (const auto& [code, decided] : {std::pair("agreement.ended", true), std::pair("transfer.not_started", true), std::pair("node.stopping", false),
                                      std::pair("peer.gone", false), std::pair("source.changed", false)}) {
    Entry cut = entry(1, EntryKind::cut, "cut", false);
    cut.shared.mutable_decision()->set_code(code);
    cut.internal.set_decision_span_id(kOther);
    adl->add(cut);
    const auto records = lines(*adl);
    ASSERT_EQ(records.size(), decided ? 1U : 0U) << code;
    if (decided) {
      EXPECT_EQ(*records[0].find("parent_span_id")->if_string(), "5353535353535353") << "below the release";
    }
  }
}

TEST_F(RecordsTest, WhatSaysTooLittleIsCountedAndGivesNothing) {
  Entry old = entry(1, EntryKind::decision, "permitted");
  old.internal.Clear();
  const auto adl = make_adl(around_), ldv = make_ldv(around_), fsc = make_fsc(around_);
  adl->add(old);
  EXPECT_EQ(adl->take(), "");
  EXPECT_EQ(adl->left_out(), 1U);
  ldv->add(entry(1, EntryKind::stream_end, "complete"));  // it does not say when it began
  EXPECT_EQ(ldv->take(), "");
  EXPECT_EQ(ldv->left_out(), 1U);
  Entry nameless = entry(1, EntryKind::decision, "permitted");
  nameless.internal.set_certificate("ab");
  nameless.shared.set_counterparty("did:web:panel.example");  // it has no number
  fsc->add(nameless);
  EXPECT_EQ(fsc->take(), "");
  EXPECT_EQ(fsc->left_out(), 1U);
}

TEST_F(RecordsTest, ACrashIsAnErrorAndARuleIsNone) {
  const auto ldv = make_ldv(around_);
  for (const auto& [end, code, status] : {std::tuple("unknown", "", "Error"), std::tuple("cut", "agreement.ended", "Unset"), std::tuple("cut", "source.changed", "Error"),
                                          std::tuple("complete", "", "Unset"), std::tuple("cut", "peer.gone", "Unset")}) {
    Entry ended = entry(1, EntryKind::stream_end, end);
    ended.internal.set_begun_us(1'780'000'000'000'000);
    ended.shared.set_end(end);
    ended.shared.mutable_decision()->set_code(code);
    ldv->add(ended);
    const auto records = lines(*ldv);
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(*records[0].find("status")->if_string(), status) << end << " " << code;
    EXPECT_EQ(records[0].find("attributes")->find("exception.type") != nullptr, std::string(status) == "Error");
  }
}

TEST_F(RecordsTest, ACellIsNoFormulaAndNoEndOfALine) {
  const auto csv = make_csv();
  Entry bad = entry(1, EntryKind::decision, "=HYPERLINK(\"http://x\")");
  bad.shared.set_purpose("a,b\r\nc");
  csv->add(bad);
  const std::string line = csv->take();
  EXPECT_NE(line.find(R"x(,"'=HYPERLINK(""http://x"")",)x"), std::string::npos) << line;
  EXPECT_NE(line.find("\"a,b\r\nc\""), std::string::npos);
  EXPECT_TRUE(line.ends_with("\r\n"));
}

TEST_F(RecordsTest, AnIdentifierIsAlwaysAnIri) {
  EXPECT_EQ(iri("did:web:waterrijk.example"), "did:web:waterrijk.example");
  EXPECT_EQ(iri("urn:x> <urn:evil"), "urn:x%3e%20%3curn:evil");
  EXPECT_EQ(iri("no scheme"), "urn:sluis:id:no%20scheme");
  EXPECT_EQ(iri(":x"), "urn:sluis:id::x");
  EXPECT_EQ(iri("1x:y"), "urn:sluis:id:1x:y");
  EXPECT_EQ(iri("café:x"), "urn:sluis:id:caf%c3%a9:x");
}

TEST_F(RecordsTest, AFormIsKnownByItsName) {
  for (const char* name : {"adl", "ldv", "fsc", "prov", "prov-json", "csv"}) EXPECT_TRUE(make_recorder(*form_from(name), around_));
  EXPECT_FALSE(form_from("ADL"));
}

}  // namespace
}  // namespace sluis::records
