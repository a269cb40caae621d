#include "connector/base/limits.hpp"
#include "tests/unit/authzen/point.hpp"

namespace sluis::test {
namespace {

using provenance::EntryKind;

const std::string kCounts = "urn:waterrijk:counts";

/// Waterrijk answers for its agreement with Duinmeer.
class AuthzenTest : public DecisionPoint {
 protected:
  void SetUp() override {
    World::SetUp();
    put(crowd_only());
  }
  void put(const std::string& rules) { record_ = agree("urn:agreement:1", "urn:duinmeer", kCounts, rules); }
  static std::string body(const std::string& purpose, const std::string& more = "",
                          const std::string& party = "urn:duinmeer") {
    return R"({"subject":{"type":"party","id":")" + party +
           R"("},"resource":{"type":"agreement","id":"urn:agreement:1"},)"
           R"("action":{"name":"use","properties":{"purpose":")" + purpose +
           R"(","processing_activity_id":"urn:waterrijk:activity:1"}})" + more + "}";
  }
  http::Response post(const std::string& text, bool batch = false) {
    return DecisionPoint::post(batch ? "/access/v1/evaluations" : "/access/v1/evaluation", text);
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

  negotiation::AgreementRecord record_;
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
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.counterparty(), "urn:stroomplein") << "who was asked about stands in the record";
  expect_denied(body(kCrowd, "", "urn:waterrijk"), "agreement.unknown");
  sets_.gone = true;
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

/// What the gate asks beside the terms, an evaluation asks too.
TEST_F(AuthzenTest, AnActivityIsNamedAsTheGateWantsIt) {
  const std::string good = R"("processing_activity_id":"urn:waterrijk:activity:1")";
  const auto naming = [&](const std::string& activity) {
    std::string text = body(kCrowd);
    return text.replace(text.find(good), good.size(), R"("processing_activity_id":")" + activity + "\"");
  };
  EXPECT_TRUE(permits(parsed(post(naming("two, of them"))))) << "these data need none";
  sets_.need_activity.insert(kCounts);
  EXPECT_TRUE(permits(parsed(post(body(kCrowd)))));
  expect_denied(naming(""), "activity.missing");
  expect_denied(naming("two, of them"), "activity.malformed");
  sets_.plan.suspended = "under review";
  expect_denied(body(kCrowd), "dataset.suspended");
}

TEST_F(AuthzenTest, AConsumersActivityIsChecked) {
  service_ = make_service("urn:duinmeer");
  record_ = agree("urn:agreement:1", "urn:waterrijk", kCounts, crowd_only(), negotiation::Role::consumer);
  EXPECT_TRUE(permits(parsed(post(body(kCrowd)))));
  EXPECT_EQ(asked_register_, 1) << "once for each evaluation";
  expect_denied(body(kCrowd, "", "urn:waterrijk"), "agreement.unknown");
  registered_ = false;
  expect_denied(body(kCrowd), "activity.not_allowed");
  const std::size_t recorded = entries_of(provenance::EntryKind::decision).size();
  register_fails_ = true;
  EXPECT_EQ(post(body(kCrowd)).status, 503U) << "a register that cannot be read is no refusal";
  EXPECT_EQ(entries_of(provenance::EntryKind::decision).size(), recorded);
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
  EXPECT_EQ(undecided_, (std::vector<std::string>{"undecided.evaluation", "undecided.evaluation"}));
}

TEST_F(AuthzenTest, AnAgreementThatEndsMeanwhileDenies) {
  commits_.before_commit = [this] {
    end(record_);
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
  for (std::size_t i = 1; i < limits::kEvaluationsPerBatch; ++i) list += "," + item;
  const auto response = post(body(kCrowd, R"(,"evaluations":[)" + list + "]"), true);
  EXPECT_EQ(response.status, 200U) << response.body;
  EXPECT_EQ(entries_of(EntryKind::decision).size(), limits::kEvaluationsPerBatch);
}

TEST_F(AuthzenTest, NobodyIsAnsweredWithoutATokenOfTheRole) {
  for (const http::Route& route : service_->routes()) {
    if (route.method != "POST") continue;
    const auto none = DecisionPoint::post(route.path, body(kCrowd), {{"authorization", ""}});
    EXPECT_EQ(none.status, 401U);
    EXPECT_EQ(none.headers.at("www-authenticate"), "Bearer");
    EXPECT_EQ(DecisionPoint::post(route.path, body(kCrowd), {{"authorization", "Bearer steward"}}).status, 403U);
  }
  EXPECT_TRUE(entries_of(EntryKind::decision).empty());
}

TEST_F(AuthzenTest, EachEndpointAsksForItsOwnMethod) {
  std::set<std::string> methods;
  for (const http::Route& route : service_->routes()) {
    if (route.method == "GET") continue;
    DecisionPoint::post(route.path, "{}");
    methods.insert(asked_);
    EXPECT_EQ(route.body_limit, limits::kAuthzenBytes);
  }
  EXPECT_EQ(methods, (std::set<std::string>{"Evaluation", "Evaluations", "SearchAction", "SearchResource",
                                            "SearchSubject"}));
}

TEST_F(AuthzenTest, MalformedIsNoDecisionAndIsToldAsText) {
  for (const std::string text : {"{", "{}", "[]", "7", R"({"subject":{},"subject":{}})", "\"\xff\""}) {
    for (const bool batch : {false, true}) {
      const auto response = post(text, batch);
      EXPECT_EQ(response.status, 400U) << text;
      EXPECT_EQ(response.headers.at("content-type"), "text/plain; charset=utf-8");
      EXPECT_FALSE(response.body.empty());
      EXPECT_EQ(response.headers.at("x-request-id"), "r-1");
    }
  }
  EXPECT_EQ(DecisionPoint::post("/access/v1/evaluation", body(kCrowd), {{"content-type", "text/plain"}}).status, 400U);
  EXPECT_TRUE(entries_of(EntryKind::decision).empty());
}

TEST_F(AuthzenTest, AnItemThatCannotBeReadDeniesAndIsRecorded) {
  const auto response = post(body(kCrowd, R"(,"evaluations":[{},7,{"resource":{}}])"), true);
  EXPECT_EQ(response.status, 200U) << response.body;
  const json::Value answer = parsed(response);
  const json::Array& list = *answer.find("evaluations")->if_array();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_TRUE(permits(list[0]));
  for (const std::size_t i : {1U, 2U}) {
    EXPECT_FALSE(permits(list[i]));
    EXPECT_EQ(code(list[i]), "request.unreadable");
    EXPECT_EQ(list[i].find("context")->find("error")->find("status")->if_number()->text, "400");
  }
  EXPECT_EQ(entries_of(EntryKind::decision).size(), 3U);
}

TEST_F(AuthzenTest, ARequestIdIsGivenBackAndRecorded) {
  const auto with = [this](const std::string& id) {
    return DecisionPoint::post("/access/v1/evaluation",
                               body(kCrowd, R"(,"context":{"traceparent":"00-4bf9-00f0-01","time":"2001-01-01T00:00:00Z"})"), {{"x-request-id", id}});
  };
  const std::string longest(limits::kRequestIdBytes, 'x');
  EXPECT_EQ(with(longest).headers.at("x-request-id"), longest);
  const auto last = entries_of(EntryKind::decision).back();
  EXPECT_EQ(last.internal.detail(), "request " + longest);
  EXPECT_NE(last.internal.request().find(R"("context":{"time":"2001-01-01T00:00:00Z","traceparent":"00-4bf9-00f0-01"})"), std::string::npos);
  EXPECT_EQ(last.internal.trace_id().size(), 16U) << "what is no trace begins another";
  EXPECT_EQ(last.internal.parent_span_id(), "");
  EXPECT_EQ(with("caf\xC3\xA9").headers.at("x-request-id"), "caf\xC3\xA9");
  for (const std::string& id : {longest + "x", std::string("a\tb")}) {
    EXPECT_EQ(with(id).status, 400U);
    EXPECT_FALSE(with(id).headers.contains("x-request-id"));
  }
  EXPECT_FALSE(with("").headers.contains("x-request-id"));
}

TEST_F(AuthzenTest, ADatasetWithoutAnAgreementIsPermittedByAnyRunningOne) {
  const auto about = [&](const std::string& purpose, const std::string& party = "urn:duinmeer") {
    return R"({"subject":{"type":"party","id":")" + party + R"("},"resource":{"type":"dataset","id":")" + kCounts +
           R"("},"action":{"name":"use","properties":{"purpose":")" + purpose + R"("}}})";
  };
  EXPECT_TRUE(permits(parsed(post(about(kCrowd)))));
  expect_denied(about(kMarketing), "purpose");
  expect_denied(about(kCrowd, "urn:stroomplein"), "agreement.unknown");
  end(record_);
  expect_denied(about(kCrowd), "agreement.ended");
  agree("urn:agreement:2", "urn:duinmeer", kCounts, permit(constraint("purpose", "isA", "\"" + kMarketing + "\"")));
  expect_denied(about(kCrowd), "purpose");
  EXPECT_TRUE(permits(parsed(post(about(kMarketing)))));
  EXPECT_EQ(entries_of(EntryKind::decision).back().shared.agreement(), "urn:agreement:2");
}

TEST_F(AuthzenTest, TooManyAgreementsDeny) {
  const std::string other = permit(constraint("purpose", "isA", "\"" + kMarketing + "\""));
  const std::string text = R"({"subject":{"type":"party","id":"urn:duinmeer"},"resource":{"type":"dataset","id":"urn:d"},)"
                           R"("action":{"name":"use","properties":{"purpose":")" + kCrowd + R"("}}})";
  for (std::size_t i = 1; i < limits::kAgreementsPerEvaluation; ++i) {
    agree("urn:d:" + std::to_string(1000 + i), "urn:duinmeer", "urn:d", other);
  }
  agree("urn:d:2000", "urn:duinmeer", "urn:d", crowd_only());
  EXPECT_TRUE(permits(parsed(post(text))));
  agree("urn:d:0000", "urn:duinmeer", "urn:d", other);
  expect_denied(text, "agreement.unnamed");
  service_ = make_service("urn:waterrijk", 2);
  expect_denied(text, "agreement.unnamed");
}

TEST_F(AuthzenTest, TheConfigurationNamesWhatIsServedOnly) {
  const auto routes = service_->routes();
  const json::Value configuration = parsed(routes.back().handler({}));
  std::set<std::string> named;
  for (const auto& [name, value] : *configuration.if_object()) {
    ASSERT_NE(value.if_string(), nullptr) << name;
    named.insert(*value.if_string());
  }
  std::set<std::string> served{"https://node.waterrijk.example"};
  for (const http::Route& route : routes) {
    if (route.method == "POST") served.insert("https://node.waterrijk.example" + route.path);
  }
  EXPECT_EQ(named, served);
  for (const char* name : {"policy_decision_point", "access_evaluation_endpoint", "access_evaluations_endpoint",
                           "search_subject_endpoint", "search_resource_endpoint", "search_action_endpoint"}) {
    EXPECT_NE(configuration.find(name), nullptr) << name;
  }
}

TEST_F(AuthzenTest, TermsThatDependOnASituationAreDecidedOnWhatIsKnownOnceInARequest) {
  const std::string situation = "urn:situation:crowds";
  put(crowd_only("," + constraint("https://w3id.org/sluis/odrl/1#situation", "isAnyOf", "\"" + situation + "\"")));
  expect_denied(body(kCrowd), "declarations.unknown");
  asked_about_declarations_ = 0;
  EXPECT_EQ(answers(post(body(kCrowd, R"(,"evaluations":[{},{},{}])"), true)), 3U);
  EXPECT_EQ(asked_about_declarations_, 1) << "who does not answer is not asked again";

  declaration::Declaration one;
  one.id = situation;
  one.opens = {kCrowd};
  one.acts.push_back({declaration::What::declared, {}, clock_.now(), clock_.now() + std::chrono::hours(1), "full"});
  known_ = gate::KnownDeclarations{{{one, 7}}, {{"dec-head", std::nullopt}}};
  asked_about_declarations_ = 0;
  EXPECT_TRUE(permits(parsed(post(body(kCrowd)))));
  const auto decided = entries_of(EntryKind::decision).back().shared;
  ASSERT_EQ(decided.rests_on_size(), 1);
  EXPECT_EQ(decided.rests_on(0).id(), situation);
  EXPECT_EQ(answers(post(body(kCrowd, R"(,"evaluations":[{},{},{}])"), true)), 3U);
  EXPECT_EQ(asked_about_declarations_, 2) << "once in each request";
  // It ends while the provider thinks: what would have been permitted at first is looked at again.
  clock_.advance(std::chrono::minutes(59));
  answer_takes_ = std::chrono::minutes(2);
  expect_denied(body(kCrowd), "value");
  answer_takes_ = {};
  known_->declarations[0].declaration.acts[0].until = clock_.now() + std::chrono::hours(1);
  known_->as_read[0].expected = "another state";
  EXPECT_EQ(post(body(kCrowd)).status, 503U) << "a permit holds only while that is as it was read";
}

}  // namespace
}  // namespace sluis::test
