#include "policy/minimise/transformer.hpp"
#include "support.hpp"

#include <random>

namespace sluis::policy {
namespace {

using test::constraint;

std::string mutated(std::string text, std::mt19937& random, std::string_view alphabet) {
  const auto pick = [&](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); };
  for (std::size_t n = 1 + pick(3); n != 0 && !text.empty(); --n) {
    const std::size_t at = pick(text.size());
    switch (pick(4)) {
      case 0: text.erase(at, 1 + pick(5)); break;
      case 1: text.insert(at, 1, alphabet[pick(alphabet.size())]); break;
      case 2: text[at] = alphabet[pick(alphabet.size())]; break;
      default: text.insert(pick(text.size()), text.substr(at, 1 + pick(20))); break;
    }
  }
  return text;
}

/// Whatever the parser takes, it can write, read again and decide on; and a policy keeps denying an unknown purpose
/// unless the mutation removed the constraint itself.
TEST(Mutation, AParsedPolicyIsWrittenAndReadAsTheSame) {
  const std::string text = test::agreement(
      test::permission(constraint("purpose", "isAnyOf", R"(["dpv:Marketing","dpv:EnforceSecurity"])") + "," +
                       constraint("dateTime", "lteq", R"("2026-12-01T00:00:00Z")") + "," +
                       constraint("elapsedTime", "lt", R"("P7D")")) + "," +
      test::prohibition(constraint("classOfRecipient", "eq", R"("company")")) +
      R"(,"obligation":[{"action":"deleteAfter","constraint":[)" + constraint("delayPeriod", "eq", R"("P7D")") + "]}]");
  std::mt19937 random(20261126);
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = json::parse(mutated(text, random, "\"{}[],:@ue0PTZ-\\"));
    if (!value) continue;
    const auto policy = parse_policy(*value);
    if (!policy) {
      ASSERT_FALSE(policy.error().message.empty());
      continue;
    }
    ++taken;
    const auto again = parse_policy(to_json(*policy));
    ASSERT_TRUE(again) << describe(again.error()) << json::serialise(*value);
    ASSERT_FALSE(compare(*policy, *again)) << json::serialise(*value);
    if (const auto compiled = compile(*policy, test::dpv())) {
      ASSERT_FALSE(compiled->decide({}).permit && !policy->permissions.at(0).constraints.empty());
    }
  }
  EXPECT_GT(taken, 50);
}

/// No mutation makes a small count appear in the output, and pieces of any size give the same answer.
TEST(Mutation, ATransformedFileNeverHoldsASmallCount) {
  DatasetColumns dataset;
  for (const char* name : {"total", "in", "out"}) dataset.columns.push_back({name, ColumnAction::keep});
  const std::vector<Transform> transforms{SuppressSmallCells{10, {}, {{"total", {"in", "out"}}}, 0}};
  const std::string text = "total,in,out\n50,3,47\n\"100\",40,60\n,,\n9,4,5\r\n";
  std::mt19937 random(20261127);
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string input = mutated(text, random, "0123456789,\"\r\nx\xC3");
    const auto run = [&](std::size_t step) -> Result<std::string> {
      Transformer transformer(*ColumnPlan::compile(dataset, transforms), {});
      std::string out;
      for (std::size_t at = 0; at < input.size(); at += step) {
        SLUIS_TRY(const std::string some, transformer.feed(std::string_view(input).substr(at, step)));
        out += some;
      }
      SLUIS_TRY(const std::string rest, transformer.finish());
      return out + rest;
    };
    const auto whole = run(input.size());
    const auto pieces = run(1);
    ASSERT_EQ(whole.has_value(), pieces.has_value()) << input;
    if (!whole) continue;
    ++taken;
    ASSERT_EQ(*whole, *pieces);
    std::istringstream lines(*whole);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line, '\n')) {
      std::istringstream fields(line);
      for (std::string field; std::getline(fields, field, ',');) {
        if (!field.empty() && field.back() == '\r') field.pop_back();
        if (!field.empty() && field != "x") {
          ASSERT_GE(std::stoll(field), 10) << input;
        }
      }
    }
  }
  EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace sluis::policy
