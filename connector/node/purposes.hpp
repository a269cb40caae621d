#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/time.hpp"
#include "connector/management/backend.hpp"
#include "connector/storage/commit_port.hpp"
#include "connector/storage/kv_store.hpp"
#include "policy/purpose/vocabulary.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluis::node {

/// The purposes in force, and all that ever were: the configuration's files, and after them the file that was published
/// last. Each version is an entry of the log and stays in the store, so that an agreement is decided with the
/// vocabulary under which it was made, whatever is published later. Thread-safe after `open`.
///   purpose-version/<n, 8 digits>  hash, file, time, who decided it, the published text    purpose-text/<hash, hex>  all of it
class Purposes {
 public:
  using VocabularyPtr = std::shared_ptr<const policy::Vocabulary>;
  struct File {
    std::string text;
    std::string name;
  };
  /// Makes the entry of a version; its leaf carries the vocabulary's hash.
  using EntryMaker =
      std::function<EntryDraft(const Hash& hash, const std::string& document, const management::PublishedBy& by)>;

  Purposes(const storage::Reader& store, CommitPort& commits, const Clock& clock, EntryMaker entry)
      : store_(store), commits_(commits), clock_(clock), entry_(std::move(entry)) {}

  /// Reads the configuration's files, the pinned one first, and what was published. invalid_argument, with the place. Whether the pinned one
  /// may be what it is was asked before (pinned_purposes.hpp).
  Result<void> open(std::vector<File> configured);
  /// Makes what `open` found a version of its own where it is not the newest one: at the first start, and after a
  /// change of the configuration's files. Before the node serves anybody.
  Result<void> record();

  VocabularyPtr current() const;
  Hash current_hash() const;
  /// One that is or was in force. not_found; corruption: the stored text has another hash.
  Result<VocabularyPtr> by_hash(const Hash& hash) const;
  /// Of agreements that name none, as they were made before versions were kept: the oldest one.
  Result<VocabularyPtr> oldest() const;

  /// Replaces the file that was published before. invalid_argument, with the place: malformed, or a purpose in force is
  /// missing (terms may name it). limit_exceeded: more than an entry holds. Errors of CommitPort.
  Result<management::Taken> publish(const std::string& text, const std::string& file, bool dry_run,
                                    const management::PublishedBy& by);
  /// The body that decided the version of this hash: of several, the newest that was in force then. None: it names none.
  Result<std::optional<catalog::DecidedBy>> decided_by(const Hash& hash, Timestamp then) const;

 private:
  struct InForce {
    VocabularyPtr vocabulary;
    Hash hash{};
    std::uint64_t version = 0;  ///< 0: not recorded yet
    File published;
  };

  Result<InForce> make(File published) const;
  InForce in_force() const;
  Result<CommitReceipt> commit(InForce& next, const management::PublishedBy& by);

  const storage::Reader& store_;
  CommitPort& commits_;
  const Clock& clock_;
  EntryMaker entry_;
  std::vector<File> configured_;
  std::string pinned_;  ///< SHA-256 of the first of them, hex: each version says on which pinned file it stands

  std::mutex publishing_;  ///< held over a commit; taken before the other
  std::uint64_t newest_ = 0;
  mutable std::mutex mutex_;
  InForce in_force_;
  mutable std::map<std::string, VocabularyPtr> parsed_;  ///< by hash, hex
};

}  // namespace sluis::node
