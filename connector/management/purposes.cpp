#include "connector/crypto/crypto.hpp"
#include "connector/management/activities.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/entries.hpp"
#include "connector/management/handlers.hpp"
#include "sluis/v1/register.pb.h"

#include <fmt/core.h>

namespace sluis::management {
namespace {

v1::Activity to_proto(const ActivityVersion& from) {
  v1::Activity out;
  out.set_id(from.id);
  out.set_purpose(from.purpose);
  out.set_title(from.title);
  put_time(out.mutable_from(), from.from);
  if (from.until) put_time(out.mutable_until(), *from.until);
  out.set_version(from.version);
  put_time(out.mutable_recorded(), from.recorded);
  return out;
}

Result<ActivityVersion> read(const Backend& backend, const v1::PublishActivityRequest& request) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  if (request.id().find(':') == std::string::npos) {
    return Error(ErrorCode::invalid_argument, fmt::format("`{}` is not a URI", request.id()))
        .at_pointer("/id")
        .mended_by("use a URI that names the activity for ever, as `https://waterrijk.example/activities/crowds`");
  }
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_CHECK(require_id(request.purpose(), "purpose"));
  SLUIS_TRY(const auto purpose, find_purpose(*vocabulary, request.purpose()));
  ActivityVersion version;
  version.id = request.id();
  version.purpose = vocabulary->term(purpose).iri;
  version.title = request.title().substr(0, 512);
  version.recorded = backend.clock.now();
  version.from = version.recorded;
  if (request.has_from()) {
    SLUIS_TRY(version.from, read_time(request.from(), "/from"));
  }
  if (request.has_until()) {
    SLUIS_TRY(const auto until, read_time(request.until(), "/until"));
    if (until <= version.from) {
      return Error(ErrorCode::invalid_argument, "the activity ends before it begins").at_pointer("/until");
    }
    version.until = until;
  }
  return version;
}

bool same(const ActivityVersion& a, const ActivityVersion& b) {
  return a.purpose == b.purpose && a.title == b.title && a.from == b.from && a.until == b.until;
}

Result<v1::PublishActivityResponse> publish(Backend& backend, const v1::PublishActivityRequest& request,
                                            const Caller& caller) {
  SLUIS_TRY(auto version, read(backend, request));
  const std::string key = activity_key(version.id);
  SLUIS_TRY(const auto before, backend.store.get(key));
  std::vector<ActivityVersion> versions;
  if (before) {
    SLUIS_TRY(versions, decode_activity(*before));
    if (!request.has_from()) version.from = versions.back().from;
    version.version = versions.back().version + 1;
  }
  v1::PublishActivityResponse response;
  response.set_dry_run(request.dry_run());
  if (!versions.empty() && same(versions.back(), version)) {
    response.set_unchanged(true);
    *response.mutable_activity() = to_proto(versions.back());
    return response;
  }
  *response.mutable_activity() = to_proto(version);
  if (request.dry_run()) return response;
  versions.push_back(version);
  v1::Shared shared;
  shared.set_event("registered");
  shared.set_purpose(version.purpose);
  shared.set_document(encode({version}));
  Commit commit;
  commit.preconditions.push_back({key, before});
  commit.changes.push_back({key, encode(versions)});
  auto entry = make_entry(backend, caller, provenance::EntryKind::activity, std::move(shared));
  v1::Internal internal;
  internal.set_activity(version.id);
  internal.set_person(caller.person);
  entry.internal = internal.SerializeAsString();
  commit.entries.push_back(std::move(entry));
  SLUIS_TRY(const auto receipt, backend.commits.commit_and_wait(std::move(commit)));
  response.set_entry(receipt.first_entry);
  return response;
}

Result<v1::ListActivitiesResponse> list(const Backend& backend, const v1::ListActivitiesRequest& request) {
  SLUIS_TRY(const auto after, catalog::read_page_token(request.page_token()));
  v1::ListActivitiesResponse response;
  const std::size_t wanted = page_size(request.page_size());
  std::optional<Error> failed;
  std::string last;
  std::size_t taken = 0;
  const std::string from = after.empty() ? std::string(kActivityPrefix) : activity_key(after) + '\0';
  SLUIS_CHECK(backend.store.scan(kActivityPrefix, from, [&](std::string_view key, std::string_view value) {
    if (taken == wanted) {
      response.set_next_page_token(catalog::page_token(last));
      return false;
    }
    const auto versions = decode_activity(value);
    if (!versions) {
      failed = versions.error();
      return false;
    }
    const std::size_t first = request.all_versions() ? 0 : versions->size() - 1;
    for (std::size_t i = first; i < versions->size(); ++i) *response.add_activities() = to_proto((*versions)[i]);
    last = key.substr(kActivityPrefix.size());
    ++taken;
    return true;
  }));
  if (failed) return *failed;
  return response;
}

std::string short_name(const std::string& iri) {
  const auto at = iri.find_last_of("#/");
  return at == std::string::npos ? iri : iri.substr(at + 1);
}

Result<v1::ListPurposesResponse> list_purposes(const Backend& backend, const v1::ListPurposesRequest& request) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const auto after, catalog::read_page_token(request.page_token()));
  v1::ListPurposesResponse response;
  response.set_hash(to_hex(crypto::sha256(vocabulary->canonical_text())));
  const std::size_t wanted = page_size(request.page_size());
  bool skipping = !after.empty();
  std::string last;
  for (std::size_t i = 0; i < vocabulary->size(); ++i) {
    const auto& term = vocabulary->term(static_cast<policy::PurposeIndex>(i));
    if (skipping) {
      skipping = term.iri != after;
      continue;
    }
    const auto& text = request.text();
    if (!text.empty() && term.iri.find(text) == std::string::npos && term.label_en.find(text) == std::string::npos &&
        term.label_nl.find(text) == std::string::npos) {
      continue;
    }
    if (static_cast<std::size_t>(response.purposes_size()) == wanted) {
      response.set_next_page_token(catalog::page_token(last));
      break;
    }
    last = term.iri;
    auto* added = response.add_purposes();
    added->set_iri(term.iri);
    added->set_name(short_name(term.iri));
    added->set_label(term.label_en);
    for (const auto parent : term.parents) added->add_parents(vocabulary->term(parent).iri);
  }
  return response;
}

Result<v1::PublishPurposesResponse> publish_purposes(const Backend& backend,
                                                     const v1::PublishPurposesRequest& request, const Caller& caller) {
  if (!backend.publish_purposes) return not_here("way to publish purposes");
  const std::string file = request.file().empty() ? "purposes.tsv" : request.file();
  SLUIS_TRY(const auto taken, backend.publish_purposes(request.text(), file, request.dry_run(), caller.person));
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  v1::PublishPurposesResponse response;
  response.set_hash(to_hex(crypto::sha256(vocabulary->canonical_text())));
  response.set_purposes(static_cast<std::uint32_t>(vocabulary->size()));
  response.set_dry_run(request.dry_run());
  response.set_unchanged(taken.unchanged);
  response.set_entry(taken.entry);
  return response;
}

}  // namespace

void add_registers(Methods& methods, Backend& backend) {
  methods.add<v1::PublishActivityRequest, v1::PublishActivityResponse>(
      "ActivityService.Publish", [&backend](const auto& request, const Caller& caller) {
        return publish(backend, request, caller);
      });
  methods.add<v1::ListActivitiesRequest, v1::ListActivitiesResponse>(
      "ActivityService.List", [&backend](const auto& request, const Caller&) { return list(backend, request); });
  methods.add<v1::ListPurposesRequest, v1::ListPurposesResponse>(
      "PurposeService.List",
      [&backend](const auto& request, const Caller&) { return list_purposes(backend, request); });
  methods.add<v1::PublishPurposesRequest, v1::PublishPurposesResponse>(
      "PurposeService.Publish",
      [&backend](const auto& request, const Caller& caller) { return publish_purposes(backend, request, caller); });
}

}  // namespace sluis::management
