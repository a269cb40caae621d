#pragma once

#include "connector/provenance/note.hpp"
#include "connector/provenance/slots.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace sluis::provenance {

/// The body of `POST /add-checkpoint`, read and not checked.
struct AddCheckpoint {
  std::uint64_t old = 0;       ///< the size that the witness saw last
  std::vector<Hash> proof;     ///< that the checkpoint holds what was seen then
  std::string_view note;       ///< of the request
};
/// invalid_argument.
Result<AddCheckpoint> read_add_checkpoint(std::string_view request);

/// Somebody else's eyes on a log (C2SP tlog-witness): signs a log's checkpoint only where it holds all of the newest one that it
/// signed before. It needs no data. Thread-safe.
class Witness {
 public:
  struct Options {
    std::string name;               ///< of this witness
    crypto::Key key;                ///< Ed25519, private; used for nothing else
    std::filesystem::path folder;   ///< what it saw last of each log; made when missing
    /// The keys that may sign for an origin; none: this witness does not know that log. May be called from many threads.
    std::function<std::vector<VerifierKey>(std::string_view origin)> keys_of;
  };
  /// For a call of `add_checkpoint`.
  struct Answer {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
  };

  Witness(Options options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

  /// The body of `POST /add-checkpoint`: `old <size>`, the lines of a consistency proof, an empty one, and a checkpoint. 200 with the
  /// cosignature, and then it is on the disk that this checkpoint was seen. 400 unreadable, or smaller than `old`; 403 no signature of a
  /// key of that log, or a wrong one; 404 an unknown log; 409 with the size that was seen last where `old` is not that; 422 it does not
  /// hold what was seen before; 503 it could not be kept.
  Answer add_checkpoint(std::string_view request);

  /// What it saw last of a log, signed by the log and cosigned; none: nothing, or it does not know that log. storage_unavailable,
  /// corruption.
  Result<std::optional<std::string>> newest(const std::string& origin);
  /// Two checkpoints that a log signed and that cannot both be true, as they came: proof for anybody who has the log's key.
  std::vector<std::filesystem::path> conflicts() const;

  VerifierKey key() const { return VerifierKey::of(options_.name, options_.key, Signer::witness); }

 private:
  /// What is known of one log. Compared, kept and answered under its lock, so that none of two callers is answered from what the other
  /// changes.
  struct Log {
    std::mutex mutex;
    std::unique_ptr<CheckpointSlots> slots;
    std::optional<Checkpoint> seen;
  };
  struct Asked;

  Log& log_of(const std::string& origin);
  Result<void> make_ready(Log& log, const std::string& origin, const std::vector<VerifierKey>& keys);
  Answer decide(Log& log, const Asked& asked);
  void keep_conflict(const Asked& asked, const std::string& before) const;

  const Options options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Log>> logs_;  ///< by origin; only of known ones
};

/// Two signed checkpoints of one log with one size and different roots. invalid_argument: that is not what the file holds;
/// permission_denied: not signed by that key.
Result<Checkpoint> check_conflict(std::string_view text, const VerifierKey& key);
/// The files of such pairs that a witness keeps in its folder, by name; empty: none.
std::vector<std::filesystem::path> kept_conflicts(const std::filesystem::path& witness_folder);
/// Of which log a file with such a pair is, as it says itself: only `check_conflict` proves it.
struct ConflictTold {
  std::string origin;
  std::uint64_t size = 0;
  std::string text;  ///< the whole file
};
/// storage_unavailable, invalid_argument: it holds none.
Result<ConflictTold> read_conflict_file(const std::filesystem::path& file);
/// The file that holds such a pair.
std::string conflict_of(std::string_view one, std::string_view other);
/// Whether a file claims to hold such a pair.
bool is_conflict(std::string_view text);

}  // namespace sluis::provenance
