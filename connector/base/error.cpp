#include "connector/base/error.hpp"

#include <stdexcept>

namespace sluis {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::invalid_state: return "invalid_state";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::permission_denied: return "permission_denied";
    case ErrorCode::unauthenticated: return "unauthenticated";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::limit_exceeded: return "limit_exceeded";
    case ErrorCode::peer_unavailable: return "peer_unavailable";
    case ErrorCode::storage_unavailable: return "storage_unavailable";
    case ErrorCode::outcome_unknown: return "outcome_unknown";
    case ErrorCode::corruption: return "corruption";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

std::string describe(const Error& error) {
  std::string text;
  const Place& place = error.place;
  if (!place.file.empty()) text += place.file + ":";
  if (place.line != 0) text += std::to_string(place.line) + ":" + std::to_string(place.column) + ":";
  if (!text.empty()) text += " ";
  text += error.message;
  if (!place.pointer.empty()) text += " (at `" + place.pointer + "`)";
  if (!error.mend.empty()) text += "; " + error.mend;
  return text;
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::logic_error("unchecked result at " + std::string(where.file_name()) + ":" +
                         std::to_string(where.line()) + ": " + describe(error));
}

}  // namespace sluis
