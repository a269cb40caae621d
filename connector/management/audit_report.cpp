#include "connector/management/audit_report.hpp"

#include "connector/management/activities.hpp"
#include "connector/management/audit_rows.hpp"
#include "connector/management/terms_parts.hpp"

#include <map>

namespace sluis::management {
namespace {

using provenance::EntryKind;

/// What tells of exchanges, where no kinds are named.
constexpr std::array kReported{EntryKind::negotiation, EntryKind::agreement, EntryKind::agreement_ended, EntryKind::decision,
                               EntryKind::stream_end,  EntryKind::cut,       EntryKind::received,        EntryKind::open_hour,
                               EntryKind::open_total,  EntryKind::refused_count, EntryKind::retention_confirmed};

/// An agreement that lines of one page are about, read once.
struct Terms {
  bool we_use = false;  ///< this node is the consumer
  std::optional<policy::Policy> policy;
  std::optional<catalog::DecidedBy> decided_by;
};

/// Makes the lines of one page.
class Reporter {
 public:
  static Result<Reporter> make(const Backend& backend, const std::string& lang) {
    SLUIS_TRY(const auto language, language_of(lang));
    SLUIS_TRY(auto vocabulary, vocabulary_of(backend));
    return Reporter(backend, std::move(vocabulary), language);
  }

  Result<v1::AuditReportLine> line(v1::AuditEntry entry) {
    v1::AuditReportLine out;
    out.set_party(teller_.name(entry.counterparty()));
    const auto dataset = backend_.catalog.show(DatasetId(entry.dataset()));
    if (!dataset && dataset.error().code != ErrorCode::not_found) return dataset.error();
    if (dataset) {
      const auto& title = dataset->dataset.title;
      out.set_title(teller_.language == policy::Language::dutch ? title.nl : title.en);
    }
    if (!entry.agreement().empty() && !entry.erased()) {
      SLUIS_TRY(const Terms* terms, terms_of(AgreementId(entry.agreement())));
      // A decision has what the recipient's register said then. Of its other entries a consumer looks at its own.
      *out.mutable_legal_basis() = entry.legal_basis();
      if (terms->we_use && out.legal_basis().empty()) SLUIS_CHECK(add_legal_basis(entry, out));
      add_rule(entry, *terms, out);
    }
    *out.mutable_entry() = std::move(entry);
    return out;
  }

 private:
  Reporter(const Backend& backend, std::shared_ptr<const policy::Vocabulary> vocabulary, policy::Language language)
      : backend_(backend), vocabulary_(std::move(vocabulary)), teller_(teller_for(backend, *vocabulary_, language)) {}

  Result<void> add_legal_basis(const v1::AuditEntry& entry, v1::AuditReportLine& out) const {
    if (entry.activity().empty()) return {};
    const auto versions = read_activity(backend_.store, entry.activity());
    if (!versions && versions.error().code == ErrorCode::not_found) return {};  // of another's register
    if (!versions) return versions.error();
    SLUIS_TRY(const Timestamp then, read_time(entry.time(), "/time"));
    if (const auto* held = held_at(*versions, then)) {
      for (const auto& basis : held->legal_basis) out.add_legal_basis(basis);
    }
    return {};
  }

  /// Which rule of the agreement decided, in words, and who decided the terms.
  void add_rule(const v1::AuditEntry& entry, const Terms& terms, v1::AuditReportLine& out) const {
    if (terms.decided_by) *out.mutable_decided_by() = to_proto(*terms.decided_by);
    if (!terms.policy || entry.rule().empty()) return;
    const policy::Found found = policy::find(*terms.policy, entry.rule());
    if (found.rule != nullptr) out.set_rule_told(tell_on_one_line(*found.rule, found.kind, teller_));
  }

  /// As long as this lives. Of an agreement that is not known here: nothing of it.
  Result<const Terms*> terms_of(const AgreementId& id) {
    const auto [found, fresh] = terms_.try_emplace(id);
    if (!fresh) return &found->second;
    const auto record = backend_.negotiations.agreement(id);
    if (!record && record.error().code != ErrorCode::not_found) return record.error();
    if (!record) return &found->second;
    found->second.we_use = record->role == negotiation::Role::consumer;
    if (auto parsed = policy::parse_policy(record->agreement)) found->second.policy = std::move(*parsed);
    found->second.decided_by = terms_decided_by(backend_, *record);
    return &found->second;
  }

  const Backend& backend_;
  std::shared_ptr<const policy::Vocabulary> vocabulary_;
  policy::Teller teller_;
  std::map<AgreementId, Terms> terms_;
};

}  // namespace

Result<v1::AuditReportResponse> report_log(const Backend& backend, const v1::AuditLogRequest& request) {
  v1::AuditLogRequest asked = request;
  if (asked.kinds().empty()) {
    for (const EntryKind kind : kReported) asked.add_kinds(std::string(provenance::kind_name(static_cast<std::uint8_t>(kind))));
  }
  SLUIS_TRY(Reporter reporter, Reporter::make(backend, asked.lang()));
  SLUIS_TRY(const auto entries, backend.log.entries());
  v1::AuditReportResponse response;
  response.set_log_size(entries);
  SLUIS_TRY(const TimeSpan span, TimeSpan::read(asked));
  SLUIS_TRY(const std::optional<std::string> gone, pruned_note(backend.log, span));
  if (gone) response.add_notes(*gone);
  SLUIS_TRY(*response.mutable_next_page_token(),
            visit_page(backend.log, entries, asked, [&](v1::AuditEntry row) -> Result<void> {
              SLUIS_TRY(*response.add_lines(), reporter.line(std::move(row)));
              return {};
            }));
  return response;
}

}  // namespace sluis::management
