#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"
#include "connector/outbox/keys.hpp"
#include "tests/unit/management/world.hpp"

namespace sluis::management::test {
namespace {

struct Outboxes : testing::Test {
  /// A message that cannot be read, as a dead letter.
  void die(std::uint64_t sequence, const std::string& process) {
    outbox::DeadLetter letter;
    letter.key = outbox::process_prefix("did:web:duinmeer", process) + "000000000000000" + std::to_string(sequence);
    letter.peer = "did:web:duinmeer";
    letter.process = process;
    letter.sequence = sequence;
    letter.reason = {"unreadable", {"no JSON"}};
    letter.died = world.clock.now();
    letter.bytes = "?";
    ASSERT_TRUE(world.store.write({{letter.key, letter.bytes}}, true));
    Commit commit;
    outbox::bury(commit, letter);
    ASSERT_TRUE(world.commits.commit_and_wait(std::move(commit)));
  }
  std::vector<std::string> ids(const json::Value& answer) const {
    std::vector<std::string> out;
    const json::Value* letters = answer.find("letters");
    if (letters != nullptr) {
      for (const json::Value& letter : *letters->if_array()) out.push_back(*letter.find("id")->if_string());
    }
    return out;
  }
  World world;
  const std::string service = "/sluis.v1.OutboxService/";
};

TEST_F(Outboxes, DeadLettersAreListedByAgeAPageAtATime) {
  EXPECT_TRUE(ids(world.answer(service + "List", "{}")).empty());
  for (const std::uint64_t sequence : {3, 1, 2}) die(sequence, "urn:uuid:a");
  const auto first = world.answer(service + "List", R"({"pageSize": 2})", "operator");
  EXPECT_EQ(ids(first), (std::vector<std::string>{"1", "2"}));
  const auto second = world.answer(service + "List", R"({"pageSize": 2, "pageToken": ")" + *first.find("nextPageToken")->if_string() + "\"}");
  EXPECT_EQ(ids(second), std::vector<std::string>{"3"});
  EXPECT_EQ(second.find("nextPageToken"), nullptr);
  EXPECT_EQ(world.post(service + "List", R"({"pageToken": "invented"})").status, 400U);
  const json::Value letter = *world.answer(service + "Show", R"({"id": "2"})").find("letter");
  EXPECT_EQ(*letter.find("peer")->if_string(), "did:web:duinmeer");
  EXPECT_EQ(*letter.find("process")->if_string(), "urn:uuid:a");
  EXPECT_EQ(*letter.find("reason")->find("code")->if_string(), "unreadable");
  EXPECT_EQ(world.post(service + "Show", R"({"id": "9"})").status, 404U);
  EXPECT_EQ(world.post(service + "Show", R"({"id": "x"})").status, 400U);
}

TEST_F(Outboxes, WhatAPersonDoesWithOneReachesTheNodeButNotInARehearsal) {
  die(1, "urn:uuid:a");
  std::vector<std::string> done;
  world.backend.retry_message = [&](const outbox::DeadLetter& letter, const std::string& person) -> Result<void> {
    done.push_back("retry " + outbox::id_of(letter) + " " + person);
    return {};
  };
  world.backend.drop_message = [&](const outbox::DeadLetter& letter, const outbox::Reason& reason, const std::string& person) -> Result<void> {
    done.push_back("drop " + outbox::id_of(letter) + " " + reason.code + " " + person);
    return {};
  };
  EXPECT_EQ(world.post(service + "Retry", R"({"id": "1", "dryRun": true})").status, 200U);
  EXPECT_EQ(world.post(service + "Drop", R"({"id": "1", "code": "told", "dryRun": true})").status, 200U);
  EXPECT_TRUE(done.empty());
  EXPECT_EQ(world.post(service + "Drop", R"({"id": "1"})").status, 400U) << "no reason";
  EXPECT_EQ(world.post(service + "Retry", R"({"id": "2"})").status, 404U);
  EXPECT_EQ(world.post(service + "Retry", R"({"id": "1"})", "operator").status, 200U);
  EXPECT_EQ(world.post(service + "Drop", R"({"id": "1", "code": "told"})", "operator").status, 403U);
  EXPECT_EQ(world.post(service + "Drop", R"({"id": "1", "code": "told"})").status, 200U);
  EXPECT_EQ(done, (std::vector<std::string>{"retry 1 A. Bakker", "drop 1 told A. Bakker"}));
}

TEST_F(Outboxes, ALetterThatCannotBeReadIsShownAndDroppedAndNotTriedAgain) {
  ASSERT_TRUE(world.store.write({{"outbox-dead/0000000000000007", "\xff"}}, true));
  int retried = 0, dropped = 0;
  world.backend.retry_message = [&](const outbox::DeadLetter&, const std::string&) -> Result<void> {
    ++retried;
    return {};
  };
  world.backend.drop_message = [&](const outbox::DeadLetter& letter, const outbox::Reason&, const std::string&) -> Result<void> {
    EXPECT_EQ(letter.stored, "\xff");
    ++dropped;
    return {};
  };
  EXPECT_EQ(ids(world.answer(service + "List", "{}")), std::vector<std::string>{"7"});
  EXPECT_NE(world.post(service + "Retry", R"({"id": "7", "dryRun": true})").status, 200U);
  EXPECT_NE(world.post(service + "Retry", R"({"id": "7"})").status, 200U);
  EXPECT_EQ(world.post(service + "Drop", R"({"id": "7", "code": "unreadable"})").status, 200U);
  EXPECT_EQ(retried, 0);
  EXPECT_EQ(dropped, 1);
}

TEST_F(Outboxes, AProcessThatWaitsForADeadLetterSaysSo) {
  v1::Delivery told;
  outbox::Delivery delivery;
  delivery.id = "m1";
  outbox::Envelope envelope;
  envelope.service = "negotiation";
  envelope.id = delivery.id;
  outbox::DeadLetter letter;
  letter.key = outbox::process_prefix("did:web:duinmeer", "urn:uuid:a") + "0000000000000004";
  letter.sequence = 4;
  letter.reason = {"too-old", {}};
  letter.died = world.clock.now();
  letter.bytes = outbox::encode(envelope);
  ASSERT_TRUE(world.store.write({{"outbox-dead/0000000000000004", outbox::encode(letter)}}, true));
  told.set_last_answer("status 503");
  put_time(told.mutable_next_attempt(), world.clock.now());
  tell_dead(world.backend, ProcessId("urn:uuid:b"), delivery, told);
  EXPECT_EQ(told.last_answer(), "status 503") << "another process";
  EXPECT_TRUE(told.has_next_attempt());
  tell_dead(world.backend, ProcessId("urn:uuid:a"), delivery, told);
  EXPECT_EQ(told.last_answer(), "status 503; it is not sent any more (too-old): see `sluis outbox show 4`");
  EXPECT_FALSE(told.has_next_attempt());
  delivery.id = "m2";
  told.clear_last_answer();
  tell_dead(world.backend, ProcessId("urn:uuid:a"), delivery, told);
  EXPECT_EQ(told.last_answer(), "") << "another message";
}

TEST_F(Outboxes, PeersSayWhoIsAwaySinceWhen) {
  world.backend.outbox_standing = [&] {
    outbox::PeerState away{"did:web:duinmeer", true, 3, world.clock.now(), world.clock.now() + std::chrono::seconds(9), 5};
    return outbox::Standing{7, true, 5, {away, {"did:web:stroomplein", false, 0, {}, {}, 1}}};
  };
  const json::Value answer = world.answer(service + "Peers", "{}", "operator");
  EXPECT_EQ(*answer.find("waiting")->if_string(), "7");
  const json::Array& peers = *answer.find("peers")->if_array();
  ASSERT_EQ(peers.size(), 2U);
  EXPECT_EQ(*peers[0].find("state")->if_string(), "away");
  EXPECT_NE(peers[0].find("since"), nullptr);
  EXPECT_EQ(*peers[1].find("state")->if_string(), "reachable");
  EXPECT_EQ(peers[1].find("since"), nullptr);
}

}  // namespace
}  // namespace sluis::management::test
