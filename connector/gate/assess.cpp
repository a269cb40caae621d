#include "connector/gate/assess.hpp"

#include "connector/declaration/rules.hpp"
#include "policy/odrl/match.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::gate {
namespace {

/// Takes the agreement that the question is about; a reason where it is none that counts.
std::optional<policy::Reason> take_agreement(const Question& question, std::optional<AgreementAsRead> read, Verdict& verdict) {
  if (!read) return make_reason("agreement.unknown");
  verdict.agreement = std::move(read->record);
  verdict.agreement_bytes = std::move(read->bytes);
  const negotiation::AgreementRecord& found = *verdict.agreement;
  if (found.peer != question.peer || found.dataset != question.dataset) {
    verdict.agreement.reset();
    return make_reason("agreement.unknown");
  }
  if (!found.active()) {
    const auto& sentences = found.ended->reason.sentences;
    return make_reason("agreement.ended", {{"by", found.ended->by.str()},
                                           {"when", format_time(found.ended->when)},
                                           {"code", found.ended->reason.code},
                                           {"why", sentences.empty() ? found.ended->reason.code : sentences.front()}});
  }
  if (found.held) return make_reason("agreement.held", {{"when", format_time(*found.held)}});
  return std::nullopt;
}

/// A count that cannot be read is not given: that denies.
Result<void> read_uses(const Question& question, const storage::Reader& store, Verdict& verdict) {
  if (!verdict.terms->program.counts()) return {};
  std::int64_t uses = question.uses_before.value_or(0);
  if (!question.uses_before) {
    SLUIS_TRY(verdict.uses_bytes, store.get(uses_key(question.agreement)));
    if (verdict.uses_bytes) {
      const std::string& text = *verdict.uses_bytes;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uses);
      if (error != std::errc() || end != text.data() + text.size() || uses < 0) return {};
    }
  }
  verdict.uses_before = uses;
  verdict.uses_asked = uses;
  return {};
}

/// Asks for declarations only where they could make a difference: a request that no permission fits costs the provider nothing.
std::optional<std::string> add_declarations(const policy::Request& request, const DeclarationSource& source, Timestamp now,
                                            Verdict& verdict, std::vector<policy::Attribute>& attributes) {
  const CompiledTerms& terms = *verdict.terms;
  if (terms.named.empty() || !request.purpose) return std::nullopt;
  if (terms.program.permission_possible(request) == policy::Truth::no) return std::nullopt;
  verdict.declared = Verdict::Looked::unknown;
  if (!source) return "this node does not keep them";
  auto known = source(*verdict.agreement, now);
  if (!known) return known.error().message;
  verdict.declarations = std::move(*known);
  auto taken = take_declarations(verdict.declarations.declarations, terms.named, terms.program, *request.purpose, now);
  if (!taken) return taken.error().message;
  attributes.insert(attributes.end(), taken->attributes.begin(), taken->attributes.end());
  verdict.rests_on = std::move(taken->rests_on);
  verdict.declared = Verdict::Looked::known;
  verdict.valid_until = std::min(taken->until, verdict.declarations.until);
  return std::nullopt;
}

void decide(const Question& question, const DeclarationSource& source, Timestamp now, Verdict& verdict) {
  const CompiledTerms& terms = *verdict.terms;
  const policy::Program& program = terms.program;
  const Known known{question.purpose ? terms.vocabulary->lookup(*question.purpose) : terms.single_purpose,
                    question.recipient.str(), question.class_of_recipient, question.dataset.str(), now, terms.agreed,
                    verdict.uses_asked, question.activity, question.two_sided, question.says};
  policy::Request request = request_of(program, known);
  std::vector<policy::Attribute> attributes = attributes_of(program, known);
  request.attributes = attributes;
  const auto unknown = add_declarations(request, source, now, verdict, attributes);
  request.attributes = attributes;
  Judged judged = judge_terms(program, request, question.purpose);
  const policy::Decision& decision = judged.decision;
  verdict.reason = std::move(judged.reason);
  verdict.permit = judged.permit;
  verdict.counted = decision.reserve;
  verdict.valid_until = std::min(verdict.valid_until, decision.valid_until);
  if (request.purpose) verdict.purpose = terms.vocabulary->term(*request.purpose).iri;
  if (unknown && failed_on_declarations(decision, program)) {
    verdict.reason = make_reason("declarations.unknown", {{"why", *unknown}});
  }
}

}  // namespace

policy::Request request_of(const policy::Program& program, const Known& known) {
  policy::Request request;
  request.purpose = known.purpose;
  if (!known.recipient.empty()) request.recipient = program.recipient(known.recipient);
  request.assignee = request.recipient;
  if (!known.class_of_recipient.empty()) request.class_of_recipient = program.class_of_recipient(known.class_of_recipient);
  if (!known.dataset.empty()) request.target = program.name(known.dataset);
  request.now = known.now;
  request.agreed = known.agreed;
  return request;
}

std::vector<policy::Attribute> attributes_of(const policy::Program& program, const Known& known) {
  std::vector<policy::Attribute> out;
  if (known.uses) out.push_back({policy::Operand::count, {}, *known.uses});
  if (!known.activity.empty()) {
    out.push_back(policy::Attribute::name(policy::Operand::processing_activity, program.name(known.activity)));
  }
  if (!known.activity.empty() && known.says) {
    const auto say = [&](policy::Operand operand, std::string_view name) {
      out.push_back(policy::Attribute::name(operand, name.empty() ? policy::Interned::absent : program.name(name)));
    };
    for (const std::string& basis : known.says->legal_basis) say(policy::Operand::legal_basis, basis);
    if (known.says->legal_basis.empty()) say(policy::Operand::legal_basis, {});
    say(policy::Operand::impact_assessment, declaration::says_nothing(known.says->impact_assessment) ? std::string_view() : policy::kOnRecord);
  }
  if (known.two_sided) out.push_back(evidence_of(program, *known.two_sided));
  return out;
}

bool failed_on_declarations(const policy::Decision& decision, const policy::Program& program) {
  const auto nodes = program.nodes();
  if (decision.permit || decision.constraint >= nodes.size()) return false;
  const auto first = nodes.begin() + decision.constraint;
  return std::any_of(first, first + std::max<std::uint16_t>(first->skip, 1), [](const policy::Program::Node& node) {
    return node.operand == policy::Operand::situation || node.operand == policy::Operand::assessment;
  });
}

bool rests_on_a_basis(const declaration::Declaration& said) {
  return said.kind != declaration::Kind::assessment || std::all_of(said.legal_basis.begin(), said.legal_basis.end(), [](const std::string& basis) {
    return bool(declaration::read_legal_basis(basis));
  });
}

Judged judge_terms(const policy::Program& program, const policy::Request& request, const std::optional<std::string>& purpose) {
  const policy::Decision decision = program.decide(request);
  Judged out{decision, policy::explain(decision, request, program, purpose.value_or("")), decision.permit};
  if (out.permit && !request.purpose) {
    out.permit = false;
    out.reason = make_reason(purpose ? "purpose.unknown" : "claim.missing", {{"asked", purpose.value_or("nothing").substr(0, 512)}});
  }
  return out;
}

std::string uses_key(const AgreementId& agreement) { return "uses/" + agreement.str(); }

Result<void> add_uses(const storage::Reader& store, const AgreementId& agreement, std::uint64_t more, Commit& commit) {
  if (more == 0) return {};
  const std::string key = uses_key(agreement);
  SLUIS_TRY(const std::optional<std::string> bytes, store.get(key));
  std::uint64_t uses = 0;
  if (bytes) {
    const auto [end, error] = std::from_chars(bytes->data(), bytes->data() + bytes->size(), uses);
    if (error != std::errc() || end != bytes->data() + bytes->size()) return Error(ErrorCode::corruption, "`" + key + "` is no count");
  }
  commit.preconditions.push_back({key, bytes});
  commit.changes.push_back({key, std::to_string(uses + more)});
  return {};
}

Result<std::optional<AgreementAsRead>> read_as_stored(const storage::Reader& store, ProgramCache& programs, const AgreementId& id) {
  SLUIS_TRY(std::optional<std::string> bytes, store.get(negotiation::agreement_key(id)));
  if (!bytes) return std::optional<AgreementAsRead>();
  SLUIS_TRY(AgreementPtr record, programs.read(id, *bytes));
  return std::optional(AgreementAsRead{std::move(record), std::move(*bytes)});
}

Result<Verdict> assess(const Question& question, const storage::Reader& store, ProgramCache& programs,
                       const std::shared_ptr<const policy::Vocabulary>& vocabulary, const DeclarationSource& declarations, Timestamp now) {
  SLUIS_TRY(std::optional<AgreementAsRead> agreement, read_as_stored(store, programs, question.agreement));
  return assess(question, std::move(agreement), store, programs, vocabulary, declarations, now);
}

Result<Verdict> assess(const Question& question, std::optional<AgreementAsRead> agreement, const storage::Reader& store,
                       ProgramCache& programs, const std::shared_ptr<const policy::Vocabulary>& vocabulary,
                       const DeclarationSource& declarations, Timestamp now) {
  Verdict verdict;
  if (auto missing = take_agreement(question, std::move(agreement), verdict)) {
    verdict.reason = std::move(*missing);
    return verdict;
  }
  auto terms = programs.agreement(*verdict.agreement, vocabulary);
  if (!terms) {
    verdict.reason = make_reason("agreement.unreadable", {{"why", terms.error().message}});
    return verdict;
  }
  verdict.terms = std::move(*terms);
  verdict.class_of_recipient = question.class_of_recipient;
  verdict.two_sided = question.two_sided;
  verdict.says = question.says;
  SLUIS_CHECK(read_uses(question, store, verdict));
  decide(question, declarations, now, verdict);
  return verdict;
}

policy::Attribute evidence_of(const policy::Program& program, bool two_sided) {
  return policy::Attribute::name(policy::Operand::evidence, program.name(two_sided ? policy::kTwoSided : policy::kOneSided));
}

Result<TakenDeclarations> take_declarations(std::span<const ProvenDeclaration> in_force, const NamedDeclarations& named,
                                            const policy::Program& program, policy::PurposeIndex asked, Timestamp now) {
  TakenDeclarations out;
  bool situations = false, assessments = false;
  for (const ProvenDeclaration& one : in_force) {
    const declaration::Declaration& said = one.declaration;
    if (said.until() <= now || !named.contains(said)) continue;
    SLUIS_TRY(const bool about, declaration::concerns(said, program.vocabulary(), asked));
    if (!about) continue;
    if (const std::string* missing = declaration::missing_safeguard(said, named.safeguards)) {
      return Error(ErrorCode::invalid_argument, "`" + said.id + "` takes `" + *missing + "` as a safeguard, and these terms do not have it");
    }
    const bool situation = said.kind == declaration::Kind::situation;
    (situation ? situations : assessments) = true;
    const auto operand = situation ? policy::Operand::situation : policy::Operand::assessment;
    out.attributes.push_back(policy::Attribute::name(operand, program.name(said.id)));
    out.rests_on.push_back({said.id, one.entry});
    out.until = std::min(out.until, said.until());
  }
  if (!situations) out.attributes.push_back(policy::Attribute::name(policy::Operand::situation, policy::Interned::absent));
  if (!assessments) out.attributes.push_back(policy::Attribute::name(policy::Operand::assessment, policy::Interned::absent));
  return out;
}

void require_as_read(const Verdict& verdict, Commit& commit) {
  const auto require = [&commit](const Precondition& must) {
    const bool there = std::any_of(commit.preconditions.begin(), commit.preconditions.end(), [&](const Precondition& other) {
      return other.key == must.key && other.expected == must.expected;
    });
    if (!there) commit.preconditions.push_back(must);
  };
  require({negotiation::agreement_key(verdict.agreement->id), verdict.agreement_bytes});
  for (const Precondition& must : verdict.declarations.as_read) require(must);
}

DeclarationSource asked_once(DeclarationSource source, Duration at_most) {
  using Steady = std::chrono::steady_clock;
  struct Asked {
    std::optional<Steady::time_point> began;
    std::map<AgreementId, KnownDeclarations> known;
    std::map<ParticipantId, Error> failed;
  };
  if (!source) return source;
  return [source = std::move(source), at_most, asked = std::make_shared<Asked>()](const negotiation::AgreementRecord& record,
                                                                                 Timestamp now) -> Result<KnownDeclarations> {
    if (const auto found = asked->known.find(record.id); found != asked->known.end()) return found->second;
    if (const auto found = asked->failed.find(record.peer); found != asked->failed.end()) return found->second;
    if (!asked->began) asked->began = Steady::now();
    else if (Steady::now() - *asked->began >= at_most) return Error(ErrorCode::peer_unavailable, "providers took too long to answer");
    auto known = source(record, now);
    if (known) asked->known.emplace(record.id, *known);
    else asked->failed.emplace(record.peer, known.error());
    return known;
  };
}

std::optional<policy::Reason> not_served(const ReleasePlan& plan, Timestamp now) {
  if (!plan.suspended.empty()) return make_reason("dataset.suspended", {{"why", plan.suspended}});
  if (!plan.assessed_until || *plan.assessed_until > now) return std::nullopt;
  return make_reason("dataset.assessment_over", {{"when", format_time(*plan.assessed_until)}});
}

std::optional<policy::Reason> activity_fault(const ReleasePlan& plan, const policy::Vocabulary& vocabulary, std::string_view purpose,
                                             std::string_view activity) {
  if (!needs_activity(plan, vocabulary, vocabulary.lookup(purpose)) || is_activity_uri(activity)) return std::nullopt;
  return make_reason(activity.empty() ? "activity.missing" : "activity.malformed");
}

bool needs_activity(const ReleasePlan& plan, const policy::Vocabulary& vocabulary, std::optional<policy::PurposeIndex> purpose) {
  return plan.needs_activity || (purpose && vocabulary.judges_persons(*purpose));
}

std::optional<policy::Reason> beside_terms(const ReleasePlan& plan, const policy::Vocabulary& vocabulary, std::string_view purpose,
                                           std::string_view activity, Timestamp now) {
  if (auto why = not_served(plan, now)) return why;
  // Whether the party has it in its register, its own node has looked: this one has the party's word.
  return activity_fault(plan, vocabulary, purpose, activity);
}

std::string_view to_string(Access access) {
  switch (access) {
    case Access::open: return "open";
    case Access::conditional: return "conditional";
    case Access::needs_activity: return "needs activity";
    case Access::needs_dpia: return "needs DPIA";
    case Access::not_served: return "not served";
    case Access::never: return "never";
  }
  return "never";
}

Access access_for(const ReleasePlan& plan, const policy::Program& terms, std::string_view class_of_recipient,
                  policy::PurposeIndex purpose, Timestamp now) {
  const bool open = !plan.public_offer.is_null();
  const bool named = needs_activity(plan, terms.vocabulary(), purpose);
  if ((open && named) || !policy::could_permit(terms, class_of_recipient, {}, purpose, now)) return Access::never;
  const bool assessed = !policy::could_permit(terms, class_of_recipient, {}, purpose, now, {}, false);
  if (open && assessed) return Access::never;
  if (not_served(plan, now)) return Access::not_served;
  if (open) return Access::open;
  if (assessed) return Access::needs_dpia;
  return named ? Access::needs_activity : Access::conditional;
}

bool is_activity_uri(std::string_view text) {
  return text.find(':') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127 && c != ','; });
}

}  // namespace sluis::gate
