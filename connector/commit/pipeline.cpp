#include "connector/commit/pipeline.hpp"

#include <utility>

namespace sluis::commit {

std::uint64_t Pipeline::begin() {
  leading_ = ++last_;
  lead_is_lost_ = false;
  return last_;
}

Pipeline::Actions Pipeline::abandoned() {
  Actions actions;
  actions.complete.push_back({*std::exchange(leading_, std::nullopt), false});
  return actions;
}

Pipeline::Actions Pipeline::written() {
  Actions actions;
  const std::uint64_t batch = *std::exchange(leading_, std::nullopt);
  if (lead_is_lost_) {
    actions.complete.push_back({batch, false});
    return actions;
  }
  waiting_.push_back(batch);
  if (!keeping_) actions.keep = keeping_ = batch;
  return actions;
}

Pipeline::Actions Pipeline::write_failed() {
  broken_ = true;
  return abandoned();
}

Pipeline::Actions Pipeline::kept() {
  Actions actions;
  while (!waiting_.empty() && waiting_.front() <= *keeping_) {
    actions.complete.push_back({waiting_.front(), true});
    waiting_.pop_front();
  }
  keeping_.reset();
  if (!waiting_.empty()) actions.keep = keeping_ = waiting_.back();
  return actions;
}

Pipeline::Actions Pipeline::keep_failed() {
  Actions actions;
  for (const std::uint64_t batch : waiting_) actions.complete.push_back({batch, false});
  waiting_.clear();
  keeping_.reset();
  broken_ = true;
  lead_is_lost_ = leading_.has_value();
  return actions;
}

}  // namespace sluis::commit
