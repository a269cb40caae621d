#pragma once

#include "connector/gate/reason.hpp"
#include "connector/gate/streams.hpp"
#include "connector/storage/commit_port.hpp"
#include "connector/transfer/model.hpp"

#include <functional>

namespace sluis::node {

/// The commits of transfers: as soon as one is durable that takes a transfer out of STARTED, whoever asked for it, the
/// streams under that transfer are cut. Thread-safe.
class TransferCommits final : public CommitPort {
 public:
  /// `streams` is asked for after a commit, and may not be there yet while the node starts.
  /// `pushes` is called after a commit that made a push due.
  TransferCommits(CommitPort& inner, std::function<gate::StreamRegistry*()> streams, std::function<void()> pushes)
      : inner_(inner), streams_(std::move(streams)), pushes_(std::move(pushes)) {}

  /// Transfers wait for their commits; what is only submitted goes through unseen.
  void submit(Commit commit, Completion done) override { inner_.submit(std::move(commit), std::move(done)); }
  Result<CommitReceipt> commit_and_wait(Commit commit) override {
    const std::vector<storage::Change> changes = commit.changes;
    auto receipt = inner_.commit_and_wait(std::move(commit));
    // An unknown outcome cuts as well: it may be durable.
    if (receipt || receipt.error().code == ErrorCode::outcome_unknown) cut(changes);
    return receipt;
  }

 private:
  void cut(const std::vector<storage::Change>& changes) const {
    gate::StreamRegistry* streams = streams_();
    for (const storage::Change& change : changes) {
      if (change.value && change.key.starts_with(transfer::kPushPrefix)) pushes_();
      if (streams == nullptr || !change.value || !change.key.starts_with(transfer::kTransferPrefix)) continue;
      const auto process = transfer::decode_transfer(*change.value);
      if (!process) continue;
      const transfer::State now = transfer::visible_state(*process);
      // What was only asked for never ran: a stream that is there by now began after a later commit, which another thread made.
      if (now == transfer::State::started || now == transfer::State::requested) continue;
      const std::string state(transfer::to_string(now));
      streams->cut_transfer(process->own_pid, gate::make_reason("transfer.not_started", {{"state", state}}));
    }
  }

  CommitPort& inner_;
  std::function<gate::StreamRegistry*()> streams_;
  std::function<void()> pushes_;
};

}  // namespace sluis::node
