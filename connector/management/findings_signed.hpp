#pragma once

#include "connector/identity/statement.hpp"
#include "connector/management/backend.hpp"
#include "connector/management/caller.hpp"
#include "sluis/v1/audit.pb.h"

#include <map>

/// What data protection officers signed of findings, as entries of the log (decision 21).
namespace sluis::management {

/// Takes a statement of who calls: its form, signature and key, that it is of this node, and that the checkpoint it rests on is one of the
/// log that is written now. Then it is recorded, once: the same statement again gives the same entry. Nothing for a dry run.
/// permission_denied: no key stands with who calls, or another signed it. conflict: the checkpoint is not of this log.
Result<std::uint64_t> record_statement(Backend& backend, const v1::AuditSignRequest& request, const Caller& caller);

/// The newest judgement of each finding that was signed until then, by what it is about (`JudgedFinding::subject`); what is overdue is so
/// as of then. Reads the leaves of all the log. A statement that cannot be read any more is passed over.
Result<std::map<std::string, v1::AuditJudgement>> read_judgements(const Backend& backend, Timestamp until);
/// What a finding is about, as a statement has it.
std::string subject_of(const v1::AuditFinding& finding);

}  // namespace sluis::management
