#pragma once

#include "connector/storage/commit_port.hpp"

namespace sluis::gate {

/// Makes the record of something that ended durable: it is one in any case, so where exchanges are not recorded, on a full disk (D23) or
/// while the clock is behind the log (D14), it goes with the revocations. Errors of CommitPort.
inline Result<CommitReceipt> commit_end(CommitPort& commits, Commit commit) {
  auto done = commits.commit_and_wait(commit);
  if (done || commit.commit_class == CommitClass::revoke || done.error().code != ErrorCode::storage_unavailable) return done;
  commit.commit_class = CommitClass::revoke;
  return commits.commit_and_wait(std::move(commit));
}

}  // namespace sluis::gate
