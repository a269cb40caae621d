#include "connector/management/findings_practice.hpp"
#include "connector/provenance/passing.hpp"

#include "catalog/offer.hpp"
#include "sluis/v1/evidence.pb.h"

#include <algorithm>

namespace sluis::management {
namespace {

using provenance::EntryKind;

/// The newest terms of a dataset on offer here.
struct NewestTerms {
  policy::Program program;
  Timestamp published;
};

bool tells(std::uint8_t kind) {
  switch (static_cast<EntryKind>(kind)) {
    case EntryKind::published:
    case EntryKind::decision:
    case EntryKind::intent:
    case EntryKind::stream_end:
    case EntryKind::cut:
    case EntryKind::received:
    case EntryKind::open_hour:
    case EntryKind::refused_count:
    case EntryKind::retention_confirmed:
    case EntryKind::receipt:
    case EntryKind::receipt_missing:
    case EntryKind::reconciled: return true;
    default: return false;
  }
}

struct Entry {
  std::uint64_t index = 0;
  EntryKind kind = EntryKind::decision;
  Timestamp time;
  v1::Shared shared;
  v1::Internal internal;

  bool evaluated() const { return shared.event().starts_with("evaluated"); }
};

class Pass {
 public:
  Pass(const Backend& backend, std::shared_ptr<const policy::Vocabulary> vocabulary, const Paper& paper)
      : backend_(backend), vocabulary_(std::move(vocabulary)), paper_(paper) {}

  Result<void> take(const Entry& entry) {
    switch (entry.kind) {
      case EntryKind::published: practice_.published[entry.shared.dataset()] = entry.index; return {};
      case EntryKind::intent: ask(entry); return {};
      case EntryKind::decision: return decide(entry);
      case EntryKind::stream_end:
      case EntryKind::cut: end_release(entry); return {};
      case EntryKind::received: receive(entry); return {};
      case EntryKind::open_hour: return open(entry);
      case EntryKind::refused_count: count_refusals(entry); return {};
      case EntryKind::retention_confirmed: confirm(entry); return {};
      case EntryKind::receipt: take_receipt(entry); return {};
      case EntryKind::receipt_missing: miss_receipt(entry); return {};
      case EntryKind::reconciled: contradict(entry); return {};
      default: return {};
    }
  }
  void erased(std::uint64_t index, Timestamp time) { practice_.erased.add(index, time); }
  void old(std::uint64_t index, Timestamp time) { practice_.old.add(index, time); }
  Practice finish() && { return std::move(practice_); }

 private:
  /// The value at `key`; null where there are too many.
  template <class Map>
  typename Map::mapped_type* in(Map& map, const typename Map::key_type& key) {
    if (const auto found = map.find(key); found != map.end()) return &found->second;
    if (map.size() < kShownThings) return &map[key];
    practice_.more = true;
    return nullptr;
  }

  AgreementUse* use_of(const Entry& entry) {
    return paper_.agreement(entry.shared.agreement()) == nullptr ? nullptr : &practice_.agreements[entry.shared.agreement()];
  }

  void ask(const Entry& entry) {
    if (is_our_use(entry)) name_own(entry.internal.activity(), entry);
    AgreementUse* use = use_of(entry);
    if (use == nullptr) return;
    if (const auto purpose = vocabulary_->lookup(entry.shared.purpose())) use->asked.set(*purpose);
    if (use->last_asked && *use->last_asked > entry.time) return;
    use->last_asked = entry.time;
    use->last_index = entry.index;
  }

  /// Whether this node is the consumer, whose activities stand in this register. Of a provider's decision only the other party's word
  /// is on record.
  bool is_our_use(const Entry& entry) const {
    if (entry.kind == EntryKind::intent) return true;
    if (!entry.evaluated()) return !entry.internal.application().empty();  // refused before anything was asked of the provider
    const auto* agreement = paper_.agreement(entry.shared.agreement());
    return agreement != nullptr && agreement->role == negotiation::Role::consumer;
  }

  void name_own(const std::string& activity, const Entry& entry) {
    if (activity.empty()) return;
    if (paper_.is_registered(activity)) practice_.activities.insert(activity);
    if (paper_.held(activity, entry.time)) return;
    if (Shown* shown = in(practice_.unregistered, activity)) shown->add(entry.index, entry.time);
  }

  Result<void> decide(const Entry& entry) {
    if (!entry.shared.has_decision()) return {};  // a search asks for nothing
    ask(entry);
    const bool permit = entry.shared.decision().permit();
    if (!entry.evaluated() && entry.internal.application().empty() && !entry.shared.counterparty().empty()) {
      if (PartyAsked* party = in(practice_.parties, entry.shared.counterparty())) {
        if (permit) ++party->permits;
        else party->refusals.add(entry.index, entry.time);
      }
    }
    return permit ? hold_against_terms(entry) : Result<void>();
  }

  Result<void> hold_against_terms(const Entry& entry) {
    const auto* agreement = paper_.agreement(entry.shared.agreement());
    if (agreement == nullptr || agreement->role != negotiation::Role::provider) return {};
    SLUIS_TRY(const NewestTerms* terms, newest_terms(agreement->dataset));
    if (terms == nullptr || entry.time < terms->published) return {};
    const auto purpose = vocabulary_->lookup(entry.shared.purpose());
    if (!purpose) return {};
    policy::Request why;
    why.purpose = *purpose;
    policy::Request whose;
    whose.recipient = terms->program.recipient(agreement->peer.str());
    if (const auto party = backend_.directory.find(agreement->peer)) {
      whose.class_of_recipient = terms->program.class_of_recipient((*party)->class_of_recipient);
    }
    policy::Request both = whose;
    both.purpose = *purpose;
    if (terms->program.permission_possible(both) != policy::Truth::no) return {};
    using What = BeyondTerms::What;
    const What what = terms->program.permission_possible(why) == policy::Truth::no     ? What::purpose
                      : terms->program.permission_possible(whose) == policy::Truth::no ? What::party
                                                                                       : What::together;
    if (Shown* shown = in(practice_.beyond, {entry.shared.agreement(), entry.shared.purpose(), what})) shown->add(entry.index, entry.time);
    return {};
  }

  /// Null: it is not on offer, or its terms cannot be compiled with the purposes of now.
  Result<const NewestTerms*> newest_terms(const DatasetId& id) {
    auto found = terms_.find(id);
    if (found == terms_.end()) {
      found = terms_.emplace(id, std::nullopt).first;
      const auto published = backend_.catalog.show(id);
      if (!published && published.error().code != ErrorCode::not_found) return published.error();
      if (published && !published->retracted) {
        if (auto compiled = catalog::compile_offer(published->dataset.offer, vocabulary_)) {
          found->second = NewestTerms{std::move(compiled->program), published->published};
        }
      }
    }
    return found->second ? &*found->second : nullptr;
  }

  void end_release(const Entry& entry) {
    name_own(entry.internal.processed_under(), entry);
    if (entry.shared.end() == "unknown") add_unknown(entry, false);
    AgreementUse* use = use_of(entry);
    if (use != nullptr && entry.shared.bytes() > 0) use->released.add(entry.index, entry.time);
  }

  void receive(const Entry& entry) {
    const bool unknown = entry.shared.end() == "unknown";
    if (unknown) add_unknown(entry, true);
    AgreementUse* use = use_of(entry);
    if (use != nullptr && (unknown || entry.shared.bytes() > 0)) use->received.add(entry.index, entry.time);
  }

  void add_unknown(const Entry& entry, bool received) {
    practice_.unknown_ends[{std::chrono::floor<std::chrono::days>(entry.time), received}].add(entry.index, entry.time);
  }

  /// Open data have no entry for each release; their activity is the one that the dataset names.
  Result<void> open(const Entry& entry) {
    const auto published = backend_.catalog.show(DatasetId(entry.shared.dataset()));
    if (!published && published.error().code != ErrorCode::not_found) return published.error();
    if (published && paper_.is_registered(published->dataset.processed_under)) {
      practice_.activities.insert(published->dataset.processed_under);
    }
    return {};
  }

  void count_refusals(const Entry& entry) {
    if (entry.shared.counterparty().empty()) return;  // of who did not say, or could not show, who it is
    if (entry.shared.decision().code().starts_with("undecided.")) return;  // nobody refused it: this node could not record
    PartyAsked* party = in(practice_.parties, entry.shared.counterparty());
    if (party == nullptr) return;
    party->refusals.add(entry.index, entry.time, entry.shared.count());
    party->counted += entry.shared.count();
  }

  void confirm(const Entry& entry) {
    const auto due = parse_time(entry.shared.due());
    if (!due || entry.time <= *due) return;
    if (practice_.late.size() >= kShownThings) {
      practice_.more = true;
      return;
    }
    practice_.late.push_back({entry.shared.agreement(), *due, entry.time, entry.index});
  }

  void miss_receipt(const Entry& entry) {
    const std::string& event = entry.shared.event();
    const bool told = event.starts_with(kOfAgreement) || event == "contradicts" || event == "one-sided" || event == "restored";
    Shown* shown = in(practice_.unproven, {entry.shared.counterparty(), told ? event : std::string()});
    if (shown != nullptr) shown->add(entry.index, entry.time);
  }

  /// The log of a party contradicts what it signed before.
  void contradict(const Entry& entry) {
    if (entry.shared.event() != "contradicts") return;
    Shown* shown = in(practice_.unproven, {entry.shared.counterparty(), std::string(kOfLog)});
    if (shown != nullptr) shown->add(entry.index, entry.time);
  }

  void take_receipt(const Entry& entry) {
    if (entry.shared.event() != provenance::kind_name(static_cast<std::uint8_t>(EntryKind::retention_confirmed))) return;
    const auto* agreement = paper_.agreement(entry.shared.agreement());
    if (agreement == nullptr || agreement->peer.str() != entry.shared.counterparty()) return;  // of an agreement that is not theirs
    practice_.agreements[entry.shared.agreement()].told_deleted = entry.time;
  }

  const Backend& backend_;
  std::shared_ptr<const policy::Vocabulary> vocabulary_;
  const Paper& paper_;
  std::map<DatasetId, std::optional<NewestTerms>> terms_;
  Practice practice_;
};

}  // namespace

void Shown::add(std::uint64_t index, Timestamp time, std::uint64_t count) {
  first = times == 0 ? time : std::min(first, time);
  last = times == 0 ? time : std::max(last, time);
  times += count;
  if (entries.size() < kShownEntries) entries.push_back(index);
}

Result<Practice> Practice::read(const Backend& backend, const std::shared_ptr<const policy::Vocabulary>& vocabulary, const Paper& paper,
                                const TimeSpan& span) {
  Pass pass(backend, vocabulary, paper);
  SLUIS_TRY(const auto entries, backend.log.entries());
  SLUIS_TRY(const std::uint64_t first_kept, backend.log.first_kept());
  SLUIS_TRY(const bool reaches, reaches_pruned(backend.log, span));
  for (std::uint64_t index = first_kept; index < entries; ++index) {
    SLUIS_TRY(const auto leaf, provenance::leaf_or_skip(backend.log, index));
    if (!leaf || !tells(leaf->kind) || !span.may_hold(*leaf)) continue;
    const auto payload = backend.log.payload(index);
    if (!payload && payload.error().code == ErrorCode::not_found) {
      SLUIS_TRY(const auto still, provenance::leaf_in_pass(backend.log, index));
      if (still) pass.erased(index, Timestamp(std::chrono::hours(leaf->hours)));
      continue;
    }
    if (!payload) return payload.error();
    Entry entry{index, static_cast<EntryKind>(leaf->kind), {}, {}, {}};
    if (!entry.shared.ParseFromString(payload->shared) || !entry.internal.ParseFromString(payload->internal)) continue;
    entry.time = Timestamp(std::chrono::microseconds(entry.shared.time_us()));
    if (!span.holds(entry.time)) continue;
    SLUIS_CHECK(pass.take(entry));
    if (backend.keeps_log && entry.time < backend.clock.now() - *backend.keeps_log) pass.old(index, entry.time);
  }
  Practice practice = std::move(pass).finish();
  practice.pruned = reaches ? first_kept : 0;
  return practice;
}

}  // namespace sluis::management
