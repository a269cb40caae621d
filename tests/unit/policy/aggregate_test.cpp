#include "policy/minimise/limits.hpp"
#include "tests/unit/policy/minimise_support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <set>

namespace sluis::policy {
namespace {

using test::columns;
using test::run;

using Of = Measure::Of;

DatasetColumns visits() {
  DatasetColumns dataset = columns({"street", "day"});
  dataset.columns.push_back({"person", ColumnAction::drop, false, std::nullopt});
  dataset.columns.push_back({"spent", ColumnAction::drop, false, std::nullopt});
  return dataset;
}

AggregateBy by_street() {
  return {{"street"}, {{"visits", Of::count, ""}, {"people", Of::subjects, ""}, {"spent", Of::sum, "spent"}}, "person", 100, false};
}

TEST(AggregateBy, CountsSumsAndDistinctSubjects) {
  EXPECT_EQ(run(visits(), {by_street()}, "street,day,person,spent\nA,1,p,1.50\nB,1,p,2\nA,2,p,0.25\nA,2,q,\n"),
            "street,visits,people,spent\nA,3,2,1.75\nB,1,1,2\n");
  CsvFormat lines;
  lines.form = Form::json_lines;
  EXPECT_EQ(run(visits(), {by_street()}, "{\"street\":\"A\",\"person\":1,\"spent\":2}\n{\"street\":null,\"person\":1}\n", lines),
            "{\"street\":\"A\",\"visits\":1,\"people\":1,\"spent\":2}\n{\"street\":null,\"visits\":1,\"people\":1,\"spent\":null}\n");
}

TEST(AggregateBy, SubjectsAreCountedAsTheyWereNotAsTheyAreMasked) {
  DatasetColumns dataset = visits();
  dataset.columns[2].action = ColumnAction::keep;
  EXPECT_EQ(run(dataset, {by_street(), MaskColumn{{"person"}, 0}}, "street,day,person,spent\nA,1,p,1\nA,1,q,1\n"),
            "street,visits,people,spent\nA,2,2,2\n");
}

TEST(AggregateBy, AGroupOfFewSubjectsIsSuppressedHoweverManyItsRows) {
  std::string text = "street,day,person,spent\n";
  for (int i = 0; i < 30; ++i) text += "A,1,only,1\n";
  for (int i = 0; i < 12; ++i) text += "B,1,p" + std::to_string(i) + ",1\n";
  EXPECT_EQ(run(visits(), {by_street(), SuppressSmallCells{10, {}, {}, 0}}, text), "street,visits,people,spent\nA,x,x,x\nB,12,12,12\n");
}

TEST(AggregateBy, ATotalDoesNotGiveALoneGroupAway) {
  DatasetColumns dataset = columns({"street"});
  dataset.columns.push_back({"n", ColumnAction::drop, true, std::nullopt});
  AggregateBy asked{{"street"}, {{"n", Of::sum, "n"}}, "", 10, true};
  const std::string text = "street,n\nA,4\nB,30\nC,50\nB,1\n";
  EXPECT_EQ(run(dataset, {asked}, text), "street,n\nA,4\nB,31\nC,50\n*,85\n");
  EXPECT_EQ(run(dataset, {asked, SuppressSmallCells{10, {}, {}, 0}}, text), "street,n\nA,x\nB,x\nC,50\n*,85\n");
  EXPECT_EQ(run(dataset, {asked, SuppressSmallCells{10, {}, {}, 5}}, text), "street,n\nA,x\nB,x\nC,50\n*,80\n");
  EXPECT_EQ(run(dataset, {asked, SuppressSmallCells{10, {}, {}, 20}}, text), "street,n\nA,x\nB,x\nC,60\n*,100\n");
}

TEST(AggregateBy, GroupsAfterGeneralising) {
  DatasetColumns dataset = columns({"t"});
  dataset.columns[0].time = TimeFormat{"%d/%m/%Y %H:%M", "Europe/Dublin", Doubled::earlier, Missing::drop};
  dataset.columns.push_back({"n", ColumnAction::drop, true, std::nullopt});
  const AggregateBy asked{{"t"}, {{"n", Of::sum, "n"}}, "", 10, false};
  EXPECT_EQ(run(dataset, {asked, GeneraliseTime{{"t"}, "P1D", "Europe/Dublin"}},
                "t,n\n26/03/2023 00:00,100\n26/03/2023 01:00,100\n26/03/2023 02:00,50\n27/03/2023 00:00,\n"),
            "t,n\n2023-03-26T00:00:00+00:00,150\n2023-03-27T00:00:00+01:00,\n")
      << "the skipped hour is not counted twice, and a sum of nothing is no 0";
}

TEST(AggregateBy, NothingLeavesBeforeItIsComplete) {
  AggregateBy asked = by_street();
  asked.max_groups = 2;
  auto plan = ColumnPlan::compile(visits(), std::vector<Transform>{asked});
  ASSERT_TRUE(plan);
  Transformer transformer(std::move(*plan), {});
  EXPECT_TRUE(transformer.whole_table());
  EXPECT_EQ(transformer.feed("street,day,person,spent\nA,1,p,1\nB,1,p,1\n").value(), "");
  EXPECT_EQ(transformer.feed("A,1,p,1\n").value(), "");
  const auto third = transformer.feed("C,1,p,1\n");
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(third.error().message, "more than 2 groups");
  EXPECT_FALSE(transformer.finish()) << "and nothing after it";
}

TEST(AggregateBy, RefusesWhatCannotBeMeant) {
  const auto refused = [](const AggregateBy& asked, std::vector<Transform> more = {}) {
    more.push_back(asked);
    return !ColumnPlan::compile(visits(), more, test::means());
  };
  EXPECT_FALSE(refused(by_street()));
  AggregateBy asked = by_street();
  asked.columns = {"person"};
  EXPECT_TRUE(refused(asked)) << "a dropped column is no key";
  asked = by_street();
  asked.measures[2].column = "nobody";
  EXPECT_TRUE(refused(asked));
  asked = by_street();
  asked.measures[0].name = "street";
  EXPECT_TRUE(refused(asked));
  asked = by_street();
  asked.max_groups = limits::kGroups + 1;
  EXPECT_TRUE(refused(asked));
  asked.max_groups = 0;
  EXPECT_TRUE(refused(asked)) << "no limit declared";
  asked = by_street();
  asked.subject = "";
  EXPECT_TRUE(refused(asked));
  asked.subject = "nobody";
  EXPECT_TRUE(refused(asked));
  EXPECT_TRUE(refused(by_street(), {by_street()}));
  EXPECT_TRUE(refused(by_street(), {MaskColumn{{"spent"}, 0}})) << "summed and masked";
  EXPECT_TRUE(refused(by_street(), {SuppressSmallCells{10, {"nobody"}, {}, 0}}));
  EXPECT_TRUE(refused(by_street(), {SuppressSmallCells{10, {}, {}, 0}, SuppressSmallCells{10, {}, {}, 5}}));
}

TEST(AggregateBy, WithRoundingPersonsAreCountedByLotAndAHiddenGroupHasNoRow) {
  std::string text = "street,day,person,spent\n";
  const auto add = [&](const char* street, int drawn, int others) {
    for (int i = 0; i < drawn; ++i) text += std::string(street) + ",1,p" + std::to_string(i) + ",1\n";
    for (int i = 0; i < others; ++i) text += std::string(street) + ",1,not drawn " + std::to_string(i) + ",1\n";
  };
  add("A", 9, 30);
  add("B", 12, 4);
  add("C", 1, 0);
  add("D", 30, 0);
  const AggregateBy people{{"street"}, {{"people", Of::subjects, ""}}, "person", 100, false};
  EXPECT_EQ(run(visits(), {people, SuppressSmallCells{10, {}, {}, 5}}, text), "street,people\nB,15\nD,40\n")
      << "4 / 3 of 12 is 16, of 30 it is 40; of A too few were drawn";
  const AggregateBy rows{{"street"}, {{"visits", Of::count, ""}}, "", 100, true};
  EXPECT_EQ(run(visits(), {rows, SuppressSmallCells{10, {}, {}, 5}}, text), "street,visits\nB,15\nD,40\n*,55\n")
      << "a row is drawn by what stands in it; the total is that of the parts";
}

TEST(AggregateBy, WithRoundingNothingElseStandsBesideSubjects) {
  const auto compiled = [](const AggregateBy& asked, const Means& means) {
    return ColumnPlan::compile(visits(), std::vector<Transform>{asked, SuppressSmallCells{10, {}, {}, 5}}, means);
  };
  const auto plan = compiled(by_street(), test::means());
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().message, "with `roundTo`, `visits` cannot stand beside a `subjectColumn`");
  const AggregateBy people{{"street"}, {{"people", Of::subjects, ""}}, "person", 100, false};
  EXPECT_TRUE(compiled(people, test::means()));
  Means keyless = test::means();
  keyless.lot = nullptr;
  EXPECT_FALSE(compiled(people, keyless)) << "without a key nobody is drawn, and nothing counted";
  keyless.only_check = true;
  EXPECT_TRUE(compiled(people, keyless)) << "at publication no row is read";
}

constexpr const char* kVisits = "street,day,person,spent\n";

/// By a hash, as a gate's draw is.
std::uint8_t hashed(std::string_view text) {
  return static_cast<std::uint8_t>(sip_hash({1, 2}, text));
}

AggregateBy rows_by_street(bool total = false) { return {{"street"}, {{"visits", Of::count, ""}}, "", 1000, total}; }

std::string drawn_by_hash(const std::string& rows) {
  Means means = test::means();
  means.lot = hashed;
  return run(visits(), {rows_by_street(), SuppressSmallCells{1, {}, {}, 2}}, kVisits + rows, {}, 4096, best_scan(), means);
}

/// Rows by street, of which each one counts.
Result<ColumnPlan> all_drawn_by_street() {
  Means means = test::means();
  means.lot = [](std::string_view) { return std::uint8_t{0}; };
  return ColumnPlan::compile(columns({"street"}), std::vector<Transform>{rows_by_street(), SuppressSmallCells{1, {}, {}, 2}}, means);
}

TEST(AggregateBy, ARowIsTheSameDrawWhateverElseStandsInTheFile) {
  using Rows = std::vector<int>;
  // Each street has one row, and is there if that was drawn.
  const auto streets = [](const Rows& rows) {
    std::string text;
    for (const int row : rows) text += std::to_string(row) + ",1,p,1\n";
    const std::string out = drawn_by_hash(text);
    std::set<int> drawn;
    for (const int row : rows) {
      if (out.find("\n" + std::to_string(row) + ",2\n") != out.npos) drawn.insert(row);
    }
    return drawn;
  };
  Rows all(300);
  for (int i = 0; i < 300; ++i) all[static_cast<std::size_t>(i)] = i;
  const std::set<int> drawn = streets(all);
  EXPECT_GT(drawn.size(), 190U);
  EXPECT_LT(drawn.size(), 260U);
  Rows others = all;
  std::reverse(others.begin(), others.end());
  EXPECT_EQ(streets(others), drawn) << "sorted otherwise";
  std::shuffle(others.begin(), others.end(), std::mt19937(1));
  EXPECT_EQ(streets(others), drawn);
  for (int day = 1; day < 5; ++day) {  // a window that slides: the oldest rows are gone, newer ones are there
    const Rows window(all.begin() + 40 * day, all.begin() + 40 * day + 140);
    std::set<int> same;
    std::copy_if(window.begin(), window.end(), std::inserter(same, same.end()), [&](int row) { return drawn.contains(row); });
    EXPECT_EQ(streets(window), same) << day;
  }
}

TEST(AggregateBy, EqualRowsAreDrawnOneByOneAndOthersBetweenThemChangeNothing) {
  const auto equal = [](int count, const std::string& between) {
    std::string rows;
    for (int i = 0; i < count; ++i) rows += "A,1,p,1\n" + between;
    const std::string out = drawn_by_hash(rows);
    const std::size_t at = out.find("\nA,");
    return at == out.npos ? 0 : std::stoi(out.substr(at + 3));
  };
  EXPECT_GT(equal(100, ""), 75);
  EXPECT_LT(equal(100, ""), 132) << "all of them would be 134";
  EXPECT_EQ(equal(100, "B,1,p,1\n"), equal(100, ""));
  for (int count = 1; count < 40; ++count) EXPECT_LE(equal(count - 1, ""), equal(count, "")) << "one more takes nobody out";
}

TEST(AggregateBy, ARowIsDrawnByTheTextsOfItsDeclaredColumnsAsTheyStand) {
  const auto texts = [](const std::string& text, const CsvFormat& format, std::vector<Transform> transforms = {}) {
    std::vector<std::string> drawn;
    Means means = test::means();
    means.lot = [&drawn](std::string_view one) {
      if (one.starts_with("row ")) drawn.emplace_back(one);
      return std::uint8_t{255};
    };
    transforms.insert(transforms.begin(), {rows_by_street(), SuppressSmallCells{1, {}, {}, 2}});
    run(visits(), transforms, text, format, 4096, best_scan(), means);
    std::sort(drawn.begin(), drawn.end());
    return drawn;
  };
  const auto drawn = texts("street,day,person,spent\nA,1,p,2\nA,1,p,2\nA,1p,,2\nA,1,p2,\n", {});
  ASSERT_EQ(drawn.size(), 4U);
  EXPECT_EQ(std::adjacent_find(drawn.begin(), drawn.end()), drawn.end()) << "no two rows are drawn by one text";
  EXPECT_EQ(texts("spent,new,street,day,person\n,,A,1,p2\n2,x,A,1p,\n2,y,A,1,\"p\"\n2,,A,1,p\n", {}), drawn)
      << "columns that are not declared, their order, and quotes";
  EXPECT_EQ(texts("street,day,person,spent\nA,1,p,2\nA,1,p,2\nA,1p,,2\nA,1,p2,\n", {}, {MaskColumn{{"street", "person"}, 0}}), drawn)
      << "before anything is changed";
  CsvFormat lines;
  lines.form = Form::json_lines;
  EXPECT_EQ(texts("{\"street\":\"A\",\"day\":1,\"person\":\"p\",\"spent\":2}\n{\"street\":\"A\",\"day\":1,\"spent\":2,\"person\":\"p\"}\n"
                  "{\"street\":\"A\",\"day\":\"1p\",\"spent\":2}\n{\"street\":\"A\",\"day\":1,\"person\":\"p2\",\"spent\":null}\n", lines),
            drawn);
  EXPECT_NE(texts("street,day,person,spent\nA,1,,\n", {}), texts("street,day,person,spent\nA,,1,\n", {})) << "which column it stood in";
}

TEST(AggregateBy, RowsAndSubjectsThatAreNotDrawnLeaveNoTrace) {
  // They would set the order of the groups, and use up `maxGroups`.
  for (const bool subjects : {false, true}) {
    AggregateBy asked{{"street"}, {{"n", subjects ? Of::subjects : Of::count, ""}}, subjects ? "person" : "", 2, true};
    const std::vector<Transform> transforms{asked, SuppressSmallCells{2, {}, {}, 2}};
    std::string drawn;
    for (const char* street : {"A", "B"}) {
      for (int i = 0; i < 3; ++i) drawn += std::string(street) + ",1,p" + std::to_string(i) + ",1\n";
    }
    const std::string out = run(visits(), transforms, kVisits + drawn);
    EXPECT_EQ(out, std::string("street,n\nA,4\nB,4\n*,") + (subjects ? "4" : "8") + "\n");
    const std::string others = "B,1,not drawn,1\nC,1,not drawn,1\nD,1,not drawn 2,1\nA,1,not drawn,1\n";
    EXPECT_EQ(run(visits(), transforms, kVisits + others + drawn), out);
    EXPECT_EQ(run(visits(), transforms, kVisits + drawn + others), out);
    EXPECT_EQ(run(visits(), transforms, kVisits + drawn + "C,1,p1,1\n"), "more than 2 groups") << "one that was drawn does";
  }
}

TEST(AggregateBy, WithRoundingNoSumStandsBesideRows) {
  // Twenty rows at 8:00 and one at 9:00: the total less the row of 8:00 would be what that one spent.
  const auto compiled = [](const AggregateBy& asked, std::int64_t round_to) {
    Means check;
    check.only_check = true;  // as it is published
    return ColumnPlan::compile(visits(), std::vector<Transform>{asked, SuppressSmallCells{10, {}, {}, round_to}}, check);
  };
  AggregateBy asked{{"street"}, {{"visits", Of::count, ""}, {"spent", Of::sum, "spent"}}, "", 100, true};
  for (const bool total : {true, false}) {
    asked.total = total;
    const auto plan = compiled(asked, 5);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(plan.error().message, "with `roundTo`, the sum `spent` cannot stand beside `visits`, which is counted by lot");
    EXPECT_NE(describe(plan.error()).find("publish numbers of rows by themselves"), std::string::npos);
    std::swap(asked.measures[0], asked.measures[1]);
    EXPECT_FALSE(compiled(asked, 5));
    EXPECT_TRUE(compiled(asked, 0));
  }
  EXPECT_TRUE(compiled(rows_by_street(true), 5));
}

TEST(Occurrences, AreCountedOfEachTextByASecretHash) {
  std::string text;
  for (char c = 0; c < 15; ++c) text += c;
  EXPECT_EQ(sip_hash({0x0706050403020100U, 0x0f0e0d0c0b0a0908U}, text), 0xa129ca6149be45e5U) << "the vector of the paper";
  Occurrences occurrences({3, 4});
  std::map<int, std::uint64_t> seen;
  std::mt19937 random(5);
  for (int i = 0; i < 50'000; ++i) {
    const int one = static_cast<int>(random() % 20'000U);
    ASSERT_EQ(occurrences.next(std::to_string(one)), ++seen[one]) << one;
  }
}

TEST(Occurrences, AllThatAreCountedAtATimeShareTheirMemory) {
  const std::string mend = "it is given back";
  for (int round = 0; round < 2; ++round) {
    LotMemory others;
    ASSERT_TRUE(others.take(limits::kLotBytes)) << mend;
    LotMemory more;
    EXPECT_FALSE(more.take(1)) << "limits::kLotBytes";
    Occurrences waits({3, 4});
    std::uint64_t last = 1;
    for (int i = 0; i < 10'000 && last != 0; ++i) last = waits.next(std::to_string(i));
    EXPECT_EQ(last, 0U);
    EXPECT_TRUE(waits.is_full());
    others.give_back(limits::kLotBytes / 2);
    LotMemory moved = std::move(others);
    EXPECT_TRUE(more.take(limits::kLotBytes / 2)) << mend;
    EXPECT_FALSE(more.take(1));
  }
  auto plan = all_drawn_by_street();
  ASSERT_TRUE(plan);
  Transformer transformer(std::move(*plan), {});
  LotMemory others;
  ASSERT_TRUE(others.take(limits::kLotBytes));
  std::string rows = "street\n";
  for (int i = 0; i < 10'000; ++i) rows += std::to_string(i) + "\n";
  const auto read = transformer.feed(rows);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::storage_unavailable) << "nothing is wrong with the table: " << describe(read.error());
  EXPECT_NE(describe(read.error()).find("ask again"), std::string::npos);
}

TEST(AggregateBy, RefusesACellThatIsNoNumberWithItsPlace) {
  CsvFormat format;
  format.file = "visits.csv";
  EXPECT_EQ(run(visits(), {by_street()}, "street,day,person,spent\nA,1,p,much\n", format),
            "visits.csv:2:7: row 2: a cell of `spent` is neither a decimal number nor a null word");
}

TEST(AggregateBy, BoundsItsMemory) {
  AggregateBy asked{{"street"}, {{"rows", Of::count, ""}}, "", limits::kGroups, false};
  auto plan = ColumnPlan::compile(visits(), std::vector<Transform>{asked});
  Transformer transformer(std::move(*plan), {});
  ASSERT_TRUE(transformer.feed("street,day,person,spent\n"));
  const std::string street(60'000, 's');
  Result<std::string> result = std::string();
  std::size_t rows = 0;
  while (result && rows < 100'000) result = transformer.feed(street + std::to_string(rows++) + ",,,\n");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::limit_exceeded);
  EXPECT_NE(result.error().message.find("bytes of groups"), std::string::npos) << "limits::kGroupBytes: " << result.error().message;
}

TEST(AggregateBy, BoundsTheRowsThatItTellsApart) {
  auto plan = all_drawn_by_street();
  ASSERT_TRUE(plan);
  Transformer transformer(std::move(*plan), {});
  ASSERT_TRUE(transformer.feed("street\n"));
  constexpr std::size_t kBlock = 10'000;
  static_assert(limits::kLotRows % kBlock == 0);
  for (std::size_t row = 0; row < limits::kLotRows;) {
    std::string rows;
    for (std::size_t i = 0; i < kBlock; ++i) rows += std::to_string(row++) + "\n";
    ASSERT_TRUE(transformer.feed(rows)) << row;
  }
  ASSERT_TRUE(transformer.feed("0\n0\n")) << "it knows these";
  const auto one_more = transformer.feed("another\n");
  ASSERT_FALSE(one_more) << "limits::kLotRows";
  EXPECT_EQ(one_more.error().code, ErrorCode::limit_exceeded);
  EXPECT_NE(one_more.error().message.find("rows that differ"), std::string::npos) << one_more.error().message;
}

TEST(AggregateBy, BoundsTheMemoryOfItsSubjects) {
  const auto fed = [](std::size_t groups, const std::string& prefix) {
    auto plan = ColumnPlan::compile(visits(), std::vector<Transform>{AggregateBy{{"street"}, {{"people", Of::subjects, ""}}, "person", limits::kGroups, false}});
    EXPECT_TRUE(plan);
    Transformer transformer(std::move(*plan), {});
    EXPECT_TRUE(transformer.feed("street,day,person,spent\n"));
    Result<std::string> result = std::string();
    for (std::size_t subject = 0; result && subject * groups <= limits::kSubjectPairs; ++subject) {
      std::string rows;
      for (std::size_t group = 0; group < groups; ++group) rows += std::to_string(group) + ",," + prefix + std::to_string(subject) + ",\n";
      result = transformer.feed(rows);
    }
    return result ? std::string("all") : std::string(to_string(result.error().code)) + " " + result.error().message;
  };
  const std::string pairs = fed(2000, "");
  EXPECT_NE(pairs.find("subjects in groups"), std::string::npos) << "limits::kSubjectPairs: " << pairs;
  const std::string bytes = fed(1, std::string(60'000, 's'));
  EXPECT_NE(bytes.find("bytes of groups"), std::string::npos) << "limits::kGroupBytes: " << bytes;
}

}  // namespace
}  // namespace sluis::policy
