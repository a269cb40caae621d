#include "connector/http/proxy_header.hpp"

#include "certs/authority.hpp"
#include "connector/http/server.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>

namespace sluis::http {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;
using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string two(std::size_t number) { return {static_cast<char>(number >> 8U), static_cast<char>(number)}; }
std::string header(char command, char family, const std::string& rest) { return kSignature + command + family + two(rest.size()) + rest; }
std::string piece(char type, const std::string& value) { return type + two(value.size()) + value; }

const std::string kFour = "\xC0\x00\x02\x07\x0A\x00\x00\x01\xC3\x50\x20\xFB"s;  // 192.0.2.7 to 10.0.0.1, ports 50000 and 8443
const std::string kSix = "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x07"s + std::string(16, '\1') + "\xC3\x50\x20\xFB"s;
const std::string kOfFour = header(0x21, 0x11, kFour);

std::string said(const std::string& bytes) {
  const auto read = parse_proxy_header(bytes);
  return read ? "taken: " + *read : read.error().message;
}

TEST(ProxyHeader, GivesTheCallersAddress) {
  EXPECT_EQ(said(kOfFour), "taken: 192.0.2.7");
  EXPECT_EQ(said(header(0x21, 0x21, kSix)), "taken: 2001:db8::7");
  const std::string pieces = piece(0x03, "\1\2\3\4") + piece(0x04, "") + piece(0x20, std::string(300, 'x'));
  EXPECT_EQ(said(header(0x21, 0x11, kFour + pieces)), "taken: 192.0.2.7") << "what is told besides is passed over";
  EXPECT_EQ(said(header(0x21, 0x21, kSix + pieces)), "taken: 2001:db8::7");
}

TEST(ProxyHeader, WhereNobodyIsCallingThereIsNoAddress) {
  EXPECT_EQ(said(header(0x20, 0x00, "")), "taken: ");
  EXPECT_EQ(said(header(0x20, 0x11, kFour)), "taken: ") << "LOCAL: whatever follows says nothing";
  EXPECT_EQ(said(header(0x20, 0x7f, "anything")), "taken: ");
  EXPECT_EQ(said(header(0x21, 0x00, "")), "taken: ") << "UNSPEC";
  EXPECT_EQ(said(header(0x21, 0x00, "whatever")), "taken: ");
}

TEST(ProxyHeader, EveryOtherFormIsRefused) {
  for (const auto& [bytes, part] : {
           std::pair(""s, "is cut short"),
           std::pair(kSignature, "is cut short"),
           std::pair(kOfFour.substr(0, 15), "is cut short"),
           std::pair(kOfFour.substr(0, 16), "another length"),
           std::pair(kOfFour.substr(0, kOfFour.size() - 1), "another length"),
           std::pair(kOfFour + "G", "another length"),
           std::pair("PROXY TCP4 192.0.2.7 10.0.0.1 50000 8443\r\n"s, "version 1"),
           std::pair("GET / HTTP/1.1\r\nhost: waterrijk.example\r\n\r\n"s, "is missing"),
           std::pair("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and more of a handshake"s, "is missing"),
           std::pair("\r\n\r\n\0\r\nQUIT\r"s + kOfFour.substr(12), "is missing"),
           std::pair(header(0x11, 0x11, kFour), "another version"),
           std::pair(header(0x31, 0x11, kFour), "another version"),
           std::pair(header(0x01, 0x11, kFour), "another version"),
           std::pair(header(0x22, 0x11, kFour), "unknown command"),
           std::pair(header(0x2f, 0x11, kFour), "unknown command"),
           std::pair(header(0x21, 0x12, kFour), "no TCP"),
           std::pair(header(0x21, 0x10, kFour), "no TCP"),
           std::pair(header(0x21, 0x01, kFour), "no TCP"),
           std::pair(header(0x21, 0x22, kSix), "no TCP"),
           std::pair(header(0x21, 0x31, std::string(216, 'u')), "no TCP"),
           std::pair(header(0x21, 0x41, kSix), "no TCP"),
           std::pair(header(0x21, 0x11, kFour.substr(0, 11)), "no room"),
           std::pair(header(0x21, 0x11, ""), "no room"),
           std::pair(header(0x21, 0x21, kFour), "no room"),
           std::pair(header(0x21, 0x21, kSix.substr(0, 35)), "no room"),
           std::pair(header(0x21, 0x11, kFour + "\x03"), "midst of a piece"),
           std::pair(header(0x21, 0x11, kFour + "\x03\0"s), "midst of a piece"),
           std::pair(header(0x21, 0x11, kFour + piece(0x04, "abc") + "\x03\0"s), "midst of a piece"),
           std::pair(header(0x21, 0x11, kFour + "\x03\0\x05"s + "1234"), "longer than the whole"),
           std::pair(header(0x21, 0x11, kFour + "\x03\xff\xff"s), "longer than the whole"),
           std::pair(header(0x21, 0x11, kFour + piece(0x04, std::string(kProxyHeaderBytes, 'x'))), "too long"),
           std::pair(header(0x20, 0x00, std::string(kProxyHeaderBytes - 15, 'x')), "too long"),
       }) {
    const auto read = parse_proxy_header(bytes);
    ASSERT_FALSE(read) << part;
    EXPECT_EQ(read.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(read.error().message.find(part), std::string::npos) << read.error().message << ", and not: " << part;
  }
  EXPECT_EQ(said(header(0x20, 0x00, std::string(kProxyHeaderBytes - 16, 'x'))), "taken: ") << "just at the limit";
}

bool holds(const std::string& range, const std::string& address) {
  sockaddr_storage there{};
  auto* four = reinterpret_cast<sockaddr_in*>(&there);
  auto* six = reinterpret_cast<sockaddr_in6*>(&there);
  if (address.find(':') == std::string::npos) {
    four->sin_family = AF_INET;
    EXPECT_EQ(::inet_pton(AF_INET, address.c_str(), &four->sin_addr), 1) << address;
  } else {
    six->sin6_family = AF_INET6;
    EXPECT_EQ(::inet_pton(AF_INET6, address.c_str(), &six->sin6_addr), 1) << address;
  }
  const auto read = Network::parse(range);
  EXPECT_TRUE(read) << range;
  return read && read->holds(reinterpret_cast<const sockaddr*>(&there));
}

TEST(ProxyHeader, RangesOfAddresses) {
  for (const auto& [range, address] : {std::pair("10.1.2.3", "10.1.2.3"), std::pair("10.1.0.0/16", "10.1.255.255"), std::pair("10.1.2.4/30", "10.1.2.7"), std::pair("0.0.0.0/0", "192.0.2.1"),
                                       std::pair("10.1.2.3", "::ffff:10.1.2.3"), std::pair("2001:db8::/32", "2001:db8:ffff::1"), std::pair("::1", "::1"), std::pair("::/0", "2001:db8::1"),
                                       std::pair("2001:db8::8/125", "2001:db8::f")}) {
    EXPECT_TRUE(holds(range, address)) << range << " " << address;
  }
  for (const auto& [range, address] : {std::pair("10.1.2.3", "10.1.2.4"), std::pair("10.1.0.0/16", "10.2.0.0"), std::pair("10.1.2.4/30", "10.1.2.8"), std::pair("0.0.0.0/0", "2001:db8::1"),
                                       std::pair("10.1.2.3", "::10.1.2.3"), std::pair("2001:db8::/32", "2001:db9::1"), std::pair("::1", "127.0.0.1"), std::pair("2001:db8::8/125", "2001:db8::10")}) {
    EXPECT_FALSE(holds(range, address)) << range << " " << address;
  }
  for (const char* none : {"", "10.1.2", "10.1.2.3/33", "10.1.2.3/", "10.1.2.3/a", "10.1.2.3/-1", "10.1.2.3/8", "2001:db8::1/32", "2001:db8::/129", "localhost", "[::1]", "10.1.2.3:8443", "10.1.2.3 "}) {
    EXPECT_FALSE(Network::parse(none)) << none;
  }
}

/// A listener behind a load balancer, asked byte by byte.
class BehindProxy : public ::testing::Test {
 protected:
  void start(const char* range, bool tls = false, milliseconds limit = milliseconds(5000)) {
    ServerOptions options{"test", "127.0.0.1", 0, {}, false, 0};
    if (tls) {
      ASSERT_TRUE(certs::make_authority(folder_.path() / "ca", clock_.now() - days(1), clock_.now() + days(400), random_));
      const auto leaf = certs::issue(folder_.path() / "ca", {.organisation = "x", .common_name = "x", .oin = {}, .dns_names = {"localhost"}, .from = clock_.now() - days(1),
                                                             .until = clock_.now() + days(90)}, random_);
      ASSERT_TRUE(certs::write_public(folder_.path() / "node.pem", leaf->chain_pem));
      ASSERT_TRUE(certs::write_secret(folder_.path() / "node.key", leaf->key_pem));
      files_ = {(folder_.path() / "node.pem").string(), (folder_.path() / "node.key").string(), (folder_.path() / "ca/root.pem").string()};
      options.tls = files_;
    }
    options.read_timeout = limit;
    options.proxies = {*Network::parse(range)};
    options.on_no_handshake = [this](const Error& why) {
      const std::lock_guard lock(mutex_);
      whys_ += describe(why) + "\n";
    };
    server_ = std::make_unique<Server>(options, std::vector<Route>{{"GET", "/x", [](const Request&) { return Response{200, {}, "well", {}}; }, 0}}, clock_, random_);
    port_ = std::to_string(*server_->start());
  }
  int connect() const { return *connect_tcp("127.0.0.1", port_, Steady::now() + milliseconds(2000)); }
  static std::string until_end(int file) {
    std::string all;
    char chunk[4096];
    for (;;) {
      const auto got = receive(file, chunk, sizeof chunk, Steady::now() + milliseconds(10'000));
      if (!got || *got == 0) break;
      all.append(chunk, *got);
    }
    ::close(file);
    return all;
  }
  /// What comes back of these pieces, each in a segment of its own.
  std::string ask(const std::vector<std::string>& pieces) const {
    const int file = connect();
    for (const std::string& one : pieces) {
      if (!transmit(file, one, Steady::now() + milliseconds(2000))) break;
      if (pieces.size() > 1) ::usleep(2000);
    }
    return until_end(file);
  }
  std::string whys() {
    const std::lock_guard lock(mutex_);
    return whys_;
  }

  test::TempFolder folder_;
  test::ManualClock clock_;
  SystemRandom random_;
  std::mutex mutex_;
  std::string whys_;
  TlsFiles files_;
  std::unique_ptr<Server> server_;
  std::string port_;
};

const std::string kRequest = "GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

TEST_F(BehindProxy, ARequestComesAfterItsHeader) {
  start("127.0.0.0/8");
  EXPECT_TRUE(ask({kOfFour + kRequest}).ends_with("\r\n\r\nwell"));
  EXPECT_TRUE(ask({header(0x20, 0, "") + kRequest}).ends_with("\r\n\r\nwell")) << "LOCAL";
  EXPECT_TRUE(ask({header(0x21, 0x11, kFour + piece(0x20, std::string(3000, 'x'))) + kRequest}).ends_with("\r\n\r\nwell"));
  std::vector<std::string> drops;
  for (const char c : kOfFour) drops.emplace_back(1, c);
  drops.push_back(kRequest);
  EXPECT_TRUE(ask(drops).ends_with("\r\n\r\nwell")) << "in as many segments as it has bytes";
  EXPECT_EQ(whys(), "");
}

TEST_F(BehindProxy, WhatComesFromALoadBalancerWithoutAHeaderIsRefused) {
  start("127.0.0.1");
  EXPECT_EQ(ask({kRequest}), "");
  EXPECT_EQ(ask({"PROXY TCP4 192.0.2.7 10.0.0.1 50000 8443\r\n" + kRequest}), "");
  EXPECT_EQ(ask({header(0x21, 0x31, std::string(216, 'u')) + kRequest}), "");
  EXPECT_NE(whys().find("is missing: the connection begins with something else"), std::string::npos) << whys();
  EXPECT_NE(whys().find("version 1"), std::string::npos) << whys();
  EXPECT_NE(whys().find("no TCP"), std::string::npos) << whys();
  EXPECT_EQ(ask({kOfFour + kOfFour + kRequest}).substr(0, 12), "HTTP/1.1 400") << "one header, and no second";
}

TEST_F(BehindProxy, AHeaderThatDoesNotComeWholeEndsInTime) {
  start("127.0.0.1", false, milliseconds(200));
  const int silent = connect();
  EXPECT_EQ(until_end(silent), "");
  const int slow = connect();
  EXPECT_TRUE(transmit(slow, kOfFour.substr(0, 20), Steady::now() + milliseconds(1000)));
  EXPECT_EQ(until_end(slow), "");
  std::vector<std::string> drops;  // each byte in time, and the whole not
  for (const char c : header(0x21, 0x11, kFour + piece(0x20, std::string(1000, 'x')))) drops.emplace_back(1, c);
  EXPECT_EQ(ask(drops), "");
  EXPECT_NE(whys().find("no PROXY header came: time is up"), std::string::npos) << whys();
  EXPECT_EQ(whys().find("HTTP"), std::string::npos) << whys();
}

TEST_F(BehindProxy, FromElsewhereAHeaderIsGarbage) {
  start("192.0.2.0/24");
  EXPECT_TRUE(ask({kRequest}).ends_with("\r\n\r\nwell")) << "and none is needed";
  const std::string got = ask({kOfFour + kRequest});
  EXPECT_EQ(got.find("well"), std::string::npos) << got;
  EXPECT_EQ(got.find("200 OK"), std::string::npos) << got;
}

TEST_F(BehindProxy, TlsBeginsBehindTheHeader) {
  start("127.0.0.1", true);
  const auto greet = [&](const std::string& before) -> std::string {
    const int file = connect();
    EXPECT_TRUE(transmit(file, before, Steady::now() + milliseconds(1000)));
    Channel channel(file, *TlsContext::client({"", "", files_.roots}));
    if (const auto done = channel.connect("localhost", clock_.now(), milliseconds(3000)); !done) return "no handshake";
    char answer[4096];
    EXPECT_TRUE(channel.write(kRequest, milliseconds(2000)));
    const auto got = channel.read(answer, sizeof answer, milliseconds(2000));
    return got ? std::string(answer, std::min<std::size_t>(*got, 12)) : got.error().message;
  };
  EXPECT_EQ(greet(kOfFour), "HTTP/1.1 200");
  EXPECT_EQ(greet(""), "no handshake");
  server_.reset();
  ServerOptions options{"test", "127.0.0.1", 0, files_, false, 0};
  options.proxies = {*Network::parse("10.0.0.0/8")};
  server_ = std::make_unique<Server>(options, std::vector<Route>{{"GET", "/x", [](const Request&) { return Response{200, {}, "well", {}}; }, 0}}, clock_, random_);
  port_ = std::to_string(*server_->start());
  EXPECT_EQ(greet(kOfFour), "no handshake") << "from an address that nobody named";
  EXPECT_EQ(greet(""), "HTTP/1.1 200");
}

}  // namespace
}  // namespace sluis::http
