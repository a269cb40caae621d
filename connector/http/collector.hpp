#pragma once

#include <cstddef>
#include <string>

struct bio_st;

namespace sluis::http {

/// A buffer for up to 128 KiB, from a pool whose newest is used first, as that one is still in the cache; and back to it, emptied. Thread-safe.
std::string take_buffer();
void give_buffer(std::string buffer);

/// Collects what TLS writes, so that one `send` carries several records (standards/data-plane.md: one of 112 to 128 KiB in place
/// of eight of 16 KiB). Between writes it holds no memory. One thread at a time; outlives its BIO.
class Collector {
 public:
  /// Plain bytes that are encrypted before they are sent together: seven full records.
  static constexpr std::size_t kPlain = 7U * (16U << 10U);

  explicit Collector(int file) : file_(file) {}
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  /// For SSL_set0_wbio, which takes it. A flush of it is `flush`.
  bio_st* make_bio();
  void add(const char* bytes, std::size_t size);
  /// Sends what the socket takes. 1: nothing is left. -1 with errno EAGAIN: the rest waits; with another: the connection is lost.
  int flush();
  bool empty() const { return waiting() == 0; }
  /// Bytes that no `send` has taken yet.
  std::size_t waiting() const { return bytes_.size() - sent_; }

 private:
  int file_;
  std::string bytes_;
  std::size_t sent_ = 0;
};

}  // namespace sluis::http
