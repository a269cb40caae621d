#include "connector/management/serving.hpp"

namespace sluis::management {

gate::ReleasePlan serving_plan(const catalog::Dataset& dataset, const catalog::Catalog::Standing& standing) {
  gate::ReleasePlan plan;
  plan.id = dataset.id;
  plan.suspended = standing.forbidden;
  plan.assessed_until = standing.until;
  plan.needs_activity = dataset.terms.processing_activity || dataset.assessment.personal;
  plan.processed_under = dataset.processed_under;
  plan.push = dataset.push;
  plan.purpose_by_agreement = dataset.terms.single_purpose_without_claim;
  if (dataset.access == catalog::Access::open) {
    plan.public_offer = dataset.offer;
    plan.public_offer_hash = dataset.offer_hash;
  }
  return plan;
}

}  // namespace sluis::management
