#include "connector/authzen/request.hpp"
#include "connector/base/limits.hpp"

#include <gtest/gtest.h>

namespace sluis::authzen {
namespace {

const std::string kSubject = R"("subject":{"type":"party","id":"urn:duinmeer"})";
const std::string kResource = R"("resource":{"type":"agreement","id":"urn:agreement:1"})";
const std::string kUse = R"("action":{"name":"use"})";
const std::string kWhole = kSubject + "," + kResource + "," + kUse;

Result<Batch> batch(const std::string& text) {
  const auto body = json::parse(text);
  EXPECT_TRUE(body) << describe(body.error());
  return read_batch(*body);
}
Result<Evaluation> evaluation(const std::string& text) {
  const auto body = json::parse(text);
  EXPECT_TRUE(body) << describe(body.error());
  return read_evaluation(*body);
}
Result<Search> search(const std::string& text, Sought sought = Sought::subject) {
  const auto body = json::parse(text);
  EXPECT_TRUE(body) << describe(body.error());
  return read_search(*body, sought);
}
std::string many(std::size_t count) {
  std::string out = "{" + kWhole + R"(,"evaluations":[{})";
  for (std::size_t i = 1; i < count; ++i) out += ",{}";
  return out + "]}";
}

TEST(AuthzenRequest, IsMapped) {
  const auto read = evaluation(R"({"subject":{"type":"application","id":"planner","properties":)"
                               R"({"party":"urn:duinmeer",)"
                               R"("class":"municipality"}},"resource":{"type":"dataset","id":"urn:d","properties":)"
                               R"({"agreement":"urn:a"}},"action":)"
                               R"({"name":"use","properties":{"purpose":"dpv:Marketing",)"
                               R"("processing_activity_id":"urn:act","algorithm_id":"urn:alg"}},"context":{"time":"2001-01-01T00:00:00Z"}})");
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->party, "urn:duinmeer");
  EXPECT_EQ(read->subject_class, "municipality");
  EXPECT_EQ(read->agreement, "urn:a");
  EXPECT_EQ(read->purpose, "dpv:Marketing");
  EXPECT_EQ(read->activity, "urn:act");
  EXPECT_EQ(read->algorithm, "urn:alg");
  EXPECT_EQ(read->said_time, "2001-01-01T00:00:00Z");
}

TEST(AuthzenRequest, ATimeMustBeOne) {
  for (const std::string time : {R"("yesterday")", R"("2026-11-27T10:00:00")", "7"}) {
    const auto read = evaluation("{" + kWhole + R"(,"context":{"time":)" + time + "}}");
    ASSERT_FALSE(read) << time;
    EXPECT_EQ(read.error().place.pointer, "/context/time");
  }
}

TEST(AuthzenRequest, AnApplicationIsNotItsOwnParty) {
  const auto read = evaluation(R"({"subject":{"type":"application","id":"urn:duinmeer"},)" + kResource + "," + kUse + "}");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->party, "");
}

TEST(AuthzenRequest, WhatIsMissingIsNamedByItsPlace) {
  EXPECT_EQ(evaluation("{" + kSubject + "}").error().place.pointer, "/resource");
  EXPECT_EQ(evaluation("{" + kSubject + "," + kResource + "}").error().place.pointer, "/action");
  EXPECT_EQ(evaluation("{" + kSubject + "," + kResource + R"(,"action":{}})").error().place.pointer, "/action/name");
  EXPECT_EQ(evaluation(R"({"subject":{"type":"party"},)" + kResource + "}").error().place.pointer, "/subject/id");
  EXPECT_EQ(evaluation(R"({"subject":7,)" + kResource + "}").error().place.pointer, "/subject");
  EXPECT_EQ(evaluation("{" + kWhole + R"(,"context":"now"})").error().place.pointer, "/context");
  EXPECT_FALSE(evaluation("[]"));
  EXPECT_FALSE(batch("[]"));
}

TEST(AuthzenRequest, AnItemThatCannotBeReadIsOneThatDenies) {
  const auto read = batch("{" + kSubject + "," + kUse + R"(,"evaluations":[{},7,{)" + kResource + "}]}");
  ASSERT_TRUE(read) << describe(read.error());
  ASSERT_EQ(read->evaluations.size(), 3U);
  EXPECT_EQ(read->evaluations[0].unreadable.value().place.pointer, "/evaluations/0/resource");
  EXPECT_EQ(read->evaluations[1].unreadable.value().place.pointer, "/evaluations/1");
  EXPECT_FALSE(read->evaluations[2].unreadable);
}

TEST(AuthzenRequest, AnItemReplacesADefaultAsAWhole) {
  const auto read = batch("{" + kSubject + "," + kResource + R"(,"action":{"name":"use","properties":{"purpose":"p"}},)"
                          R"("evaluations":[{},{"action":{"name":"use"}},)"
                          R"({"subject":{"type":"party","id":"urn:other"}}]})");
  ASSERT_TRUE(read) << describe(read.error());
  ASSERT_EQ(read->evaluations.size(), 3U);
  EXPECT_EQ(read->evaluations[0].purpose, "p");
  EXPECT_FALSE(read->evaluations[1].purpose) << "properties are not merged";
  EXPECT_EQ(read->evaluations[2].party, "urn:other");
}

TEST(AuthzenRequest, WithoutAListItIsOneEvaluation) {
  for (const std::string more : {"", R"(,"evaluations":[])"}) {
    const auto read = batch("{" + kWhole + more + "}");
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->single);
    EXPECT_EQ(read->evaluations.size(), 1U);
  }
}

TEST(AuthzenRequest, AnUnknownSemanticIsRefused) {
  const auto with = [](const std::string& name) {
    return batch("{" + kWhole + R"(,"options":{"evaluations_semantic":")" + name +
                 R"("},"evaluations":[{}]})");
  };
  EXPECT_EQ(with("deny_on_first_deny")->semantic, Semantic::deny_on_first_deny);
  EXPECT_EQ(with("permit_on_first_permit")->semantic, Semantic::permit_on_first_permit);
  EXPECT_EQ(with("execute_all")->semantic, Semantic::execute_all);
  EXPECT_EQ(with("first").error().place.pointer, "/options/evaluations_semantic");
}

TEST(AuthzenRequest, ABatchHasALimit) {
  EXPECT_TRUE(batch(many(limits::kEvaluationsPerBatch)));
  EXPECT_EQ(batch(many(limits::kEvaluationsPerBatch + 1)).error().code, ErrorCode::limit_exceeded);
}

TEST(AuthzenRequest, ATextHasALimit) {
  const auto of = [](std::size_t size) {
    return evaluation(R"({"subject":{"type":"party","id":")" + std::string(size, 'x') + R"("},)" + kResource + "," + kUse + "}");
  };
  EXPECT_TRUE(of(limits::kIdBytes));
  EXPECT_EQ(of(limits::kIdBytes + 1).error().code, ErrorCode::limit_exceeded);
}

const std::string kParties = R"("subject":{"type":"party"},)" + kResource + "," + kUse;

TEST(AuthzenSearch, TheIdOfWhatIsSoughtIsNotRead) {
  EXPECT_TRUE(search("{" + kParties + "}"));
  const auto ignored = search("{" + kWhole + "}");
  ASSERT_TRUE(ignored) << describe(ignored.error());
  EXPECT_EQ(ignored->asked.subject_id, "");
  EXPECT_TRUE(search("{" + kSubject + R"(,"resource":{"type":"dataset"},)" + kUse + "}", Sought::resource));
  EXPECT_TRUE(search("{" + kSubject + "," + kResource + "}", Sought::action));
}

TEST(AuthzenSearch, WhatIsMissingIsNamedByItsPlace) {
  EXPECT_EQ(search("{" + kResource + "," + kUse + "}").error().place.pointer, "/subject");
  EXPECT_EQ(search(R"({"subject":{},)" + kResource + "," + kUse + "}").error().place.pointer, "/subject/type");
  EXPECT_EQ(search(R"({"subject":{"type":"party"},)" + kResource + "}").error().place.pointer, "/action");
  EXPECT_EQ(search("{" + kParties + "}", Sought::resource).error().place.pointer, "/subject/id");
  EXPECT_EQ(search("{" + kSubject + "}", Sought::action).error().place.pointer, "/resource");
  EXPECT_EQ(search(R"({"subject":{"type":"application"},)" + kResource + "," + kUse + "}").error().place.pointer,
            "/subject/type");
}

TEST(AuthzenSearch, APageHasATokenForTheSameQuestionOnly) {
  const auto first = search("{" + kParties + R"(,"page":{"limit":2}})");
  ASSERT_TRUE(first) << describe(first.error());
  EXPECT_EQ(first->limit, 2U);
  const std::string token = R"("token":")" + page_token(*first, "urn:b") + "\"";
  const auto next = search("{" + kParties + R"(,"page":{)" + token + "}}");
  ASSERT_TRUE(next) << describe(next.error());
  EXPECT_EQ(next->limit, 2U) << "the token remembers it";
  EXPECT_EQ(next->after, "urn:b");
  EXPECT_TRUE(search("{" + kParties + R"(,"page":{"limit":2,)" + token + "}}"));
  EXPECT_EQ(search("{" + kParties + R"(,"page":{"limit":3,)" + token + "}}").error().place.pointer, "/page/token");
  EXPECT_FALSE(search("{" + kParties + R"(,"context":{"x":1},"page":{)" + token + "}}"));
  EXPECT_FALSE(search("{" + kSubject + R"(,"resource":{"type":"agreement"},)" + kUse + R"(,"page":{)" + token + "}}",
                      Sought::resource));
}

TEST(AuthzenSearch, APageThatCannotBeReadIsRefused) {
  const auto with = [](const std::string& page) { return search("{" + kParties + R"(,"page":)" + page + "}"); };
  for (const std::string limit : {"-1", "1.5", "\"2\"", "1e99", "null"}) {
    EXPECT_EQ(with(R"({"limit":)" + limit + "}").error().place.pointer, "/page/limit") << limit;
  }
  for (const std::string token : {"x", "AAAA", "====", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_EQ(with(R"({"token":")" + token + "\"}").error().place.pointer, "/page/token") << token;
  }
  EXPECT_EQ(with("7").error().place.pointer, "/page");
  EXPECT_EQ(with(R"({"token":")" + std::string(limits::kPageTokenBytes + 1, 'A') + "\"}").error().code,
            ErrorCode::limit_exceeded);
  EXPECT_EQ(with(R"({"limit":0})")->limit, 0U);
  EXPECT_EQ(with(R"({"token":""})")->after, "") << "an empty token is the first page's";
}

}  // namespace
}  // namespace sluis::authzen
