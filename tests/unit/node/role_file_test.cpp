#include "connector/node/role_file.hpp"

#include "connector/crypto/crypto.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

namespace sluis::node {
namespace {

class RoleFileTest : public ::testing::Test {
 protected:
  static std::string naming(const std::string& person) {
    identity::RoleHolder holder;
    holder.role = identity::Role::dpo;
    holder.person = person;
    holder.hash = crypto::sha256(person);
    return identity::Roles({holder}).serialise();
  }
  void write(const std::string& text) const { std::ofstream(path_, std::ios::binary | std::ios::trunc) << text; }
  /// Whom the file names; "nobody" where it cannot be used.
  std::string named() {
    const auto roles = file_.current();
    return roles ? (*roles)->holders().front().person : "nobody";
  }

  test::TempFolder folder_;
  std::filesystem::path path_ = folder_.path() / "roles.json";
  RoleFile file_{path_};
};

TEST_F(RoleFileTest, IsReadAgainWhenItChanged) {
  EXPECT_EQ(named(), "nobody");
  write(naming("Anna"));
  EXPECT_EQ(named(), "Anna");
  std::this_thread::sleep_for(std::chrono::milliseconds(60));  // longer than the system's tick
  EXPECT_EQ(named(), "Anna");
  EXPECT_EQ(*file_.current(), *file_.current()) << "the same as long as it stays the same";
  write(naming("Bo"));
  EXPECT_EQ(named(), "Bo");
  std::ofstream(folder_.path() / "new") << naming("Cas");
  std::filesystem::rename(folder_.path() / "new", path_);
  EXPECT_EQ(named(), "Cas");
}

TEST_F(RoleFileTest, AChangeOfEqualLengthCountsThoughItsTimeWasSetBack) {
  write(naming("Anna"));
  EXPECT_EQ(named(), "Anna");
  struct stat before{};
  ASSERT_EQ(::stat(path_.c_str(), &before), 0);
  write(naming("Bert"));
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  EXPECT_EQ(named(), "Bert");
}

TEST_F(RoleFileTest, WhatIsNotInOrderNamesNobodyUntilItIs) {
  write(naming("Anna"));
  EXPECT_EQ(named(), "Anna");
  write("{");
  EXPECT_EQ(named(), "nobody");
  EXPECT_EQ(named(), "nobody");
  write(naming("Anna"));
  EXPECT_EQ(named(), "Anna");
  std::filesystem::remove(path_);
  EXPECT_EQ(named(), "nobody");
  std::filesystem::create_directory(path_);
  EXPECT_EQ(named(), "nobody") << "it cannot be read";
  std::filesystem::remove(path_);
  write(naming("Anna"));
  EXPECT_EQ(named(), "Anna");
}

}  // namespace
}  // namespace sluis::node
