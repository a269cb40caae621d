#include "connector/gate/row_counter.hpp"
#include "connector/gate/source.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>

namespace sluis::gate {
namespace {

class FileSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(inside() / "sub");
    put(inside() / "a.csv", "time,n\n1,2\n");
    put(inside() / "sub" / "b.csv", "b");
    put(folder_.path() / "secret", "secret");
  }
  std::filesystem::path inside() const { return folder_.path() / "dataset"; }
  static void put(const std::filesystem::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  ErrorCode refused(const std::string& file) {
    const auto opened = FileSource::open(inside(), file);
    EXPECT_FALSE(opened) << file;
    return opened ? ErrorCode::internal : opened.error().code;
  }
  test::TempFolder folder_;
};

TEST_F(FileSourceTest, ReadsAFileToItsEnd) {
  auto source = FileSource::open(inside(), "a.csv");
  ASSERT_TRUE(source);
  EXPECT_EQ(*source->read(), "time,n\n1,2\n");
  EXPECT_EQ(*source->read(), "");
  EXPECT_TRUE(FileSource::open(inside(), "sub/b.csv"));
}

TEST_F(FileSourceTest, WhatLeavesTheFolderIsRefused) {
  EXPECT_EQ(refused("../secret"), ErrorCode::invalid_argument);
  EXPECT_EQ(refused("sub/../../secret"), ErrorCode::invalid_argument);
  EXPECT_EQ(refused((folder_.path() / "secret").string()), ErrorCode::invalid_argument);
  EXPECT_EQ(refused(std::string("a.csv\0x", 7)), ErrorCode::invalid_argument);
  EXPECT_EQ(refused(""), ErrorCode::invalid_argument);
  EXPECT_EQ(refused("none.csv"), ErrorCode::not_found);
}

TEST_F(FileSourceTest, LinksAreNotFollowed) {
  std::filesystem::create_symlink(folder_.path() / "secret", inside() / "link");
  std::filesystem::create_symlink("a.csv", inside() / "link2");
  std::filesystem::create_directory_symlink("sub", inside() / "link3");
  EXPECT_EQ(refused("link"), ErrorCode::invalid_argument);
  EXPECT_EQ(refused("link2"), ErrorCode::invalid_argument);
  EXPECT_EQ(refused("link3/b.csv"), ErrorCode::invalid_argument);
}

TEST_F(FileSourceTest, AFifoOrFolderIsRefusedAtOnce) {
  ASSERT_EQ(::mkfifo((inside() / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(refused("fifo"), ErrorCode::invalid_argument);
  EXPECT_EQ(refused("sub"), ErrorCode::invalid_argument);
}

TEST_F(FileSourceTest, AChangeWhileItIsReadEndsIt) {
  put(inside() / "big.csv", std::string(3 * kSourceBlock, 'x'));
  auto source = FileSource::open(inside(), "big.csv");
  ASSERT_TRUE(source->read());
  std::ofstream(inside() / "big.csv", std::ios::app) << "more";
  EXPECT_EQ(source->read().error().code, ErrorCode::invalid_state);
}

TEST_F(FileSourceTest, AReplacedFileIsNotedAtTheEnd) {
  auto source = FileSource::open(inside(), "a.csv");
  ASSERT_TRUE(source->read());
  put(inside() / "new.csv", "time,n\n1,2\n");
  std::filesystem::rename(inside() / "new.csv", inside() / "a.csv");
  EXPECT_EQ(source->read().error().code, ErrorCode::invalid_state);
}

TEST(RowCounter, LineEndsInQuotesAreNoRows) {
  RowCounter counter;
  for (const std::string_view part : {"a,b\n1,\"x\n", "y\"\n2,\"q\"\"\n\"\n"}) counter.take(part);
  EXPECT_EQ(counter.rows(), 2U);
}

}  // namespace
}  // namespace sluis::gate
