#include "connector/management/convert.hpp"
#include "connector/management/entries.hpp"
#include "connector/management/handlers.hpp"
#include "connector/management/held.hpp"
#include "connector/management/publication.hpp"
#include "connector/management/terms_parts.hpp"

#include "catalog/keys.hpp"
#include "connector/base/limits.hpp"
#include "connector/storage/hold.hpp"

#include <fmt/core.h>

namespace sluis::management {
namespace {

/// Of a request to confirm: as it names them, or for `*` all that are held.
Result<std::vector<std::string>> asked_to_confirm(const Backend& backend, const v1::PublishDatasetRequest& request) {
  if (!request.toml().empty()) return Error(ErrorCode::invalid_argument, "a dataset is published, or held ones are confirmed").at_pointer("/confirm");
  if (request.confirm_size() != 1 || request.confirm(0) != "*") return std::vector<std::string>(request.confirm().begin(), request.confirm().end());
  std::vector<std::string> ids;
  SLUIS_TRY(const auto held, held_things(backend.store, HeldThing::Kind::dataset));
  for (const HeldThing& one : held) ids.push_back(one.id);
  return ids;
}

Result<Publication> confirm_one(Backend& backend, const std::string& id, bool dry_run, policy::Language language, const Caller& caller) {
  SLUIS_CHECK(require_id(id, "confirm"));
  SLUIS_TRY(const auto published, backend.catalog.show(DatasetId(id)));
  SLUIS_TRY(const auto since, storage::held_since(backend.store, catalog::dataset_key(published.dataset.id)));
  if (!since) return Error(ErrorCode::invalid_state, "`" + id + "` is not held: there is nothing to confirm");
  auto made = publish_dataset(backend, published.dataset, dry_run, language, caller);
  if (made || made.error().code != ErrorCode::invalid_argument) return made;
  // The file may be right for another day: it stays held until somebody says which.
  Error error = made.error();
  if (error.place.file.empty()) error.place = {};  // nobody gave a file
  error.mend += (error.mend.empty() ? "" : "; ") + fmt::format("it stays held: publish it with other terms, or take it off: sluis dataset retract {}", id);
  return error;
}

/// Those that are held since a recovery are published again as they are, in the name of who says that they were not changed or taken off meanwhile.
/// Each for itself: one that cannot be offered any more keeps none of the others. The error of the first, where none could be confirmed.
Result<v1::PublishDatasetResponse> confirm(Backend& backend, const v1::PublishDatasetRequest& request, policy::Language language, const Caller& caller) {
  SLUIS_TRY(const std::vector<std::string> ids, asked_to_confirm(backend, request));
  v1::PublishDatasetResponse response;
  response.set_dry_run(request.dry_run());
  if (ids.empty()) response.add_notes("nothing is held");
  bool any = ids.empty();
  std::optional<Error> first;
  for (const std::string& id : ids) {
    auto made = confirm_one(backend, id, request.dry_run(), language, caller);
    if (!made && (made.error().code == ErrorCode::storage_unavailable || made.error().code == ErrorCode::outcome_unknown)) {
      return made.error();  // of the store, not of this dataset: who asks again finds those confirmed that are
    }
    if (!made) {
      response.add_not_confirmed(id);
      response.add_notes("not confirmed: `" + id + "`: " + describe(made.error()));
      if (!first) first = made.error();
      continue;
    }
    any = true;
    response.add_notes("confirmed: `" + id + "`");
    put_findings(response, made->findings);
    for (std::string& note : made->notes) response.add_notes(std::move(note));
    response.set_entry(made->entry);
    *response.mutable_dataset() = std::move(made->dataset);
  }
  if (any) return response;
  if (ids.size() > 1) {
    first->message = "none could be confirmed";
    for (const std::string& note : response.notes()) first->message += "; " + note;
    first->place = {};
    first->mend.clear();
  }
  return *first;
}

Result<v1::PublishDatasetResponse> publish(Backend& backend, const v1::PublishDatasetRequest& request,
                                           const Caller& caller) {
  if (request.toml().size() > limits::kTomlBytes) {
    return Error(ErrorCode::limit_exceeded, fmt::format("the file is larger than {} bytes", limits::kTomlBytes));
  }
  SLUIS_TRY(const auto language, language_of(request.lang()));
  if (request.confirm_size() > 0) return confirm(backend, request, language, caller);
  const std::string file = request.file().empty() ? "dataset.toml" : request.file();
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const auto dataset,
            catalog::parse_dataset(request.toml(), file, dataset_context(backend, vocabulary)));
  SLUIS_TRY(auto made, in_file(publish_dataset(backend, dataset, request.dry_run(), language, caller), file));
  v1::PublishDatasetResponse response;
  response.set_dry_run(request.dry_run());
  put_findings(response, made.findings);
  for (std::string& note : made.notes) response.add_notes(std::move(note));
  response.set_unchanged(made.unchanged);
  response.set_entry(made.entry);
  *response.mutable_dataset() = std::move(made.dataset);
  return response;
}

Result<v1::ListDatasetsResponse> list(const Backend& backend, const v1::ListDatasetsRequest& request) {
  v1::ListDatasetsResponse response;
  std::string token = request.page_token();
  const std::size_t wanted = page_size(request.page_size());
  while (static_cast<std::size_t>(response.datasets_size()) < wanted) {
    SLUIS_TRY(const auto page,
              backend.catalog.list(token, wanted - static_cast<std::size_t>(response.datasets_size())));
    for (const auto& published : page.datasets) {
      if (published.retracted && !request.retracted()) continue;
      *response.add_datasets() = to_proto(published, false);
    }
    token = page.next;
    if (token.empty()) break;
  }
  response.set_next_page_token(token);
  return response;
}

Result<v1::RetractDatasetResponse> retract(Backend& backend, const v1::RetractDatasetRequest& request,
                                           const Caller& caller) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  const DatasetId id(request.id());
  constexpr auto kKind = provenance::EntryKind::retracted;
  SLUIS_TRY(auto commit, backend.catalog.retract(id, static_cast<std::uint8_t>(kKind), backend.clock.now()));
  SLUIS_TRY(const auto before, backend.catalog.show(id));
  v1::RetractDatasetResponse response;
  response.set_dry_run(request.dry_run());
  if (request.dry_run()) {
    *response.mutable_dataset() = to_proto(before, false);
    return response;
  }
  dress_publication(backend, caller, commit, kKind, before.dataset);
  commit.commit_class = CommitClass::revoke;
  if (!request.reason().empty() && !commit.entries.empty()) {
    v1::Internal internal;
    internal.set_person(caller.person);
    internal.set_detail(request.reason().substr(0, limits::kReasonBytes));
    commit.entries.front().internal = internal.SerializeAsString();
  }
  SLUIS_TRY(const auto receipt, commit_and_look_anew(backend, std::move(commit)));
  response.set_entry(receipt.first_entry);
  SLUIS_TRY(const auto after, backend.catalog.show(id));
  *response.mutable_dataset() = to_proto(after, false);
  return response;
}

Result<v1::ShowDatasetResponse> show(const Backend& backend, const v1::ShowDatasetRequest& request) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  SLUIS_TRY(const auto published, backend.catalog.show(DatasetId(request.id())));
  v1::ShowDatasetResponse response;
  *response.mutable_dataset() = to_proto(published, true);
  return response;
}

}  // namespace

void add_datasets(Methods& methods, Backend& backend) {
  methods.add<v1::PublishDatasetRequest, v1::PublishDatasetResponse>(
      "DatasetService.Publish", [&backend](const auto& request, const Caller& caller) {
        return publish(backend, request, caller);
      });
  methods.add<v1::ListDatasetsRequest, v1::ListDatasetsResponse>(
      "DatasetService.List", [&backend](const auto& request, const Caller&) { return list(backend, request); });
  methods.add<v1::ShowDatasetRequest, v1::ShowDatasetResponse>(
      "DatasetService.Show", [&backend](const auto& request, const Caller&) { return show(backend, request); });
  methods.add<v1::RetractDatasetRequest, v1::RetractDatasetResponse>(
      "DatasetService.Retract", [&backend](const auto& request, const Caller& caller) {
        return retract(backend, request, caller);
      });
}

}  // namespace sluis::management
