#include "connector/management/audit_export.hpp"

#include "connector/management/audit_rows.hpp"
#include "connector/management/convert.hpp"
#include "connector/provenance/passing.hpp"

#include <algorithm>

namespace sluis::management {
namespace {

// An answer has its bounds.
constexpr std::uint64_t kPageEntries = 1000;
constexpr std::uint64_t kPageEntriesWhole = 300;  ///< of a form that is taken whole
constexpr std::size_t kPageBytes = 1U << 20U;
constexpr std::uint64_t kLookedAt = 50'000;  ///< before the first of a page

}  // namespace

records::Surroundings surroundings_of(const Backend& backend) {
  records::Surroundings around;
  around.self = backend.self.str();
  around.application_url = backend.application_url;
  around.oin = [&backend](std::string_view participant) {
    const auto party = backend.directory.find(ParticipantId(std::string(participant)));
    return party ? (*party)->oin : std::string();
  };
  around.node_url = [&backend](std::string_view participant) {
    const auto url = backend.directory.endpoint(ParticipantId(std::string(participant)), backend.clock.now());
    return url ? *url : std::string();
  };
  return around;
}

Result<v1::AuditExportResponse> export_records(const Backend& backend, const v1::AuditExportRequest& request) {
  SLUIS_TRY(const records::Form form, records::form_from(request.format()));
  SLUIS_TRY(const TimeSpan span, TimeSpan::read(request));
  SLUIS_TRY(const std::uint64_t entries, backend.log.entries());
  SLUIS_TRY(std::uint64_t number, page_begin(request.page_token()));
  SLUIS_TRY(const std::uint64_t first_kept, backend.log.first_kept());
  number = std::max(number, first_kept);
  const records::Surroundings around = surroundings_of(backend);
  const auto recorder = records::make_recorder(form, around);
  v1::AuditExportResponse response;
  SLUIS_TRY(const std::optional<std::string> gone, pruned_note(backend.log, span));
  if (gone) response.add_notes(*gone);
  std::string text = request.page_token().empty() ? recorder->head() : std::string();
  for (std::uint64_t taken = 0, looked = 0; number < entries; ++number, ++looked) {
    SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_or_skip(backend.log, number));
    if (looked >= kLookedAt && taken == 0) {  // nothing that a record could be cut in
      response.set_next_page_token(std::to_string(number));
      break;
    }
    if (!leaf || !span.may_hold(*leaf)) continue;
    SLUIS_TRY(const auto entry, records::read_entry(backend.log, number, *leaf));
    if (!entry) {
      SLUIS_TRY(const auto still, provenance::leaf_in_pass(backend.log, number));
      response.set_erased(response.erased() + (still ? 1 : 0));
      continue;
    }
    if (!span.holds(Timestamp(Duration(entry->shared.time_us())))) continue;
    if (recorder->ends_before(*entry)) {
      if (recorder->in_pieces()) text += recorder->take();
      if (taken >= (recorder->in_pieces() ? kPageEntries : kPageEntriesWhole) || text.size() >= kPageBytes) {
        response.set_next_page_token(std::to_string(number));
        break;
      }
    }
    recorder->add(*entry);
    ++taken;
  }
  response.set_text(text + recorder->take());
  response.set_left_out(recorder->left_out());
  return response;
}

}  // namespace sluis::management
