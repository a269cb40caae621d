#pragma once

#include "connector/management/backend.hpp"
#include "sluis/v1/audit.pb.h"

namespace sluis::management {

/// Paper against practice: the register of activities, the terms and the agreements compared with the log of a period. What does not
/// fit is told with the entries that show it, and with what was signed about it; what this node cannot know is not told. Reads only, the period's entries once.
/// invalid_argument: times the wrong way round, or an unknown language. Errors of the store, and corruption.
Result<v1::AuditFindingsResponse> find_misfits(const Backend& backend, const v1::AuditFindingsRequest& request);

}  // namespace sluis::management
