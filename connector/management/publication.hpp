#pragma once

#include "connector/management/backend.hpp"
#include "connector/management/entries.hpp"
#include "sluis/v1/dataset.pb.h"

/// What publishing a dataset file and publishing new terms have in common.
namespace sluis::management {

struct Publication {
  v1::Dataset dataset;
  std::vector<std::string> notes;  ///< told to the author: rules that overlap, …
  bool unchanged = false;
  std::uint64_t entry = 0;         ///< index in the log; 0 with a dry run or where nothing changed
};

/// Offers the dataset, as a new version where it was offered before. Errors: the catalogue's and the commit port's.
Result<Publication> publish_dataset(Backend& backend, const catalog::Dataset& dataset, bool dry_run,
                                    const Caller& caller);

/// The catalogue's entry says what everybody may know; here it gets the form that all entries have, and the person.
void dress_publication(const Backend& backend, const Caller& caller, Commit& commit, provenance::EntryKind kind,
                       const catalog::Dataset& dataset);

}  // namespace sluis::management
