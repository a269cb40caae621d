#include "connector/node/purposes.hpp"

#include "connector/crypto/crypto.hpp"
#include "connector/json/json.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace sluis::node {
namespace {

constexpr std::string_view kVersions = "purpose-version/";
constexpr std::size_t kPublishedBytes = 40U << 10U;  ///< of a published file: an entry of the log holds it

std::string version_key(std::uint64_t version) { return fmt::format("{}{:08}", kVersions, version); }
std::string text_key(std::string_view hash) { return "purpose-text/" + std::string(hash); }
Hash hash_of(const policy::Vocabulary& vocabulary) { return crypto::sha256(vocabulary.canonical_text()); }

Error damaged(std::string_view key) {
  return Error(ErrorCode::corruption, fmt::format("the record `{}` cannot be read", key));
}

struct Stored {
  std::uint64_t version = 0;
  std::string hash;
  std::string pinned;  ///< empty: of a time before it was recorded
  Timestamp recorded;
  std::optional<catalog::DecidedBy> decided_by;
  Purposes::File published;
};

Result<Stored> read_version(std::string_view key, std::string_view bytes) {
  const auto value = json::parse(bytes);
  if (!value) return damaged(key);
  const json::Value* number = value->find("version");
  if (number == nullptr || number->if_number() == nullptr) return damaged(key);
  Stored stored;
  SLUIS_TRY(const auto version, json::to_integer(*number->if_number()));
  stored.version = static_cast<std::uint64_t>(version);
  SLUIS_TRY(stored.hash, json::required_string(*value, "hash"));
  if (value->find("pinned") != nullptr) {
    SLUIS_TRY(stored.pinned, json::required_string(*value, "pinned"));
  }
  SLUIS_TRY(const std::string recorded, json::required_string(*value, "recorded"));
  SLUIS_TRY(stored.recorded, parse_time(recorded));
  if (const json::Value* by = value->find("decidedBy")) {
    SLUIS_TRY(stored.decided_by, catalog::decided_by_from_json(*by));
  }
  SLUIS_TRY(stored.published.text, json::required_string(*value, "text"));
  SLUIS_TRY(stored.published.name, json::required_string(*value, "file"));
  return stored;
}

}  // namespace

Result<Purposes::InForce> Purposes::make(File published) const {
  policy::Vocabulary words;
  for (const File& file : configured_) {
    SLUIS_TRY(words, words.with(file.text, file.name));
  }
  SLUIS_TRY(words, words.with(published.text, published.name));
  InForce made;
  made.hash = hash_of(words);
  made.vocabulary = std::make_shared<const policy::Vocabulary>(std::move(words));
  made.published = std::move(published);
  return made;
}

Result<void> Purposes::open(std::vector<File> configured) {
  configured_ = std::move(configured);
  pinned_ = configured_.empty() ? "" : to_hex(crypto::sha256(configured_.front().text));
  std::optional<Stored> last;
  std::optional<Error> failed;
  SLUIS_CHECK(store_.scan(kVersions, kVersions, [&](std::string_view key, std::string_view value) {
    auto stored = read_version(key, value);
    if (!stored) failed = stored.error();
    else last = std::move(*stored);
    return !failed;
  }));
  if (failed) return *failed;
  SLUIS_TRY(InForce made, make(last ? last->published : File{"", "purposes"}));
  if (last) newest_ = last->version;
  const bool same_file = last && (last->pinned.empty() || last->pinned == pinned_);
  if (same_file && last->hash == to_hex(made.hash)) made.version = last->version;
  const std::lock_guard lock(mutex_);
  in_force_ = std::move(made);
  return {};
}

Result<void> Purposes::record() {
  const std::lock_guard one_at_a_time(publishing_);
  InForce found = in_force();
  if (found.version != 0) return {};
  SLUIS_CHECK(commit(found, {}));
  const std::lock_guard lock(mutex_);
  in_force_ = std::move(found);
  return {};
}

/// Durable before it is in force.
Result<CommitReceipt> Purposes::commit(InForce& next, const management::PublishedBy& by) {
  const std::uint64_t version = newest_ + 1;
  const std::string hash = to_hex(next.hash);
  std::string all;
  for (const File& file : configured_) all += file.text + "\n";
  all += next.published.text;
  auto stored = json::object({{"version", json::Value(version)},
                              {"hash", hash},
                              {"pinned", pinned_},
                              {"recorded", format_time(clock_.now())},
                              {"file", next.published.name},
                              {"text", next.published.text}});
  if (by.decided_by) stored.set("decidedBy", catalog::to_json(*by.decided_by));
  SLUIS_TRY(const std::string document, json::canonical(stored));
  Commit commit;
  commit.preconditions.push_back({version_key(version), std::nullopt});
  commit.changes.push_back({version_key(version), document});
  commit.changes.push_back({text_key(hash), all});
  commit.entries.push_back(entry_(next.hash, document, by));
  SLUIS_TRY(const CommitReceipt receipt, commits_.commit_and_wait(std::move(commit)));
  newest_ = version;
  next.version = version;
  return receipt;
}

Purposes::InForce Purposes::in_force() const {
  const std::lock_guard lock(mutex_);
  return in_force_;
}

Purposes::VocabularyPtr Purposes::current() const {
  const std::lock_guard lock(mutex_);
  return in_force_.vocabulary;
}

Hash Purposes::current_hash() const {
  const std::lock_guard lock(mutex_);
  return in_force_.hash;
}

Result<Purposes::VocabularyPtr> Purposes::by_hash(const Hash& hash) const {
  const std::string name = to_hex(hash);
  {
    const std::lock_guard lock(mutex_);
    if (hash == in_force_.hash) return in_force_.vocabulary;
    if (const auto found = parsed_.find(name); found != parsed_.end()) return found->second;
  }
  SLUIS_TRY(const std::optional<std::string> text, store_.get(text_key(name)));
  if (!text) return Error(ErrorCode::not_found, "no purposes of the hash " + name + " were ever in force here");
  const auto parsed = policy::Vocabulary::parse(*text, text_key(name));
  if (!parsed || hash_of(*parsed) != hash) return damaged(text_key(name));
  auto kept = std::make_shared<const policy::Vocabulary>(*parsed);
  const std::lock_guard lock(mutex_);
  return parsed_.emplace(name, std::move(kept)).first->second;
}

Result<Purposes::VocabularyPtr> Purposes::oldest() const {
  const std::string key = version_key(1);
  SLUIS_TRY(const std::optional<std::string> bytes, store_.get(key));
  if (!bytes) return current();
  SLUIS_TRY(const Stored stored, read_version(key, *bytes));
  const auto raw = from_hex(stored.hash);
  Hash hash{};
  if (!raw || raw->size() != hash.size()) return damaged(key);
  std::copy(raw->begin(), raw->end(), hash.begin());
  return by_hash(hash);
}

Result<management::Taken> Purposes::publish(const std::string& text, const std::string& file, bool dry_run,
                                            const management::PublishedBy& by) {
  if (text.size() > kPublishedBytes) {
    return Error(ErrorCode::limit_exceeded, fmt::format("a file of purposes has at most {} bytes", kPublishedBytes));
  }
  const std::lock_guard one_at_a_time(publishing_);
  SLUIS_TRY(InForce next, make({text, file}));
  const InForce before = in_force();
  for (std::size_t i = 0; i < before.vocabulary->size(); ++i) {
    const std::string& iri = before.vocabulary->term(static_cast<policy::PurposeIndex>(i)).iri;
    if (next.vocabulary->lookup(iri)) continue;
    return Error(ErrorCode::invalid_argument, fmt::format("the purpose `{}` is in force and is missing here", iri))
        .at({file, 0, 0, {}})
        .mended_by("a purpose that terms may name stays: add its line");
  }
  management::Taken taken;
  taken.unchanged = next.hash == before.hash && next.published.text == before.published.text;
  if (taken.unchanged && by.decided_by) {  // the same words, for which somebody else may answer now
    SLUIS_TRY(const auto named, decided_by(next.hash, clock_.now()));
    taken.unchanged = by.decided_by == named;
  }
  if (dry_run || taken.unchanged) return taken;
  SLUIS_TRY(const CommitReceipt receipt, commit(next, by));
  const std::lock_guard lock(mutex_);
  parsed_[to_hex(in_force_.hash)] = in_force_.vocabulary;
  in_force_ = std::move(next);
  taken.entry = receipt.first_entry;
  return taken;
}

Result<std::optional<catalog::DecidedBy>> Purposes::decided_by(const Hash& hash, Timestamp then) const {
  std::optional<catalog::DecidedBy> found;
  std::optional<Error> failed;
  const std::string name = to_hex(hash);
  SLUIS_CHECK(store_.scan(kVersions, kVersions, [&](std::string_view key, std::string_view bytes) {
    auto stored = read_version(key, bytes);
    if (!stored) failed = stored.error();
    else if (stored->hash == name && stored->recorded <= then) found = std::move(stored->decided_by);
    return !failed;
  }));
  if (failed) return *failed;
  return found;
}

}  // namespace sluis::node
