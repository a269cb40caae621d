#include "catalog/catalog.hpp"

#include "catalog/keys.hpp"
#include "catalog/offer.hpp"
#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/storage/hold.hpp"

#include <algorithm>

namespace sluis::catalog {
namespace {

constexpr std::size_t kDatasetTomlBytes = 256U << 10U;
constexpr std::size_t kKeptRead = 1024;  // then it begins anew

std::string version_key(const DatasetId& id, std::uint64_t version) {
  std::string digits = std::to_string(version);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return "dataset-version/" + id.str() + "/" + digits;
}

std::string offer_key(const Hash& hash) { return "offer/" + to_hex(hash); }
std::string offer_id_key(const OfferId& id) { return "offer-id/" + id.str(); }

Error corrupt(std::string_view key) {
  return Error(ErrorCode::corruption, "the record `" + std::string(key.substr(0, 200)) + "` cannot be read");
}

Error unknown_dataset(const DatasetId& id) {
  return Error(ErrorCode::not_found, "no dataset `" + id.str().substr(0, 200) + "`");
}

std::string encode(const PublishedDataset& published) {
  json::Value value = json::object({{"version", json::Value(published.version)},
                                    {"published", json::Value(format_time(published.published))},
                                    {"offer", published.dataset.offer},
                                    {"toml", json::Value(published.dataset.toml)}});
  if (published.retracted) value.set("retracted", json::Value(format_time(*published.retracted)));
  if (!published.dataset.made_from.empty()) {
    json::Array offers;
    for (const MadeFrom& from : published.dataset.made_from) offers.emplace_back(to_hex(from.offer_hash));
    value.set("made_from", json::Value(std::move(offers)));
  }
  return json::serialise(value);
}

Result<PublishedDataset> read_record(std::string_view bytes) {
  SLUIS_TRY(const auto value, json::parse(bytes));
  const json::Value* version = value.find("version");
  const json::Value* offer = value.find("offer");
  if (version == nullptr || version->if_number() == nullptr || offer == nullptr) {
    return Error(ErrorCode::corruption, "members are missing");
  }
  PublishedDataset published;
  SLUIS_TRY(const auto number, json::to_integer(*version->if_number()));
  published.version = static_cast<std::uint64_t>(number);
  SLUIS_TRY(const auto toml, json::required_string(value, "toml"));
  SLUIS_TRY(published.dataset, reread_dataset(toml, *offer));
  SLUIS_TRY(const auto at, json::required_string(value, "published"));
  SLUIS_TRY(published.published, parse_time(at));
  const json::Value* offers = value.find("made_from");
  auto& made_from = published.dataset.made_from;
  const json::Array* hashes = offers == nullptr ? nullptr : offers->if_array();
  if (made_from.size() != (hashes == nullptr ? 0 : hashes->size())) return Error(ErrorCode::corruption, "its sources are missing");
  for (std::size_t i = 0; i < made_from.size(); ++i) {
    const std::string* text = (*hashes)[i].if_string();
    SLUIS_TRY(const std::string raw, from_hex(text == nullptr ? "" : *text));
    SLUIS_TRY(made_from[i].offer_hash, to_hash(raw));
  }
  SLUIS_TRY(const auto retracted, json::optional_string(value, "retracted"));
  if (retracted) {
    SLUIS_TRY(published.retracted, parse_time(*retracted));
  }
  return published;
}

Result<PublishedDataset> decode(std::string_view key, std::string_view bytes) {
  auto published = read_record(bytes);
  if (!published) return corrupt(key).mended_by(describe(published.error()));
  return published;
}

Result<PublishedOffer> decode_offer(std::string_view key, std::string_view bytes, const Hash& hash) {
  const auto value = json::parse(bytes);
  const json::Value* offer = value ? value->find("offer") : nullptr;
  const json::Value* version = value ? value->find("version") : nullptr;
  const auto dataset = value ? json::required_string(*value, "dataset") : Result<std::string>(std::string());
  if (offer == nullptr || version == nullptr || version->if_number() == nullptr || !dataset) return corrupt(key);
  const auto number = json::to_integer(*version->if_number());
  const auto found = offer_hash(*offer);
  if (!number || !found || *found != hash) return corrupt(key);
  return PublishedOffer{*offer, hash, DatasetId(*dataset), static_cast<std::uint64_t>(*number)};
}

EntryDraft entry(std::uint8_t kind, const Hash& offer, std::string shared) {
  EntryDraft draft;
  draft.kind = kind;
  draft.policy_digest = offer;
  draft.shared = std::move(shared);
  return draft;
}

Error taken(std::string_view id) {
  return Error(ErrorCode::conflict, "the offer id `" + std::string(id.substr(0, 200)) + "` belongs to another offer")
      .mended_by("an offer never changes: give the new one another `@id`");
}

}  // namespace

std::string page_token(std::string_view last_id) { return to_base64url(last_id); }

Result<std::string> read_page_token(std::string_view token) {
  auto id = from_base64url(token);
  if (!id || id->size() > limits::kIdBytes) {
    return Error(ErrorCode::invalid_argument, "this is no page of the catalogue");
  }
  return std::move(*id);
}

Result<Commit> Catalog::publish(const Dataset& dataset, std::uint8_t entry_kind, Timestamp now) const {
  if (dataset.toml.size() > kDatasetTomlBytes) return Error(ErrorCode::limit_exceeded, "the dataset file is too long");
  SLUIS_TRY(const auto offer_id, json::required_string(dataset.offer, "@id", "/offer"));
  const std::string key = dataset_key(dataset.id);
  SLUIS_TRY(const auto held, store_.get(key));
  PublishedDataset published{dataset, 1, now, std::nullopt};
  if (held) {
    SLUIS_TRY(const PublishedDataset before, decode(key, *held));
    SLUIS_TRY(const std::optional<Timestamp> unconfirmed, storage::held_since(store_, key));  // published again it is confirmed
    if (!before.retracted && !unconfirmed && before.dataset.toml == dataset.toml && before.dataset.offer_hash == dataset.offer_hash) {
      return Error(ErrorCode::conflict, "`" + dataset.id.str() + "` is published already, unchanged, as version " +
                                            std::to_string(before.version));
    }
    published.version = before.version + 1;
  }
  const std::string hash_key = offer_key(dataset.offer_hash);
  SLUIS_TRY(const auto same_hash, store_.get(hash_key));
  SLUIS_TRY(const auto same_id, store_.get(offer_id_key(OfferId(offer_id))));
  if (same_id && *same_id != to_hex(dataset.offer_hash)) return taken(offer_id);
  if (same_hash) {
    SLUIS_TRY(const PublishedOffer other, decode_offer(hash_key, *same_hash, dataset.offer_hash));
    if (other.dataset != dataset.id) return taken(offer_id);
  }
  SLUIS_TRY(std::string shared, json::canonical(json::object({{"dataset", public_json(dataset)},
                                                              {"offer", dataset.offer},
                                                              {"version", json::Value(published.version)}})));
  if (shared.size() > limits::kEntryPayloadBytes) {
    return Error(ErrorCode::limit_exceeded, "the description and offer are too long to record");
  }
  const std::string record = encode(published);
  Commit commit;
  commit.id = "publish/" + to_hex(crypto::sha256(key + '\n' + record));
  commit.preconditions = {{key, held}, {hash_key, same_hash}, {offer_id_key(OfferId(offer_id)), same_id}};
  commit.changes = {{key, record}, {version_key(dataset.id, published.version), record}};
  if (!same_hash) {
    commit.changes.push_back(
        {hash_key, json::serialise(json::object({{"dataset", json::Value(dataset.id.str())},
                                                 {"version", json::Value(published.version)},
                                                 {"offer", dataset.offer}}))});
    commit.changes.push_back({offer_id_key(OfferId(offer_id)), to_hex(dataset.offer_hash)});
  }
  SLUIS_CHECK(storage::settle(store_, key, commit));
  commit.entries = {entry(entry_kind, dataset.offer_hash, std::move(shared))};
  return commit;
}

Result<Commit> Catalog::retract(const DatasetId& id, std::uint8_t entry_kind, Timestamp now) const {
  const std::string key = dataset_key(id);
  SLUIS_TRY(const auto held, store_.get(key));
  if (!held) return unknown_dataset(id);
  SLUIS_TRY(PublishedDataset published, decode(key, *held));
  if (published.retracted) {
    return Error(ErrorCode::invalid_state, "`" + id.str() + "` was retracted at " + format_time(*published.retracted));
  }
  published.retracted = now;
  SLUIS_TRY(std::string shared, json::canonical(json::object({{"dataset", json::Value(id.str())},
                                                              {"retracted", json::Value(format_time(now))},
                                                              {"version", json::Value(published.version)}})));
  const std::string record = encode(published);
  Commit commit;
  commit.id = "retract/" + to_hex(crypto::sha256(key + '\n' + record));
  commit.preconditions = {{key, held}};
  commit.changes = {{key, record}};
  SLUIS_CHECK(storage::settle(store_, key, commit));
  commit.entries = {entry(entry_kind, published.dataset.offer_hash, std::move(shared))};
  return commit;
}

Result<void> Catalog::each(std::string_view after, const std::function<bool(PublishedDataset&&)>& visit) const {
  std::string from(kDatasetPrefix);
  from += after;
  if (!after.empty()) from += '\0';
  std::optional<Error> failure;
  SLUIS_CHECK(store_.scan(kDatasetPrefix, from, [&](std::string_view key, std::string_view bytes) {
    auto published = read(key, bytes);
    if (!published) {
      failure = std::move(published).error();
      return false;
    }
    return visit(std::move(*published));
  }));
  if (failure) return std::move(*failure);
  return {};
}

Result<DatasetPage> Catalog::list(std::string_view page, std::size_t limit) const {
  SLUIS_TRY(const std::string after, read_page_token(page));
  limit = std::clamp<std::size_t>(limit, 1, limits::kPageMax);
  DatasetPage found;
  SLUIS_CHECK(each(after, [&](PublishedDataset&& one) {
    if (found.datasets.size() == limit) {
      found.next = page_token(found.datasets.back().dataset.id.str());
      return false;
    }
    found.datasets.push_back(std::move(one));
    return true;
  }));
  return found;
}

Result<PublishedDataset> Catalog::show(const DatasetId& id, std::optional<std::uint64_t> version) const {
  const std::string key = version ? version_key(id, *version) : dataset_key(id);
  SLUIS_TRY(const auto held, store_.get(key));
  if (!held) return unknown_dataset(id);
  return version ? decode(key, *held) : read(key, *held);
}

Result<PublishedDataset> Catalog::read(std::string_view key, std::string_view bytes) const {
  std::shared_ptr<const AsRead> held;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = read_.find(key); found != read_.end()) held = found->second;
  }
  if (held && held->bytes == bytes) return held->published;
  SLUIS_TRY(PublishedDataset published, decode(key, bytes));
  held = std::make_shared<const AsRead>(AsRead{std::string(bytes), published});
  const std::lock_guard lock(mutex_);
  if (read_.size() >= kKeptRead) read_.clear();
  read_.insert_or_assign(std::string(key), std::move(held));
  return published;
}

Result<PublishedOffer> Catalog::offer_by_hash(const Hash& hash) const {
  const std::string key = offer_key(hash);
  SLUIS_TRY(const auto held, store_.get(key));
  if (!held) return Error(ErrorCode::not_found, "no offer `" + to_hex(hash) + "`");
  return decode_offer(key, *held, hash);
}

Result<PublishedOffer> Catalog::find_offer(const OfferId& id) const {
  const std::string key = offer_id_key(id);
  SLUIS_TRY(const auto held, store_.get(key));
  if (!held) return Error(ErrorCode::not_found, "no offer `" + id.str().substr(0, 200) + "`");
  const auto bytes = from_hex(*held);
  if (!bytes || bytes->size() != 32) return corrupt(key);
  SLUIS_TRY(const Hash hash, to_hash(*bytes));
  return offer_by_hash(hash);
}

Result<Catalog::Standing> Catalog::standing(const PublishedDataset& published, Timestamp now, std::set<std::string>& seen) const {
  const Dataset& dataset = published.dataset;
  Standing made{{}, dataset.assessment.until};
  if (published.retracted) made.forbidden = "it is retracted";
  else if (const auto why = suspended(dataset, now)) made.forbidden = why->message;
  SLUIS_TRY(const std::optional<Timestamp> held, storage::held_since(store_, dataset_key(dataset.id)));
  if (held && made.forbidden.empty()) made.forbidden = "it is held " + storage::told(*held) + " until a person confirms it or takes it off";
  for (const MadeFrom& from : dataset.made_from) {
    if (!made.forbidden.empty()) break;
    const auto source = show(from.id);
    if (!source && source.error().code != ErrorCode::not_found) return source.error();
    const std::string named = "`" + from.id.str() + "`, which it is made from: ";
    if (!source) {
      made.forbidden = named + "it is not there any more";
    } else if (source->dataset.offer_hash != from.offer_hash) {
      made.forbidden = named + "it has other terms now, so this has to be published anew";
    } else if (seen.insert(from.id.str()).second) {  // what was looked into before stands, or this was over by then
      SLUIS_TRY(const Standing further, standing(*source, now, seen));
      if (!further.forbidden.empty()) made.forbidden = named + further.forbidden;
      made.until = std::min(made.until, further.until);
    }
  }
  return made;
}

Result<Catalog::Standing> Catalog::standing(const PublishedDataset& published, Timestamp now) const {
  std::set<std::string> seen;
  return standing(published, now, seen);
}

bool Catalog::on_offer(const PublishedDataset& published, Timestamp now) const {
  const auto found = standing(published, now);
  return found && found->forbidden.empty();
}

Result<Dataset> Catalog::source(const DatasetId& id, Timestamp now) const {
  SLUIS_TRY(PublishedDataset found, show(id));
  SLUIS_TRY(const Standing how, standing(found, now));
  if (!how.forbidden.empty()) return Error(ErrorCode::invalid_state, "`" + id.str() + "` is not on offer: " + how.forbidden);
  return std::move(found.dataset);
}

Result<PublishedDataset> Catalog::current(const Hash& offer, Timestamp now) const {
  SLUIS_TRY(const PublishedOffer published, offer_by_hash(offer));
  SLUIS_TRY(PublishedDataset dataset, show(published.dataset));
  if (dataset.retracted) {
    return Error(ErrorCode::invalid_state, "`" + published.dataset.str() + "` was retracted");
  }
  if (dataset.dataset.offer_hash != offer) {
    return Error(ErrorCode::invalid_state, "`" + published.dataset.str() + "` has newer terms")
        .mended_by("fetch the catalogue again");
  }
  SLUIS_TRY(const Standing how, standing(dataset, now));
  if (!how.forbidden.empty()) return Error(ErrorCode::invalid_state, "`" + published.dataset.str() + "` is not on offer: " + how.forbidden);
  return dataset;
}

}  // namespace sluis::catalog
