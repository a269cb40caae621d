#include "connector/dsp/client.hpp"
#include "connector/dsp/version.hpp"
#include "connector/dsp/wire.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluis::dsp {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::filesystem::path vectors() {
  const char* folder = std::getenv("SLUIS_VECTORS_DIR");
  return folder ? folder : "";
}

bool holds_empty_array(const json::Value& value) {
  if (const json::Array* array = value.if_array()) {
    if (array->empty()) return true;
    for (const json::Value& entry : *array) {
      if (holds_empty_array(entry)) return true;
    }
  }
  if (const json::Object* object = value.if_object()) {
    for (const json::Member& member : *object) {
      if (holds_empty_array(member.second)) return true;
    }
  }
  return false;
}

TEST(DspWire, EveryExampleOfTheSpecificationIsReadAndWrittenBackEqual) {
  if (!std::filesystem::exists(vectors() / "dsp")) GTEST_SKIP() << "no vectors";
  int count = 0;
  for (const char* folder : {"catalog", "negotiation", "transfer"}) {
    for (const auto& file : std::filesystem::directory_iterator(vectors() / "dsp" / folder / "example")) {
      const auto value = json::parse(read_file(file.path()));
      ASSERT_TRUE(value) << file.path();
      const auto message = parse(*value);
      ASSERT_TRUE(message) << file.path() << ": " << describe(message.error());
      json::Value wanted = *value;
      if (type_name(*message) == "CatalogRequestMessage") wanted.erase("filter");  // never emitted empty
      EXPECT_EQ(*json::canonical(write(*message)), *json::canonical(wanted)) << file.path();
      EXPECT_FALSE(holds_empty_array(write(*message)));
      ++count;
    }
  }
  EXPECT_GE(count, 22);
  const auto versions = json::parse(read_file(vectors() / "dsp/common/example/protocol-version.json"));
  EXPECT_EQ(*version_path(*versions), "/some/path/2025-1");
}

TEST(DspWire, EveryMessageThatAnEdcSentIsRead) {
  if (!std::filesystem::exists(vectors() / "edc-wire")) GTEST_SKIP() << "no vectors";
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(vectors() / "edc-wire")) {
    if (file.path().extension() != ".json") continue;
    const auto value = json::parse(read_file(file.path()));
    ASSERT_TRUE(value) << file.path();
    const json::Value* body = value->find("body");
    if (!body || body->is_null()) continue;
    const auto message = parse(*body);
    ASSERT_TRUE(message) << file.path() << ": " << describe(message.error());
    if (const auto* start = std::get_if<TransferStartMessage>(&*message)) {
      const auto address = start->data_address->read();
      ASSERT_TRUE(address);
      EXPECT_EQ(address->endpoint, "http://localhost:19291/public");
      EXPECT_EQ(address->handle, "<token>");
    }
    if (const auto* request = std::get_if<ContractRequestMessage>(&*message)) {
      const auto offer = negotiation::normalise_offer(request->offer, DatasetId("ds1"), ParticipantId("foreign"),
                                                      ParticipantId("consumer"));
      ASSERT_TRUE(offer);
      EXPECT_EQ(offer->offer.find("assigner"), nullptr);
      EXPECT_FALSE(negotiation::normalise_offer(request->offer, DatasetId("ds1"), ParticipantId("other"),
                                                ParticipantId("consumer")));
    }
    ++count;
  }
  EXPECT_GE(count, 14);
}

TEST(DspWire, AnAgreementOfAnEdcWithItsOwnTermsIsNotWhatWasAsked) {
  if (!std::filesystem::exists(vectors() / "edc-wire")) GTEST_SKIP() << "no vectors";
  const auto served = json::parse(read_file(vectors() / "edc-wire/02-answer-Dataset.json"));
  const auto sent = json::parse(read_file(vectors() / "edc-wire/05-message-ContractAgreementMessage.json"));
  const json::Value& offer = (*served->find("body")->find("hasPolicy")->if_array())[0];
  const json::Value& agreement = *sent->find("body")->find("agreement");
  const auto check = [&](const json::Value& asked) {
    return negotiation::check_agreement(asked, DatasetId("asset1"), ParticipantId("provider"), ParticipantId("foreign"),
                                        agreement, *parse_time("2026-11-22T14:00:00Z"));
  };
  EXPECT_TRUE(check(offer));
  json::Value altered = offer;
  altered.erase("prohibition");
  EXPECT_FALSE(check(altered));
}

/// As it is written by us once it was read.
std::string read_and_written(const std::string& text) {
  const auto value = json::parse(text);
  if (!value) return describe(value.error());
  const auto message = parse(*value);
  return message ? *json::canonical(write(*message)) : describe(message.error());
}

TEST(DspWire, OtherFormsOfJsonLdSayTheSame) {
  const std::string request = R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],"@type":"ContractRequestMessage","consumerPid":"c",)"
                              R"("callbackAddress":"https://c","offer":{"@type":"Offer","@id":"o","target":"t","permission":[{"action":"use"}]}})";
  const std::string wanted = read_and_written(request);
  ASSERT_TRUE(wanted.starts_with("{")) << wanted;
  EXPECT_EQ(read_and_written(R"({"@context":"https://w3id.org/dspace/2025/1/context.jsonld","@type":["dspace:ContractRequestMessage"],)"
                             R"("dspace:consumerPid":{"@id":"c"},"https://w3id.org/dspace/2025/1/callbackAddress":{"@value":"https://c"},)"
                             R"("dspace:offer":{"@type":"odrl:Offer","@id":"o","odrl:target":{"@id":"t"},"permission":[{"action":"use"}]}})"),
            wanted);
  EXPECT_EQ(read_and_written(R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld","https://example.org/more"],)"
                             R"("@type":"https://w3id.org/dspace/2025/1/ContractRequestMessage","consumerPid":"c",)"
                             R"("callbackAddress":{"@value":"https://c","@type":"xsd:anyURI"},)"
                             R"("offer":{"@type":["http://www.w3.org/ns/odrl/2/Offer"],"@id":"o","target":"t","permission":[{"action":"use"}]}})"),
            wanted);
  const std::string head = R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],"@type":)";
  EXPECT_EQ(read_and_written(head + R"("ContractNegotiation","providerPid":"p","consumerPid":"c","state":{"@id":"dspace:REQUESTED"}})"),
            read_and_written(head + R"("ContractNegotiation","providerPid":"p","consumerPid":"c","state":"REQUESTED"})"));
  EXPECT_EQ(read_and_written(head + R"("ContractNegotiationTerminationMessage","providerPid":"p","consumerPid":"c","dspace:reason":{"@value":"no"}})"),
            read_and_written(head + R"("ContractNegotiationTerminationMessage","providerPid":"p","consumerPid":"c","reason":["no"]})"));
  EXPECT_EQ(read_and_written(head + R"("TransferStartMessage","providerPid":"p","consumerPid":"c","dataAddress":{"@type":"dspace:DataAddress",)"
                                    R"("dspace:endpointType":{"@id":"x"},"endpoint":"https://p","endpointProperties":{"@type":"EndpointProperty",)"
                                    R"("dspace:name":"authorization","value":{"@value":"v"}}}})"),
            read_and_written(head + R"("TransferStartMessage","providerPid":"p","consumerPid":"c","dataAddress":{"@type":"DataAddress",)"
                                    R"("endpointType":"x","endpoint":"https://p","endpointProperties":[{"@type":"EndpointProperty",)"
                                    R"("name":"authorization","value":"v"}]}})"));
  const auto catalog = json::parse(head + R"("dcat:Catalog","@id":"k","dspace:participantId":"p","dcat:dataset":{"@type":"dcat:Dataset","@id":"d",)"
                                          R"("odrl:hasPolicy":{"@type":"odrl:Offer","@id":"o"},"distribution":{"@type":"Distribution","dct:format":"f"}}})");
  const auto read = parse(*catalog);
  ASSERT_TRUE(read) << describe(read.error());
  const json::Value& value = std::get<Description>(*read).body;
  const json::Value& dataset = (*value.find("dataset")->if_array())[0];
  EXPECT_EQ(json::serialise((*dataset.find("hasPolicy")->if_array())[0]), R"({"@type":"Offer","@id":"o"})");
  EXPECT_EQ(*(*dataset.find("distribution")->if_array())[0].find("format")->if_string(), "f");
}

struct Bad {
  const char* text;
  const char* pointer;
};

TEST(DspWire, WhatIsWrongIsNamedWithItsPlace) {
  const std::string context = R"("@context":["https://w3id.org/dspace/2025/1/context.jsonld"])";
  const Bad cases[] = {
      {R"({"@type":"Catalog"})", ""},
      {R"({"@context":["https://example.org"],"@type":"Catalog"})", "/@context"},
      {R"({"@context":[{}],"@type":"Catalog"})", "/@context/0"},
      {R"({CTX,"@type":"other:CatalogRequestMessage"})", "/@type"},
      {R"({CTX,"@type":"https://w3id.org/dspace/v0.8/CatalogRequestMessage"})", "/@type"},
      {R"({CTX,"@type":["CatalogRequestMessage","Catalog"]})", "/@type"},
      {R"({CTX,"@type":"ContractNegotiation","providerPid":"p","dspace:providerPid":"q","consumerPid":"c","state":"REQUESTED"})", "/dspace:providerPid"},
      {R"({CTX,"@type":"ContractNegotiation","providerPid":["p","q"],"consumerPid":"c","state":"REQUESTED"})", "/providerPid"},
      {R"({CTX,"@type":"ContractNegotiation","providerPid":["p"],"consumerPid":"c","state":"REQUESTED"})", "/providerPid"},
      {R"({CTX,"@type":"ContractNegotiation","providerPid":{"@value":"p"},"consumerPid":"c","state":"REQUESTED"})", "/providerPid"},
      {R"({CTX,"@type":"TransferError","code":{"@value":"5","@type":"xsd:integer"}})", "/code/@type"},
      {R"({CTX,"@type":"TransferError","code":{"@id":"5"}})", "/code"},
      {R"({CTX,"@type":"ContractNegotiation","providerPid":{"@id":"p","name":"x"},"consumerPid":"c","state":"REQUESTED"})", "/providerPid"},
      {R"({CTX,"@type":"CatalogRequestMessage","filter":[1]})", "/filter"},
      {R"({CTX,"@type":"ContractNegotiationEventMessage","providerPid":"p","consumerPid":"c","eventType":"X"})",
       "/eventType"},
      {R"({CTX,"@type":"ContractNegotiation","providerPid":"p","consumerPid":"c","state":"odrl:REQUESTED"})", "/state"},
      {R"({CTX,"@type":"ContractNegotiation","providerPid":7,"consumerPid":"c","state":"REQUESTED"})", "/providerPid"},
      {R"({CTX,"@type":"ContractAgreementMessage","providerPid":"p","consumerPid":"c","agreement":"urn:a"})",
       "/agreement"},
      {R"({CTX,"@type":"ContractAgreementMessage","providerPid":"p","consumerPid":"c","agreement":{"@type":"Offer"}})",
       "/agreement/@type"},
      {R"({CTX,"@type":"TransferStartMessage","providerPid":"p","consumerPid":"c","dataAddress":{"@type":"X"}})",
       "/dataAddress/@type"},
      {R"({CTX,"@type":"TransferError","code":5})", "/code"},
  };
  for (const Bad& bad : cases) {
    std::string text = bad.text;
    if (const auto at = text.find("CTX"); at != std::string::npos) text.replace(at, 3, context);
    const auto message = parse(*json::parse(text));
    ASSERT_FALSE(message) << text;
    EXPECT_EQ(message.error().place.pointer, bad.pointer) << text;
  }
  EXPECT_FALSE(parse(json::Value("text")));
}

TEST(DspClient, AnAnswerIsTakenByItsStatus) {
  using Kind = outbox::SendOutcome::Kind;
  outbox::Envelope first{"negotiation", "1", "request", "consumer", "https://p", "", "{}"};
  outbox::Envelope later{"negotiation", "1", "verification", "consumer", "https://p", "p1", "{}"};
  const auto kind = [](unsigned status, const outbox::Envelope& e) { return outcome_of({status, {}, ""}, e).kind; };
  EXPECT_EQ(kind(200, first), Kind::delivered);
  EXPECT_EQ(kind(204, later), Kind::delivered);
  EXPECT_EQ(kind(404, first), Kind::refused);
  EXPECT_EQ(kind(404, later), Kind::transient);
  EXPECT_EQ(kind(409, later), Kind::transient);
  for (const unsigned status : {408, 429, 502, 503, 504}) EXPECT_EQ(kind(status, later), Kind::unknown) << status;
  EXPECT_EQ(kind(500, later), Kind::unknown);
  EXPECT_EQ(kind(400, later), Kind::refused);
  EXPECT_TRUE(outcome_of({400, {}, "<html>"}, later).wrong_state);
  EXPECT_FALSE(outcome_of({403, {}, "<html>"}, later).wrong_state);
  EXPECT_EQ(outcome_of({200, {}, R"({"providerPid":"p9","consumerPid":"c"})"}, first).peer_pid, "p9");
  EXPECT_EQ(outcome_of({400, {}, R"({"code":"purpose","reason":["no",{"a":1}]})"}, first).reason,
            (outbox::Reason{"purpose", {"no", R"({"a":1})"}}));
  EXPECT_EQ(outcome_of(Error(ErrorCode::peer_unavailable, "")).kind, Kind::never_sent);
  EXPECT_EQ(outcome_of(Error(ErrorCode::outcome_unknown, "")).kind, Kind::unknown);
}

TEST(DspClient, EveryKindHasItsPath) {
  const auto path = [](const char* service, const char* kind, const char* pid) {
    outbox::Envelope e;
    e.service = service;
    e.kind = kind;
    e.peer_pid = pid;
    const auto out = path_of(e);
    return out ? *out : std::string("none");
  };
  EXPECT_EQ(path("negotiation", "request", ""), "/negotiations/request");
  EXPECT_EQ(path("negotiation", "offer", ""), "/negotiations/offers");
  EXPECT_EQ(path("negotiation", "accepted", "urn:uuid:1"), "/negotiations/urn:uuid:1/events");
  EXPECT_EQ(path("negotiation", "finalized", "1"), "/negotiations/1/events");
  EXPECT_EQ(path("negotiation", "agreement", "a/b?"), "/negotiations/a%2fb%3f/agreement");
  EXPECT_EQ(path("negotiation", "verification", "1"), "/negotiations/1/agreement/verification");
  EXPECT_EQ(path("transfer", "request", ""), "/transfers/request");
  EXPECT_EQ(path("transfer", "suspension", "1"), "/transfers/1/suspension");
  EXPECT_EQ(path("transfer", "offer", "1"), "none");
}

}  // namespace
}  // namespace sluis::dsp
