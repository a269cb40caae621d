#pragma once

#include "connector/base/random.hpp"
#include "connector/base/trace.hpp"
#include "connector/gate/assess.hpp"
#include "connector/provenance/entry.hpp"
#include "connector/provenance/payload_keys.hpp"
#include "connector/storage/commit_port.hpp"
#include "sluis/v1/evidence.pb.h"

namespace sluis::gate {

/// Serialised once, maps in the order of their keys; these bytes are what the log commits to.
EntryDraft make_entry(provenance::EntryKind kind, const Hash& offer_hash, const v1::Shared& shared,
                      const v1::Internal& internal);
v1::DecisionReason to_proto(const policy::Reason& reason, bool permit);
void set_time(v1::Shared& shared, Timestamp time);
void set_step(v1::Internal& internal, const Trace& step);
void set_evidence(v1::Shared& shared, bool two_sided);
/// What the decision took to be so and nothing else in its entry says: for who tells later of it.
void set_known(v1::Internal& internal, const Verdict& verdict);
/// What it says of the recipient's processing activity; none: that was not known.
std::optional<identity::ActivitySays> says_of(const v1::KnownThen& known);
void set_rests_on(v1::Shared& shared, const std::vector<RestsOn>& declarations);

/// A process that was begun and has no end yet is kept under a key; what is left of it after a crash is closed as
/// *unknown*. The value holds the shared part of its beginning, and what its end shall say besides; sealed as a payload is, so that it goes
/// with the key when what it says is erased.
struct OpenProcess {
  v1::Shared shared;
  v1::Internal end;
  Hash offer_hash{};
  std::optional<Duration> delete_after;
};
std::string open_process_key(std::string_view prefix, Random& random);
/// With the condition that no erasure gave the month another key meanwhile: conflict, and it is sealed anew.
Result<void> keep_open(const std::string& key, const OpenProcess& process, const storage::Reader& store, provenance::PayloadKeys& keys,
                       Timestamp now, Random& random, Commit& commit);
/// Changed by each erasure once its keys are there, and before what they replace goes.
inline constexpr std::string_view kPayloadEpoch = "meta/payload-epoch";
/// What the value under that key is bound to, as a record of `keys`.
Hash bound_to(std::string_view key);
/// All that lie under the prefix; a value that cannot be read is corruption. One whose key was erased, as in an older copy of the store, is
/// there with nothing in it.
Result<std::vector<std::pair<std::string, OpenProcess>>> open_processes(const storage::Reader& store, std::string_view prefix,
                                                                        provenance::PayloadKeys& keys);
/// The shared part of an end: who, what and why as at the beginning, without its decision.
v1::Shared end_of(const v1::Shared& begin, Timestamp now);

}  // namespace sluis::gate
