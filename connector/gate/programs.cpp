#include "connector/gate/programs.hpp"

#include "connector/crypto/crypto.hpp"
#include "policy/odrl/named.hpp"
#include "policy/odrl/transforms.hpp"

#include <algorithm>

namespace sluis::gate {
namespace {
constexpr std::size_t kKept = 1024;
constexpr std::size_t kKeptBytes = 8U << 10U;  ///< of an agreement as stored; larger ones are read each time
constexpr std::size_t kNames = 200'000;  ///< then a new table: programs of the old one keep theirs
}

bool NamedDeclarations::contains(const declaration::Declaration& declaration) const {
  const auto& names = declaration.kind == declaration::Kind::situation ? situations : assessments;
  return std::find(names.begin(), names.end(), declaration.id) != names.end();
}

NamedDeclarations named_declarations(const policy::Policy& policy) {
  NamedDeclarations out;
  for (auto& one : policy::named(policy, policy::Operand::situation)) out.situations.push_back(std::move(one.value));
  for (auto& one : policy::named(policy, policy::Operand::assessment)) out.assessments.push_back(std::move(one.value));
  out.safeguards = policy::safeguards(policy);
  out.activity = !policy::named(policy, policy::Operand::legal_basis).empty() || !policy::named(policy, policy::Operand::impact_assessment).empty();
  return out;
}

Result<TermsPtr> compile_terms(const json::Value& policy, const Hash& offer_hash, const Compiling& with, bool in_catalogue) {
  SLUIS_TRY(const policy::Policy parsed, policy::parse_policy(policy, {.in_catalogue = in_catalogue, .pointer = ""}));
  SLUIS_TRY(policy::Program program, policy::compile(parsed, with.context));
  auto terms = std::make_shared<CompiledTerms>();
  terms->vocabulary_hash = with.vocabulary_hash;
  terms->program_hash = crypto::sha256(policy::Program::program_hash_input(offer_hash, terms->vocabulary_hash));
  terms->transforms = policy::transforms(parsed);
  terms->single_purpose = policy::single_purpose(program);
  terms->delete_after = policy::retention(parsed);
  terms->agreed = parsed.timestamp;
  terms->named = named_declarations(parsed);
  terms->program = std::move(program);
  terms->vocabulary = with.context->vocabulary;
  return TermsPtr(std::move(terms));
}

Result<TermsPtr> ProgramCache::find(const std::string& key, const json::Value& policy, const Hash& offer_hash,
                                    const std::shared_ptr<const policy::Vocabulary>& vocabulary, bool in_catalogue) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = terms_.find(key);
    if (found != terms_.end() && found->second->vocabulary == vocabulary) return found->second;
  }
  SLUIS_TRY(TermsPtr terms, compile_terms(policy, offer_hash, context_of(vocabulary), in_catalogue));
  const std::lock_guard lock(mutex_);
  if (terms_.size() >= kKept) terms_.clear();
  terms_[key] = terms;
  return terms;
}

/// Programs of one vocabulary share their names and their memory; both end with the last of them.
Compiling ProgramCache::context_of(const std::shared_ptr<const policy::Vocabulary>& vocabulary) {
  const std::lock_guard lock(mutex_);
  std::erase_if(contexts_, [](const auto& one) { return one.first.expired(); });
  for (const auto& [kept, hash] : contexts_) {
    auto context = kept.lock();
    if (context && context->vocabulary == vocabulary && context->names->size() <= kNames) return {std::move(context), hash};
  }
  const Hash hash = crypto::sha256(vocabulary->canonical_text());
  auto made = std::make_shared<const policy::Context>(
      policy::Context{vocabulary, std::make_shared<policy::Names>(), policy::program_memory()});
  contexts_.emplace_back(made, hash);
  return {std::move(made), hash};
}

Result<TermsPtr> ProgramCache::agreement(const negotiation::AgreementRecord& record,
                                         const std::shared_ptr<const policy::Vocabulary>& vocabulary) {
  std::shared_ptr<const policy::Vocabulary> words = vocabulary;
  if (pinned_) {
    SLUIS_TRY(words, pinned_(record));
  }
  return find("a" + std::string(view(record.agreement_hash)) + record.id.str(), record.agreement, record.offer_hash,
              words, false);
}

Result<AgreementPtr> ProgramCache::read(const AgreementId& id, const std::string& bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = agreements_.find(id.str());
    if (found != agreements_.end() && found->second.bytes == bytes) return found->second.record;
  }
  SLUIS_TRY(negotiation::AgreementRecord record, negotiation::decode_agreement(bytes));
  auto made = std::make_shared<const negotiation::AgreementRecord>(std::move(record));
  if (bytes.size() > kKeptBytes) return AgreementPtr(std::move(made));
  const std::lock_guard lock(mutex_);
  if (agreements_.size() >= kKept) agreements_.clear();
  agreements_[id.str()] = {bytes, made};
  return AgreementPtr(std::move(made));
}

Result<TermsPtr> ProgramCache::offer(const ReleasePlan& plan,
                                     const std::shared_ptr<const policy::Vocabulary>& vocabulary) {
  return find("o" + std::string(view(plan.public_offer_hash)), plan.public_offer, plan.public_offer_hash, vocabulary,
              true);
}

}  // namespace sluis::gate
