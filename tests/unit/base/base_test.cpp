#include "connector/base/bytes.hpp"
#include "connector/base/random.hpp"
#include "connector/base/suggest.hpp"
#include "connector/base/time.hpp"
#include "connector/base/transaction_id.hpp"

#include <gtest/gtest.h>

namespace sluis {
namespace {

TEST(Base64, IsStrict) {
  EXPECT_EQ(to_base64("sluis"), "c2x1aXM=");
  EXPECT_EQ(*from_base64("c2x1aXM="), "sluis");
  EXPECT_EQ(*from_base64(""), "");
  for (const char* bad : {"c2x1aXM", "c2x1aXN=", "c2x1aX==", "c2x1 aXM=", "====", "c2x1aXM=\n", "A==="}) {
    EXPECT_FALSE(from_base64(bad)) << bad;
  }
  EXPECT_EQ(to_base64url("\xFF\xFE"), "__4");
  EXPECT_EQ(*from_base64url("__4"), "\xFF\xFE");
  EXPECT_FALSE(from_base64url("__5"));
  EXPECT_FALSE(from_base64url("//4"));
}

TEST(Hex, RoundTrips) {
  EXPECT_EQ(*from_hex(to_hex(std::string("\x00\xAB", 2))), std::string("\x00\xAB", 2));
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("zz"));
}

TEST(Sized, FieldsComeBackAndCutOnesDoNot) {
  std::string out;
  put_sized(out, "one");
  put_sized(out, "");
  std::string_view rest = out;
  EXPECT_EQ(*take_sized(rest), "one");
  EXPECT_EQ(*take_sized(rest), "");
  EXPECT_FALSE(take_sized(rest));
  rest = std::string_view(out).substr(0, 6);
  EXPECT_FALSE(take_sized(rest));
}

TEST(Time, IsReadWithAZoneOnly) {
  EXPECT_EQ(format_time(*parse_time("2026-11-26T09:00:00Z")), "2026-11-26T09:00:00Z");
  EXPECT_EQ(*parse_time("2026-11-26T10:00:00+01:00"), *parse_time("2026-11-26T09:00:00Z"));
  EXPECT_EQ(*parse_time("2023-12-31T06:00Z"), *parse_time("2023-12-31T06:00:00Z"));
  EXPECT_EQ(*parse_time("2026-02-28T24:00:00Z"), *parse_time("2026-03-01T00:00:00Z"));
  EXPECT_EQ(format_time(*parse_time("2026-11-26T09:00:00.25Z")), "2026-11-26T09:00:00.250000Z");
  for (const char* bad : {"2026-11-26T09:00:00", "2026-11-26", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
                          "2026-11-26T24:00:01Z", "2026-11-26T09:60:00Z", "2026-11-26T09:00:00Zx", "2026-11-26T09:00:00.Z",
                          "2026-11-26T09:00:00+15:00", " 2026-11-26T09:00:00Z", ""}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(Durations, OfDaysAndTimeOnly) {
  EXPECT_EQ(*parse_duration("P7D"), std::chrono::days(7));
  EXPECT_EQ(*parse_duration("P1DT2H3M4S"), std::chrono::hours(26) + std::chrono::seconds(184));
  for (const char* bad : {"P", "PT", "P1Y", "P1M", "7D", "P-1D", "PT1D", "P1H", "PT1S1M", "P1D1D", "P99999999D", "P1.5D"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
  EXPECT_EQ(*parse_duration("PT1.5S"), std::chrono::milliseconds(1500));
  EXPECT_EQ(*parse_duration("P1DT0.000001S"), std::chrono::days(1) + Duration(1));
  EXPECT_EQ(*parse_duration("PT1.50000000S"), std::chrono::milliseconds(1500)) << "zeros say nothing";
  for (const char* bad : {"PT1.S", "PT.5S", "PT1.5", "PT1.5M", "PT1.5H", "P1.5DT1S", "PT1,5S", "PT1.5.5S"}) EXPECT_FALSE(parse_duration(bad)) << bad;
  EXPECT_EQ(describe(parse_duration("PT0.0000001S").error()).find("`PT0.0000001S` is finer than a microsecond"), 0U);
  for (const char* same : {"PT1.5S", "PT0.000001S", "P1DT2H3M4.25S"}) EXPECT_EQ(format_duration(*parse_duration(same)), same);
  EXPECT_EQ(format_duration(std::chrono::hours(26)), "P1DT2H");
  EXPECT_EQ(format_duration(Duration(0)), "PT0S");
}

TEST(Suggestion, NamesTheNearestOrAll) {
  const std::string_view known[] = {"purpose", "recipient"};
  EXPECT_EQ(suggestion("porpose", known), "did you mean `purpose`?");
  EXPECT_EQ(suggestion("zzz", known), "known are `purpose`, `recipient`");
}

TEST(Random, UuidsAreOfVersionFour) {
  SystemRandom random;
  const std::string id = random.uuid_urn();
  EXPECT_EQ(id.size(), 45U);
  EXPECT_EQ(id.substr(0, 9), "urn:uuid:");
  EXPECT_EQ(id[23], '4');
  EXPECT_NE(id, random.uuid_urn());
}

TEST(Errors, SayWhereAndHowToMend) {
  const Error error = Error(ErrorCode::invalid_argument, "unknown key `porpose`").at({"a.toml", 3, 5, ""}).mended_by("did you mean `purpose`?");
  EXPECT_EQ(describe(error), "a.toml:3:5: unknown key `porpose`; did you mean `purpose`?");
}

TEST(TransactionId, IsAVersion7UuidOfItsTime) {
  SystemRandom random;
  const Timestamp time = *parse_time("2022-02-22T19:22:22Z");  // of the example in RFC 9562, appendix A.6
  const std::string id = new_transaction_id(random, time + std::chrono::microseconds(999));
  ASSERT_EQ(id.size(), 45U) << id;
  EXPECT_EQ(id.substr(0, 24), "urn:uuid:017f22e2-79b0-7") << id;
  EXPECT_NE(std::string("89ab").find(id[28]), std::string::npos) << id;
  EXPECT_NE(new_transaction_id(random, time), new_transaction_id(random, time));
  EXPECT_LT(new_transaction_id(random, time).substr(0, 22), new_transaction_id(random, time + std::chrono::milliseconds(1)).substr(0, 22));
  EXPECT_EQ(new_transaction_id(random, Timestamp(std::chrono::hours(-1))).substr(0, 24), "urn:uuid:00000000-0000-7");
}

}  // namespace
}  // namespace sluis
