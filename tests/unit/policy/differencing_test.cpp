#include "tests/unit/policy/minimise_support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

/// An attacker who sees all releases of a table, for every table there can be. A count below the threshold is *recovered*
/// where what was released fits only values in a range narrower than the threshold, one of them below it.
namespace sluis::policy {
namespace {

using test::columns;
using test::run;

/// What an hour really holds: a count, or so many rows or persons, of whom some are drawn to be counted.
struct Hour {
  int count = 0;
  int drawn = 0;
  auto operator<=>(const Hour&) const = default;
};
/// Three hours of one counter.
using Table = std::array<Hour, 3>;
using Release = std::function<std::string(const Table&)>;

/// How many counts are recovered, over all tables. What has the most of what the attacker holds for possible is taken to have
/// no end; tables of more than `looked` are no target.
std::size_t recovered(const std::vector<Release>& releases, const std::vector<Hour>& possible, int threshold, int most, int looked) {
  std::map<std::string, std::vector<Table>> seen;
  for (const Hour& a : possible) {
    for (const Hour& b : possible) {
      for (const Hour& c : possible) {
        const Table table{a, b, c};
        std::string all;
        for (const Release& release : releases) all += release(table) + "\n";
        seen[all].push_back(table);
      }
    }
  }
  EXPECT_GT(seen.size(), 1U) << "nothing was told at all";
  std::size_t count = 0;
  for (const auto& [text, tables] : seen) {
    if (std::all_of(tables.begin(), tables.end(), [&](const Table& table) { return std::max_element(table.begin(), table.end())->count > looked; })) continue;
    for (std::size_t hour = 0; hour < 3; ++hour) {
      std::set<int> fits;
      for (const Table& table : tables) fits.insert(table[hour].count);
      const bool narrow = *fits.rbegin() != most && *fits.rbegin() - *fits.begin() + 1 < threshold;
      if (narrow && *fits.begin() < threshold) ++count;
    }
  }
  return count;
}

/// ---- Sums of counts that stand in the source

constexpr int kThreshold = 5;
constexpr int kLooked = 11;  ///< tables with counts up to this are attacked
constexpr int kMost = 17;    ///< counts that the attacker holds for possible: what is beyond changes nothing

std::size_t recovered(const std::vector<Release>& releases) {
  std::vector<Hour> possible;
  for (int count = 0; count <= kMost; ++count) possible.push_back({count, 0});
  return recovered(releases, possible, kThreshold, kMost, kLooked);
}

std::string csv(const Table& table, std::initializer_list<const char*> windows) {
  std::string text = "hour,window,n\n";
  std::size_t hour = 0;
  for (const char* window : windows) {
    text += std::to_string(hour) + "," + window + "," + std::to_string(table[hour].count) + "\n";
    ++hour;
  }
  return text;
}

DatasetColumns counter() {
  DatasetColumns dataset = columns({"hour", "window"});
  dataset.columns.push_back({"n", ColumnAction::drop, true, std::nullopt});
  return dataset;
}

Transform by(const char* column, bool total) {
  return AggregateBy{{column}, {{"n", Measure::Of::sum, "n"}}, "", 100, total};
}

struct Defence {
  bool secondary = true;
  std::int64_t round_to = 0;
};

/// Per hour, with the total of the day; `windows` in another release.
Release hours(Defence defence) {
  return [defence](const Table& table) {
    const std::vector<Transform> transforms{by("hour", defence.secondary), SuppressSmallCells{kThreshold, {}, {}, defence.round_to}};
    return run(counter(), transforms, csv(table, {"w", "w", "w"}), {}, 4096);
  };
}
Release windows(Defence defence, std::array<const char*, 3> names) {
  return [defence, names](const Table& table) {
    const std::vector<Transform> transforms{by("window", false), SuppressSmallCells{kThreshold, {}, {}, defence.round_to}};
    return run(counter(), transforms, csv(table, {names[0], names[1], names[2]}), {}, 4096);
  };
}

constexpr Defence kNone{false, 0};
constexpr Defence kRounded{true, kThreshold};

TEST(Differencing, TotalMinusParts) {
  const Release bare_total = windows(kNone, {"day", "day", "day"});
  EXPECT_GT(recovered({hours(kNone), bare_total}), 100U) << "without the defence the attack succeeds";
  EXPECT_GT(recovered({hours({true, 0})}), 0U) << "secondary suppression leaves what follows from knowing how it chooses";
  EXPECT_EQ(recovered({hours(kRounded)}), 0U);
  EXPECT_EQ(recovered({hours(kRounded), windows(kRounded, {"day", "day", "day"})}), 0U);
}

TEST(Differencing, OverlappingWindows) {
  EXPECT_GT(recovered({windows(kNone, {"w", "w", "v"}), windows(kNone, {"v", "w", "w"}), windows(kNone, {"w", "w", "w"})}), 100U);
  EXPECT_EQ(recovered({windows(kRounded, {"w", "w", "v"}), windows(kRounded, {"v", "w", "w"}), windows(kRounded, {"w", "w", "w"})}), 0U);
}

TEST(Differencing, RepeatedQueriesTellNothingNew) {
  const Table table{Hour{3, 0}, Hour{9, 0}, Hour{11, 0}};
  const std::string first = hours(kRounded)(table);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(hours(kRounded)(table), first);
  EXPECT_EQ(recovered({hours(kRounded), hours(kRounded), hours(kRounded)}), 0U);
}

TEST(Differencing, TwoAgreementsOfOneRecipient) {
  const Release by_window = windows(kRounded, {"w", "w", "v"});
  EXPECT_GT(recovered({hours(kNone), windows(kNone, {"w", "w", "v"})}), 100U) << "hours under one, windows under the other";
  EXPECT_EQ(recovered({hours(kRounded), by_window}), 0U);
  EXPECT_EQ(recovered({hours(kRounded), by_window, windows(kRounded, {"v", "w", "w"}), windows(kRounded, {"w", "v", "w"})}), 0U);
}

/// ---- Numbers of rows and of persons, who have no cell in the source

constexpr int kFew = 3;
constexpr int kCrowd = 6;  ///< the most in an hour
/// Columns of one file, by which it is grouped: the rows are the same in every release.
using By = const char*;
constexpr By kHours = "hour";
constexpr By kDay = "day";
constexpr By kMorning = "morning";
constexpr By kEvening = "evening";
constexpr std::array<const char*, 3> kWindows{"0,d,w,v,", "1,d,w,w,", "2,d,v,w,"};

enum class Draw { lots, everybody };

/// A row for each in the table, by hour or by window; those not drawn come first. The attacker may be given that everybody is counted,
/// as it is without a draw. `round_to` 0: no defence.
Release counted(Measure::Of of, By by, bool total, std::int64_t round_to = kFew, Draw draw = Draw::lots, std::int64_t threshold = kFew) {
  return [=](const Table& table) {
    DatasetColumns dataset = columns({kHours, kDay, kMorning, kEvening});
    dataset.columns.push_back({"who", ColumnAction::drop, false, std::nullopt});
    std::string text = "hour,day,morning,evening,who\n";
    std::set<std::string, std::less<>> out;
    for (std::size_t hour = 0; hour < 3; ++hour) {
      for (int i = 0; i < table[hour].count; ++i) {
        const std::string who = std::to_string(hour) + "." + std::to_string(i);
        text += kWindows[hour] + who + "\n";
        if (draw == Draw::lots && i < table[hour].count - table[hour].drawn) out.insert(who);
      }
    }
    Means means = test::means();
    means.lot = [&out](std::string_view what) {
      what = what.substr(0, what.find('#'));  // a row's ends with its last column, `who`, and which such row it is
      return static_cast<std::uint8_t>(out.contains(what.substr(what.find_last_of(": ") + 1)) ? 0 : 255);
    };
    const std::string subject = of == Measure::Of::subjects ? "who" : "";
    const std::vector<Transform> transforms{AggregateBy{{by}, {{"n", of, ""}}, subject, 100, total}, SuppressSmallCells{threshold, {}, {}, round_to}};
    return run(dataset, transforms, text, {}, 4096, best_scan(), means);
  };
}

std::size_t recovered_of(const std::vector<Release>& releases, Draw draw = Draw::lots) {
  std::vector<Hour> possible;
  for (int count = 0; count <= kCrowd; ++count) {
    for (int drawn = draw == Draw::lots ? 0 : count; drawn <= count; ++drawn) possible.push_back({count, drawn});
  }
  return recovered(releases, possible, kFew, kCrowd, kCrowd);
}

class DifferencingOf : public testing::TestWithParam<Measure::Of> {
 protected:
  Release of(By by, bool total = false, std::int64_t round_to = kFew, Draw draw = Draw::lots) const { return counted(GetParam(), by, total, round_to, draw); }
};

TEST_P(DifferencingOf, WithoutTheDefenceTheAttackSucceeds) {
  const auto bare = [&](By by) { return of(by, false, 0, Draw::everybody); };
  EXPECT_GT(recovered_of({bare(kHours), bare(kDay)}, Draw::everybody), 10U);
  EXPECT_GT(recovered_of({bare(kMorning), bare(kEvening), bare(kDay)}, Draw::everybody), 10U);
  const auto rounded = [&](By by) { return of(by, false, kFew, Draw::everybody); };
  EXPECT_GT(recovered_of({rounded(kHours), rounded(kDay), rounded(kMorning)}, Draw::everybody), 0U) << "rounding each group does not do: a total bounds its parts";
}

TEST_P(DifferencingOf, TotalMinusParts) {
  EXPECT_EQ(recovered_of({of(kHours, true)}), 0U);
  EXPECT_EQ(recovered_of({of(kHours), of(kDay)}), 0U);
  EXPECT_EQ(recovered_of({of(kHours, true), of(kDay)}), 0U);
}

TEST_P(DifferencingOf, OverlappingWindowsAndTwoAgreements) {
  EXPECT_EQ(recovered_of({of(kMorning), of(kEvening), of(kDay)}), 0U);
  EXPECT_EQ(recovered_of({of(kHours), of(kMorning), of(kEvening)}), 0U);
  EXPECT_EQ(recovered_of({of(kHours), counted(GetParam(), kDay, false, 2, Draw::lots, 2), counted(GetParam(), kDay, true, 4, Draw::lots, 4)}), 0U) << "terms of other sizes";
}

TEST_P(DifferencingOf, RepeatedQueriesTellNothingNew) {
  const Table table{Hour{2, 1}, Hour{5, 4}, Hour{6, 6}};
  EXPECT_EQ(of(kHours)(table), of(kHours)(table));
  EXPECT_EQ(recovered_of({of(kHours), of(kHours), of(kDay), of(kDay)}), 0U);
}

TEST_P(DifferencingOf, OneWhoIsNotDrawnChangesNothing) {
  // This is the promise: whatever is released, one more could have been in any hour.
  for (const By by : {kHours, kDay, kMorning, kEvening}) {
    for (std::size_t hour = 0; hour < 3; ++hour) {
      Table table{Hour{0, 0}, Hour{2, 2}, Hour{6, 5}};
      const std::string before = of(by, true)(table);
      ++table[hour].count;
      EXPECT_EQ(of(by, true)(table), before) << by << hour;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, DifferencingOf, testing::Values(Measure::Of::count, Measure::Of::subjects),
                         [](const auto& one) { return std::string(one.param == Measure::Of::count ? "Rows" : "Subjects"); });

}  // namespace
}  // namespace sluis::policy
