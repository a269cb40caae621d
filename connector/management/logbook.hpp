#pragma once

#include "connector/management/connect.hpp"
#include "sluis/v1/audit.pb.h"

namespace sluis::management {

/// Actions of processing that fit, after the draft 0.9 of the extension of Logboek Dataverwerkingen for reading. That somebody looked, for
/// what, and a digest of what was told is recorded first: no answer without. invalid_argument, with a pointer in the extension's names:
/// nothing that narrows it is named, or too much fits, or has to be looked through.
Result<v1::AuditProcessingActivitiesResponse> read_logbook(Backend& backend, const v1::AuditProcessingActivitiesRequest& request,
                                                           const Caller& caller);

/// The body of `POST /processing-activities`. invalid_argument with a pointer: not an object, a member that the extension does not have, or
/// of another type: a filter that nobody applies would tell more than was asked for.
Result<v1::AuditProcessingActivitiesRequest> read_logbook_request(std::string_view body);

/// `POST /processing-activities`, for the roles of AuditService.ProcessingActivities. `api` outlives it.
http::Route logbook_route(const Api& api);

}  // namespace sluis::management
