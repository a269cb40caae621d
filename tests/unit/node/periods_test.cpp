#include "connector/node/periods.hpp"

#include "connector/base/time.hpp"

#include <gtest/gtest.h>

namespace sluis::node {
namespace {

std::string end(Period period, const std::string& within) { return format_time(end_of(period, *parse_time(within))).substr(0, 19); }

TEST(Periods, EndWithTheirPartOfTheCalendar) {
  EXPECT_EQ(end(Period::year, "2026-01-01T00:00:00Z"), "2027-01-01T00:00:00");
  EXPECT_EQ(end(Period::year, "2026-12-31T23:59:59Z"), "2027-01-01T00:00:00");
  EXPECT_EQ(end(Period::quarter, "2026-03-31T23:00:00Z"), "2026-04-01T00:00:00");
  EXPECT_EQ(end(Period::quarter, "2026-04-01T00:00:00Z"), "2026-07-01T00:00:00");
  EXPECT_EQ(end(Period::quarter, "2026-11-28T01:00:00Z"), "2027-01-01T00:00:00");
  EXPECT_EQ(end(Period::month, "2028-02-29T12:00:00Z"), "2028-03-01T00:00:00");
  EXPECT_EQ(end(Period::month, "2026-12-01T00:00:00Z"), "2027-01-01T00:00:00");
}

TEST(Periods, HaveThreeNames) {
  EXPECT_EQ(period_from("month"), Period::month);
  EXPECT_EQ(period_from("quarter"), Period::quarter);
  EXPECT_EQ(period_from("year"), Period::year);
  for (const char* other : {"", "week", "Year", "years"}) EXPECT_FALSE(period_from(other)) << other;
}

}  // namespace
}  // namespace sluis::node
