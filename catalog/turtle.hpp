#pragma once

#include "connector/json/json.hpp"

namespace sluis::catalog {

/// The same triples as Turtle. `document` is JSON-LD as dcat_catalog makes it: a flat `@context` of prefixes, nodes
/// that nest, `@id`, `@type`, `@value`, `@language`, plain strings. A node with an `@id` that stands in several places is
/// written once for each different content. internal: the document has another shape, or memory ran out.
Result<std::string> to_turtle(const json::Value& document);

}  // namespace sluis::catalog
