#include "connector/provenance/slots.hpp"

#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace sluis::provenance {
namespace {

class SlotsTest : public ::testing::Test {
 protected:
  void write(const std::string& note) { ASSERT_TRUE((*CheckpointSlots::open(folder_.path()))->write(note)); }
  std::optional<std::string> newest() const { return (*CheckpointSlots::open(folder_.path()))->newest(); }
  std::filesystem::path file(int index) const { return folder_.path() / ("checkpoint-" + std::to_string(index)); }
  std::string read(int index) const {
    std::ifstream in(file(index), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(int index, const std::string& bytes) const { std::ofstream(file(index), std::ios::binary) << bytes; }

  test::TempFolder folder_;
};

TEST_F(SlotsTest, TheNewestOfTheTwoCounts) {
  EXPECT_EQ(newest(), std::nullopt);
  for (const char* note : {"one", "two", "three"}) {
    write(note);
    EXPECT_EQ(newest(), note);
    EXPECT_EQ(*read_newest_slot(folder_.path()), note);
  }
}

TEST_F(SlotsTest, AChangedByteAnywhereInTheNewestFallsBackToTheOther) {
  write("the first note");
  write("the second note");
  const std::string whole = read(0);  // written second
  ASSERT_NE(whole.find("second"), std::string::npos);
  const std::size_t covered = 8 + 8 + whole.substr(16).find("the second note") + 15 + 32;
  for (std::size_t at = 0; at < covered; ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    put(0, bytes);
    EXPECT_EQ(*read_newest_slot(folder_.path()), "the first note") << "byte " << at;
  }
}

TEST_F(SlotsTest, AWriteThatWasTornLeavesTheOther) {
  write("the first note");
  write("the second note");
  const std::string whole = read(0);
  for (const std::size_t kept : {0U, 1U, 20U, 40U, 4095U}) {
    put(0, whole.substr(0, kept));
    EXPECT_EQ(*read_newest_slot(folder_.path()), "the first note") << kept;
  }
  EXPECT_EQ(newest(), "the first note");
  write("the third note");
  EXPECT_EQ(newest(), "the third note");
}

TEST_F(SlotsTest, ANoteThatDoesNotFitIsRefusedAndLeavesTheOld) {
  write("small");
  EXPECT_FALSE((*CheckpointSlots::open(folder_.path()))->write(std::string(4090, 'x')));
  EXPECT_EQ(newest(), "small");
}

}  // namespace
}  // namespace sluis::provenance
