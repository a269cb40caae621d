#include "connector/management/commit_signal.hpp"

namespace sluis::management {

void CommitSignal::State::bump() {
  const std::lock_guard lock(mutex);
  ++count;
  changed.notify_all();
}

bool CommitSignal::State::wait(std::unique_lock<std::mutex>& lock, std::uint64_t seen, std::chrono::steady_clock::time_point until) {
  changed.wait_until(lock, until, [&] { return stopped || count != seen; });
  return count != seen && !stopped;
}

void CommitSignal::submit(Commit commit, Completion done) {
  inner_.submit(std::move(commit), [state = state_, done = std::move(done)](Result<CommitReceipt> receipt) {
    if (done) done(std::move(receipt));
    state->bump();
  });
}

Result<CommitReceipt> CommitSignal::commit_and_wait(Commit commit) {
  auto receipt = inner_.commit_and_wait(std::move(commit));
  state_->bump();
  return receipt;
}

std::uint64_t CommitSignal::seen() const {
  const std::lock_guard lock(state_->mutex);
  return state_->count;
}

Result<bool> CommitSignal::wait(std::uint64_t seen, std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(state_->mutex);
  if (state_->waiting >= kMaxWaiting) {
    return Error(ErrorCode::limit_exceeded, "too many callers wait for a change").mended_by("ask without waiting");
  }
  ++state_->waiting;
  const bool changed = state_->wait(lock, seen, until);
  --state_->waiting;
  return changed;
}

bool CommitSignal::wait_uncounted(std::uint64_t seen, std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(state_->mutex);
  return state_->wait(lock, seen, until);
}

void CommitSignal::stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  state_->changed.notify_all();
}

}  // namespace sluis::management
