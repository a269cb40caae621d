#pragma once

#include "connector/provenance/log_store.hpp"
#include "sluis/v1/audit.pb.h"

#include <set>

namespace sluis::management {

/// One entry of the log as a row. An entry whose key is gone is a row that says so. corruption.
Result<v1::AuditEntry> audit_row(const provenance::LogReader& log, std::uint64_t index,
                                 std::string_view language = {});

/// Which entries are asked for.
class AuditFilter {
 public:
  /// invalid_argument: an unknown kind or decision, times the wrong way round.
  static Result<AuditFilter> make(const v1::AuditLogRequest& request);

  /// What the public leaf alone can rule out.
  bool may_match(const provenance::Leaf& leaf) const;
  bool matches(const v1::AuditEntry& row) const;

 private:
  std::set<std::uint8_t> kinds_;
  v1::AuditLogRequest asked_;
  std::optional<Timestamp> from_;
  std::optional<Timestamp> until_;
};
Result<std::set<std::uint8_t>> kinds_named(const google::protobuf::RepeatedPtrField<std::string>& names);

}  // namespace sluis::management
