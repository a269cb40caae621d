#include "policy/minimise/aggregate.hpp"

#include "policy/minimise/limits.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

namespace sluis::policy {
namespace {

Error refused(std::string message) { return Error(ErrorCode::invalid_argument, std::move(message)); }
std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

Error too_many(std::string_view what, std::size_t limit) {
  return Error(ErrorCode::limit_exceeded, "more than " + std::to_string(limit) + " " + std::string(what));
}

}  // namespace

Result<Aggregation> Aggregation::compile(const DatasetColumns& dataset, const AggregateBy& asked,
                                         const std::vector<SuppressSmallCells>& suppressions, const Means& means) {
  Aggregation made;
  made.asked_ = asked;
  if (asked.columns.empty() || asked.measures.empty()) {
    return refused("`aggregateBy` needs columns to group by, and measures");
  }
  if (asked.max_groups < 1 || asked.max_groups > limits::kGroups) {
    return refused("a limit of groups is from 1 to " + std::to_string(limits::kGroups));
  }
  for (const std::string& name : asked.columns) {
    const ColumnDeclaration* column = dataset.find(name);
    if (column == nullptr || column->action != ColumnAction::keep) {
      return refused("groups are to be made by " + in_backticks(name) + ", which is no column that is kept");
    }
    made.names_.push_back(name);
  }
  if (!asked.subject.empty() && dataset.find(asked.subject) == nullptr) {
    return refused("subjects are to be counted by " + in_backticks(asked.subject) + ", which is no declared column");
  }
  for (const Measure& measure : asked.measures) {
    Column column{measure, 0, measure.of != Measure::Of::sum, 0};
    if (measure.of == Measure::Of::sum) {
      const ColumnDeclaration* declared = dataset.find(measure.column);
      if (declared == nullptr) {
        return refused("a sum is asked of " + in_backticks(measure.column) + ", which is no declared column");
      }
      column.counts = declared->counts;
    }
    if (measure.of == Measure::Of::subjects && asked.subject.empty()) {
      return refused("`subjects()` needs a `subjectColumn`");
    }
    made.measures_.push_back(column);
    made.names_.push_back(measure.name);
  }
  std::vector<std::string> sorted = made.names_;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    return refused("the column " + in_backticks(*twice) + " is there twice");
  }
  for (const SuppressSmallCells& one : suppressions) SLUIS_CHECK(made.add_suppression(one, dataset));
  if (asked.total && !made.sums_.empty() && made.round_to_ == 0) {
    return refused("a total of groups whose measures are a sum of each other needs `roundTo`")
        .mended_by("a suppressed cell could be computed back through two sums");
  }
  SLUIS_CHECK(made.draw_lots(means));
  for (const ColumnDeclaration& column : dataset.columns) {
    made.drawn_by_.push_back({column.name, std::to_string(column.name.size()) + ":" + column.name, 0});
  }
  std::sort(made.drawn_by_.begin(), made.drawn_by_.end(), [](const Drawn& a, const Drawn& b) { return a.name < b.name; });
  return made;
}

/// Rows and subjects have no cell in the source that could be made stable, so that a draw of them is counted.
Result<void> Aggregation::draw_lots(const Means& means) {
  if (round_to_ < 2) return {};
  if (!asked_.subject.empty()) {
    // A group of few is hidden in whole; its other numbers would come back from another grouping.
    for (const Column& column : measures_) {
      if (column.measure.of == Measure::Of::subjects) continue;
      return refused("with `roundTo`, " + in_backticks(column.measure.name) + " cannot stand beside a `subjectColumn`")
          .mended_by("count `subjects()` alone, and publish the other measures by themselves without `subjectColumn`");
    }
  }
  const Column* drawn = nullptr;
  for (std::size_t i = 0; i < measures_.size() && drawn == nullptr; ++i) drawn = by_lot(i) ? &measures_[i] : nullptr;
  if (drawn == nullptr) return {};
  for (Column& column : measures_) {
    if (column.measure.of == Measure::Of::sum) {
      // Of a group that leaves no row it would come back from the total or another grouping, and bound its number.
      return refused("with `roundTo`, the sum " + in_backticks(column.measure.name) + " cannot stand beside " +
                     in_backticks(drawn->measure.name) + ", which is counted by lot")
          .mended_by("publish numbers of rows by themselves, and sums without them");
    }
    column.threshold = threshold_;  // they are one draw
  }
  if (means.lot) lot_ = means.lot;
  else if (!means.only_check) return refused("rows or subjects are to be counted by lot, and there is no key for it");
  return {};
}

bool Aggregation::by_lot(std::size_t measure) const {
  return round_to_ > 1 && measures_[measure].measure.of != Measure::Of::sum && measures_[measure].threshold != 0;
}

Result<void> Aggregation::add_suppression(const SuppressSmallCells& asked, const DatasetColumns& dataset) {
  if (asked.threshold < 1) return refused("a smallest cell size is 1 or more");
  if (asked.round_to < 0 || asked.round_to == 1) return refused("counts are rounded to 2 or more");
  if (threshold_ != 0 && asked.round_to != round_to_) return refused("two suppressions round differently");
  round_to_ = asked.round_to;
  threshold_ = std::max(threshold_, asked.threshold);
  const auto place = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find_if(measures_.begin(), measures_.end(), [&](const Column& one) {
                                      return one.measure.name == name;
                                    }) - measures_.begin());
  };
  const bool by_name = !asked.columns.empty() || !asked.groups.empty();
  std::vector<std::string> names = asked.columns;
  for (const SumGroup& group : asked.groups) {
    names.push_back(group.total);
    names.insert(names.end(), group.parts.begin(), group.parts.end());
  }
  bool any = false;
  for (Column& column : measures_) {
    const bool named = std::find(names.begin(), names.end(), column.measure.name) != names.end();
    if (by_name ? !named : !column.counts) continue;
    column.counts = true;
    column.threshold = std::max(column.threshold, asked.threshold);
    any = true;
  }
  for (const std::string& name : names) {
    if (place(name) == measures_.size()) {
      return refused("small cells are to be suppressed in " + in_backticks(name) + ", which is no measure");
    }
  }
  if (!any) return refused("small cells are to be suppressed, but no measure counts persons");
  std::vector<SumGroup> groups = asked.groups;
  groups.insert(groups.end(), dataset.groups.begin(), dataset.groups.end());  // they hold for sums of the columns too
  for (const SumGroup& group : groups) {
    std::vector<std::size_t> members{place(group.total)};
    for (const std::string& part : group.parts) members.push_back(place(part));
    if (std::find(members.begin(), members.end(), measures_.size()) != members.end()) continue;  // one is not published
    for (const std::size_t member : members) {
      measures_[member].counts = true;
      measures_[member].threshold = std::max(measures_[member].threshold, asked.threshold);
    }
    if (std::find(sums_.begin(), sums_.end(), members) == sums_.end()) sums_.push_back(std::move(members));
  }
  return {};
}

void Aggregation::bind(const std::function<std::size_t(const std::string&)>& place_of) {
  key_places_.clear();
  for (const std::string& name : asked_.columns) key_places_.push_back(place_of(name));
  for (Column& column : measures_) {
    if (column.measure.of == Measure::Of::sum) column.place = place_of(column.measure.column);
  }
  if (!asked_.subject.empty()) subject_place_ = place_of(asked_.subject);
  if (!draws_rows()) return;
  for (Drawn& column : drawn_by_) column.place = place_of(column.name);
}

std::vector<std::string> Aggregation::columns() const {
  std::vector<std::string> names;
  for (const Column& column : measures_) {
    if (column.measure.of == Measure::Of::sum) names.push_back(column.measure.column);
  }
  return names;
}

Result<void> Aggregation::see(const Row& row, const Nulls& nulls) {
  if (draws_rows()) return see_row(row);
  if (asked_.subject.empty()) return {};
  has_subject_ = !nulls.is_null(row.cells[subject_place_], row.kinds[subject_place_]);
  subject_.assign(row.cells[subject_place_]);
  return {};
}

/// A row is drawn by what stands in it, as it stands, and by how many such rows came before: wherever it stands in the file,
/// and whatever else does, it is the same draw. Rows that will be left out are counted too: another agreement may not
/// leave them out.
Result<void> Aggregation::see_row(const Row& row) {
  if (!occurrences_) {
    std::array<std::uint64_t, 2> key{};
    for (std::size_t i = 0; i < 16; ++i) key[i / 8] = key[i / 8] << 8U | lot_("key " + std::to_string(i));
    occurrences_.emplace(key);
  }
  lot_text_ = "row ";
  for (const Drawn& column : drawn_by_) {
    lot_text_ += column.before;
    lot_text_ += std::to_string(row.cells[column.place].size());
    lot_text_ += ':';
    lot_text_ += row.cells[column.place];
  }
  const std::uint64_t occurrence = occurrences_->next(lot_text_);
  if (occurrence == 0 && occurrences_->is_full()) {
    return Error(ErrorCode::storage_unavailable, "other tables are being counted by lot, and have the memory for it").mended_by("ask again in some seconds");
  }
  if (occurrence == 0) {
    return too_many("rows that differ, to be counted by lot", limits::kLotRows)
        .mended_by("publish the source in several files, or counts that stand in it");
  }
  lot_text_ += '#';
  lot_text_ += std::to_string(occurrence);
  return {};
}

Result<std::size_t> Aggregation::group_of(const Row& row) {
  key_.clear();
  for (const std::size_t place : key_places_) {
    key_ += std::to_string(row.cells[place].size());
    key_ += static_cast<char>('a' + static_cast<int>(row.kinds[place]));
    key_ += row.cells[place];
  }
  const auto found = groups_.find(key_);
  if (found != groups_.end()) return found->second;
  if (keys_.size() == static_cast<std::size_t>(asked_.max_groups)) return too_many("groups", keys_.size());
  bytes_ += 2 * key_.size() + 64 * measures_.size() + 128;
  if (bytes_ > limits::kGroupBytes) return too_many("bytes of groups", limits::kGroupBytes);
  Key key;
  for (const std::size_t place : key_places_) {
    key.cells.emplace_back(row.cells[place]);
    key.kinds.push_back(row.kinds[place]);
  }
  const std::size_t group = keys_.size();
  groups_.emplace(key_, group);
  keys_.push_back(std::move(key));
  totals_.resize(totals_.size() + measures_.size());
  rows_.push_back(0);
  distinct_.push_back(0);
  return group;
}

Result<void> Aggregation::count_subject(std::size_t group) {
  if (!has_subject_) return {};
  const auto [subject, added] = subjects_.try_emplace(subject_, static_cast<std::uint32_t>(subjects_.size()));
  if (added) bytes_ += subject_.size() + 64;
  if (bytes_ > limits::kGroupBytes) return too_many("bytes of groups", limits::kGroupBytes);
  const std::uint64_t pair = (std::uint64_t{group} << 32U) | subject->second;
  if (pairs_.insert(pair).second) ++distinct_[group];
  if (pairs_.size() > limits::kSubjectPairs) return too_many("subjects in groups", limits::kSubjectPairs);
  return {};
}

/// Who is not drawn makes no group and takes no room.
Result<void> Aggregation::count_drawn(const Row& row) {
  if (draws_rows()) {
    if (!is_drawn(lot_(lot_text_))) return {};
  } else {
    if (!has_subject_) return {};
    if (!subjects_.contains(subject_) && !is_drawn(lot_("subject " + subject_))) return {};
  }
  SLUIS_TRY(const std::size_t group, group_of(row));
  ++rows_[group];
  return count_subject(group);
}

Result<void> Aggregation::add(const Row& row, const Nulls& nulls, char decimal) {
  if (lot_) return count_drawn(row);  // and nothing stands beside it
  SLUIS_TRY(const std::size_t group, group_of(row));
  ++rows_[group];
  SLUIS_CHECK(count_subject(group));
  for (std::size_t i = 0; i < measures_.size(); ++i) {
    const Column& column = measures_[i];
    if (column.measure.of != Measure::Of::sum) continue;
    const std::string_view text = row.cells[column.place];
    if (nulls.is_null(text, row.kinds[column.place])) continue;
    const auto bad = [&](const char* why) {
      Place where;
      where.column = static_cast<std::uint32_t>(column.place + 1);
      return refused("row " + std::to_string(row.number) + ": a cell of " + in_backticks(column.measure.column) + why)
          .at(where);
    };
    Decimal number;
    if (column.counts) {
      if (!read_count(text, number.value)) return bad(" is neither a whole number nor a null word");
      if (column.threshold != 0) number.value = stable(number.value, column.threshold, round_to_);
    } else {
      const auto read = decimal_from(text, decimal);
      if (!read) return bad(" is neither a decimal number nor a null word");
      number = *read;
    }
    Sum& total = totals_[group * measures_.size() + i];
    total = sum(total.value_or(Decimal{}), number);
    if (!total) return bad(" makes its sum too large");
  }
  return {};
}

Aggregation::Sum Aggregation::value(std::size_t group, std::size_t measure) const {
  switch (measures_[measure].measure.of) {
    case Measure::Of::count: return Decimal{rows_[group], 0};
    case Measure::Of::subjects: return Decimal{distinct_[group], 0};
    case Measure::Of::sum: return totals_[group * measures_.size() + measure];
  }
  return {};
}

/// What was counted by lot, as it is published: of each group, and of all subjects. A total of rows is that of its
/// rounded parts.
void Aggregation::round_off() {
  all_subjects_ = static_cast<std::int64_t>(subjects_.size());
  if (!lot_) return;
  for (auto* counts : {&rows_, &distinct_}) {
    for (std::int64_t& count : *counts) count = estimated(count, threshold_, round_to_);
  }
  all_subjects_ = estimated(all_subjects_, threshold_, round_to_);
}

/// Where counts are rounded, a total is that of its rounded parts: its own rounding would tell something of them.
void Aggregation::add_up() {
  const std::size_t width = measures_.size();
  for (std::size_t group = 0; round_to_ > 1 && group < keys_.size(); ++group) {
    for (const auto& members : sums_) {
      Sum total = Decimal{};
      for (auto part = members.begin() + 1; part != members.end() && total; ++part) {
        const Sum& one = totals_[group * width + *part];
        total = one ? sum(*total, *one) : std::nullopt;
      }
      if (total && totals_[group * width + members.front()]) totals_[group * width + members.front()] = total;
    }
  }
}

/// One more group, of all rows.
Result<Aggregation::Key> Aggregation::total_row() {
  std::int64_t rows = 0;
  for (const std::int64_t count : rows_) rows += count;
  std::vector<Sum> totals(measures_.size());
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    Sum& total = totals[i % measures_.size()];
    if (!totals_[i]) continue;
    total = sum(total.value_or(Decimal{}), *totals_[i]);
    if (!total) {
      return refused("the total of " + in_backticks(measures_[i % measures_.size()].measure.name) + " is too large");
    }
  }
  rows_.push_back(rows);
  distinct_.push_back(all_subjects_);
  totals_.insert(totals_.end(), totals.begin(), totals.end());
  return Key{std::vector<std::string>(asked_.columns.size(), "*"),
             std::vector<CellKind>(asked_.columns.size(), CellKind::text)};
}

void Aggregation::mark(std::vector<Mark>& marks, std::vector<std::int64_t>& values, std::size_t rows) const {
  const std::size_t width = measures_.size();
  for (std::size_t group = 0; group < rows; ++group) {
    const bool few = threshold_ != 0 && !asked_.subject.empty() && distinct_[group] < threshold_;
    for (std::size_t i = 0; i < width; ++i) {
      const Sum number = value(group, i);
      Mark& mark = marks[group * width + i];
      if (!number) mark = Mark::empty;
      else if (few) mark = Mark::hidden;
      else if (measures_[i].threshold != 0 && number->value < measures_[i].threshold) mark = Mark::hidden;
      if (number) values[group * width + i] = number->value;
    }
  }
}

/// Sums of measures in each row, and totals of groups in each column, until neither gives anything away.
void Aggregation::close(std::vector<Mark>& marks, const std::vector<std::int64_t>& values, std::size_t rows) const {
  const std::size_t width = measures_.size();
  std::vector<std::size_t> members;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t row = 0; row < rows; ++row) {
      for (const auto& one : sums_) {
        members.clear();
        for (const std::size_t place : one) members.push_back(row * width + place);
        changed = close_sum(members, values, marks, measures_[one.front()].threshold) || changed;
      }
    }
    for (std::size_t i = 0; asked_.total && i < width; ++i) {
      if (by_lot(i)) continue;  // what a total tells of a draw, it may
      members.clear();
      for (std::size_t row = rows; row > 0; --row) {
        members.push_back((row - 1) * width + i);  // the total is the last row
      }
      if (measures_[i].threshold != 0) {
        changed = close_sum(members, values, marks, measures_[i].threshold) || changed;
        continue;
      }
      const bool hidden =
          std::any_of(members.begin(), members.end(), [&](std::size_t at) { return marks[at] == Mark::hidden; });
      if (!hidden || marks[members.front()] != Mark::shown) continue;
      marks[members.front()] = Mark::hidden;  // a number that counts nobody has no size to weigh: its total goes
      changed = true;
    }
  }
}

/// Of the groups, the total last. Those counted by lot are sorted: in the order of the source, rows that were not drawn
/// would show.
std::vector<std::size_t> Aggregation::order() const {
  std::vector<std::size_t> groups(keys_.size());
  std::iota(groups.begin(), groups.end(), std::size_t{0});
  if (!lot_) return groups;
  const auto end = groups.end() - (asked_.total ? 1 : 0);
  std::sort(groups.begin(), end, [this](std::size_t a, std::size_t b) {
    return std::tie(keys_[a].cells, keys_[a].kinds) < std::tie(keys_[b].cells, keys_[b].kinds);
  });
  return groups;
}

Result<void> Aggregation::finish(
    char decimal,
    const std::function<Result<void>(std::span<const std::string_view>, std::span<const CellKind>)>& out) {
  round_off();
  add_up();
  if (asked_.total) {
    SLUIS_TRY(Key total, total_row());
    keys_.push_back(std::move(total));
  }
  const std::size_t rows = keys_.size();
  const std::size_t width = measures_.size();
  std::vector<Mark> marks(rows * width, Mark::shown);
  std::vector<std::int64_t> values(rows * width, 0);
  mark(marks, values, rows);
  close(marks, values, rows);
  std::vector<std::string> texts(width);
  std::vector<std::string_view> cells;
  std::vector<CellKind> kinds;
  for (const std::size_t row : order()) {
    bool there = true;  // an `x` would tell that somebody is
    for (std::size_t i = 0; i < width; ++i) there = there && !(by_lot(i) && marks[row * width + i] == Mark::hidden);
    if (!there) continue;
    cells.assign(keys_[row].cells.begin(), keys_[row].cells.end());
    kinds = keys_[row].kinds;
    for (std::size_t i = 0; i < width; ++i) {
      const Mark mark = marks[row * width + i];
      const Decimal number = value(row, i).value_or(Decimal{});
      texts[i] = mark == Mark::hidden ? "x" : mark == Mark::empty ? "" : to_string(number, decimal);
      cells.push_back(texts[i]);
      kinds.push_back(mark == Mark::hidden ? CellKind::text : mark == Mark::empty ? CellKind::null : CellKind::number);
    }
    SLUIS_CHECK(out(cells, kinds));
  }
  return {};
}

}  // namespace sluis::policy
