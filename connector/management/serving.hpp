#pragma once

#include "catalog/catalog.hpp"
#include "connector/gate/ports.hpp"

namespace sluis::management {

/// What a dataset comes to for the gate, as far as it can be told without its source: whether and how it is served, and what it asks beside its
/// terms. The node fills in where the data come from.
gate::ReleasePlan serving_plan(const catalog::Dataset& dataset, const catalog::Catalog::Standing& standing);

}  // namespace sluis::management
