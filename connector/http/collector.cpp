#include "connector/http/collector.hpp"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <cerrno>
#include <mutex>
#include <utility>
#include <vector>

namespace sluis::http {
namespace {

constexpr std::size_t kBuffer = 128U << 10U;
constexpr std::size_t kPooled = 64;

/// Buffers that nobody uses; the newest is given out first. Thread-safe.
class Pool {
 public:
  std::string take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        std::string buffer = std::move(free_.back());
        free_.pop_back();
        return buffer;
      }
    }
    std::string buffer;
    buffer.reserve(kBuffer);
    return buffer;
  }
  void give(std::string buffer) {
    buffer.clear();
    const std::lock_guard lock(mutex_);
    if (free_.size() < kPooled) free_.push_back(std::move(buffer));
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> free_;
};

Pool& pool() {
  static Pool buffers;
  return buffers;
}

int bio_write(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  static_cast<Collector*>(BIO_get_data(bio))->add(bytes, size);
  *written = size;
  return 1;
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command != BIO_CTRL_FLUSH) return command == BIO_CTRL_PUSH || command == BIO_CTRL_POP ? 1 : 0;
  BIO_clear_retry_flags(bio);
  const int done = static_cast<Collector*>(BIO_get_data(bio))->flush();
  if (done < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
  return done;
}

const BIO_METHOD* method() {
  static const BIO_METHOD* made = [] {
    BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "collector");
    BIO_meth_set_write_ex(fresh, &bio_write);
    BIO_meth_set_ctrl(fresh, &bio_control);
    BIO_meth_set_create(fresh, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    return fresh;
  }();
  return made;
}

}  // namespace

std::string take_buffer() { return pool().take(); }
void give_buffer(std::string buffer) {
  if (buffer.capacity() >= kBuffer) pool().give(std::move(buffer));
}

Collector::~Collector() { give_buffer(std::move(bytes_)); }

bio_st* Collector::make_bio() {
  BIO* bio = BIO_new(method());
  if (bio != nullptr) BIO_set_data(bio, this);
  return bio;
}

void Collector::add(const char* bytes, std::size_t size) {
  if (bytes_.capacity() < kBuffer) {
    std::string buffer = pool().take();
    buffer.append(bytes_);
    bytes_ = std::move(buffer);
  }
  bytes_.append(bytes, size);
}

int Collector::flush() {
  while (!empty()) {
    const ssize_t now = ::send(file_, bytes_.data() + sent_, bytes_.size() - sent_, MSG_NOSIGNAL);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return -1;
    sent_ += static_cast<std::size_t>(now);
  }
  sent_ = 0;
  give_buffer(std::exchange(bytes_, std::string()));
  return 1;
}

}  // namespace sluis::http
