#include "connector/base/step_watch.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <future>
#include <stdexcept>

namespace sluis {
namespace {

/// Steps when the test says so, where the machine's clock must not be set.
class FakeSteps final : public StepSource {
 public:
  explicit FakeSteps(int file) : file_(file) {}
  int file() const override { return file_; }
  bool take() override {
    std::uint64_t count = 0;
    return ::read(file_, &count, sizeof count) == sizeof count && count != kNoStep;
  }
  static constexpr std::uint64_t kNoStep = 7;

 private:
  int file_;
};

class StepWatchTest : public ::testing::Test {
 protected:
  ~StepWatchTest() override { ::close(file_); }
  void tell(std::uint64_t what) const { ASSERT_EQ(::write(file_, &what, sizeof what), static_cast<ssize_t>(sizeof what)); }
  int file_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
};

TEST_F(StepWatchTest, EachStepIsToldAndWhatIsNoStepIsNot) {
  int steps = 0;
  std::promise<void> first;
  std::promise<void> second;
  {
    const StepWatch watch(std::make_unique<FakeSteps>(file_), [&] {
      ++steps;
      (steps == 1 ? first : second).set_value();
    });
    tell(1);
    first.get_future().get();
    tell(FakeSteps::kNoStep);
    while (true) {  // until the watch has taken it
      pollfd item{file_, POLLIN, 0};
      if (::poll(&item, 1, 0) == 0) break;
    }
    tell(1);
    second.get_future().get();
  }
  EXPECT_EQ(steps, 2);
}

TEST_F(StepWatchTest, WhatIsThrownEndsNothing) {
  std::promise<void> second;
  int steps = 0;
  std::promise<void> first;
  const StepWatch watch(std::make_unique<FakeSteps>(file_), [&] {
    if (++steps == 2) return second.set_value();
    first.set_value();
    throw std::runtime_error("no");
  });
  tell(1);
  first.get_future().get();
  tell(1);
  second.get_future().get();
}

TEST_F(StepWatchTest, TheKernelGivesATimerThatIsNotDue) {
  const auto steps = kernel_steps();
  ASSERT_TRUE(steps);
  pollfd item{(*steps)->file(), POLLIN, 0};
  EXPECT_EQ(::poll(&item, 1, 0), 0);
  EXPECT_FALSE((*steps)->take());
}

}  // namespace
}  // namespace sluis
