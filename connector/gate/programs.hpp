#pragma once

#include "connector/gate/ports.hpp"
#include "connector/negotiation/agreement.hpp"
#include "policy/odrl/program.hpp"

#include <functional>
#include <map>
#include <mutex>

namespace sluis::gate {

/// What the conditions of terms name of the provider's declarations, and what else decides whether such a one, or a register, has to be asked.
struct NamedDeclarations {
  std::vector<std::string> situations;
  std::vector<std::string> assessments;
  std::vector<policy::Action> safeguards;  ///< that the terms have: policy::safeguards
  bool activity = false;                   ///< whether they name what a register says of the processing activity: legal basis, impact assessment

  bool empty() const { return situations.empty() && assessments.empty(); }
  bool contains(const declaration::Declaration& declaration) const;
};
NamedDeclarations named_declarations(const policy::Policy& policy);

/// A compiled policy with what follows from it.
struct CompiledTerms {
  std::shared_ptr<const policy::Vocabulary> vocabulary;
  policy::Program program;
  Hash vocabulary_hash{};  ///< of its canonical text
  Hash program_hash{};
  std::vector<policy::Transform> transforms;
  std::optional<policy::PurposeIndex> single_purpose;
  std::optional<Duration> delete_after;
  std::optional<Timestamp> agreed;
  NamedDeclarations named;
};
using TermsPtr = std::shared_ptr<const CompiledTerms>;

/// What programs of one vocabulary share, and the hash of its canonical text.
struct Compiling {
  std::shared_ptr<const policy::Context> context;
  Hash vocabulary_hash{};
};
/// invalid_argument: not readable with this vocabulary.
Result<TermsPtr> compile_terms(const json::Value& policy, const Hash& offer_hash, const Compiling& with, bool in_catalogue);

using AgreementPtr = std::shared_ptr<const negotiation::AgreementRecord>;

/// Policies that were compiled already, by the id they are known under and the vocabulary, and agreements that were read
/// already. Another vocabulary compiles anew, other bytes are read anew. Thread-safe.
class ProgramCache {
 public:
  /// The purposes with which an agreement was made. An error: the agreement cannot be decided, so it permits nothing.
  using PinnedVocabulary =
      std::function<Result<std::shared_ptr<const policy::Vocabulary>>(const negotiation::AgreementRecord& record)>;

  ProgramCache() = default;
  explicit ProgramCache(PinnedVocabulary pinned) : pinned_(std::move(pinned)) {}

  /// With the purposes under which it was made; with `vocabulary` only where none are pinned.
  Result<TermsPtr> agreement(const negotiation::AgreementRecord& record,
                             const std::shared_ptr<const policy::Vocabulary>& vocabulary);
  /// An agreement from the bytes that the store has of it now. Errors: of decode_agreement.
  Result<AgreementPtr> read(const AgreementId& id, const std::string& bytes);
  Result<TermsPtr> offer(const ReleasePlan& plan, const std::shared_ptr<const policy::Vocabulary>& vocabulary);

 private:
  Result<TermsPtr> find(const std::string& key, const json::Value& policy, const Hash& offer_hash,
                        const std::shared_ptr<const policy::Vocabulary>& vocabulary, bool in_catalogue);

  Compiling context_of(const std::shared_ptr<const policy::Vocabulary>& vocabulary);

  PinnedVocabulary pinned_;
  std::mutex mutex_;
  std::vector<std::pair<std::weak_ptr<const policy::Context>, Hash>> contexts_;  ///< one for each vocabulary that programs are kept of
  std::map<std::string, TermsPtr, std::less<>> terms_;
  struct Read {
    std::string bytes;
    AgreementPtr record;
  };
  std::map<std::string, Read, std::less<>> agreements_;
};

}  // namespace sluis::gate
