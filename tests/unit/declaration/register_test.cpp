#include "connector/declaration/register.hpp"
#include "connector/base/limits.hpp"
#include "connector/storage/memory_store.hpp"
#include "tests/unit/declaration/support.hpp"

namespace sluis::declaration::test {
namespace {

/// What the commit path does with preconditions and changes.
struct Store {
  storage::MemoryStore store;

  bool commit(const Commit& one) {
    for (const Precondition& must : one.preconditions) {
      if (*store.get(must.key) != must.expected) return false;
    }
    EXPECT_TRUE(store.write(one.changes, true));
    return true;
  }
  bool act(const Stored* before, Declaration next, Timestamp now) {
    Commit one;
    const auto open = read_open(store);
    return put(one, *open, before, next, now) && commit(one);
  }
};

TEST(DeclarationRegister, OfTwoActsAtOnceOneIsRefused) {
  Store disk;
  const auto open = *read_open(disk.store);
  Commit first, second;
  Declaration one = declared(), other = declared();
  ASSERT_TRUE(put(first, open, nullptr, one, kNow));
  ASSERT_TRUE(put(second, open, nullptr, other, kNow));
  EXPECT_TRUE(disk.commit(first));
  EXPECT_FALSE(disk.commit(second));
  other.id = kCrowds + "-elsewhere";
  Commit third;
  ASSERT_TRUE(put(third, open, nullptr, other, kNow));
  EXPECT_FALSE(disk.commit(third)) << "another situation as well: who relied on what is in force would not see it";
}

TEST(DeclarationRegister, EveryActChangesWhatAPermitReliesOn) {
  Store disk;
  const auto none = read_open(disk.store)->as_read;
  ASSERT_TRUE(disk.act(nullptr, declared(), kNow));
  const auto one = read_open(disk.store)->as_read;
  EXPECT_NE(one.expected, none.expected);
  const Stored before = **read_newest(disk.store, Kind::situation, kCrowds);
  Declaration next = before.declaration;
  const Definition definition = crowds();
  ASSERT_TRUE(end(next, &definition, kOperator, "quiet", kNow + hours(1)));
  ASSERT_TRUE(disk.act(&before, next, kNow + hours(1)));
  const auto after = *read_open(disk.store);
  EXPECT_NE(after.as_read.expected, one.expected);
  EXPECT_TRUE(after.declarations.empty());
  EXPECT_FALSE(disk.act(&before, next, kNow + hours(1))) << "its record is not as it was";
}

TEST(DeclarationRegister, OccurrencesStayAndWhatIsOverLeavesTheHead) {
  Store disk;
  ASSERT_TRUE(disk.act(nullptr, declared(), kNow));
  ASSERT_TRUE(disk.act(nullptr, declared(kNow + hours(100)), kNow + hours(100)));
  EXPECT_EQ(read_open(disk.store)->declarations.size(), 1U);
  EXPECT_EQ((*read_newest(disk.store, Kind::situation, kCrowds))->declaration.from(), kNow + hours(100));
  EXPECT_FALSE(*read_newest(disk.store, Kind::assessment, kCrowds));
  EXPECT_FALSE(*read_newest(disk.store, Kind::situation, "https://waterrijk.example/situations/crowd")) << "no prefix of another id";
  std::vector<std::string> keys;
  ASSERT_TRUE(visit_all(disk.store, "", [&](const Stored& one) {
    keys.push_back(one.key);
    return true;
  }));
  ASSERT_EQ(keys.size(), 2U);
  std::size_t rest = 0;
  ASSERT_TRUE(visit_all(disk.store, keys[0], [&](const Stored&) { return ++rest > 0; }));
  EXPECT_EQ(rest, 1U);
}

TEST(DeclarationRegister, NoMoreThanTheLimitMayBeInForce) {
  Store disk;
  for (std::size_t i = 0; i < limits::kOpenDeclarations; ++i) {
    Declaration one = declared();
    one.id += std::to_string(i);
    ASSERT_TRUE(disk.act(nullptr, one, kNow));
  }
  EXPECT_FALSE(disk.act(nullptr, declared(), kNow));
  EXPECT_TRUE(disk.act(nullptr, declared(kNow + hours(6)), kNow + hours(6))) << "the others are over";
}

TEST(DeclarationRegister, WhatIsSaidOfOneHasALimit) {
  Store disk;
  Declaration one = declared();
  ASSERT_TRUE(disk.act(nullptr, one, kNow));
  std::size_t renewals = 0;
  for (bool taken = true; taken && renewals < 100; ++renewals) {
    const Stored before = **read_newest(disk.store, Kind::situation, kCrowds);
    Declaration next = before.declaration;
    next.acts.push_back({What::renewed, kOfficer, kNow, next.until() + hours(1), std::string(1024, 'x')});
    taken = disk.act(&before, next, kNow);
  }
  EXPECT_GT(renewals, 3U);
  EXPECT_LT(renewals, 9U);
  EXPECT_TRUE(read_open(disk.store)) << "and what was taken can be read";
  const Stored last = **read_newest(disk.store, Kind::situation, kCrowds);
  Declaration next = last.declaration;
  ASSERT_TRUE(end(next, nullptr, kOfficer, std::string(1024, '"'), kNow));
  EXPECT_TRUE(disk.act(&last, next, kNow)) << "and always ended";
  EXPECT_TRUE((*read_newest(disk.store, Kind::situation, kCrowds))->declaration.ended());
}

TEST(DeclarationRegister, WhatIsDamagedIsAnErrorAndNotNothing) {
  Store disk;
  ASSERT_TRUE(disk.act(nullptr, declared(), kNow));
  const std::string key = (*read_newest(disk.store, Kind::situation, kCrowds))->key;
  ASSERT_TRUE(disk.store.write({{key, "{"}}, true));
  EXPECT_EQ(code(read_open(disk.store)), ErrorCode::corruption);
  EXPECT_EQ(code(visit_all(disk.store, "", [](const Stored&) { return true; })), ErrorCode::corruption);
  ASSERT_TRUE(disk.store.write({{key, std::nullopt}}, true));
  EXPECT_EQ(code(read_open(disk.store)), ErrorCode::corruption);
  ASSERT_TRUE(disk.store.write({{std::string(kHeadKey), "[]"}}, true));
  EXPECT_EQ(code(read_open(disk.store)), ErrorCode::corruption);
}

}  // namespace
}  // namespace sluis::declaration::test
