#include "connector/records/package_check.hpp"

#include "connector/crypto/crypto.hpp"
#include "connector/json/json.hpp"
#include "connector/provenance/export.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/provenance/whole_file.hpp"
#include "connector/records/record.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

namespace sluis::records {
namespace {

namespace fs = std::filesystem;
using provenance::EntryKind;

constexpr std::uint64_t kFileBytes = 256U << 20U;  // far above what any file of a package has

/// What the first entry of a log says of the one before it.
struct Previous {
  std::string origin;
  std::uint64_t size = 0;
  std::string root;
  std::string checkpoint;  ///< empty: it ended without one, and nothing of it can be proven
};

class Checker {
 public:
  Checker(const fs::path& folder, const provenance::VerifierKey& key, const std::optional<std::string>& anchor,
          const std::optional<provenance::WitnessPolicy>& policy, const provenance::EntryCheck& more)
      : folder_(folder), key_(key), anchor_(anchor), policy_(policy), more_(more) {}

  PackageReport run() {
    if (!read_manifest()) return std::move(report_);
    check_files();
    check_keys();
    check_policy();
    for (std::size_t i = 0; i < report_.manifest->logs.size(); ++i) check_log(i);
    check_succession();
    // Of what is damaged each file has its name by now; what a damaged log says beside it would only add noise.
    if (report_.damage.empty()) check_beside();
    return std::move(report_);
  }

 private:
  void damage(std::string file, std::string what) { report_.damage.push_back({std::move(file), 0, 0, std::move(what)}); }

  std::optional<std::string> read(const std::string& name) const { return provenance::read_regular_file(folder_ / name, kFileBytes); }

  bool read_manifest() {
    const auto text = read(std::string(kManifestFile));
    auto manifest = text ? parse_manifest(*text) : Result<Manifest>(Error(ErrorCode::not_found, "missing or not readable"));
    if (!manifest) {
      damage(std::string(kManifestFile), describe(manifest.error()));
      return false;
    }
    report_.manifest = std::move(*manifest);
    for (const PackagedFile& file : report_.manifest->files) files_[file.name] = &file;
    check_proof(*text);
    return true;
  }

  /// That the log has the manifest: so nobody can make another one afterwards.
  void check_proof(const std::string& manifest) {
    const std::string name(kPackageProof);
    const auto text = read(name);
    const auto receipt = text ? provenance::Receipt::from_json(*text) : Result<provenance::Receipt>(Error(ErrorCode::not_found, "missing or not readable"));
    if (!receipt) return damage(name, describe(receipt.error()));
    const auto checkpoint = provenance::verify_receipt(*receipt, key_);
    if (!checkpoint) return damage(name, describe(checkpoint.error()));
    if (receipt->leaf.kind != static_cast<std::uint8_t>(EntryKind::package)) return damage(name, "it proves another entry than one of a package");
    report_.entry = receipt->index + report_.manifest->logs.back().first;
    if (receipt->leaf.policy_digest == crypto::sha256(manifest)) return;
    damage(std::string(kManifestFile), "it is not the one that the log recorded when the package was given out");
  }

  void check_files() {
    for (const auto& [name, file] : files_) {
      const auto bytes = read(name);
      if (!bytes) damage(name, "missing or not readable");
      else if (bytes->size() != file->bytes || crypto::sha256(*bytes) != file->sha256) damage(name, "it is not the file that the manifest names");
    }
    std::error_code ec;
    auto found = fs::recursive_directory_iterator(folder_, ec);
    for (; !ec && found != fs::recursive_directory_iterator(); found.increment(ec)) {
      if (found->is_directory(ec) && !found->is_symlink(ec)) continue;
      const std::string name = found->path().lexically_relative(folder_).generic_string();
      if (!files_.contains(name) && name != kManifestFile && name != kPackageProof) damage(name, "a file that the manifest does not name");
    }
    if (ec) damage(".", "not all of the folder can be read: " + ec.message());
  }

  /// A file that every package has.
  std::optional<std::string> required(const std::string& name) {
    if (!files_.contains(name)) damage(name, "the manifest does not name it");
    return read(name);
  }

  void check_keys() {
    const std::string name(kPackageKeys);
    const auto text = required(name);
    if (!text) return;
    std::string_view rest = *text;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      auto key = provenance::VerifierKey::parse(rest.substr(0, end));
      if (!key) return damage(name, describe(key.error()));
      keys_.push_back(std::move(*key));
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
    if (keys_.size() != report_.manifest->logs.size()) damage(name, "it has not a key for each log");
    else if (keys_.back().text() != key_.text()) damage(name, "the newest log's key is another than the one that you gave");
  }

  void check_policy() {
    const std::string name(kPackagePolicy);
    const auto text = required(name);
    if (!text) return;
    if (const auto parsed = provenance::WitnessPolicy::parse(*text, name); !parsed) damage(name, describe(parsed.error()));
  }

  void check_log(std::size_t number) {
    const PackagedLog& log = report_.manifest->logs[number];
    const bool newest = number + 1 == report_.manifest->logs.size();
    if (!newest && number >= keys_.size()) return;
    previous_.emplace_back();
    const auto check = [&](const provenance::CheckedEntry& entry) -> std::optional<std::string> {
      take(log.first + entry.index, entry);
      return more_ ? more_(entry) : std::nullopt;
    };
    const std::string folder = log_folder(number);
    auto verified = provenance::verify_export(folder_ / folder, newest ? key_ : keys_[number], newest ? anchor_ : std::nullopt,
                                              newest ? policy_ : std::optional<provenance::WitnessPolicy>(), check, later_keys(number));
    for (provenance::Damage one : verified.damage) {
      one.file = folder + "/" + one.file;
      report_.damage.push_back(std::move(one));
    }
    for (const std::string& finding : verified.findings) damage(folder, finding);
    if (verified.signature_good && (verified.origin != log.origin || verified.size != log.size)) {
      damage(std::string(kManifestFile), "`" + folder + "` is another log, or of another size, than it says");
    }
    if (verified.pruned_by && (!verified.pruned_proven || !rests_here(number))) damage(folder + "/" + provenance::kPrunedFile, "no later log of this package proves it");
    if (verified.consistent() && !verified.pruned_by && verified.size != 0 && verified.payloads_checked + verified.payloads_erased == 0) {
      damage(folder + "/payloads", "what the entries say is not there");
    }
    report_.logs.push_back(std::move(verified));
  }

  std::vector<provenance::VerifierKey> later_keys(std::size_t number) const {
    return {keys_.begin() + static_cast<std::ptrdiff_t>(std::min(number + 1, keys_.size())), keys_.end()};
  }

  /// Whether the checkpoint that says of this log that it was pruned is one of those whose place is checked here: its key comes with the package.
  bool rests_here(std::size_t number) const {
    const auto text = read(log_folder(number) + "/" + provenance::kPrunedFile);
    const auto receipt = text ? provenance::Receipt::from_json(*text) : Result<provenance::Receipt>(Error(ErrorCode::not_found, ""));
    if (!receipt) return false;
    for (std::size_t later = number + 1; later < report_.manifest->logs.size(); ++later) {
      if (read(log_folder(later) + "/checkpoint") == receipt->checkpoint) return true;
    }
    return false;
  }

  /// A log before the newest is what the one behind it says at its beginning.
  void check_succession() {
    if (!report_.logs.empty() && report_.logs.front().pruned_by && report_.manifest->logs.front().first != 0) {
      damage(std::string(kManifestFile), "logs went before the first one, and they are not here");
    }
    if (!previous_.empty() && previous_.front() && !previous_.front()->checkpoint.empty()) {
      damage(std::string(kManifestFile), "log `" + previous_.front()->origin + "` went before the first one, and it is not here");
    }
    for (std::size_t i = 0; i + 1 < report_.logs.size(); ++i) {
      const provenance::VerifyReport& log = report_.logs[i];
      if (log.pruned_by) continue;  // a later log names its checkpoint itself
      const auto& previous = i + 1 < previous_.size() ? previous_[i + 1] : std::optional<Previous>();
      if (!previous || previous->origin != log.origin || previous->size != log.size || previous->root != to_hex(log.root)) {
        damage(log_folder(i), "it is not the log that the next one says went before it");
      }
    }
  }

  /// Of each entry, in their order.
  void take(std::uint64_t number, const provenance::CheckedEntry& checked) {
    if (checked.payload == nullptr) {
      const Timestamp hour{std::chrono::hours(checked.leaf.hours)};
      const Timestamp end = hour + std::chrono::hours(1);
      const Manifest& told = *report_.manifest;
      if (hour >= told.from && end <= told.until) ++report_.silent;
      else if (end > told.from && hour < told.until) ++report_.perhaps;
      if (is_paper(checked.leaf.kind)) {  // never erased, and always part of a package
        beside_.push_back({log_folder(previous_.size() - 1), 0, 0, fmt::format("entry {} says nothing, and nobody can have erased it", number)});
      }
      return;
    }
    Entry entry{number, static_cast<EntryKind>(checked.leaf.kind), {}, {}};
    if (!entry.shared.ParseFromString(checked.payload->shared) || !entry.internal.ParseFromString(checked.payload->internal)) return;
    if (entry.kind == EntryKind::log_begun && checked.index == 0) read_previous(entry.shared.document());
    for (std::string& name : named_documents(checked.leaf, entry.shared)) named_.insert(std::move(name));
    if (std::string name = own_file(checked.leaf.kind, number); !name.empty()) own_[std::move(name)] = crypto::sha256(entry.shared.document());
    const Timestamp time{Duration(entry.shared.time_us())};
    if (time < report_.manifest->from || time >= report_.manifest->until) return;
    if (const std::string file = report_file(number); file != report_open_) {
      close_report();
      report_open_ = file;
      rows_ = csv_->head();
    }
    csv_->add(entry);
    rows_ += csv_->take();
    ++report_.rows;
  }

  void read_previous(const std::string& document) {
    const auto value = json::parse(document);
    const json::Value* told = value ? value->find("previous") : nullptr;
    if (told == nullptr) return;
    const auto origin = json::required_string(*told, "origin");
    const auto root = json::required_string(*told, "root");
    const auto size = json::required_count(*told, "size");
    const auto checkpoint = json::required_string(*told, "checkpoint");
    if (origin && root && size && checkpoint) previous_.back() = Previous{*origin, *size, *root, *checkpoint};
  }

  /// The rows so far are those of one file.
  void close_report() {
    if (report_open_.empty()) return;
    reports_.insert(report_open_);
    const auto text = read(report_open_);
    if (text && *text == rows_) return;
    std::size_t line = 1;
    const std::size_t same = text ? std::min(text->size(), rows_.size()) : 0;
    for (std::size_t at = 0; at < same && (*text)[at] == rows_[at]; ++at) line += rows_[at] == '\n' ? 1U : 0U;
    beside_.push_back({report_open_, 0, 0, text ? fmt::format("line {} is not what the entries say", line) : "missing or not readable"});
  }

  void check_beside() {
    close_report();
    for (provenance::Damage& one : beside_) report_.damage.push_back(std::move(one));
    for (const auto& [name, hash] : own_) {
      const auto bytes = read(name);
      if (!bytes || crypto::sha256(*bytes) != hash) damage(name, "it is not what the entry says");
    }
    const std::set<std::string> missing(report_.manifest->missing.begin(), report_.manifest->missing.end());
    for (const std::string& name : named_) {
      const auto bytes = read(name);
      if (bytes && to_hex(crypto::sha256(*bytes)) == fs::path(name).filename()) ++report_.documents;
      else if (bytes) damage(name, "it has another hash than entries name");
      else if (!missing.contains(name)) damage(name, "entries name it, and it is neither here nor said to be missing");
    }
    for (const auto& [name, _] : files_) {
      const auto in = [&](std::string_view what) { return name.starts_with(what); };
      if ((in("documents/") && !named_.contains(name)) || ((in("activities/") || in("findings/")) && !own_.contains(name)) ||
          (in("report/") && !reports_.contains(name))) {
        damage(name, "no entry is about it");
      }
    }
  }

  const fs::path& folder_;
  const provenance::VerifierKey& key_;
  const std::optional<std::string>& anchor_;
  const std::optional<provenance::WitnessPolicy>& policy_;
  const provenance::EntryCheck& more_;
  PackageReport report_;
  std::map<std::string, const PackagedFile*> files_;
  std::vector<provenance::VerifierKey> keys_;
  std::vector<std::optional<Previous>> previous_;  ///< by log
  std::set<std::string> named_;                    ///< documents
  std::map<std::string, Hash> own_;                ///< what entries say themselves
  std::unique_ptr<Recorder> csv_ = make_csv();
  std::string report_open_;
  std::string rows_;
  std::set<std::string> reports_;
  std::vector<provenance::Damage> beside_;
};

}  // namespace

int PackageReport::exit_code() const {
  if (!manifest || logs.size() != manifest->logs.size() || !damage.empty()) return 1;
  for (const provenance::VerifyReport& log : logs) {
    if (!log.consistent()) return 1;
  }
  return logs.back().exit_code();
}

PackageReport verify_package(const fs::path& folder, const provenance::VerifierKey& key, const std::optional<std::string>& anchor,
                             const std::optional<provenance::WitnessPolicy>& policy, const provenance::EntryCheck& more) {
  return Checker(folder, key, anchor, policy, more).run();
}

}  // namespace sluis::records
