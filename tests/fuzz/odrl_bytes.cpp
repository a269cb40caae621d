// Bytes in: reader, compiler and decision, and of shapes that multiply the findings too. No input up to the byte
// limit of a policy crashes them, takes more than 10 ms of processor time or more than 10 MB. Seeds are the suites'
// own cases, generated policies, and shapes that multiply. usage: odrl_bytes [INPUTS] [SEED]
#include "connector/base/limits.hpp"
#include "policy/odrl/check.hpp"
#include "tests/fuzz/odrl_bombs.hpp"
#include "tests/fuzz/odrl_run.hpp"

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <new>

namespace {

std::size_t live = 0;
std::size_t peak = 0;

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {  // a sanitizer has one of its own
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) return nullptr;
  live += malloc_usable_size(memory);
  peak = std::max(peak, live);
  return memory;
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) live -= malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

using namespace sluis;
using namespace sluis::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kMostMilliseconds = 200;  // the checkers' own cost
#else
constexpr double kMostMilliseconds = 10;
#endif
constexpr std::size_t kMostBytes = 10U << 20U;

double processor_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

/// How far an input came: 0 no JSON, 1 no policy, 2 does not compile, 3 decided.
int take(const std::string& bytes, const Witnesses& witnesses, bool suite, bool with_check = false) {
  const auto value = json::parse(bytes);
  if (!value) return 0;
  policy::ParseOptions options;
  options.full = true;
  options.suite = suite;
  const auto read = policy::parse_policy(*value, options);
  if (!read) return 1;
  if (with_check) policy::check(*read, *witnesses.vocabulary);
  const auto program = policy::compile(*read, witnesses.vocabulary);
  if (!program) return 2;
  policy::Request request;
  policy::Decision decision = program->decide(request);
  request.now = Timestamp(std::chrono::seconds(1'795'694'400));
  request.agreed = request.now;
  request.purpose = policy::PurposeIndex{3};
  request.target = policy::Interned::other;
  request.assignee = policy::Interned::other;
  decision = program->decide(request);
  for (const policy::RuleReport& rule : policy::report(*program, request)) {
    if (decision.permit && rule.prohibition && rule.value == policy::Truth::yes &&
        read->conflict != policy::Conflict::perm)
      std::abort();
  }
  return 3;
}

struct Cost {
  double ms = 0;
  std::size_t bytes = 0;
  int stage = 0;
};

Cost cost_of(const std::string& input, const Witnesses& witnesses, bool suite, bool with_check = false) {
  Cost cost;
  const std::size_t before = live;
  peak = live;
  const double start = processor_ms();
  cost.stage = take(input, witnesses, suite, with_check);
  cost.ms = processor_ms() - start;
  cost.bytes = peak - before;
  // Once more where it was slow: the first time pays for pages and caches.
  for (int again = 0; again < 8 && cost.ms > kMostMilliseconds; ++again) {
    const double from = processor_ms();
    take(input, witnesses, suite, with_check);
    cost.ms = std::min(cost.ms, processor_ms() - from);
  }
  return cost;
}

std::vector<std::string> seeds(const Witnesses& witnesses, Dice& dice) {
  std::vector<std::string> all;
  const char* root = std::getenv("SLUIS_SOURCE_DIR");
  for (const auto& file : std::filesystem::recursive_directory_iterator(
           std::filesystem::path(root != nullptr ? root : ".") / "conformance/cases")) {
    if (file.path().extension() != ".json") continue;
    const auto cases = json::parse(read_file(file.path()));
    if (!cases || cases->if_array() == nullptr) continue;
    for (const json::Value& one : *cases->if_array()) {
      if (const json::Value* policy = one.find("policy")) all.push_back(json::serialise(*policy));
    }
  }
  for (int i = 0; i < 200; ++i) all.push_back(json::serialise(generate_policy(dice, witnesses.purposes).value));
  return all;
}

std::string mutated(std::string text, const std::vector<std::string>& all, Dice& dice) {
  static const std::string kSpice = "{}[]\",:\\/%.\n\0\xFF\xC3+-eE0129 u#PTZ";
  for (std::size_t changes = 1 + dice.below(2); changes > 0; --changes) {
    const std::size_t at = text.empty() ? 0 : dice.below(text.size());
    switch (dice.below(8)) {
      case 0: text.insert(at, 1, kSpice[dice.below(kSpice.size())]); break;
      case 1:
        if (!text.empty()) text.erase(at, 1 + dice.below(8));
        break;
      case 2:
        if (!text.empty()) text[at] = static_cast<char>(dice.next() & 0xFFU);
        break;
      case 3: text.insert(at, text.substr(at, dice.below(300))); break;
      case 4:
        if (dice.chance(20)) text.resize(at);
        break;
      case 5: {  // a piece of another
        const std::string& other = dice.one_of(all);
        const std::size_t from = dice.below(other.size());
        text.insert(at, other.substr(from, dice.below(200)));
        break;
      }
      case 6: {  // a whole value of another where one begins
        const std::size_t brace = text.find('{', at);
        if (brace != std::string::npos)
          text.replace(brace, 0, dice.chance(50) ? R"({"or":[)" : R"({"constraint":[)");
        break;
      }
      default:
        if (!text.empty())
          text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << dice.below(8)));
    }
  }
  if (text.size() > limits::kPolicyBytes) text.resize(limits::kPolicyBytes);
  return text;
}

int too_much(const std::string& input, const Cost& cost, const std::string& what) {
  std::printf("%s: %zu bytes took %.2f ms and %zu KiB (stage %d)\n%s\n", what.c_str(), input.size(), cost.ms,
              cost.bytes >> 10U, cost.stage, input.substr(0, 2000).c_str());
  return 1;
}

/// To look for contradictions is a pass of its own, with as much time.
bool within(const Cost& cost, bool with_check = false) { return cost.ms <= kMostMilliseconds * (with_check ? 2 : 1) && cost.bytes <= kMostBytes; }

int explode(const Bomb& bomb, const Witnesses& witnesses, Cost& worst) {
  int failed = 0;
  for (const bool with_check : {false, true}) {
    const Cost cost = cost_of(bomb.text, witnesses, false, with_check);
    const std::string name = bomb.name + (with_check ? ", with findings" : "");
    if (std::getenv("SLUIS_COSTS") != nullptr) {
      std::printf("%-40s %8.2f ms %8zu KiB\n", name.c_str(), cost.ms, cost.bytes >> 10U);
    }
    if (within(cost, with_check)) {
      worst.ms = std::max(worst.ms, cost.ms);
      worst.bytes = std::max(worst.bytes, cost.bytes);
    } else {
      failed |= too_much(bomb.text, cost, name);
    }
  }
  return failed;
}

}  // namespace

int main(int argc, char** argv) {
  const Rounds rounds = Rounds::read(argc, argv, 100'000, 5'000'000);
  const Witnesses witnesses = Witnesses::read();
  Dice dice(rounds.seed);
  Cost worst;
  int failed = 0;
  const auto spend = [&](const std::string& input, const std::string& what) {
    const Cost cost = cost_of(input, witnesses, dice.chance(10));
    worst.ms = std::max(worst.ms, cost.ms);
    worst.bytes = std::max(worst.bytes, cost.bytes);
    if (!within(cost)) failed |= too_much(input, cost, what);
    return cost;
  };
  take("{}", witnesses, false);
  const auto large = bombs(limits::kPolicyBytes);
  for (const Bomb& bomb : large) {
    if (bomb.text.size() > limits::kPolicyBytes)
      return too_much(bomb.text, {}, bomb.name + " is larger than a policy");
    failed |= explode(bomb, witnesses, worst);
  }
  std::vector<std::string> all = seeds(witnesses, dice);
  for (const Bomb& bomb : bombs(8192)) all.push_back(bomb.text);
  std::uint64_t stages[4] = {};
  for (std::uint64_t i = 0; i < rounds.requests && failed == 0; ++i) {
    const std::string& seed = dice.one_of(all);
    ++stages[spend(i < all.size() ? all[i] : mutated(seed, all, dice), "mutant").stage];
  }
  std::printf(
      "%zu bombs, %llu inputs (%llu no JSON, %llu no policy, %llu not compiled, %llu decided), at most %.2f ms, "
      "%zu KiB\n",
      large.size(), number(rounds.requests), number(stages[0]), number(stages[1]), number(stages[2]), number(stages[3]),
      worst.ms, worst.bytes >> 10U);
  return failed;
}
