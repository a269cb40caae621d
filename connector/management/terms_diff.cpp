#include "connector/base/limits.hpp"
#include "connector/management/terms_parts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

/// What other terms or another vocabulary would change.
namespace sluis::management {
namespace {

using VocabularyPtr = std::shared_ptr<const policy::Vocabulary>;

/// The pinned part of a vocabulary: DPV's own terms, as a file.
std::string pinned_part(const policy::Vocabulary& vocabulary) {
  const std::string dpv = policy::expand_purpose("dpv:");
  std::string text;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto& term = vocabulary.term(static_cast<policy::PurposeIndex>(i));
    if (!term.iri.starts_with(dpv)) continue;
    std::string parents;
    for (const auto parent : term.parents) parents += (parents.empty() ? "" : " ") + vocabulary.term(parent).iri;
    text += fmt::format("{}\t{}\t{}\t{}\n", term.iri, term.label_en, term.label_nl, parents);
  }
  return text;
}

/// A whole vocabulary, or a federation's own terms on top of the pinned ones.
Result<VocabularyPtr> read_vocabulary(const policy::Vocabulary& now, const std::string& text, const std::string& file) {
  SLUIS_TRY(const auto pinned, policy::Vocabulary::parse(pinned_part(now), "the pinned purposes"));
  auto on_top = pinned.with(text, file);
  if (on_top) return std::make_shared<const policy::Vocabulary>(std::move(*on_top));
  auto whole = policy::Vocabulary::parse(text, file);
  if (!whole) return on_top.error();
  return std::make_shared<const policy::Vocabulary>(std::move(*whole));
}

std::set<std::string> purposes_open(const policy::Program& program) {
  std::set<std::string> open;
  for (std::size_t i = 0; i < program.vocabulary().size(); ++i) {
    const auto index = static_cast<policy::PurposeIndex>(i);
    if (policy::purpose_satisfies(program, index)) open.insert(program.vocabulary().term(index).iri);
  }
  return open;
}

void add_change(v1::DiffTermsResponse& response, const negotiation::AgreementRecord& record, std::string_view what,
                const std::string& purpose, std::string text) {
  auto* change = response.add_changes();
  change->set_what(std::string(what));
  change->set_agreement(record.id.str());
  change->set_dataset(record.dataset.str());
  change->set_peer(record.peer.str());
  change->set_purpose(purpose);
  change->set_text(std::move(text));
}

void compare(v1::DiffTermsResponse& response, const negotiation::AgreementRecord& record, const VocabularyPtr& before,
             const VocabularyPtr& after, policy::Language language) {
  const auto parsed = policy::parse_policy(record.agreement);
  if (!parsed) return add_change(response, record, "unreadable", "", parsed.error().message);
  const auto old = policy::compile(*parsed, before);
  const auto fresh = policy::compile(*parsed, after);
  if (!fresh) return add_change(response, record, "unreadable", "", fresh.error().message);
  const auto was = old ? purposes_open(*old) : std::set<std::string>();
  const auto is = purposes_open(*fresh);
  for (const auto& purpose : is) {
    if (!was.contains(purpose)) {
      add_change(response, record, "allowed", purpose, policy::tell_purpose(purpose, {*after, language}));
    }
  }
  for (const auto& purpose : was) {
    if (!is.contains(purpose)) {
      add_change(response, record, "forbidden", purpose, policy::tell_purpose(purpose, {*before, language}));
    }
  }
}

Result<v1::DiffTermsResponse> diff_vocabularies(const Backend& backend, const v1::DiffTermsRequest& request,
                                                policy::Language language) {
  SLUIS_TRY(const auto now, vocabulary_of(backend));
  VocabularyPtr before = now;
  if (!request.before().empty()) {
    SLUIS_TRY(before, read_vocabulary(*now, request.before(), request.before_file()));
  }
  SLUIS_TRY(const auto after, read_vocabulary(*now, request.after(), request.after_file()));
  v1::DiffTermsResponse response;
  AgreementId last("");
  while (true) {
    SLUIS_TRY(const auto found, backend.negotiations.agreements(last, limits::kPageDefault));
    for (const auto& record : found) {
      last = record.id;
      if (!record.active()) continue;
      response.set_agreements(response.agreements() + 1);
      compare(response, record, before, after, language);
    }
    if (found.size() < limits::kPageDefault) return response;
  }
}

/// Rules as sentences, each with all that belongs to it.
std::vector<std::string> told_rules(const policy::Policy& policy, const policy::Teller& teller) {
  std::vector<std::string> rules;
  for (const auto& line : policy::tell(policy, teller)) {
    if (line.depth == 0) rules.push_back(line.text);
    else if (!rules.empty()) rules.back() += " " + line.text;
  }
  return rules;
}

void add_missing(v1::DiffTermsResponse& response, const std::vector<std::string>& from,
                 const std::vector<std::string>& in, std::string_view what) {
  for (const auto& rule : from) {
    if (std::find(in.begin(), in.end(), rule) != in.end()) continue;
    auto* change = response.add_changes();
    change->set_what(std::string(what));
    change->set_text(rule);
  }
}

}  // namespace

Result<v1::DiffTermsResponse> diff_terms(const Backend& backend, const v1::DiffTermsRequest& request) {
  SLUIS_TRY(const auto language, language_of(request.lang()));
  if (request.after_file().ends_with(".tsv")) return diff_vocabularies(backend, request, language);
  SLUIS_TRY(const auto after, read_terms(backend, request.after(), request.after_file()));
  GivenTerms before{{}, {{}, {}}, {}, {}};
  if (!request.before().empty()) {
    SLUIS_TRY(before, read_terms(backend, request.before(), request.before_file()));
  } else if (after.dataset) {
    SLUIS_TRY(before, published_terms(backend, after.dataset->id.str()));
  } else {
    return Error(ErrorCode::invalid_argument, "an offer needs another one to be compared with").at_pointer("/before");
  }
  const auto teller = teller_for(backend, after.compiled.program.vocabulary(), language);
  const auto was = told_rules(before.compiled.policy, teller);
  const auto is = told_rules(after.compiled.policy, teller);
  v1::DiffTermsResponse response;
  add_missing(response, was, is, "removed");
  add_missing(response, is, was, "added");
  return response;
}

}  // namespace sluis::management
