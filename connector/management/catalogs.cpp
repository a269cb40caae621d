#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"

#include <algorithm>

namespace sluis::management {
namespace {

bool evidence_of(const Backend& backend, const ParticipantId& peer) {
  const auto party = backend.directory.find(peer);
  return party && (*party)->evidence;
}

Result<v1::FetchCatalogResponse> fetch(const Backend& backend, const v1::FetchCatalogRequest& request) {
  SLUIS_TRY(const auto peer, find_party(backend.directory, request.peer()));
  if (!backend.fetch_catalog) return not_here("way to fetch catalogues");
  SLUIS_TRY(const auto fetched, backend.fetch_catalog(peer));
  v1::FetchCatalogResponse response;
  response.set_peer(peer.str());
  const bool evidence = evidence_of(backend, peer);
  for (const auto& offer : fetched.offers) {
    auto* added = response.add_datasets();
    *added = to_proto(peer, offer, evidence);
    put_time(added->mutable_fetched(), backend.clock.now());
  }
  for (const auto& refused : fetched.refused) {
    auto* added = response.add_datasets();
    added->set_peer(peer.str());
    added->set_dataset(refused.dataset.str());
    auto* offer = added->add_offers();
    offer->mutable_offer()->set_id(refused.offer_id);
    offer->set_proof(describe(refused.reason));
  }
  return response;
}

std::string folded(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

bool has_words(const catalog::RemoteOffer& offer, const std::string& text) {
  const std::string where = folded(offer.title + " " + offer.dataset.str());
  const std::string words = folded(text);
  std::size_t at = 0;
  while (at < words.size()) {
    const auto end = std::min(words.find(' ', at), words.size());
    if (where.find(words.substr(at, end - at)) == std::string::npos) return false;
    at = end + 1;
  }
  return true;
}

Result<std::vector<ParticipantId>> parties_to_search(const Backend& backend, const std::string& named) {
  std::vector<ParticipantId> peers;
  if (!named.empty()) {
    SLUIS_TRY(auto peer, find_party(backend.directory, named));
    peers.push_back(std::move(peer));
    return peers;
  }
  if (const auto list = backend.directory.list()) {
    for (const auto& party : list->parties) peers.push_back(party.participant);
  }
  return peers;
}

/// The token names the last offer of the page before.
Result<v1::SearchCatalogResponse> search(const Backend& backend, const v1::SearchCatalogRequest& request) {
  SLUIS_TRY(const auto before, catalog::read_page_token(request.page_token()));
  SLUIS_TRY(const auto peers, parties_to_search(backend, request.peer()));
  const catalog::RemoteOffers offers(backend.store);
  v1::SearchCatalogResponse response;
  const std::size_t wanted = page_size(request.page_size());
  std::string last;
  bool skipping = !before.empty();
  for (const auto& peer : peers) {
    SLUIS_TRY(const auto found, offers.list(peer));
    const bool evidence = evidence_of(backend, peer);
    for (const auto& offer : found) {
      const std::string place = peer.str() + "\n" + offer.id.str();
      if (skipping) {
        skipping = place != before;
        continue;
      }
      if (!has_words(offer, request.text())) continue;
      if (static_cast<std::size_t>(response.datasets_size()) == wanted) {
        response.set_next_page_token(catalog::page_token(last));
        return response;
      }
      last = place;
      *response.add_datasets() = to_proto(peer, offer, evidence);
    }
  }
  return response;
}

}  // namespace

void add_catalogs(Methods& methods, Backend& backend) {
  methods.add<v1::FetchCatalogRequest, v1::FetchCatalogResponse>(
      "CatalogService.Fetch", [&backend](const auto& request, const Caller&) { return fetch(backend, request); });
  methods.add<v1::SearchCatalogRequest, v1::SearchCatalogResponse>(
      "CatalogService.Search", [&backend](const auto& request, const Caller&) { return search(backend, request); });
}

}  // namespace sluis::management
