#pragma once

#include "connector/management/backend.hpp"
#include "connector/management/caller.hpp"

namespace sluis::management {

/// Asks for what the log says about one person; or confirms that, as another person who names the same; or reads it, as one of the two, within a day. Each is an
/// entry, with the ground and never with the person. invalid_argument: no id, no ground, or one that names the person; not_found: nothing
/// such waits, or too long; permission_denied: the same person, another than the two, or one who names somebody else (recorded, and the lookup is off); invalid_state: confirmed already. Errors of the
/// store and of CommitPort too.
Result<v1::AuditSubjectResponse> look_up_subject(const Backend& backend, const v1::AuditSubjectRequest& request, const Caller& caller);

}  // namespace sluis::management
