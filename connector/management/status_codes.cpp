#include "connector/management/status_codes.hpp"

namespace sluis::management {
namespace {

constexpr StatusCode kTable[] = {
    {ErrorCode::invalid_argument, 3, "invalid_argument", 400},
    {ErrorCode::invalid_state, 9, "failed_precondition", 400},
    {ErrorCode::not_found, 5, "not_found", 404},
    {ErrorCode::permission_denied, 7, "permission_denied", 403},
    {ErrorCode::unauthenticated, 16, "unauthenticated", 401},
    {ErrorCode::conflict, 10, "aborted", 409},
    {ErrorCode::limit_exceeded, 8, "resource_exhausted", 429},
    {ErrorCode::peer_unavailable, 14, "unavailable", 503},
    {ErrorCode::storage_unavailable, 14, "unavailable", 503},
    {ErrorCode::outcome_unknown, 2, "unknown", 500},
    {ErrorCode::corruption, 15, "data_loss", 500},
    {ErrorCode::internal, 13, "internal", 500},
};
constexpr std::size_t kInternal = std::size(kTable) - 1;

}  // namespace

std::span<const StatusCode> status_codes() { return kTable; }

const StatusCode& status_of(ErrorCode code) {
  for (const auto& row : kTable) {
    if (row.code == code) return row;
  }
  return kTable[kInternal];
}

v1::ErrorDetail to_detail(const Error& error) {
  v1::ErrorDetail detail;
  detail.set_code(std::string(to_string(error.code)));
  detail.set_message(error.message);
  detail.set_file(error.place.file);
  detail.set_line(error.place.line);
  detail.set_column(error.place.column);
  detail.set_pointer(error.place.pointer);
  detail.set_mend(error.mend);
  return detail;
}

Error from_detail(const v1::ErrorDetail& detail) {
  Error error(ErrorCode::internal, detail.message());
  for (const auto& row : kTable) {
    if (to_string(row.code) == detail.code()) error.code = row.code;
  }
  error.place = {detail.file(), detail.line(), detail.column(), detail.pointer()};
  error.mend = detail.mend();
  return error;
}

}  // namespace sluis::management
