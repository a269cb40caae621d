#include "connector/management/held.hpp"

#include "catalog/keys.hpp"
#include "connector/declaration/register.hpp"
#include "connector/negotiation/agreement.hpp"
#include "connector/storage/hold.hpp"
#include "connector/transfer/model.hpp"

#include <array>
#include <map>

namespace sluis::management {
namespace {

using Kind = HeldThing::Kind;

constexpr std::array<std::string_view, 5> kNames = {"agreement", "negotiation", "transfer", "dataset", "declaration"};
constexpr std::array<std::string_view, 5> kPrefixes = {negotiation::kAgreementPrefix, negotiation::kNegotiationPrefix, transfer::kTransferPrefix,
                                                       catalog::kDatasetPrefix, declaration::kPrefix};
constexpr std::array kKinds = {Kind::agreement, Kind::negotiation, Kind::transfer, Kind::dataset, Kind::declaration};
constexpr std::size_t kNamed = 5;  // in one sentence

/// Fills in what the record says.
Result<void> read(const std::string& key, std::string_view bytes, HeldThing& out) {
  switch (out.kind) {
    case Kind::agreement: {
      SLUIS_TRY(const auto record, negotiation::decode_agreement(bytes));
      out.id = record.id.str();
      out.peer = record.peer.str();
      out.dataset = record.dataset.str();
      return {};
    }
    case Kind::negotiation: {
      SLUIS_TRY(const auto record, negotiation::decode_negotiation(bytes));
      out.id = record.own_pid.str();
      out.peer = record.peer.str();
      out.dataset = record.dataset.str();
      return {};
    }
    case Kind::transfer: {
      SLUIS_TRY(const auto record, transfer::decode_transfer(bytes));
      out.id = record.own_pid.str();
      out.peer = record.peer.str();
      out.dataset = record.dataset.str();
      return {};
    }
    case Kind::dataset:
      out.id = out.dataset = key.substr(catalog::kDatasetPrefix.size());
      return {};
    case Kind::declaration: {
      SLUIS_TRY(const auto record, declaration::decode(bytes));
      out.id = record.id;
      return {};
    }
  }
  return {};
}

std::string counted(const std::vector<const HeldThing*>& things, Kind kind) {
  std::string out;
  std::size_t count = 0;
  for (const HeldThing* one : things) {
    if (one->kind != kind || ++count > kNamed) continue;
    out += (out.empty() ? "`" : ", `") + one->id + "`";
  }
  if (count == 0) return {};
  if (count > kNamed) out += ", …";
  return std::to_string(count) + " " + std::string(to_string(kind)) + (count == 1 ? " (" : "s (") + out + ")";
}

}  // namespace

std::string_view to_string(Kind kind) { return kNames.at(static_cast<std::size_t>(kind)); }

Result<std::vector<HeldThing>> held_things(const storage::Reader& store, std::optional<Kind> kind) {
  std::vector<HeldThing> out;
  for (const Kind one : kKinds) {
    if (kind && *kind != one) continue;
    SLUIS_TRY(const std::vector<storage::Held> all, storage::all_held(store, kPrefixes.at(static_cast<std::size_t>(one))));
    for (const storage::Held& held : all) {
      SLUIS_TRY(const std::optional<std::string> bytes, store.get(held.record));
      if (!bytes) return Error(ErrorCode::corruption, "`" + held.record + "` is held, and not there");
      HeldThing thing{one, {}, {}, {}, held.since};
      SLUIS_CHECK(read(held.record, *bytes, thing));
      out.push_back(std::move(thing));
    }
  }
  return out;
}

std::vector<std::string> held_findings(const storage::Reader& store) {
  const auto all = held_things(store);
  if (!all) return {"what is held since a recovery cannot be read: " + describe(all.error())};
  std::map<std::string, std::vector<const HeldThing*>> by_peer;
  for (const HeldThing& one : *all) by_peer[one.peer].push_back(&one);
  std::vector<std::string> out;
  for (const auto& [peer, things] : by_peer) {
    std::string what;
    for (const Kind kind : {Kind::agreement, Kind::negotiation, Kind::transfer}) {
      const std::string some = counted(things, kind);
      if (!some.empty()) what += (what.empty() ? "" : ", ") + some;
    }
    const std::string since = "held " + storage::told(things.front()->since);
    if (!what.empty()) {
      out.push_back(since + ", so nothing goes out under them: " + what + " with `" + peer + "`. The DPO settles them with `sluis audit reconcile " + peer +
                    " --settle`; what stays held a person ends, or confirms with `--apply ID`");
    }
    if (const std::string some = counted(things, Kind::dataset); !some.empty()) {
      out.push_back(since + ", so not on offer and not released: " + some + ". A steward confirms what was not changed or taken off meanwhile with `sluis dataset confirm ID` "
                    "(`'*'`: all), or takes it off with `sluis dataset retract ID`");
    }
    if (const std::string some = counted(things, Kind::declaration); !some.empty()) {
      out.push_back(since + ", so what depends on situations and assessments is denied: " + some + ". Renew or end them");
    }
  }
  return out;
}

}  // namespace sluis::management
