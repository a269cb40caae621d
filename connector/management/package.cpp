#include "connector/management/package.hpp"

#include "connector/management/audit_rows.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/entries.hpp"
#include "connector/provenance/passing.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/records/record.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace sluis::management {
namespace {

using provenance::EntryKind;
using provenance::ExportFile;

constexpr std::chrono::hours kKept{1};
constexpr std::size_t kAtOnce = 4;                    ///< packages that are fetched; the oldest goes
constexpr std::size_t kPieceBytes = 1U << 20U;
constexpr std::size_t kDocumentBytes = 16U << 20U;    ///< of all documents of one package, which stay in memory
constexpr std::uint64_t kPackageBytes = 8ULL << 30U;

ExportFile fixed(std::string name, std::string text) {
  return {std::move(name), [text = std::move(text)]() -> Result<std::string> { return text; }};
}

/// One log that goes along, and the checkpoint up to which it does.
struct Log {
  provenance::LogReader reader;
  records::PackagedLog packaged;
  std::string key;
  bool pruned = false;
};

bool holds(const records::Manifest& period, const v1::Shared& shared) {
  const Timestamp time{Duration(shared.time_us())};
  return time >= period.from && time < period.until;
}

/// Calls `visit` with each entry of these numbers whose payload is there and may go along.
Result<void> each_entry(const provenance::LogReader& log, std::uint64_t first, std::uint64_t end, const records::Manifest& period,
                        const std::function<Result<void>(const records::Entry&, const provenance::Leaf&, bool in_period)>& visit) {
  SLUIS_TRY(const std::uint64_t first_kept, log.first_kept());
  for (std::uint64_t number = std::max(first, first_kept); number < end; ++number) {
    SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_or_skip(log, number));
    if (!leaf) continue;
    const auto payload = log.payload(number);
    if (!payload && payload.error().code == ErrorCode::not_found) continue;
    if (!payload) return payload.error();
    records::Entry entry{number, static_cast<EntryKind>(leaf->kind), {}, {}};
    if (!entry.shared.ParseFromString(payload->shared) || !entry.internal.ParseFromString(payload->internal)) continue;
    const bool in_period = holds(period, entry.shared);
    if (in_period || records::is_paper(leaf->kind)) SLUIS_CHECK(visit(entry, *leaf, in_period));
  }
  return {};
}

/// Puts the files of a package together.
class Packing {
 public:
  Packing(const Backend& backend, records::Manifest& manifest) : backend_(backend), manifest_(manifest) {}

  Result<std::vector<ExportFile>> run() {
    SLUIS_CHECK(find_logs());
    SLUIS_CHECK(check_size());
    for (std::size_t i = 0; i < logs_.size(); ++i) SLUIS_CHECK(add_log(i));
    std::string keys;
    for (const Log& log : logs_) keys += log.key + "\n";
    files_.push_back(fixed(std::string(records::kPackageKeys), keys));
    files_.push_back(fixed(std::string(records::kPackagePolicy), backend_.witness_policy ? backend_.witness_policy() : "quorum none\n"));
    for (const std::string& name : documents_) SLUIS_CHECK(add_document(name));
    files_.push_back(fixed("LEESMIJ.txt", package_page(manifest_, "nl")));
    files_.push_back(fixed("README.txt", package_page(manifest_, "en")));
    std::sort(files_.begin(), files_.end(), [](const ExportFile& a, const ExportFile& b) { return a.name < b.name; });
    if (files_.size() > records::kPackageFiles) return too_large(fmt::format("{} files", files_.size()));
    return std::move(files_);
  }

 private:
  static Error too_large(const std::string& what) {
    return Error(ErrorCode::limit_exceeded, "this would be a package of " + what + ", which is too much")
        .mended_by("ask for a shorter period; a log that is too long itself, as it goes along whole, is for `audit export-log` and `audit report`");
  }
  /// Of 256 entries each: a tile, a bundle and what they say. Before anything is read.
  Result<void> check_size() const {
    std::uint64_t files = 0;
    for (const Log& log : logs_) files += 3 * (log.packaged.size / 256);
    if (files > records::kPackageFiles) return too_large(fmt::format("more than {} files", files));
    return {};
  }

  Result<void> find_logs() {
    newest_ = backend_.checkpoint ? backend_.checkpoint() : std::string();  // one for all that rests on it
    for (const provenance::Shard& shard : backend_.log.shards()) {
      const bool newest = &shard == &backend_.log.shards().back();
      const std::string note = !newest ? shard.seal : newest_;
      if (note.empty() && !newest) {  // it ended without a checkpoint: nothing can be proven of it, nor of what went before it
        logs_.clear();
        files_.clear();
        manifest_.logs.clear();
        continue;
      }
      if (note.empty()) return Error(ErrorCode::invalid_state, "nothing has been recorded yet");
      const std::string key_text = !newest ? shard.key : backend_.verifier_key ? backend_.verifier_key() : std::string();
      SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(key_text));
      SLUIS_TRY(const provenance::Checkpoint checkpoint, provenance::open_checkpoint(note, key));
      const std::string folder = records::log_folder(logs_.size()) + "/";
      files_.push_back(fixed(folder + "checkpoint", note));
      const std::string cosigned = newest && backend_.cosigned ? backend_.cosigned() : std::string();
      const auto older = provenance::open_checkpoint(cosigned, key);
      if (older && older->size <= checkpoint.size) files_.push_back(fixed(folder + provenance::kCosignedFile, cosigned));
      logs_.push_back({backend_.log.at(shard), {checkpoint.origin, shard.first, checkpoint.size}, key_text});
      SLUIS_TRY(const std::optional<provenance::Pruned> pruned, logs_.back().reader.pruned_here());
      if (pruned) {
        SLUIS_TRY(const provenance::VerifierKey newest_key, provenance::VerifierKey::parse(backend_.verifier_key()));
        SLUIS_TRY(std::string receipt, provenance::pruned_receipt(logs_.back().reader, *pruned, newest_, newest_key));
        files_.push_back(fixed(folder + provenance::kPrunedFile, std::move(receipt)));
        logs_.back().pruned = true;
      }
      manifest_.logs.push_back(logs_.back().packaged);
    }
    return {};
  }

  Result<void> add_log(std::size_t number) {
    const Log& log = logs_[number];
    const records::Manifest period{{}, {}, {}, manifest_.from, manifest_.until, {}, {}, {}, {}};
    const auto goes = [period](std::uint64_t, const provenance::Leaf& leaf, const provenance::Payload& payload) {
      v1::Shared shared;
      return records::is_paper(leaf.kind) || (shared.ParseFromString(payload.shared) && holds(period, shared));
    };
    for (ExportFile& file : provenance::export_files(log.reader, log.packaged.size, true, goes, log.pruned)) {
      files_.push_back({records::log_folder(number) + "/" + file.name, std::move(file.make)});
    }
    const std::uint64_t first = log.packaged.first;
    const std::uint64_t end = first + log.packaged.size;
    return each_entry(log.reader, first, end, period, [&](const records::Entry& entry, const provenance::Leaf& leaf, bool in_period) -> Result<void> {
      for (std::string& name : records::named_documents(leaf, entry.shared)) documents_.insert(std::move(name));
      if (const auto hash = to_hash(entry.shared.agreement_hash())) agreements_[records::document_file("agreements", *hash)] = entry.shared.agreement();
      if (std::string name = records::own_file(leaf.kind, entry.index); !name.empty()) SLUIS_CHECK(keep(std::move(name), entry.shared.document()));
      if (in_period) add_report(records::report_file(entry.index), entry.index / records::kRowsPerReport);
      return {};
    });
  }

  /// Rows of several logs may be in one file.
  void add_report(const std::string& name, std::uint64_t part) {
    if (!reports_.insert(name).second) return;
    const records::Manifest period{{}, {}, {}, manifest_.from, manifest_.until, {}, {}, {}, {}};
    std::vector<std::pair<provenance::LogReader, records::PackagedLog>> logs;
    for (const Log& log : logs_) logs.emplace_back(log.reader, log.packaged);
    files_.push_back({name, [period, logs, part]() -> Result<std::string> {
      const auto csv = records::make_csv();
      std::string text = csv->head();
      for (const auto& [reader, log] : logs) {
        const std::uint64_t first = std::max(log.first, part * records::kRowsPerReport);
        const std::uint64_t end = std::min(log.first + log.size, (part + 1) * records::kRowsPerReport);
        SLUIS_CHECK(each_entry(reader, first, end, period, [&](const records::Entry& entry, const provenance::Leaf&, bool in_period) -> Result<void> {
          if (in_period) csv->add(entry);
          return {};
        }));
      }
      return text + csv->take();
    }});
  }

  Result<void> keep(std::string name, std::string text) {
    kept_bytes_ += text.size();
    if (kept_bytes_ > kDocumentBytes) return too_large("more than 16 MiB of documents");
    files_.push_back(fixed(std::move(name), std::move(text)));
    return {};
  }

  /// As far as this node has it, and it still has the hash by which entries name it.
  Result<void> add_document(const std::string& name) {
    const std::string_view rest = std::string_view(name).substr(std::string_view("documents/").size());
    const std::string_view what = rest.substr(0, rest.find('/'));
    SLUIS_TRY(const std::string bytes, from_hex(rest.substr(what.size() + 1)));
    SLUIS_TRY(const Hash hash, to_hash(bytes));
    const auto text = document(what, hash, name);
    if (text && crypto::sha256(*text) == hash) return keep(name, *text);
    if (!text && text.error().code != ErrorCode::not_found && text.error().code != ErrorCode::invalid_state) return text.error();
    manifest_.missing.push_back(name);
    return {};
  }

  Result<std::string> document(std::string_view what, const Hash& hash, const std::string& name) const {
    if (what == "offers") {
      SLUIS_TRY(const catalog::PublishedOffer published, backend_.catalog.offer_by_hash(hash));
      return json::canonical(published.offer);
    }
    if (what == "agreements") {
      const auto id = agreements_.find(name);
      SLUIS_TRY(const auto record, backend_.negotiations.agreement(AgreementId(id == agreements_.end() ? std::string() : id->second)));
      return json::canonical(record.agreement);
    }
    if (what == "purposes") {
      if (!backend_.vocabulary_by_hash) return not_here("purposes");
      SLUIS_TRY(const auto vocabulary, backend_.vocabulary_by_hash(hash));
      return vocabulary->canonical_text();
    }
    if (!backend_.membership_list) return not_here("membership list");
    return backend_.membership_list();
  }

  const Backend& backend_;
  records::Manifest& manifest_;
  std::string newest_;  ///< checkpoint of the newest log
  std::vector<Log> logs_;
  std::vector<ExportFile> files_;
  std::set<std::string> documents_;
  std::set<std::string> reports_;
  std::map<std::string, std::string> agreements_;  ///< ids, by the file of their document
  std::size_t kept_bytes_ = 0;
};

Result<records::Manifest> begin(const Backend& backend, const v1::AuditPackageRequest& request, const Caller& caller) {
  SLUIS_CHECK(TimeSpan::read(request));
  records::Manifest manifest;
  manifest.node = backend.self.str();
  manifest.name = backend.name;
  manifest.role = role_name(caller.role);
  manifest.made = std::chrono::floor<std::chrono::seconds>(backend.clock.now());
  manifest.until = backend.clock.now();
  if (request.has_until()) {
    SLUIS_TRY(manifest.until, read_time(request.until(), "/until"));
  }
  SLUIS_TRY(const std::uint64_t entries, backend.log.entries());
  if (entries == 0) return Error(ErrorCode::invalid_state, "nothing has been recorded yet");
  SLUIS_TRY(const provenance::Leaf first, provenance::first_leaf(backend.log));
  manifest.from = std::min(manifest.until, Timestamp(std::chrono::hours(first.hours)));
  if (request.has_from()) {
    SLUIS_TRY(manifest.from, read_time(request.from(), "/from"));
  }
  return manifest;
}

}  // namespace

struct Packages::Taken {
  std::string person;
  v1::Role role;
  Timestamp made;
  std::vector<ExportFile> files;             ///< by name
  std::vector<records::PackagedFile> hashes; ///< of them, in their order
  std::mutex mutex;
  std::string newest_name;                   ///< the file that was made last: it is asked for in pieces
  std::string newest;
};

Result<v1::AuditPackageResponse> Packages::make(const v1::AuditPackageRequest& request, const Caller& caller) {
  SLUIS_TRY(records::Manifest manifest, begin(backend_, request, caller));
  auto taken = std::make_shared<Taken>();
  SLUIS_TRY(taken->files, Packing(backend_, manifest).run());
  std::uint64_t bytes = 0;
  for (const ExportFile& file : taken->files) {
    SLUIS_TRY(const std::string text, file.make());
    bytes += text.size();
    if (bytes > kPackageBytes) return Error(ErrorCode::limit_exceeded, "this would be a package of more than 8 GiB").mended_by("ask for a shorter period");
    manifest.files.push_back({file.name, text.size(), crypto::sha256(text)});
  }
  taken->hashes = manifest.files;
  v1::AuditPackageResponse response;
  response.set_dry_run(request.dry_run());
  SLUIS_TRY(*response.mutable_manifest(), records::manifest_text(manifest));
  if (request.dry_run()) return response;
  const Hash digest = crypto::sha256(response.manifest());
  v1::Shared shared;
  shared.set_event("taken");
  shared.set_digest(std::string(view(digest)));
  shared.set_document(json::serialise(json::object({{"role", manifest.role}, {"from", format_time(manifest.from)}, {"until", format_time(manifest.until)},
                                                    {"files", manifest.files.size()}, {"bytes", bytes}, {"manifest", to_hex(digest)}})));
  Commit commit;
  commit.entries.push_back(make_entry(backend_, caller, EntryKind::package, std::move(shared), digest));
  SLUIS_TRY(const CommitReceipt committed, backend_.commits.commit_and_wait(std::move(commit)));
  SLUIS_TRY(const provenance::VerifierKey key, provenance::VerifierKey::parse(backend_.verifier_key()));
  SLUIS_TRY(const provenance::Receipt receipt, provenance::make_receipt(backend_.log, committed.first_entry, backend_.checkpoint(), key));
  response.set_entry(committed.first_entry);
  response.set_receipt(receipt.to_json());
  // Nobody can take what another took: the id alone is not enough.
  response.set_id(to_hex(digest));
  taken->person = caller.person;
  taken->role = caller.role;
  taken->made = backend_.clock.now();
  const std::lock_guard lock(mutex_);
  if (taken_.size() >= kAtOnce) {
    taken_.erase(std::min_element(taken_.begin(), taken_.end(), [](const auto& a, const auto& b) { return a.second->made < b.second->made; }));
  }
  taken_[response.id()] = std::move(taken);
  return response;
}

std::shared_ptr<Packages::Taken> Packages::taken(const std::string& id, const Caller& caller) {
  const std::lock_guard lock(mutex_);
  std::erase_if(taken_, [&](const auto& one) { return one.second->made + kKept <= backend_.clock.now(); });
  const auto found = taken_.find(id);
  if (found == taken_.end() || found->second->person != caller.person || found->second->role != caller.role) return nullptr;
  return found->second;
}

Result<v1::AuditPackageFileResponse> Packages::file(const v1::AuditPackageFileRequest& request, const Caller& caller) {
  const std::shared_ptr<Taken> package = taken(request.id(), caller);
  if (!package) return Error(ErrorCode::not_found, "you have no such package to fetch").mended_by("take it anew: it is kept for an hour");
  const auto before = [](const ExportFile& one, const std::string& name) { return one.name < name; };
  const auto found = std::lower_bound(package->files.begin(), package->files.end(), request.name(), before);
  if (found == package->files.end() || found->name != request.name()) {
    return Error(ErrorCode::not_found, "the package has no file `" + request.name().substr(0, 200) + "`").at_pointer("/name");
  }
  const records::PackagedFile& recorded = package->hashes[static_cast<std::size_t>(found - package->files.begin())];
  const std::lock_guard lock(package->mutex);
  if (package->newest_name != found->name || request.offset() == 0) {  // anew: something may be erased since
    SLUIS_TRY(package->newest, found->make());
    package->newest_name = found->name;
    if (crypto::sha256(package->newest) != recorded.sha256) {
      package->newest_name.clear();
      return Error(ErrorCode::conflict, "`" + found->name + "` is not any more what was recorded of the package: something in it was erased")
          .mended_by("take the package anew");
    }
  }
  if (request.offset() > package->newest.size()) return Error(ErrorCode::invalid_argument, "the file ends before that").at_pointer("/offset");
  v1::AuditPackageFileResponse response;
  response.set_size(package->newest.size());
  response.set_data(package->newest.substr(request.offset(), kPieceBytes));
  if (request.offset() + response.data().size() == package->newest.size()) {
    package->newest_name.clear();
    package->newest.clear();
  }
  return response;
}

}  // namespace sluis::management
