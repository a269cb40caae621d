#include "connector/management/agreement_import.hpp"
#include "connector/provenance/entry.hpp"
#include "sluis/v1/evidence.pb.h"
#include "tests/unit/identity/support.hpp"
#include "tests/unit/management/world.hpp"

namespace sluis::management::test {
namespace {

const std::string kDocument(64, 'a');

std::string agreement_file(const std::string& role = "provider") {
  return R"(id = "urn:agreement:paper"
role = ")" + role + R"("
party = "Duinmeer"
dataset = "urn:waterrijk:dataset:counts"
agreed = "2026-01-15"
basis = "contract 2026-014, signed on paper"
document = ")" + kDocument + R"("
address = "https://duinmeer.example:8443/dsp"
terms = '{"permission": [{"action": "use"}]}'
)";
}

/// A node that knows another party, which proves nothing by a log.
struct Papers : testing::Test, World {
  Papers() {
    federation.list.parties[0].evidence = false;
    EXPECT_TRUE(members.load(federation.envelope(), clock.now(), true));
    own.vocabulary = backend.vocabulary;
    auto commit = offered.publish(catalog::test::good(catalog::test::agreement_file()), 4, clock.now());
    EXPECT_TRUE(commit) << describe(commit.error());
    EXPECT_TRUE(commits.commit_and_wait(std::move(*commit)));
  }
  http::Response ask(const std::string& method, const json::Value& body, const std::string& token) {
    http::Request request;
    request.method = "POST";
    request.path = "/sluis.v1.AgreementService/" + method;
    request.body = json::serialise(body);
    request.headers = {{"content-type", "application/json"}, {"authorization", "Bearer " + token}};
    for (const auto& route : own_routes) {
      if (route.path == request.path) return route.handler(request);
    }
    return {404, {}, "", {}};
  }
  http::Response import(const std::string& text, const std::string& token, bool dry_run = false) {
    return ask("Import", json::object({{"toml", text}, {"file", "paper.toml"}, {"dryRun", dry_run}}), token);
  }
  /// Events, persons and documents of the entries about agreements.
  std::vector<std::string> entries() {
    std::vector<std::string> out;
    for (std::uint64_t i = 0; i < *log.entries(); ++i) {
      if (log.leaf(i)->kind != static_cast<std::uint8_t>(provenance::EntryKind::agreement)) continue;
      v1::Shared shared;
      v1::Internal internal;
      EXPECT_TRUE(shared.ParseFromString(log.payload(i)->shared) && internal.ParseFromString(log.payload(i)->internal));
      out.push_back(shared.event() + " " + internal.person());
    }
    return out;
  }

  identity::test::Federation federation;
  identity::Directory members{identity::Trust{{federation.keeper}, 1}};
  Backend own{ParticipantId("did:web:waterrijk"), "Waterrijk", "0.1.0", "waterrijk.example/log", catalog::test::kNow, false, clock, store, commits,
              offered, negotiations, transfers, members, log};
  Api own_api{make_methods(own), [this](std::string_view authorization, const http::TlsPeer&) { return authenticate(authorization); }};
  std::vector<http::Route> own_routes = connect_routes(own_api);
};

TEST_F(Papers, TheSameFileFromTwoPersonsInTwoRolesMakesTheAgreement) {
  const auto first = import(agreement_file(), "steward:A. Bakker");
  EXPECT_EQ(first.status, 200U) << first.body;
  EXPECT_NE(first.body.find("\"waits\":true"), std::string::npos) << first.body;
  EXPECT_FALSE(negotiations.agreement(AgreementId("urn:agreement:paper")));
  EXPECT_EQ(entries(), std::vector<std::string>{"imported.asked A. Bakker"});
  const auto second = import(agreement_file(), "privacy_officer:B. Mulder");
  EXPECT_EQ(second.status, 200U) << second.body;
  EXPECT_EQ(second.body.find("\"waits\":true"), std::string::npos) << second.body;
  const auto record = negotiations.agreement(AgreementId("urn:agreement:paper"));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->peer.str(), "did:web:duinmeer.example");
  EXPECT_EQ(record->peer_url, "https://duinmeer.example:8443/dsp");
  EXPECT_EQ(record->role, negotiation::Role::provider);
  EXPECT_EQ(record->imported->basis, "contract 2026-014, signed on paper");
  EXPECT_EQ(to_hex(record->imported->document), kDocument);
  EXPECT_EQ(*record->agreement.find("assignee")->if_string(), "did:web:duinmeer.example");
  EXPECT_TRUE(record->active());
  EXPECT_NE(ask("Show", json::object({{"id", "urn:agreement:paper"}}), "dpo").body.find(kDocument), std::string::npos);
  EXPECT_EQ(import(agreement_file(), "steward:A. Bakker").status, 409U);
}

TEST_F(Papers, OnePersonOrOneRoleIsNotEnough) {
  EXPECT_EQ(import(agreement_file(), "steward:A. Bakker").status, 200U);
  EXPECT_EQ(import(agreement_file(), "steward:A. Bakker").status, 403U);
  EXPECT_EQ(import(agreement_file(), "steward:C. Visser").status, 403U);
  EXPECT_EQ(import(agreement_file(), "privacy_officer:A. Bakker").status, 403U);
  EXPECT_EQ(import(agreement_file(), "dpo:B. Mulder").status, 403U);
  EXPECT_FALSE(negotiations.agreement(AgreementId("urn:agreement:paper")));
}

TEST_F(Papers, AnotherFileOrAWeekLaterIsAskedAnew) {
  EXPECT_EQ(import(agreement_file(), "steward:A. Bakker").status, 200U);
  const auto other = import(agreement_file() + "# changed\n", "privacy_officer:B. Mulder");
  EXPECT_NE(other.body.find("\"waits\":true"), std::string::npos) << other.body;
  clock.advance(std::chrono::days(7));
  const auto late = import(agreement_file() + "# changed\n", "steward:A. Bakker");
  EXPECT_NE(late.body.find("\"waits\":true"), std::string::npos) << late.body;
  EXPECT_FALSE(negotiations.agreement(AgreementId("urn:agreement:paper")));
}

TEST_F(Papers, ADryRunChangesNothing) {
  EXPECT_EQ(import(agreement_file(), "steward:A. Bakker", true).status, 200U);
  EXPECT_TRUE(entries().empty());
  EXPECT_EQ(import(agreement_file(), "steward:A. Bakker").status, 200U);
  EXPECT_EQ(import(agreement_file(), "privacy_officer:B. Mulder", true).status, 200U);
  EXPECT_FALSE(negotiations.agreement(AgreementId("urn:agreement:paper")));
}

TEST_F(Papers, AConsumerNeedsNoDatasetOfItsOwn) {
  const std::string text = catalog::test::with(agreement_file("consumer"), "urn:waterrijk:dataset:counts", "urn:duinmeer:air");
  EXPECT_EQ(import(text, "privacy_officer:B. Mulder").status, 200U);
  EXPECT_EQ(import(text, "steward:A. Bakker").status, 200U);
  EXPECT_EQ(*negotiations.agreement(AgreementId("urn:agreement:paper"))->agreement.find("assigner")->if_string(), "did:web:duinmeer.example");
}

TEST_F(Papers, AFileThatIsNotInOrderSaysWhere) {
  const auto refused = [&](const std::string& from, const std::string& to) {
    const auto answer = import(catalog::test::with(agreement_file(), from, to), "steward:A. Bakker");
    EXPECT_GE(answer.status, 400U) << to;
    return answer.body;
  };
  EXPECT_NE(refused("\"provider\"", "\"both\"").find("`both` is neither `provider` nor `consumer`"), std::string::npos);
  EXPECT_NE(refused(kDocument, "abc").find("SHA-256 of what was signed"), std::string::npos);
  EXPECT_NE(refused("{\"permission\"", "{\"target\": \"x\", \"permission\"").find("`target` does not belong to the terms"), std::string::npos);
  EXPECT_NE(refused("\"use\"", "\"fly\"").find("fly"), std::string::npos);
  EXPECT_NE(refused("basis = ", "base = ").find("`basis`"), std::string::npos);
  EXPECT_NE(refused("dataset:counts", "dataset:none").find("urn:waterrijk:dataset:none"), std::string::npos);
  EXPECT_NE(refused("\"Duinmeer\"", "\"Dunmeer\"").find("Dunmeer"), std::string::npos);
  EXPECT_NE(refused("2026-01-15", "2027-01-15").find("has not come"), std::string::npos);
  EXPECT_NE(refused("https://duinmeer.example:8443/dsp", "https://elsewhere.example").find("the membership list has no endpoint"), std::string::npos);
  const auto on_terms = [&](const std::string& condition) { return refused("\"use\"", "\"use\", \"constraint\": [{" + condition + "}]"); };
  const auto more = on_terms(R"("leftOperand": "sluis:situation", "operator": "neq", "rightOperand": "urn:situation:flood")");
  EXPECT_NE(more.find("one more situation"), std::string::npos) << more;
  EXPECT_NE(more.find("paper.toml:9:"), std::string::npos) << more;
  const auto over = on_terms(R"("leftOperand": "dateTime", "operator": "lt", "rightOperand": "2026-02-01T00:00:00Z")");
  EXPECT_NE(over.find("nothing can ever be permitted"), std::string::npos) << over;
  EXPECT_FALSE(parse_agreement_file("id = 1", "paper.toml"));
  EXPECT_TRUE(entries().empty());
}

TEST_F(Papers, OtherTermsThatAStewardProposesAreCheckedAsPublishedOnesAre) {
  negotiation::IncomingMessage asked;
  asked.from = ParticipantId("did:web:duinmeer.example");
  asked.peer_pid = ProcessId("urn:uuid:theirs");
  asked.callback_url = "https://duinmeer.example:8443/dsp";
  asked.dataset = DatasetId("urn:waterrijk:dataset:counts");
  asked.offer = *json::parse(R"({"@id":"o","@type":"Offer","target":"urn:waterrijk:dataset:counts","permission":[{"action":"use"}]})");
  const auto reply = negotiations.receive(asked);
  ASSERT_TRUE(reply) << describe(reply.error());
  const std::string id = negotiations.list(ProcessId(), 10)->at(0).own_pid.str();
  const auto counter = [&](const std::string& operand, const std::string& op, const std::string& value) {
    const std::string text = "{\"@id\":\"o2\",\"@type\":\"Offer\",\n\"target\":\"urn:waterrijk:dataset:counts\",\n\"permission\":[{\"action\":\"use\",\"constraint\":[\n{\"leftOperand\":\"" +
                             operand + "\",\"operator\":\"" + op + "\",\"rightOperand\":\"" + value + "\"}]}]}";
    return ask("Counter", json::object({{"negotiation", id}, {"document", text}, {"dryRun", true}}), "steward");
  };
  EXPECT_EQ(counter("sluis:classOfRecipient", "neq", "municipality").status, 200U) << counter("sluis:classOfRecipient", "neq", "municipality").body;
  const auto refused = [&](const std::string& operand, const std::string& op, const std::string& value, const std::string& why) {
    const auto answer = counter(operand, op, value);
    EXPECT_EQ(answer.status, 400U) << answer.body;
    EXPECT_NE(answer.body.find(why), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("offer.json:4:"), std::string::npos) << "the line in what was given: " << answer.body;
  };
  refused("sluis:classOfRecipient", "neq", "muncipality", "no member has the class");
  refused("sluis:classOfRecipient", "eq", "a b", "a b");
  refused("sluis:situation", "neq", "urn:situation:flood", "one more situation");
  refused("sluis:assessment", "isAnyOf", "urn:assessment:none", "was recorded here");
  EXPECT_NE(counter("dateTime", "lt", "2026-02-01T00:00:00Z").body.find("nothing can ever be permitted"), std::string::npos);
}

TEST_F(Papers, ARequestMayCarryAnOfferThatIsInNoCatalogue) {
  const json::Value good = json::object({{"peer", "Duinmeer"},
                                         {"document", R"({"@type":"Offer","@id":"o","target":"urn:duinmeer:air","permission":[{"action":"use"}]})"},
                                         {"address", "https://duinmeer.example:8443/dsp"}});
  const auto asked = ask("Request", good, "steward");
  ASSERT_EQ(asked.status, 200U) << asked.body;
  EXPECT_EQ(negotiations.list(ProcessId(), 10)->at(0).peer_url, "https://duinmeer.example:8443/dsp");
  EXPECT_EQ(negotiations.list(ProcessId(), 10)->at(0).dataset.str(), "urn:duinmeer:air");
  const auto with = [&](const char* key, const char* value) {
    json::Value other = good;
    other.set(key, value);
    return ask("Request", other, "steward");
  };
  EXPECT_EQ(with("offer", "o").status, 400U);
  EXPECT_EQ(with("address", "https://elsewhere.example").status, 400U);
  EXPECT_EQ(with("document", "{").status, 400U);
  EXPECT_EQ(with("document", R"({"@type":"Offer","@id":"o","permission":[{"action":"use"}]})").status, 400U);
  EXPECT_EQ(with("document", R"({"@type":"Offer","@id":"o","target":"t","permission":[{"action":"use"}],"assigner":"urn:x"})").status, 400U);
  EXPECT_EQ(with("document", R"({"@type":"Offer","@id":"o","target":"t","permission":[{"action":"fly"}]})").status, 400U);
  // The other party's log proves its offers: nothing goes past that.
  EXPECT_EQ(with("peer", "Waterrijk").status, 403U);
}

}  // namespace
}  // namespace sluis::management::test
