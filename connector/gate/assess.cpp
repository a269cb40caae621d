#include "connector/gate/assess.hpp"

#include <charconv>

namespace sluis::gate {
namespace {

/// Finds the agreement that the question is about; a reason where there is none that counts.
Result<std::optional<policy::Reason>> find_agreement(const Question& question, const storage::Reader& store,
                                                     Verdict& verdict) {
  SLUIS_TRY(std::optional<std::string> bytes, store.get(negotiation::agreement_key(question.agreement)));
  if (!bytes) return std::optional(make_reason("agreement.unknown"));
  SLUIS_TRY(negotiation::AgreementRecord record, negotiation::decode_agreement(*bytes));
  verdict.agreement = std::move(record);
  verdict.agreement_bytes = std::move(*bytes);
  const negotiation::AgreementRecord& found = *verdict.agreement;
  if (found.peer != question.peer || found.dataset != question.dataset) {
    verdict.agreement.reset();
    return std::optional(make_reason("agreement.unknown"));
  }
  if (!found.active()) {
    const auto& sentences = found.ended->reason.sentences;
    return std::optional(make_reason("agreement.ended", {{"by", found.ended->by.str()},
                                                         {"when", format_time(found.ended->when)},
                                                         {"code", found.ended->reason.code},
                                                         {"why", sentences.empty() ? found.ended->reason.code
                                                                                   : sentences.front()}}));
  }
  return std::optional<policy::Reason>();
}

/// A count that cannot be read is not given: that denies.
Result<void> read_uses(const Question& question, const storage::Reader& store, Verdict& verdict,
                       std::vector<policy::Attribute>& attributes) {
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
  attributes.push_back({policy::Operand::count, {}, uses});
  return {};
}

void decide(const Question& question, Timestamp now, std::span<const policy::Attribute> attributes, Verdict& verdict) {
  const CompiledTerms& terms = *verdict.terms;
  const policy::Program& program = terms.program;
  policy::Request request;
  request.purpose = question.purpose ? terms.vocabulary->lookup(*question.purpose) : terms.single_purpose;
  request.recipient = program.recipient(question.recipient.str());
  if (!question.class_of_recipient.empty()) {
    request.class_of_recipient = program.class_of_recipient(question.class_of_recipient);
  }
  request.target = program.name(question.dataset.str());
  request.assignee = request.recipient;
  request.now = now;
  request.agreed = terms.agreed;
  request.attributes = attributes;
  const policy::Decision decision = program.decide(request);
  verdict.reason = policy::explain(decision, request, program, question.purpose.value_or(""));
  verdict.permit = decision.permit;
  verdict.counted = decision.reserve;
  verdict.valid_until = decision.valid_until;
  if (request.purpose) verdict.purpose = terms.vocabulary->term(*request.purpose).iri;
  if (verdict.permit && !request.purpose) {
    verdict.permit = false;
    verdict.reason = make_reason(question.purpose ? "purpose.unknown" : "claim.missing",
                                 {{"asked", question.purpose.value_or("nothing").substr(0, 512)}});
  }
}

}  // namespace

std::string uses_key(const AgreementId& agreement) { return "uses/" + agreement.str(); }

Result<Verdict> assess(const Question& question, const storage::Reader& store, ProgramCache& programs,
                       const std::shared_ptr<const policy::Vocabulary>& vocabulary, Timestamp now) {
  Verdict verdict;
  SLUIS_TRY(std::optional<policy::Reason> missing, find_agreement(question, store, verdict));
  if (missing) {
    verdict.reason = std::move(*missing);
    return verdict;
  }
  auto terms = programs.agreement(*verdict.agreement, vocabulary);
  if (!terms) {
    verdict.reason = make_reason("agreement.unreadable", {{"why", terms.error().message}});
    return verdict;
  }
  verdict.terms = std::move(*terms);
  std::vector<policy::Attribute> attributes;
  SLUIS_CHECK(read_uses(question, store, verdict, attributes));
  if (!question.activity.empty()) {
    attributes.push_back(policy::Attribute::name(policy::Operand::processing_activity,
                                                 verdict.terms->program.name(question.activity)));
  }
  decide(question, now, attributes, verdict);
  return verdict;
}

bool needs_activity(const ReleasePlan& plan, const policy::Vocabulary& vocabulary, std::string_view purpose) {
  if (plan.needs_activity) return true;
  const auto asked = vocabulary.lookup(purpose);
  return asked && vocabulary.judges_persons(*asked);
}

}  // namespace sluis::gate
