#pragma once

#include "catalog/offer.hpp"
#include "connector/gate/assess.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"
#include "policy/odrl/explain.hpp"
#include "policy/odrl/wording.hpp"
#include "sluis/v1/evidence.pb.h"
#include "sluis/v1/terms.pb.h"

/// What the methods about terms share.
namespace sluis::management {

/// Terms from a file or from the catalogue, read and compiled.
struct GivenTerms {
  json::Value offer;
  catalog::CompiledOffer compiled;
  std::optional<catalog::Dataset> dataset;  ///< where it is more than an offer
  std::optional<Timestamp> retracted = {};  ///< of a published one

  bool open() const { return dataset && dataset->access == catalog::Access::open; }
};
/// A file that ends in .toml is a dataset's, any other an offer in JSON. What this node could not keep is read all the
/// same. invalid_argument with the place in the file.
Result<GivenTerms> read_terms(const Backend& backend, const std::string& text, const std::string& file);
/// Those of a published dataset. not_found.
Result<GivenTerms> published_terms(const Backend& backend, const std::string& dataset);

/// What declarations come to for a request.
struct DeclaredThen {
  std::vector<policy::Attribute> attributes;  ///< none: they are unknown, or terms name none
  std::optional<std::string> unknown;         ///< why they are, where the gate would ask for them
  Timestamp until = Timestamp::max();         ///< so long at most
};

/// The situations and assessments of this node that terms name, for simulations of a time at which they were, or will be, in force. As the
/// gate takes them (node/declarations.hpp): none where a recovery holds one of them, or no assessment may count for the dataset.
class Declared {
 public:
  /// `dataset`: that the terms are of; none: nothing is known of it, and nothing stands against it. Errors: the store's, and corruption.
  static Result<Declared> read(const Backend& backend, const policy::Policy& terms, std::optional<catalog::Dataset> dataset);
  /// What those in force then come to for `request`, which has no attributes of declarations yet.
  DeclaredThen at(Timestamp then, const policy::Program& program, const policy::Request& request) const;

 private:
  explicit Declared(const storage::Reader& store) : store_(&store) {}
  Result<gate::TakenDeclarations> take(Timestamp then, const policy::Program& program, policy::PurposeIndex purpose) const;

  struct One {
    gate::ProvenDeclaration said;
    std::optional<Timestamp> held;
  };

  const storage::Reader* store_;
  std::optional<catalog::Dataset> dataset_;
  gate::NamedDeclarations named_;
  std::vector<One> all_;
};

/// Whether evidence of what is exchanged with that party then is two-sided.
bool is_two_sided(const Backend& backend, const ParticipantId& party, Timestamp then);

/// What the gate would say, by its own functions and in its order: that a purpose is missing, then what stands beside the terms (`plan`), then the
/// terms. Open data are given without a purpose.
struct Simulated {
  gate::Judged terms;
  policy::Reason reason;
  bool permit = false;
};
Simulated simulate(const GivenTerms& terms, const gate::ReleasePlan& plan, const gate::Known& known,
                   const std::optional<std::string>& purpose, const policy::Request& request,
                   const std::optional<std::string>& declarations_unknown);

/// The file of an error that says where in it.
template <class T>
Result<T> in_file(Result<T> made, const std::string& file) {
  if (made || made.error().code != ErrorCode::invalid_argument || !made.error().place.file.empty()) return made;
  Error error = made.error();
  error.place.file = file;
  return error;
}

/// "en", "nl" or nothing. invalid_argument.
Result<policy::Language> language_of(const std::string& text);
/// Names of parties from the membership list, titles of datasets from the catalogue.
policy::Teller teller_for(const Backend& backend, const policy::Vocabulary& vocabulary, policy::Language language);

/// What the rule says, on one line.
std::string tell_on_one_line(const policy::Rule& rule, policy::RuleClass kind, const policy::Teller& teller);
/// Who decided the terms of an agreement about our own data: of the published terms that it follows, or of the others that a steward
/// approved. None: nobody said, or the data are another's.
std::optional<catalog::DecidedBy> terms_decided_by(const Backend& backend, const negotiation::AgreementRecord& record);

/// An entry that holds a decision.
struct Recorded {
  std::uint64_t index = 0;
  std::uint8_t kind = 0;
  v1::Shared shared;
  v1::Internal internal;
};

/// A decision on an agreement's terms as it was made. What the record does not have is left out, so that it is unknown, and `missing` says so
/// in sentences: nothing of it comes from today.
struct AsDecided {
  policy::Program program;
  gate::Known known;
  std::vector<policy::Attribute> attributes;
  std::vector<std::string> missing;
};
/// None: the terms cannot be compiled with those purposes.
std::optional<AsDecided> as_decided(const Backend& backend, const Recorded& entry, const negotiation::AgreementRecord& record,
                                    const policy::Policy& terms, const std::shared_ptr<const policy::Vocabulary>& current,
                                    policy::Language language);

/// A dataset that another is made from, and who decided its terms; none: nobody said.
struct DecidedAtSource {
  std::string dataset;  ///< id
  std::optional<catalog::DecidedBy> by;
};

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
  std::vector<DecidedAtSource> sources = {};  ///< whose terms have what decided; none: the dataset's own
};
std::vector<std::string> tell_decision(const ToldDecision& decision, const policy::Teller& teller);

Result<v1::TermsMatrixResponse> terms_matrix(const Backend& backend, const v1::TermsMatrixRequest& request);
Result<v1::ReplayTermsResponse> replay_terms(const Backend& backend, const v1::ReplayTermsRequest& request);
Result<v1::DiffTermsResponse> diff_terms(const Backend& backend, const v1::DiffTermsRequest& request);
Result<v1::ExplainDecisionResponse> explain_decision(const Backend& backend, const v1::ExplainDecisionRequest& request,
                                                     const Caller& caller);

}  // namespace sluis::management
