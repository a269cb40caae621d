#pragma once

#include "catalog/offer.hpp"
#include "connector/gate/assess.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"
#include "policy/odrl/explain.hpp"
#include "policy/odrl/wording.hpp"
#include "sluis/v1/terms.pb.h"

/// What the methods about terms share.
namespace sluis::management {

/// Terms from a file or from the catalogue, read and compiled.
struct GivenTerms {
  json::Value offer;
  catalog::CompiledOffer compiled;
  std::optional<catalog::Dataset> dataset;  ///< where it is more than an offer
};
/// A file that ends in .toml is a dataset's, any other an offer in JSON. What this node could not keep is read all the
/// same. invalid_argument with the place in the file.
Result<GivenTerms> read_terms(const Backend& backend, const std::string& text, const std::string& file);
/// Those of a published dataset. not_found.
Result<GivenTerms> published_terms(const Backend& backend, const std::string& dataset);

/// The situations and assessments of this node that terms name, for simulations of a time at which they were, or will be, in force.
class Declared {
 public:
  /// Errors: the store's, and corruption.
  static Result<Declared> read(const Backend& backend, const policy::Policy& terms);
  /// What those in force then come to; nothing, and so unknown, where nobody can tell.
  std::vector<policy::Attribute> at(Timestamp then, const policy::Program& program, std::optional<policy::PurposeIndex> purpose) const;

 private:
  gate::NamedDeclarations named_;
  std::vector<gate::ProvenDeclaration> all_;
};

/// "en", "nl" or nothing. invalid_argument.
Result<policy::Language> language_of(const std::string& text);
/// Names of parties from the membership list, titles of datasets from the catalogue.
policy::Teller teller_for(const Backend& backend, const policy::Vocabulary& vocabulary, policy::Language language);

/// What the rule says, on one line.
std::string tell_on_one_line(const policy::Rule& rule, policy::RuleClass kind, const policy::Teller& teller);
/// Who decided the terms of an agreement about our own data: of the published terms that it follows, or of the others that a steward
/// approved. None: nobody said, or the data are another's.
std::optional<catalog::DecidedBy> terms_decided_by(const Backend& backend, const negotiation::AgreementRecord& record);

/// A decision for people.
struct ToldDecision {
  std::string time;
  std::string party;    ///< told
  std::string dataset;  ///< told
  std::string purpose;  ///< IRI, or empty
  bool permit = false;
  const policy::Reason& reason;
  const policy::Policy* terms = nullptr;  ///< that it was taken on; may be null
  std::optional<catalog::DecidedBy> decided_by;
};
std::vector<std::string> tell_decision(const ToldDecision& decision, const policy::Teller& teller);

Result<v1::TermsMatrixResponse> terms_matrix(const Backend& backend, const v1::TermsMatrixRequest& request);
Result<v1::ReplayTermsResponse> replay_terms(const Backend& backend, const v1::ReplayTermsRequest& request);
Result<v1::DiffTermsResponse> diff_terms(const Backend& backend, const v1::DiffTermsRequest& request);
Result<v1::ExplainDecisionResponse> explain_decision(const Backend& backend, const v1::ExplainDecisionRequest& request,
                                                     const Caller& caller);

}  // namespace sluis::management
