// The column plan over rows of 120 bytes with 8 columns, two of them quoted in every eighth row: megabytes of input a second on one
// core, the median of five. usage: sluis_bench_minimise
#include "connector/gate/means.hpp"
#include "policy/minimise/transformer.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

using namespace sluis;
using namespace sluis::policy;
using Steady = std::chrono::steady_clock;

namespace {

constexpr std::size_t kBytes = 64U << 20U;
constexpr std::size_t kBlock = 128U << 10U;
constexpr std::size_t kRow = 120;

std::string rows() {
  std::mt19937_64 dice(20261126);
  std::string text = "id,time,street,place,count,in,out,note\n";
  std::size_t row = 0;
  while (text.size() < kBytes) {
    char line[200];
    const unsigned total = 10 + static_cast<unsigned>(dice() % 900);
    const bool quoted = row % 8 == 0;
    const int size = std::snprintf(line, sizeof line, "p%08u,%02u/%02u/2026 %02u:%02u,%s,52.%05u,%u,%u,%u,", static_cast<unsigned>(dice() % 5'000'000),
                                   static_cast<unsigned>(1 + row / 1440 % 28), static_cast<unsigned>(1 + row / 40'320 % 12), static_cast<unsigned>(row / 60 % 24),
                                   static_cast<unsigned>(row % 60), quoted ? "\"Kerkstraat, hoek \"\"Haven\"\"\"" : "Kerkstraat hoek Havenweg", static_cast<unsigned>(dice() % 100'000),
                                   total, total / 2, total - total / 2);
    std::string one(line, static_cast<std::size_t>(size));
    const std::size_t left = kRow - 1 - one.size();
    one += quoted ? "\"" + std::string(left - 2, 'n') + "\"" : std::string(left, 'n');
    text += one + "\n";
    ++row;
  }
  return text;
}

DatasetColumns columns() {
  DatasetColumns dataset;
  for (const char* name : {"id", "time", "street", "count"}) dataset.columns.push_back({name, ColumnAction::keep, false, std::nullopt});
  dataset.columns[1].time = TimeFormat{"%d/%m/%Y %H:%M", "Europe/Amsterdam", Doubled::earlier, Missing::drop};
  dataset.columns[3].counts = true;
  return dataset;
}

double once(const std::string& text, const std::vector<Transform>& transforms, ScanKind kind) {
  const Means means = gate::means_of({}, {}, gate::Recipient{"did:web:duinmeer.example", "urn:purpose", std::string(32, 'k')});
  auto plan = ColumnPlan::compile(columns(), transforms, means);
  if (!plan) {
    std::fprintf(stderr, "%s\n", describe(plan.error()).c_str());
    std::exit(1);
  }
  Transformer transformer(std::move(*plan), {}, kind);
  std::size_t left = 0;
  const auto begin = Steady::now();
  for (std::size_t at = 0; at < text.size(); at += kBlock) {
    const auto out = transformer.feed(std::string_view(text).substr(at, kBlock));
    if (!out) {
      std::fprintf(stderr, "%s\n", describe(out.error()).c_str());
      std::exit(1);
    }
    left += out->size();
  }
  left += transformer.finish()->size();
  const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  if (left == 0) std::exit(1);
  return static_cast<double>(text.size()) / 1e6 / seconds;
}

void print(const char* name, const std::string& text, const std::vector<Transform>& transforms, double wanted, ScanKind kind = best_scan()) {
  std::vector<double> speeds;
  for (int i = 0; i < 5; ++i) speeds.push_back(once(text, transforms, kind));
  std::sort(speeds.begin(), speeds.end());
  std::printf(R"({"name":"minimise %s","value":%.0f,"unit":"MB/s of input","against":%.0f,"ratio":%.2f})" "\n", name, speeds[2], wanted, speeds[2] / wanted);
}

/// What the memory gives: the same bytes copied in the same blocks.
void print_copy(const std::string& text) {
  std::vector<char> block(kBlock);
  const auto begin = Steady::now();
  for (std::size_t at = 0; at + kBlock <= text.size(); at += kBlock) std::memcpy(block.data(), text.data() + at, kBlock);
  const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  const double speed = static_cast<double>(text.size()) / 1e6 / seconds;
  std::printf(R"({"name":"minimise, a plain copy","value":%.0f,"unit":"MB/s","against":%.0f,"ratio":1.00})" "\n", speed + block[0] * 0, speed);
}

}  // namespace

int main() {
  const std::string text = rows();
  print_copy(text);
  print("drop", text, {}, 700);
  print("drop, SSE2", text, {}, 700, ScanKind::sse2);
  print("drop, scalar", text, {}, 700, ScanKind::scalar);
  const Transform hourly = GeneraliseTime{{"time"}, "PT1H", "Europe/Amsterdam"};
  print("generaliseTime", text, {hourly}, 250);
  print("suppressSmallCells", text, {SuppressSmallCells{10, {}, {}, 5}}, 250);
  print("pseudonymise", text, {Pseudonymise{{"id"}, "2026"}}, 80);
  print("aggregateBy", text, {hourly, AggregateBy{{"street", "time"}, {{"count", Measure::Of::sum, "count"}, {"people", Measure::Of::subjects, ""}}, "id", 100'000, false}}, 80);
}
