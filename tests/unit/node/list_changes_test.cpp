#include "connector/node/list_changes.hpp"

#include "tests/unit/identity/support.hpp"

namespace sluis::node {
namespace {

using identity::MembershipList;

template <class T>
std::vector<std::string> texts(const T& from) {
  return {from.begin(), from.end()};
}

TEST(ListChanges, OfTheFirstListAreAllItsParties) {
  const identity::test::Federation federation;
  const auto first = changes_between(nullptr, federation.list);
  EXPECT_EQ(texts(first.added()), (std::vector<std::string>{"did:web:duinmeer.example", "did:web:waterrijk.example"}));
  EXPECT_EQ(first.before(), 0U);
  EXPECT_EQ(first.signers_added_size(), 2);
  EXPECT_EQ(first.threshold(), 1U);
}

TEST(ListChanges, NameWhoCameWhoWentAndWhatIsOtherOfWhoStayed) {
  const identity::test::Federation federation;
  MembershipList next = federation.list;
  next.version = 4;
  next.issued += std::chrono::hours(1);
  EXPECT_EQ(changes_between(&federation.list, next).changed_size(), 0) << "a new issue of the same";
  next.parties[0].endpoints.front().url = "https://elsewhere.example";
  next.parties[0].claim_keys.clear();
  next.parties[1].participant = ParticipantId("did:web:stroomplein.example");
  next.signers.pop_back();
  next.threshold = 1;
  const auto changes = changes_between(&federation.list, next);
  EXPECT_EQ(changes.version(), 4U);
  EXPECT_EQ(changes.before(), 3U);
  EXPECT_EQ(texts(changes.added()), std::vector<std::string>{"did:web:stroomplein.example"});
  EXPECT_EQ(texts(changes.removed()), std::vector<std::string>{"did:web:waterrijk.example"});
  ASSERT_EQ(changes.changed_size(), 1);
  EXPECT_EQ(changes.changed(0).name(), "Duinmeer");
  EXPECT_EQ(texts(changes.changed(0).what()), (std::vector<std::string>{"endpoints", "claim_keys"}));
  EXPECT_EQ(changes.signers_added_size(), 0);
  EXPECT_EQ(texts(changes.signers_removed()), std::vector<std::string>{identity::key_id(federation.second)});
  EXPECT_EQ(changes.threshold(), 0U) << "it is the same";
  EXPECT_EQ(summary(changes), "version 4 (before: 3), parties: 1 added, 1 removed, 1 changed; signers: 0 added, 1 removed");
}

TEST(ListChanges, AreBoundedAndSayHowManyTheyLeaveOut) {
  const identity::test::Federation federation;
  MembershipList many = federation.list;
  many.version = 4;
  for (int i = 0; i < kMostChanges + 7; ++i) {
    identity::Party one;
    one.participant = ParticipantId("urn:party:" + std::to_string(i));
    many.parties.push_back(one);
  }
  const auto changes = changes_between(&federation.list, many);
  EXPECT_EQ(changes.added_size(), kMostChanges);
  EXPECT_EQ(changes.left_out(), 7U);
}

}  // namespace
}  // namespace sluis::node
