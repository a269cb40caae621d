#pragma once

#include "connector/authzen/ports.hpp"

#include <mutex>
#include <vector>

namespace sluis::authzen {

/// Which agreement lets whom use which data, whether it still runs or not.
struct AgreementOf {
  AgreementId id;
  ParticipantId party;  ///< who uses the data
  DatasetId dataset;
};

/// All agreements of the store. What an agreement is about never changes, so each is read once. Thread-safe.
class Agreements {
 public:
  /// `most`: more than these are not looked through.
  Agreements(const storage::Reader& store, ParticipantId self, std::size_t most)
      : store_(store), self_(std::move(self)), most_(most) {}

  using List = std::shared_ptr<const std::vector<AgreementOf>>;
  /// As they are now, in the order of the store. limit_exceeded: there are more; else the store's errors.
  Result<List> all();

 private:
  const storage::Reader& store_;
  const ParticipantId self_;
  const std::size_t most_;
  std::mutex mutex_;
  std::vector<std::string> keys_;  ///< of list_, in the same order
  List list_ = std::make_shared<const std::vector<AgreementOf>>();
};

}  // namespace sluis::authzen
