#include "connector/http/shares.hpp"

#include "connector/http/server.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <future>
#include <set>
#include <vector>

namespace sluis::http {
namespace {

using Place = std::shared_ptr<const void>;

std::vector<Place> all_of(Shares& shares, const std::string& who) {
  std::vector<Place> out;
  while (auto place = shares.take(who)) out.push_back(std::move(place));
  return out;
}

TEST(Shares, WhoIsAloneGetsHalfAndOthersFindRoom) {
  Shares shares(64);
  const auto first = all_of(shares, "waterrijk");
  EXPECT_EQ(first.size(), 32U);
  const auto second = all_of(shares, "stroomplein");
  EXPECT_EQ(second.size(), 16U);
  const auto third = all_of(shares, "duinmeer");
  EXPECT_EQ(third.size(), 8U);
  EXPECT_TRUE(shares.take("parkwijs")) << "who comes last is served as well";
}

TEST(Shares, WhoHoldsMuchGetsNoMoreUntilOthersHaveAsMuch) {
  Shares shares(12);
  auto first = all_of(shares, "waterrijk");
  ASSERT_EQ(first.size(), 6U);
  auto second = all_of(shares, "stroomplein");
  ASSERT_EQ(second.size(), 3U);
  first.pop_back();
  EXPECT_FALSE(shares.take("waterrijk")) << "five held, four free";
  EXPECT_TRUE(shares.take("stroomplein")) << "three held, four free";
  first.clear();
  second.clear();
  EXPECT_EQ(all_of(shares, "stroomplein").size(), 6U) << "all that was given back is free";
}

TEST(Shares, APlaceOutlivesTheShares) {
  Place place;
  {
    Shares shares(2);
    place = shares.take("waterrijk");
  }
  EXPECT_TRUE(place);
}

TEST(Shares, AnAddressOfIpv6IsItsNetwork) {
  EXPECT_EQ(neighbourhood("2001:db8:1:2:3:4:5:6"), neighbourhood("2001:db8:1:2:ffff::1"));
  EXPECT_NE(neighbourhood("2001:db8:1:2::1"), neighbourhood("2001:db8:1:3::1"));
  EXPECT_EQ(neighbourhood("::ffff:10.1.2.3"), "10.1.2.3");
  EXPECT_NE(neighbourhood("10.1.2.3"), neighbourhood("10.1.2.4"));
}

class PlacesTest : public testing::Test {
 protected:
  static int connect_to(std::uint16_t port) {
    return *connect_tcp("127.0.0.1", std::to_string(port), std::chrono::steady_clock::now() + std::chrono::seconds(2));
  }
  static std::string ask(int file, const std::string& path) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    EXPECT_TRUE(transmit(file, "GET " + path + " HTTP/1.1\r\nhost: x\r\n\r\n", until));
    std::string out;
    char chunk[4096];
    while (out.find("\r\n\r\n") == std::string::npos) {
      const auto got = receive(file, chunk, sizeof chunk, until);
      if (!got || *got == 0) break;
      out.append(chunk, *got);
    }
    return out.substr(0, 12);
  }

  test::ManualClock clock_;
  SystemRandom random_;
};

/// What may last holds its places, gets no more of them, and keeps nobody else waiting; a place comes back with the end of its answer.
TEST_F(PlacesTest, AServerAsksForAPlaceAndGivesItBack) {
  Shares shares(4);
  std::mutex mutex;
  std::condition_variable wake;
  bool over = false;
  ServerOptions options;
  options.name = "test";
  options.address = "127.0.0.1";
  std::set<std::string> addresses;
  options.place = [&](const Request& request, const std::string& address) -> ServerOptions::Place {
    if (request.path != "/data") return Place();
    const std::lock_guard lock(mutex);
    addresses.insert(address);
    auto place = shares.take(neighbourhood(address));
    if (!place) return json_response(429, "{}");
    return place;
  };
  const Handler lasting = [&](const Request&) {
    Response response;
    response.stream = [&](ResponseSink& sink) {
      (void)sink.start(200, {}, std::nullopt);
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return over; });
      (void)sink.finish();
    };
    return response;
  };
  Server server(options, {{"GET", "/data", lasting, 0}, {"GET", "/told", [](const Request&) { return json_response(200, "{}"); }, 0}}, clock_, random_);
  const std::uint16_t port = *server.start();
  std::vector<int> files;
  for (int i = 0; i < 5; ++i) files.push_back(connect_to(port));
  EXPECT_EQ(ask(files[0], "/data"), "HTTP/1.1 200");
  EXPECT_EQ(ask(files[1], "/data"), "HTTP/1.1 200");
  EXPECT_EQ(ask(files[2], "/data"), "HTTP/1.1 429") << "two of four are held, and two are free";
  EXPECT_EQ(ask(files[3], "/told"), "HTTP/1.1 200") << "what lasts for nothing needs no place";
  {
    const std::lock_guard lock(mutex);
    over = true;
    EXPECT_EQ(addresses, std::set<std::string>{"127.0.0.1"});
  }
  wake.notify_all();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < until && all_of(shares, "127.0.0.1").size() != 2) {
  }
  EXPECT_EQ(ask(files[4], "/data"), "HTTP/1.1 200") << "both came back";
  for (const int file : files) ::close(file);
}

/// A reader that takes something now and then holds a streamed answer only as long as it takes what it must.
TEST_F(PlacesTest, WhoSipsIsCutInTime) {
  ServerOptions options;
  options.name = "test";
  options.address = "127.0.0.1";
  options.sip_limit = std::chrono::milliseconds(300);
  std::promise<Result<void>> ended;
  const Handler large = [&](const Request&) {
    Response response;
    response.stream = [&](ResponseSink& sink) {
      (void)sink.start(200, {}, std::nullopt);
      const std::string block(1U << 20U, 'x');
      Result<void> sent;
      for (int i = 0; i < 64 && sent; ++i) sent = sink.write(block);
      ended.set_value(sent);
      if (!sent) sink.cut();
    };
    return response;
  };
  Server server(options, {{"GET", "/", large, 0}}, clock_, random_);
  const int file = connect_to(*server.start());
  const int small = 4096;
  ::setsockopt(file, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  ASSERT_TRUE(transmit(file, "GET / HTTP/1.1\r\nhost: x\r\n\r\n", until));
  auto end = ended.get_future();
  char sip[512];
  while (end.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready && std::chrono::steady_clock::now() < until) {
    (void)::recv(file, sip, sizeof sip, MSG_DONTWAIT);
  }
  ASSERT_EQ(end.wait_for(std::chrono::seconds(0)), std::future_status::ready) << "it went on as long as the reader liked";
  EXPECT_FALSE(end.get());
  ::close(file);
}

}  // namespace
}  // namespace sluis::http
