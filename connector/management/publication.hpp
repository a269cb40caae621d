#pragma once

#include "catalog/offer.hpp"
#include "connector/management/backend.hpp"
#include "connector/management/entries.hpp"
#include "policy/odrl/sentences.hpp"
#include "sluis/v1/dataset.pb.h"

/// What publishing a dataset file and publishing new terms have in common.
namespace sluis::management {

struct Publication {
  v1::Dataset dataset;
  std::vector<v1::TermsFinding> findings;
  std::vector<std::string> notes;  ///< else, told to the author
  bool unchanged = false;
  std::uint64_t entry = 0;         ///< index in the log; 0 with a dry run or where nothing changed
};

/// What is found in terms without asking them anything: contradictions and overlaps, and whether nothing can be permitted from now on.
std::vector<v1::TermsFinding> findings_of(const catalog::CompiledOffer& terms, Timestamp now, policy::Language language);
/// `void (/permission/0, /prohibition/0): …`
std::string note_of(const v1::TermsFinding& finding);
/// By these findings, nothing can ever be permitted.
bool permits_nothing(const std::vector<v1::TermsFinding>& findings);

/// invalid_argument at the first rule of it, with what was found: nothing can ever be permitted.
Result<void> check_permits(const std::vector<v1::TermsFinding>& findings);
/// An error about an offer, with line and column of what its pointer names in the text that its author wrote, and that text's file.
Error in_offer_file(Error error, const std::string& text, const std::string& file);

/// An error about a dataset's terms, where its author wrote them: in the offer beside its file, as it is there now; or at `[terms]` of the file, whose
/// name is left to the caller. As it is, where neither has them.
Error at_terms(const Backend& backend, Error error, const catalog::Dataset& dataset);

/// Puts findings, and each as a note, into an answer that has both.
template <class Response>
void put_findings(Response& response, const std::vector<v1::TermsFinding>& findings) {
  for (const auto& one : findings) {
    response.add_notes(note_of(one));
    *response.add_findings() = one;
  }
}

/// Offers the dataset, as a new version where it was offered before; findings are told in that language. invalid_argument: nothing can ever be
/// permitted by its terms, with what was found; it and what is wrong with the terms are where `at_terms` says. Errors: the catalogue's and the commit
/// port's.
Result<Publication> publish_dataset(Backend& backend, const catalog::Dataset& dataset, bool dry_run, policy::Language language,
                                    const Caller& caller);

/// The catalogue's entry says what everybody may know; here it gets the form that all entries have, and the person.
void dress_publication(const Backend& backend, const Caller& caller, Commit& commit, provenance::EntryKind kind,
                       const catalog::Dataset& dataset);

}  // namespace sluis::management
