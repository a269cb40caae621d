#include "connector/base/limits.hpp"
#include "connector/base/toml.hpp"

#include <gtest/gtest.h>

namespace sluis {
namespace {

TomlTable table(const std::string& text) {
  auto parsed = TomlTable::parse(text, "node.toml");
  EXPECT_TRUE(parsed) << describe(parsed.error());
  return *parsed;
}

TEST(Toml, ReadsEachType) {
  TomlTable root = table("s = \"x\"\ni = 5\nb = true\nt = \"2026-11-26\"\n"
                         "d = \"P7D\"\nl = [\"a\", \"b\"]\n[sub]\nk = 1\n");
  EXPECT_EQ(*root.string("s"), "x");
  EXPECT_EQ(*root.integer("i"), 5);
  EXPECT_TRUE(*root.boolean("b"));
  EXPECT_EQ(*root.time("t"), *parse_time("2026-11-26T00:00:00Z"));
  EXPECT_EQ(*root.duration("d"), std::chrono::hours(24 * 7));
  EXPECT_EQ(root.strings("l")->size(), 2U);
  EXPECT_EQ(*root.table("sub")->integer("k"), 1);
  EXPECT_TRUE(root.finish());
}

TEST(Toml, AnUnknownKeyHasAPlaceAndASuggestion) {
  TomlTable root = table("port = 1\n\n  adress = \"x\"\n");
  EXPECT_EQ(*root.integer("port"), 1);
  EXPECT_FALSE(*root.optional_string("address"));
  const auto finished = root.finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().place.file, "node.toml");
  EXPECT_EQ(finished.error().place.line, 3U);
  EXPECT_EQ(finished.error().place.column, 3U);
  EXPECT_NE(finished.error().mend.find("`address`"), std::string::npos) << finished.error().mend;
}

TEST(Toml, AnUnknownKeyInATableBelowIsFoundToo) {
  TomlTable root = table("[tls]\ncert = \"x\"\nkee = \"y\"\n[[peers]]\nnme = \"z\"\n");
  TomlTable tls = *root.table("tls");
  EXPECT_TRUE(tls.string("cert"));
  EXPECT_TRUE(root.tables("peers"));
  const auto finished = root.finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().place.line, 3U);
}

TEST(Toml, AMissingKeyThatWasMistypedIsNamed) {
  TomlTable root = table("titel = \"x\"\n");
  const auto title = root.string("title");
  ASSERT_FALSE(title);
  EXPECT_NE(title.error().message.find("`titel`"), std::string::npos);
  EXPECT_NE(title.error().mend.find("`title`"), std::string::npos);
  EXPECT_EQ(title.error().place.line, 1U);
}

TEST(Toml, AWrongTypeIsRefusedWithItsPlace) {
  TomlTable root = table("a = 1\nb = 2026-11-26\nc = [1]\n");
  const auto a = root.string("a");
  ASSERT_FALSE(a);
  EXPECT_EQ(a.error().place.line, 1U);
  EXPECT_EQ(a.error().place.column, 5U);
  const auto b = root.time("b");
  ASSERT_FALSE(b);
  EXPECT_NE(b.error().mend.find("string"), std::string::npos);
  EXPECT_FALSE(root.strings("c"));
  EXPECT_FALSE(root.boolean_or("a", true));
}

TEST(Toml, BrokenDuplicateOversizedOrInvalidTextIsRefused) {
  const auto broken = TomlTable::parse("a = \n", "x.toml");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().place.line, 1U);
  EXPECT_FALSE(TomlTable::parse("a = 1\na = 2\n", "x.toml"));
  EXPECT_FALSE(TomlTable::parse("a = \"\xff\"\n", "x.toml"));
  const auto big = TomlTable::parse(std::string(limits::kTomlBytes + 1, '#'), "x.toml");
  ASSERT_FALSE(big);
  EXPECT_EQ(big.error().code, ErrorCode::limit_exceeded);
  EXPECT_FALSE(TomlTable::parse("a = " + std::string(5000, '['), "x.toml"));
}

}  // namespace
}  // namespace sluis
