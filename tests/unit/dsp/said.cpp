#include "tests/unit/dsp/world.hpp"

#include <iostream>

/// Prints each body that two nodes send to each other in exchanges that use every kind of message, one JSON document a
/// line. Ends with 1 if an exchange did not go as it should.
namespace sluis::test {
namespace {

class Said final : public World {
 public:
  void TestBody() override {}

  void all() {
    approved();
    offered();
    refused();
    transfers();
    errors();
    for (const Node* node : {&duinmeer, &waterrijk}) {
      for (const std::string& body : node->net.bodies) std::cout << one_line(body) << '\n';
    }
  }

 private:
  static std::string one_line(const std::string& body) {
    const auto value = json::parse(body);
    EXPECT_TRUE(value) << body;
    return value ? json::serialise(*value) : std::string();
  }
  void approved() {
    const ProcessId pid = ask();
    settle();
    EXPECT_EQ(duinmeer.negotiations.show(pid)->state, negotiation::State::finalized);
  }
  void offered() {
    const auto made = waterrijk.negotiations.offer(duinmeer.id, DatasetId("counts"), counts_offer(), duinmeer.url);
    EXPECT_TRUE(made);
    settle();
  }
  void refused() {
    waterrijk.terms.verdict = {negotiation::Judgement::Kind::wait, {}, {}};
    const ProcessId pid = ask();
    settle();
    EXPECT_TRUE(waterrijk.negotiations.refuse(at_provider(pid).own_pid, {"purpose", {"not for this purpose"}}));
    settle();
    waterrijk.terms.verdict = {negotiation::Judgement::Kind::agree, {}, {}};
  }
  void transfers() {
    const auto records = duinmeer.negotiations.agreements(AgreementId(), 10);
    const auto first = duinmeer.transfers.start(records->at(0).id);
    EXPECT_TRUE(first);
    settle();
    const auto peer = duinmeer.transfers.show(first->own_pid)->peer_pid;
    EXPECT_TRUE(waterrijk.transfers.suspend(peer, {"maintenance", {"a new counter"}}));
    settle();
    EXPECT_TRUE(waterrijk.transfers.resume(peer));
    settle();
    EXPECT_TRUE(duinmeer.transfers.complete(first->own_pid));
    settle();
    const auto second = duinmeer.transfers.start(records->at(0).id);
    settle();
    EXPECT_TRUE(duinmeer.transfers.terminate(second->own_pid, {"ended", {"no longer needed"}}));
    settle();
    EXPECT_TRUE(duinmeer.transfers.start(records->at(0).id, transfer::PushRequest{"https://duinmeer.example/inbox", "urn:purpose", "urn:activity", {}}));
    settle();
  }
  void errors() {
    duinmeer.client.catalog(waterrijk.id, waterrijk.url);
    for (const char* path : {"/2025-1/negotiations/none", "/2025-1/transfers/none", "/2025-1/catalog/datasets/none"}) {
      const auto answer = waterrijk.answer(duinmeer.id.str(), "GET", path);
      EXPECT_EQ(answer.status, 404U);
      std::cout << one_line(answer.body) << '\n';
    }
  }
};

}  // namespace
}  // namespace sluis::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  sluis::test::Said().all();
  return testing::Test::HasFailure() ? 1 : 0;
}
