#include "connector/base/time.hpp"
#include "policy/minimise/limits.hpp"
#include "tests/unit/policy/minimise_support.hpp"

#include <gtest/gtest.h>

namespace sluis::policy {
namespace {

using test::columns;
using test::run;

DatasetColumns timed(TimeFormat format) {
  DatasetColumns dataset = columns({"t", "n"});
  dataset.columns[0].time = std::move(format);
  return dataset;
}

std::string time_of(const TimeFormat& format, std::string_view step, std::string_view zone, const std::string& label) {
  const std::vector<Transform> transforms{GeneraliseTime{{"t"}, std::string(step), std::string(zone)}};
  const std::string out = run(timed(format), transforms, "t,n\n" + label + ",1\n");
  if (!out.starts_with("t,n\n")) return out;
  return out.substr(4, out.size() - 4 - (out.size() > 4 ? 3 : 0));
}

const TimeFormat kDublin{"%d/%m/%Y %H:%M", "Europe/Dublin", Doubled::earlier, Missing::refuse};

TEST(GeneraliseTime, StatesItsZoneInSummerAndWinter) {
  EXPECT_EQ(time_of(kDublin, "PT1H", "Europe/Dublin", "01/06/2023 13:47"), "2023-06-01T13:00:00+01:00");
  EXPECT_EQ(time_of(kDublin, "PT15M", "Europe/Dublin", "01/12/2023 13:47"), "2023-12-01T13:45:00+00:00");
  EXPECT_EQ(time_of(kDublin, "P1D", "Europe/Dublin", "01/06/2023 23:59"), "2023-06-01T00:00:00+01:00");
  EXPECT_EQ(time_of(kDublin, "P7D", "Europe/Dublin", "04/06/2023 23:59"), "2023-05-29T00:00:00+01:00") << "from Monday";
  EXPECT_EQ(time_of(kDublin, "P1M", "Europe/Dublin", "26/03/2023 12:00"), "2023-03-01T00:00:00+00:00");
  EXPECT_EQ(time_of(kDublin, "P1Y", "Europe/Dublin", "26/03/2023 12:00"), "2023-01-01T00:00:00+00:00");
  EXPECT_EQ(time_of(kDublin, "P1D", "Europe/Amsterdam", "01/06/2023 23:30"), "2023-06-02T00:00:00+02:00") << "another zone's day";
  EXPECT_EQ(time_of(kDublin, "P1D", "UTC", "02/06/2023 00:30"), "2023-06-01T00:00:00+00:00");
}

TEST(GeneraliseTime, TheDoubledHour) {
  TimeFormat format = kDublin;
  EXPECT_EQ(time_of(format, "PT1H", "Europe/Dublin", "29/10/2023 00:30"), "2023-10-29T00:00:00+01:00");
  EXPECT_EQ(time_of(format, "PT1H", "Europe/Dublin", "29/10/2023 01:00"), "2023-10-29T01:00:00+01:00") << "where it begins";
  EXPECT_EQ(time_of(format, "PT1H", "Europe/Dublin", "29/10/2023 02:00"), "2023-10-29T02:00:00+00:00");
  EXPECT_EQ(time_of(format, "P1D", "Europe/Dublin", "29/10/2023 23:00"), "2023-10-29T00:00:00+01:00");
  format.doubled = Doubled::later;
  EXPECT_EQ(time_of(format, "PT1H", "Europe/Dublin", "29/10/2023 01:30"), "2023-10-29T01:00:00+00:00");
  format.doubled = Doubled::refuse;
  EXPECT_EQ(time_of(format, "PT1H", "Europe/Dublin", "29/10/2023 01:30"),
            "2:1: row 2: a cell of `t` is a time that comes twice on the clocks of `Europe/Dublin`");
  const TimeFormat offset{};  // with offsets nothing is doubled
  EXPECT_EQ(time_of(offset, "PT1H", "Europe/Dublin", "2023-10-29T01:30:00+01:00"), "2023-10-29T01:00:00+01:00");
  EXPECT_EQ(time_of(offset, "PT1H", "Europe/Dublin", "2023-10-29T01:30:00Z"), "2023-10-29T01:00:00+00:00");
  EXPECT_EQ(time_of(offset, "PT15M", "Europe/Dublin", "2023-10-29T00:40:00Z"), "2023-10-29T01:30:00+01:00");
}

TEST(GeneraliseTime, TheMissingHour) {
  TimeFormat format = kDublin;
  EXPECT_NE(time_of(format, "PT1H", "Europe/Dublin", "26/03/2023 01:00").find("the clocks of `Europe/Dublin` skip"), std::string::npos);
  EXPECT_EQ(time_of(format, "PT1H", "Europe/Dublin", "26/03/2023 02:00"), "2023-03-26T02:00:00+01:00");
  format.missing = Missing::drop;
  EXPECT_EQ(time_of(format, "PT1H", "Europe/Dublin", "26/03/2023 01:00"), "") << "no such hour, no row";
  EXPECT_EQ(time_of(format, "PT2H", "Europe/Amsterdam", "26/03/2023 02:30"), "2023-03-26T03:00:00+02:00") << "begins where the clocks go on";
  const std::vector<Transform> transforms{GeneraliseTime{{"t"}, "PT1H", "Europe/Dublin"}};
  EXPECT_EQ(run(timed(format), transforms, "t,n\n26/03/2023 00:00,1\n26/03/2023 01:00,1\n26/03/2023 01:00,1\n26/03/2023 02:00,2\n"),
            "t,n\n2023-03-26T00:00:00+00:00,1\n2023-03-26T02:00:00+01:00,2\n");
}

/// Hour by hour through both changes: every moment is in the period that is written, and periods follow each other.
TEST(GeneraliseTime, PeriodsOfAYearFollowEachOther) {
  const auto zone = *test::machine_zone("Europe/Amsterdam");
  std::string last;
  TimeCell cell({}, nullptr, *time_step_from("PT1H"), zone);
  int changes = 0;
  for (std::int64_t utc = 1'672'527'600; utc < 1'704'063'600; utc += 1800) {  // 2023, on the clocks of Amsterdam
    const std::string text = format_time(Timestamp(std::chrono::seconds(utc)));
    ASSERT_TRUE(cell.read(text));
    const auto begin = parse_time(cell.text());
    ASSERT_TRUE(begin) << cell.text();
    const std::int64_t since = utc - std::chrono::floor<std::chrono::seconds>(*begin).time_since_epoch().count();
    ASSERT_TRUE(since >= 0 && since < 3600) << text << " in " << cell.text();
    changes += cell.text() != last ? 1 : 0;
    last = cell.text();
  }
  EXPECT_EQ(changes, 8760);
}

TEST(GeneraliseTime, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(time_of(kDublin, "PT7H", "UTC", "01/06/2023 13:47").find("`PT7H` is no period"), std::string::npos);
  EXPECT_NE(time_of(kDublin, "PT1H", "Europe/Nowhere", "01/06/2023 13:47").find("not a TZif file"), std::string::npos);
  EXPECT_NE(time_of(kDublin, "PT1H", "../../etc/passwd", "01/06/2023 13:47").find("is not the name"), std::string::npos);
  for (const char* bad : {"31/02/2023 10:00", "1/6/2023 10:00", "01/06/2023 24:00", "01/06/2023 10:00Z", "2023-06-01 10:00", "01/06/2150 10:00"}) {
    EXPECT_NE(time_of(kDublin, "PT1H", "UTC", bad).find("row 2: a cell of `t` is "), std::string::npos) << bad;
    EXPECT_EQ(time_of(kDublin, "PT1H", "UTC", bad).find(bad), std::string::npos) << "the cell is not shown";
  }
  EXPECT_FALSE(check_time_format({"%d/%m %H", "UTC", {}, {}}));
  EXPECT_FALSE(check_time_format({"%Y%m%d%d", "UTC", {}, {}}));
  EXPECT_FALSE(check_time_format({"%Y-%m-%q", "UTC", {}, {}}));
  EXPECT_FALSE(check_time_format({"%Y-%m-%d%", "UTC", {}, {}}));
  EXPECT_FALSE(check_time_format({"%Y-%m-%d", "", {}, {}}));
  EXPECT_FALSE(check_time_format({"%Y-%m-%d" + std::string(limits::kPatternBytes, 'x'), "UTC", {}, {}}));
  EXPECT_NE(run(columns({"t"}), {GeneraliseTime{{"t"}, "P1D", "UTC"}}, "t\n").find("does not say how the times"), std::string::npos);
}

TEST(Zone, ReadsTheRuleAtTheEndAndRefusesTheRest) {
  std::ifstream in("/usr/share/zoneinfo/Europe/Amsterdam", std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  const std::string file = text.str();
  const auto zone = parse_tzif(file, "a");
  ASSERT_TRUE(zone);
  EXPECT_EQ(zone->at(4'086'547'200)->offset, 7200) << "July 2099, beyond the table of changes";
  EXPECT_EQ(zone->at(4'102'444'800), nullptr) << "2100";
  for (std::size_t size = 0; size < file.size(); size += 7) EXPECT_FALSE(parse_tzif(file.substr(0, size), "a")) << size;
  EXPECT_EQ(parse_tzif(file + std::string(limits::kZoneBytes, ' '), "a").error().code, ErrorCode::limit_exceeded);
  std::string head = "TZif" + std::string(1, '\0') + std::string(15, '\0') + std::string(12, '\0');
  const std::string times = {0, 0, static_cast<char>((limits::kZoneTransitions + 1) >> 8U), static_cast<char>((limits::kZoneTransitions + 1) & 0xFFU)};
  EXPECT_FALSE(parse_tzif(head + times + std::string("\0\0\0\1\0\0\0\0", 8) + std::string(40'000, '\0'), "a"));
  EXPECT_FALSE(ZoneTable::make("z", {}));
  EXPECT_FALSE(ZoneTable::make("z", {{0, 10, 0}, {11, 20, 3600}}));
}

TEST(MaskColumn, KeepsTheFirstCharactersAndNotTheLength) {
  const auto masked = [](std::uint32_t keep, const std::string& text) {
    return run(columns({"c"}), {MaskColumn{{"c"}, keep}}, "c\n" + text + "\n").substr(2);
  };
  EXPECT_EQ(masked(4, "1234AB"), "1234*\n");
  EXPECT_EQ(masked(4, "1234"), "1234\n");
  EXPECT_EQ(masked(0, "anything at all"), "*\n");
  EXPECT_EQ(masked(2, "\xC3\xA9\xE2\x82\xAC" "x"), "\xC3\xA9\xE2\x82\xAC*\n") << "characters, not bytes";
  EXPECT_EQ(masked(0, ""), "\n") << "a null stays one";
  EXPECT_NE(run(columns({"c"}), {MaskColumn{{"c"}, 65}}, "c\n").find("at most 64"), std::string::npos);
}

TEST(Pseudonymise, ReplacesEachCellAndKeepsNulls) {
  CsvFormat format;
  format.null_words = {"-"};
  const std::vector<Transform> one{Pseudonymise{{"id"}, "2026"}};
  const std::string out = run(columns({"id", "n"}), one, "id,n\nA1,1\n-,2\n,3\nA1,4\nB2,5\n", format);
  std::vector<std::string> ids;
  std::istringstream rows(out);
  for (std::string row; std::getline(rows, row);) ids.push_back(row.substr(0, row.find(',')));
  ASSERT_EQ(ids.size(), 6U);
  EXPECT_EQ(ids[1].size(), 22U);
  EXPECT_EQ(ids[1], ids[4]);
  EXPECT_NE(ids[1], ids[5]);
  EXPECT_EQ(ids[2], "-");
  EXPECT_EQ(ids[3], "");
  for (const char* epoch : {"", "a b", "\xC3\xA9"}) {
    EXPECT_NE(run(columns({"id"}), {Pseudonymise{{"id"}, epoch}}, "id\n").find("no name of an epoch"), std::string::npos);
  }
  EXPECT_FALSE(ColumnPlan::compile(columns({"id"}), one)) << "no key, no pseudonyms";
}

TEST(GeneralisePlace, GridAndLookup) {
  const std::vector<Transform> grid{GeneralisePlace{{"y", "x"}, "0.01", ""}};
  EXPECT_EQ(run(columns({"y", "x"}), grid, "y,x\n53.34902,-6.26005\n53,0.01\n,-0.001\n"), "y,x\n53.34,-6.27\n53.00,0.01\n,-0.01\n");
  EXPECT_EQ(run(columns({"y"}), {GeneralisePlace{{"y"}, "500", ""}}, "y\n463218.5\n"), "y\n463000\n");
  EXPECT_NE(run(columns({"y"}), {GeneralisePlace{{"y"}, "1", ""}}, "y\nhere\n").find("is no decimal number"), std::string::npos);
  const std::vector<Transform> lookup{GeneralisePlace{{"p"}, "", "districts"}};
  EXPECT_EQ(run(columns({"p"}), lookup, "p\nKerkstraat\nHaven\nElsewhere\n\n"), "p\nCentrum\n\"Noord, oost\"\nx\n\n");
  CsvFormat plain;
  plain.quote = '\0';
  EXPECT_NE(run(columns({"p"}), lookup, "p\nHaven\n", plain).find("nothing is quoted"), std::string::npos);
  for (const Transform& bad : {Transform(GeneralisePlace{{"p"}, "", ""}), Transform(GeneralisePlace{{"p"}, "0", ""}),
                               Transform(GeneralisePlace{{"p"}, "1", "districts"}), Transform(GeneralisePlace{{"p"}, "", "none"})}) {
    EXPECT_FALSE(ColumnPlan::compile(columns({"p"}), std::vector<Transform>{bad}, test::means()));
  }
  EXPECT_EQ(parse_place_table("a,b\nx,1\nx,2\n", "l.csv").error().place.line, 3U);
  EXPECT_FALSE(parse_place_table("a,b,c\n", "l.csv"));
  EXPECT_FALSE(parse_place_table("", "l.csv"));
  EXPECT_EQ(parse_place_table(std::string(limits::kLookupBytes + 1, 'x'), "l.csv").error().code, ErrorCode::limit_exceeded);
}

TEST(ColumnPlan, ATransformOfAnUndeclaredOrTwiceTransformedColumnIsRefused) {
  const auto refused = [](const std::vector<Transform>& transforms) {
    DatasetColumns dataset = columns({"a", "n"});
    return !ColumnPlan::compile(dataset, transforms, test::means());
  };
  EXPECT_TRUE(refused({MaskColumn{{"nobody"}, 0}}));
  EXPECT_TRUE(refused({MaskColumn{{}, 0}}));
  EXPECT_TRUE(refused({MaskColumn{{"a"}, 0}, Pseudonymise{{"a"}, "e"}}));
  EXPECT_TRUE(refused({MaskColumn{{"n"}, 0}, SuppressSmallCells{10, {"n"}, {}, 0}}));
  EXPECT_FALSE(refused({MaskColumn{{"a"}, 0}, SuppressSmallCells{10, {"n"}, {}, 0}}));
}

TEST(Decimals, AreExact) {
  EXPECT_EQ(to_string(*decimal_from("-0.05", '.'), ','), "-0,05");
  EXPECT_EQ(to_string(*sum(*decimal_from("0.1", '.'), *decimal_from("0.25", '.')), '.'), "0.35");
  for (const char* bad : {"", "-", "1.", ".5", "1e3", "1,000.5", "1234567890123456789", "0.1234567890", " 1"}) EXPECT_FALSE(decimal_from(bad, '.')) << bad;
  EXPECT_FALSE(sum(*decimal_from("999999999999999999", '.'), *decimal_from("0.001", '.')));
}

}  // namespace
}  // namespace sluis::policy
