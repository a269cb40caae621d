#include "connector/json/json.hpp"

#include <gtest/gtest.h>

namespace sluis::json {
namespace {

TEST(Json, NumbersKeepTheirText) {
  const auto value = parse(R"({"a":1.10,"b":12345678901234567890123,"c":-0,"d":1e400})");
  ASSERT_TRUE(value) << describe(value.error());
  EXPECT_EQ(serialise(*value), R"({"a":1.10,"b":12345678901234567890123,"c":-0,"d":1e400})");
}

TEST(Json, WhatIsWrongIsRefusedWithItsPlace) {
  const auto twice = parse("{\"a\":1,\n \"a\":2}");
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("`a` appears twice"), std::string::npos);
  EXPECT_EQ(twice.error().place.line, 2U);
  for (const std::string bad : {"", "{", "{\"a\":}", "[1,]", "\"\\ud800\"", "\"\\udc00x\"", "\"\xC3\x28\"", "\"\xED\xA0\x80\"", "nul", "1 2",
                                "{\"a\":1}x", "\"\n\"", "NaN", "01", "'a'", "// x\n1"}) {
    EXPECT_FALSE(parse(bad)) << bad;
  }
}

TEST(Json, TheSameKeyInOtherSpellingIsTheSameKey) { EXPECT_FALSE(parse(R"({"a":1,"\u0061":2})")); }

TEST(Json, BoundsHold) {
  Bounds bounds;
  bounds.depth = 3;
  bounds.values = 5;
  bounds.bytes = 40;
  EXPECT_TRUE(parse("[[[1]]]", bounds));
  EXPECT_EQ(parse("[[[[1]]]]", bounds).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(parse("[1,2,3,4,5]", bounds).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(parse(std::string(41, ' '), bounds).error().code, ErrorCode::limit_exceeded);
}

TEST(Json, CanonicalFormIsThatOfRfc8785) {
  // RFC 8785 section 3.2.3's order: by UTF-16 code units, where a surrogate pair comes before U+FB33.
  const auto value = parse("{\"\xE2\x82\xAC\":\"Euro\",\"\\r\":\"CR\",\"\xEF\xAC\xB3\":\"Hebrew\",\"1\":\"One\",\"\xF0\x9F\x98\x80\":\"Smiley\",\"\xC2\x80\":\"Control\",\"\xC3\xB6\":\"o\"}");
  ASSERT_TRUE(value);
  EXPECT_EQ(*canonical(*value), "{\"\\r\":\"CR\",\"1\":\"One\",\"\xC2\x80\":\"Control\",\"\xC3\xB6\":\"o\",\"\xE2\x82\xAC\":\"Euro\",\"\xF0\x9F\x98\x80\":\"Smiley\",\"\xEF\xAC\xB3\":\"Hebrew\"}");
  EXPECT_EQ(*canonical(*parse("[ 1, -0, \"\\u00e9\\u001f\\/\", true , null]")), "[1,0,\"\xC3\xA9\\u001f/\",true,null]");
}

TEST(Json, WhatIsHashedHasWholeNumbersOnly) {
  for (const char* bad : {"[1.5]", "[1e3]", "[1234567890123456]"}) {
    const auto text = canonical(*parse(bad));
    ASSERT_FALSE(text) << bad;
    EXPECT_EQ(text.error().place.pointer, "/0");
  }
  EXPECT_TRUE(canonical(*parse("[123456789012345]")));
}

TEST(Json, APointerIsFoundInTheText) {
  const std::string text = "{\n  \"a\": {\"x/y\": [1,\n    {\"~\": 2}]}}";
  EXPECT_EQ(locate(text, "/a/x~1y/1/~0").line, 3U);
  EXPECT_EQ(locate(text, "/a/x~1y/1/~0").column, 11U);
  EXPECT_EQ(locate(text, "").line, 1U);
}

TEST(Json, MembersAreSetReplacedAndErased) {
  Value value = object({{"a", 1}});
  value.set("a", "x").set("b", array({1, true, nullptr}));
  EXPECT_EQ(serialise(value), R"({"a":"x","b":[1,true,null]})");
  EXPECT_TRUE(value.erase("a"));
  EXPECT_FALSE(value.erase("a"));
  EXPECT_FALSE(required_string(value, "a"));
  EXPECT_EQ(required_string(value, "b", "/p").error().place.pointer, "/p/b");
}

}  // namespace
}  // namespace sluis::json
