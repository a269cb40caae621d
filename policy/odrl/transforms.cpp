#include "policy/odrl/transforms.hpp"

#include "policy/odrl/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sluis::policy {
namespace {

using Form = Parameter::Form;
constexpr std::uint8_t kMany = 255;

/// In the order of Operand, from min_cell_size on.
constexpr Parameter kParameters[] = {
    {Operand::min_cell_size, Action::suppress_small_cells, Operator::gteq, false, Form::whole, 1, 1'000'000, 1, 1},
    {Operand::cell_column, Action::suppress_small_cells, Operator::eq, true, Form::name, 0, 0, 0, kMany},
    {Operand::cell_group, Action::suppress_small_cells, Operator::eq, false, Form::group, 0, 0, 0, kMany},
    {Operand::round_to, Action::suppress_small_cells, Operator::eq, false, Form::whole, 2, 1'000'000, 0, 1},
    {Operand::time_column, Action::generalise_time, Operator::eq, true, Form::name, 0, 0, 1, kMany},
    {Operand::time_step, Action::generalise_time, Operator::eq, false, Form::step, 0, 0, 1, 1},
    {Operand::time_zone, Action::generalise_time, Operator::eq, false, Form::zone, 0, 0, 1, 1},
    {Operand::pseudonym_column, Action::pseudonymise, Operator::eq, true, Form::name, 0, 0, 1, kMany},
    {Operand::pseudonym_epoch, Action::pseudonymise, Operator::eq, false, Form::epoch, 0, 0, 1, 1},
    {Operand::masked_column, Action::mask_column, Operator::eq, true, Form::name, 0, 0, 1, kMany},
    {Operand::kept_characters, Action::mask_column, Operator::lteq, false, Form::whole, 0, 64, 0, 1},
    {Operand::place_column, Action::generalise_place, Operator::eq, true, Form::name, 0, 0, 1, kMany},
    {Operand::place_grid, Action::generalise_place, Operator::gteq, false, Form::decimal, 0, 0, 0, 1},
    {Operand::place_lookup, Action::generalise_place, Operator::eq, false, Form::name, 0, 0, 0, 1},
    {Operand::group_column, Action::aggregate_by, Operator::eq, true, Form::name, 0, 0, 1, kMany},
    {Operand::group_measure, Action::aggregate_by, Operator::eq, true, Form::measure, 0, 0, 1, kMany},
    {Operand::subject_column, Action::aggregate_by, Operator::eq, false, Form::name, 0, 0, 0, 1},
    {Operand::max_groups, Action::aggregate_by, Operator::lteq, false, Form::whole, 1, 1'000'000, 1, 1},
    {Operand::group_total, Action::aggregate_by, Operator::eq, false, Form::yes, 0, 0, 0, 1},
};
static_assert(std::size(kParameters) == kOperands - static_cast<std::size_t>(Operand::min_cell_size));

Error refused(std::string message, const std::string& pointer) {
  return Error(ErrorCode::invalid_argument, std::move(message)).at_pointer(pointer);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

constexpr std::array<std::string_view, 12> kDividesADay{"PT1M",  "PT2M",  "PT5M",  "PT10M", "PT15M", "PT20M",
                                                        "PT30M", "PT1H",  "PT2H",  "PT3H",  "PT4H",  "PT6H"};

bool is_step(std::string_view text) {
  return std::find(kDividesADay.begin(), kDividesADay.end(), text) != kDividesADay.end() || text == "PT12H" ||
         text == "PT8H" || text == "P1D" || text == "P7D" || text == "P1M" || text == "P1Y";
}

bool made_of(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || more.find(c) != more.npos;
  });
}

/// `name = sum(column)`, `count()` …; nothing if it is none.
std::optional<Measure> read_measure(std::string_view text) {
  Measure measure;
  const std::size_t equals = text.find('=');
  if (equals != std::string_view::npos) {
    measure.name = trimmed(text.substr(0, equals));
    if (measure.name.empty()) return std::nullopt;
    text.remove_prefix(equals + 1);
  }
  text = trimmed(text);
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')')) return std::nullopt;
  const std::string_view of = trimmed(text.substr(0, open));
  measure.column = trimmed(text.substr(open + 1, text.size() - open - 2));
  if (of == "sum") measure.of = Measure::Of::sum;
  else if (of == "subjects") measure.of = Measure::Of::subjects;
  else if (of != "count") return std::nullopt;
  if ((of == "sum") == measure.column.empty()) return std::nullopt;
  if (measure.name.empty()) measure.name = of == "sum" ? measure.column : std::string(of);
  return measure;
}

Result<void> read_whole(const std::string& text, const Parameter& parameter, const std::string& pointer,
                        std::int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < parameter.least || number > parameter.most) {
    return refused(in_backticks(text) + " is not a whole number from " + std::to_string(parameter.least) + " to " +
                       std::to_string(parameter.most), pointer);
  }
  return {};
}

std::size_t count(const Rule& rule, Operand operand) {
  return static_cast<std::size_t>(std::count_if(rule.constraints.begin(), rule.constraints.end(),
                                                [&](const Constraint& one) { return one.operand == operand; }));
}

std::vector<std::string> names(const Rule& rule, Operand operand) {
  std::vector<std::string> list;
  for (const Constraint& one : rule.constraints) {
    if (one.operand == operand) list.insert(list.end(), one.values.begin(), one.values.end());
  }
  return list;
}

std::string name(const Rule& rule, Operand operand) {
  const auto list = names(rule, operand);
  return list.empty() ? std::string() : list.front();
}

std::int64_t number(const Rule& rule, Operand operand, std::int64_t otherwise) {
  for (const Constraint& one : rule.constraints) {
    if (one.operand == operand) return one.number;
  }
  return otherwise;
}

SuppressSmallCells suppression(const Rule& rule) {
  SuppressSmallCells made;
  made.threshold = number(rule, Operand::min_cell_size, made.threshold);
  made.columns = names(rule, Operand::cell_column);
  for (const Constraint& one : rule.constraints) {
    if (one.operand == Operand::cell_group)
      made.groups.push_back({one.values.at(0), {one.values.begin() + 1, one.values.end()}});
  }
  made.round_to = number(rule, Operand::round_to, 0);
  return made;
}

AggregateBy aggregation(const Rule& rule) {
  AggregateBy made;
  made.columns = names(rule, Operand::group_column);
  for (const std::string& text : names(rule, Operand::group_measure)) {
    if (auto measure = read_measure(text)) made.measures.push_back(std::move(*measure));
  }
  made.subject = name(rule, Operand::subject_column);
  made.max_groups = number(rule, Operand::max_groups, 0);
  made.total = count(rule, Operand::group_total) != 0;
  return made;
}

GeneralisePlace place(const Rule& rule) {
  GeneralisePlace made;
  made.columns = names(rule, Operand::place_column);
  made.grid = name(rule, Operand::place_grid);
  made.lookup = name(rule, Operand::place_lookup);
  return made;
}

}  // namespace

const Parameter& parameter(Operand operand) {
  return kParameters[static_cast<std::size_t>(operand) - static_cast<std::size_t>(Operand::min_cell_size)];
}

bool parameter_takes(const Parameter& parameter, Operator op) {
  return op == parameter.op || (parameter.list && op == Operator::is_any_of);
}

Result<std::vector<std::string>> read_sum(const std::string& text, const std::string& pointer) {
  const Error bad =
      refused(in_backticks(text) + " is not a sum of columns", pointer).mended_by("write `total = in + out`");
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return bad;
  std::vector<std::string> list{std::string(trimmed(std::string_view(text).substr(0, equals)))};
  std::string_view rest = std::string_view(text).substr(equals + 1);
  if (rest.find('=') != std::string_view::npos) return bad;
  for (;;) {
    const std::size_t plus = rest.find('+');
    list.emplace_back(trimmed(rest.substr(0, plus)));
    if (plus == std::string_view::npos) break;
    rest.remove_prefix(plus + 1);
  }
  std::vector<std::string> sorted = list;
  std::sort(sorted.begin(), sorted.end());
  const bool twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  if (list.size() < 3 || twice || sorted.front().empty()) return bad;
  return list;
}

Result<void> read_parameter(const std::string& text, const std::string& pointer, Constraint& constraint) {
  const Parameter& how = parameter(constraint.operand);
  switch (how.form) {
    case Form::whole: return read_whole(text, how, pointer, constraint.number);
    case Form::group: {
      SLUIS_TRY(constraint.values, read_sum(text, pointer));
      return {};
    }
    case Form::measure:
      if (read_measure(text)) break;
      return refused(in_backticks(text) + " is no measure", pointer)
          .mended_by("write `name = sum(column)`, `count()` or `subjects()`");
    case Form::decimal: {
      const auto value = parse_decimal(text);
      if (value && *value > 0) break;
      return refused(in_backticks(text) + " is not a decimal above 0", pointer)
          .mended_by("write it like `0.01` or `500`");
    }
    case Form::step:
      if (is_step(text)) break;
      return refused(in_backticks(text) + " is no period that days are made of", pointer)
          .mended_by("write `PT15M`, `PT1H`, `P1D`, `P7D`, `P1M`, `P1Y` or another part of a day");
    case Form::zone:
      if (made_of(text, "/_+-") && text.size() <= 64 && text.find("..") == std::string::npos && text.front() != '/')
        break;
      return refused(in_backticks(text) + " is no name of a time zone", pointer)
          .mended_by("write it like `Europe/Amsterdam`");
    case Form::epoch:
      if (made_of(text, "._-") && text.size() <= 64) break;
      return refused(in_backticks(text) + " is no name of an epoch", pointer)
          .mended_by("1 to 64 of `A-Z a-z 0-9 . _ -`");
    case Form::yes:
      if (text == "true") break;
      return refused("the value is `true`, or the constraint is left out", pointer);
    case Form::name: break;
  }
  constraint.values.push_back(text);
  return {};
}

Result<void> check_parameters(const Rule& rule) {
  for (const Parameter& one : kParameters) {
    if (one.action != rule.action) continue;
    const std::size_t there = count(rule, one.operand);
    const std::string what = "`" + std::string(to_string(rule.action)) + "` needs ";
    const std::string operand = "`" + std::string(to_string(one.operand)) + "`";
    if (there < one.fewest || there > one.mosts) {
      return refused(what + (one.mosts == kMany ? "at least one " : one.fewest == 1 ? "exactly one " : "at most one ") +
                         operand, rule.pointer);
    }
  }
  if (rule.action == Action::generalise_place &&
      count(rule, Operand::place_grid) + count(rule, Operand::place_lookup) != 1) {
    return refused("`generalisePlace` needs either `placeGrid` or `placeLookup`", rule.pointer);
  }
  return {};
}

std::vector<Transform> transforms(const Policy& policy) {
  std::vector<Transform> list;
  for (const Rule& rule : policy.obligations) {
    switch (rule.action) {
      case Action::suppress_small_cells: list.emplace_back(suppression(rule)); break;
      case Action::generalise_time:
        list.emplace_back(GeneraliseTime{names(rule, Operand::time_column), name(rule, Operand::time_step),
                                         name(rule, Operand::time_zone)});
        break;
      case Action::pseudonymise:
        list.emplace_back(Pseudonymise{names(rule, Operand::pseudonym_column), name(rule, Operand::pseudonym_epoch)});
        break;
      case Action::mask_column:
        list.emplace_back(MaskColumn{names(rule, Operand::masked_column),
                                     static_cast<std::uint32_t>(number(rule, Operand::kept_characters, 0))});
        break;
      case Action::generalise_place: list.emplace_back(place(rule)); break;
      case Action::aggregate_by: list.emplace_back(aggregation(rule)); break;
      default: break;
    }
  }
  return list;
}

bool is_safeguard(Action action) { return action == Action::delete_after || is_transform(action); }

std::vector<Action> safeguards(const Policy& policy) {
  std::vector<Action> out;
  for (const Rule& rule : policy.obligations) {
    if (is_safeguard(rule.action)) out.push_back(rule.action);
  }
  return out;
}

}  // namespace sluis::policy
