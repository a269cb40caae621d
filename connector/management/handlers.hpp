#pragma once

#include "connector/management/methods.hpp"
#include "sluis/v1/agreement.pb.h"

/// One function a service group; each adds its methods.
namespace sluis::management {

void add_datasets(Methods& methods, Backend& backend);
void add_terms(Methods& methods, Backend& backend);
void add_catalogs(Methods& methods, Backend& backend);
void add_memberships(Methods& methods, Backend& backend);
void add_activities(Methods& methods, Backend& backend);
void add_declarations(Methods& methods, Backend& backend);
void add_purposes(Methods& methods, Backend& backend);
void add_agreements(Methods& methods, Backend& backend);
Result<v1::CounterAgreementResponse> counter_agreement(Backend& backend, const v1::CounterAgreementRequest& request, const Caller& caller);
/// With how its terms differ from what was offered or asked before, where the steward has to decide.
v1::Negotiation told(const Backend& backend, const negotiation::Negotiation& negotiation, bool whole);
/// With the newer terms that its provider offers, where they were seen.
Result<v1::Agreement> told(const Backend& backend, const negotiation::AgreementRecord& record, bool whole);
Result<v1::ImportAgreementResponse> import_agreement(Backend& backend, const v1::ImportAgreementRequest& request, const Caller& caller);
void add_transfers(Methods& methods, Backend& backend);
void add_retention(Methods& methods, Backend& backend);
void add_audit(Methods& methods, Backend& backend);
void add_nodes(Methods& methods, Backend& backend);
void add_outbox(Methods& methods, Backend& backend);
/// Where the message that a process waits for is a dead letter, `out` says so.
void tell_dead(const Backend& backend, const ProcessId& process, const outbox::Delivery& delivery, v1::Delivery& out);

}  // namespace sluis::management
