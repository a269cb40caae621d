#include "tests/fuzz/odrl_bombs.hpp"

#include "tests/fuzz/odrl_generate.hpp"

#include <functional>

namespace sluis::test {
namespace {

using Piece = std::function<std::string(std::size_t)>;
constexpr std::int64_t kNoon = 1'795'694'400'000'000;

std::string quoted(std::size_t number) { return "\"" + std::to_string(number) + "\""; }

std::string atom(const std::string& left, const std::string& op, const std::string& right) {
  return R"({"leftOperand":")" + left + R"(","operator":")" + op + R"(","rightOperand":)" + right + "}";
}

/// Pieces with a comma between, up to a size or a number.
std::string many(std::size_t bytes, std::size_t most, const Piece& piece) {
  std::string out;
  for (std::size_t i = 0; out.size() < bytes && i < most; ++i) out += (i == 0 ? "" : ",") + piece(i);
  return out;
}

std::string logical(const std::string& logic, const std::string& operands) {
  return "{\"" + logic + "\":[" + operands + "]}";
}

std::string tree(const std::string& logic, int depth, int width, std::size_t& number) {
  if (depth == 0) {
    const std::size_t n = number++;
    return atom(n % 2 == 0 ? "event" : "spatial", "eq", quoted(n));
  }
  std::string operands;
  for (int i = 0; i < width; ++i) operands += (i == 0 ? "" : ",") + tree(logic, depth - 1, width, number);
  return logical(logic, operands);
}

std::string policy(const std::string& rules) { return R"({"@id":"urn:p","@type":"Set",)" + rules + "}"; }
std::string one(const std::string& constraints) {
  return policy(R"("permission":[{"action":"use","constraint":[)" + constraints + "]}]");
}

std::string rules(const std::string& kind, std::size_t bytes) {
  return "\"" + kind + "\":[" +
         many(bytes, 30,
              [](std::size_t i) {
                return R"({"action":")" + std::string(i % 2 == 0 ? "use" : "read") + R"(","constraint":[)" +
                       logical("or", many(700, 100,
                                          [i](std::size_t j) {
                                            return atom(j % 2 == 0 ? "event" : "spatial", "eq",
                                                        quoted((i + j) % 9));
                                          })) +
                       "]}";
              }) +
         "]";
}

const std::string kSixtyFour = R"("action":["use","read"],"target":[)" +
                               many(400, 8, [](std::size_t i) { return "\"urn:t:" + std::to_string(i) + "\""; }) +
                               R"(],"assignee":["a","b","c","d"])";

std::string names(std::size_t room, std::size_t most) {
  return many(room, most, [](std::size_t i) { return atom("event", "neq", quoted(i)); });
}

/// As many rules as a policy may have, by combination, with that many constraints, or as there is room for.
std::string combinations(std::size_t room, std::size_t most) {
  return policy("\"permission\":[{" + kSixtyFour + ",\"constraint\":[" + names(room, most) + "]}]");
}

/// Four rules of sixteen combinations each, with a quarter of the constraints each.
std::string four_combinations(std::size_t room) {
  return policy("\"permission\":[" + many(room, 4, [room](std::size_t) {
                  return R"({"action":["use","read"],"target":["urn:1","urn:2","urn:3","urn:4"],"assignee":["a","b"],"constraint":[)" + names(room / 4 - 200, 250) + "]}";
                }) + "]");
}

/// A target of the policy, with its refinements, that all rules have.
std::string shared_refinements(std::size_t room) {
  return policy(R"("target":{"@type":"AssetCollection","source":"urn:t","refinement":[)" + names(room - 2000, 1000) + R"(]},"permission":[)" +
                many(room, 60, [](std::size_t) { return std::string(R"({"action":"use"})"); }) + "]");
}

/// A duty with as many constraints as there is room for, and rules that name it.
std::string named_again(std::size_t room) {
  return policy(R"("permission":[{"action":"use","duty":[{"uid":"urn:d","action":"inform","constraint":[)" + names(room - 2500, 1000) + "]}]}," +
                many(room, 30, [](std::size_t) { return std::string(R"({"action":"use","duty":["urn:d"]})"); }) + "]");
}

void add_logic(std::vector<Bomb>& all, const std::string& logic, std::size_t room) {
  for (const auto& [depth, width] : {std::pair{9, 2}, std::pair{4, 5}, std::pair{2, 30}, std::pair{14, 1}}) {
    std::size_t number = 0;
    all.push_back({logic + " tree " + std::to_string(depth) + "x" + std::to_string(width),
                   one(tree(logic, depth, width, number))});
  }
  const auto wide = [&](const char* name, const Piece& piece) {
    all.push_back({logic + " of " + name, one(logical(logic, many(room, 1000, piece)))});
  };
  wide("names", [](std::size_t i) { return atom("event", "eq", quoted(i)); });
  wide("counts", [](std::size_t i) { return atom("count", "gt", quoted(i)); });
  wide("times", [](std::size_t i) {
    const auto minutes = static_cast<std::int64_t>(i * 7919 % 1000);
    return atom("dateTime", i % 2 == 0 ? "gt" : "neq", "\"" + write_instant(kNoon + minutes * 60'000'000) + "\"");
  });
  all.push_back({"pairs of " + logic, one(many(room, 340, [&](std::size_t i) {
                   return logical(
                       logic, atom("event", "eq", quoted(2 * i)) + "," + atom("event", "eq", quoted(2 * i + 1)));
                 }))});
}

}  // namespace

std::vector<Bomb> bombs(std::size_t bytes) {
  const std::size_t room = bytes - 400;
  std::vector<Bomb> all;
  for (const char* logic : {"xone", "or", "and"}) add_logic(all, logic, room);
  all.push_back({"a long list", one(atom("event", "isAnyOf", "[" + many(room, 512, quoted) + "]"))});
  all.push_back({"lists", one(many(room, 1000, [](std::size_t i) {
                   return atom("event", "isNoneOf",
                               "[" + many(600, 512, [i](std::size_t j) { return quoted(i * j); }) + "]");
                 }))});
  all.push_back({"purposes", one(many(room, 1000, [](std::size_t i) {
                   return atom("purpose", i % 2 == 0 ? "isA" : "neq", "\"dpv:Marketing\"");
                 }))});
  const std::string both = rules("permission", room / 2) + "," + rules("prohibition", room / 2);
  all.push_back({"rules", policy(both)});
  all.push_back({"rules under invalid", policy("\"conflict\":\"invalid\"," + both)});
  all.push_back({"combinations", combinations(room, 1000)});
  all.push_back({"combinations that are taken", combinations(room, 60)});
  all.push_back({"four times combinations", four_combinations(room)});
  all.push_back({"shared refinements", shared_refinements(room)});
  all.push_back({"a duty named again", named_again(room)});
  all.push_back({"arrays", "[" + many(room, room, [](std::size_t) { return std::string("[[[[]]]]"); }) + "]"});
  all.push_back({"members", "{" + many(room, room, [](std::size_t i) { return quoted(i) + ":0"; }) + "}"});
  all.push_back({"escapes", "{\"@id\":\"" + std::string(room, '\\') + "\"}"});
  all.push_back({"a long name", policy("\"permission\":\"" + std::string(room, 'x') + "\"")});
  return all;
}

}  // namespace sluis::test
