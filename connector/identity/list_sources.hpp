#pragma once

#include "connector/base/random.hpp"
#include "connector/base/time.hpp"
#include "connector/http/port.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Where signed lists are fetched from (decision 30): whose turn it is, what an answer is worth, and what is told of it. No socket, no thread.
namespace sluis::identity {

/// One instant by both clocks: one to wait by, which never steps, and one to tell people.
struct Moment {
  std::chrono::steady_clock::time_point steady;
  Timestamp wall;
};

/// What came from a place, before anybody looked into it.
struct Fetched {
  enum class Kind : std::uint8_t { whole, unchanged, failed };
  Kind kind = Kind::failed;
  std::string body;
  std::string etag;  ///< strong; else empty
  std::string why;   ///< of a failure
  std::optional<std::chrono::seconds> wait;  ///< that the place asked for
};
/// Of the answer to a GET. `conditional`: it was asked with an entity tag. A redirect is a failure: nobody but this node's configuration says
/// where its lists are.
Fetched read_answer(http::PeerResponse answer, std::size_t most, bool conditional, std::optional<std::chrono::seconds> wait);

/// What became of what a place offered.
struct Judged {
  enum class Kind : std::uint8_t {
    taken,        ///< newer, and now in force
    same,         ///< what is in force
    older,        ///< than what is in force: the place is behind, or somebody rolls back
    contradicts,  ///< as new as what is in force, and says something else
    refused,      ///< it cannot be read, is badly signed, or not of now
    not_taken,    ///< this node's own trouble
  };
  Kind kind = Kind::refused;
  std::string why;
};

/// How one place is, for people.
struct ListSource {
  std::string place;
  std::optional<Timestamp> succeeded;  ///< when it last had what is in force, or something newer
  std::optional<Timestamp> failed;
  std::string failure;                 ///< of that time
  bool failing = false;                ///< that was the last time
  Timestamp next;                      ///< when it is asked again
};

/// The places of one kind of list. Each is asked once an interval, a little earlier as chance has it, so that nodes do not come all at once. One
/// that fails is asked again soon, then ever later, up to the interval: none keeps another from its turn, and a list that any honest place
/// has is found within the interval. One thread at a time.
class ListSources {
 public:
  /// `what`: of which list, for sentences. All are due at once.
  ListSources(std::string what, std::vector<std::string> places, Duration every, Random& random, Moment now);

  /// Of the places whose time has come the one that has waited longest; nothing: none has.
  std::optional<std::size_t> due(Moment now) const;
  std::chrono::steady_clock::time_point next() const;
  const std::string& place(std::size_t index) const { return states_[index].place; }
  /// The entity tag to ask with; empty: for all of it. `held` names what is in force: only where that is what this place gave, "unchanged"
  /// says that there is nothing newer.
  std::string condition(std::size_t index, std::string_view held) const;

  void failed(std::size_t index, Moment now, std::string why, std::optional<std::chrono::seconds> wait = std::nullopt);
  void unchanged(std::size_t index, Moment now);
  /// `held`: after it was judged.
  void judged(std::size_t index, Moment now, const Judged& judged, std::string etag, std::string held);

  std::vector<ListSource> sources(Moment now) const;
  /// What the operator should look at, one line each: at once a place that offers what is refused, older or contradicts what is in force
  /// (a contradiction stays until something newer is in force, whatever the place says later), and one that failed for two intervals.
  std::vector<std::string> findings(Moment now, std::string_view held) const;
  /// Which places were asked, when, and what came of it, in one line.
  std::string tried(Moment now) const;

  static constexpr std::chrono::seconds kFirstPause{10};
  static constexpr std::chrono::hours kLongestAsked{1};  ///< that a place may ask to be left alone
  static constexpr std::chrono::minutes kOverdue{1};     ///< a failure is told not before, however short the interval

 private:
  using Steady = std::chrono::steady_clock::time_point;
  struct State {
    std::string place;
    std::string etag;
    std::string etag_held;  ///< what was in force once that came
    Steady due;
    Duration pause{0};      ///< after the next failure twice as long
    std::optional<Timestamp> succeeded;
    std::optional<Timestamp> failed;
    std::optional<Steady> failing_since;  ///< nothing: the last time was none
    Judged::Kind last = Judged::Kind::same;
    std::string why;        ///< of the last failure
    std::string contradiction;
    std::string contradicted;  ///< what was in force then
  };
  Steady later(Moment now, Duration pause);
  void fell_short(State& state, Moment now, std::string why);

  const std::string what_;
  const Duration every_;
  Random& random_;
  std::vector<State> states_;
};

}  // namespace sluis::identity
