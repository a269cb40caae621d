#pragma once

#include "connector/management/backend.hpp"
#include "connector/records/record.hpp"
#include "sluis/v1/audit.pb.h"

namespace sluis::management {

/// What this node's records say besides their entries; valid while the backend is.
records::Surroundings surroundings_of(const Backend& backend);
/// Entries in the forms that others read (connector/records). invalid_argument: another form, a token of nothing.
Result<v1::AuditExportResponse> export_records(const Backend& backend, const v1::AuditExportRequest& request);

}  // namespace sluis::management
