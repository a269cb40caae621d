#pragma once

#include "connector/base/ids.hpp"
#include "connector/base/random.hpp"
#include "connector/node/writer.hpp"
#include "connector/provenance/log_store.hpp"
#include "sluis/v1/audit.pb.h"

#include <functional>
#include <mutex>
#include <set>

/// Erasure (D30): what some entries say becomes unreadable for ever; the entries stay, and every proof with them.
namespace sluis::node {

struct Runs;

/// What shall be erased: entries by number, those of a transaction, those about a counterparty, those recorded before a time; all that is
/// named has to fit. At least one is.
struct EraseOrder {
  std::vector<std::uint64_t> entries;
  std::string transaction;
  std::string party;
  std::optional<Timestamp> before;
  std::string basis;   ///< the legal ground, and nobody's name: it stays
  std::string person;  ///< who asks
};

/// Asked for by one person, and waiting for another.
struct Erasure {
  std::string id;
  std::string basis;
  std::string asked_by;
  Timestamp asked;
  std::string confirmed_by;  ///< empty: nobody yet
  std::set<std::uint64_t> entries;
  std::uint64_t kept = 0;    ///< that fit, and say something about what still runs

  std::string numbers() const { return provenance::number_ranges(entries); }  ///< `3-7,12`
};

struct ErasingDependencies {
  CommitPort& commits;
  const storage::KvStore& store;
  const provenance::LogReader& log;
  provenance::PayloadKeys& keys;
  const Clock& clock;
  Random& random;
  const Writer& writer;
  /// Once nothing of a key is left here: copies of it go as well. With `copy_first` a copy is made before, by this person, that needs none
  /// of them. Its error is told, and it is called again later: copies have an end.
  std::function<Result<void>(const std::vector<std::string>& key_files, const std::string& person, bool copy_first)> drop_copies;
};

/// What became of one.
struct Erased {
  std::uint64_t entry = 0;  ///< that records it
  std::string left;         ///< why older keys are left in copies, until those are too old; empty: none are
};

v1::AuditErasure to_proto(const Erasure& erasure);

/// One at a time. Thread-safe; worker threads only. Errors of all: those of CommitPort and of the store.
class Erasing {
 public:
  explicit Erasing(ErasingDependencies with) : with_(std::move(with)) {}

  /// What would be erased. invalid_argument: nothing fits, or an entry that is named may not be erased; limit_exceeded: too many at once.
  Result<Erasure> find(const EraseOrder& order) const;
  /// The same, recorded; it waits for a second person for thirty days.
  Result<Erasure> ask(const EraseOrder& order);
  /// Erases; when this returns nothing of it can be read here. not_found; permission_denied: the same person asked for it.
  Result<Erased> confirm(const std::string& id, const std::string& person);
  Result<Erasure> show(const std::string& id) const;
  /// Those that wait, and those that were broken off.
  Result<std::vector<Erasure>> list() const;
  /// Whether one was confirmed, and is not done.
  Result<bool> under_way() const;
  /// Goes on with what was confirmed and then broken off, and forgets what waited too long.
  Result<void> go_on();
  /// Ids of erasures whose keys are still in copies.
  Result<std::vector<std::string>> in_copies() const;
  /// A copy of so many entries was made: keys that were left in copies go, where it is of after their erasure.
  Result<void> copied_anew(std::uint64_t entries);
  /// Held by whoever else takes entries away.
  std::mutex& turn() { return mutex_; }

 private:
  struct Months;
  Result<bool> fits(const EraseOrder& order, std::uint64_t number, const Runs& open, Erasure& erasure) const;
  Result<Erased> run(const Erasure& erasure);
  Result<void> drop_from_copies(const std::string& id, std::optional<std::uint64_t> copied);
  Result<void> forget_expired();
  Result<void> look_again(Erasure& erasure) const;
  Result<Months> months_of(const Erasure& erasure) const;
  Result<std::uint64_t> first_of(std::uint32_t hours) const;
  Result<void> forget_receipts(const Erasure& erasure);
  Result<void> rewrap_kept();
  Result<void> rewrap_one(const std::string& key, const std::string& sealed);
  Result<void> rewrap(const Erasure& erasure, std::uint64_t first, std::uint64_t end);
  EntryDraft entry(const Erasure& erasure, std::string_view event, const std::string& person) const;

  ErasingDependencies with_;
  std::mutex mutex_;
};

}  // namespace sluis::node
