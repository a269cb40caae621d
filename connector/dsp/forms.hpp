#pragma once

#include "connector/json/json.hpp"

namespace sluis::dsp {

/// Rewrites a message into the compact form of DSP 2025-1 where a peer wrote the same in another form of JSON-LD 1.1 (the table in README.md): one
/// context in place of a list of one; terms by `dspace:`, `dcat:`, `dct:` or `odrl:` or by their full IRI; a text as `{"@value": …}`, the name of a
/// thing as `{"@id": …}`; one value where the context has a set; a type as a list of one. Only terms of this protocol, where it has them; of a policy its identity, type, target and
/// parties, never its terms. All else stays as it is.
/// invalid_argument, with the pointer: a term in two spellings, or a text with a type that is none of a text.
Result<void> compact(json::Value& message);

}  // namespace sluis::dsp
