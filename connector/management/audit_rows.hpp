#pragma once

#include "connector/provenance/log_store.hpp"
#include "sluis/v1/audit.pb.h"

#include <functional>
#include <set>

namespace sluis::management {

/// One entry of the log as a row. An entry whose key is gone is a row that says so. corruption.
Result<v1::AuditEntry> audit_row(const provenance::LogReader& log, std::uint64_t index,
                                 std::string_view language = {});

/// The same of an entry that was there when a pass over the log began; nothing: it was pruned since.
Result<std::optional<v1::AuditEntry>> audit_row_in_pass(const provenance::LogReader& log, std::uint64_t index, std::string_view language = {});

/// From when until when, of what was recorded.
class TimeSpan {
 public:
  TimeSpan() = default;  ///< all of it
  explicit TimeSpan(std::optional<Timestamp> from) : from_(from) {}
  /// Of a request with `from` and `until`. invalid_argument: the wrong way round.
  template <class Request>
  static Result<TimeSpan> read(const Request& request) {
    return read(request.has_from() ? &request.from() : nullptr, request.has_until() ? &request.until() : nullptr);
  }
  static Result<TimeSpan> read(const google::protobuf::Timestamp* from, const google::protobuf::Timestamp* until);
  /// What the public leaf alone can rule out.
  bool may_hold(const provenance::Leaf& leaf) const;
  /// Whether it has something that was recorded before this time.
  bool begins_before(Timestamp time) const { return !from_ || *from_ < time; }
  bool holds(Timestamp time) const { return (!from_ || time >= *from_) && (!until_ || time < *until_); }

 private:
  std::optional<Timestamp> from_;
  std::optional<Timestamp> until_;
};

/// Whether entries of that time may be among those that were pruned.
Result<bool> reaches_pruned(const provenance::LogReader& log, const TimeSpan& span);
/// What is not there of that time, in a sentence; nothing: all is there that the log ever had.
Result<std::optional<std::string>> pruned_note(const provenance::LogReader& log, const TimeSpan& span);

/// Where a page begins: its token, or the log's first entry. invalid_argument.
Result<std::uint64_t> page_begin(std::string_view token);

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
  std::string as_certificate_;  ///< the key that is asked for, as the SHA-256 of a certificate is kept
  TimeSpan span_;
};

/// Calls `visit` with the rows that are asked for, in the order asked for, until a page is full or so many entries were looked at that
/// the next call had better go on. The token of the next page; empty: there is none. `size`: of the log.
Result<std::string> visit_page(const provenance::LogReader& log, std::uint64_t size, const v1::AuditLogRequest& asked,
                               const std::function<Result<void>(v1::AuditEntry)>& visit);
Result<std::set<std::uint8_t>> kinds_named(const google::protobuf::RepeatedPtrField<std::string>& names);

}  // namespace sluis::management
