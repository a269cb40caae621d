#include "connector/management/findings.hpp"

#include "connector/management/findings_practice.hpp"
#include "connector/management/findings_signed.hpp"
#include "connector/management/held.hpp"
#include "connector/management/findings_sentences.hpp"
#include "connector/management/terms_parts.hpp"
#include "connector/provenance/passing.hpp"

#include <algorithm>

namespace sluis::management {
namespace {

using std::chrono::days;
using Words = std::map<std::string, std::string>;

/// What was there for less of the period is not called unused.
constexpr days kLongEnough{90};
constexpr days kSilent{180};
constexpr days kEndsSoon{30};
/// A receipt may be under way for so long: the outbox tries again.
constexpr days kUnderWay{7};
constexpr std::uint64_t kManyRefusals = 20;
constexpr int kFindings = 500;

/// What the log covers of the period that was asked for.
struct Period {
  Timestamp from;
  Timestamp until;  ///< as of when paper is judged

  /// How much of it lies between the two.
  Duration within(Timestamp begin, std::optional<Timestamp> end) const {
    const Timestamp last = end ? std::min(*end, until) : until;
    return std::max(Duration(0), Duration(last - std::max(begin, from)));
  }
};

Result<Period> covered(const Backend& backend, const v1::AuditFindingsRequest& request) {
  Period period{backend.clock.now(), backend.clock.now()};
  if (request.has_until()) {
    SLUIS_TRY(const auto until, read_time(request.until(), "/until"));
    period.until = std::min(period.until, until);
  }
  SLUIS_TRY(const auto entries, backend.log.entries());
  if (entries > 0) {
    SLUIS_TRY(const auto first, provenance::first_leaf(backend.log));
    period.from = Timestamp(std::chrono::hours(first.hours));
  }
  if (request.has_from()) {
    SLUIS_TRY(const auto from, read_time(request.from(), "/from"));
    period.from = std::max(period.from, from);
  }
  period.from = std::min(period.from, period.until);
  return period;
}

/// Holds practice against paper. The order of calls is that of the answer.
class Comparison {
 public:
  Comparison(const Backend& backend, const policy::Vocabulary& vocabulary, policy::Language language, const Period& period,
             const Paper& paper, const Practice& practice)
      : backend_(backend), vocabulary_(vocabulary), teller_(teller_for(backend, vocabulary, language)), period_(period), paper_(paper),
        practice_(practice) {}

  Result<v1::AuditFindingsResponse> run() {
    unregistered();
    beyond_terms();
    retention();
    receipts();
    SLUIS_CHECK(assessments());
    refusals();
    unknown_ends();
    unproven();
    agreements();
    unused_activities();
    SLUIS_CHECK(held());
    old_entries();
    if (practice_.erased.times > 0) add(about("log.erased"), practice_.erased);
    if (practice_.pruned > 0) add(about("log.pruned"), {}, {{"count", std::to_string(practice_.pruned)}});
    limits();
    put_time(response_.mutable_from(), period_.from);
    put_time(response_.mutable_until(), period_.until);
    return std::move(response_);
  }

 private:
  static v1::AuditFinding about(std::string_view code) {
    v1::AuditFinding finding;
    finding.set_code(std::string(code));
    return finding;
  }
  static v1::AuditFinding about(std::string_view code, const std::string& id, const PaperAgreement& agreement) {
    v1::AuditFinding finding = about(code);
    finding.set_agreement(id);
    finding.set_party(agreement.peer.str());
    finding.set_dataset(agreement.dataset.str());
    return finding;
  }

  std::string time(Timestamp when) const { return policy::tell_time(when, teller_.language); }
  /// Bare days are told without an hour.
  std::string day(Timestamp when) const { return time(std::chrono::floor<days>(when)); }
  std::string name(const std::string& id) const {
    const std::string name = id.empty() ? "" : teller_.name(id);
    return name.empty() ? "`" + id + "`" : name;
  }

  /// `variant`: which of the sentences of its code.
  void add(v1::AuditFinding finding, const Shown& shown, Words words = {}, std::string_view variant = {}) {
    response_.set_found(response_.found() + 1);
    if (response_.findings_size() >= kFindings) return;
    if (shown.times > 0 && !finding.has_since()) put_time(finding.mutable_since(), shown.first);
    finding.set_times(shown.times);
    finding.mutable_entries()->Assign(shown.entries.begin(), shown.entries.end());
    words["party"] = name(finding.party());
    words["dataset"] = name(finding.dataset());
    words["activity"] = finding.activity();
    words["purpose"] = policy::tell_purpose(finding.purpose(), teller_);
    words["times"] = std::to_string(shown.times);
    std::string key = finding.code();
    if (!variant.empty()) key += "/" + std::string(variant);
    finding.set_sentence(tell_finding(key, words, teller_.language));
    *response_.add_findings() = std::move(finding);
  }

  void unregistered() {
    for (const auto& [activity, shown] : practice_.unregistered) {
      auto finding = about("activity.unregistered");
      finding.set_activity(activity);
      add(std::move(finding), shown, {}, paper_.is_registered(activity) ? "then" : "");
    }
  }

  void beyond_terms() {
    using What = BeyondTerms::What;
    for (const auto& [beyond, shown] : practice_.beyond) {
      const PaperAgreement& agreement = paper_.agreements.at(beyond.agreement);
      if (!agreement.runs(period_.until)) continue;
      auto finding = about("dataset.wider", beyond.agreement, agreement);
      finding.set_purpose(beyond.purpose);
      add(std::move(finding), shown, {},
          beyond.what == What::purpose ? "purpose" : beyond.what == What::party ? "party" : "together");
    }
  }

  void retention() {
    for (const auto& [id, record] : paper_.retention) {
      if (record.due > period_.until || (record.confirmed && *record.confirmed <= period_.until)) continue;
      auto finding = about("retention.overdue");
      finding.set_agreement(id);
      finding.set_party(record.peer.str());
      finding.set_dataset(record.dataset.str());
      put_time(finding.mutable_since(), record.due);
      const auto use = practice_.agreements.find(id);
      add(std::move(finding), use == practice_.agreements.end() ? Shown() : use->second.received, {{"due", time(record.due)}});
    }
    for (const auto& late : practice_.late) {
      auto finding = about("retention.late");
      finding.set_agreement(late.agreement);
      if (const auto* agreement = paper_.agreement(late.agreement)) finding = about("retention.late", late.agreement, *agreement);
      put_time(finding.mutable_since(), late.due);
      Shown shown;
      shown.add(late.index, late.confirmed);
      add(std::move(finding), shown, {{"due", time(late.due)}, {"confirmed", time(late.confirmed)}});
    }
  }

  /// Only of parties that send receipts at all.
  void receipts() {
    for (const auto& [id, use] : practice_.agreements) {
      const PaperAgreement& agreement = paper_.agreements.at(id);
      if (agreement.role != negotiation::Role::provider || !agreement.delete_after || use.released.times == 0) continue;
      const Timestamp due = use.released.last + *agreement.delete_after;
      if (due + kUnderWay > period_.until || (use.told_deleted && *use.told_deleted >= use.released.last)) continue;
      const auto party = backend_.directory.find(agreement.peer);
      if (!party || !(*party)->evidence) continue;
      auto finding = about("receipt.missing", id, agreement);
      put_time(finding.mutable_since(), due);
      add(std::move(finding), use.released, {{"due", time(due)}});
    }
  }

  Result<void> assessments() {
    return backend_.catalog.each("", [&](catalog::PublishedDataset&& published) {
      const Timestamp end = published.dataset.assessment.until;
      if (published.retracted || published.published > period_.until || end > period_.until + kEndsSoon) return true;
      const bool over = end <= period_.until;
      auto finding = about(over ? "assessment.over" : "assessment.ends");
      finding.set_dataset(published.dataset.id.str());
      if (over) put_time(finding.mutable_since(), end);
      Shown shown;
      const auto entry = practice_.published.find(finding.dataset());
      if (entry != practice_.published.end()) shown.entries.push_back(entry->second);
      add(std::move(finding), shown, {{"end", time(end)}});
      return true;
    });
  }

  void refusals() {
    for (const auto& [id, party] : practice_.parties) {
      const bool many = party.refusals.times >= kManyRefusals && party.refusals.times > party.permits;
      if (!many && party.counted == 0) continue;
      auto finding = about("refusals.many");
      finding.set_party(id);
      add(std::move(finding), party.refusals, {{"permits", std::to_string(party.permits)}, {"counted", std::to_string(party.counted)}},
          party.counted > 0 ? "counted" : "");
    }
  }

  void unknown_ends() {
    for (const auto& [when, shown] : practice_.unknown_ends) {
      add(about("end.unknown"), shown, {{"day", day(when.first)}}, when.second ? "received" : "released");
    }
  }

  void unproven() {
    for (const auto& [whose, shown] : practice_.unproven) {
      const bool agreement = whose.second.starts_with(kOfAgreement);
      auto finding = about(whose.second == kOfLog ? "log.contradicts" : agreement ? "agreement.unproven" : "request.unproven");
      finding.set_party(whose.first);
      add(std::move(finding), shown, {}, whose.second == kOfLog ? std::string() : agreement ? whose.second.substr(kOfAgreement.size()) : whose.second);
    }
  }

  void agreements() {
    for (const auto& [id, agreement] : paper_.agreements) {
      if (!agreement.runs(period_.until)) continue;
      const auto found = practice_.agreements.find(id);
      const AgreementUse use = found == practice_.agreements.end() ? AgreementUse() : found->second;
      if (!silent(id, agreement, use)) unused_purposes(id, agreement, use);
    }
  }

  bool silent(const std::string& id, const PaperAgreement& agreement, const AgreementUse& use) {
    const Timestamp since = std::max({agreement.agreed, period_.from, use.last_asked.value_or(Timestamp::min())});
    if (period_.until - since < kSilent) return false;
    auto finding = about("agreement.silent", id, agreement);
    put_time(finding.mutable_since(), since);
    Shown shown;
    if (use.last_asked) shown.entries.push_back(use.last_index);
    add(std::move(finding), shown, {{"since", time(since)}});
    return true;
  }

  /// Who asked for a narrower purpose has used the wider one.
  void unused_purposes(const std::string& id, const PaperAgreement& agreement, const AgreementUse& use) {
    if (period_.within(agreement.agreed, agreement.ended) < kLongEnough) return;
    const Timestamp since = std::max(agreement.agreed, period_.from);
    for (const auto purpose : agreement.purposes) {
      policy::PurposeSet asked = vocabulary_.descendants(purpose);
      asked &= use.asked;
      if (!asked.none()) continue;
      auto finding = about("purpose.unused", id, agreement);
      finding.set_purpose(vocabulary_.term(purpose).iri);
      put_time(finding.mutable_since(), since);
      add(std::move(finding), {}, {{"since", time(since)}});
    }
  }

  void unused_activities() {
    const std::set<std::string> used = with_what_they_are_part_of(practice_.activities);
    for (const auto& [id, versions] : paper_.activities) {
      if (used.contains(id) || !paper_.held(id, period_.until)) continue;
      Duration held(0);
      for (const auto& version : versions) held += period_.within(version.from, version.until);
      if (held < kLongEnough) continue;
      const Timestamp since = std::max(versions.front().from, period_.from);
      auto finding = about("activity.unused");
      finding.set_activity(id);
      put_time(finding.mutable_since(), since);
      add(std::move(finding), {}, {{"since", time(since)}});
    }
  }

  /// Of each party, and of what is this node's alone.
  Result<void> held() {
    SLUIS_TRY(const auto all, held_things(backend_.store));
    std::map<std::pair<std::string, std::string>, std::pair<std::uint64_t, Timestamp>> counts;
    for (const HeldThing& one : all) {
      const bool dataset = one.kind == HeldThing::Kind::dataset;
      auto& [count, since] = counts[{one.peer, dataset ? one.dataset : std::string()}];
      since = count++ == 0 ? one.since : std::min(since, one.since);
    }
    for (const auto& [whose, of] : counts) {
      auto finding = about("recovery.held");
      finding.set_party(whose.first);
      finding.set_dataset(whose.second);
      put_time(finding.mutable_since(), of.second);
      add(std::move(finding), {}, {{"count", std::to_string(of.first)}, {"since", time(of.second)}},
          !whose.first.empty() ? "party" : !whose.second.empty() ? "dataset" : "declared");
    }
    return {};
  }

  void old_entries() {
    if (practice_.old.times == 0) return;
    const Timestamp kept = std::chrono::floor<days>(backend_.clock.now() - *backend_.keeps_log);
    add(about("log.old"), practice_.old, {{"days", std::to_string(backend_.keeps_log->count())}, {"before", format_time(kept)}});
  }

  std::set<std::string> with_what_they_are_part_of(std::set<std::string> used) const {
    std::vector<std::string> next(used.begin(), used.end());
    while (!next.empty()) {
      const auto found = paper_.activities.find(next.back());
      next.pop_back();
      if (found == paper_.activities.end()) continue;
      for (const auto& version : found->second) {
        if (!version.parent.empty() && used.insert(version.parent).second) next.push_back(version.parent);
      }
    }
    return used;
  }

  void limits() {
    if (!paper_.more && !practice_.more && response_.findings_size() == static_cast<int>(response_.found())) return;
    response_.set_found(response_.found() + 1);
    auto finding = about("log.more");
    finding.set_sentence(tell_finding("log.more", {}, teller_.language));
    *response_.add_findings() = std::move(finding);
  }

  const Backend& backend_;
  const policy::Vocabulary& vocabulary_;
  policy::Teller teller_;
  const Period& period_;
  const Paper& paper_;
  const Practice& practice_;
  v1::AuditFindingsResponse response_;
};

}  // namespace

Result<v1::AuditFindingsResponse> find_misfits(const Backend& backend, const v1::AuditFindingsRequest& request) {
  SLUIS_TRY(const auto language, language_of(request.lang()));
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const auto span, TimeSpan::read(request));
  SLUIS_TRY(const Period period, covered(backend, request));
  SLUIS_TRY(const auto entries, backend.log.entries());
  SLUIS_TRY(const Paper paper, Paper::read(backend, vocabulary));
  SLUIS_TRY(const Practice practice, Practice::read(backend, vocabulary, paper, span));
  SLUIS_TRY(auto response, Comparison(backend, *vocabulary, language, period, paper, practice).run());
  response.set_log_size(entries);
  SLUIS_TRY(const auto judged, read_judgements(backend, period.until));
  for (v1::AuditFinding& finding : *response.mutable_findings()) {
    const auto found = judged.find(subject_of(finding));
    if (found != judged.end()) *finding.mutable_judged() = found->second;
  }
  return response;
}

}  // namespace sluis::management
