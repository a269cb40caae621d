#pragma once

#include "catalog/dataset.hpp"
#include "connector/storage/commit_port.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <set>

namespace sluis::catalog {

/// A dataset as the store has it.
struct PublishedDataset {
  Dataset dataset;
  std::uint64_t version = 0;  ///< from 1
  Timestamp published{};
  std::optional<Timestamp> retracted;
};

/// An offer that was ever published; it never changes.
struct PublishedOffer {
  json::Value offer;
  Hash hash{};
  DatasetId dataset;
  std::uint64_t version = 0;  ///< of the dataset, at its first publication
};

struct DatasetPage {
  std::vector<PublishedDataset> datasets;
  std::string next;  ///< token of the next page; empty: the last
};

/// Datasets and offers in the store. It writes nothing: `publish` and `retract` make a commit for the caller's
/// CommitPort. Thread-safe.
///   dataset/<id>              newest version         dataset-version/<id>/<n, 8 digits>   each version
///   offer/<hash, hex>         offer and dataset      offer-id/<offer id>                  its hash, in hex
class Catalog {
 public:
  using VocabularySource = std::function<std::shared_ptr<const policy::Vocabulary>()>;

  Catalog(const storage::Reader& store, VocabularySource vocabulary)
      : store_(store), vocabulary_(std::move(vocabulary)) {}
  /// For who never publishes purposes.
  Catalog(const storage::Reader& store, std::shared_ptr<const policy::Vocabulary> vocabulary)
      : store_(store), vocabulary_([fixed = std::move(vocabulary)] { return fixed; }) {}

  /// The commit has one entry of that kind, whose policy digest is the offer's hash and whose payload is public:
  /// `{"dataset", "offer", "version"}`, canonical. conflict: just this is published already, or the offer's id or hash
  /// belongs to another offer or dataset. Fails at commit with conflict if somebody published in between.
  Result<Commit> publish(const Dataset& dataset, std::uint8_t entry_kind, Timestamp now) const;
  /// not_found; invalid_state: retracted already. Agreements that stand are not touched.
  Result<Commit> retract(const DatasetId& id, std::uint8_t entry_kind, Timestamp now) const;

  /// In the order of ids, retracted ones too. `page` as an earlier page gave it, or empty. invalid_argument: no token.
  Result<DatasetPage> list(std::string_view page, std::size_t limit) const;
  /// The newest version, retracted or not; or that version. not_found.
  Result<PublishedDataset> show(const DatasetId& id, std::optional<std::uint64_t> version = {}) const;
  /// not_found.
  Result<PublishedOffer> offer_by_hash(const Hash& hash) const;
  Result<PublishedOffer> find_offer(const OfferId& id) const;
  /// Whether a dataset may be served now. It is not while it is retracted, its assessment is over, or something that it is made
  /// from is so or has other terms than when its own were made.
  struct Standing {
    std::string forbidden;  ///< why; empty: it may
    Timestamp until{};      ///< when the first of the assessments ends
  };
  Result<Standing> standing(const PublishedDataset& published, Timestamp now) const;
  /// The same, where what cannot be read is not on offer.
  bool on_offer(const PublishedDataset& published, Timestamp now) const;
  /// For DatasetContext: a dataset that others can be made from now. not_found, invalid_state.
  Result<Dataset> source(const DatasetId& id, Timestamp now) const;
  /// The dataset, when this is its newest offer and it is on offer now. not_found, else invalid_state with the reason.
  Result<PublishedDataset> current(const Hash& offer, Timestamp now) const;

  /// Visits datasets with id > `after` in order, until `visit` returns false.
  Result<void> each(std::string_view after, const std::function<bool(PublishedDataset&&)>& visit) const;
  /// The purposes in force.
  std::shared_ptr<const policy::Vocabulary> vocabulary() const { return vocabulary_(); }

 private:
  Result<Standing> standing(const PublishedDataset& published, Timestamp now, std::set<std::string>& seen) const;

  /// A newest version, read once as long as its bytes stay the same.
  Result<PublishedDataset> read(std::string_view key, std::string_view bytes) const;

  struct AsRead {
    std::string bytes;
    PublishedDataset published;
  };

  const storage::Reader& store_;
  VocabularySource vocabulary_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<const AsRead>, std::less<>> read_;
};

/// Tokens of pages: opaque to callers.
std::string page_token(std::string_view last_id);
Result<std::string> read_page_token(std::string_view token);

}  // namespace sluis::catalog
