#include "catalog/remote.hpp"

#include "catalog/offer.hpp"
#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"

#include <algorithm>

namespace sluis::catalog {
namespace {

constexpr std::size_t kBytesPerCommit = limits::kCommitBytes / 2;

std::string peer_prefix(const ParticipantId& peer) {
  return "peer-offer/" + to_hex(crypto::sha256(peer.str())) + "/";
}
std::string peer_key(const ParticipantId& peer, const OfferId& offer) {
  return peer_prefix(peer) + to_hex(crypto::sha256(offer.str()));
}

Error no_catalog(std::string message, std::string pointer) {
  return Error(ErrorCode::invalid_argument, std::move(message)).at_pointer(std::move(pointer));
}

/// An array, or one object where a peer compacts an array of one.
Result<std::vector<const json::Value*>> members(const json::Value& parent, std::string_view key,
                                                const std::string& pointer) {
  std::vector<const json::Value*> list;
  const json::Value* value = parent.find(key);
  if (value == nullptr) return list;
  if (value->if_object() != nullptr) {
    list.push_back(value);
    return list;
  }
  if (value->if_array() == nullptr) {
    return no_catalog("`" + std::string(key) + "` is an array, not " + std::string(value->kind()),
                      json::pointer_to(pointer, key));
  }
  for (const json::Value& one : *value->if_array()) list.push_back(&one);
  return list;
}

/// A title in whatever form: a string, a value with language, or a list of them; English first.
std::string title_of(const json::Value& dataset) {
  const json::Value* value = dataset.find("dct:title");
  if (value == nullptr) value = dataset.find("title");
  if (value == nullptr) return {};
  const json::Array single{*value};
  const json::Array& list = value->if_array() != nullptr ? *value->if_array() : single;
  std::string title;
  for (const json::Value& one : list) {
    const json::Value* literal = one.if_object() != nullptr ? one.find("@value") : &one;
    if (literal == nullptr || literal->if_string() == nullptr) continue;
    const json::Value* language = one.find("@language");
    const bool english = language != nullptr && language->if_string() != nullptr && *language->if_string() == "en";
    if (title.empty() || english) title = *literal->if_string();
  }
  if (title.size() > limits::kIdBytes) title.clear();
  return title;
}

Result<RemoteOffer> read_offer(const DatasetId& dataset, const json::Value& value, const std::string& pointer) {
  policy::ParseOptions options;
  options.in_catalogue = true;
  options.pointer = pointer;
  SLUIS_TRY(const policy::Policy parsed, policy::parse_policy(value, options));
  if (parsed.type != policy::Policy::Type::offer) return no_catalog("this is no `Offer`", pointer);
  RemoteOffer offer;
  offer.dataset = dataset;
  offer.id = OfferId(parsed.id);
  offer.offer = value;
  offer.offer.erase("@context");
  auto hash = offer_hash(offer.offer);
  if (!hash) return Error(hash.error()).at_pointer(pointer);
  offer.hash = *hash;
  return offer;
}

std::string id_of(const json::Value& offer) {
  const json::Value* id = offer.find("@id");
  return id != nullptr && id->if_string() != nullptr ? id->if_string()->substr(0, limits::kIdBytes) : std::string();
}

void add_offer(RemoteCatalog& catalog, RemoteOffer offer) {
  for (const RemoteOffer& other : catalog.offers) {
    if (other.id != offer.id) continue;
    if (other.hash == offer.hash && other.dataset == offer.dataset) return;
    const Error reason(ErrorCode::conflict, "the id `" + offer.id.str() + "` stands for more than one offer");
    catalog.refused.push_back({offer.dataset, offer.id.str(), reason});
    return;
  }
  catalog.offers.push_back(std::move(offer));
}

Result<void> read_dataset(RemoteCatalog& catalog, const json::Value& value, const std::string& pointer) {
  if (value.if_object() == nullptr) return no_catalog("a dataset is an object", pointer);
  SLUIS_TRY(const auto id, json::required_string(value, "@id", pointer));
  if (id.empty() || id.size() > limits::kIdBytes) return no_catalog("a dataset's `@id` has a wrong length", pointer);
  const DatasetId dataset(id);
  const std::string title = title_of(value);
  SLUIS_TRY(const auto policies, members(value, "hasPolicy", pointer));
  for (std::size_t i = 0; i < policies.size(); ++i) {
    auto offer = read_offer(dataset, *policies[i], json::pointer_to(pointer + "/hasPolicy", i));
    if (!offer) {
      catalog.refused.push_back({dataset, id_of(*policies[i]), offer.error()});
      continue;
    }
    offer->title = title;
    add_offer(catalog, std::move(*offer));
  }
  return {};
}

Result<RemoteOffer> decode(std::string_view bytes) {
  SLUIS_TRY(const auto value, json::parse(bytes));
  const json::Value* offer = value.find("offer");
  if (offer == nullptr) return Error(ErrorCode::corruption, "members are missing");
  RemoteOffer read;
  SLUIS_TRY(const auto dataset, json::required_string(value, "dataset"));
  SLUIS_TRY(read.title, json::required_string(value, "title"));
  read.dataset = DatasetId(dataset);
  read.id = OfferId(id_of(*offer));
  read.offer = *offer;
  SLUIS_TRY(read.hash, offer_hash(*offer));
  return read;
}

Error corrupt(std::string_view key) {
  return Error(ErrorCode::corruption, "the record `" + std::string(key) + "` cannot be read");
}

}  // namespace

Result<RemoteCatalog> read_remote_catalog(const json::Value& value) {
  if (value.if_object() == nullptr) return no_catalog("a catalogue is an object, not " + std::string(value.kind()), "");
  SLUIS_TRY(const auto type, json::required_string(value, "@type"));
  if (type != "Catalog") return no_catalog("this is `" + type.substr(0, 200) + "`, not a `Catalog`", "/@type");
  SLUIS_TRY(const auto participant, json::required_string(value, "participantId"));
  RemoteCatalog catalog;
  catalog.participant = ParticipantId(participant);
  SLUIS_TRY(const auto datasets, members(value, "dataset", ""));
  for (std::size_t i = 0; i < datasets.size(); ++i) {
    SLUIS_CHECK(read_dataset(catalog, *datasets[i], json::pointer_to("/dataset", i)));
  }
  return catalog;
}

void require_proofs(RemoteCatalog& catalog, const ParticipantId& peer, const OfferProof& proof) {
  std::vector<RemoteOffer> proven;
  for (RemoteOffer& offer : catalog.offers) {
    auto result = proof(peer, offer);
    if (result) proven.push_back(std::move(offer));
    else catalog.refused.push_back({offer.dataset, offer.id.str(), result.error()});
  }
  catalog.offers = std::move(proven);
}

Result<std::vector<Commit>> RemoteOffers::remember(const ParticipantId& peer, const RemoteCatalog& catalog,
                                                   Timestamp now) const {
  std::vector<Commit> commits;
  std::size_t room = 0;
  for (const RemoteOffer& offer : catalog.offers) {
    std::string key = peer_key(peer, offer.id);
    SLUIS_TRY(const auto held, store_.get(key));
    if (held) {
      const auto before = decode(*held);
      if (before && before->hash == offer.hash && before->dataset == offer.dataset && before->title == offer.title) {
        continue;
      }
    }
    std::string record = json::serialise(json::object({{"dataset", json::Value(offer.dataset.str())},
                                                       {"title", json::Value(offer.title)},
                                                       {"offer", offer.offer},
                                                       {"seen", json::Value(format_time(now))}}));
    const std::size_t size = key.size() + record.size();
    if (commits.empty() || size > room) {
      commits.emplace_back();
      commits.back().commit_class = CommitClass::bulk;
      room = kBytesPerCommit;
    }
    room -= std::min(room, size);
    commits.back().changes.push_back({std::move(key), std::move(record)});
  }
  return commits;
}

Result<RemoteOffer> RemoteOffers::find(const ParticipantId& peer, const OfferId& offer) const {
  const std::string key = peer_key(peer, offer);
  SLUIS_TRY(const auto held, store_.get(key));
  if (!held) {
    return Error(ErrorCode::not_found, "no offer `" + offer.str().substr(0, 200) + "` of this peer is known")
        .mended_by("fetch its catalogue");
  }
  auto read = decode(*held);
  if (!read) return corrupt(key);
  return read;
}

Result<std::vector<RemoteOffer>> RemoteOffers::list(const ParticipantId& peer) const {
  std::vector<RemoteOffer> offers;
  const std::string prefix = peer_prefix(peer);
  std::optional<Error> failure;
  SLUIS_CHECK(store_.scan(prefix, prefix, [&](std::string_view key, std::string_view bytes) {
    auto read = decode(bytes);
    if (!read) {
      failure = corrupt(key);
      return false;
    }
    offers.push_back(std::move(*read));
    return true;
  }));
  if (failure) return std::move(*failure);
  std::sort(offers.begin(), offers.end(), [](const RemoteOffer& a, const RemoteOffer& b) {
    return std::pair(a.dataset.str(), a.id.str()) < std::pair(b.dataset.str(), b.id.str());
  });
  return offers;
}

}  // namespace sluis::catalog
