#pragma once

#include "policy/minimise/cell_sums.hpp"
#include "policy/minimise/cells.hpp"
#include "policy/minimise/dataset_columns.hpp"
#include "policy/minimise/decimal.hpp"
#include "policy/minimise/means.hpp"
#include "policy/minimise/occurrences.hpp"

#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace sluis::policy {

/// `aggregateBy`, with the suppression and rounding of what comes of it. Holds all groups; nothing leaves before the
/// last row. With rounding, rows and subjects are counted by lot (cell_sums.hpp); then all that leaves is a function of
/// those drawn: groups in which none was are not there at all, the others are sorted, and one whose number is hidden leaves
/// no row. Otherwise groups stand as they were first seen. One thread at a time.
class Aggregation {
 public:
  /// Refused (invalid_argument): keys that are not kept, unknown columns, a name twice, no measures, a group limit out
  /// of bounds, suppressions that differ in rounding or name no measure, a total of sums without rounding (a cell could
  /// then be computed back through two sums), other measures than `subjects()` beside a subject column with rounding, a
  /// sum beside rows that are counted by lot, rows or subjects counted by lot where there is no key for it.
  static Result<Aggregation> compile(const DatasetColumns& dataset, const AggregateBy& asked,
                                     const std::vector<SuppressSmallCells>& suppressions, const Means& means);

  void bind(const std::function<std::size_t(const std::string&)>& place_of);
  /// Before the row is transformed: keeps who it is about, or what it is drawn by. limit_exceeded: too many rows that differ,
  /// where rows are counted by lot.
  Result<void> see(const Row& row, const Nulls& nulls);
  /// limit_exceeded: one group too many, or too many subjects. invalid_argument with `place.column`: no number.
  Result<void> add(const Row& row, const Nulls& nulls, char decimal);
  /// Suppresses and rounds, once, after the last row. The rows go to `out` with their kinds.
  Result<void> finish(
      char decimal,
      const std::function<Result<void>(std::span<const std::string_view>, std::span<const CellKind>)>& out);

  const std::vector<std::string>& names() const { return names_; }
  std::vector<std::string> columns() const;  ///< that are measured; they must come as they are
  std::size_t groups() const { return keys_.size(); }

 private:
  struct Column {
    Measure measure;
    std::size_t place = 0;
    bool counts = false;          ///< whole numbers of persons
    std::int64_t threshold = 0;   ///< 0: never suppressed
  };
  struct Key {
    std::vector<std::string> cells;
    std::vector<CellKind> kinds;
  };
  using Sum = std::optional<Decimal>;  ///< none: only nulls

  /// A column that a row is drawn by, and what stands before its cell in the text that is drawn.
  struct Drawn {
    std::string name;
    std::string before;
    std::size_t place = 0;
  };

  Result<void> draw_lots(const Means& means);
  bool draws_rows() const { return lot_ && asked_.subject.empty(); }
  Result<void> see_row(const Row& row);
  Result<void> add_suppression(const SuppressSmallCells& asked, const DatasetColumns& dataset);
  Result<std::size_t> group_of(const Row& row);
  Result<void> count_drawn(const Row& row);
  Result<void> count_subject(std::size_t group);
  Sum value(std::size_t group, std::size_t measure) const;
  bool by_lot(std::size_t measure) const;
  std::vector<std::size_t> order() const;
  void round_off();
  void add_up();
  Result<Key> total_row();
  void mark(std::vector<Mark>& marks, std::vector<std::int64_t>& values, std::size_t rows) const;
  void close(std::vector<Mark>& marks, const std::vector<std::int64_t>& values, std::size_t rows) const;

  AggregateBy asked_;
  std::vector<std::string> names_;
  std::vector<Column> measures_;
  std::vector<std::vector<std::size_t>> sums_;  ///< places in measures_; the total first
  std::vector<std::size_t> key_places_;
  std::size_t subject_place_ = 0;
  std::int64_t threshold_ = 0;                  ///< the largest
  std::int64_t round_to_ = 0;

  std::unordered_map<std::string, std::size_t> groups_;
  std::vector<Key> keys_;
  std::vector<Sum> totals_;                     ///< by group and measure
  Lot lot_;                                     ///< set: rows and subjects are counted by lot
  std::vector<Drawn> drawn_by_;                 ///< all declared columns, sorted by name
  std::optional<Occurrences> occurrences_;      ///< from the first row that is drawn on
  std::string lot_text_;                        ///< of the row at hand
  std::vector<std::int64_t> rows_;
  std::vector<std::int64_t> distinct_;
  std::unordered_map<std::string, std::uint32_t> subjects_;  ///< that count
  std::int64_t all_subjects_ = 0;               ///< how many, as it is published
  std::unordered_set<std::uint64_t> pairs_;     ///< group and subject
  std::string subject_;
  bool has_subject_ = false;
  std::size_t bytes_ = 0;
  std::string key_;                             ///< reused
};

}  // namespace sluis::policy
