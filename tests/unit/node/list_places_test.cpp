#include "connector/node/list_places.hpp"

#include <gtest/gtest.h>

namespace sluis::node {
namespace {

using namespace std::chrono_literals;

Result<ListPlaces> read(const std::string& text, const ListKeys& keys = kMembershipKeys) {
  SLUIS_TRY(TomlTable table, TomlTable::parse(text, "node.toml"));
  SLUIS_TRY(ListPlaces places, read_list_places(table, "/etc/sluis", keys));
  SLUIS_CHECK(table.finish());
  return places;
}

TEST(ListPlaces, AreNoneByDefault) {
  const auto none = read("");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->places.empty());
  EXPECT_EQ(none->every, 5min);
}

TEST(ListPlaces, AreAddressesAndPathsWithAnIntervalAndRoots) {
  const auto some = read("sources = [\"https://waterrijk.example/list.json\", \"/srv/lists/list.json\"]\nevery = \"PT30S\"\nroots = \"tls/lists.pem\"\n");
  ASSERT_TRUE(some) << describe(some.error());
  EXPECT_EQ(some->places, (std::vector<std::string>{"https://waterrijk.example/list.json", "/srv/lists/list.json"}));
  EXPECT_EQ(some->every, 30s);
  EXPECT_EQ(some->roots, "/etc/sluis/tls/lists.pem");
}

TEST(ListPlaces, OfRevokedCertificatesMayBeInClearAsAuthoritiesPublishThem) {
  const std::string text = "crl_sources = [\"http://crl.waterrijk.example/root.crl\"]\n";
  ASSERT_TRUE(read(text, kRevocationKeys));
  EXPECT_EQ(read(text, kRevocationKeys)->every, 15min);
  EXPECT_FALSE(read("sources = [\"http://waterrijk.example/list.json\"]\n"));
}

TEST(ListPlaces, WhatCannotBeOneIsRefusedWithItsPlace) {
  const struct {
    const char* text;
    std::uint32_t line;
    const char* words;
  } cases[] = {
      {"sources = [\n\"https://a.example/l\",\n\"lists/list.json\"]\n", 3, "neither an address"},
      {"sources = [\"ftp://a.example/l\"]\n", 1, "neither an address"},
      {"sources = [\"https://a.example/l?token=x\"]\n", 1, "a query"},
      {"sources = [\"https://u:p@a.example/l\"]\n", 1, "user"},
      {"sources = [\"https://\"]\n", 1, "no http address"},
      {"sources = [\"/srv/lists/\"]\n", 1, "no path of a file"},
      {"sources = [\"/srv/l\",\n\"/srv/l\"]\n", 2, "named twice"},
      {"sources = [\"/1\",\"/2\",\"/3\",\"/4\",\"/5\",\"/6\",\"/7\",\"/8\",\"/9\"]\n", 1, "more than 8"},
      {"sources = [\"/srv/l\"]\nevery = \"PT0S\"\n", 2, "not between PT1S and P1D"},
      {"sources = [\"/srv/l\"]\nevery = \"P2D\"\n", 2, "not between"},
      {"sources = [\"/srv/l\"]\nevery = \"5 minutes\"\n", 2, ""},
      {"every = \"PT5M\"\n", 1, "without any place"},
      {"roots = \"tls/lists.pem\"\n", 1, "without any place"},
      {"source = [\"/srv/l\"]\n", 1, "source"},
  };
  for (const auto& one : cases) {
    const auto got = read(one.text);
    ASSERT_FALSE(got) << one.text;
    EXPECT_EQ(got.error().code, ErrorCode::invalid_argument) << one.text;
    EXPECT_EQ(got.error().place.file, "node.toml") << one.text;
    EXPECT_EQ(got.error().place.line, one.line) << one.text << describe(got.error());
    EXPECT_NE(got.error().message.find(one.words), std::string::npos) << describe(got.error());
  }
}

}  // namespace
}  // namespace sluis::node
