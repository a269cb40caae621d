#include "connector/provenance/verify.hpp"

#include "connector/crypto/crypto.hpp"
#include "connector/provenance/entry.hpp"
#include "connector/provenance/export.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/provenance/tiles.hpp"
#include "connector/provenance/whole_file.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace sluis::provenance {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostEntries = 1ULL << 48U;
constexpr std::uint64_t kMostMissing = 1000;  // files; then it is told no further

constexpr std::uint64_t kFileBytes = 64U << 20U;  // far above what any file of an export has

class Verifier {
 public:
  Verifier(const fs::path& folder, const VerifierKey& key, const std::optional<WitnessPolicy>& policy, const EntryCheck& more,
           const std::vector<VerifierKey>& later)
      : folder_(folder), key_(key), policy_(policy), more_(more), later_(later) {}

  VerifyReport run(const std::optional<std::string>& anchor) {
    if (!read_checkpoint()) return std::move(report_);
    std::error_code ec;
    if (fs::exists(fs::symlink_status(folder_ / kPrunedFile, ec))) {
      check_pruned();
    } else {
      read_entries();
    }
    check_tiles();
    if (!report_.pruned_by) check_payloads();
    check_root();
    check_cosigned();
    check_unknown_files();
    if (anchor) check_anchor(*anchor);
    if (report_.quorum && report_.quorum->vouches()) anchored(report_.quorum->checkpoint.size);
    return std::move(report_);
  }

 private:
  void damage(std::string file, std::uint64_t first, std::uint64_t end, std::string what) {
    report_.damage.push_back({std::move(file), first, std::min(end, report_.size), std::move(what)});
  }

  /// Nothing where the file is missing, no regular file, or too large.
  std::optional<std::string> read(const std::string& name) {
    known_.insert(name);
    return read_regular_file(folder_ / name, kFileBytes);
  }

  /// A checkpoint of this log, and what the policy says of it, if there is one.
  struct Opened {
    Checkpoint checkpoint;
    std::optional<Quorum> quorum;
  };
  Result<Opened> open(const std::string& note) const {
    if (policy_) {
      SLUIS_TRY(Quorum quorum, policy_->judge(note, key_));
      return Opened{quorum.checkpoint, std::move(quorum)};
    }
    SLUIS_TRY(Checkpoint checkpoint, open_checkpoint(note, key_));
    return Opened{std::move(checkpoint), std::nullopt};
  }

  bool read_checkpoint() {
    const auto note = read("checkpoint");
    if (!note) {
      report_.findings.push_back("the file `checkpoint` is missing or not readable");
      return false;
    }
    auto opened = open(*note);
    if (!opened) {
      report_.damage.push_back({"checkpoint", 0, 0, describe(opened.error())});
      return false;
    }
    const Checkpoint& checkpoint = opened->checkpoint;
    if (checkpoint.size > kMostEntries) {
      report_.findings.push_back("the checkpoint signs more entries than any log has: " + std::to_string(checkpoint.size));
      return false;
    }
    report_.origin = checkpoint.origin;
    report_.size = checkpoint.size;
    report_.root = checkpoint.root;
    newest_ = std::move(opened->quorum);
    report_.signature_good = true;
    return true;
  }

  /// In place of the entries: a later log of the node says that just this log was pruned. Its tiles have to stand for themselves.
  void check_pruned() {
    const auto wrong = [&](const std::string& what) { damage(kPrunedFile, 0, report_.size, what); };
    report_.pruned_by = "";
    const auto text = read(kPrunedFile);
    const auto receipt = text ? Receipt::from_json(*text) : Result<Receipt>(Error(ErrorCode::invalid_argument, "not readable"));
    if (receipt) {
      const std::string origin(origin_of(receipt->checkpoint));
      report_.pruned_by = origin;
      report_.pruned_at = Timestamp(std::chrono::hours(receipt->leaf.hours));
      const auto named = std::find_if(later_.begin(), later_.end(), [&](const VerifierKey& one) { return one.name() == origin; });
      if (origin == report_.origin) wrong("a log cannot say of itself that it was pruned");
      else if (!follows(origin, report_.origin)) wrong("`" + origin + "` is no later log of the same node");
      else if (const auto said = said_pruned(*receipt); !said) wrong(said.error().message);
      else if (named != later_.end()) {
        const auto proven = verify_receipt(*receipt, *named);
        if (!proven) wrong(describe(proven.error()));
        report_.pruned_proven = proven.has_value();
      }
    } else {
      wrong(describe(receipt.error()));
    }
    std::uint64_t missing = 0;
    for (std::uint64_t bundle = 0; const std::uint64_t width = tile_width(0, bundle, report_.size); ++bundle) {
      if (!fs::exists(folder_ / tile_path(0, bundle, width)) && ++missing > kMostMissing) return;
      leaves_.emplace_back();
    }
  }

  /// Whether a log of this origin may be a later one of the same node: what follows a node's first log has its origin, a slash and one more word.
  static bool follows(std::string_view later, std::string_view earlier) {
    const std::string_view before = later.substr(0, std::min(later.rfind('/'), later.size()));
    return before != later && (before == earlier || before == earlier.substr(0, std::min(earlier.rfind('/'), earlier.size())));
  }

  /// That the entry commits to what the receipt says, and that this is of just this checkpoint.
  Result<void> said_pruned(const Receipt& receipt) const {
    const Error other(ErrorCode::permission_denied, "it does not say that this log was pruned");
    if (receipt.leaf.kind != static_cast<std::uint8_t>(EntryKind::pruned)) return other;
    if (commitment(receipt.leaf, receipt.shared, receipt.k, receipt.inner) != receipt.leaf.commitment) return other;
    if (receipt.leaf.policy_digest != crypto::sha256(checkpoint_body({report_.origin, report_.size, report_.root}))) return other;
    return {};
  }

  /// Reads all bundles; a missing or damaged one leaves a gap that the hash tiles may fill for the root's sake.
  void read_entries() {
    for (std::uint64_t bundle = 0; const std::uint64_t width = tile_width(0, bundle, report_.size); ++bundle) {
      const std::string name = bundle_path(bundle, width);
      const std::uint64_t first = bundle * kTileWidth;
      const auto bytes = read(name);
      if (!bytes) {
        // A checkpoint may claim any size: a log that is not there at all is one gap.
        const bool all_gone = !fs::exists(folder_ / "tile");
        damage(name, first, all_gone ? report_.size : first + width, "missing or not readable");
        if (all_gone || report_.damage.size() > kMostMissing) return;
        leaves_.emplace_back();
        continue;
      }
      auto entries = parse_bundle(*bytes);
      if (!entries || entries->size() != width) {
        damage(name, first, first + width, "not the " + std::to_string(width) + " entries it should hold");
        leaves_.emplace_back();
        continue;
      }
      for (std::uint64_t i = 0; i < width; ++i) {
        if (!Leaf::parse((*entries)[i])) damage(name, first + i, first + i + 1, "not an entry of a version that is known here");
      }
      leaves_.push_back(std::move(*entries));
    }
  }

  /// Recomputes every tile from the entries and compares. Where they differ, it cannot be told from the two alone which was
  /// changed; the signed root decides.
  void check_tiles() {
    std::vector<std::optional<Hash>> row;  // the hashes of this level
    for (std::uint64_t bundle = 0; bundle < leaves_.size(); ++bundle) {
      const std::uint64_t width = tile_width(0, bundle, report_.size);
      for (std::uint64_t i = 0; i < width; ++i) {
        row.push_back(leaves_[bundle].empty() ? std::nullopt : std::optional(leaf_hash(leaves_[bundle][i])));
      }
    }
    for (unsigned level = 0; report_.size >> (level * kTileHeight) != 0; ++level) row = check_level(level, row);
  }

  std::vector<std::optional<Hash>> check_level(unsigned level, std::vector<std::optional<Hash>>& row) {
    std::vector<std::optional<Hash>> above;
    for (std::uint64_t index = 0; const std::uint64_t width = tile_width(level, index, report_.size); ++index) {
      if (index * kTileWidth + width > row.size()) break;
      const std::string name = tile_path(level, index, width);
      const std::uint64_t span = 1ULL << (level * kTileHeight);  // entries below one hash
      const std::uint64_t first = index * kTileWidth * span;
      const auto bytes = read(name);
      const bool readable = bytes && bytes->size() == width * 32;
      if (!readable) damage(name, first, first + width * span, "missing, not readable or of a wrong length");
      std::vector<Hash> hashes;
      for (std::uint64_t i = 0; i < width; ++i) {
        std::optional<Hash>& own = row[index * kTileWidth + i];
        const auto stored = readable ? to_hash(std::string_view(*bytes).substr(i * 32, 32)) : Result<Hash>(Hash{});
        if (readable && own && *stored != *own) {
          damage(name, first + i * span, first + (i + 1) * span, "its hash is not that of the entries");
        }
        if (!own && readable) own = *stored;
        if (own) hashes.push_back(*own);
      }
      if (width == kTileWidth) {
        above.push_back(hashes.size() == kTileWidth ? std::optional(perfect_root(hashes)) : std::nullopt);
      }
    }
    levels_.push_back(std::move(row));
    return above;
  }

  Result<Hash> root_at(std::uint64_t size) const {
    return root_of(size, [this](unsigned height, std::uint64_t index) -> Result<Hash> {
      const unsigned level = height / kTileHeight;
      const std::uint64_t count = 1ULL << (height % kTileHeight);
      std::vector<Hash> hashes;
      for (std::uint64_t i = index * count; i < (index + 1) * count; ++i) {
        if (level >= levels_.size() || i >= levels_[level].size() || !levels_[level][i]) {
          return Error(ErrorCode::not_found, "entries are missing");
        }
        hashes.push_back(*levels_[level][i]);
      }
      return perfect_root(hashes);
    });
  }

  void check_root() {
    const auto root = root_at(report_.size);
    if (!root) {
      report_.findings.push_back("the root cannot be computed: entries are missing");
    } else if (*root != report_.root) {
      report_.findings.push_back("the entries do not have the root that the checkpoint signs");
    } else {
      consider("checkpoint", std::move(newest_));
    }
  }

  /// Of the checkpoints that are of this log the best counts for the policy.
  void consider(const char* file, std::optional<Quorum> quorum) {
    const auto rank = [](const Quorum& one) { return std::tuple(one.vouches(), one.vouches() ? 0 : one.count(), one.checkpoint.size); };
    if (!quorum || (report_.quorum && rank(*quorum) <= rank(*report_.quorum))) return;
    report_.quorum = std::move(quorum);
    report_.quorum_file = file;
  }

  /// Whether a checkpoint of this log is one of what is here; if not, that is found.
  bool holds(const std::string& name, const Checkpoint& checkpoint) {
    if (checkpoint.size == 0) {
      report_.findings.push_back(name + " is of a log without entries: it proves nothing");
      return false;
    }
    if (checkpoint.size > report_.size) {
      report_.findings.push_back("cut short: " + name + " signs " + std::to_string(checkpoint.size) + " entries, the log has " +
                                 std::to_string(report_.size));
      return false;
    }
    const auto root = root_at(checkpoint.size);
    if (root && *root == checkpoint.root) return true;
    report_.findings.push_back("rewritten: the log's first " + std::to_string(checkpoint.size) + " entries are not those that " + name +
                               " signs");
    return false;
  }

  void check_cosigned() {
    std::error_code ec;
    if (!fs::exists(fs::symlink_status(folder_ / kCosignedFile, ec))) return;
    const auto note = read(kCosignedFile);
    auto opened = note ? open(*note) : Result<Opened>(Error(ErrorCode::invalid_argument, "not readable"));
    if (!opened) return damage(kCosignedFile, 0, 0, describe(opened.error()));
    if (holds("`" + std::string(kCosignedFile) + "`", opened->checkpoint)) consider(kCosignedFile, std::move(opened->quorum));
  }

  void anchored(std::uint64_t size) {
    report_.anchor_size = std::max(report_.anchor_good ? *report_.anchor_size : 0, size);
    report_.anchor_good = true;
  }

  void check_payloads() {
    if (!fs::exists(folder_ / "payloads")) return;
    for (std::uint64_t bundle = 0; bundle < leaves_.size(); ++bundle) {
      const std::uint64_t width = tile_width(0, bundle, report_.size);
      const std::uint64_t first = bundle * kTileWidth;
      const std::string name = payload_path(bundle);
      const auto bytes = read(name);
      if (!bytes) {
        damage(name, first, first + width, "missing or not readable");
        continue;
      }
      std::string_view rest = *bytes;
      for (std::uint64_t i = 0; i < width; ++i) {
        const auto record = take_sized(rest);
        if (!record) {
          damage(name, first + i, first + width, "cut short");
          rest = {};
          break;
        }
        check_payload(name, first + i, *record, leaves_[bundle].empty() ? "" : leaves_[bundle][i]);
      }
      if (!rest.empty()) damage(name, first, first + width, "bytes after its last payload");
    }
  }

  void check_payload(const std::string& name, std::uint64_t index, std::string_view record, std::string_view leaf_bytes) {
    const auto leaf = Leaf::parse(leaf_bytes);
    if (record.empty()) {
      ++report_.payloads_erased;
      if (leaf) look(name, index, *leaf, nullptr);
      return;
    }
    const auto payload = Payload::parse(record);
    if (!leaf || !payload || commitment(*leaf, payload->shared, payload->k, payload->inner()) != leaf->commitment) {
      damage(name, index, index + 1, "the payload does not fit the entry's commitment");
      return;
    }
    ++report_.payloads_checked;
    look(name, index, *leaf, &*payload);
  }

  void look(const std::string& name, std::uint64_t index, const Leaf& leaf, const Payload* payload) {
    if (!more_) return;
    const auto wrong = more_({report_.origin, index, leaf, payload, [this](std::uint64_t size) { return root_at(size); }});
    if (wrong) damage(name, index, index + 1, *wrong);
  }

  void check_unknown_files() {
    std::error_code ec;
    auto file = fs::recursive_directory_iterator(folder_, ec);
    for (; !ec && file != fs::recursive_directory_iterator(); file.increment(ec)) {
      if (file->is_directory(ec) && !file->is_symlink(ec)) continue;
      const std::string name = file->path().lexically_relative(folder_).generic_string();
      if (!known_.contains(name)) damage(name, 0, 0, "a file that does not belong to a log of this size");
    }
    if (ec) report_.findings.push_back("not all of the folder can be read: " + ec.message());
  }

  void check_anchor(const std::string& note) {
    auto anchor = open(note);
    if (!anchor) {
      report_.findings.push_back("the anchor cannot be used: " + describe(anchor.error()));
      return;
    }
    report_.anchor_size = anchor->checkpoint.size;
    if (!holds("the anchor", anchor->checkpoint)) return;
    anchored(anchor->checkpoint.size);
    consider("", std::move(anchor->quorum));
  }

  const fs::path& folder_;
  const VerifierKey& key_;
  const std::optional<WitnessPolicy>& policy_;
  const EntryCheck& more_;
  const std::vector<VerifierKey>& later_;
  VerifyReport report_;
  std::optional<Quorum> newest_;  ///< what the policy says of `checkpoint`
  std::set<std::string> known_;
  std::vector<std::vector<std::string>> leaves_;  ///< by bundle; empty where it is damaged
  std::vector<std::vector<std::optional<Hash>>> levels_;
};

std::string entries_text(const Damage& damage) {
  if (damage.first >= damage.end) return "";
  return damage.end - damage.first == 1
             ? " (entry " + std::to_string(damage.first) + ")"
             : " (entries " + std::to_string(damage.first) + " to " + std::to_string(damage.end - 1) + ")";
}

}  // namespace

VerifyReport verify_export(const fs::path& folder, const VerifierKey& key, const std::optional<std::string>& anchor,
                           const std::optional<WitnessPolicy>& policy, const EntryCheck& more, const std::vector<VerifierKey>& later) {
  return Verifier(folder, key, policy, more, later).run(anchor);
}

std::string to_text(const VerifyReport& report) {
  std::string out;
  for (const Damage& damage : report.damage) {
    out += "damaged: " + damage.file + entries_text(damage) + ": " + damage.what + "\n";
  }
  for (const std::string& finding : report.findings) out += "finding: " + finding + "\n";
  if (report.signature_good) {
    out += "log:       " + report.origin + "\n";
    out += "range:     " + (report.size == 0 ? std::string("no entries") : "entries 0 to " + std::to_string(report.size - 1)) + "\n";
    out += "root:      " + to_base64(view(report.root)) + "\n";
    out += "signature: good\n";
  }
  if (report.pruned_by) {
    const std::string day = report.pruned_at ? format_time(*report.pruned_at).substr(0, 10) : std::string("?");
    out += report.pruned_proven ? "entries:   pruned on " + day + ", as `" + *report.pruned_by + "` records; what was proven of them still holds\n"
                                : "entries:   pruned on " + day + ", says `" + *report.pruned_by + "`: NOT proven, as its key was not given (--later-key)\n";
  }
  if (report.payloads_checked + report.payloads_erased != 0) {
    out += "payloads:  " + std::to_string(report.payloads_checked) + " fit their entries, " +
           std::to_string(report.payloads_erased) + " erased\n";
  }
  if (report.anchor_good) {
    out += "anchor:    " + std::to_string(*report.anchor_size) + " entries; " +
           std::to_string(report.size - *report.anchor_size) + " later ones rest on the node's signature alone\n";
  }
  if (report.quorum) {
    const Quorum& quorum = *report.quorum;
    const char* said = quorum.none ? "asks for no cosignature" : quorum.vouches() ? "is met" : "is NOT met";
    out += "quorum:    `" + quorum.name + "` " + said + ", at " + std::to_string(quorum.checkpoint.size) + " entries\n";
    for (const Quorum::Witness& one : quorum.witnesses) {
      out += "           " + one.name + " (" + one.key + ") " + (one.when ? "signed at " + format_time(*one.when) : "did not sign") + "\n";
    }
  }
  switch (report.exit_code()) {
    case 0:
      out += report.pruned_by ? "consistent, and authentic up to the anchor; its node has removed its entries\n" : "consistent, authentic, and complete up to the anchor\n";
      break;
    case 3:
      if (report.anchor_good && !report.quorum_missed()) {
        out += "consistent, but it is not proven that its node ended this log and pruned it: give the key of the later log (--later-key)\n";
        break;
      }
      out += report.quorum_missed() ? "consistent, but not proven as you ask: too few witnesses signed (--policy)\n"
                                    : "consistent, but not proven complete or authentic: give a checkpoint that you kept (--anchor), or "
                                      "say which witnesses you trust (--policy)\n";
      break;
    default: out += "NOT in order\n";
  }
  return out;
}

}  // namespace sluis::provenance
