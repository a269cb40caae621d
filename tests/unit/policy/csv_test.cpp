#include "connector/base/limits.hpp"
#include "policy/minimise/csv.hpp"

#include <gtest/gtest.h>

namespace sluis::policy {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Result<Rows> read(std::string_view text, std::size_t step, const CsvFormat& format = {}) {
  Rows rows;
  CsvReader reader(format);
  const auto keep = [&](const CsvRow& row) -> Result<void> {
    rows.emplace_back(row.fields.begin(), row.fields.end());
    return {};
  };
  for (std::size_t i = 0; i < text.size(); i += step) SLUIS_CHECK(reader.feed(text.substr(i, step), keep));
  SLUIS_CHECK(reader.finish(keep));
  return rows;
}

TEST(CsvReader, ReadsTheSameInPiecesOfAnySize) {
  const std::string text = "\xEF\xBB\xBF" "a,b,c\r\n1,\"x,\"\"y\"\"\nz\",\r\n,\xC3\xA9\xE2\x82\xAC,\"\"";
  const Rows wanted{{"a", "b", "c"}, {"1", "x,\"y\"\nz", ""}, {"", "\xC3\xA9\xE2\x82\xAC", ""}};
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const auto rows = read(text, step);
    ASSERT_TRUE(rows) << describe(rows.error());
    EXPECT_EQ(*rows, wanted) << step;
  }
}

TEST(CsvReader, TakesDelimiterAndEncodingAsDeclared) {
  EXPECT_EQ(*read("a;b\ncaf\xE9;1,2\n", 3, {';', Encoding::iso_8859_1, {}}),
            (Rows{{"a", "b"}, {"caf\xC3\xA9", "1,2"}}));
  EXPECT_EQ(encoding_from("ISO-8859-1").value(), Encoding::iso_8859_1);
  EXPECT_FALSE(encoding_from("windows-1252"));
  EXPECT_FALSE(read("a\n", 1, {'x', Encoding::utf_8, {}}));
}

void refused(std::string_view text, std::string_view part, const CsvFormat& format = {}) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{5}, text.size()}) {
    const auto rows = read(text, step, format);
    ASSERT_FALSE(rows) << text;
    EXPECT_NE(rows.error().message.find(part), std::string::npos) << rows.error().message;
  }
}

TEST(CsvReader, RefusesWithTheRow) {
  refused("a,b\n1,2\n3\n", "row 3: 1 fields where the header has 2");
  refused("a,b\n1,2,3\n", "row 2: 3 fields");
  refused("a,b\n\n", "row 2: 1 fields");
  refused("a\nx\"y\n", "row 2: a quote inside");
  refused("a\n\"x\"y\n", "row 2: text after a closing quote");
  refused("a\n\"x", "row 2: a quote is never closed");
  refused("a\rb\n", "row 1: a lone carriage return");
  refused(std::string_view("a\nx\0\n", 5), "row 2: a NUL byte");
  refused(std::string_view("a\n\"x\0\"\n", 7), "row 2: a NUL byte");
  refused("a\ncaf\xE9\n", "this is not UTF-8");
  refused("a\n\xC0\xAF\n", "this is not UTF-8");
  refused("a\n\xED\xA0\x80\n", "this is not UTF-8");
  refused("a\n\xE2\x82", "inside a UTF-8 character");
  refused("\xFF\xFE" "a", "this is not UTF-8");
  refused("a\n\x93quote\x94\n", "ISO 8859-1", {',', Encoding::iso_8859_1, {}});
}

TEST(CsvReader, BoundsFieldsAndColumns) {
  const std::string full(limits::kCsvFieldBytes, 'f');
  EXPECT_TRUE(read("a\n" + full + "\n", 1000));
  EXPECT_EQ(read("a\n" + full + "f\n", 1000).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(read("a\n\"" + full + "f\"\n", 1000).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(read("a\n" + std::string(10U << 20U, 'f'), 65536).error().code, ErrorCode::limit_exceeded);
  EXPECT_TRUE(read(std::string(limits::kCsvColumns - 1, ','), 1000));
  EXPECT_EQ(read(std::string(limits::kCsvColumns, ','), 1000).error().code, ErrorCode::limit_exceeded);
}

TEST(CsvReader, StaysFailed) {
  CsvReader reader({});
  const auto ignore = [](const CsvRow&) -> Result<void> { return {}; };
  EXPECT_FALSE(reader.feed("a\nx\"\n", ignore));
  EXPECT_FALSE(reader.feed("b\n", ignore));
  EXPECT_FALSE(reader.finish(ignore));
}

TEST(WriteField, QuotesOnlyWhatNeedsIt) {
  std::string out;
  for (const std::string_view field : {"plain", "a,b", "say \"x\"", "two\nlines", ""}) write_field(out, field, ',');
  EXPECT_EQ(out, "plain\"a,b\"\"say \"\"x\"\"\"\"two\nlines\"");
}

}  // namespace
}  // namespace sluis::policy
