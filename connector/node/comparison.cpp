#include "connector/node/comparison.hpp"

#include "connector/base/bytes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace sluis::node {
namespace {

using provenance::EntryKind;

constexpr std::chrono::minutes kUnderWay{15};  ///< so long may the end of something take to stand in both logs
constexpr std::chrono::minutes kBetween{1};    ///< and its beginning, which is recorded before anything moves

Timestamp time_of(const SharedEntry& entry) { return Timestamp(Duration(entry.shared.time_us())); }

/// What one log says of one data request.
struct Request {
  const SharedEntry* begun = nullptr;    ///< permitted, or intended
  const SharedEntry* ended = nullptr;
  std::uint64_t times = 0;               ///< how often it began: once, where nobody hides anything behind it
  bool provider = false;                 ///< that log is the provider's
};
/// Of one agreement.
struct Agreed {
  const SharedEntry* made = nullptr;
  const SharedEntry* ended = nullptr;
};
struct Told {
  std::map<std::string, Request> requests;
  std::map<std::string, Agreed> agreements;
};

Told sort(const std::vector<SharedEntry>& entries) {
  Told told;
  for (const SharedEntry& one : entries) {
    const v1::Shared& shared = one.shared;
    switch (one.kind) {
      case EntryKind::agreement:  // an imported one stands in one log only
        if (!shared.event().starts_with("imported")) told.agreements[shared.agreement()].made = &one;
        break;
      case EntryKind::agreement_ended:
      case EntryKind::receipt:
        if (tells_end(one)) told.agreements[shared.agreement()].ended = &one;
        break;
      case EntryKind::decision:
        // A consumer's own refusal never reached the provider; a provider's says that nothing left.
        if (!shared.decision().permit() || shared.transaction().empty()) break;
        told.requests[shared.transaction()].provider = true;
        told.requests[shared.transaction()].begun = &one;
        ++told.requests[shared.transaction()].times;
        break;
      case EntryKind::intent:
        told.requests[shared.transaction()].begun = &one;
        ++told.requests[shared.transaction()].times;
        break;
      case EntryKind::stream_end:
      case EntryKind::cut:
        told.requests[shared.transaction()].provider = true;
        told.requests[shared.transaction()].ended = &one;
        break;
      case EntryKind::received: told.requests[shared.transaction()].ended = &one; break;
      default: break;
    }
  }
  return told;
}

bool data_flowed(const Request& request) { return request.ended != nullptr && request.ended->shared.bytes() != 0; }
/// It says how much there was.
bool counted(const SharedEntry* end) { return end != nullptr && !end->shared.digest().empty(); }

class Comparer {
 public:
  Comparer(Timestamp from, Timestamp until) : from_(from), until_(until) {}

  void compare(const Told& ours, const Told& theirs) {
    for_each(ours.agreements, theirs.agreements, [this](const auto&... both) { agreement(both...); });
    for_each(ours.requests, theirs.requests, [this](const auto&... both) { request(both...); });
  }

  Comparison take() { return std::move(out_); }

 private:
  /// What either side knows of each id; nothing, where it has it not.
  template <class Value, class Visit>
  static void for_each(const std::map<std::string, Value>& ours, const std::map<std::string, Value>& theirs, const Visit& visit) {
    for (const auto& [id, here] : ours) {
      const auto found = theirs.find(id);
      visit(id, here, found == theirs.end() ? Value{} : found->second);
    }
    for (const auto& [id, there] : theirs) {
      if (!ours.contains(id)) visit(id, Value{}, there);
    }
  }

  bool within(const SharedEntry* entry) const { return entry != nullptr && time_of(*entry) >= from_ && time_of(*entry) < until_; }
  bool young(const SharedEntry* entry, Duration than = kUnderWay) const { return entry != nullptr && time_of(*entry) >= until_ - than; }

  void add(std::string what, std::string about, const std::string& id, std::string told, const SharedEntry* here,
           const SharedEntry* there) {
    Difference one{std::move(what), std::move(about), id, std::move(told), {}, {}};
    if (here != nullptr) one.here = here->number;
    if (there != nullptr) {
      one.there = there->number;
      one.there_at = there->at;
    }
    out_.differences.push_back(std::move(one));
  }
  /// One side has it, the other not.
  bool missing(const std::string& about, const std::string& id, const SharedEntry* here, const SharedEntry* there, Duration patience = kUnderWay) {
    if ((here == nullptr) == (there == nullptr)) return false;
    if (!within(here) && !within(there)) return true;
    if (young(here, patience) || young(there, patience)) {
      ++out_.under_way;
      return true;
    }
    add(here == nullptr ? "missing here" : "missing there", about, id,
        fmt::format("{} log has the {}, {} has not", here == nullptr ? "the peer's" : "this", about, here == nullptr ? "this" : "the peer's"),
        here, there);
    return true;
  }

  void agreement(const std::string& id, const Agreed& here, const Agreed& there) {
    if (!missing("agreement", id, here.made, there.made) && here.made != nullptr &&
        (within(here.made) || within(there.made)) &&
        here.made->shared.agreement_hash() != there.made->shared.agreement_hash()) {
      add("differs", "agreement", id,
          fmt::format("here it has the hash {}, there {}", to_hex(here.made->shared.agreement_hash()),
                      to_hex(there.made->shared.agreement_hash())),
          here.made, there.made);
    }
    missing("end of agreement", id, here.ended, there.ended);
  }

  void request(const std::string& id, const Request& here, const Request& there) {
    const bool provider = here.provider || (!there.provider && here.begun == nullptr && here.ended == nullptr);
    const Request& provided = provider ? here : there;
    const Request& consumed = provider ? there : here;
    // Whoever asked said so in its log first; what was not answered is in its log only.
    if (provided.begun != nullptr && consumed.begun == nullptr) {
      missing("request", id, here.begun, there.begun, kBetween);
      return;
    }
    if (provided.begun == nullptr && consumed.begun != nullptr && data_flowed(consumed)) {
      missing("release", id, here.begun, there.begun, kBetween);
      return;
    }
    if (provided.times > consumed.times && (within(here.begun) || within(there.begun))) {
      add("differs", "request", id,
          fmt::format("the provider's log has {} releases of it, the consumer's {} intents", provided.times, consumed.times), here.begun, there.begun);
    }
    ends(id, here, there, provided, consumed);
  }

  void ends(const std::string& id, const Request& here, const Request& there, const Request& provided, const Request& consumed) {
    if (provided.ended == nullptr && consumed.ended == nullptr) {
      if (young(provided.begun) || young(consumed.begun)) ++out_.under_way;
      return;
    }
    if (provided.ended != nullptr && consumed.ended == nullptr) {
      if (data_flowed(provided)) missing("receipt of data", id, here.ended, there.ended);
      return;
    }
    if (provided.ended == nullptr) {
      if (data_flowed(consumed)) missing("release", id, here.ended, there.ended);
      return;
    }
    if (!within(here.ended) && !within(there.ended)) return;
    const v1::Shared& sent = provided.ended->shared;
    const v1::Shared& came = consumed.ended->shared;
    if (!counted(provided.ended) || !counted(consumed.ended)) return;  // one of them does not know, and says so in its log
    if (came.bytes() > sent.bytes() ||
        (sent.end() == "complete" && came.end() == "complete" && (sent.digest() != came.digest() || sent.rows() != came.rows() || sent.bytes() != came.bytes()))) {
      add("differs", "release", id,
          fmt::format("the provider's log has {} bytes, {} rows, SHA-256 {}; the consumer's {} bytes, {} rows, SHA-256 {}", sent.bytes(),
                      sent.rows(), to_hex(sent.digest()), came.bytes(), came.rows(), to_hex(came.digest())),
          here.ended, there.ended);
    }
  }

  Timestamp from_;
  Timestamp until_;
  Comparison out_;
};

/// Whether an entry of kind `here` is what a log has where the other party's has one of `there`.
bool answers(EntryKind here, EntryKind there) {
  switch (there) {
    case EntryKind::decision: return here == EntryKind::intent;
    case EntryKind::intent: return here == EntryKind::decision;
    case EntryKind::stream_end:
    case EntryKind::cut: return here == EntryKind::received;
    case EntryKind::received: return here == EntryKind::stream_end || here == EntryKind::cut;
    case EntryKind::agreement_ended:
    case EntryKind::receipt: return here == EntryKind::agreement_ended || here == EntryKind::receipt;
    default: return here == there;
  }
}

}  // namespace

void explain_erased(Comparison& comparison, const std::vector<SharedEntry>& theirs, std::vector<ErasedEntry> erased) {
  for (Difference& one : comparison.differences) {
    if (one.what != "missing here" || !one.there_at) continue;
    const SharedEntry& there = theirs.at(*one.there_at);
    const Timestamp hour = std::chrono::floor<std::chrono::hours>(time_of(there));
    const auto found = std::find_if(erased.begin(), erased.end(), [&](const ErasedEntry& entry) {
      return answers(entry.kind, there.kind) && entry.hour >= hour - std::chrono::hours(1) && entry.hour <= hour + std::chrono::hours(1);
    });
    if (found == erased.end()) continue;
    one.what = "erased here";
    one.told = fmt::format("the peer's log has the {}; entry {} of this log, of that time, is erased and may have been it", one.about, found->number);
    one.here = found->number;
    erased.erase(found);
  }
}

bool tells_end(const SharedEntry& entry) {
  return entry.kind == EntryKind::agreement_ended ||
         (entry.kind == EntryKind::receipt && entry.shared.event() == provenance::kind_name(static_cast<std::uint8_t>(EntryKind::agreement_ended)));
}

bool is_compared(EntryKind kind) {
  switch (kind) {
    case EntryKind::agreement:
    case EntryKind::agreement_ended:
    case EntryKind::receipt:
    case EntryKind::decision:
    case EntryKind::intent:
    case EntryKind::stream_end:
    case EntryKind::cut:
    case EntryKind::received: return true;
    default: return false;
  }
}

Comparison compare(const std::vector<SharedEntry>& ours, const std::vector<SharedEntry>& theirs, Timestamp from, Timestamp until) {
  Comparer comparer(from, until);
  comparer.compare(sort(ours), sort(theirs));
  return comparer.take();
}

}  // namespace sluis::node
