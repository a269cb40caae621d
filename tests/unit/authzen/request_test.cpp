#include "connector/authzen/request.hpp"
#include "connector/base/limits.hpp"

#include <gtest/gtest.h>

namespace sluis::authzen {
namespace {

const std::string kSubject = R"("subject":{"type":"party","id":"urn:duinmeer"})";
const std::string kResource = R"("resource":{"type":"agreement","id":"urn:agreement:1"})";

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
std::string many(std::size_t count) {
  std::string out = "{" + kSubject + "," + kResource + R"(,"evaluations":[{})";
  for (std::size_t i = 1; i < count; ++i) out += ",{}";
  return out + "]}";
}

TEST(AuthzenRequest, IsMapped) {
  const auto read = evaluation(R"({"subject":{"type":"application","id":"planner","properties":)"
                               R"({"party":"urn:duinmeer",)"
                               R"("class":"municipality"}},"resource":{"type":"dataset","id":"urn:d","properties":)"
                               R"({"agreement":"urn:a"}},"action":)"
                               R"({"name":"use","properties":{"purpose":"dpv:Marketing",)"
                               R"("processing_activity_id":"urn:act"}},"context":{"time":"2001-01-01T00:00:00Z"}})");
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->party, "urn:duinmeer");
  EXPECT_EQ(read->subject_class, "municipality");
  EXPECT_EQ(read->agreement, "urn:a");
  EXPECT_EQ(read->purpose, "dpv:Marketing");
  EXPECT_EQ(read->activity, "urn:act");
}

TEST(AuthzenRequest, TheActionIsUseUnlessNamed) {
  const auto read = evaluation("{" + kSubject + "," + kResource + "}");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->action, "use");
  EXPECT_FALSE(read->purpose);
}

TEST(AuthzenRequest, AnApplicationIsNotItsOwnParty) {
  const auto read = evaluation(R"({"subject":{"type":"application","id":"urn:duinmeer"},)" + kResource + "}");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->party, "");
}

TEST(AuthzenRequest, WhatIsMissingIsNamedByItsPlace) {
  EXPECT_EQ(evaluation("{" + kSubject + "}").error().place.pointer, "/resource");
  EXPECT_EQ(evaluation(R"({"subject":{"type":"party"},)" + kResource + "}").error().place.pointer, "/subject/id");
  EXPECT_EQ(evaluation(R"({"subject":7,)" + kResource + "}").error().place.pointer, "/subject");
  EXPECT_EQ(batch("{" + kSubject + R"(,"evaluations":[{}]})").error().place.pointer, "/evaluations/0/resource");
  EXPECT_EQ(batch("{" + kSubject + "," + kResource + R"(,"evaluations":[7]})").error().place.pointer, "/evaluations/0");
  EXPECT_FALSE(evaluation("[]"));
  EXPECT_FALSE(batch("[]"));
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
    const auto read = batch("{" + kSubject + "," + kResource + more + "}");
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->single);
    EXPECT_EQ(read->evaluations.size(), 1U);
  }
}

TEST(AuthzenRequest, AnUnknownSemanticIsRefused) {
  const auto with = [](const std::string& name) {
    return batch("{" + kSubject + "," + kResource + R"(,"options":{"evaluations_semantic":")" + name +
                 R"("},"evaluations":[{}]})");
  };
  EXPECT_EQ(with("deny_on_first_deny")->semantic, Semantic::deny_on_first_deny);
  EXPECT_EQ(with("permit_on_first_permit")->semantic, Semantic::permit_on_first_permit);
  EXPECT_EQ(with("execute_all")->semantic, Semantic::execute_all);
  EXPECT_EQ(with("first").error().place.pointer, "/options/evaluations_semantic");
}

TEST(AuthzenRequest, ABatchHasALimit) {
  EXPECT_TRUE(batch(many(kEvaluationsPerBatch)));
  EXPECT_EQ(batch(many(kEvaluationsPerBatch + 1)).error().code, ErrorCode::limit_exceeded);
}

TEST(AuthzenRequest, ATextHasALimit) {
  const auto of = [](std::size_t size) {
    return evaluation(R"({"subject":{"type":"party","id":")" + std::string(size, 'x') + R"("},)" + kResource + "}");
  };
  EXPECT_TRUE(of(limits::kIdBytes));
  EXPECT_EQ(of(limits::kIdBytes + 1).error().code, ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace sluis::authzen
