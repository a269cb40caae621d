#include "policy/minimise/column_plan.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::policy {
namespace {

Error refused(std::string message) { return Error(ErrorCode::invalid_argument, std::move(message)); }

std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

std::vector<std::string> members_of(const SumGroup& group) {
  std::vector<std::string> names{group.total};
  names.insert(names.end(), group.parts.begin(), group.parts.end());
  return names;
}

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

Result<ColumnPlan> ColumnPlan::compile(const DatasetColumns& dataset, std::span<const Transform> transforms) {
  ColumnPlan plan;
  for (const ColumnDeclaration& column : dataset.columns) {
    if (contains(plan.declared_, column.name)) {
      return refused("the column " + in_backticks(column.name) + " is declared twice");
    }
    plan.declared_.push_back(column.name);
    if (column.action == ColumnAction::keep) plan.kept_names_.push_back(column.name);
  }
  if (plan.kept_names_.empty()) return refused("no column is kept").mended_by("a column that is not named is dropped");
  for (const Transform& transform : transforms) SLUIS_CHECK(plan.add(dataset, transform));
  for (Group& group : plan.groups_) {
    for (const std::size_t index : group.members) {
      group.threshold = std::max(group.threshold, plan.cells_[index].threshold);
    }
  }
  plan.values_.resize(plan.cells_.size());
  plan.marks_.resize(plan.cells_.size());
  return plan;
}

Result<std::size_t> ColumnPlan::cell(const DatasetColumns& dataset, const std::string& name, std::int64_t threshold) {
  const auto same = [&](const auto& one) { return one.name == name; };
  if (std::none_of(dataset.columns.begin(), dataset.columns.end(), same)) {
    return refused("small cells are to be suppressed in " + in_backticks(name) + ", which is no declared column");
  }
  const auto found = std::find_if(cells_.begin(), cells_.end(), same);
  if (found != cells_.end()) {
    found->threshold = std::max(found->threshold, threshold);
    return static_cast<std::size_t>(found - cells_.begin());
  }
  cells_.push_back({name, threshold, 0});
  return cells_.size() - 1;
}

Result<void> ColumnPlan::add_group(const DatasetColumns& dataset, const SumGroup& group, std::int64_t threshold) {
  if (group.parts.size() < 2) return refused("the sum " + in_backticks(group.total) + " needs two parts or more");
  Group added;
  added.threshold = threshold;
  for (const std::string& name : members_of(group)) {
    SLUIS_TRY(const std::size_t index, cell(dataset, name, threshold));
    if (std::find(added.members.begin(), added.members.end(), index) != added.members.end()) {
      return refused("the column " + in_backticks(name) + " is twice in one sum");
    }
    added.members.push_back(index);
  }
  std::sort(added.members.begin() + 1, added.members.end());
  for (Group& other : groups_) {
    if (other.members == added.members) {
      other.threshold = std::max(other.threshold, threshold);
      return {};
    }
    for (const std::size_t index : added.members) {
      if (std::find(other.members.begin(), other.members.end(), index) != other.members.end()) {
        return refused("the column " + in_backticks(cells_[index].name) + " is in two sums")
            .mended_by("a suppressed cell could be computed back through the other sum");
      }
    }
  }
  groups_.push_back(std::move(added));
  return {};
}

Result<void> ColumnPlan::add(const DatasetColumns& dataset, const Transform& asked) {
  const auto* suppress = std::get_if<SuppressSmallCells>(&asked);
  if (suppress == nullptr || suppress->round_to != 0) return refused("the gate does not know this transform yet");
  const SuppressSmallCells& transform = *suppress;
  if (transform.threshold < 1) return refused("a smallest cell size is 1 or more");
  std::vector<std::string> columns = transform.columns;
  std::vector<SumGroup> groups = transform.groups;
  if (columns.empty() && groups.empty()) {
    for (const ColumnDeclaration& column : dataset.columns) {
      if (column.counts) columns.push_back(column.name);
    }
    groups = dataset.groups;
  }
  if (columns.empty() && groups.empty()) {
    return refused("small cells are to be suppressed, but no column is named or declared as a count");
  }
  for (const SumGroup& group : groups) {
    const auto names = members_of(group);
    columns.insert(columns.end(), names.begin(), names.end());
  }
  // A sum that the dataset declares would give a suppressed cell away, so it is taken in whole.
  for (const SumGroup& group : dataset.groups) {
    const auto names = members_of(group);
    if (std::any_of(names.begin(), names.end(), [&](const std::string& name) { return contains(columns, name); })) {
      groups.push_back(group);
    }
  }
  for (const SumGroup& group : groups) SLUIS_CHECK(add_group(dataset, group, transform.threshold));
  for (const std::string& name : columns) SLUIS_CHECK(cell(dataset, name, transform.threshold));
  return {};
}

Result<void> ColumnPlan::bind(std::span<const std::string_view> header, std::vector<std::string> null_words) {
  null_words_ = std::move(null_words);
  std::vector<std::string_view> sorted(header.begin(), header.end());
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    return refused("row 1: the column " + in_backticks(*twice) + " is there twice");
  }
  for (const std::string& name : declared_) {
    if (!std::binary_search(sorted.begin(), sorted.end(), std::string_view(name))) {
      return refused("row 1: the declared column " + in_backticks(name) + " is not in the file");
    }
  }
  kept_.clear();
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (contains(kept_names_, std::string(header[i]))) kept_.push_back(i);
  }
  for (Cell& cell : cells_) {
    cell.place = static_cast<std::size_t>(std::find(header.begin(), header.end(), cell.name) - header.begin());
  }
  return {};
}

bool ColumnPlan::is_null(std::string_view text) const {
  return text.empty() || std::find(null_words_.begin(), null_words_.end(), text) != null_words_.end();
}

Result<void> ColumnPlan::read(std::size_t index, std::string_view text, std::uint64_t row) {
  values_[index] = 0;
  if (is_null(text)) {
    marks_[index] = Mark::empty;
    return {};
  }
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || text.size() > 15) {
    // The cell itself is not shown: whoever reads the message may not be allowed to see it.
    return refused("row " + std::to_string(row) + ": a cell of " + in_backticks(cells_[index].name) +
                   " is neither a whole number nor a null word");
  }
  std::from_chars(text.data(), text.data() + text.size(), values_[index]);
  marks_[index] = values_[index] < cells_[index].threshold ? Mark::hidden : Mark::shown;
  return {};
}

/// Hides more until nothing small can be computed back. The unknown cells of a sum are those hidden and those empty
/// in the source. A lone hidden cell is the difference of the others; a lone empty one too, which must not reveal a
/// small count that was never published; and several unknown parts together must not be small.
void ColumnPlan::close_group(const Group& group) {
  for (;;) {
    std::size_t hidden = 0;
    std::size_t empty = 0;
    std::int64_t parts = 0;  // the shown ones
    for (const std::size_t index : group.members) {
      hidden += marks_[index] == Mark::hidden ? 1U : 0U;
      empty += marks_[index] == Mark::empty ? 1U : 0U;
      if (index != group.members.front() && marks_[index] == Mark::shown) parts += values_[index];
    }
    const std::size_t total = group.members.front();
    const Mark of_total = marks_[total];
    const std::int64_t unknown_sum = of_total == Mark::shown ? values_[total] - parts : parts;
    bool open = false;
    if (hidden + empty == 1) open = hidden == 1 || unknown_sum < group.threshold;
    else if (hidden + empty > 1 && of_total == Mark::shown) open = unknown_sum < group.threshold;
    if (!open) return;
    std::size_t smallest = cells_.size();
    for (auto at = group.members.rbegin(); at != group.members.rend(); ++at) {  // the total last: it loses ties
      if (marks_[*at] != Mark::shown) continue;
      if (smallest == cells_.size() || values_[*at] < values_[smallest]) smallest = *at;
    }
    if (smallest == cells_.size()) return;
    marks_[smallest] = Mark::hidden;
  }
}

Result<void> ColumnPlan::suppress(std::span<std::string_view> cells, std::uint64_t row) {
  for (std::size_t i = 0; i < cells_.size(); ++i) SLUIS_CHECK(read(i, cells[cells_[i].place], row));
  for (const Group& group : groups_) close_group(group);
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    if (marks_[i] == Mark::hidden) cells[cells_[i].place] = "x";
  }
  return {};
}

}  // namespace sluis::policy
