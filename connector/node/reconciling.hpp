#pragma once

#include "connector/node/comparison.hpp"
#include "connector/node/evidence_channel.hpp"
#include "connector/node/settling.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluis::node {

/// What reconciling gives.
struct Reconciled {
  Comparison comparison;
  std::uint64_t ours = 0;
  std::uint64_t theirs = 0;
  std::string peer_checkpoint;
  std::string held_checkpoint;  ///< one that it signed before of the same log, and cannot prove to hold; empty: there is none
  std::string shown_checkpoint; ///< the one that it showed instead
  std::vector<std::string> peer_proofs;  ///< by SharedEntry::at
  std::vector<std::string> settled;  ///< agreements, by their id; `transfer <id>`, `negotiation <id>`
  std::vector<std::string> held;     ///< likewise
  std::vector<std::string> notes;    ///< on what is held, and on what the peer says it lost
  std::uint64_t entry = 0;
  std::optional<Timestamp> pruned;  ///< what was recorded before was not compared: one of both pruned its entries
};
struct ReconcileOrder {
  ParticipantId peer;
  std::optional<Timestamp> from;
  std::optional<Timestamp> until;
  bool settle = false;
  /// Agreements, negotiations and transfers that the person says were not ended or suspended by this node: the other party could hide it.
  std::set<std::string> apply;
  bool dry_run = false;
  std::string person;
};

/// Serves this node's entries to whom they concern, and asks for the peer's. Thread-safe; worker threads only.
class Reconciling {
 public:
  /// `settling`: of processes; null: there are none.
  Reconciling(ParticipantId self, EvidenceDependencies with, EvidenceChannel& evidence, const Settling* settling = nullptr)
      : self_(std::move(self)), with_(std::move(with)), evidence_(evidence), settling_(settling) {}

  /// `POST /evidence/v1/entries`: `{from, until, after, known}`, all optional, gives receipts of the entries that concern who asks.
  std::vector<http::Route> routes();
  /// Compares, and records that. not_found: no such party, or one without evidence, unless it is to be settled with: then there is no log to
  /// compare, and a person's word is all there is. peer_unavailable.
  Result<Reconciled> reconcile(const ReconcileOrder& order);

 private:
  struct Theirs;
  struct OneAtATime;
  /// A signed checkpoint of a log that is the peer's.
  struct Shown {
    std::string note;
    provenance::Checkpoint checkpoint;
  };

  http::Response entries(const http::Request& request);
  Result<std::string> answer(const ParticipantId& peer, std::string_view body) const;
  /// What this node's entry says, where it is about this peer and of that time; nothing: it is not, or it is erased.
  Result<std::optional<SharedEntry>> entry_at(std::uint64_t number, const ParticipantId& peer, Timestamp from, Timestamp until) const;
  Result<std::optional<ErasedEntry>> erased_at(std::uint64_t number, Timestamp from, Timestamp until) const;
  Result<std::vector<SharedEntry>> ours(const ParticipantId& peer, Timestamp from, Timestamp until, std::vector<ErasedEntry>& erased) const;
  Result<std::optional<Timestamp>> pruned_until() const;
  Result<Shown> opened(const ParticipantId& peer, const std::string& note) const;
  Result<std::vector<Shown>> known_of(const ParticipantId& peer) const;
  Result<http::PeerResponse> post(const json::Value& question, const ParticipantId& peer) const;
  Result<std::optional<Shown>> lost_its_end(const ParticipantId& peer, const Shown& known, const std::string& newest) const;
  Result<json::Value> ask(const json::Value& question, const ParticipantId& peer, const Shown* known, Theirs& out) const;
  Result<Theirs> fetch(const ReconcileOrder& order, Timestamp from, Timestamp until) const;
  Result<Shown> check_known(const ParticipantId& peer, const Shown& known, const json::Value& page) const;
  Result<void> take_page(const ParticipantId& peer, const json::Value& page, Theirs& out) const;
  Result<void> take_entry(const ParticipantId& peer, const std::string& text, Theirs& out) const;
  Result<std::vector<negotiation::AgreementRecord>> held(const ParticipantId& peer) const;
  Result<void> apply_again(const negotiation::AgreementRecord& record, std::uint64_t lost_uses, const ReconcileOrder& order) const;
  Result<Reconciled> settle_alone(const ReconcileOrder& order) const;
  Result<void> settle_processes(const ReconcileOrder& order, Reconciled& out) const;
  Result<void> settle(const ReconcileOrder& order, const std::vector<SharedEntry>& ours, const Theirs& theirs, Reconciled& out);
  Result<void> record(const ReconcileOrder& order, const Theirs& theirs, Reconciled& out) const;

  ParticipantId self_;
  EvidenceDependencies with_;
  EvidenceChannel& evidence_;
  const Settling* settling_;
  std::mutex mutex_;
  std::condition_variable turn_;
  std::set<ParticipantId> asking_;  ///< whose question is being answered, or waits for its turn: one at a time
  std::size_t served_ = 0;          ///< of them that are being answered
};

}  // namespace sluis::node
