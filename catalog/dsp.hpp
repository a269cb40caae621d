#pragma once

#include "catalog/catalog.hpp"

namespace sluis::catalog {

/// Whom a catalogue is for.
struct Requester {
  ParticipantId participant;
  std::string class_of_recipient;
  std::optional<bool> two_sided = {};  ///< whether its log proves exchanges as well; none: not known
};

/// What the node says of itself in its catalogues.
struct NodeDescription {
  ParticipantId participant;
  std::string dsp_url;     ///< base address of DSP, as `https://waterrijk.example/2025-1`
  std::string public_url;  ///< base address of the public listener
  LocalText title;
  LocalText description;
  Publisher publisher;
  Contact contact;
};

struct CatalogPage {
  json::Value catalog;  ///< DSP 2025-1 Catalog, with `@context`
  std::string next;     ///< token of the next page; empty: the last
};

/// The datasets that this party could ever get, in DSP's form; without any there is no `dataset` member, as the schema
/// wants no empty array. Listing is no decision and is not recorded (D29).
Result<CatalogPage> dsp_catalog(const Catalog& catalog, const NodeDescription& node, const Requester& requester,
                                std::string_view page, std::size_t limit, Timestamp now);
/// One dataset, standing alone. not_found: none, or none for this party.
Result<json::Value> dsp_dataset(const Catalog& catalog, const NodeDescription& node, const Requester& requester,
                                const DatasetId& id, Timestamp now);

}  // namespace sluis::catalog
