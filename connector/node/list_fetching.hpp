#pragma once

#include "connector/http/port.hpp"
#include "connector/identity/list_sources.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluis::node {

/// What is fetched.
struct FetchedList {
  std::string what;                 ///< for sentences: "membership list"
  std::vector<std::string> places;  ///< addresses, and absolute paths of files
  Duration every{};
  std::size_t most = 0;             ///< bytes
  std::string accept;               ///< media types, of the header
};

/// What fetching needs; all of it outlives it.
struct ListFetchingDependencies {
  std::function<Result<http::PeerResponse>(const http::PeerRequest&)> send;
  std::function<void()> cut;  ///< lets what is being sent fail at once, and what would be sent later
  /// Takes over what a place offers, where it may.
  std::function<identity::Judged(const std::string& bytes, const std::string& place)> take;
  std::function<std::string()> held;  ///< names what is in force; changes with it
  std::function<identity::Moment()> now;
  Random& random;
};

/// Fetches one kind of list by itself, place after place, in a thread of its own; nothing else waits for it. Thread-safe.
class ListFetching {
 public:
  ListFetching(FetchedList list, ListFetchingDependencies with);
  /// Stops, and waits for the list that is being taken.
  ~ListFetching();
  ListFetching(const ListFetching&) = delete;
  ListFetching& operator=(const ListFetching&) = delete;

  void start();
  /// Lets go of what is being asked; the thread ends by itself.
  void halt();
  /// Asks each place whose time has come; for the thread, and before it.
  void round();

  std::vector<identity::ListSource> sources() const;
  std::vector<std::string> findings() const;
  std::string tried() const;
  /// The longest from when a list stands at a place that answers until it is in force here: the interval, and the time in which every place is
  /// asked in vain.
  Duration to_receive() const;
  Duration every() const { return list_.every; }

  static constexpr std::chrono::seconds kTimeout{10};  ///< for one place, without the machine's name resolver

 private:
  identity::Fetched fetch(const std::string& place, const std::string& etag) const;
  void ask(std::size_t index);
  void run();

  const FetchedList list_;
  const ListFetchingDependencies with_;
  mutable std::mutex mutex_;  ///< of what follows
  identity::ListSources sources_;
  std::map<std::string, std::string> told_;  ///< by place, what went wrong last
  bool stopping_ = false;
  std::condition_variable stop_;
  std::mutex round_mutex_;
  std::thread thread_;
};

/// All of a regular file, or of what a link leads to. not_found, invalid_argument (no regular file), limit_exceeded, storage_unavailable.
Result<std::string> read_place(const std::string& path, std::size_t most);

}  // namespace sluis::node
