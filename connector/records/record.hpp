#pragma once

#include "connector/provenance/log_store.hpp"
#include "sluis/v1/evidence.pb.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluis::records {

/// An entry of the log, with what it says.
struct Entry {
  std::uint64_t index = 0;
  provenance::EntryKind kind{};
  v1::Shared shared;
  v1::Internal internal;
  Hash commitment{};  ///< of its leaf: no other entry of any log has it
};

/// The entry of this number, whose leaf was read. None: erased, or not one that says when it was.
Result<std::optional<Entry>> read_entry(const provenance::LogReader& log, std::uint64_t number, const provenance::Leaf& leaf);

/// What a record says besides its entry.
struct Surroundings {
  std::string self;            ///< participant id of the log's owner
  std::string application_url; ///< with a name behind it: the address that stands for an application
  std::function<std::string(std::string_view participant)> oin;       ///< empty: none
  std::function<std::string(std::string_view participant)> node_url;  ///< empty: not known
};

enum class Form : std::uint8_t { adl, ldv, fsc, prov, prov_json, csv, events };

/// Turns entries, in their order, into text of one form. Not thread-safe.
class Recorder {
 public:
  virtual ~Recorder() = default;
  /// What stands before the first record of all.
  virtual std::string head() const { return {}; }
  /// An entry that this form has nothing of is taken, and gives nothing.
  virtual void add(const Entry& entry) = 0;
  /// Whether what was added so far is whole without this next one.
  virtual bool ends_before(const Entry&) const { return true; }
  /// The text of what was added since the last time. Of PROV-JSON: one document, to be merged with the others.
  virtual std::string take() = 0;
  /// Whether it is the same text when it is taken in smaller pieces.
  virtual bool in_pieces() const { return true; }
  /// Entries that this form has a place for, and that do not say enough for it.
  std::uint64_t left_out() const { return left_out_; }

 protected:
  std::uint64_t left_out_ = 0;
};

std::unique_ptr<Recorder> make_recorder(Form form, const Surroundings& around);
/// `adl`, `ldv`, `fsc`, `prov`, `prov-json`, `csv`, `events`. invalid_argument, with what is known.
Result<Form> form_from(std::string_view name);

// Each of them.
std::unique_ptr<Recorder> make_adl(const Surroundings& around);
std::unique_ptr<Recorder> make_ldv(const Surroundings& around);
std::unique_ptr<Recorder> make_fsc(const Surroundings& around);
std::unique_ptr<Recorder> make_prov(const Surroundings& around, bool as_json);
std::unique_ptr<Recorder> make_csv();
std::unique_ptr<Recorder> make_events(const Surroundings& around);

/// Milliseconds since 1970 of an entry's time.
inline std::int64_t milliseconds(std::int64_t time_us) { return time_us / 1000; }
/// Whether a stream was ended because a rule says so, and not because something failed or stopped: that is a decision (D29).
bool is_decided(const v1::DecisionReason& reason);

}  // namespace sluis::records
