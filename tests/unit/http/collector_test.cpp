#include "connector/http/collector.hpp"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace sluis::http {
namespace {

/// Two ends of a socket that keeps each `send` apart.
class CollectorTest : public ::testing::Test {
 protected:
  CollectorTest() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends_), 0);
    const int room = 1 << 20;
    ::setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  }
  ~CollectorTest() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  std::size_t take() {
    std::string into(1U << 20U, '\0');
    const ssize_t got = ::recv(ends_[1], into.data(), into.size(), 0);
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  }
  int ends_[2] = {-1, -1};
};

TEST_F(CollectorTest, SevenRecordsLeaveInOneSend) {
  Collector collector(ends_[0]);
  BIO* bio = collector.make_bio();
  const std::string record((16U << 10U) + 22, 'r');
  for (int i = 0; i < 7; ++i) EXPECT_EQ(BIO_write(bio, record.data(), static_cast<int>(record.size())), static_cast<int>(record.size()));
  EXPECT_EQ(take(), 0U);  // nothing before the flush
  EXPECT_EQ(BIO_flush(bio), 1);
  EXPECT_EQ(take(), 7 * record.size());
  EXPECT_TRUE(collector.empty());
  BIO_free(bio);
}

TEST_F(CollectorTest, AFullSocketAsksToRetryAndLosesNothing) {
  Collector collector(ends_[0]);
  BIO* bio = collector.make_bio();
  const std::string record(32U << 10U, 'r');
  std::size_t added = 0;
  int flushed = 1;
  while (flushed == 1 && added < (16U << 20U)) {
    collector.add(record.data(), record.size());
    added += record.size();
    flushed = static_cast<int>(BIO_flush(bio));
  }
  EXPECT_EQ(flushed, -1);
  EXPECT_TRUE(BIO_should_write(bio) && BIO_should_retry(bio));
  std::size_t taken = 0;
  for (std::size_t now = take(); now > 0 || !collector.empty(); now = take()) {
    taken += now;
    (void)BIO_flush(bio);
  }
  EXPECT_EQ(taken, added);
  BIO_free(bio);
}

TEST_F(CollectorTest, ALostConnectionIsNoReasonToRetry) {
  Collector collector(ends_[0]);
  BIO* bio = collector.make_bio();
  ::shutdown(ends_[0], SHUT_WR);
  collector.add("bytes", 5);
  EXPECT_EQ(BIO_flush(bio), -1);
  EXPECT_FALSE(BIO_should_retry(bio));
  BIO_free(bio);
}

}  // namespace
}  // namespace sluis::http
