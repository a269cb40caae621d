#include "connector/base/log.hpp"
#include "connector/base/utf8.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace sluis {
namespace {

TEST(LogEscape, LeavesCharactersOfAnyScriptAsTheyAre) {
  EXPECT_EQ(log::escape("caf\u00e9 \u20ac5 \U0001F6B2"), "caf\u00e9 \u20ac5 \U0001F6B2");
}

TEST(LogEscape, EscapesWhatWouldEndTheStringOrTheLine) {
  EXPECT_EQ(log::escape("a\"b\\c\nd\x7f"), "a\\\"b\\\\c\\u000ad\\u007f");
}

TEST(LogEscape, ReplacesBytesThatAreNoUtf8) {
  const std::string mark = "\uFFFD";
  EXPECT_EQ(log::escape("a\xffz"), "a" + mark + "z");
  EXPECT_EQ(log::escape("\xc3"), mark);                       // cut in the middle
  EXPECT_EQ(log::escape("\xed\xa0\x80"), mark + mark + mark);  // a surrogate
  EXPECT_EQ(log::escape("\xc0\xaf"), mark + mark);             // an overlong slash
}

TEST(LogEscape, CutsBetweenCharacters) {
  std::string text(4095, 'a');
  EXPECT_EQ(log::escape(text + "\u20ac"), text);
}

TEST(Log, EveryLineOfARequestHasItsCorrelation) {
  ::testing::internal::CaptureStderr();
  log::info("before");
  {
    const log::Correlated correlated("c0ffee");
    log::warning("within", {{"what", "one"}});
    std::thread([] { log::info("elsewhere"); }).join();
  }
  log::info("after");
  const std::string lines = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(lines.find(R"("event":"within","what":"one","correlation_id":"c0ffee"})"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("correlation_id"), lines.rfind("correlation_id")) << lines;
}

TEST(Utf8, LengthsAreThoseOfRfc3629) {
  EXPECT_EQ(utf8_length(""), 0U);
  EXPECT_EQ(utf8_length("a"), 1U);
  EXPECT_EQ(utf8_length("\u00e9"), 2U);
  EXPECT_EQ(utf8_length("\u20ac"), 3U);
  EXPECT_EQ(utf8_length("\U0010FFFF"), 4U);
  EXPECT_EQ(utf8_length("\xf4\x90\x80\x80"), 0U);
  EXPECT_EQ(valid_utf8("a\u00e9\u20ac\U0010FFFF"), "a\u00e9\u20ac\U0010FFFF");
  EXPECT_EQ(valid_utf8("\xff\xc3"), "\uFFFD\uFFFD");
}

}  // namespace
}  // namespace sluis
