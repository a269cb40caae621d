#pragma once

#include "connector/base/error.hpp"
#include "connector/negotiation/agreement.hpp"

#include <string>

namespace sluis::management {

/// An agreement that was concluded elsewhere, as its file describes it (README.md shows one).
struct AgreementFile {
  AgreementId id;
  negotiation::Role role = negotiation::Role::provider;  ///< what we are in it
  std::string party;       ///< the other one: participant id, or its name in the membership list
  DatasetId dataset;
  Timestamp agreed;
  negotiation::Imported imported;
  json::Value terms;       ///< rules in ODRL, without parties, target and time
  Place terms_at;          ///< where they stand in the file
  std::string address;     ///< base address of the party's Dataspace Protocol; empty: as it announces it
};

/// Strict TOML; the terms are JSON in it. invalid_argument with file, line and column.
Result<AgreementFile> parse_agreement_file(const std::string& text, const std::string& file);

}  // namespace sluis::management
