#pragma once

#include "connector/base/time.hpp"
#include "connector/storage/kv_store.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The register of processing activities: what an organisation does with data, and what held when (GDPR art. 30; canonical
/// fields of Logboek dataverwerkingen 1.0.0).
namespace sluis::management {

/// A processing activity, in one of its versions. `act/<id>` holds all versions by `from`, as a JSON list; they never
/// overlap, and what held is never written over.
struct ActivityVersion {
  std::string id;       ///< URI; `dplCoreProcessingActivityId`
  std::string parent;   ///< URI of the activity that this one is a part of; may be empty
  std::string purpose;  ///< full IRI
  std::string title;
  std::vector<std::string> legal_basis;
  std::vector<std::string> data_subject_categories;
  std::vector<std::string> personal_data_categories;
  std::vector<std::string> recipients_categories;
  std::string envisaged_time_limit;
  std::string controller;
  std::vector<std::string> processors;
  std::string owner;
  std::string data_protection_officer;
  std::vector<std::string> recipients;
  std::vector<std::string> measures;
  std::string impact_assessment;  ///< which data protection impact assessment it rests on (GDPR art. 35); empty: none
  Timestamp from;
  std::optional<Timestamp> until;
  std::uint32_t version = 1;  ///< of this node's count, from 1
  Timestamp recorded;

  bool holds(Timestamp now) const { return from <= now && (!until || now < *until); }
};

/// A field but for `id`, `from` and `until`: its canonical heading, and the member that holds it.
struct ActivityField {
  std::string_view name;
  std::string ActivityVersion::*text = nullptr;               ///< one of these two
  std::vector<std::string> ActivityVersion::*list = nullptr;
};
std::span<const ActivityField> activity_fields();

/// Bounds of the register, beside those of connector/base/limits.hpp.
inline constexpr std::size_t kActivityItems = 64;           ///< of one list
inline constexpr std::size_t kActivityBytes = 8U << 10U;    ///< of one version
inline constexpr std::size_t kActivityVersions = 100;       ///< of one activity
inline constexpr std::size_t kActivitiesPerFile = 1000;     ///< versions that one import may have
inline constexpr std::size_t kActivityFileBytes = 512U << 10U;

/// invalid_argument or limit_exceeded, at the pointer of a field (`/id`, `/legalBasis`, `/until`): no URI, `until` not after
/// `from`, an impact assessment that says there is none, too long, control characters, an item of a list that is empty or has the `|` that parts items in CSV.
Result<void> check(const ActivityVersion& version);
/// Whether all is the same but for the time.
bool same_content(const ActivityVersion& a, const ActivityVersion& b);
/// The version that held then; null: none.
const ActivityVersion* held_at(std::span<const ActivityVersion> versions, Timestamp when);

/// What one more version came to.
enum class Succession : std::uint8_t { added, new_version, replaced, ends_otherwise, unchanged };
/// `added`, `new version`, `replaced`, `ends otherwise`, `unchanged`.
std::string_view to_string(Succession what);

/// Takes `next` into `versions`, and makes it what is then stored. A later version ends the one before it; one that has not
/// begun is replaced by another with the same `from`; a version that holds can be given another end. `recorded` of `next` is
/// now. `history`: nothing of this activity was registered before, so that its past may still be stated.
/// invalid_argument at `/from` or `/until`: it would change what held, or overlap a later version. limit_exceeded.
Result<Succession> succeed(std::vector<ActivityVersion>& versions, ActivityVersion& next, bool history);

inline constexpr std::string_view kActivityPrefix = "act/";
std::string activity_key(std::string_view id);
std::string encode(std::span<const ActivityVersion> versions);
/// corruption.
Result<std::vector<ActivityVersion>> decode_activity(std::string_view bytes);
/// All versions. not_found.
Result<std::vector<ActivityVersion>> read_activity(const storage::Reader& store, std::string_view id);

}  // namespace sluis::management
