#include "connector/base/limits.hpp"
#include "tests/unit/authzen/point.hpp"

#include <functional>
#include <random>

namespace sluis::test {
namespace {

using provenance::EntryKind;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }
std::string party(const std::string& id) { return R"("subject":{"type":"party","id":)" + quoted(id) + "}"; }
std::string of_type(const std::string& member, const std::string& type) {
  return quoted(member) + R"(:{"type":)" + quoted(type) + "}";
}
std::string resource(const std::string& type, const std::string& id) {
  return R"("resource":{"type":)" + quoted(type) + R"(,"id":)" + quoted(id) + "}";
}
std::string use(const std::string& purpose, const std::string& activity = "") {
  return R"("action":{"name":"use","properties":{"purpose":)" + quoted(purpose) +
         (activity.empty() ? "" : R"(,"processing_activity_id":)" + quoted(activity)) + "}}";
}

class AuthzenSearchTest : public DecisionPoint {
 protected:
  /// All results of a search, page by page.
  std::vector<json::Value> all(const std::string& path, const std::string& question, int limit = 0) {
    std::vector<json::Value> out;
    std::string page = limit > 0 ? R"("limit":)" + std::to_string(limit) : "";
    for (int pages = 0; pages < 1000; ++pages) {
      const auto response = post("/access/v1/search/" + path, "{" + question + R"(,"page":{)" + page + "}}");
      EXPECT_EQ(response.status, 200U) << response.body;
      const json::Value answer = parsed(response);
      EXPECT_EQ(answer.if_object()->front().first, "page");
      const json::Array& results = *answer.find("results")->if_array();
      EXPECT_EQ(answer.find("page")->find("count")->if_number()->text, std::to_string(results.size()));
      EXPECT_TRUE(limit == 0 || results.size() <= static_cast<std::size_t>(limit));
      out.insert(out.end(), results.begin(), results.end());
      const std::string next = json::required_string(*answer.find("page"), "next_token").value();
      if (next.empty()) return out;
      page = R"("token":)" + quoted(next);
    }
    ADD_FAILURE() << "the pages have no end";
    return out;
  }
  std::set<std::string> ids(const std::string& path, const std::string& question, int limit = 0) {
    std::set<std::string> out;
    for (const json::Value& one : all(path, question, limit)) {
      EXPECT_TRUE(out.insert(json::required_string(one, "id").value()).second) << "listed twice";
    }
    return out;
  }
  /// Those of the candidates that evaluations permit, in batches.
  std::set<std::string> permitted(const std::set<std::string>& candidates,
                                  const std::function<std::string(const std::string&)>& question) {
    std::set<std::string> out;
    std::vector<std::string> batch;
    const auto ask = [&] {
      std::string items;
      for (const std::string& one : batch) items += (items.empty() ? "{" : ",{") + question(one) + "}";
      const json::Value answer = parsed(post("/access/v1/evaluations", R"({"evaluations":[)" + items + "]}"));
      const json::Array& answers = *answer.find("evaluations")->if_array();
      EXPECT_EQ(answers.size(), batch.size());
      for (std::size_t i = 0; i < batch.size(); ++i) {
        if (permits(answers[i])) out.insert(batch[i]);
      }
      batch.clear();
    };
    for (const std::string& one : candidates) {
      batch.push_back(one);
      if (batch.size() == limits::kEvaluationsPerBatch) ask();
    }
    if (!batch.empty()) ask();
    return out;
  }

  /// Agreements of which some permit, some do not, some cannot be read or known, and some have ended.
  void make_agreements(std::mt19937_64& random) {
    const std::vector<std::string> rules = {
        crowd_only(),
        permit(constraint("purpose", "isA", quoted(kMarketing))),
        permit(constraint("purpose", "isA", R"("https://w3id.org/dpv#Purpose")")),
        crowd_only("," + constraint("dateTime", "lt", R"("2026-01-01T00:00:00Z")")),
        crowd_only("," + constraint("count", "lteq", R"("2")")),
        crowd_only("," + constraint("sluis:processingActivity", "eq", R"("urn:activity:1")")),
        crowd_only("," + constraint("spatial", "eq", R"("urn:somewhere")")),
        crowd_only() + R"(,"unheard":"of")",
        crowd_only() + R"(,"prohibition":[{"action":"use","constraint":[)" +
            constraint("purpose", "isA", quoted(kMarketing)) + "]}]"};
    const auto draw = [&](std::size_t below) { return static_cast<std::size_t>(random() % below); };
    const std::size_t count = 4 + draw(12);
    for (std::size_t i = 0; i < count; ++i) {
      const bool consumer = draw(4) == 0;
      const std::string id = "urn:agreement:" + std::to_string(draw(1000)) + "-" + std::to_string(agreements_.size());
      const std::string& rule = rules[draw(rules.size())];  // one by one: arguments have no order
      const auto& dataset = kDatasets[draw(kDatasets.size())];
      const auto& party = kParties[draw(kParties.size())];
      const auto record = agree(id, party, dataset, rule,
                                consumer ? negotiation::Role::consumer : negotiation::Role::provider);
      agreements_.insert(id);
      if (draw(5) == 0) end(record);
    }
  }
  void check(int limit) {
    const std::set<std::string> parties{"urn:duinmeer", "urn:stroomplein", "urn:parkwijs", "urn:waterrijk", "urn:nobody"};
    const std::set<std::string> datasets{"urn:d:1", "urn:d:2", "urn:d:3", "urn:d:none"};
    for (const std::string& purpose : {kCrowd, kMarketing, std::string("https://w3id.org/dpv#Purpose"),
                                       std::string("urn:no-such-purpose"), std::string()}) {
      for (const std::string activity : {"", "urn:activity:1", "urn:activity:9"}) {
        const std::string action = use(purpose, activity);
        for (const std::string& dataset : datasets) {
          const std::string about = resource("dataset", dataset) + "," + action;
          EXPECT_EQ(ids("subject", of_type("subject", "party") + "," + about, limit),
                    permitted(parties, [&](const std::string& one) { return party(one) + "," + about; }))
              << about;
        }
        for (const std::string& who : parties) {
          const std::string by = party(who) + "," + action;
          listed_by_[who == self_ ? "consumer" : "provider"] +=
              ids("resource", of_type("resource", "dataset") + "," + by).size();
          EXPECT_EQ(ids("resource", of_type("resource", "dataset") + "," + by, limit),
                    permitted(datasets, [&](const std::string& one) { return by + "," + resource("dataset", one); }))
              << by;
          EXPECT_EQ(ids("resource", of_type("resource", "agreement") + "," + by, limit),
                    permitted(agreements_, [&](const std::string& one) { return by + "," + resource("agreement", one); }))
              << by;
        }
      }
    }
    for (const std::string& who : parties) {
      for (const std::string& dataset : datasets) check_actions(party(who) + "," + resource("dataset", dataset), limit);
    }
    for (const std::string& id : agreements_) check_actions(party("urn:duinmeer") + "," + resource("agreement", id), limit);
  }
  void check_actions(const std::string& about, int limit) {
    std::set<std::string> candidates;
    for (const std::string& purpose : {kCrowd, kMarketing, std::string("https://w3id.org/dpv#Purpose")}) {
      candidates.insert(use(purpose));
      for (const std::string& activity : activities_) candidates.insert(use(purpose, activity));
    }
    std::set<std::string> listed;
    for (const json::Value& one : all("action", about, limit)) {
      EXPECT_TRUE(listed.insert(R"("action":)" + json::serialise(one)).second) << "listed twice";
    }
    EXPECT_EQ(listed, permitted(candidates, [&](const std::string& one) { return about + "," + one; })) << about;
  }

  const std::vector<std::string> kParties{"urn:duinmeer", "urn:stroomplein", "urn:parkwijs"};
  const std::vector<std::string> kDatasets{"urn:d:1", "urn:d:2", "urn:d:3"};
  std::set<std::string> agreements_{"urn:agreement:none"};
  std::map<std::string, std::size_t> listed_by_;
};

TEST_F(AuthzenSearchTest, WhatIsListedIsPermittedAndWhatIsNotIsDenied) {
  activities_ = {"urn:activity:1", "urn:activity:2"};
  unlisted_ = {"urn:parkwijs"};
  sets_.missing = {"urn:d:3"};
  sets_.need_activity = {"urn:d:2"};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    make_agreements(random);
    check(static_cast<int>(seed % 3));
  }
  EXPECT_GT(listed_by_.at("provider"), 0U);
  EXPECT_GT(listed_by_.at("consumer"), 0U) << "else the property says nothing of what this node uses itself";
  registered_ = false;
  check(0);
}

TEST_F(AuthzenSearchTest, SomethingIsListed) {
  agree("urn:agreement:1", "urn:duinmeer", "urn:d:1", crowd_only());
  EXPECT_EQ(ids("subject", of_type("subject", "party") + "," + resource("dataset", "urn:d:1") + "," + use(kCrowd)),
            std::set<std::string>{"urn:duinmeer"});
  EXPECT_EQ(ids("resource", party("urn:duinmeer") + "," + of_type("resource", "dataset") + "," + use(kCrowd)),
            std::set<std::string>{"urn:d:1"});
  const auto actions = all("action", party("urn:duinmeer") + "," + resource("dataset", "urn:d:1"));
  ASSERT_EQ(actions.size(), 2U) << "without an activity, and with the application's";
  EXPECT_EQ(json::serialise(actions[0]), R"({"name":"use","properties":{"purpose":")" + kCrowd + R"("}})");
}

TEST_F(AuthzenSearchTest, AnAgreementThatIsNamedNarrowsASearch) {
  agree("urn:agreement:1", "urn:duinmeer", "urn:d:1", crowd_only());
  agree("urn:agreement:2", "urn:stroomplein", "urn:d:1", crowd_only());
  const std::string named = R"("resource":{"type":"dataset","id":"urn:d:1","properties":{"agreement":"urn:agreement:2"}})";
  EXPECT_EQ(ids("subject", of_type("subject", "party") + "," + named + "," + use(kCrowd)),
            std::set<std::string>{"urn:stroomplein"});
  const auto found = all("resource", party("urn:stroomplein") + "," + named + "," + use(kCrowd));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(json::serialise(found[0]),
            R"({"type":"dataset","id":"urn:d:1","properties":{"agreement":"urn:agreement:2"}})");
}

TEST_F(AuthzenSearchTest, EachPageIsOneEntryThatSaysWhatWasTold) {
  for (int i = 0; i < 5; ++i) agree("urn:a:" + std::to_string(i), "urn:p:" + std::to_string(i), "urn:d:1", crowd_only());
  all("subject", of_type("subject", "party") + "," + resource("dataset", "urn:d:1") + "," + use(kCrowd), 2);
  const auto entries = entries_of(EntryKind::decision);
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].shared.event(), "searched.subject");
  EXPECT_EQ(entries[0].shared.count(), 2U);
  EXPECT_EQ(entries[2].shared.count(), 1U);
  EXPECT_EQ(entries[0].shared.purpose(), kCrowd);
  EXPECT_EQ(entries[0].shared.dataset(), "urn:d:1");
  EXPECT_EQ(entries[0].internal.application(), "planner");
  EXPECT_NE(entries[0].internal.response().find(R"("urn:p:1")"), std::string::npos);
  EXPECT_NE(entries[0].internal.request().find(R"("urn:d:1")"), std::string::npos);
  EXPECT_FALSE(entries[0].shared.has_decision()) << "a search decides nothing";
}

TEST_F(AuthzenSearchTest, WithoutARecordThereIsNoAnswer) {
  agree("urn:agreement:1", "urn:duinmeer", "urn:d:1", crowd_only());
  commits_.refuse = true;
  const auto response = post("/access/v1/search/subject", "{" + of_type("subject", "party") + "," +
                                                              resource("dataset", "urn:d:1") + "," + use(kCrowd) + "}");
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(response.body.find("duinmeer"), std::string::npos);
}

TEST_F(AuthzenSearchTest, APageHasALimit) {
  for (std::size_t i = 0; i <= limits::kSearchResults; ++i) {
    agree("urn:a:" + std::to_string(1000 + i), "urn:p:" + std::to_string(1000 + i), "urn:d:1", crowd_only());
  }
  const std::string about = of_type("subject", "party") + "," + resource("dataset", "urn:d:1") + "," + use(kCrowd);
  for (const std::string page : {"{}", R"({"limit":100000})"}) {
    const json::Value answer = parsed(post("/access/v1/search/subject", "{" + about + R"(,"page":)" + page + "}"));
    EXPECT_EQ(answer.find("results")->if_array()->size(), limits::kSearchResults);
    EXPECT_NE(json::required_string(*answer.find("page"), "next_token").value(), "");
  }
  EXPECT_EQ(ids("subject", about).size(), limits::kSearchResults + 1);
  const json::Value none = parsed(post("/access/v1/search/subject", "{" + about + R"(,"page":{"limit":0}})"));
  EXPECT_TRUE(none.find("results")->if_array()->empty());
}

TEST_F(AuthzenSearchTest, APageOfLongNamesFitsInItsEntry) {
  std::set<std::string> wanted;
  for (std::size_t i = 0; i <= limits::kSearchResults; ++i) {
    std::string id = "urn:" + std::to_string(1000 + i);
    id.append(limits::kIdBytes - id.size(), 'x');
    wanted.insert(id);
    agree("urn:a:" + std::to_string(1000 + i), id, "urn:d:1", crowd_only());
  }
  const std::string about = of_type("subject", "party") + "," + resource("dataset", "urn:d:1") + "," + use(kCrowd);
  const json::Value first = parsed(post("/access/v1/search/subject", "{" + about + "}"));
  EXPECT_LT(first.find("results")->if_array()->size(), limits::kSearchResults);
  EXPECT_GE(json::serialise(*first.find("results")).size(), limits::kSearchResultBytes);
  EXPECT_EQ(ids("subject", about), wanted);
}

TEST_F(AuthzenSearchTest, APageEndsAfterSoManyEvaluations) {
  activities_.clear();
  for (std::size_t i = 0; i < limits::kSearchEvaluations; ++i) activities_.push_back("urn:act:" + std::to_string(i));
  agree("urn:agreement:1", "urn:duinmeer", "urn:d:1", permit(constraint("purpose", "isA", quoted(kMarketing))));
  // The crowds come first, and none of them is permitted.
  const std::string about = "{" + party("urn:duinmeer") + "," + resource("dataset", "urn:d:1");
  const json::Value first = parsed(post("/access/v1/search/action", about + "}"));
  EXPECT_TRUE(first.find("results")->if_array()->empty());
  EXPECT_NE(json::required_string(*first.find("page"), "next_token").value(), "");
  EXPECT_EQ(all("action", about.substr(1)).size(), limits::kSearchEvaluations + 1);
}

TEST_F(AuthzenSearchTest, TooManyAgreementsAreNotLookedThrough) {
  agree("urn:agreement:1", "urn:duinmeer", "urn:d:1", crowd_only());
  agree("urn:agreement:2", "urn:duinmeer", "urn:d:1", crowd_only());
  const std::string about = "{" + party("urn:duinmeer") + "," + of_type("resource", "dataset") + "," + use(kCrowd) + "}";
  service_ = make_service("urn:waterrijk", 2);
  EXPECT_EQ(post("/access/v1/search/resource", about).status, 200U);
  service_ = make_service("urn:waterrijk", 1);
  EXPECT_EQ(post("/access/v1/search/resource", about).status, 503U);
}

TEST_F(AuthzenSearchTest, AnAgreementMadeLaterIsFound) {
  const std::string about = of_type("subject", "party") + "," + resource("dataset", "urn:d:1") + "," + use(kCrowd);
  EXPECT_TRUE(ids("subject", about).empty());
  agree("urn:agreement:1", "urn:duinmeer", "urn:d:1", crowd_only());
  EXPECT_EQ(ids("subject", about).size(), 1U);
  agree("urn:agreement:0", "urn:stroomplein", "urn:d:1", crowd_only());
  EXPECT_EQ(ids("subject", about).size(), 2U);
  clock_.set(*parse_time("2028-01-01T00:00:00Z"));  // the membership list is over
  EXPECT_TRUE(ids("subject", about).empty());
}

}  // namespace
}  // namespace sluis::test
