#pragma once

#include "policy/odrl/program.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>

/// 10,000 agreements of 50 constraints each, a tree of 450 purposes, and 10,000 distinct requests in random order. Always the same.
namespace sluis::bench {

using namespace sluis::policy;
using Steady = std::chrono::steady_clock;

inline constexpr std::size_t kAgreements = 10'000;
inline constexpr std::size_t kRequests = 10'000;
inline constexpr std::size_t kConstraints = 50;
inline constexpr std::size_t kPurposes = 450;
inline constexpr std::size_t kBlock = 64;
inline constexpr std::size_t kParties = 400;

using Engine = std::mt19937_64;

inline std::size_t below(Engine& engine, std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(engine); }

inline std::string quoted(const std::string& text) { return "\"" + text + "\""; }

inline std::string party(std::size_t i) { return "did:web:node-" + std::to_string(i) + ".waterrijk.example"; }

inline std::string own_purpose(std::size_t i) { return "urn:waterrijk:purpose:" + std::to_string(i); }

/// The pinned purposes and a federation's own below them, up to 450.
inline std::shared_ptr<const Vocabulary> vocabulary(const char* file, Engine& engine) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  auto pinned = Vocabulary::parse(text.str(), file);
  if (!pinned) std::exit(1);
  std::string more;
  const std::size_t count = kPurposes - pinned->size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string parent = i < 40 ? pinned->term(static_cast<PurposeIndex>(below(engine, pinned->size()))).iri
                                      : own_purpose(below(engine, i));
    more += own_purpose(i) + "\tpurpose\t\t" + parent + "\n";
  }
  auto whole = pinned->with(more, "own");
  if (!whole) std::exit(1);
  return std::make_shared<const Vocabulary>(std::move(*whole));
}

inline std::string atom(const std::string& left, const std::string& op, const std::string& right) {
  return R"({"leftOperand":")" + left + R"(","operator":")" + op + R"(","rightOperand":)" + right + "}";
}

inline std::string list(const std::vector<std::string>& words) {
  std::string text = "[";
  for (const std::string& word : words) text += (text.size() > 1 ? "," : "") + quoted(word);
  return text + "]";
}

/// A condition that usually holds for the requests below, so that many are evaluated.
inline std::string usual(Engine& engine, std::size_t agreement) {
  switch (below(engine, 8)) {
    case 0: return atom("dateTime", "gteq", quoted("2026-0" + std::to_string(1 + below(engine, 9)) + "-01T00:00:00Z"));
    case 1: return atom("dateTime", "lt", quoted("202" + std::to_string(7 + below(engine, 3)) + "-06-01T00:00:00Z"));
    case 2: return atom("classOfRecipient", "isAnyOf", list({"municipality", "company", "province"}));
    case 3: return atom("elapsedTime", "lteq", quoted("P" + std::to_string(300 + below(engine, 400)) + "D"));
    case 4: return atom("recipient", "isAnyOf", list({party(agreement % kParties), party(below(engine, kParties)), party(below(engine, kParties))}));
    case 5: return atom("sluis:legalBasis", "isAnyOf", list({"urn:basis:public-task", "urn:basis:contract"}));
    case 6: return atom("fileFormat", "neq", quoted("text/html"));
    default:
      return R"({"or":[)" + atom("spatial", "eq", quoted("urn:place:" + std::to_string(below(engine, 50)))) + "," +
             atom("dateTime", "lt", quoted("2030-01-01T00:00:00Z")) + "]}";
  }
}

inline std::size_t constraints_of(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = text.find("leftOperand"); at != std::string::npos; at = text.find("leftOperand", at + 1)) ++count;
  return count;
}

/// One to three prohibitions and two to five permissions, 50 constraints in all.
inline std::string agreement(Engine& engine, std::size_t number, const Vocabulary& purposes) {
  const std::size_t prohibitions = 1 + below(engine, 3), permissions = 2 + below(engine, 4);
  const auto purpose = [&] { return purposes.term(static_cast<PurposeIndex>(below(engine, purposes.size()))).iri; };
  std::vector<std::string> rules(prohibitions + permissions);
  std::size_t made = 0;
  for (std::size_t r = 0; r < rules.size(); ++r, ++made) {
    rules[r] = r < prohibitions ? atom("purpose", "isAnyOf", list({purpose(), purpose()}))
                                : atom("purpose", "isA", quoted(purpose()));
  }
  while (made < kConstraints) {
    const std::size_t r = made % 4 == 0 ? below(engine, rules.size()) : prohibitions + below(engine, permissions);
    const std::string more = usual(engine, number);
    if (made + constraints_of(more) > kConstraints) continue;
    made += constraints_of(more);
    rules[r] += "," + more;
  }
  const auto written = [&](std::size_t from, std::size_t to) {
    std::string text;
    for (std::size_t r = from; r < to; ++r) text += (r == from ? "" : ",") + std::string(R"({"action":"use","constraint":[)") + rules[r] + "]}";
    return "[" + text + "]";
  };
  return R"({"@id":"urn:agreement:)" + std::to_string(number) + R"(","@type":"Agreement","target":"urn:dataset:)" +
         std::to_string(number % 200) + R"(","assigner":"did:web:waterrijk.example","assignee":)" +
         quoted(party(number % kParties)) + R"(,"timestamp":"2026-06-01T00:00:00Z","prohibition":)" +
         written(0, prohibitions) + R"(,"permission":)" + written(prohibitions, rules.size()) + "}";
}

/// A request as it comes: names.
struct Words {
  std::size_t agreement;
  std::string purpose, recipient, kind, target, basis, format, place;
  Timestamp now;
};

inline Words words(Engine& engine, const Vocabulary& purposes, const std::vector<Policy>& policies) {
  constexpr const char* kKinds[] = {"municipality", "company", "citizen"};
  Words made;
  made.agreement = below(engine, kAgreements);
  const auto& permissions = policies[made.agreement].permissions;
  const std::string granted = permissions[below(engine, permissions.size())].constraints[0].values[0];
  made.purpose = below(engine, 10) < 3
                     ? purposes.term(static_cast<PurposeIndex>(below(engine, purposes.size()))).iri
                     : granted;
  made.recipient = party(made.agreement % kParties);
  made.kind = kKinds[below(engine, 20) == 0 ? 2 : below(engine, 2)];
  made.target = "urn:dataset:" + std::to_string(made.agreement % 200);
  made.basis = below(engine, 10) == 0 ? "urn:basis:consent" : "urn:basis:public-task";
  made.format = "text/csv";
  made.place = "urn:place:" + std::to_string(below(engine, 50));
  made.now = *parse_time("2026-11-26T12:00:00Z") + std::chrono::seconds(below(engine, 86'400 * 60));
  return made;
}

/// Holds what the facts point to; does not move.
struct Asked {
  const Program* program = nullptr;
  Request request;
  std::array<Attribute, 3> attributes;
  std::optional<Facts> facts;
};

inline void intern(const Words& from, const Program& program, const Vocabulary& purposes, Timestamp agreed, Asked& asked) {
  asked.program = &program;
  Request& request = asked.request;
  request.purpose = purposes.lookup(from.purpose);
  request.recipient = program.recipient(from.recipient);
  request.assignee = request.recipient;
  request.target = program.name(from.target);
  request.class_of_recipient = program.class_of_recipient(from.kind);
  request.now = from.now;
  request.agreed = agreed;
  asked.attributes = {Attribute::name(Operand::legal_basis, program.name(from.basis)),
                      Attribute::name(Operand::file_format, program.name(from.format)),
                      Attribute::name(Operand::spatial, program.name(from.place))};
  request.attributes = asked.attributes;
  asked.facts.emplace(request);
}

inline double nanoseconds(Steady::duration time) { return std::chrono::duration<double, std::nano>(time).count(); }

inline double clock_cost() {
  std::vector<double> costs;
  for (int i = 0; i < 10'000; ++i) {
    const auto begin = Steady::now();
    costs.push_back(nanoseconds(Steady::now() - begin));
  }
  std::sort(costs.begin(), costs.end());
  return costs[costs.size() / 2];
}

/// One line; `goal`: what it is held against, or none.
inline void print(const std::string& what, double value, const char* unit, std::optional<double> goal = {}) {
  std::printf(R"({"name":"decide.%s","value":%.1f,"unit":"%s")", what.c_str(), value, unit);
  if (goal) std::printf(R"(,"against":"goal: %.0f","ratio":%.2f)", *goal, value / *goal);
  std::printf("}\n");
}

struct Goals {
  std::optional<double> p50, p99;
};

/// `times` in nanoseconds.
inline void print(const std::string& what, std::vector<double> times, double permits, Goals goals = {}) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) { return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))]; };
  print(what + ", p50", at(0.5), "ns", goals.p50);
  print(what + ", p99", at(0.99), "ns", goals.p99);
  print(what + ", permitted", permits * 100, "%");
}

/// Of each decision, from what was spoken to the program: what a benchmark asks.
struct World {
  std::shared_ptr<const Vocabulary> purposes;
  std::shared_ptr<const Context> context;
  std::vector<Program> programs;
  std::vector<double> compiling;  ///< nanoseconds
  std::vector<Words> spoken;
  std::vector<Asked> asked;
  Timestamp agreed = *parse_time("2026-06-01T00:00:00Z");
};

/// So many of the agreements as their text is written, and the purposes and requests that go with them, as one JSON document: for
/// peers that are asked the same. Each request carries our decision.
inline json::Value questions(const World& world, const char* purposes_file, std::size_t agreements) {
  Engine engine(20261126);
  const auto purposes = vocabulary(purposes_file, engine);
  json::Array terms, tree, requests;
  for (std::size_t i = 0; i < agreements; ++i) terms.push_back(*json::parse(agreement(engine, i, *purposes)));
  for (std::size_t i = 0; i < purposes->size(); ++i) {
    const PurposeTerm& term = purposes->term(static_cast<PurposeIndex>(i));
    json::Array parents;
    for (const PurposeIndex parent : term.parents) parents.emplace_back(purposes->term(parent).iri);
    tree.push_back(json::object({{"iri", json::Value(term.iri)}, {"parents", json::Value(std::move(parents))}}));
  }
  for (std::size_t i = 0; i < kRequests; ++i) {
    const Words& words = world.spoken[i];
    if (words.agreement >= agreements) continue;
    requests.push_back(json::object({{"agreement", json::Value(static_cast<std::uint64_t>(words.agreement))},
                                     {"purpose", json::Value(words.purpose)},
                                     {"recipient", json::Value(words.recipient)},
                                     {"class", json::Value(words.kind)},
                                     {"target", json::Value(words.target)},
                                     {"basis", json::Value(words.basis)},
                                     {"format", json::Value(words.format)},
                                     {"place", json::Value(words.place)},
                                     {"now", json::Value(format_time(words.now))},
                                     {"permit", json::Value(world.asked[i].program->decide(*world.asked[i].facts).permit)}}));
  }
  return json::object({{"purposes", json::Value(std::move(tree))},
                       {"agreements", json::Value(std::move(terms))},
                       {"requests", json::Value(std::move(requests))}});
}

/// Ends the program where a policy is not in order.
inline World make_world(const char* purposes) {
  Engine engine(20261126);
  World world;
  world.purposes = vocabulary(purposes, engine);
  world.context = std::make_shared<Context>(Context{world.purposes, std::make_shared<Names>(), program_memory()});
  std::vector<Policy> policies;
  for (std::size_t i = 0; i < kAgreements; ++i) {
    const auto policy = parse_policy(*json::parse(agreement(engine, i, *world.purposes)));
    if (!policy) {
      std::fprintf(stderr, "%s\n", describe(policy.error()).c_str());
      std::exit(1);
    }
    policies.push_back(*policy);
  }
  world.programs.reserve(kAgreements);
  for (const Policy& policy : policies) {
    const auto begin = Steady::now();
    auto program = compile(policy, world.context);
    world.compiling.push_back(nanoseconds(Steady::now() - begin));
    if (!program) std::exit(1);
    world.programs.push_back(std::move(*program));
  }
  world.asked.resize(kRequests);
  for (std::size_t i = 0; i < kRequests; ++i) {
    world.spoken.push_back(words(engine, *world.purposes, policies));
    intern(world.spoken[i], world.programs[world.spoken[i].agreement], *world.purposes, world.agreed, world.asked[i]);
  }
  return world;
}

}  // namespace sluis::bench
