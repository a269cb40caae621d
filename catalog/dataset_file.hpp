#pragma once

#include "catalog/dataset.hpp"
#include "catalog/offer.hpp"
#include "connector/base/toml.hpp"

namespace sluis::catalog {

/// A dataset file as it was read, with its tables, so that what is judged later still has a place.
struct DatasetFile {
  TomlTable root;
  TomlTable personal;
  TomlTable source;
  std::optional<TomlTable> terms;
  std::optional<std::string> offer_file;  ///< hand-written, beside this file
  Dataset dataset;                        ///< without its offer
};

/// Keys, types and forms; nothing that depends on time or vocabulary.
Result<DatasetFile> read_dataset_file(std::string_view text, const std::string& file);

/// What the parts say together, and today.
Result<void> check_dataset_file(const DatasetFile& file, const DatasetContext& context);

/// Makes the offer of what the dataset's own terms and those of its sources all permit, and gathers the groups of columns of
/// all that it is made from, near and far.
Result<void> meet_sources(DatasetFile& file, CompiledOffer& compiled, std::vector<policy::DatasetColumns>& groups,
                          const DatasetContext& context);
/// No column is kept without those that it may only be read with, or with one that it may never be read with.
Result<void> check_column_groups(const DatasetFile& file, const std::vector<policy::DatasetColumns>& groups);

/// Makes or reads the offer, compiles it, and tries its transforms on the columns.
Result<void> add_offer(DatasetFile& file, const DatasetContext& context);

}  // namespace sluis::catalog
