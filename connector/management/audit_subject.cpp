#include "connector/management/audit_subject.hpp"

#include "connector/base/limits.hpp"
#include "connector/json/json.hpp"
#include "connector/management/audit_rows.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/entries.hpp"
#include "connector/provenance/passing.hpp"
#include "connector/provenance/subject.hpp"

/// What the log says about one person (GDPR art. 15). The log has marks that only this node can make, so that it finds nobody by itself; and
/// this node makes one for two persons together, on record.
namespace sluis::management {
namespace {

using provenance::EntryKind;

constexpr std::string_view kPrefix = "subject-lookup/";
constexpr std::chrono::days kWaits{30};   ///< for the second person
constexpr std::chrono::hours kRead{24};   ///< by both, from then on
constexpr std::uint64_t kLookedAt = 50'000;

/// Asked for by one person. What is looked for is kept as its mark.
struct Lookup {
  std::string id;
  std::string mark;
  std::string type;
  std::string basis;
  std::string asked_by;
  Timestamp asked;
  std::string confirmed_by;  ///< empty: nobody yet
  std::optional<Timestamp> confirmed;

  Timestamp until() const { return confirmed ? *confirmed + kRead : asked + kWaits; }
};

std::string key_of(const std::string& id) { return std::string(kPrefix) + id; }

std::string encode(const Lookup& lookup) {
  json::Value out = json::object({{"mark", to_hex(lookup.mark)}, {"type", lookup.type}, {"basis", lookup.basis}, {"asked_by", lookup.asked_by},
                                  {"asked", format_time(lookup.asked)}, {"confirmed_by", lookup.confirmed_by}});
  if (lookup.confirmed) out.set("confirmed", format_time(*lookup.confirmed));
  return json::serialise(out);
}

Result<Lookup> decode(const std::string& id, std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  Lookup out;
  out.id = id;
  SLUIS_TRY(const std::string mark, json::required_string(value, "mark"));
  SLUIS_TRY(out.mark, from_hex(mark));
  SLUIS_TRY(out.type, json::required_string(value, "type"));
  SLUIS_TRY(out.basis, json::required_string(value, "basis"));
  SLUIS_TRY(out.asked_by, json::required_string(value, "asked_by"));
  SLUIS_TRY(const std::string asked, json::required_string(value, "asked"));
  SLUIS_TRY(out.asked, parse_time(asked));
  SLUIS_TRY(out.confirmed_by, json::required_string(value, "confirmed_by"));
  SLUIS_TRY(const std::optional<std::string> confirmed, json::optional_string(value, "confirmed"));
  if (confirmed) {
    SLUIS_TRY(out.confirmed, parse_time(*confirmed));
  }
  return out;
}

v1::AuditSubjectLookup to_proto(const Lookup& lookup) {
  v1::AuditSubjectLookup out;
  out.set_id(lookup.id);
  out.set_type(lookup.type);
  out.set_basis(lookup.basis);
  out.set_asked_by(lookup.asked_by);
  put_time(out.mutable_asked(), lookup.asked);
  out.set_confirmed_by(lookup.confirmed_by);
  put_time(out.mutable_until(), lookup.until());
  return out;
}

struct Kept {
  Lookup lookup;
  std::string bytes;
};

Result<Kept> find(const Backend& backend, const std::string& id) {
  SLUIS_TRY(std::optional<std::string> bytes, backend.store.get(key_of(id)));
  const Error none = Error(ErrorCode::not_found, "no lookup `" + id.substr(0, 64) + "` waits, or can be read any more").mended_by("ask for it again");
  if (!bytes) return none;
  SLUIS_TRY(Lookup lookup, decode(id, *bytes));
  if (lookup.until() <= backend.clock.now()) return none;
  return Kept{std::move(lookup), std::move(*bytes)};
}

/// Says who, and on which ground; never about whom.
EntryDraft entry(const Backend& backend, const Caller& caller, const Lookup& lookup, std::string_view event) {
  v1::Shared shared;
  shared.set_event(std::string(event));
  EntryDraft draft = make_entry(backend, caller, EntryKind::looked, std::move(shared));
  v1::Internal internal;
  internal.ParseFromString(draft.internal);
  internal.set_request(json::serialise(json::object({{"id", lookup.id}, {"type", lookup.type}, {"basis", lookup.basis}})));
  draft.internal = internal.SerializeAsString();
  return draft;
}

Result<std::uint64_t> record(const Backend& backend, Commit commit) {
  const auto receipt = backend.commits.commit_and_wait(std::move(commit));
  if (receipt) return receipt->first_entry;
  return receipt.error();
}

/// Those that nobody can confirm or read any more.
Result<void> forget_over(const Backend& backend, Commit& commit) {
  return backend.store.scan(kPrefix, kPrefix, [&](std::string_view key, std::string_view bytes) {
    const auto one = decode(std::string(key.substr(kPrefix.size())), bytes);
    if (!one || one->until() <= backend.clock.now()) commit.changes.push_back({std::string(key), std::nullopt});
    return commit.changes.size() < limits::kPageMax;
  });
}

Result<v1::AuditSubjectResponse> ask(const Backend& backend, const v1::AuditSubjectRequest& request, const Caller& caller) {
  SLUIS_TRY(const provenance::DataSubject subject, provenance::read_subject(request.type() + " " + request.id()));
  if (request.basis().empty() || request.basis().size() > limits::kReasonBytes) {
    return Error(ErrorCode::invalid_argument, "a lookup needs its ground").at_pointer("/basis").mended_by("say which request it answers, as its number; name nobody, as it stays");
  }
  // It stays in the log, where the person may not be named.
  if (provenance::names_subject(request.basis(), subject)) {
    return Error(ErrorCode::invalid_argument, "the ground names the person, and it stays in the log").at_pointer("/basis").mended_by("name the request by its number");
  }
  Lookup lookup;
  lookup.mark = backend.subject_mark(subject);
  lookup.type = subject.type;
  lookup.basis = request.basis();
  lookup.asked_by = caller.person;
  lookup.asked = backend.clock.now();
  v1::AuditSubjectResponse response;
  if (request.dry_run()) {
    *response.mutable_lookup() = to_proto(lookup);
    response.set_dry_run(true);
    return response;
  }
  lookup.id = to_hex(backend.random->bytes(8));  // says nothing about the mark
  *response.mutable_lookup() = to_proto(lookup);
  Commit commit;
  SLUIS_CHECK(forget_over(backend, commit));
  commit.preconditions.push_back({key_of(lookup.id), std::nullopt});
  commit.changes.push_back({key_of(lookup.id), encode(lookup)});
  commit.entries.push_back(entry(backend, caller, lookup, "subject.asked"));
  SLUIS_TRY(const std::uint64_t at, record(backend, std::move(commit)));
  response.set_entry(at);
  return response;
}

/// The second person says as well who is looked up, from the request that it answers: what the first one asked for cannot be seen.
Result<v1::AuditSubjectResponse> confirm(const Backend& backend, const v1::AuditSubjectRequest& request, const Caller& caller) {
  SLUIS_TRY(Kept kept, find(backend, request.confirm()));
  Lookup& lookup = kept.lookup;
  if (!lookup.confirmed_by.empty()) {
    return Error(ErrorCode::invalid_state, "it is confirmed already").mended_by("the two who did can read it: `audit subject --read " + lookup.id + "`");
  }
  if (lookup.asked_by == caller.person) {
    return Error(ErrorCode::permission_denied, "whoever asked for a lookup does not confirm it").mended_by("it takes a second person");
  }
  SLUIS_TRY(const provenance::DataSubject subject, provenance::read_subject(request.type() + " " + request.id()));
  v1::AuditSubjectResponse response;
  if (request.dry_run()) {  // does not compare: that is on record
    response.set_dry_run(true);
    *response.mutable_lookup() = to_proto(lookup);
    return response;
  }
  if (backend.subject_mark(subject) != lookup.mark) {
    Commit commit;
    commit.changes.push_back({key_of(lookup.id), std::nullopt});
    commit.preconditions.push_back({key_of(lookup.id), kept.bytes});
    commit.entries.push_back(entry(backend, caller, lookup, "subject.differs"));
    SLUIS_TRY(const std::uint64_t at, record(backend, std::move(commit)));
    return Error(ErrorCode::permission_denied, "this is not the person who was asked for: entry " + std::to_string(at) + " says that it differed, and the lookup is off")
        .mended_by("ask for it again, if the first person was mistaken");
  }
  lookup.confirmed_by = caller.person;
  lookup.confirmed = backend.clock.now();
  Commit commit;
  SLUIS_CHECK(forget_over(backend, commit));
  commit.preconditions.push_back({key_of(lookup.id), kept.bytes});
  commit.changes.push_back({key_of(lookup.id), encode(lookup)});
  commit.entries.push_back(entry(backend, caller, lookup, "subject.confirmed"));
  SLUIS_TRY(const std::uint64_t at, record(backend, std::move(commit)));
  response.set_entry(at);
  *response.mutable_lookup() = to_proto(lookup);
  return response;
}

bool may_say(const provenance::Leaf& leaf) {
  const auto kind = static_cast<EntryKind>(leaf.kind);
  return kind == EntryKind::intent || kind == EntryKind::decision || kind == EntryKind::received;
}

/// One page. What was erased says nothing about anybody any more.
Result<void> add_entries(const Backend& backend, const Lookup& lookup, const v1::AuditSubjectRequest& request, v1::AuditSubjectResponse& response) {
  SLUIS_TRY(const std::uint64_t entries, backend.log.entries());
  SLUIS_TRY(const std::uint64_t first_kept, backend.log.first_kept());
  SLUIS_TRY(std::uint64_t index, page_begin(request.page_token()));
  index = std::max(index, first_kept);
  const std::size_t wanted = page_size(request.page_size());
  for (std::uint64_t looked = 0; index < entries; ++looked, ++index) {
    if (looked == kLookedAt || static_cast<std::size_t>(response.entries_size()) == wanted) {
      response.set_next_page_token(std::to_string(index));
      return {};
    }
    SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_in_pass(backend.log, index));
    if (!leaf || !may_say(*leaf)) continue;
    const auto payload = backend.log.payload(index);
    if (!payload && payload.error().code == ErrorCode::not_found) continue;
    if (!payload) return payload.error();
    v1::Internal internal;
    if (!internal.ParseFromString(payload->internal) || internal.data_subject() != lookup.mark) continue;
    SLUIS_TRY(std::optional<v1::AuditEntry> row, audit_row_in_pass(backend.log, index, request.lang()));
    if (row) *response.add_entries() = std::move(*row);
  }
  return {};
}

Result<v1::AuditSubjectResponse> read(const Backend& backend, const v1::AuditSubjectRequest& request, const Caller& caller) {
  SLUIS_TRY(const Kept kept, find(backend, request.read()));
  const Lookup& lookup = kept.lookup;
  v1::AuditSubjectResponse response;
  *response.mutable_lookup() = to_proto(lookup);
  if (lookup.confirmed_by.empty()) return response;  // for the second person, who is to know on which ground
  if (caller.person != lookup.asked_by && caller.person != lookup.confirmed_by) {
    return Error(ErrorCode::permission_denied, "this is read by who asked for it and who confirmed it");
  }
  Commit commit;  // each page, as anybody can begin at any
  commit.entries.push_back(entry(backend, caller, lookup, "subject.read"));
  SLUIS_TRY(const std::uint64_t at, record(backend, std::move(commit)));
  response.set_entry(at);
  SLUIS_CHECK(add_entries(backend, lookup, request, response));
  return response;
}

}  // namespace

Result<v1::AuditSubjectResponse> look_up_subject(const Backend& backend, const v1::AuditSubjectRequest& request, const Caller& caller) {
  if (!backend.subject_mark || backend.random == nullptr) return Error(ErrorCode::invalid_state, "this node has no key for it");
  if (!request.confirm().empty()) return confirm(backend, request, caller);
  if (!request.read().empty()) return read(backend, request, caller);
  return ask(backend, request, caller);
}

}  // namespace sluis::management
