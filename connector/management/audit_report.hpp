#pragma once

#include "connector/management/backend.hpp"
#include "sluis/v1/audit.pb.h"

namespace sluis::management {

/// The log as a privacy officer reads it: who, what, for which purpose and activity, on which legal basis, what was decided, by which
/// rule, and who decided that rule. Errors: as of AuditFilter, and the store's.
Result<v1::AuditReportResponse> report_log(const Backend& backend, const v1::AuditLogRequest& request);

}  // namespace sluis::management
