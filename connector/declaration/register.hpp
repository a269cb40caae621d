#pragma once

#include "connector/declaration/declaration.hpp"
#include "connector/storage/commit_port.hpp"

namespace sluis::declaration {

/// Where one occurrence lies: `dec/<kind>/<id>`, a newline, its number in hex.
inline constexpr std::string_view kPrefix = "dec/";
std::string record_key(Kind kind, std::string_view id, std::uint64_t number);
/// Holds how many acts there have been, and the keys of what may be in force. Every act changes it, so it is the one condition of what
/// relies on declarations being there, or not being there; and of two acts at once one is refused.
inline constexpr std::string_view kHeadKey = "dec-head";

/// One occurrence, as it was read.
struct Stored {
  std::string key;
  std::string bytes;
  Declaration declaration;
};

/// All that may be in force, read in one go.
struct Open {
  Precondition as_read;  ///< of the head
  std::uint64_t acts = 0;
  std::vector<Stored> declarations;
};
/// Errors: the store's, and corruption.
Result<Open> read_open(const storage::Reader& store);

/// The newest occurrence; none: there never was one.
Result<std::optional<Stored>> read_newest(const storage::Reader& store, Kind kind, std::string_view id);

/// Every occurrence, by key, from `after` on (exclusive; empty: from the first), until `visit` returns false. Errors: the store's, and
/// corruption.
Result<void> visit_all(const storage::Reader& store, std::string_view after, const std::function<bool(const Stored&)>& visit);

/// Adds what makes `next` the state of its record: `before` is as it was read; null: a new occurrence, whose number is set here.
/// What is over at `now` leaves the head. limit_exceeded: limits::kOpenDeclarations, or it is too long.
Result<void> put(Commit& commit, const Open& open, const Stored* before, Declaration& next, Timestamp now);

}  // namespace sluis::declaration
