#include "tests/unit/policy/minimise_support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

/// An attacker who sees all releases of a table, for every table there can be. What fits no more than one value of a
/// count below the threshold gives that count away: exact, without any cleverness of the attacker's.
namespace sluis::policy {
namespace {

using test::columns;
using test::run;

constexpr int kThreshold = 5;
constexpr int kLooked = 11;  ///< tables with counts up to this are attacked
constexpr int kMost = 17;    ///< counts that the attacker holds for possible: what is beyond changes nothing

/// Three hours of one counter.
using Table = std::array<int, 3>;
using Release = std::function<std::string(const Table&)>;

std::string csv(const Table& table, std::initializer_list<const char*> windows) {
  std::string text = "hour,window,n\n";
  std::size_t hour = 0;
  for (const char* window : windows) {
    text += std::to_string(hour) + "," + window + "," + std::to_string(table[hour]) + "\n";
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

/// How many small counts are given away, over all tables.
std::size_t recovered(const std::vector<Release>& releases) {
  std::map<std::string, std::vector<Table>> seen;
  for (int a = 0; a <= kMost; ++a) {
    for (int b = 0; b <= kMost; ++b) {
      for (int c = 0; c <= kMost; ++c) {
        const Table table{a, b, c};
        std::string all;
        for (const Release& release : releases) all += release(table) + "\n";
        seen[all].push_back(table);
      }
    }
  }
  std::size_t count = 0;
  for (const auto& [text, tables] : seen) {
    for (std::size_t hour = 0; hour < 3; ++hour) {
      std::set<int> possible;
      if (std::all_of(tables.begin(), tables.end(), [](const Table& table) { return *std::max_element(table.begin(), table.end()) > kLooked; })) continue;
      for (const Table& table : tables) possible.insert(table[hour]);
      if (possible.size() == 1 && *possible.begin() < kThreshold) ++count;
    }
  }
  return count;
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
  const std::size_t by_the_rule = recovered({hours({true, 0})});
  EXPECT_LT(by_the_rule, 20U) << "secondary suppression leaves what follows from knowing how it chooses";
  EXPECT_GT(by_the_rule, 0U) << "which is why counts are rounded as well";
  EXPECT_EQ(recovered({hours(kRounded)}), 0U);
  EXPECT_EQ(recovered({hours(kRounded), windows(kRounded, {"day", "day", "day"})}), 0U);
}

TEST(Differencing, OverlappingWindows) {
  EXPECT_GT(recovered({windows(kNone, {"w", "w", "v"}), windows(kNone, {"v", "w", "w"}), windows(kNone, {"w", "w", "w"})}), 100U);
  EXPECT_EQ(recovered({windows(kRounded, {"w", "w", "v"}), windows(kRounded, {"v", "w", "w"}), windows(kRounded, {"w", "w", "w"})}), 0U);
}

TEST(Differencing, RepeatedQueriesTellNothingNew) {
  const Table table{3, 9, 11};
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

}  // namespace
}  // namespace sluis::policy
