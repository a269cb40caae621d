#include "connector/dsp/version.hpp"
#include "connector/dsp/wire.hpp"
#include "tests/unit/dsp/world.hpp"

namespace sluis::test {
namespace {

std::string request_body(const std::string& pid, const std::string& callback = "https://duinmeer.example/2025-1",
                         const std::string& more = "") {
  return R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],"@type":"ContractRequestMessage",
    "consumerPid":")" + pid + R"(","callbackAddress":")" + callback + R"(","offer":{"@type":"Offer","@id":"offer-1",
    "target":"counts","permission":[{"action":"use"}]})" + more + "}";
}
std::string verification(const std::string& provider, const std::string& consumer) {
  return R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],"@type":"ContractAgreementVerificationMessage",
    "providerPid":")" + provider + R"(","consumerPid":")" + consumer + "\"}";
}
const std::string kRequest = "/2025-1/negotiations/request";
const std::string kDuinmeer = "did:web:duinmeer.example";

TEST_F(World, WhoHasNoIdentityGetsNotFoundWithAnErrorBody) {
  const auto response = waterrijk.answer("", "POST", kRequest, request_body("c1"));
  EXPECT_EQ(response.status, 404U);
  EXPECT_EQ(dsp::type_name(*dsp::parse(*json::parse(response.body))), "ContractNegotiationError");
  EXPECT_EQ(waterrijk.answer("", "GET", "/.well-known/dspace-version").status, 200U);
  EXPECT_EQ(waterrijk.answer("", "GET", "/2025-1/transfers/x").status, 404U);
}

TEST_F(World, ARepeatedFirstMessageGetsTheSameAnswerAndOtherBytesDoNot) {
  const auto first = waterrijk.answer(kDuinmeer, "POST", kRequest, request_body("c1"));
  ASSERT_EQ(first.status, 201U);
  const auto again = waterrijk.answer(kDuinmeer, "POST", kRequest, request_body("c1"));
  EXPECT_EQ(again.status, 201U);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", kRequest, request_body("c1", "https://duinmeer.example/b")).status, 400U);
  EXPECT_EQ(waterrijk.negotiations.list(ProcessId(), 10)->size(), 1U);
}

TEST_F(World, ACallbackOutsideTheMembershipListIsRefused) {
  const auto response = waterrijk.answer(kDuinmeer, "POST", kRequest, request_body("c1", "https://evil.example/"));
  EXPECT_EQ(response.status, 400U);
  EXPECT_NE(response.body.find("callbackAddress"), std::string::npos);
  EXPECT_TRUE(waterrijk.negotiations.list(ProcessId(), 10)->empty());
}

TEST_F(World, BadInputGetsItsAnswerAndHasNoEffect) {
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", kRequest, "{").status, 400U);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", kRequest, request_body("c1", "https://duinmeer.example/",
                                                                       R"(,"providerPid":"p")")).status, 400U);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", kRequest, request_body("c1", "https://duinmeer.example/",
                                                                       R"(,"consumerPid":"c2")")).status, 400U);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", "/2025-1/negotiations/none/events", verification("p", "c")).status, 400U);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", "/2025-1/negotiations/none/agreement/verification",
                             verification("none", "c")).status, 404U);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", "/2025-1/negotiations/none/what", "{}").status, 404U);
  EXPECT_TRUE(waterrijk.commits.entries.empty());
}

TEST_F(World, AnotherPartysProcessIsNotFoundAndMismatchedIdsAreRefused) {
  const ProcessId consumer = ask();
  duinmeer.drain();
  const std::string pid = duinmeer.negotiations.show(consumer)->peer_pid.str();
  const std::string path = "/2025-1/negotiations/" + pid;
  EXPECT_EQ(waterrijk.answer("did:web:parkwijs.example", "GET", path).status, 404U);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "GET", path).status, 200U);
  const std::string verify = path + "/agreement/verification";
  EXPECT_EQ(waterrijk.answer("did:web:parkwijs.example", "POST", verify, verification(pid, consumer.str())).status, 404U);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", verify, verification(pid, "other")).status, 400U);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", verify, verification("other", consumer.str())).status, 400U);
  // It can only follow the agreement, which has not been sent yet: its arrival proves the agreement's (D19).
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", verify, verification(pid, consumer.str())).status, 200U);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", verify, verification(pid, consumer.str())).status, 400U);
}

TEST_F(World, IdsInEachOthersPlaceNameNoProcess) {
  const auto made = waterrijk.answer(kDuinmeer, "POST", kRequest, request_body("c1"));
  ASSERT_EQ(made.status, 201U);
  const std::string pid = *json::parse(made.body)->find("providerPid")->if_string();
  const std::string_view kind = "ContractAgreementVerificationMessage";
  for (const auto& [provider, consumer, status] : {std::tuple("c1", pid.c_str(), 400U), {"x", "c1", 400U}, {pid.c_str(), "x", 400U}, {pid.c_str(), "c1", 200U}}) {
    std::string body = verification(provider, consumer);
    body.replace(body.find(kind), kind.size(), "ContractNegotiationTerminationMessage");  // which either party may send
    EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", "/2025-1/negotiations/" + pid + "/termination", body).status, status) << provider << " " << consumer;
  }
}

TEST_F(World, TheCatalogueIsReadPageByPage) {
  const auto first = duinmeer.client.catalog(waterrijk.id, waterrijk.url);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->next, "?page=two");
  const auto second = duinmeer.client.catalog(waterrijk.id, waterrijk.url, first->next);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->next.empty());
  EXPECT_EQ(*second->catalog.find("page"), json::Value("two"));
  EXPECT_FALSE(duinmeer.client.catalog(waterrijk.id, waterrijk.url, "https://evil.example/"));
  for (const char* more : {".evil.example/", "0/", "@evil.example/", "", "%2f"}) {
    const auto elsewhere = duinmeer.client.catalog(waterrijk.id, waterrijk.url, waterrijk.url + more);
    ASSERT_FALSE(elsewhere) << more;
    EXPECT_NE(elsewhere.error().message.find("outside"), std::string::npos) << more;
  }
  EXPECT_TRUE(duinmeer.client.dataset(waterrijk.id, waterrijk.url, DatasetId("counts")));
  EXPECT_EQ(duinmeer.client.dataset(waterrijk.id, waterrijk.url, DatasetId("no")).error().code, ErrorCode::not_found);
  EXPECT_EQ(waterrijk.answer(kDuinmeer, "POST", "/2025-1/catalog/request",
                             R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],
                                 "@type":"CatalogRequestMessage","filter":["x"]})").status, 400U);
}

TEST_F(World, ATransferRequestNeedsAnAgreementOfTheSameParty) {
  const AgreementId agreement = agreed();
  const auto body = [&](const std::string& id, const std::string& format) {
    return R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],"@type":"TransferRequestMessage",
      "consumerPid":"t1","agreementId":")" + id + R"(","format":")" + format +
           R"(","callbackAddress":"https://parkwijs.example/2025-1"})";
  };
  const std::string parkwijs = "did:web:parkwijs.example";
  EXPECT_EQ(waterrijk.answer(parkwijs, "POST", "/2025-1/transfers/request", body(agreement.str(), "HttpData-PULL")).status,
            404U);
  EXPECT_EQ(waterrijk.answer(parkwijs, "POST", "/2025-1/transfers/request", body("none", "HttpData-PULL")).status, 404U);
}

TEST(DspStatus, EveryErrorHasOne) {
  const std::map<ErrorCode, unsigned> wanted = {
      {ErrorCode::invalid_argument, 400},   {ErrorCode::invalid_state, 400},    {ErrorCode::not_found, 404},
      {ErrorCode::permission_denied, 404},  {ErrorCode::unauthenticated, 404},  {ErrorCode::conflict, 503},
      {ErrorCode::limit_exceeded, 429},     {ErrorCode::peer_unavailable, 503}, {ErrorCode::storage_unavailable, 503},
      {ErrorCode::outcome_unknown, 503},    {ErrorCode::corruption, 500},       {ErrorCode::internal, 500}};
  ASSERT_EQ(wanted.size(), static_cast<std::size_t>(ErrorCode::internal) + 1);
  for (const auto& [code, status] : wanted) EXPECT_EQ(dsp::status_of(code), status) << to_string(code);
}

TEST(DspVersion, TheDocumentNamesVersionPathAndBinding) {
  EXPECT_EQ(*dsp::version_path(dsp::version_document("/a/2025-1", "s")), "/a/2025-1");
  EXPECT_EQ(dsp::version_path(*json::parse(R"({"protocolVersions":[]})")).error().code, ErrorCode::not_found);
  EXPECT_TRUE(dsp::version_path(dsp::version_document("", "s")));
  for (const char* path : {".evil.example/2025-1", "0/2025-1", "@evil.example", "2025-1"}) {
    EXPECT_EQ(dsp::version_path(dsp::version_document(path, "s")).error().code, ErrorCode::invalid_argument) << path;
  }
}

}  // namespace
}  // namespace sluis::test
