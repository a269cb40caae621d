#pragma once

#include "connector/base/limits.hpp"
#include "connector/gate/assess.hpp"
#include "connector/intake/intake.hpp"

namespace sluis::authzen {

/// What the decision point needs; all of it outlives it.
struct Dependencies {
  CommitPort& commits;
  const storage::Reader& store;
  const gate::DecisionClock& decision_clock;
  Random& random;
  gate::Datasets& datasets;
  gate::Membership& membership;
  gate::ProgramCache& programs;
  gate::VocabularySource vocabulary;
  /// Who asks, and whether their role may ask this: `method` is one of AuthzenService in proto/ (D16). unauthenticated:
  /// no such token; permission_denied: another role.
  std::function<Result<intake::Application>(const http::Request&, const std::string& method)> authenticate;
  /// The class of a party as the membership list has it. not_found.
  std::function<Result<std::string>(const ParticipantId&)> class_of;
  /// As of intake::Dependencies.
  std::function<Result<intake::Registered>(std::string_view activity, std::string_view purpose, Timestamp now)> activity_allows;
  /// This node's own where it provides; else the provider's, with proof.
  gate::DeclarationSource declarations = {};
  /// A call that got no answer, as nothing could be read or recorded: `kUndecidedEvaluation` or `kUndecidedSearch` of gate/.
  std::function<void(std::string_view what)> undecided = [](std::string_view) {};
};

struct Options {
  ParticipantId self;
  std::string class_of_recipient;  ///< our own
  std::string base_url;            ///< of the management listener, as others reach it; no slash at its end
  std::size_t agreements_searched = limits::kAgreementsSearched;
};

}  // namespace sluis::authzen
