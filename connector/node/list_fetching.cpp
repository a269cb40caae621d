#include "connector/node/list_fetching.hpp"

#include "connector/base/log.hpp"
#include "connector/node/asked_to_wait.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluis::node {

using identity::Fetched;
using identity::Judged;

Result<std::string> read_place(const std::string& path, std::size_t most) {
  const auto failed = [&](ErrorCode code, const std::string& why) { return Error(code, "`" + path + "` " + why); };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe would keep it waiting
  if (file < 0) return failed(errno == ENOENT ? ErrorCode::not_found : ErrorCode::storage_unavailable, std::string("cannot be read: ") + std::strerror(errno));
  std::string bytes;
  struct stat status{};
  const bool regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  ssize_t got = 0;
  char chunk[16U << 10U];
  while (regular && bytes.size() <= most && (got = ::read(file, chunk, sizeof chunk)) > 0) bytes.append(chunk, static_cast<std::size_t>(got));
  const int why = errno;
  ::close(file);
  if (!regular) return failed(ErrorCode::invalid_argument, "is no regular file");
  if (got < 0) return failed(ErrorCode::storage_unavailable, std::string("cannot be read: ") + std::strerror(why));
  if (bytes.size() > most) return failed(ErrorCode::limit_exceeded, "has more than " + std::to_string(most) + " bytes");
  return bytes;
}

ListFetching::ListFetching(FetchedList list, ListFetchingDependencies with)
    : list_(std::move(list)), with_(std::move(with)), sources_(list_.what, list_.places, list_.every, with_.random, with_.now()) {}

ListFetching::~ListFetching() {
  halt();
  if (thread_.joinable()) thread_.join();
}

void ListFetching::start() { thread_ = std::thread([this] { run(); }); }

void ListFetching::halt() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  with_.cut();
}

void ListFetching::run() {
  while (true) {
    round();
    std::unique_lock lock(mutex_);
    stop_.wait_until(lock, sources_.next(), [this] { return stopping_; });
    if (stopping_) return;
  }
}

void ListFetching::round() {
  const std::lock_guard one_at_a_time(round_mutex_);
  while (true) {
    std::optional<std::size_t> index;
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_) index = sources_.due(with_.now());
    }
    if (!index) return;
    ask(*index);
  }
}

Fetched ListFetching::fetch(const std::string& place, const std::string& etag) const {
  Fetched out;
  if (place.starts_with('/')) {
    auto bytes = read_place(place, list_.most);
    out.kind = bytes ? Fetched::Kind::whole : Fetched::Kind::failed;
    if (bytes) out.body = std::move(*bytes);
    else out.why = describe(bytes.error());
    return out;
  }
  http::PeerRequest request;
  request.method = "GET";
  request.url = place;
  request.headers["accept"] = list_.accept;
  if (!etag.empty()) request.headers["if-none-match"] = etag;
  request.timeout = kTimeout;
  auto answer = with_.send(request);
  if (!answer) {
    out.why = answer.error().message;
    return out;
  }
  const auto wait = retry_after(*answer, with_.now().wall);
  return identity::read_answer(std::move(*answer), list_.most, !etag.empty(), wait);
}

void ListFetching::ask(std::size_t index) {
  std::string etag, held = with_.held();
  const std::string place = [&] {
    const std::lock_guard lock(mutex_);
    etag = sources_.condition(index, held);
    return sources_.place(index);
  }();
  Fetched fetched = fetch(place, etag);
  std::optional<Judged> judged;
  if (fetched.kind == Fetched::Kind::whole) judged = with_.take(fetched.body, place);
  held = with_.held();
  const identity::Moment now = with_.now();
  const std::lock_guard lock(mutex_);
  if (stopping_) return;  // what was cut off says nothing
  if (fetched.kind == Fetched::Kind::failed) {
    sources_.failed(index, now, fetched.why, fetched.wait);
  } else if (fetched.kind == Fetched::Kind::unchanged) {
    sources_.unchanged(index, now);
  } else {
    sources_.judged(index, now, *judged, std::move(fetched.etag), std::move(held));
  }
  const std::string why = judged ? judged->why : fetched.why;
  if (judged && judged->kind == Judged::Kind::contradicts) {
    log::error("a list contradicts the one in force", {{"list", list_.what}, {"place", place}, {"what", why}});
  } else if (judged && judged->kind == Judged::Kind::taken) {
    log::info("a list was fetched", {{"list", list_.what}, {"place", place}, {"what", why}});
  } else if (!why.empty() && told_[place] != why) {
    log::warning("a list was not fetched", {{"list", list_.what}, {"place", place}, {"what", why}});
  }
  told_[place] = why;  // the same again is told by findings and metrics
}

std::vector<identity::ListSource> ListFetching::sources() const {
  const std::lock_guard lock(mutex_);
  return sources_.sources(with_.now());
}

std::vector<std::string> ListFetching::findings() const {
  const std::string held = with_.held();
  const std::lock_guard lock(mutex_);
  return sources_.findings(with_.now(), held);
}

std::string ListFetching::tried() const {
  const std::lock_guard lock(mutex_);
  return sources_.tried(with_.now());
}

Duration ListFetching::to_receive() const { return list_.every + kTimeout * static_cast<std::int64_t>(list_.places.size()); }

}  // namespace sluis::node
