#pragma once

#include "connector/management/audit_rows.hpp"
#include "connector/management/findings_paper.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// What the log of a period shows was done: the side of practice.
namespace sluis::management {

inline constexpr std::size_t kShownEntries = 20;
/// Of each kind of thing that the log may name and no store bounds: parties, activities of nobody's register, ….
inline constexpr std::size_t kShownThings = 10'000;

/// Something that entries show.
struct Shown {
  std::uint64_t times = 0;
  Timestamp first{};                   ///< of nothing while `times` is 0
  Timestamp last{};
  std::vector<std::uint64_t> entries;  ///< indexes, the first `kShownEntries`

  void add(std::uint64_t index, Timestamp time, std::uint64_t count = 1);
};

/// What was done under one agreement.
struct AgreementUse {
  policy::PurposeSet asked;              ///< purposes that were asked for, permitted or not
  std::optional<Timestamp> last_asked;
  std::uint64_t last_index = 0;          ///< of that
  Shown released;                        ///< ends of releases in which data went out
  Shown received;
  std::optional<Timestamp> told_deleted; ///< when the other party's newest receipt of a deletion came
};

/// Permitted under an agreement, and not by the newest terms of its dataset.
struct BeyondTerms {
  enum class What : std::uint8_t { purpose, party, together };  ///< what the terms do not allow
  std::string agreement;
  std::string purpose;
  What what = What::purpose;

  friend auto operator<=>(const BeyondTerms&, const BeyondTerms&) = default;
};

/// What was answered to one party that asked for our data.
struct PartyAsked {
  std::uint64_t permits = 0;
  Shown refusals;
  std::uint64_t counted = 0;  ///< of these, without an entry each
};

/// What `Practice::unproven` says of agreements begins so, and of a log as a whole it is.
inline constexpr std::string_view kOfAgreement = "agreement-";
inline constexpr std::string_view kOfLog = "log";

struct LateDeletion {
  std::string agreement;
  Timestamp due;
  Timestamp confirmed;
  std::uint64_t index = 0;
};

struct Practice {
  std::set<std::string> activities;           ///< of the register, that entries name
  std::map<std::string, Shown> unregistered;  ///< activities as this node's own, that it does not have or that did not hold then
  std::map<std::string, AgreementUse> agreements;
  std::map<BeyondTerms, Shown> beyond;
  std::map<std::string, PartyAsked> parties;
  /// Ends that a crash took away, by day and by whether this node received.
  std::map<std::pair<std::chrono::sys_days, bool>, Shown> unknown_ends;
  /// Data requests that the other party did not prove, by party and by what is the matter: of the events of such entries `contradicts`, `one-sided` and
  /// `restored`, else nothing.
  std::map<std::pair<std::string, std::string>, Shown> unproven;
  std::vector<LateDeletion> late;
  std::map<std::string, std::uint64_t> published;  ///< the newest publication of a dataset
  Shown erased;                                    ///< entries that say nothing any more
  Shown old;                                       ///< that say something, for longer than this node keeps them
  std::uint64_t pruned = 0;                        ///< entries before the first that is there, where the period reaches so far
  bool more = false;                               ///< there is more than is held here

  /// One pass over the log's entries of that time. Errors: the store's, and corruption.
  static Result<Practice> read(const Backend& backend, const std::shared_ptr<const policy::Vocabulary>& vocabulary, const Paper& paper,
                               const TimeSpan& span);
};

}  // namespace sluis::management
