#include "connector/gate/follow.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace sluis::test {
namespace {

using gate::FollowedFile;
using gate::FollowTimes;
using std::chrono::milliseconds;

/// Long enough that nothing here waits for it, but where a test says so.
constexpr FollowTimes kQuick{milliseconds(5), milliseconds(5), milliseconds(0), milliseconds(0)};
constexpr FollowTimes kPatient{milliseconds(5), milliseconds(5), std::chrono::minutes(5), std::chrono::minutes(5)};

class Follow : public ::testing::Test {
 protected:
  std::filesystem::path path(const std::string& name = "now.jsonl") const { return folder_.path() / name; }
  void put(std::string_view text, const std::string& name = "now.jsonl") const { std::ofstream(path(name), std::ios::binary) << text; }
  void add(std::string_view text, const std::string& name = "now.jsonl") const { std::ofstream(path(name), std::ios::binary | std::ios::app) << text; }
  void open(std::uint32_t last = 0, const FollowTimes& times = kQuick) {
    auto made = FollowedFile::open(folder_.path(), "now.jsonl", last, times);
    ASSERT_TRUE(made) << describe(made.error());
    file_ = std::move(*made);
  }
  /// What is there now.
  std::string read() {
    const auto lines = file_->read();
    return lines ? std::string(*lines) : "error: " + std::string(to_string(lines.error().code));
  }
  /// All until it ended or failed, or this many bytes.
  std::string read_all(std::size_t bytes = std::string::npos) {
    std::string all;
    while (!file_->ended() && all.size() < bytes) {
      const auto lines = file_->read();
      if (!lines) return all + "error: " + std::string(to_string(lines.error().code));
      all += *lines;
      if (lines->empty()) file_->wait(std::chrono::steady_clock::now() + milliseconds(5));
    }
    return all;
  }
  TempFolder folder_;
  std::unique_ptr<FollowedFile> file_;
};

TEST_F(Follow, BeginsBehindWhatIsThere) {
  put("1\n2\n");
  open();
  EXPECT_EQ(read(), "");
  add("3\n");
  EXPECT_EQ(read(), "3\n");
  EXPECT_EQ(read(), "");
  add("4\n5\n");
  EXPECT_EQ(read(), "4\n5\n");
}

TEST_F(Follow, AHalfWrittenLineWaits) {
  put("1\n2");
  open();
  EXPECT_EQ(read(), "");
  add("34");
  EXPECT_EQ(read(), "");
  add("5\n6");
  EXPECT_EQ(read(), "2345\n") << "begun before, whole now";
  EXPECT_FALSE(file_->ended());
  add("\n");
  EXPECT_EQ(read(), "6\n");
}

TEST_F(Follow, AnEmptyFileBeginsAtItsBeginning) {
  put("");
  open();
  add("1\n");
  EXPECT_EQ(read(), "1\n");
}

TEST_F(Follow, LastLinesComeFirst) {
  put("1\n2\n3\n4\nhalf");
  for (const auto& [last, wanted] : {std::pair(1U, "4\n"), std::pair(3U, "2\n3\n4\n"), std::pair(4U, "1\n2\n3\n4\n"), std::pair(9U, "1\n2\n3\n4\n")}) {
    open(last);
    EXPECT_EQ(read(), wanted) << last;
  }
  std::string large(40'000, 'x');
  large += '\n';
  std::string many;
  for (int i = 0; i < 30; ++i) many += large;
  put(many);
  const auto refused = FollowedFile::open(folder_.path(), "now.jsonl", 29, kQuick);
  ASSERT_FALSE(refused) << "more than a mebibyte";
  EXPECT_EQ(refused.error().code, ErrorCode::limit_exceeded);
  open(20);
  EXPECT_EQ(read_all(20 * large.size()).size(), 20 * large.size());
}

TEST_F(Follow, ALineHasALimit) {
  put("1\n");
  open();
  const std::string most(gate::kFollowLine, 'x');
  add(most + "\n");
  EXPECT_EQ(read_all(most.size() + 1), most + "\n");
  add(most + "x");
  EXPECT_EQ(read(), "error: limit_exceeded") << "before its end came";
  EXPECT_EQ(read(), "error: limit_exceeded") << "it stays so";
  put("1\n");
  open();
  add("2\n" + most + "x\n");
  EXPECT_EQ(read_all(), "2\nerror: limit_exceeded");
  put(most + "xx");
  const auto refused = FollowedFile::open(folder_.path(), "now.jsonl", 0, kQuick);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::limit_exceeded);
}

TEST_F(Follow, ANewFileIsFollowedOnceTheOldWasReadToItsEnd) {
  put("1\n");
  open();
  std::filesystem::rename(path(), path("old.jsonl"));
  put("4\n");
  add("2\n", "old.jsonl");
  add("3", "old.jsonl");
  EXPECT_EQ(read_all(6), "2\n3\n4\n") << "the last line of the old one needs no end";
  add("5\n");
  EXPECT_EQ(read(), "5\n");
  EXPECT_NE(file_->version().find(" files=2 "), std::string::npos) << file_->version();
}

TEST_F(Follow, TheOldFileIsWaitedForAWhile) {
  put("1\n");
  open(0, kPatient);
  std::filesystem::rename(path(), path("old.jsonl"));
  put("9\n");
  EXPECT_EQ(read(), "");
  add("2\n", "old.jsonl");
  EXPECT_EQ(read(), "2\n");
  EXPECT_EQ(read(), "") << "there may be more of it";
}

TEST_F(Follow, ANewFileMayBePutInPlaceAtOnce) {
  put("1\n");
  open();
  put("2\n3\n", "next");
  std::filesystem::rename(path("next"), path());
  EXPECT_EQ(read_all(4), "2\n3\n");
}

TEST_F(Follow, ANameThatWasAnothersForAWhileEndsIt) {
  put("1\n");
  open(0, kQuick);
  for (const char* text : {"2\n", "3\n"}) {
    put(text, "next");
    std::filesystem::rename(path("next"), path());
  }
  EXPECT_EQ(read_all(), "error: conflict") << "2 was never read";
}

TEST_F(Follow, OneThatWasReplacedTwiceOneAfterTheOtherGoesOn) {
  put("1\n");
  open();
  for (const char* text : {"2\n", "3\n", "4\n"}) {
    put(text, "next");
    std::filesystem::rename(path("next"), path());
    EXPECT_EQ(read_all(2), text);
  }
}

TEST_F(Follow, AFileThatBecameShorterEndsIt) {
  put("1\n2\n");
  open();
  put("");
  EXPECT_EQ(read(), "error: invalid_state");
  add("1\n2\n3\n");
  EXPECT_EQ(read(), "error: invalid_state") << "it stays so";
}

TEST_F(Follow, AFileThatIsTakenAwayIsTheEnd) {
  put("1\n");
  open();
  add("2\n3");
  std::filesystem::remove(path());
  EXPECT_EQ(read_all(), "2\n3\n");
  EXPECT_TRUE(file_->ended());
  put("4\n");
  EXPECT_EQ(read(), "");
}

TEST_F(Follow, OneThatComesBackInTimeIsFollowed) {
  put("1\n");
  open(0, FollowTimes{milliseconds(5), milliseconds(5), milliseconds(0), std::chrono::minutes(5)});
  std::filesystem::remove(path());
  EXPECT_EQ(read(), "");
  EXPECT_FALSE(file_->ended());
  put("2\n");
  EXPECT_EQ(read_all(2), "2\n");
}

TEST_F(Follow, LinksAndOtherThingsAreNotFollowed) {
  put("1\n", "other");
  std::filesystem::create_symlink(path("other"), path());
  EXPECT_FALSE(FollowedFile::open(folder_.path(), "now.jsonl"));
  EXPECT_EQ(FollowedFile::open(folder_.path(), "none").error().code, ErrorCode::not_found);
  EXPECT_FALSE(FollowedFile::open(folder_.path(), "../" + folder_.path().filename().string() + "/other"));
  std::filesystem::create_directory(path("folder"));
  EXPECT_FALSE(FollowedFile::open(folder_.path(), "folder"));
  std::filesystem::remove(path());
  put("1\n");
  open();
  std::filesystem::remove(path());
  std::filesystem::create_symlink(path("other"), path());
  EXPECT_EQ(read_all(), "error: invalid_argument") << "nor where one takes its place";
}

TEST_F(Follow, AFileInAFolderIsFollowed) {
  std::filesystem::create_directory(path("counts"));
  put("1\n", "counts/now.jsonl");
  auto made = FollowedFile::open(folder_.path(), "counts/now.jsonl", 1, kQuick);
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_EQ(*(*made)->read(), "1\n");
  add("2\n", "counts/now.jsonl");
  EXPECT_EQ(*(*made)->read(), "2\n");
}

TEST_F(Follow, AWaitEndsWhenItIsCalled) {
  put("1\n");
  open(0, FollowTimes{std::chrono::minutes(5), std::chrono::minutes(5), milliseconds(0), milliseconds(0)});
  file_->wake();
  file_->wait(std::chrono::steady_clock::now() + std::chrono::minutes(5));  // or the test does not end
  EXPECT_EQ(read(), "");
}

TEST_F(Follow, AWaitEndsWhenSomethingIsWritten) {
  put("1\n");
  open(0, FollowTimes{std::chrono::minutes(5), milliseconds(5), milliseconds(0), milliseconds(0)});
  add("2\n");
  file_->wait(std::chrono::steady_clock::now() + std::chrono::minutes(5));
  EXPECT_EQ(read(), "2\n");
}

}  // namespace
}  // namespace sluis::test
