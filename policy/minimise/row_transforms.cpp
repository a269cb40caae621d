#include "policy/minimise/row_transforms.hpp"

#include "policy/minimise/csv.hpp"
#include "policy/minimise/limits.hpp"

#include <algorithm>

namespace sluis::policy {
namespace {

constexpr std::uint32_t kKept = 64;
constexpr std::size_t kEpochBytes = 64;

Error refused(std::string message) { return Error(ErrorCode::invalid_argument, std::move(message)); }
std::string in_backticks(std::string_view text) { return "`" + std::string(text.substr(0, 200)) + "`"; }

Result<ZonePtr> zone(const std::string& name, const Means& means) {
  if (!is_zone_name(name)) return refused(in_backticks(name) + " is not the name of a time zone");
  if (!means.zones) return refused("times are to be generalised, and the gate knows no time zones");
  return means.zones(name);
}

void write_base64(std::string& out, const Pseudonym& bytes) {
  static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  out.resize(22);
  std::uint32_t bits = 0;
  int ready = 0;
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8U) | byte;
    for (ready += 8; ready >= 6; ready -= 6) out[at++] = kLetters[(bits >> static_cast<unsigned>(ready - 6)) & 63U];
  }
  out[at] = kLetters[(bits << static_cast<unsigned>(6 - ready)) & 63U];
}

/// The first `keep` code points, and a star for the rest.
void write_masked(std::string& out, std::string_view text, std::uint32_t keep) {
  std::size_t end = 0;
  for (std::uint32_t i = 0; i < keep && end < text.size(); ++i) {
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) ++end;
  }
  out.assign(text.substr(0, end));
  if (end < text.size()) out += '*';
}

}  // namespace

Result<PlaceTable> parse_place_table(std::string_view csv, const std::string& file) {
  if (csv.size() > limits::kLookupBytes) {
    return Error(ErrorCode::limit_exceeded,
                 in_backticks(file) + " has more than " + std::to_string(limits::kLookupBytes) + " bytes");
  }
  CsvFormat format;
  format.file = file;
  CsvReader reader(format);
  PlaceTable table;
  const auto take = [&](const CsvRow& row) -> Result<void> {
    Place where;
    where.column = 1;
    if (row.fields.size() != 2) return refused("a lookup table has two columns").at(where);
    if (row.number == 1) return {};
    if (table.emplace(row.fields[0], row.fields[1]).second) return {};
    return refused("row " + std::to_string(row.number) + ": " + in_backticks(row.fields[0]) + " is there twice")
        .at(where);
  };
  SLUIS_CHECK(reader.feed(csv, take));
  SLUIS_CHECK(reader.finish(take));
  if (reader.rows() == 0) return refused(in_backticks(file) + " has no header");
  return table;
}

std::vector<std::string> RowTransforms::columns() const {
  std::vector<std::string> names;
  for (const Cell& cell : cells_) names.push_back(cell.column);
  return names;
}

bool RowTransforms::has(std::string_view column) const {
  return std::any_of(cells_.begin(), cells_.end(), [&](const Cell& cell) { return cell.column == column; });
}

Result<void> RowTransforms::add_cells(const std::vector<std::string>& columns,
                                      const std::function<Result<Cell>(const std::string&)>& make) {
  if (columns.empty()) return refused("a transform names no column");
  for (const std::string& column : columns) {
    if (has(column)) {
      return refused("the column " + in_backticks(column) + " is transformed twice")
          .mended_by("one of pseudonymise, mask and generalise");
    }
    SLUIS_TRY(Cell cell, make(column));
    cells_.push_back(std::move(cell));
  }
  return {};
}

Result<void> RowTransforms::add_time(const GeneraliseTime& asked, const Times& times, const Means& means) {
  SLUIS_TRY(const TimeStep step, time_step_from(asked.step));
  SLUIS_TRY(const ZonePtr target, zone(asked.zone, means));
  return add_cells(asked.columns, [&](const std::string& column) -> Result<Cell> {
    const auto format = times.find(column);
    if (format == times.end()) {
      return refused("the dataset does not say how the times of " + in_backticks(column) + " are written")
          .mended_by("declare the column's `time` format and zone");
    }
    ZonePtr source;
    if (!format->second.zone.empty()) {
      SLUIS_TRY(source, zone(format->second.zone, means));
    }
    return Cell{column, TimeCell(format->second, source, step, target), 0, {}};
  });
}

Result<void> RowTransforms::add_place(const GeneralisePlace& asked, const Means& means) {
  if (asked.grid.empty() == asked.lookup.empty()) {
    return refused("`generalisePlace` needs a grid or a lookup table, and not both");
  }
  if (!asked.grid.empty()) {
    const auto grid = decimal_from(asked.grid, '.');
    if (!grid || grid->value <= 0) {
      return refused(in_backticks(asked.grid) + " is no size of a grid").mended_by("a decimal above 0");
    }
    return add_cells(asked.columns, [&](const std::string& column) -> Result<Cell> {
      return Cell{column, Gridded{*grid}, 0, {}};
    });
  }
  if (!means.places) return refused("the dataset declares no lookup table " + in_backticks(asked.lookup));
  SLUIS_TRY(const auto table, means.places(asked.lookup));
  return add_cells(asked.columns, [&](const std::string& column) -> Result<Cell> {
    return Cell{column, LookedUp{table}, 0, {}};
  });
}

Result<void> RowTransforms::add_pseudonyms(const Pseudonymise& asked, const Means& means) {
  const bool name = std::all_of(asked.epoch.begin(), asked.epoch.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  if (!name || asked.epoch.empty() || asked.epoch.size() > kEpochBytes) {
    return refused(in_backticks(asked.epoch) + " is no name of an epoch")
        .mended_by("1 to 64 letters, digits, `.`, `_`, `-`");
  }
  std::shared_ptr<Pseudonymiser> keyed;
  if (!means.only_check) {
    if (!means.pseudonymiser) return refused("pseudonyms are asked for, and the gate has no key for them");
    SLUIS_TRY(keyed, means.pseudonymiser(asked.epoch));
  }
  return add_cells(asked.columns, [&](const std::string& column) -> Result<Cell> {
    return Cell{column, Pseudonymised{keyed}, 0, {}};
  });
}

Result<void> RowTransforms::add(const Transform& transform, const Times& times, const Means& means) {
  if (const auto* time = std::get_if<GeneraliseTime>(&transform)) return add_time(*time, times, means);
  if (const auto* place = std::get_if<GeneralisePlace>(&transform)) return add_place(*place, means);
  if (const auto* pseudonyms = std::get_if<Pseudonymise>(&transform)) return add_pseudonyms(*pseudonyms, means);
  if (const auto* mask = std::get_if<MaskColumn>(&transform)) {
    if (mask->keep > kKept) return refused("a mask keeps at most " + std::to_string(kKept) + " characters");
    return add_cells(mask->columns, [&](const std::string& column) -> Result<Cell> {
      return Cell{column, Masked{mask->keep}, 0, {}};
    });
  }
  return {};
}

Result<void> RowTransforms::apply(Row& row, const Nulls& nulls, char decimal) {
  for (Cell& cell : cells_) {
    if (nulls.is_null(row.cells[cell.place], row.kinds[cell.place])) continue;
    SLUIS_CHECK(apply(cell, row, decimal));
  }
  return {};
}

Result<void> RowTransforms::apply(Cell& cell, Row& row, char decimal) {
  const std::string_view text = row.cells[cell.place];
  const auto bad = [&](std::string_view why) {
    Place where;
    where.column = static_cast<std::uint32_t>(cell.place + 1);
    return refused("row " + std::to_string(row.number) + ": a cell of " + in_backticks(cell.column) + " " +
                   std::string(why))
        .at(where);
  };
  CellKind kind = CellKind::text;
  if (auto* time = std::get_if<TimeCell>(&cell.work)) {
    const auto done = time->read(text);
    if (!done) return bad(done.error().message);
    if (*done == TimeCell::Outcome::left_out) row.leaves = false;
    row.cells[cell.place] = time->text();
  } else {
    if (const auto* pseudonymised = std::get_if<Pseudonymised>(&cell.work)) {
      Pseudonym pseudonym{};
      pseudonymised->keyed->pseudonyms(std::span(&text, 1), std::span(&pseudonym, 1));
      write_base64(cell.text, pseudonym);
    } else if (const auto* masked = std::get_if<Masked>(&cell.work)) {
      write_masked(cell.text, text, masked->keep);
    } else if (const auto* gridded = std::get_if<Gridded>(&cell.work)) {
      const auto number = decimal_from(text, decimal);
      const auto corner = number ? floor_to(*number, gridded->grid) : std::nullopt;
      if (!corner) return bad("is no decimal number");
      cell.text = to_string(*corner, decimal);
      kind = row.kinds[cell.place];
    } else {
      const PlaceTable& table = *std::get<LookedUp>(cell.work).table;
      const auto found = table.find(std::string(text));
      cell.text = found == table.end() ? "x" : found->second;
    }
    row.cells[cell.place] = cell.text;
  }
  row.kinds[cell.place] = kind;
  return {};
}

}  // namespace sluis::policy
