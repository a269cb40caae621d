#include "connector/crypto/crypto.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"
#include "sluis/v1/register.pb.h"

namespace sluis::management {
namespace {

std::string short_name(const std::string& iri) {
  const auto at = iri.find_last_of("#/");
  return at == std::string::npos ? iri : iri.substr(at + 1);
}

Result<v1::ListPurposesResponse> list_purposes(const Backend& backend, const v1::ListPurposesRequest& request) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const auto after, catalog::read_page_token(request.page_token()));
  v1::ListPurposesResponse response;
  const Hash hash = crypto::sha256(vocabulary->canonical_text());
  response.set_hash(to_hex(hash));
  if (backend.purposes_decided_by) {
    SLUIS_TRY(const auto by, backend.purposes_decided_by(hash, backend.clock.now()));
    if (by) *response.mutable_decided_by() = to_proto(*by);
  }
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
    added->set_label_nl(term.label_nl);
    for (const auto parent : term.parents) added->add_parents(vocabulary->term(parent).iri);
  }
  return response;
}

Result<v1::PublishPurposesResponse> publish_purposes(const Backend& backend,
                                                     const v1::PublishPurposesRequest& request, const Caller& caller) {
  if (!backend.publish_purposes) return not_here("way to publish purposes");
  const std::string file = request.file().empty() ? "purposes.tsv" : request.file();
  PublishedBy by{caller.person, {}};
  SLUIS_TRY(by.decided_by, read_decided_by(request.decided_by()));
  SLUIS_TRY(const auto taken, backend.publish_purposes(request.text(), file, request.dry_run(), by));
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

void add_purposes(Methods& methods, Backend& backend) {
  methods.add<v1::ListPurposesRequest, v1::ListPurposesResponse>(
      "PurposeService.List",
      [&backend](const auto& request, const Caller&) { return list_purposes(backend, request); });
  methods.add<v1::PublishPurposesRequest, v1::PublishPurposesResponse>(
      "PurposeService.Publish",
      [&backend](const auto& request, const Caller& caller) { return publish_purposes(backend, request, caller); });
}

}  // namespace sluis::management
