#include "connector/authzen/agreements.hpp"

namespace sluis::authzen {

Result<Agreements::List> Agreements::all() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> keys;
  std::vector<AgreementOf> rows;
  std::size_t known = 0;  // both are in the order of the keys
  std::optional<Error> wrong;
  const auto visit = [&](std::string_view key, std::string_view value) {
    if (keys.size() == most_) {
      wrong = Error(ErrorCode::limit_exceeded, "this node has too many agreements to look through");
      return false;
    }
    while (known < keys_.size() && keys_[known] < key) ++known;
    if (known < keys_.size() && keys_[known] == key) {
      rows.push_back((*list_)[known]);
    } else {
      auto record = negotiation::decode_agreement(value);
      if (!record) {
        wrong = std::move(record).error();
        return false;
      }
      const bool provider = record->role == negotiation::Role::provider;
      rows.push_back({record->id, provider ? record->peer : self_, record->dataset});
    }
    keys.emplace_back(key);
    return true;
  };
  SLUIS_CHECK(store_.scan(negotiation::kAgreementPrefix, negotiation::kAgreementPrefix, visit));
  if (wrong) return std::move(*wrong);
  if (keys != keys_) {
    list_ = std::make_shared<const std::vector<AgreementOf>>(std::move(rows));
    keys_ = std::move(keys);
  }
  return list_;
}

}  // namespace sluis::authzen
