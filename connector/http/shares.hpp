#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace sluis::http {

/// Places for what holds something for long, shared fairly: who asks may hold as many as are still free. So one alone gets half of them, and
/// others what they need beside it; whoever of many holds more than the others gets no more until it holds as few as they. Thread-safe.
class Shares {
 public:
  explicit Shares(std::size_t places);
  /// One more, until the pointer goes, which may outlive this. Null: it holds as many as are free.
  std::shared_ptr<const void> take(const std::string& who);

 private:
  struct Held;
  std::shared_ptr<Held> held_;
};

/// Of whom an address in numbers is taken to be: one of IPv4 is somebody, of IPv6 its network of 64 bits is.
std::string neighbourhood(const std::string& address);

}  // namespace sluis::http
