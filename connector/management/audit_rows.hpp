#pragma once

#include "connector/provenance/log_store.hpp"
#include "sluis/v1/audit.pb.h"

#include <functional>
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

/// Calls `visit` with the rows that are asked for, in the order asked for, until a page is full or so many entries were looked at that
/// the next call had better go on. The token of the next page; empty: there is none. `size`: of the log.
Result<std::string> visit_page(const provenance::LogReader& log, std::uint64_t size, const v1::AuditLogRequest& asked,
                               const std::function<Result<void>(v1::AuditEntry)>& visit);
Result<std::set<std::uint8_t>> kinds_named(const google::protobuf::RepeatedPtrField<std::string>& names);

}  // namespace sluis::management
