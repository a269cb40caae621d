#pragma once

#include "catalog/dsp.hpp"

namespace sluis::catalog {

/// All datasets on offer as JSON-LD in the shape of DCAT-AP-NL 3.0, for the public listener. Open data have a
/// `downloadURL` below `<public_url>/open/`; others an `accessURL` at the exchange, and their policy is named by
/// `odrl:hasPolicy`. limit_exceeded: more than 10000 datasets.
Result<json::Value> dcat_catalog(const Catalog& catalog, const NodeDescription& node, Timestamp now);

/// `<public_url>/open/<the dataset's id, percent-encoded>`.
std::string download_url(const NodeDescription& node, const DatasetId& id);

}  // namespace sluis::catalog
