#include "connector/management/findings_paper.hpp"

#include "connector/base/limits.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/retention_record.hpp"
#include "policy/odrl/program.hpp"

#include <algorithm>

namespace sluis::management {
namespace {

/// Decodes all values below a prefix; what cannot be read is its error.
Result<void> each(const storage::Reader& store, std::string_view prefix, const std::function<Result<void>(std::string_view)>& visit) {
  Result<void> done;
  SLUIS_CHECK(store.scan(prefix, prefix, [&](std::string_view, std::string_view value) {
    done = visit(value);
    return done.has_value();
  }));
  return done;
}

Result<void> read_activities(const Backend& backend, Paper& paper) {
  return each(backend.store, kActivityPrefix, [&](std::string_view value) -> Result<void> {
    SLUIS_TRY(const auto versions, decode_activity(value));
    auto& activity = paper.activities[versions.front().id];
    for (const auto& version : versions) activity.push_back({version.from, version.until, version.parent});
    return {};
  });
}

Result<void> read_retention(const Backend& backend, Paper& paper) {
  return each(backend.store, kRetentionPrefix, [&](std::string_view value) -> Result<void> {
    SLUIS_TRY(auto record, decode_retention(value));
    const std::string id = record.agreement.str();
    paper.retention.insert_or_assign(id, std::move(record));
    return {};
  });
}

/// Those that permissions name, without what a prohibition takes away. Terms that cannot be read now name none.
void add_terms(const json::Value& terms, const std::shared_ptr<const policy::Vocabulary>& vocabulary, PaperAgreement& agreement) {
  const auto policy = policy::parse_policy(terms);
  if (!policy) return;
  agreement.delete_after = policy::retention(*policy);
  const auto program = policy::compile(*policy, vocabulary);
  if (!program) return;
  for (const auto& named : summarise(terms, false).purposes) {
    const auto purpose = vocabulary->lookup(named);
    if (purpose && policy::purpose_satisfies(*program, *purpose)) agreement.purposes.push_back(*purpose);
  }
}

Result<void> read_agreements(const Backend& backend, const std::shared_ptr<const policy::Vocabulary>& vocabulary, Paper& paper) {
  AgreementId after;
  while (true) {
    SLUIS_TRY(const auto page, backend.negotiations.agreements(after, limits::kPageMax));
    for (const auto& record : page) {
      if (paper.agreements.size() >= kPaperAgreements) {
        paper.more = true;
        return {};
      }
      PaperAgreement& agreement = paper.agreements[record.id.str()];
      agreement.role = record.role;
      agreement.peer = record.peer;
      agreement.dataset = record.dataset;
      agreement.agreed = record.timestamp;
      if (record.ended) agreement.ended = record.ended->when;
      add_terms(record.agreement, vocabulary, agreement);
      after = record.id;
    }
    if (page.size() < limits::kPageMax) return {};
  }
}

}  // namespace

Result<Paper> Paper::read(const Backend& backend, const std::shared_ptr<const policy::Vocabulary>& vocabulary) {
  Paper paper;
  SLUIS_CHECK(read_activities(backend, paper));
  SLUIS_CHECK(read_retention(backend, paper));
  SLUIS_CHECK(read_agreements(backend, vocabulary, paper));
  return paper;
}

bool Paper::held(const std::string& activity, Timestamp then) const {
  const auto found = activities.find(activity);
  return found != activities.end() &&
         std::any_of(found->second.begin(), found->second.end(), [&](const PaperActivity& version) { return version.holds(then); });
}

const PaperAgreement* Paper::agreement(const std::string& id) const {
  const auto found = agreements.find(id);
  return found == agreements.end() ? nullptr : &found->second;
}

}  // namespace sluis::management
