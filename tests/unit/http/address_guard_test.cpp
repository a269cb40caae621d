#include "connector/http/address_guard.hpp"

#include "connector/http/client.hpp"
#include "connector/http/server.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <unistd.h>

#include <cstring>

/// Which addresses of peers are dialled, by whatever name and in whatever form they come (decision 39).
namespace sluis::http {
namespace {

using Steady = std::chrono::steady_clock;

std::vector<Network> loopback() { return {*Network::parse("127.0.0.0/8"), *Network::parse("::1")}; }

Address address(const std::string& text, std::uint16_t port = 443) {
  Address out;
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&out.bytes, &four, sizeof four);
    out.size = sizeof four;
  } else {
    EXPECT_EQ(::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr), 1) << text;
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&out.bytes, &six, sizeof six);
    out.size = sizeof six;
  }
  return out;
}

TEST(AddressGuard, InnerAddressesAreRefusedInEveryForm) {
  const AddressGuard guard({});
  for (const char* text : {"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1", "172.31.255.255",
                           "192.168.1.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "198.18.0.1"}) {
    EXPECT_NE(guard.against(address(text).native()), "") << text;
    EXPECT_NE(guard.against(address("::ffff:" + std::string(text)).native()), "") << "mapped " << text;
    EXPECT_NE(guard.against(address("64:ff9b::" + std::string(text)).native()), "") << "NAT64 " << text;
    EXPECT_NE(guard.against(address("64:ff9b:1::" + std::string(text)).native()), "") << "NAT64 of a network's own " << text;
    EXPECT_NE(guard.against(address("::ffff:0:" + std::string(text)).native()), "") << "translated " << text;
    EXPECT_NE(guard.against(std::string(text)), "") << "as a host " << text;
  }
  for (const char* text : {"::", "::1", "::127.0.0.1", "::10.0.0.1", "fe80::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "2002:7f00:1::", "2002:a9fe:a9fe::1"}) {
    EXPECT_NE(guard.against(address(text).native()), "") << text;
    EXPECT_NE(guard.against("[" + std::string(text) + "]"), "") << "as a host " << text;
  }
}

TEST(AddressGuard, ANat64OfANetworksOwnIsRefusedAsAWholeUnlessItIsNamed) {
  const AddressGuard guard({*Network::parse("10.1.0.0/16")});
  const AddressGuard named({*Network::parse("64:ff9b:1::/48")});
  for (const char* text : {"64:ff9b:1::9.9.9.9", "64:ff9b:1:7f00:0:100::", "64:ff9b:1:a9fe:a9:fe00:909:909", "64:ff9b:1::10.1.2.3"}) {
    EXPECT_NE(guard.against(address(text).native()), "") << text;
    EXPECT_EQ(named.against(address(text).native()), "") << text;
  }
}

TEST(AddressGuard, PublicAddressesAreTaken) {
  const AddressGuard guard({});
  for (const char* text : {"9.9.9.9", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1", "192.167.1.1", "223.255.255.255", "2a00:1450::1",
                           "::ffff:9.9.9.9", "64:ff9b::9.9.9.9", "2002:909:909::"}) {
    EXPECT_EQ(guard.against(address(text).native()), "") << text;
  }
  EXPECT_EQ(guard.against("waterrijk.example"), "") << "what a name stands for is looked at when it is dialled";
}

TEST(AddressGuard, OnlyWhatIsNamedIsTakenBesides) {
  const AddressGuard guard({*Network::parse("10.1.0.0/16"), *Network::parse("fd12::/16")});
  for (const char* text : {"10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd12::7"}) EXPECT_EQ(guard.against(address(text).native()), "") << text;
  for (const char* text : {"10.2.0.1", "127.0.0.1", "169.254.169.254", "fd13::7", "::1"}) EXPECT_NE(guard.against(address(text).native()), "") << text;
}

/// What was looked at is what is dialled: a name is asked for once, and of its addresses those that may not be are passed over.
TEST(AddressGuard, ANameThatPointsInwardNextTimeIsNotDialled) {
  test::ManualClock clock;
  SystemRandom random;
  std::atomic<int> called = 0;
  ServerOptions options;
  options.name = "inner";
  options.address = "127.0.0.1";
  Server server(options, {{"GET", "/", [&](const Request&) { ++called; return json_response(200, "{}"); }, 0}}, clock, random);
  const std::uint16_t port = *server.start();
  int asked = 0;
  const Resolver rebinding = [&](const std::string&, const std::string&) -> Result<std::vector<Address>> {
    // The first stands for a public address: it may be dialled.
    return std::vector<Address>{address(++asked == 1 ? "127.0.0.1" : "127.0.0.2", port)};
  };
  ClientOptions calling;
  calling.allow_http = true;
  calling.idle_connections = 0;
  calling.guard.emplace(std::vector<Network>{*Network::parse("127.0.0.1")}, rebinding);
  const auto client = *Client::make(std::move(calling), clock);
  PeerRequest request;
  request.method = "GET";
  request.url = "http://waterrijk.example:" + std::to_string(port) + "/";
  ASSERT_TRUE(client->send(request)) << "an address that may be dialled";
  const auto second = client->send(request);
  ASSERT_FALSE(second) << "the same name, that points elsewhere now";
  EXPECT_EQ(second.error().code, ErrorCode::peer_unavailable);
  EXPECT_NE(second.error().message.find("127.0.0.2, this machine"), std::string::npos) << second.error().message;
  EXPECT_NE(second.error().mend.find("[network] inner"), std::string::npos) << second.error().mend;
  EXPECT_EQ(asked, 2) << "each call asks for the name once, and dials what it was told";
  EXPECT_EQ(called, 1);
}

TEST(AddressGuard, OfManyAddressesThoseThatMayBeAreTried) {
  test::ManualClock clock;
  SystemRandom random;
  ServerOptions options;
  options.name = "peer";
  options.address = "127.0.0.1";
  Server server(options, {}, clock, random);
  const std::uint16_t port = *server.start();
  const AddressGuard guard({*Network::parse("127.0.0.1")}, [&](const std::string&, const std::string&) -> Result<std::vector<Address>> {
    return std::vector<Address>{address("127.0.0.2", port), address("127.0.0.1", port)};
  });
  const auto file = guard.connect("waterrijk.example", std::to_string(port), Steady::now() + std::chrono::seconds(2));
  ASSERT_TRUE(file) << file.error().message;
  sockaddr_in to{};
  socklen_t size = sizeof to;
  ::getpeername(*file, reinterpret_cast<sockaddr*>(&to), &size);
  EXPECT_EQ(address_text(reinterpret_cast<sockaddr*>(&to)), "127.0.0.1");
  ::close(*file);
}

TEST(AddressGuard, LoopbackIsTakenWhereItIsNamed) {
  const AddressGuard guard(loopback());
  for (const char* text : {"127.0.0.1", "::1", "::ffff:127.0.0.1"}) EXPECT_EQ(guard.against(address(text).native()), "") << text;
}

}  // namespace
}  // namespace sluis::http
