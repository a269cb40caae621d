#pragma once

#include "connector/management/activities.hpp"
#include "connector/management/backend.hpp"

#include <map>
#include <string>
#include <vector>

/// What the stores say should be: the side of the paper.
namespace sluis::management {

/// An agreement, as far as practice is held against it.
struct PaperAgreement {
  negotiation::Role role = negotiation::Role::consumer;
  ParticipantId peer;
  DatasetId dataset;
  Timestamp agreed;
  std::optional<Timestamp> ended;
  std::vector<policy::PurposeIndex> purposes;  ///< that its permissions name, and that it permits
  std::optional<Duration> delete_after;        ///< counted from the end of each release

  bool runs(Timestamp then) const { return agreed <= then && (!ended || then < *ended); }
};

/// When a version of an activity holds, and what it is a part of.
struct PaperActivity {
  Timestamp from;
  std::optional<Timestamp> until;
  std::string parent;

  bool holds(Timestamp then) const { return from <= then && (!until || then < *until); }
};

/// All ids as text, so that what the log says finds them.
struct Paper {
  std::map<std::string, std::vector<PaperActivity>> activities;  ///< with all versions
  std::map<std::string, PaperAgreement> agreements;              ///< ended ones too
  std::map<std::string, RetentionRecord> retention;              ///< by agreement
  bool more = false;                                             ///< there are agreements beyond the first `kPaperAgreements`

  /// Errors: the store's, and corruption.
  static Result<Paper> read(const Backend& backend, const std::shared_ptr<const policy::Vocabulary>& vocabulary);

  bool is_registered(const std::string& activity) const { return activities.contains(activity); }
  bool held(const std::string& activity, Timestamp then) const;
  const PaperAgreement* agreement(const std::string& id) const;
};

inline constexpr std::size_t kPaperAgreements = 50'000;

}  // namespace sluis::management
