#include "policy/minimise/limits.hpp"
#include "tests/unit/policy/minimise_support.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluis::policy {
namespace {

using test::columns;
using test::run;

TEST(Scan, AllKindsSeeTheSame) {
  std::mt19937_64 dice(20261126);
  const std::string spice = "\",;\n\r\t|:'a\xC3\xA9";
  for (int round = 0; round < 200; ++round) {
    std::string bytes(256, '\0');
    for (char& c : bytes) c = dice() % 3 == 0 ? spice[dice() % spice.size()] : static_cast<char>(dice() & 0xFFU);
    std::array<BlockMasks, 4> plain;
    block_scan(ScanKind::scalar)(bytes.data(), ';', '"', plain);
    for (const ScanKind kind : {ScanKind::sse2, ScanKind::avx2}) {
      std::array<BlockMasks, 4> wide;
      block_scan(kind)(bytes.data(), ';', '"', wide);
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(wide[i].delimiter, plain[i].delimiter);
        EXPECT_EQ(wide[i].quote, plain[i].quote);
        EXPECT_EQ(wide[i].line_feed, plain[i].line_feed);
        EXPECT_EQ(wide[i].carriage_return, plain[i].carriage_return);
        EXPECT_EQ(wide[i].nul, plain[i].nul);
        EXPECT_EQ(wide[i].high, plain[i].high);
      }
    }
  }
}

/// Whatever the input, whatever the pieces and the instructions: the same rows or the same error.
TEST(Scan, TheSameResultFromAnyPiecesAndInstructions) {
  std::mt19937_64 dice(7);
  const std::vector<std::string> words{"a", "\"x\"", "\"p,q\"", "\"l\nm\"", "\"\"\"\"", "", "\xC3\xA9", std::string(70, 'w'), "1\"", "\r", "\"u\"v"};
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = "a,b,c\n";
    const std::size_t good = round % 2 == 0 ? 8 : words.size();
    for (std::size_t row = 1 + dice() % 6; row > 0; --row) {
      for (int i = 0; i < 3; ++i) text += (i == 0 ? "" : ",") + words[dice() % good];
      text += dice() % 2 == 0 ? "\n" : "\r\n";
    }
    if (round % 2 == 1) text[dice() % text.size()] = "\"\r\n,\xFF"[dice() % 5];
    const std::string whole = run(columns({"a", "c"}), {}, text, {}, text.size(), ScanKind::scalar);
    refused += whole.find("row ") != std::string::npos ? 1 : 0;
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{64}, text.size()}) {
      for (const ScanKind kind : {ScanKind::scalar, ScanKind::sse2, ScanKind::avx2}) {
        ASSERT_EQ(run(columns({"a", "c"}), {}, text, {}, step, kind), whole) << text << " by " << step;
      }
    }
  }
  EXPECT_GT(refused, 300);
  EXPECT_LT(refused, 1500);
}

TEST(CsvReader, SaysFileLineAndColumn) {
  CsvFormat format;
  format.file = "counts.csv";
  EXPECT_EQ(run(columns({"a"}), {}, "a,b\n\"x\ny\",1\n2,\"z\"q\n", format).substr(0, 29), "counts.csv:4:6: row 3: text a");
  EXPECT_EQ(run(columns({"a"}), {}, "a,b\n1,2\n\xC3\xA9" "9,\xFF\n", format).substr(0, 18), "counts.csv:3:4: ro");
  EXPECT_EQ(run(columns({"a"}), {}, "a,b\n1,2\n3\n", format).substr(0, 24), "counts.csv:3:1: row 3: 1");
  const std::vector<Transform> small{SuppressSmallCells{10, {"b"}, {}, 0}};
  EXPECT_EQ(run(columns({"a", "b"}), small, "a,b\n1,2\n3,n/a\n", format),
            "counts.csv:3:3: row 3: a cell of `b` is neither a whole number nor a null word");
}

TEST(Dialect, SemicolonDecimalCommaQuoteAndMark) {
  CsvFormat format;
  format.delimiter = ';';
  format.decimal = ',';
  format.quote = '\'';
  format.mark = true;
  const std::vector<Transform> grid{GeneralisePlace{{"y"}, "0.5", ""}};
  EXPECT_EQ(run(columns({"name", "y"}), grid, "\xEF\xBB\xBFname;x;y\r\n'a;''b''';1;52,74\r\nc\"d;2;-0,1\r\n", format),
            "\xEF\xBB\xBFname;y\r\n'a;''b''';52,5\r\nc\"d;-0,5\r\n");
  format.quote = '\0';
  format.mark = false;
  EXPECT_EQ(run(columns({"name", "y"}), {}, "name;y\n\"a\";1\n", format), "name;y\n\"a\";1\n") << "a quote is text";
}

TEST(Dialect, TheEncodingCanStay) {
  CsvFormat format;
  format.encoding = Encoding::iso_8859_1;
  EXPECT_EQ(run(columns({"a"}), {}, "a,b\ncaf\xE9,1\n", format), "a\ncaf\xC3\xA9\n");
  format.same_encoding = true;
  EXPECT_EQ(run(columns({"a"}), {}, "a,b\ncaf\xE9,1\n", format), "a\ncaf\xE9\n");
}

TEST(Dialect, WhatItCannotBeIsRefused) {
  CsvFormat format;
  format.quote = 'x';
  EXPECT_FALSE(check_format(format));
  format.quote = '\0';
  format.decimal = ',';
  EXPECT_FALSE(check_format(format));
  format.delimiter = ';';
  EXPECT_TRUE(check_format(format));
  format.decimal = '\'';
  EXPECT_FALSE(check_format(format));
  CsvFormat lines;
  lines.form = Form::json_lines;
  EXPECT_TRUE(check_format(lines));
  lines.encoding = Encoding::iso_8859_1;
  EXPECT_FALSE(check_format(lines));
}

TEST(Dialect, NullWordZeroAndEmptyDiffer) {
  CsvFormat format;
  format.null_words = {"-", "n/a"};
  const std::vector<Transform> small{SuppressSmallCells{10, {"n"}, {}, 0}};
  EXPECT_EQ(run(columns({"n"}), small, "n\n-\n0\n\"\"\n20\nn/a\n", format), "n\n-\nx\n\n20\nn/a\n");
}

CsvFormat lines() {
  CsvFormat format;
  format.form = Form::json_lines;
  format.file = "counts.jsonl";
  return format;
}

TEST(JsonLines, OnlyDeclaredKeysLeave) {
  EXPECT_EQ(run(columns({"b", "a"}), {}, "{\"a\":1.50,\"secret\":{\"b\":2},\"b\":\"x\\\"\\u00e9\"}\r\n{\"a\":null}\n{\"b\":true}", lines()),
            "{\"b\":\"x\\\"\xC3\xA9\",\"a\":1.50}\n{\"a\":null}\n{\"b\":true}\n");
  EXPECT_EQ(run(columns({"a"}), {}, "", lines()), "");
}

TEST(JsonLines, NullZeroEmptyAndAbsentDiffer) {
  const std::vector<Transform> small{SuppressSmallCells{10, {"n"}, {}, 5}};
  EXPECT_EQ(run(columns({"n"}), small, "{\"n\":null}\n{\"n\":0}\n{\"n\":12}\n{}\n{\"n\":\"12\"}\n", lines()),
            "{\"n\":null}\n{\"n\":\"x\"}\n{\"n\":10}\n{}\n{\"n\":\"10\"}\n");
  EXPECT_EQ(run(columns({"n"}), small, "{\"n\":\"\"}\n", lines()),
            "counts.jsonl:1:6: row 1: a cell of `n` is neither a whole number nor a null word");
}

TEST(JsonLines, RefusesWithFileLineAndColumn) {
  const auto starts = [](std::string_view text, const std::string& wanted) {
    EXPECT_EQ(run(columns({"a"}), {}, text, lines()).substr(0, wanted.size()), wanted);
  };
  starts("{\"a\":1}\n{\"a\":}\n", "counts.jsonl:2:6: row 2: ");
  starts("{\"a\":1}\n\n", "counts.jsonl:2:1: row 2: an empty line");
  starts("[1]\n", "counts.jsonl:1:1: row 1: an array where an object is due");
  starts("{\"b\":0,\"a\":[1]}\n", "counts.jsonl:1:12: row 1: `a` is an array");
  starts("{\"a\":1,\"a\":2}\n", "counts.jsonl:1:");
  starts("{\"a\":\"\xFF\"}\n", "counts.jsonl:1:");
  std::string deep = "{\"b\":";
  for (std::size_t i = 1; i < limits::kLineDepth; ++i) deep += '[';
  const std::string deep_end(limits::kLineDepth - 1, ']');
  EXPECT_EQ(run(columns({"a"}), {}, deep + deep_end + "}\n", lines()), "{}\n");
  starts(deep + "[]" + deep_end + "}\n", "counts.jsonl:1:");
}

TEST(Limits, RowsOfBothForms) {
  const std::string field(60'000, 'f');
  std::string wide = "a";
  std::string row = "1";
  for (int i = 0; i < 80; ++i) {
    wide += ",c" + std::to_string(i);
    row += "," + field;
  }
  EXPECT_NE(run(columns({"a"}), {}, wide + "\n" + row + "\n", {}, 65536).find("row 2: more than 4194304 bytes"), std::string::npos);
  const std::string line = "{\"a\":1,\"b\":\"" + std::string(limits::kRowBytes, 'b') + "\"}\n";
  EXPECT_NE(run(columns({"a"}), {}, line, lines(), 65536).find("row 1: more than 4194304 bytes"), std::string::npos);
  std::string many = "{\"a\":1,\"b\":[0";
  for (std::size_t i = 0; i < limits::kLineValues; ++i) many += ",0";
  EXPECT_NE(run(columns({"a"}), {}, many + "]}\n", lines(), 65536).find("row 1: "), std::string::npos);
}

}  // namespace
}  // namespace sluis::policy
