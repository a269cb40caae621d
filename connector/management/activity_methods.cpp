#include "connector/base/limits.hpp"
#include "connector/management/activity_file.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/entries.hpp"
#include "connector/management/handlers.hpp"
#include "sluis/v1/register.pb.h"

#include <fmt/core.h>

#include <map>

namespace sluis::management {
namespace {

using google::protobuf::Message;

constexpr std::size_t kPageBytes = 1U << 20U;  ///< of stored versions; a page may pass it by one activity

/// The field of a message that has an activity's fields; its JSON name is the canonical heading.
const google::protobuf::FieldDescriptor* field_of(const Message& message, const ActivityField& field) {
  return message.GetDescriptor()->FindFieldByCamelcaseName(std::string(field.name));
}

void put_fields(const ActivityVersion& from, Message& out) {
  const auto* access = out.GetReflection();
  for (const auto& field : activity_fields()) {
    const auto* there = field_of(out, field);
    if (field.text != nullptr) access->SetString(&out, there, from.*field.text);
    if (field.list == nullptr) continue;
    for (const auto& item : from.*field.list) access->AddString(&out, there, item);
  }
}

void read_fields(const Message& from, ActivityVersion& out) {
  const auto* access = from.GetReflection();
  for (const auto& field : activity_fields()) {
    const auto* there = field_of(from, field);
    if (field.text != nullptr) out.*field.text = access->GetString(from, there);
    for (int i = 0; field.list != nullptr && i < access->FieldSize(from, there); ++i) {
      (out.*field.list).push_back(access->GetRepeatedString(from, there, i));
    }
  }
}

v1::Activity to_proto(const ActivityVersion& from) {
  v1::Activity out;
  out.set_id(from.id);
  put_fields(from, out);
  put_time(out.mutable_from(), from.from);
  if (from.until) put_time(out.mutable_until(), *from.until);
  out.set_version(from.version);
  put_time(out.mutable_recorded(), from.recorded);
  return out;
}

/// Its purpose becomes the full IRI.
Result<void> check_fields(const policy::Vocabulary& vocabulary, ActivityVersion& version) {
  SLUIS_CHECK(require_id(version.purpose, "purpose"));
  auto purpose = find_purpose(vocabulary, version.purpose);
  if (!purpose) return Error(purpose.error()).at_pointer("/purpose");
  version.purpose = vocabulary.term(*purpose).iri;
  return check(version);
}

/// What is registered of one activity, and what is to become of it.
struct Registered {
  std::optional<std::string> before;  ///< as stored
  std::vector<ActivityVersion> versions;
  std::vector<ActivityVersion> changed;
};

Result<Registered> find_registered(const Backend& backend, const std::string& id) {
  Registered found;
  SLUIS_TRY(found.before, backend.store.get(activity_key(id)));
  if (found.before) {
    SLUIS_TRY(found.versions, decode_activity(*found.before));
  }
  return found;
}

/// Refuses an activity that would be a part of itself by way of others, as they are when it begins. `of`: what is registered, or is
/// to be.
template <class Of>
Result<void> check_parents(const ActivityVersion& version, Of of) {
  constexpr std::size_t kGenerations = 32;
  std::string above = version.parent;
  for (std::size_t generation = 1; !above.empty(); ++generation) {
    if (above == version.id || generation > kGenerations) {
      return Error(ErrorCode::invalid_argument, above == version.id
                                                    ? fmt::format("`{}` would be a part of itself, through `{}`", version.id, version.parent)
                                                    : fmt::format("`{}` is more than {} activities deep", version.id, kGenerations))
          .at_pointer("/parent")
          .mended_by("name another parent, or none");
    }
    SLUIS_TRY(const auto versions, of(above));
    const ActivityVersion* held = held_at(versions, version.from);
    if (held == nullptr) return {};
    above = held->parent;
  }
  return {};
}

/// Adds what becomes of one activity: its versions, and an entry for each that changed.
void add_changes(const Backend& backend, const Caller& caller, const Registered& registered, Commit& commit) {
  if (registered.changed.empty()) return;
  const std::string& id = registered.changed.front().id;
  commit.preconditions.push_back({activity_key(id), registered.before});
  commit.changes.push_back({activity_key(id), encode(registered.versions)});
  for (const auto& version : registered.changed) {
    v1::Shared shared;
    shared.set_event("registered");
    shared.set_purpose(version.purpose);
    shared.set_document(encode({&version, 1}));
    auto entry = make_entry(backend, caller, provenance::EntryKind::activity, std::move(shared));
    v1::Internal internal;
    internal.set_activity(id);
    internal.set_person(caller.person);
    entry.internal = internal.SerializeAsString();
    commit.entries.push_back(std::move(entry));
  }
}

Result<ActivityVersion> read(const Backend& backend, const v1::PublishActivityRequest& request) {
  ActivityVersion version;
  version.id = request.id();
  read_fields(request, version);
  version.recorded = backend.clock.now();
  version.from = version.recorded;
  if (request.has_from()) {
    SLUIS_TRY(version.from, read_time(request.from(), "/from"));
  }
  if (request.has_until()) {
    SLUIS_TRY(version.until, read_time(request.until(), "/until"));
  }
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_CHECK(check_fields(*vocabulary, version));
  return version;
}

/// What was told without a `from` that lies ahead: the version that holds now with another end, or a version from now on.
Timestamp begins(const std::vector<ActivityVersion>& versions, const ActivityVersion& next) {
  const Timestamp now = next.recorded;
  const ActivityVersion* current = nullptr;
  for (const auto& version : versions) {
    if (version.from <= now) current = &version;
  }
  if (current == nullptr) return next.from;
  const bool over = current->until && *current->until <= now;
  return same_content(*current, next) && (!over || current->until == next.until) ? current->from : now;
}

Result<v1::PublishActivityResponse> publish(Backend& backend, const v1::PublishActivityRequest& request,
                                            const Caller& caller) {
  SLUIS_TRY(auto version, read(backend, request));
  SLUIS_TRY(auto registered, find_registered(backend, version.id));
  const bool ahead = request.has_from() && version.from > version.recorded;
  if (!registered.versions.empty() && !ahead) {
    version.from = begins(registered.versions, version);
    SLUIS_CHECK(check(version));
  }
  SLUIS_TRY(const auto what, succeed(registered.versions, version, registered.versions.empty()));
  SLUIS_CHECK(check_parents(version, [&](const std::string& id) -> Result<std::vector<ActivityVersion>> {
    SLUIS_TRY(auto found, find_registered(backend, id));
    return std::move(found.versions);
  }));
  v1::PublishActivityResponse response;
  response.set_dry_run(request.dry_run());
  response.set_unchanged(what == Succession::unchanged);
  *response.mutable_activity() = to_proto(version);
  if (response.unchanged() || request.dry_run()) return response;
  registered.changed.push_back(version);
  Commit commit;
  add_changes(backend, caller, registered, commit);
  SLUIS_TRY(const auto receipt, commit_and_look_anew(backend, std::move(commit)));
  response.set_entry(receipt.first_entry);
  return response;
}

/// One file on its way into the register.
class Import {
 public:
  Import(const Backend& backend, const policy::Vocabulary& vocabulary, Timestamp now)
      : backend_(backend), vocabulary_(vocabulary), now_(now) {}

  Result<void> take(ActivityVersion version, v1::ImportActivitiesResponse& response) {
    version.recorded = now_;
    SLUIS_CHECK(check_fields(vocabulary_, version));
    auto there = activities_.find(version.id);
    if (there == activities_.end()) {
      SLUIS_TRY(auto registered, find_registered(backend_, version.id));
      there = activities_.emplace(version.id, Told{std::move(registered), std::nullopt, std::nullopt}).first;
    }
    Told& told = there->second;
    SLUIS_CHECK(after(told, version));
    told.from = version.from;
    told.until = version.until;
    SLUIS_TRY(const auto what, succeed(told.registered.versions, version, !told.registered.before));
    auto* change = response.add_changes();
    change->set_what(std::string(to_string(what)));
    *change->mutable_activity() = to_proto(version);
    if (what != Succession::unchanged) told.registered.changed.push_back(std::move(version));
    return {};
  }

  /// Of all that was taken; the file may name them in any order.
  Result<void> check_all_parents() const {
    const auto of = [this](const std::string& id) -> Result<std::vector<ActivityVersion>> {
      if (const auto there = activities_.find(id); there != activities_.end()) return there->second.registered.versions;
      SLUIS_TRY(auto found, find_registered(backend_, id));
      return std::move(found.versions);
    };
    for (const auto& [_, told] : activities_) {
      for (const auto& version : told.registered.changed) SLUIS_CHECK(check_parents(version, of));
    }
    return {};
  }

  /// limit_exceeded: more than one commit can hold. What is imported is one commit: all of it, or nothing.
  Result<Commit> commit(const Caller& caller) const {
    Commit commit;
    for (const auto& [_, told] : activities_) add_changes(backend_, caller, told.registered, commit);
    std::size_t bytes = 0;
    for (const auto& change : commit.changes) bytes += change.key.size() + change.value->size();
    for (const auto& condition : commit.preconditions) bytes += condition.expected.value_or("").size();
    for (const auto& entry : commit.entries) bytes += entry.shared.size() + entry.internal.size();
    if (bytes <= limits::kCommitBytes / 8 * 7) return commit;  // the rest is for what goes with each part
    return Error(ErrorCode::limit_exceeded, fmt::format("the import takes {} bytes, more than can be recorded at once", bytes))
        .mended_by("import it in parts");
  }

 private:
  struct Told {
    Registered registered;
    std::optional<Timestamp> from;  ///< of the version above in the file
    std::optional<Timestamp> until;
  };

  static Result<void> after(const Told& told, const ActivityVersion& version) {
    if (!told.from || (told.until && *told.until <= version.from)) return {};
    const std::string above = format_time(*told.from);
    if (version.from == *told.from) {
      return Error(ErrorCode::invalid_argument, fmt::format("`{}` is there twice from {}", version.id, above))
          .at_pointer(version.until || told.until ? "/from" : "/id")
          .mended_by("leave one out, or give each its own time");
    }
    if (version.from < *told.from) {
      return Error(ErrorCode::invalid_argument,
                   fmt::format("the version of `{}` from {} stands below the one from {}", version.id,
                               format_time(version.from), above))
          .at_pointer("/from")
          .mended_by("write the versions of an activity with the oldest first");
    }
    return Error(ErrorCode::invalid_argument, fmt::format("the version of `{}` from {} overlaps the one from {} above it",
                                                          version.id, format_time(version.from), above))
        .at_pointer("/from")
        .mended_by(fmt::format("give the one above `until` {}, or earlier", format_time(version.from)));
  }

  const Backend& backend_;
  const policy::Vocabulary& vocabulary_;
  Timestamp now_;
  std::map<std::string, Told> activities_;
};

Result<v1::ImportActivitiesResponse> import_file(Backend& backend, const v1::ImportActivitiesRequest& request,
                                                 const Caller& caller) {
  SLUIS_TRY(const auto format, activity_format(request.format(), request.file()));
  const std::string file = request.file().empty() ? "activities" : request.file();
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  v1::ImportActivitiesResponse response;
  response.set_dry_run(request.dry_run());
  const Timestamp now = backend.clock.now();
  Import one(backend, *vocabulary, now);
  SLUIS_CHECK(read_activities(request.text(), file, format, now, [&](ActivityVersion version) {
    return one.take(std::move(version), response);
  }));
  if (const auto whole = one.check_all_parents(); !whole) return Error(whole.error()).at({file, 0, 0, "/parent"});
  auto commit = one.commit(caller);
  if (!commit) return Error(commit.error()).at({file, 1, 1, ""});
  response.set_unchanged(commit->entries.empty());
  if (response.unchanged() || request.dry_run()) return response;
  SLUIS_TRY(const auto receipt, commit_and_look_anew(backend, std::move(*commit)));
  response.set_entry(receipt.first_entry);
  return response;
}

Result<v1::ListActivitiesResponse> list(const Backend& backend, const v1::ListActivitiesRequest& request) {
  SLUIS_TRY(const auto after, catalog::read_page_token(request.page_token()));
  std::optional<Timestamp> at;
  if (request.has_at()) {
    SLUIS_TRY(at, read_time(request.at(), "/at"));
  }
  v1::ListActivitiesResponse response;
  const std::size_t wanted = page_size(request.page_size());
  std::optional<Error> failed;
  std::string last;
  std::size_t taken = 0;
  std::size_t bytes = 0;
  const std::string from = after.empty() ? std::string(kActivityPrefix) : activity_key(after) + '\0';
  SLUIS_CHECK(backend.store.scan(kActivityPrefix, from, [&](std::string_view key, std::string_view value) {
    if (taken >= wanted || bytes > kPageBytes) {
      response.set_next_page_token(catalog::page_token(last));
      return false;
    }
    const auto versions = decode_activity(value);
    if (!versions) {
      failed = versions.error();
      return false;
    }
    last = key.substr(kActivityPrefix.size());
    bytes += value.size();
    if (at) {
      const auto* held = held_at(*versions, *at);
      if (held == nullptr) return true;
      *response.add_activities() = to_proto(*held);
      ++taken;
      return true;
    }
    const std::size_t first = request.all_versions() ? 0 : versions->size() - 1;
    for (std::size_t i = first; i < versions->size(); ++i) *response.add_activities() = to_proto((*versions)[i]);
    taken += versions->size() - first;
    return true;
  }));
  if (failed) return *failed;
  return response;
}

Result<v1::ShowActivityResponse> show(const Backend& backend, const v1::ShowActivityRequest& request) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  SLUIS_TRY(const auto versions, read_activity(backend.store, request.id()));
  Timestamp when = backend.clock.now();
  if (request.has_at()) {
    SLUIS_TRY(when, read_time(request.at(), "/at"));
  }
  const auto* held = held_at(versions, when);
  if (held == nullptr && request.has_at()) {
    return Error(ErrorCode::not_found,
                 fmt::format("processing activity `{}` did not hold at {}", request.id(), format_time(when)))
        .mended_by("see when it did: activity list --all-versions");
  }
  v1::ShowActivityResponse response;
  *response.mutable_activity() = to_proto(held == nullptr ? versions.back() : *held);
  return response;
}

}  // namespace

void add_activities(Methods& methods, Backend& backend) {
  methods.add<v1::PublishActivityRequest, v1::PublishActivityResponse>(
      "ActivityService.Publish", [&backend](const auto& request, const Caller& caller) {
        return publish(backend, request, caller);
      });
  methods.add<v1::ImportActivitiesRequest, v1::ImportActivitiesResponse>(
      "ActivityService.Import", [&backend](const auto& request, const Caller& caller) {
        return import_file(backend, request, caller);
      });
  methods.add<v1::ListActivitiesRequest, v1::ListActivitiesResponse>(
      "ActivityService.List", [&backend](const auto& request, const Caller&) { return list(backend, request); });
  methods.add<v1::ShowActivityRequest, v1::ShowActivityResponse>(
      "ActivityService.Show", [&backend](const auto& request, const Caller&) { return show(backend, request); });
}

}  // namespace sluis::management
