#include "connector/base/step_watch.hpp"

#include "connector/base/log.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>

namespace sluis {
namespace {

constexpr std::time_t kNeverDue = 32'503'680'000;  // the year 3000

class KernelSteps final : public StepSource {
 public:
  explicit KernelSteps(int file) : file_(file) {}
  ~KernelSteps() override { ::close(file_); }
  KernelSteps(const KernelSteps&) = delete;
  KernelSteps& operator=(const KernelSteps&) = delete;

  bool arm() const {
    itimerspec never{};
    never.it_value.tv_sec = kNeverDue;
    return ::timerfd_settime(file_, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) == 0;
  }
  int file() const override { return file_; }
  bool take() override {
    std::uint64_t ticks = 0;
    const bool stepped = ::read(file_, &ticks, sizeof ticks) < 0 && errno == ECANCELED;
    if (stepped && !arm()) log::error("steps of the clock are no longer seen", {{"what", std::strerror(errno)}});
    return stepped;
  }

 private:
  int file_;
};

}  // namespace

Result<std::unique_ptr<StepSource>> kernel_steps() {
  const int file = ::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (file < 0) return Error(ErrorCode::storage_unavailable, std::string("no timer: ") + std::strerror(errno));
  auto steps = std::make_unique<KernelSteps>(file);
  if (!steps->arm()) return Error(ErrorCode::storage_unavailable, std::string("no timer: ") + std::strerror(errno));
  return std::unique_ptr<StepSource>(std::move(steps));
}

StepWatch::StepWatch(std::unique_ptr<StepSource> source, std::function<void()> on_step)
    : source_(std::move(source)), on_step_(std::move(on_step)), stop_(::eventfd(0, EFD_CLOEXEC)), thread_([this] { run(); }) {}

StepWatch::~StepWatch() {
  const std::uint64_t one = 1;
  (void)!::write(stop_, &one, sizeof one);
  thread_.join();
  ::close(stop_);
}

void StepWatch::run() {
  for (;;) {
    pollfd items[2] = {{stop_, POLLIN, 0}, {source_->file(), POLLIN, 0}};
    if (::poll(items, 2, -1) < 0 && errno != EINTR) return;
    if (items[0].revents != 0) return;
    if ((items[1].revents & POLLIN) == 0 || !source_->take()) continue;
    try {
      on_step_();
    } catch (const std::exception& thrown) {
      log::error("what follows a step of the clock failed", {{"what", thrown.what()}});
    }
  }
}

}  // namespace sluis
