#include "connector/management/activities.hpp"

#include "connector/base/limits.hpp"
#include "connector/declaration/rules.hpp"
#include "connector/gate/assess.hpp"
#include "connector/identity/claim.hpp"
#include "connector/json/json.hpp"
#include "connector/outbox/outcome.hpp"
#include "policy/purpose/legal_bases.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace sluis::management {
namespace {

using Version = ActivityVersion;

constexpr std::array kFields{
    ActivityField{"parent", &Version::parent},
    ActivityField{"title", &Version::title},
    ActivityField{"purpose", &Version::purpose},
    ActivityField{"legalBasis", nullptr, &Version::legal_basis},
    ActivityField{"dataSubjectCategories", nullptr, &Version::data_subject_categories},
    ActivityField{"personalDataCategories", nullptr, &Version::personal_data_categories},
    ActivityField{"recipientsCategories", nullptr, &Version::recipients_categories},
    ActivityField{"envisagedTimeLimit", &Version::envisaged_time_limit},
    ActivityField{"controller", &Version::controller},
    ActivityField{"processors", nullptr, &Version::processors},
    ActivityField{"owner", &Version::owner},
    ActivityField{"dataProtectionOfficer", &Version::data_protection_officer},
    ActivityField{"recipients", nullptr, &Version::recipients},
    ActivityField{"measures", nullptr, &Version::measures},
    ActivityField{"impactAssessment", &Version::impact_assessment},
};

Error corrupt() { return {ErrorCode::corruption, "a stored processing activity is not readable"}; }

Error refused(std::string_view field, std::string message, ErrorCode code = ErrorCode::invalid_argument) {
  return Error(code, std::move(message)).at_pointer("/" + std::string(field));
}

/// An application names it in a header, where neither spaces nor commas can stand.
Result<void> check_uri(std::string_view field, const std::string& uri) {
  if (uri.size() > limits::kIdBytes) {
    return refused(field, fmt::format("`{}` is longer than {} bytes", field, limits::kIdBytes), ErrorCode::limit_exceeded);
  }
  if (gate::is_activity_uri(uri)) return {};
  return refused(field, uri.empty() ? fmt::format("`{}` is missing", field) : fmt::format("`{}` is not a URI", uri))
      .mended_by("use a URI that names the activity for ever, as `https://waterrijk.example/activities/crowds`");
}

Result<void> check_text(std::string_view field, std::string_view text) {
  if (text.size() > limits::kIdBytes) {
    return refused(field, fmt::format("a value of `{}` is longer than {} bytes", field, limits::kIdBytes),
                   ErrorCode::limit_exceeded);
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return refused(field, fmt::format("a value of `{}` has a line end or another control character", field))
        .mended_by("write it on one line");
  }
  return {};
}

Result<void> check_list(std::string_view field, const std::vector<std::string>& items) {
  if (items.size() > kActivityItems) {
    return refused(field, fmt::format("`{}` has more than {} items", field, kActivityItems), ErrorCode::limit_exceeded);
  }
  for (const auto& item : items) {
    if (item.empty()) return refused(field, fmt::format("an item of `{}` is empty", field)).mended_by("leave it out");
    if (item.find('|') != std::string::npos) {
      return refused(field, fmt::format("`{}` has the sign `|`, which parts the items of a list", item))
          .mended_by("write another sign");
    }
    SLUIS_CHECK(check_text(field, item));
  }
  return {};
}

/// What is in the register already stays as it is; a new version names bases that DPV has.
Result<void> check_bases(const std::vector<std::string>& bases) {
  for (const std::string& basis : bases) {
    if (const auto found = policy::find_legal_basis(basis); !found) return Error(found.error()).at_pointer("/legalBasis");
  }
  return {};
}

Result<Version> read_version(const json::Value& value) {
  Version version;
  SLUIS_TRY(version.id, json::required_string(value, "id"));
  for (const auto& field : kFields) {
    const auto* member = value.find(field.name);
    if (member == nullptr) continue;  // empty, or of a time before this field
    if (field.text != nullptr) {
      if (member->if_string() == nullptr) return corrupt();
      version.*field.text = *member->if_string();
      continue;
    }
    if (member->if_array() == nullptr) return corrupt();
    for (const auto& item : *member->if_array()) {
      if (item.if_string() == nullptr) return corrupt();
      (version.*field.list).push_back(*item.if_string());
    }
  }
  if (version.purpose.empty()) return corrupt();
  SLUIS_TRY(version.from, outbox::required_time(value, "from"));
  SLUIS_TRY(version.until, outbox::optional_time(value, "until"));
  SLUIS_TRY(version.recorded, outbox::required_time(value, "recorded"));
  const auto* number = value.find("version");
  if (number == nullptr || number->if_number() == nullptr) return corrupt();
  SLUIS_TRY(const auto count, json::to_integer(*number->if_number()));
  version.version = static_cast<std::uint32_t>(count);
  return version;
}

json::Value to_json(const Version& version) {
  auto value = json::object({{"id", version.id}});
  for (const auto& field : kFields) {
    if (field.text != nullptr && !(version.*field.text).empty()) value.set(field.name, version.*field.text);
    if (field.list == nullptr || (version.*field.list).empty()) continue;
    json::Array items;
    for (const auto& item : version.*field.list) items.emplace_back(item);
    value.set(field.name, json::Value(std::move(items)));
  }
  value.set("from", outbox::time_value(version.from));
  if (version.until) value.set("until", outbox::time_value(*version.until));
  value.set("version", static_cast<std::uint64_t>(version.version));
  value.set("recorded", outbox::time_value(version.recorded));
  return value;
}

/// Registers of an earlier time let each version count from any moment, the newest alone being asked. Since then a version
/// counts from when it was registered, at the earliest, and ends the one before it.
std::vector<Version> in_order(std::vector<Version> versions) {
  const auto meet = [](const Version& a, const Version& b) { return !a.until || *a.until > b.from; };
  if (std::adjacent_find(versions.begin(), versions.end(), meet) == versions.end()) return versions;
  for (std::size_t i = 1; i < versions.size(); ++i) {
    Version& before = versions[i - 1];
    versions[i].from = std::max({versions[i].from, versions[i].recorded, before.from});
    if (meet(before, versions[i])) before.until = versions[i].from;
  }
  std::erase_if(versions, [](const Version& version) { return version.until && *version.until <= version.from; });
  return versions;
}

std::uint32_t next_number(const std::vector<Version>& versions) {
  std::uint32_t most = 0;
  for (const auto& version : versions) most = std::max(most, version.version);
  return most + 1;
}

Error overlaps(const Version& next, const Version& later) {
  return refused(next.until ? "until" : "from",
                 fmt::format("the version of `{}` from {} overlaps the one from {}", next.id, format_time(next.from),
                             format_time(later.from)))
      .mended_by(fmt::format("let it end by then, or change the later one: give `from` as {}", format_time(later.from)));
}

bool begun(const Version& version, Timestamp now) { return version.from < now; }

/// The same `from` again: nothing new, another end, or another content of what has not begun.
Result<Succession> amend(Version& there, Version& next, std::uint32_t number, bool history) {
  const Timestamp now = next.recorded;
  const bool same = same_content(there, next);
  if (same && there.until == next.until) {
    next = there;
    return Succession::unchanged;
  }
  if (!same && begun(there, now) && !history) {
    return refused("from", fmt::format("the version of `{}` from {} has begun, with other content", next.id,
                                       format_time(next.from)))
        .mended_by("what held stays as it is: let the change begin later than now");
  }
  if (same && begun(there, now) && !history) {
    const bool over = there.until && *there.until <= now;
    if (over || (next.until && *next.until < now)) {
      return refused("until", fmt::format("the version of `{}` from {} would have another end in the past", next.id,
                                          format_time(next.from)))
          .mended_by(over ? "what held stays as it is: publish a version that begins later"
                          : "what held stays as it is: let it end now or later");
    }
  }
  next.version = number;
  there = next;
  return same ? Succession::ends_otherwise : Succession::replaced;
}

}  // namespace

std::span<const ActivityField> activity_fields() { return kFields; }

Result<void> check(const Version& version) {
  SLUIS_CHECK(check_uri("id", version.id));
  if (!version.parent.empty()) SLUIS_CHECK(check_uri("parent", version.parent));
  if (version.parent == version.id) return refused("parent", fmt::format("`{}` is its own parent", version.id));
  if (!version.impact_assessment.empty() && declaration::says_nothing(version.impact_assessment)) {
    return refused("impactAssessment", fmt::format("`{}` is no impact assessment", version.impact_assessment))
        .mended_by("name the one it rests on, by number and date or by its address; leave it out where there is none");
  }
  std::size_t bytes = version.id.size();
  for (const auto& field : kFields) {
    if (field.text != nullptr) {
      SLUIS_CHECK(check_text(field.name, version.*field.text));
      bytes += (version.*field.text).size();
      continue;
    }
    SLUIS_CHECK(check_list(field.name, version.*field.list));
    if (field.list == &Version::legal_basis) SLUIS_CHECK(check_bases(version.legal_basis));
    if (field.list == &Version::legal_basis && version.legal_basis.size() > identity::kClaimBases) {
      return refused("legalBasis", fmt::format("an activity has {} legal bases at most", identity::kClaimBases), ErrorCode::limit_exceeded)
          .mended_by("register its parts as activities of their own, with this one as parent");
    }
    for (const auto& item : version.*field.list) bytes += item.size();
  }
  if (bytes > kActivityBytes) {
    return refused("id", fmt::format("the activity `{}` has more than {} bytes", version.id, kActivityBytes),
                   ErrorCode::limit_exceeded);
  }
  if (version.until && *version.until <= version.from) {
    return refused("until", fmt::format("the activity `{}` ends before it begins", version.id));
  }
  return {};
}

bool same_content(const Version& a, const Version& b) {
  return a.id == b.id && std::all_of(kFields.begin(), kFields.end(), [&](const ActivityField& field) {
           return field.text != nullptr ? a.*field.text == b.*field.text : a.*field.list == b.*field.list;
         });
}

const Version* held_at(std::span<const Version> versions, Timestamp when) {
  for (const auto& version : versions) {
    if (version.holds(when)) return &version;
  }
  return nullptr;
}

std::string_view to_string(Succession what) {
  switch (what) {
    case Succession::added: return "added";
    case Succession::new_version: return "new version";
    case Succession::replaced: return "replaced";
    case Succession::ends_otherwise: return "ends otherwise";
    case Succession::unchanged: break;
  }
  return "unchanged";
}

Result<Succession> succeed(std::vector<Version>& versions, Version& next, bool history) {
  const auto at = std::lower_bound(versions.begin(), versions.end(), next.from,
                                   [](const Version& version, Timestamp from) { return version.from < from; });
  const bool there = at != versions.end() && at->from == next.from;
  const auto later = there ? at + 1 : at;
  if (later != versions.end() && (!next.until || *next.until > later->from)) return overlaps(next, *later);
  if (there) return amend(*at, next, next_number(versions), history);
  if (!versions.empty() && !history && next.from < next.recorded) {
    return refused("from", fmt::format("a version of `{}` that begins at {} would change what held", next.id,
                                       format_time(next.from)))
        .mended_by("what held stays as it is: let the change begin later than now");
  }
  if (versions.size() == kActivityVersions) {
    return refused("id", fmt::format("`{}` has {} versions already", next.id, kActivityVersions), ErrorCode::limit_exceeded)
        .mended_by("go on with an activity of another name, that has this one as parent");
  }
  const bool first = versions.empty();
  next.version = next_number(versions);
  if (at != versions.begin()) {
    Version& before = *(at - 1);
    if (!before.until || *before.until > next.from) before.until = next.from;
  }
  versions.insert(at, next);
  return first ? Succession::added : Succession::new_version;
}

std::string activity_key(std::string_view id) { return std::string(kActivityPrefix) + std::string(id); }

std::string encode(std::span<const Version> versions) {
  json::Array list;
  for (const auto& version : versions) list.push_back(to_json(version));
  return json::serialise(json::Value(std::move(list)));
}

Result<std::vector<Version>> decode_activity(std::string_view bytes) {
  const auto value = json::parse(bytes);
  if (!value || value->if_array() == nullptr) return corrupt();
  std::vector<Version> versions;
  for (const auto& item : *value->if_array()) {
    auto version = read_version(item);
    if (!version) return corrupt();
    versions.push_back(std::move(*version));
  }
  versions = in_order(std::move(versions));
  if (versions.empty()) return corrupt();
  return versions;
}

Result<std::vector<Version>> read_activity(const storage::Reader& store, std::string_view id) {
  SLUIS_TRY(const auto bytes, store.get(activity_key(id)));
  if (!bytes) {
    return Error(ErrorCode::not_found, fmt::format("processing activity `{}` is not registered", id))
        .mended_by("register it: activity publish");
  }
  return decode_activity(*bytes);
}

}  // namespace sluis::management
