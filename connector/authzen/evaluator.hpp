#pragma once

#include "connector/authzen/agreements.hpp"
#include "connector/authzen/request.hpp"

#include <map>

namespace sluis::authzen {

/// What one evaluation came to.
struct Outcome {
  policy::Reason reason;
  bool permit = false;
  gate::Verdict verdict;  ///< its agreement: of the subject; none where none of it is known here
};

/// Decides; records nothing. Thread-safe; worker threads only.
class Evaluator {
 public:
  Evaluator(const Options& options, const Dependencies& with, Agreements& agreements)
      : options_(options), with_(with), agreements_(agreements) {}

  /// What is asked in one request: the declarations of a provider are asked for once, and what was read of the store a moment ago
  /// is not read again. Used by one thread.
  struct Asking {
    const intake::Application& application;
    Timestamp now;
    gate::DeclarationSource declarations;
    std::map<AgreementId, std::optional<gate::AgreementAsRead>> agreements = {};
    std::map<DatasetId, Result<gate::ReleasePlan>> plans = {};
  };
  Asking asking(const intake::Application& application, Timestamp now) const {
    return {application, now, gate::asked_once(with_.declarations)};
  }

  /// What is unknown denies. Where a dataset is asked for without an agreement, any running agreement of the subject
  /// about it may permit; at most limits::kAgreementsPerEvaluation are asked. Errors: the store's alone.
  Result<Outcome> evaluate(const Evaluation& asked, Asking& by) const;

 private:
  using MaybeReason = std::optional<policy::Reason>;

  MaybeReason refuse_unread(const Evaluation& asked) const;
  Result<Outcome> under_any(const Evaluation& asked, Asking& by) const;
  Result<Outcome> under(const AgreementId& agreement, const Evaluation& asked, Asking& by) const;
  Result<std::optional<gate::AgreementAsRead>> read(const AgreementId& agreement, Asking& by) const;
  MaybeReason form(gate::Question& question, const negotiation::AgreementRecord& record, const Evaluation& asked,
                   Timestamp now) const;
  Result<MaybeReason> beside_terms(const Evaluation& asked, Asking& by, const gate::Verdict& verdict, const Result<intake::Registered>& registered) const;

  const Options& options_;
  const Dependencies& with_;
  Agreements& agreements_;
};

}  // namespace sluis::authzen
