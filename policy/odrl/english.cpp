#include "policy/odrl/explain.hpp"

#include <array>

/// The one table of English sentences for reasons.
namespace sluis::policy {
namespace {

struct Template {
  std::string_view code;
  std::string_view text;
};

constexpr std::array kTemplates{
    Template{"permitted", "Permitted by {rule}."},
    Template{"purpose", "Denied: {rule} is for another purpose; "
                        "{constraint} needs `{needed}`, asked was `{asked}`."},
    Template{"recipient", "Denied: {rule} is for another recipient; {constraint} needs `{needed}`."},
    Template{"class", "Denied: {rule} is for another class of recipient; {constraint} needs `{needed}`."},
    Template{"time.not_yet", "Denied: {rule} does not hold yet; {constraint} needs a time `{needed}`, it is {asked}."},
    Template{"time.over", "Denied: {rule} no longer holds; {constraint} needs a time `{needed}`, it is {asked}."},
    Template{"elapsed", "Denied: {rule} no longer holds; {constraint} allows `{needed}` after the agreement, "
                        "passed are {asked}."},
    Template{"no_permission", "Denied: nothing in the policy permits this."},
    Template{"prohibited", "Denied: {rule} prohibits it; {constraint} says `{needed}`, asked was `{asked}`."},
    Template{"indeterminate", "Denied: {rule} cannot be decided; {constraint} needs `{operand}` to be known "
                              "(`{needed}`), asked was `{asked}`."},
    Template{"target", "Denied: {rule} is about `{needed}`, asked was `{asked}`."},
    Template{"assignee", "Denied: {rule} is for `{needed}`, asked by `{asked}`."},
    Template{"count", "Denied: {rule} is used up; {constraint} needs `{needed}` uses, this would be number {asked}."},
    Template{"value", "Denied: {rule} does not hold; {constraint} needs {operand} `{needed}`, asked was `{asked}`."},
    Template{"duty", "Denied: {rule} holds once {constraint} is done (`{needed}`); it is `{asked}`."},
    Template{"alternatives", "Denied: {rule} does not hold; {constraint} needs {needed}, asked was `{asked}`."},
    // Between published and proposed terms.
    Template{"match.purpose", "The purpose differs: published is `{needed}`, proposed is `{asked}`."},
    Template{"match.time", "The time differs: published is `{needed}`, proposed is `{asked}`."},
    Template{"match.recipient", "The recipient differs: published is `{needed}`, proposed is `{asked}`."},
    Template{"match.class", "The class of recipient differs: published is `{needed}`, proposed is `{asked}`."},
    Template{"match.duty", "The obligations differ: published is `{needed}`, proposed is `{asked}`."},
    Template{"match.other", "The rules differ: published is `{needed}`, proposed is `{asked}`."},
};

}  // namespace

std::string_view english(std::string_view code) {
  for (const Template& row : kTemplates) {
    if (row.code == code) return row.text;
  }
  return "Denied: it cannot be decided.";
}

std::string fill(std::string_view text, const std::map<std::string, std::string>& parameters) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find('}', open);
    const auto found = parameters.find(std::string(text.substr(open + 1, close - open - 1)));
    out += found == parameters.end() ? "nothing" : found->second;
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace sluis::policy
