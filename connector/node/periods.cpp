#include "connector/node/periods.hpp"

namespace sluis::node {

std::optional<Period> period_from(std::string_view name) {
  if (name == "month") return Period::month;
  if (name == "quarter") return Period::quarter;
  if (name == "year") return Period::year;
  return std::nullopt;
}

Timestamp end_of(Period period, Timestamp within) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(within));
  const unsigned months = period == Period::month ? 1 : period == Period::quarter ? 3 : 12;
  const unsigned first = (static_cast<unsigned>(day.month()) - 1) / months * months + 1;
  const std::chrono::year_month begin = day.year() / std::chrono::month(first);
  return std::chrono::sys_days((begin + std::chrono::months(months)) / 1);
}

}  // namespace sluis::node
