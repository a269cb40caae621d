#pragma once

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace sluis {

/// Why something did not happen. Few codes: a new one only when a caller would react differently.
/// Each edge (DSP, gRPC, HTTP, exit code) maps them once, in one table.
enum class ErrorCode : std::uint8_t {
  invalid_argument,     ///< the input is wrong; the same input will be wrong again
  invalid_state,        ///< right input at the wrong moment
  not_found,
  permission_denied,
  unauthenticated,
  conflict,             ///< somebody else was first; read again
  limit_exceeded,
  peer_unavailable,     ///< the other party did not answer, or not in time
  storage_unavailable,  ///< the store refuses; nothing was recorded, so nothing is done
  outcome_unknown,      ///< a write or send whose result cannot be known; ask by id
  corruption,           ///< stored data are not what was stored
  internal,
};

std::string_view to_string(ErrorCode code);

/// Where in the input: a file with line and column (1-based, 0 = unknown) or a JSON pointer (RFC 6901).
struct Place {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string pointer;

  bool empty() const { return file.empty() && line == 0 && pointer.empty(); }
};

/// What went wrong, where, and how to mend it. Lower case, no full stop, user input in backticks.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  Place place;
  std::string mend;  ///< what to do about it; empty where nothing sensible can be said

  Error() = default;
  Error(ErrorCode c, std::string text) : code(c), message(std::move(text)) {}

  Error at(Place where) && {
    place = std::move(where);
    return std::move(*this);
  }
  Error at_pointer(std::string pointer) && {
    place.pointer = std::move(pointer);
    return std::move(*this);
  }
  Error mended_by(std::string how) && {
    mend = std::move(how);
    return std::move(*this);
  }
};

/// `file:line:column: message (at /pointer); mend`, each part only where it is known.
std::string describe(const Error& error);

template <class T>
using Result = boost::system::result<T, Error>;

/// What `Result::value()` throws; only programmer errors get there.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

}  // namespace sluis

/// Returns the error of `expression` from the calling function, if it has one.
#define SLUIS_CHECK(expression)                                \
  do {                                                         \
    if (auto sluis_checked = (expression); !sluis_checked) {   \
      return std::move(sluis_checked).error();                 \
    }                                                          \
  } while (false)

#define SLUIS_TRY_JOIN2(a, b) a##b
#define SLUIS_TRY_JOIN(a, b) SLUIS_TRY_JOIN2(a, b)
#define SLUIS_TRY_IMPL(temp, name, expression)          \
  auto temp = (expression);                             \
  if (!temp) return std::move(temp).error();            \
  name = std::move(*temp)
/// `SLUIS_TRY(auto x, f())`: x is f's value, or the calling function returns f's error.
#define SLUIS_TRY(name, expression) \
  SLUIS_TRY_IMPL(SLUIS_TRY_JOIN(sluis_result_, __LINE__), name, expression)
