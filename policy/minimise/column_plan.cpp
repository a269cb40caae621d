#include "policy/minimise/column_plan.hpp"

#include <algorithm>

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

Result<ColumnPlan> ColumnPlan::compile(const DatasetColumns& dataset, std::span<const Transform> transforms,
                                       const Means& means) {
  ColumnPlan plan;
  for (const ColumnDeclaration& column : dataset.columns) {
    if (contains(plan.declared_, column.name)) {
      return refused("the column " + in_backticks(column.name) + " is declared twice");
    }
    plan.declared_.push_back(column.name);
    if (column.action == ColumnAction::keep) plan.kept_names_.push_back(column.name);
  }
  if (plan.kept_names_.empty()) return refused("no column is kept").mended_by("a column that is not named is dropped");
  SLUIS_CHECK(plan.add_transforms(dataset, transforms, means));
  for (Group& group : plan.groups_) {
    for (const std::size_t index : group.members) {
      group.threshold = std::max(group.threshold, plan.cells_[index].threshold);
    }
  }
  plan.values_.resize(plan.cells_.size());
  plan.marks_.resize(plan.cells_.size());
  return plan;
}

Result<void> ColumnPlan::add_transforms(const DatasetColumns& dataset, std::span<const Transform> transforms,
                                        const Means& means) {
  RowTransforms::Times times;
  for (const ColumnDeclaration& column : dataset.columns) {
    if (!column.time) continue;
    SLUIS_CHECK(check_time_format(*column.time));
    times.emplace(column.name, *column.time);
  }
  const AggregateBy* aggregate = nullptr;
  std::vector<SuppressSmallCells> suppressions;
  for (const Transform& transform : transforms) {
    if (const auto* suppress = std::get_if<SuppressSmallCells>(&transform)) suppressions.push_back(*suppress);
    if (const auto* one = std::get_if<AggregateBy>(&transform)) {
      if (aggregate != nullptr) return refused("two aggregations of one table").mended_by("name all columns in one");
      aggregate = one;
    }
    SLUIS_CHECK(transforms_.add(transform, times, means));
  }
  for (const std::string& name : transforms_.columns()) {
    if (!contains(declared_, name)) {
      return refused(in_backticks(name) + " is to be transformed, and is no declared column");
    }
  }
  std::vector<std::string> numbers;
  if (aggregate != nullptr) {
    SLUIS_TRY(aggregation_, Aggregation::compile(dataset, *aggregate, suppressions, means));
    numbers = aggregation_->columns();
  } else {
    for (const SuppressSmallCells& one : suppressions) SLUIS_CHECK(add(dataset, one));
    for (const Cell& one : cells_) numbers.push_back(one.name);
  }
  for (const std::string& name : numbers) {
    if (transforms_.has(name)) return refused("the column " + in_backticks(name) + " is counted and transformed");
  }
  return {};
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
  cells_.push_back({name, threshold, 0, 0, {}});
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

Result<void> ColumnPlan::add(const DatasetColumns& dataset, const SuppressSmallCells& transform) {
  if (transform.threshold < 1) return refused("a smallest cell size is 1 or more");
  if (transform.round_to < 0 || transform.round_to == 1) return refused("counts are rounded to 2 or more");
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
  for (const std::string& name : columns) {
    SLUIS_TRY(const std::size_t index, cell(dataset, name, transform.threshold));
    Cell& one = cells_[index];
    if (one.round_to != 0 && transform.round_to != 0 && one.round_to != transform.round_to) {
      return refused("two suppressions round " + in_backticks(name) + " differently");
    }
    one.round_to = std::max(one.round_to, transform.round_to);
  }
  // What a sum takes in is rounded as the sum is.
  for (const Group& group : groups_) {
    std::int64_t most = 0;
    for (const std::size_t index : group.members) most = std::max(most, cells_[index].round_to);
    for (const std::size_t index : group.members) cells_[index].round_to = most;
  }
  return {};
}

Result<void> ColumnPlan::bind(std::span<const std::string_view> header, Nulls nulls) {
  nulls_ = std::move(nulls);
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
  const auto place_of = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
  };
  for (Cell& cell : cells_) cell.place = place_of(cell.name);
  transforms_.bind(place_of);
  if (aggregation_) aggregation_->bind(place_of);
  return {};
}

Result<void> ColumnPlan::rewrite(Row& row, char decimal) {
  if (aggregation_) SLUIS_CHECK(aggregation_->see(row, nulls_));
  SLUIS_CHECK(transforms_.apply(row, nulls_, decimal));
  if (!row.leaves) return {};
  if (aggregation_) return aggregation_->add(row, nulls_, decimal);
  return suppress(row);
}

Result<void> ColumnPlan::read(std::size_t index, const Row& row) {
  const Cell& cell = cells_[index];
  values_[index] = 0;
  if (nulls_.is_null(row.cells[cell.place], row.kinds[cell.place])) {
    marks_[index] = Mark::empty;
    return {};
  }
  if (!read_count(row.cells[cell.place], values_[index])) {
    // The cell itself is not shown: whoever reads the message may not be allowed to see it.
    Place where;
    where.column = static_cast<std::uint32_t>(cell.place + 1);
    return refused("row " + std::to_string(row.number) + ": a cell of " + in_backticks(cell.name) +
                   " is neither a whole number nor a null word").at(where);
  }
  marks_[index] = values_[index] < cell.threshold ? Mark::hidden : Mark::shown;
  values_[index] = stable(values_[index], cell.threshold, cell.round_to);
  return {};
}

/// Where counts are rounded, a total is that of its rounded parts: its own rounding would tell something of them.
void ColumnPlan::add_up(const Group& group) {
  const std::size_t total = group.members.front();
  if (cells_[total].round_to < 2) return;
  std::int64_t sum = 0;
  for (const std::size_t index : group.members) {
    if (marks_[index] == Mark::empty) return;
    if (index != total) sum += values_[index];
  }
  values_[total] = sum;
  marks_[total] = sum < cells_[total].threshold ? Mark::hidden : Mark::shown;
}

Result<void> ColumnPlan::suppress(Row& row) {
  for (std::size_t i = 0; i < cells_.size(); ++i) SLUIS_CHECK(read(i, row));
  for (const Group& group : groups_) {
    add_up(group);
    close_sum(group.members, values_, marks_, group.threshold);
  }
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    Cell& cell = cells_[i];
    if (marks_[i] == Mark::hidden) {
      row.cells[cell.place] = "x";
      row.kinds[cell.place] = CellKind::text;
    } else if (marks_[i] == Mark::shown && cell.round_to > 1) {
      cell.text = std::to_string(values_[i]);
      row.cells[cell.place] = cell.text;
    }
  }
  return {};
}

}  // namespace sluis::policy
