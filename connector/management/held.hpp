#pragma once

#include "connector/base/time.hpp"
#include "connector/storage/kv_store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::management {

/// What a recovery holds still (storage/hold.hpp), as people call it.
struct HeldThing {
  enum class Kind : std::uint8_t { agreement, negotiation, transfer, dataset, declaration };
  Kind kind{};
  std::string id;
  std::string peer;     ///< empty: it is this node's alone
  std::string dataset;  ///< empty: it is about none
  Timestamp since;
};
std::string_view to_string(HeldThing::Kind kind);

/// All of them, or those of one kind. Errors: those of the store, and corruption.
Result<std::vector<HeldThing>> held_things(const storage::Reader& store, std::optional<HeldThing::Kind> kind = {});

/// A sentence for each party and each kind of publication that has some: what is held, and what to do about it. Where that cannot be read, one
/// that says so.
std::vector<std::string> held_findings(const storage::Reader& store);

}  // namespace sluis::management
