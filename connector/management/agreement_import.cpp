#include "connector/management/agreement_import.hpp"

#include "catalog/offer.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/toml.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/entries.hpp"
#include "connector/management/handlers.hpp"
#include "connector/management/known_names.hpp"
#include "connector/management/publication.hpp"
#include "connector/outbox/keys.hpp"
#include "connector/outbox/outcome.hpp"

#include <fmt/core.h>

namespace sluis::management {
namespace {

constexpr std::chrono::days kWaits{7};  ///< for the second person

/// Who asked for an import. Stored as JSON at `agreement-import/<agreement id>` until a second person confirms it.
struct Asked {
  Hash file{};  ///< SHA-256 of the file's text, and
  Hash agreement{};  ///< of the agreement that it meant then: parties, dataset, terms
  std::string person;
  std::string role;
  Timestamp when;
};

std::string asked_key(const AgreementId& id) { return "agreement-import/" + outbox::key_part(id.str()); }

std::string encode(const Asked& asked) {
  return json::serialise(json::object(
      {{"file", to_hex(asked.file)}, {"agreement", to_hex(asked.agreement)}, {"person", asked.person}, {"role", asked.role}, {"when", outbox::time_value(asked.when)}}));
}

Result<Asked> decode_asked(std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  Asked asked;
  SLUIS_TRY(const std::optional<Hash> file, outbox::optional_hash(value, "file"));
  if (!file) return Error(ErrorCode::corruption, "a stored import has no readable `file`");
  asked.file = *file;
  SLUIS_TRY(const std::optional<Hash> agreement, outbox::optional_hash(value, "agreement"));
  if (!agreement) return Error(ErrorCode::corruption, "a stored import has no readable `agreement`");
  asked.agreement = *agreement;
  SLUIS_TRY(asked.person, json::required_string(value, "person"));
  SLUIS_TRY(asked.role, json::required_string(value, "role"));
  SLUIS_TRY(asked.when, outbox::required_time(value, "when"));
  return asked;
}

Result<Hash> read_document(TomlTable& root) {
  SLUIS_TRY(const std::string hex, root.string("document"));
  const Result<std::string> bytes = from_hex(hex);
  const Result<Hash> hash = bytes ? to_hash(*bytes) : Result<Hash>(bytes.error());
  if (!hash) return root.refused("document", "this is not the SHA-256 of what was signed").mended_by("write the 64 digits that `sha256sum` prints");
  return hash;
}

Result<json::Value> read_terms(TomlTable& root) {
  SLUIS_TRY(const std::string text, root.string("terms"));
  Result<json::Value> terms = json::parse(text);
  if (!terms) return root.refused("terms", "these are not terms in JSON: " + describe(terms.error()));
  if (!terms->if_object()) return root.refused("terms", "terms are an object").mended_by(R"(write { "permission": [ … ] })");
  for (const std::string_view key : {"@id", "@type", "target", "assigner", "assignee", "timestamp"}) {
    if (terms->find(key)) return root.refused("terms", fmt::format("`{}` does not belong to the terms: it follows from the other keys", key));
  }
  return terms;
}

/// An error about the terms, with their place in the file beside its own in them.
Error in_terms(Error error, const AgreementFile& from) {
  if (error.code != ErrorCode::invalid_argument) return error;
  std::string pointer = std::move(error.place.pointer);
  error.place = from.terms_at;
  error.place.pointer = std::move(pointer);
  return error;
}

/// As a publication is checked. What was promised on paper, which this node keeps no more than paper does, was promised all the same.
Result<void> check_given(const Backend& backend, const catalog::CompiledOffer& terms, const AgreementFile& from,
                         const std::shared_ptr<const policy::Vocabulary>& vocabulary) {
  SLUIS_TRY(const auto published, backend.catalog.show(from.dataset));
  const Timestamp now = backend.clock.now();
  SLUIS_CHECK(check_own_terms(terms.policy, published.dataset, dataset_context(backend, vocabulary).situations, backend.directory, backend.store, vocabulary, now));
  return check_permits(findings_of(terms, now, policy::Language::english));
}

/// What both would hold if they had negotiated it. The terms must be such that this node can decide by them.
Result<negotiation::AgreementRecord> record_of(const Backend& backend, const AgreementFile& from) {
  negotiation::AgreementRecord record;
  record.id = from.id;
  record.role = from.role;
  SLUIS_TRY(record.peer, find_party(backend.directory, from.party));
  if (record.peer == backend.self) {
    return Error(ErrorCode::invalid_argument, "the other party is this node itself").at_pointer("/party");
  }
  record.dataset = from.dataset;
  record.timestamp = from.agreed;
  record.imported = from.imported;
  if (from.agreed > backend.clock.now()) {
    return Error(ErrorCode::invalid_argument, "the agreement is of a time that has not come").at_pointer("/agreed");
  }
  const bool provider = from.role == negotiation::Role::provider;
  if (provider) SLUIS_CHECK(backend.catalog.show(from.dataset));  // before anything is said of the terms
  json::Value offer = from.terms;
  offer.set("@id", from.id.str());
  offer.set("@type", "Offer");
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  const auto compiled = catalog::compile_offer(offer, vocabulary);
  if (!compiled) return in_terms(compiled.error(), from);
  if (provider) {
    const auto good = check_given(backend, *compiled, from, vocabulary);
    if (!good) return in_terms(good.error(), from);
  }
  const ParticipantId& owner = provider ? backend.self : record.peer;
  const ParticipantId& user = provider ? record.peer : backend.self;
  SLUIS_TRY(const negotiation::NormalOffer normal, negotiation::normalise_offer(offer, from.dataset, owner, user));
  record.offer_hash = normal.hash;
  record.agreement = negotiation::make_agreement(normal, from.id, from.dataset, owner, user, from.agreed);
  SLUIS_TRY(const std::string canonical, json::canonical(record.agreement));
  record.agreement_hash = crypto::sha256(canonical);
  return record;
}

Commit ask(const Backend& backend, const Caller& caller, const negotiation::AgreementRecord& record, const Hash& file,
           const std::optional<std::string>& before) {
  v1::Shared shared;
  shared.set_event("imported.asked");
  shared.set_counterparty(record.peer.str());
  shared.set_dataset(record.dataset.str());
  shared.set_agreement(record.id.str());
  shared.set_agreement_hash(std::string(view(record.agreement_hash)));
  shared.set_offer_hash(std::string(view(record.offer_hash)));
  shared.set_document(json::serialise(negotiation::to_json(*record.imported)));
  Commit commit;
  commit.preconditions.push_back({asked_key(record.id), before});
  commit.changes.push_back({asked_key(record.id), encode({file, record.agreement_hash, caller.person, role_name(caller.role), backend.clock.now()})});
  commit.entries.push_back(make_entry(backend, caller, provenance::EntryKind::agreement, std::move(shared), record.offer_hash));
  return commit;
}

}  // namespace

Result<AgreementFile> parse_agreement_file(const std::string& text, const std::string& file) {
  SLUIS_TRY(TomlTable root, TomlTable::parse(text, file));
  AgreementFile out;
  SLUIS_TRY(const std::string id, root.string("id"));
  if (id.size() > limits::kIdBytes) return root.refused("id", "an id has at most 512 bytes");
  out.id = AgreementId(id);
  SLUIS_TRY(const std::string role, root.string("role"));
  if (role != "provider" && role != "consumer") return root.refused("role", fmt::format("`{}` is neither `provider` nor `consumer`", role));
  out.role = role == "provider" ? negotiation::Role::provider : negotiation::Role::consumer;
  SLUIS_TRY(out.party, root.string("party"));
  SLUIS_TRY(const std::string dataset, root.string("dataset"));
  out.dataset = DatasetId(dataset);
  SLUIS_TRY(out.agreed, root.time("agreed"));
  SLUIS_TRY(out.imported.basis, root.string("basis"));
  if (out.imported.basis.size() > limits::kReasonBytes) return root.refused("basis", "say in short what was concluded, where and by whom");
  SLUIS_TRY(out.imported.document, read_document(root));
  SLUIS_TRY(const std::optional<std::string> address, root.optional_string("address"));
  out.address = address.value_or("");
  SLUIS_TRY(out.terms, read_terms(root));
  out.terms_at = root.place("terms");
  SLUIS_CHECK(root.finish());
  return out;
}

/// Two persons of two roles: whoever opens data to another party by a paper is not alone in it. The first call of a file asks, the same
/// file from the second confirms.
Result<v1::ImportAgreementResponse> import_agreement(Backend& backend, const v1::ImportAgreementRequest& request, const Caller& caller) {
  if (request.toml().size() > limits::kTomlBytes) {
    return Error(ErrorCode::limit_exceeded, fmt::format("the file is larger than {} bytes", limits::kTomlBytes));
  }
  SLUIS_TRY(const AgreementFile from, parse_agreement_file(request.toml(), request.file().empty() ? "agreement.toml" : request.file()));
  SLUIS_TRY(negotiation::AgreementRecord record, record_of(backend, from));
  SLUIS_TRY(record.peer_url, dsp_of(backend, record.peer, from.address));
  if (backend.negotiations.agreement(record.id)) {
    return Error(ErrorCode::conflict, fmt::format("there is an agreement `{}` already", record.id.str()));
  }
  const Hash file = crypto::sha256(request.toml());
  SLUIS_TRY(const std::optional<std::string> before, backend.store.get(asked_key(record.id)));
  std::optional<Asked> asked;
  if (before) {
    SLUIS_TRY(Asked read, decode_asked(*before));
    const bool same = read.file == file && read.agreement == record.agreement_hash;  // a name may be another party's by now
    if (same && read.when + kWaits > backend.clock.now()) asked = std::move(read);
  }
  v1::ImportAgreementResponse response;
  response.set_dry_run(request.dry_run());
  response.set_waits(!asked.has_value());
  if (!asked) {
    if (!request.dry_run()) SLUIS_CHECK(backend.commits.commit_and_wait(ask(backend, caller, record, file, before)));
  } else {
    if (asked->person == caller.person || asked->role == role_name(caller.role)) {
      return Error(ErrorCode::permission_denied,
                   fmt::format("`{}` asked for this import as {}: it takes a second person in another role", asked->person, asked->role))
          .mended_by("a steward and a privacy officer each import the same file");
    }
    Commit commit;
    commit.preconditions.push_back({asked_key(record.id), before});
    commit.changes.push_back({asked_key(record.id), std::nullopt});
    if (!request.dry_run()) {
      SLUIS_TRY(record, backend.negotiations.import(std::move(record), caller.person, std::move(commit)));
    }
  }
  *response.mutable_agreement() = to_proto(record, backend.self, true);
  if (!asked || request.dry_run()) response.mutable_agreement()->clear_state();  // it does not hold
  return response;
}

}  // namespace sluis::management
