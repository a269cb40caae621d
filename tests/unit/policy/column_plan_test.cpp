#include "policy/minimise/transformer.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace sluis::policy {
namespace {

DatasetColumns counts() {
  DatasetColumns dataset;
  for (const char* name : {"time", "counter", "total", "in", "out"}) {
    dataset.columns.push_back({name, ColumnAction::keep});
  }
  return dataset;
}
const SumGroup kSum{"total", {"in", "out"}};
const Transform kSuppress = SuppressSmallCells{10, {}, {kSum}, 0};

Result<std::string> run(const DatasetColumns& dataset, const std::vector<Transform>& transforms, std::string_view text,
                        CsvFormat format = {}) {
  SLUIS_TRY(ColumnPlan plan, ColumnPlan::compile(dataset, transforms));
  Transformer transformer(std::move(plan), std::move(format));
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 7) {
    SLUIS_TRY(const std::string some, transformer.feed(text.substr(i, 7)));
    out += some;
  }
  SLUIS_TRY(const std::string rest, transformer.finish());
  return out + rest;
}

std::string cells(const std::string& row) {
  const auto out = run(counts(), {kSuppress}, "time,counter,total,in,out\nt,c," + row + "\n",
                       {',', Encoding::utf_8, {"-"}});
  if (!out) return describe(out.error());
  return out->substr(out->rfind("t,c,") + 4, out->size() - out->rfind("t,c,") - 5);
}

TEST(SuppressSmallCells, FollowsTheRule) {
  EXPECT_EQ(cells("100,40,60"), "100,40,60");
  EXPECT_EQ(cells("20,10,10"), "20,10,10");
  EXPECT_EQ(cells("9,4,5"), "x,x,x");
  EXPECT_EQ(cells("0,0,0"), "x,x,x");
  EXPECT_EQ(cells("50,3,47"), "50,x,x") << "the smaller remaining one too";
  EXPECT_EQ(cells("50,50,0"), "50,x,x") << "a tie never hides the total, which would tell that the other is 0";
  EXPECT_EQ(cells("12,6,6"), "12,x,x");
  EXPECT_EQ(cells("20,3,30"), "x,x,30") << "where the sum does not hold";
}

TEST(SuppressSmallCells, AnEmptyCellStaysAndRevealsNothing) {
  EXPECT_EQ(cells(",,"), ",,");
  EXPECT_EQ(cells("-,-,-"), "-,-,-");
  EXPECT_EQ(cells("100,,60"), "100,,60") << "the difference, 40, is not small";
  EXPECT_EQ(cells("50,,47"), "50,,x") << "the difference would be 3";
  EXPECT_EQ(cells("50,47,-"), "50,x,-");
  EXPECT_EQ(cells("50,,3"), "50,,x");
  EXPECT_EQ(cells("47,,50"), "x,,50");
  EXPECT_EQ(cells(",3,47"), ",x,47") << "no total, nothing to compute";
  EXPECT_EQ(cells(",30,47"), ",30,47");
  EXPECT_EQ(cells(",,4"), ",,x");
}

TEST(SuppressSmallCells, RoundsStablyAndTotalsAreOfRoundedParts) {
  const auto round = [](const std::string& row) {
    const auto out = run(counts(), {SuppressSmallCells{10, {}, {kSum}, 5}}, "time,counter,total,in,out\nt,c," + row + "\n");
    return out ? out->substr(out->rfind("t,c,") + 4, out->size() - out->rfind("t,c,") - 5) : describe(out.error());
  };
  EXPECT_EQ(round("53,22,31"), "50,20,30");
  EXPECT_EQ(round("50,3,47"), "45,x,x");
  EXPECT_EQ(round("12,12,"), "10,x,") << "the empty one would be 0";
  EXPECT_EQ(round("13,1,12"), "10,x,x");
  EXPECT_EQ(round("9,4,5"), "x,x,x");
}

TEST(SuppressSmallCells, ACellThatIsNoNumberIsAnError) {
  for (const char* bad : {"x,10,10", "1.5,10,10", "-3,10,10", " 3,10,10", "1e3,10,10", "1234567890123456,10,10"}) {
    EXPECT_NE(cells(bad).find("row 2: a cell of `total` is neither"), std::string::npos) << cells(bad);
  }
}

/// What is published about one row fits at least two values of each small count: none can be computed back.
TEST(SuppressSmallCells, NothingCanBeComputedBack) {
  std::map<std::string, std::vector<std::array<int, 3>>> published;
  for (int in = 0; in < 45; ++in) {
    for (int out = 0; out < 45; ++out) {
      published[cells(std::to_string(in + out) + "," + std::to_string(in) + "," + std::to_string(out))].push_back(
          {in + out, in, out});
    }
  }
  for (const auto& [text, rows] : published) {
    for (std::size_t column = 0; column < 3; ++column) {
      std::set<int> possible;
      for (const auto& row : rows) possible.insert(row[column]);
      if (*possible.begin() < 10) {
        EXPECT_GT(possible.size(), 1U) << text << " column " << column;
      }
    }
  }
}

TEST(SuppressSmallCells, SeveralHiddenPartsTogetherMustNotBeSmall) {
  DatasetColumns dataset;
  for (const char* name : {"all", "a", "b", "c"}) dataset.columns.push_back({name, ColumnAction::keep});
  const Transform transform = SuppressSmallCells{10, {}, {{"all", {"a", "b", "c"}}}, 0};
  EXPECT_EQ(run(dataset, {transform}, "all,a,b,c\n30,0,0,30\n").value(), "all,a,b,c\n30,x,x,x\n");
  EXPECT_EQ(run(dataset, {transform}, "all,a,b,c\n60,5,25,30\n").value(), "all,a,b,c\n60,x,x,30\n");
}

TEST(ColumnPlan, DropsByDefault) {
  DatasetColumns dataset;
  dataset.columns = {{"out", ColumnAction::keep}, {"time", ColumnAction::keep}, {"name", ColumnAction::drop}};
  EXPECT_EQ(run(dataset, {}, "time,name,secret,out\r\n1,Jan,s,\"a,b\"\r\n2,\"Els\",,x\r\n").value(),
            "time,out\r\n1,\"a,b\"\r\n2,x\r\n");
}

TEST(ColumnPlan, ADroppedColumnTakesPartInItsSum) {
  DatasetColumns dataset = counts();
  dataset.columns[3].action = ColumnAction::drop;  // in
  EXPECT_EQ(run(dataset, {kSuppress}, "time,counter,total,in,out\nt,c,50,3,47\n").value(),
            "time,counter,total,out\nt,c,50,x\n");
}

TEST(ColumnPlan, ASumOfTheDatasetIsTakenInWhole) {
  DatasetColumns dataset = counts();
  dataset.groups = {kSum};
  const Transform only_in = SuppressSmallCells{10, {"in"}, {}, 0};
  EXPECT_EQ(run(dataset, {only_in}, "time,counter,total,in,out\nt,c,50,3,47\n").value(),
            "time,counter,total,in,out\nt,c,50,x,x\n");
}

TEST(ColumnPlan, TakesDeclaredCountsWhereThePolicyNamesNone) {
  DatasetColumns dataset = counts();
  const Transform plain = SuppressSmallCells{5, {}, {}, 0};
  EXPECT_FALSE(run(dataset, {plain}, "time,counter,total,in,out\n")) << "nothing to suppress is a mistake";
  dataset.columns[4].counts = true;
  EXPECT_EQ(run(dataset, {plain}, "time,counter,total,in,out\nt,c,4,4,4\n").value(),
            "time,counter,total,in,out\nt,c,4,4,x\n");
}

TEST(ColumnPlan, RefusesWhatCannotBeMeant) {
  DatasetColumns dataset = counts();
  const auto refused = [&](const std::vector<Transform>& transforms) {
    return !ColumnPlan::compile(dataset, transforms);
  };
  EXPECT_TRUE(refused({SuppressSmallCells{10, {"nobody"}, {}, 0}}));
  EXPECT_TRUE(refused({SuppressSmallCells{10, {}, {{"total", {"in", "nobody"}}}, 0}}));
  EXPECT_TRUE(refused({SuppressSmallCells{10, {}, {kSum, {"out", {"time", "counter"}}}, 0}})) << "a column in two sums";
  EXPECT_TRUE(refused({SuppressSmallCells{0, {"in"}, {}, 0}}));
  EXPECT_FALSE(refused({kSuppress, kSuppress}));
  dataset.columns.push_back({"in", ColumnAction::keep});
  EXPECT_TRUE(refused({}));
  dataset.columns = {{"in", ColumnAction::drop}};
  EXPECT_TRUE(refused({}));
}

TEST(ColumnPlan, RefusesAHeaderWithoutADeclaredColumn) {
  EXPECT_NE(run(counts(), {}, "time,counter,total,in\n").error().message.find("`out`"), std::string::npos);
  EXPECT_FALSE(run(counts(), {}, "time,counter,total,in,out,in\n"));
  EXPECT_FALSE(run(counts(), {}, ""));
}

TEST(Transformer, CountsRowsAndStopsAtTheFirstError) {
  Transformer transformer(*ColumnPlan::compile(counts(), std::vector<Transform>{kSuppress}), {});
  EXPECT_TRUE(transformer.feed("time,counter,total,in,out\nt,c,50,3,47\nt,c,20,10,10"));
  EXPECT_EQ(transformer.rows(), 1U);
  EXPECT_EQ(transformer.finish().value(), "t,c,20,10,10\n");
  EXPECT_EQ(transformer.rows(), 2U);
  Transformer broken(*ColumnPlan::compile(counts(), std::vector<Transform>{kSuppress}), {});
  EXPECT_FALSE(broken.feed("time,counter,total,in,out\nt,c,50,n/a,47\n"));
  EXPECT_FALSE(broken.feed("t,c,50,30,20\n"));
  EXPECT_FALSE(broken.finish());
}

}  // namespace
}  // namespace sluis::policy
