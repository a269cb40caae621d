#pragma once

#include "catalog/dataset.hpp"
#include "policy/odrl/program.hpp"

namespace sluis::catalog {

/// The offer that the terms say, in DSP's form of ODRL, with terms as full IRIs (but `use`, as DSP's schema has it).
/// Its `@id` is `urn:sluis:offer:` and 32 hex digits of SHA-256 over the dataset's id and the content: other terms have
/// another id.
Result<json::Value> make_offer(const DatasetId& dataset, Access access, const Terms& terms);

/// The same for terms that are a policy already.
Result<json::Value> make_offer(const DatasetId& dataset, const policy::Policy& policy);

/// D6: SHA-256 of the canonical offer as in the catalogue. Refused: `target` or `@context` in it, and numbers that have
/// no canonical form.
Result<Hash> offer_hash(const json::Value& offer);

/// An offer as read and as compiled.
struct CompiledOffer {
  policy::Policy policy;
  policy::Program program;
};

/// Parses it strictly and compiles it. invalid_argument with a pointer.
Result<CompiledOffer> compile_offer(const json::Value& offer, std::shared_ptr<const policy::Vocabulary> vocabulary);

}  // namespace sluis::catalog
