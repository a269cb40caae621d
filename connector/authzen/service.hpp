#pragma once

#include "connector/authzen/request.hpp"
#include "connector/gate/assess.hpp"
#include "connector/intake/intake.hpp"

namespace sluis::authzen {

/// What the service needs; all of it outlives the service.
struct Dependencies {
  CommitPort& commits;
  const storage::Reader& store;
  const gate::DecisionClock& decision_clock;
  Random& random;
  gate::Datasets& datasets;
  gate::Membership& membership;
  gate::ProgramCache& programs;
  gate::VocabularySource vocabulary;
  /// unauthenticated: no such token; permission_denied: another role (D16).
  std::function<Result<intake::Application>(const http::Request&)> authenticate;
  /// The class of a party as the membership list has it. not_found.
  std::function<Result<std::string>(const ParticipantId&)> class_of;
  /// As of intake::Dependencies.
  std::function<Result<void>(std::string_view activity, std::string_view purpose, Timestamp now)> activity_allows;
};

struct Options {
  ParticipantId self;
  std::string class_of_recipient;  ///< our own
  std::string base_url;            ///< of the management listener, as others reach it; no slash at its end
};

/// The engine as a policy decision point (NLgov AuthZEN 1.0.0). Nothing is answered before it is durably recorded: each
/// evaluation is one entry (D29), those of one request one commit. Thread-safe; worker threads only.
class Service {
 public:
  Service(Options options, Dependencies dependencies) : options_(std::move(options)), with_(std::move(dependencies)) {}

  /// `/access/v1/evaluation`, `/access/v1/evaluations` and `/.well-known/authzen-configuration`, in this order: for the
  /// management listener.
  std::vector<http::Route> routes();

 private:
  struct Outcome;

  http::Response handle(const http::Request& request, bool batch) const;
  http::Response decide(const Batch& batch, const intake::Application& application) const;
  Result<std::vector<Outcome>> evaluate_all(const Batch& batch, const intake::Application& application) const;
  Result<Outcome> evaluate(const Evaluation& asked, const intake::Application& application, Timestamp now) const;
  Result<std::optional<policy::Reason>> find(const Evaluation& asked, Timestamp now, gate::Question& question,
                                             Outcome& outcome) const;
  Result<std::optional<policy::Reason>> beside_terms(const Evaluation& asked, const intake::Application& application,
                                                     Timestamp now, Outcome& outcome) const;
  Result<void> record(const Batch& batch, const std::vector<Outcome>& outcomes,
                      const intake::Application& application) const;
  EntryDraft entry(const Evaluation& asked, const Outcome& outcome, const intake::Application& application) const;

  Options options_;
  Dependencies with_;
};

}  // namespace sluis::authzen
