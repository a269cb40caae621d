#include "connector/node/succession.hpp"

#include "connector/storage/rocks_store.hpp"
#include "tests/support/doubles.hpp"
#include "tests/support/vectors.hpp"

#include <gtest/gtest.h>

namespace sluis::test {
namespace {

/// Of a node that fell while it went from one log to the next.
class HalfWayTest : public ::testing::Test {
 protected:
  HalfWayTest() { config_.store = folder_.path() / "store"; }
  void write(const std::vector<storage::Change>& changes) {
    const auto store = storage::open_rocks_store(config_.store, true);
    ASSERT_TRUE(store) << describe(store.error());
    ASSERT_TRUE((*store)->write(changes, true));
  }
  bool half_way() {
    const auto is = node::is_half_way(config_);
    EXPECT_TRUE(is) << describe(is.error());
    return is && *is;
  }

  TempFolder folder_;
  node::NodeConfig config_;
  const std::string next_ = "waterrijk.example/log/2";
};

TEST_F(HalfWayTest, AStoreThatCannotBeReadIsForWhoeverOpensItForWriting) {
  EXPECT_FALSE(half_way()) << "there is none";
  std::filesystem::create_directories(config_.store);
  write_file(config_.store / "CURRENT", "nothing\n");
  EXPECT_FALSE(half_way());
}

TEST_F(HalfWayTest, AnOrderHoldsForTheLogThatItNames) {
  write({{std::string(node::kRotationAsked), node::RotationOrder{next_, "m.jansen"}.encode()}});
  EXPECT_FALSE(half_way()) << "the old log goes on";
  write({{"meta/log-next", next_}});
  EXPECT_TRUE(half_way());
  write({{"meta/log-next", "waterrijk.example/log/3"}});
  EXPECT_FALSE(half_way()) << "that was asked for by nobody: `log rotate-key` goes on with its own";
  const auto store = storage::open_rocks_reader(config_.store);
  ASSERT_TRUE(store);
  const auto order = node::rotation_asked(**store);
  ASSERT_TRUE(order && *order);
  EXPECT_EQ((*order)->origin + " " + (*order)->person, next_ + " m.jansen");
}

}  // namespace
}  // namespace sluis::test
