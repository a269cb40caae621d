#include "connector/gate/assess.hpp"

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
  return std::nullopt;
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

Result<std::optional<AgreementAsRead>> read_as_stored(const storage::Reader& store, const AgreementId& id) {
  SLUIS_TRY(std::optional<std::string> bytes, store.get(negotiation::agreement_key(id)));
  if (!bytes) return std::optional<AgreementAsRead>();
  SLUIS_TRY(negotiation::AgreementRecord record, negotiation::decode_agreement(*bytes));
  return std::optional(AgreementAsRead{std::move(record), std::move(*bytes)});
}

Result<Verdict> assess(const Question& question, const storage::Reader& store, ProgramCache& programs,
                       const std::shared_ptr<const policy::Vocabulary>& vocabulary, Timestamp now) {
  SLUIS_TRY(std::optional<AgreementAsRead> agreement, read_as_stored(store, question.agreement));
  return assess(question, std::move(agreement), store, programs, vocabulary, now);
}

Result<Verdict> assess(const Question& question, std::optional<AgreementAsRead> agreement, const storage::Reader& store,
                       ProgramCache& programs, const std::shared_ptr<const policy::Vocabulary>& vocabulary, Timestamp now) {
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
  std::vector<policy::Attribute> attributes;
  SLUIS_CHECK(read_uses(question, store, verdict, attributes));
  if (!question.activity.empty()) {
    attributes.push_back(policy::Attribute::name(policy::Operand::processing_activity,
                                                 verdict.terms->program.name(question.activity)));
  }
  decide(question, now, attributes, verdict);
  return verdict;
}

std::optional<policy::Reason> not_served(const ReleasePlan& plan, Timestamp now) {
  if (!plan.suspended.empty()) return make_reason("dataset.suspended", {{"why", plan.suspended}});
  if (!plan.assessed_until || *plan.assessed_until > now) return std::nullopt;
  return make_reason("dataset.assessment_over", {{"when", format_time(*plan.assessed_until)}});
}

std::optional<policy::Reason> activity_fault(const ReleasePlan& plan, const policy::Vocabulary& vocabulary, std::string_view purpose,
                                             std::string_view activity) {
  const auto asked = vocabulary.lookup(purpose);
  const bool needed = plan.needs_activity || (asked && vocabulary.judges_persons(*asked));
  if (!needed || is_activity_uri(activity)) return std::nullopt;
  return make_reason(activity.empty() ? "activity.missing" : "activity.malformed");
}

bool is_activity_uri(std::string_view text) {
  return text.find(':') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127 && c != ','; });
}

}  // namespace sluis::gate
