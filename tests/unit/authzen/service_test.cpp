#include "connector/authzen/service.hpp"
#include "tests/unit/gate/world.hpp"

namespace sluis::test {
namespace {

using provenance::EntryKind;

/// Waterrijk answers for its agreement with Duinmeer.
class AuthzenTest : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    put(crowd_only());
  }
  void put(const std::string& rules) {
    record_ = put_agreement("urn:duinmeer", rules);
    record_.role = negotiation::Role::provider;
    store_agreement(record_);
  }
  authzen::Dependencies dependencies() {
    return {commits_, store_, decisions_, random_, datasets_, membership_, programs_, [this] { return vocabulary_; },
            [this](const http::Request& request) -> Result<intake::Application> {
              if (request.header("authorization").empty()) return Error(ErrorCode::unauthenticated, "no token");
              return intake::Application{"planner", {"urn:waterrijk:activity:1"}};
            },
            [](const ParticipantId&) -> Result<std::string> { return std::string("municipality"); },
            [this](std::string_view, std::string_view, Timestamp) -> Result<void> {
              if (!registered_) return Error(ErrorCode::permission_denied, "not in the register");
              return {};
            }};
  }
  std::unique_ptr<authzen::Service> make_service(const std::string& self) {
    return std::make_unique<authzen::Service>(
        authzen::Options{ParticipantId(self), "municipality", "https://node.waterrijk.example"}, dependencies());
  }
  static std::string body(const std::string& purpose, const std::string& more = "",
                          const std::string& party = "urn:duinmeer") {
    return R"({"subject":{"type":"party","id":")" + party +
           R"("},"resource":{"type":"agreement","id":"urn:agreement:1"},)"
           R"("action":{"name":"use","properties":{"purpose":")" + purpose +
           R"(","processing_activity_id":"urn:waterrijk:activity:1"}})" + more + "}";
  }
  http::Response post(const std::string& text, bool batch = false) {
    http::Request request;
    request.headers = {{"authorization", "Bearer t"}, {"content-type", "application/json"}, {"x-request-id", "r-1"}};
    request.body = text;
    return service_->routes()[batch ? 1 : 0].handler(request);
  }
  static json::Value parsed(const http::Response& response) {
    auto value = json::parse(response.body);
    EXPECT_TRUE(value) << response.body;
    return value ? std::move(*value) : json::Value();
  }
  static bool permits(const json::Value& answer) {
    const json::Value* decision = answer.find("decision");
    EXPECT_TRUE(decision != nullptr && decision->if_bool() != nullptr) << json::serialise(answer);
    return decision != nullptr && decision->if_bool() != nullptr && *decision->if_bool();
  }
  static std::string code(const json::Value& answer) {
    const json::Value* context = answer.find("context");
    const auto found = context == nullptr ? Result<std::string>("none") : json::required_string(*context, "code");
    return found ? *found : "none";
  }
  /// A denial with this code, and the log has the same, once.
  void expect_denied(const std::string& text, const std::string& wanted) {
    const std::size_t before = entries_of(EntryKind::decision).size();
    const auto response = post(text);
    EXPECT_EQ(response.status, 200U) << response.body;
    EXPECT_FALSE(permits(parsed(response)));
    EXPECT_EQ(code(parsed(response)), wanted);
    const auto after = entries_of(EntryKind::decision);
    ASSERT_EQ(after.size(), before + 1);
    EXPECT_EQ(after.back().shared.event(), "evaluated.refused");
    EXPECT_EQ(after.back().shared.decision().code(), wanted);
  }
  std::size_t answers(const http::Response& response) {
    const json::Value value = parsed(response);
    const json::Value* list = value.find("evaluations");
    return list == nullptr || list->if_array() == nullptr ? 0 : list->if_array()->size();
  }
  std::string sequence(const std::string& semantic) {
    const std::string yes = R"({"action":{"name":"use","properties":{"purpose":")" + kCrowd + R"("}}})";
    const bool permits_last = semantic == "permit_on_first_permit";
    return body(kMarketing, R"(,"options":{"evaluations_semantic":")" + semantic + R"("},"evaluations":[)" +
                                (permits_last ? "{}," + yes + ",{}" : yes + ",{}," + yes) + "]");
  }

  bool registered_ = true;
  negotiation::AgreementRecord record_;
  std::unique_ptr<authzen::Service> service_ = make_service("urn:waterrijk");
};

TEST_F(AuthzenTest, APermitIsOneEntry) {
  const auto response = post(body(kCrowd));
  EXPECT_EQ(response.status, 200U);
  EXPECT_TRUE(permits(parsed(response))) << response.body;
  EXPECT_EQ(response.headers.at("x-request-id"), "r-1");
  const auto decisions = entries_of(EntryKind::decision);
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions[0].shared.event(), "evaluated.permitted");
  EXPECT_TRUE(decisions[0].shared.decision().permit());
  EXPECT_EQ(decisions[0].shared.purpose(), kCrowd);
  EXPECT_EQ(decisions[0].shared.counterparty(), "urn:duinmeer");
  EXPECT_EQ(decisions[0].internal.application(), "planner");
  EXPECT_EQ(decisions[0].internal.activity(), "urn:waterrijk:activity:1");
  const json::Value answer = parsed(response);
  EXPECT_EQ(json::required_string(*answer.find("context"), "id").value(), decisions[0].shared.transaction());
}

TEST_F(AuthzenTest, ADenialSaysWhyInBothLanguages) {
  expect_denied(body(kMarketing), "purpose");
  const json::Value answer = parsed(post(body(kMarketing)));
  const json::Value* user = answer.find("context")->find("reason_user");
  ASSERT_NE(user, nullptr);
  EXPECT_TRUE(json::required_string(*user, "en"));
  EXPECT_TRUE(json::required_string(*user, "nl"));
  const json::Value* admin = answer.find("context")->find("reason_admin");
  ASSERT_NE(admin, nullptr);
  EXPECT_TRUE(json::required_string(*admin, "nl"));
  const json::Value without = parsed(post(body("")));  // a reason of this module's own
  EXPECT_NE(json::required_string(*without.find("context")->find("reason_admin"), "nl").value().find("Geweigerd"),
            std::string::npos);
}

TEST_F(AuthzenTest, WhatIsUnknownDenies) {
  expect_denied(body("urn:no-such-purpose"), "indeterminate");
  expect_denied(body(""), "purpose.missing");
  expect_denied(body(kCrowd, "", "urn:stroomplein"), "agreement.unknown");
  expect_denied(body(kCrowd, "", "urn:waterrijk"), "agreement.unknown");
  datasets_.gone = true;
  expect_denied(body(kCrowd), "dataset.gone");
}

TEST_F(AuthzenTest, UnsupportedKindsDeny) {
  const auto changed = [](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  expect_denied(changed(body(kCrowd), R"("party")", R"("robot")"), "subject.unsupported");
  expect_denied(changed(body(kCrowd), R"("agreement")", R"("table")"), "resource.unsupported");
  expect_denied(changed(body(kCrowd), R"("use")", R"("sell")"), "action.unsupported");
}

TEST_F(AuthzenTest, TheCallersClassIsNotBelieved) {
  const std::string claimed = R"({"subject":{"type":"party","id":"urn:duinmeer","properties":{"class":"company"}},)";
  std::string text = body(kCrowd);
  text.replace(0, text.find(R"("resource")"), claimed);
  expect_denied(text, "subject.class");
}

TEST_F(AuthzenTest, TheCallersTimeIsNotBelieved) {
  const std::string until = constraint("dateTime", "lt",
      R"("2026-01-01T00:00:00Z")");
  put(crowd_only("," + until));
  const auto response = post(body(kCrowd, R"(,"context":{"time":"2025-06-01T00:00:00Z"})"));
  EXPECT_FALSE(permits(parsed(response)));
  EXPECT_EQ(code(parsed(response)), "time.over");
}

TEST_F(AuthzenTest, TermsThatCountAreLeftToTheGate) {
  put(crowd_only("," + constraint("count", "lteq", "\"2\"")));
  expect_denied(body(kCrowd), "count.only_at_gate");
  EXPECT_FALSE(*store_.get(gate::uses_key(record_.id)));
}

TEST_F(AuthzenTest, TermsOnTheActivityAreDecided) {
  put(crowd_only("," + constraint("sluis:processingActivity", "eq", R"("urn:waterrijk:activity:1")")));
  EXPECT_TRUE(permits(parsed(post(body(kCrowd)))));
}

TEST_F(AuthzenTest, TermsOnAnotherActivityDeny) {
  put(crowd_only("," + constraint("sluis:processingActivity", "eq", R"("urn:waterrijk:activity:2")")));
  expect_denied(body(kCrowd), "value");
}

TEST_F(AuthzenTest, AConsumersActivityIsChecked) {
  record_ = put_agreement("urn:waterrijk", crowd_only());
  record_.role = negotiation::Role::consumer;
  store_agreement(record_);
  service_ = make_service("urn:duinmeer");
  EXPECT_TRUE(permits(parsed(post(body(kCrowd)))));
  expect_denied(body(kCrowd, "", "urn:waterrijk"), "agreement.unknown");
  registered_ = false;
  expect_denied(body(kCrowd), "activity.not_allowed");
}

TEST_F(AuthzenTest, WithoutARecordThereIsNoDecision) {
  commits_.refuse = true;
  for (const bool batch : {false, true}) {
    const auto response = post(batch ? sequence("execute_all") : body(kCrowd), batch);
    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(response.body.find("decision\":"), std::string::npos) << response.body;
    EXPECT_EQ(response.headers.at("x-request-id"), "r-1");
  }
  EXPECT_TRUE(entries_of(EntryKind::decision).empty());
}

TEST_F(AuthzenTest, AnAgreementThatEndsMeanwhileDenies) {
  commits_.before_commit = [this] {
    record_.ended = negotiation::AgreementEnd{ParticipantId("urn:waterrijk"), clock_.now(), {"ended", {"enough"}}};
    store_agreement(record_);
  };
  expect_denied(body(kCrowd), "agreement.ended");
}

TEST_F(AuthzenTest, ABatchStopsWhereItsSemanticSays) {
  EXPECT_EQ(answers(post(sequence("execute_all"), true)), 3U);
  EXPECT_EQ(entries_of(EntryKind::decision).size(), 3U) << "one entry each";
  EXPECT_EQ(answers(post(sequence("deny_on_first_deny"), true)), 2U);
  EXPECT_EQ(answers(post(sequence("permit_on_first_permit"), true)), 2U);
  EXPECT_EQ(entries_of(EntryKind::decision).size(), 7U) << "what was not evaluated is not recorded";
}

TEST_F(AuthzenTest, AFullBatchOfLongTextsIsOneCommit) {
  const std::string item = R"({"action":{"name":")" + std::string(500, 'x') + R"("}})";
  std::string list = item;
  for (std::size_t i = 1; i < authzen::kEvaluationsPerBatch; ++i) list += "," + item;
  const auto response = post(body(kCrowd, R"(,"evaluations":[)" + list + "]"), true);
  EXPECT_EQ(response.status, 200U) << response.body;
  EXPECT_EQ(entries_of(EntryKind::decision).size(), authzen::kEvaluationsPerBatch);
}

TEST_F(AuthzenTest, NobodyIsAnsweredWithoutAToken) {
  http::Request request;
  request.body = body(kCrowd);
  const auto response = service_->routes()[0].handler(request);
  EXPECT_EQ(response.status, 401U);
  EXPECT_TRUE(entries_of(EntryKind::decision).empty());
}

TEST_F(AuthzenTest, MalformedIsNoDecision) {
  EXPECT_EQ(post("{").status, 400U);
  EXPECT_EQ(post("{}").status, 400U);
  EXPECT_TRUE(entries_of(EntryKind::decision).empty());
}

TEST_F(AuthzenTest, TheConfigurationNamesWhatIsServedOnly) {
  const auto response = service_->routes()[2].handler({});
  EXPECT_NE(response.body.find("https://node.waterrijk.example/access/v1/evaluations"), std::string::npos);
  EXPECT_EQ(response.body.find("search"), std::string::npos);
}

}  // namespace
}  // namespace sluis::test
