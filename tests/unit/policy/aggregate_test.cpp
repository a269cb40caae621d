#include "policy/minimise/limits.hpp"
#include "tests/unit/policy/minimise_support.hpp"

#include <gtest/gtest.h>

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
  EXPECT_EQ(run(visits(), {rows, SuppressSmallCells{10, {}, {}, 5}}, text), "street,visits\nA,50\nB,20\nD,40\n*,110\n")
      << "the means of this test draw every row";
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
