#include "connector/node/one_sided.hpp"

#include "connector/base/bytes.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/json/json.hpp"
#include "connector/node/contradiction.hpp"

#include <algorithm>

namespace sluis::node {
namespace {

std::string key_of(const ParticipantId& peer) { return std::string(kOneSidedPrefix) + peer.str(); }

std::string logs_of_party(const identity::Directory& directory, const ParticipantId& peer) {
  std::string all;
  const auto party = directory.find(peer);
  if (party) {
    for (const identity::LogOrigin& one : (*party)->log_origins) all += one.vkey + "\n";
  }
  return to_hex(crypto::sha256(all));
}

Result<OneSided> decode(std::string_view key, std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  OneSided one;
  one.peer = ParticipantId(std::string(key.substr(kOneSidedPrefix.size())));
  SLUIS_TRY(const std::string since, json::required_string(value, "since"));
  SLUIS_TRY(const std::string until, json::required_string(value, "until"));
  SLUIS_TRY(one.since, parse_time(since));
  SLUIS_TRY(one.until, parse_time(until));
  SLUIS_TRY(const std::string told, json::required_string(value, "told"));
  SLUIS_TRY(one.told, parse_time(told));
  SLUIS_TRY(const std::string settled, json::required_string(value, "settled"));
  one.settled = !settled.empty();
  SLUIS_TRY(one.logs, json::required_string(value, "logs"));
  return one;
}

storage::Change change_to(const OneSided& one) {
  return {key_of(one.peer), json::serialise(json::object({{"since", format_time(one.since)}, {"until", format_time(one.until)}, {"told", format_time(one.told)},
                                                          {"settled", one.settled ? "yes" : ""}, {"logs", one.logs}}))};
}

}  // namespace

bool OneSided::holds(const identity::Directory& directory, Timestamp now) const {
  return marked() && !settled && now < until && logs == logs_of_party(directory, peer);
}

Result<std::optional<OneSided>> read_one_sided(const storage::Reader& store, const ParticipantId& peer) {
  const std::string key = key_of(peer);
  SLUIS_TRY(const std::optional<std::string> bytes, store.get(key));
  if (!bytes) return std::optional<OneSided>();
  SLUIS_TRY(OneSided one, decode(key, *bytes));
  return std::optional(std::move(one));
}

bool is_one_sided(const storage::Reader& store, const identity::Directory& directory, const ParticipantId& peer, Timestamp now) {
  const auto one = read_one_sided(store, peer);
  return one && *one && (*one)->holds(directory, now);
}

bool is_two_sided(const storage::Reader& store, const identity::Directory& directory, const ParticipantId& peer, Timestamp now) {
  if (!directory.keeps_evidence(peer, now)) return false;
  if (const auto contradicts = Contradiction::read(store, peer); !contradicts || *contradicts) return false;
  const auto one = read_one_sided(store, peer);
  return one && !(*one && (*one)->holds(directory, now));
}

Result<bool> mark_one_sided(const storage::Reader& store, const identity::Directory& directory, const ParticipantId& peer, Timestamp now, Commit& commit) {
  SLUIS_TRY(const std::optional<OneSided> before, read_one_sided(store, peer));
  const std::string logs = logs_of_party(directory, peer);
  const bool same = before && before->logs == logs;
  if (!same || before->settled || now >= before->until + kOneSidedFor) {  // the first, or the first again
    commit.changes.push_back(change_to({peer, now, now, same ? before->told : Timestamp{}, false, logs}));
    return false;
  }
  if (now < before->since + kOneSidedAfter || before->until - now > kOneSidedFor / 2) return false;
  OneSided after = *before;
  after.until = now + kOneSidedFor;
  const bool news = !before->marked() && now >= before->told + kOneSidedFor;
  if (news) after.told = now;
  commit.changes.push_back(change_to(after));
  return news;
}

Result<void> forget_one_sided(const storage::Reader& store, const ParticipantId& peer, Timestamp now, Commit& commit) {
  SLUIS_TRY(std::optional<OneSided> one, read_one_sided(store, peer));
  if (!one || one->settled) return {};
  one->settled = true;
  if (one->marked()) one->until = std::clamp(now, one->since, one->until);
  commit.changes.push_back(change_to(*one));
  return {};
}

std::vector<std::string> one_sided_findings(const storage::Reader& store, const identity::Directory& directory, Timestamp now) {
  std::vector<std::string> out;
  const auto read = store.scan(kOneSidedPrefix, kOneSidedPrefix, [&](std::string_view key, std::string_view bytes) {
    const auto one = decode(key, bytes);
    // One that is not listed with evidence any more owes none.
    const auto party = one ? directory.find(one->peer) : Result<identity::PartyPtr>(one.error());
    if (!party || !(*party)->evidence || !one->holds(directory, now)) return true;
    const std::string since = format_time(one->since).substr(0, 16) + "Z";
    out.push_back("`" + (*party)->name + "` is listed with evidence, and its node answers as if it had no route for receipts of data requests since " + since +
                  ": evidence of requests with it is one-sided, in this log alone; it is asked again after a day, or when its logs in the list change. "
                  "Is this node's certificate good there, and is it on the list that the other has?");
    return true;
  });
  if (!read) out.push_back("who takes no receipts cannot be read: " + read.error().message);
  return out;
}

}  // namespace sluis::node
