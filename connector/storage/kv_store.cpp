#include "connector/storage/kv_store.hpp"

namespace sluis::storage {

Result<std::uint32_t> KvStore::back_up(const std::filesystem::path&, const std::string&) const {
  return Error(ErrorCode::invalid_state, "this store has no backups");
}

}  // namespace sluis::storage
