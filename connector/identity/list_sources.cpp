#include "connector/identity/list_sources.hpp"

#include <algorithm>

namespace sluis::identity {
namespace {

constexpr std::size_t kEtagBytes = 512;

Fetched failed(std::string why, std::optional<std::chrono::seconds> wait = std::nullopt) {
  Fetched out;
  out.why = std::move(why);
  out.wait = wait;
  return out;
}

}  // namespace

Fetched read_answer(http::PeerResponse answer, std::size_t most, bool conditional, std::optional<std::chrono::seconds> wait) {
  const std::string status = std::to_string(answer.status);
  Fetched out;
  if (answer.status == 304) {
    if (!conditional) return failed("it answers 304 to a question that has no condition");
    out.kind = Fetched::Kind::unchanged;
    return out;
  }
  if (answer.status >= 300 && answer.status < 400) return failed("it answers " + status + ": a redirect is not followed; name the place itself");
  if (answer.status != 200) return failed("it answers " + status, wait);
  if (answer.body.size() > most) return failed("its answer has more than " + std::to_string(most) + " bytes");
  out.kind = Fetched::Kind::whole;
  out.body = std::move(answer.body);
  // A weak tag stands for what means the same, and one byte of a list may mean much (RFC 9110, section 8.8.1).
  const auto tag = answer.headers.find("etag");
  if (tag != answer.headers.end() && tag->second.starts_with('"') && tag->second.size() <= kEtagBytes) out.etag = tag->second;
  return out;
}

ListSources::ListSources(std::string what, std::vector<std::string> places, Duration every, Random& random, Moment now)
    : what_(std::move(what)), every_(every), random_(random) {
  for (std::string& place : places) {
    states_.emplace_back();
    states_.back().place = std::move(place);
    states_.back().due = now.steady;
  }
}

std::optional<std::size_t> ListSources::due(Moment now) const {
  const auto first = std::min_element(states_.begin(), states_.end(), [](const State& a, const State& b) { return a.due < b.due; });
  if (first == states_.end() || first->due > now.steady) return std::nullopt;
  return static_cast<std::size_t>(first - states_.begin());
}

std::chrono::steady_clock::time_point ListSources::next() const {
  Steady out = Steady::max();
  for (const State& one : states_) out = std::min(out, one.due);
  return out;
}

std::string ListSources::condition(std::size_t index, std::string_view held) const {
  const State& state = states_[index];
  return state.etag_held == held ? state.etag : std::string();
}

/// Up to a tenth earlier.
ListSources::Steady ListSources::later(Moment now, Duration pause) {
  const auto chance = static_cast<unsigned char>(random_.bytes(1).front());
  return now.steady + pause - pause * chance / 2560;
}

void ListSources::fell_short(State& state, Moment now, std::string why) {
  state.failed = now.wall;
  state.why = std::move(why);
  if (!state.failing_since) state.failing_since = now.steady;
}

void ListSources::failed(std::size_t index, Moment now, std::string why, std::optional<std::chrono::seconds> wait) {
  State& state = states_[index];
  fell_short(state, now, std::move(why));
  state.last = Judged::Kind::not_taken;
  state.pause = std::min<Duration>(every_, state.pause == Duration(0) ? Duration(kFirstPause) : 2 * state.pause);
  state.due = later(now, state.pause);
  if (wait) state.due = std::max(state.due, now.steady + std::min<std::chrono::seconds>(*wait, kLongestAsked));
}

void ListSources::unchanged(std::size_t index, Moment now) {
  judged(index, now, {Judged::Kind::same, {}}, states_[index].etag, states_[index].etag_held);
}

void ListSources::judged(std::size_t index, Moment now, const Judged& judged, std::string etag, std::string held) {
  State& state = states_[index];
  const bool good = judged.kind == Judged::Kind::taken || judged.kind == Judged::Kind::same;
  if (judged.kind == Judged::Kind::refused || judged.kind == Judged::Kind::not_taken) {
    failed(index, now, judged.why);
    state.last = judged.kind;
    return;
  }
  state.last = judged.kind;
  state.pause = Duration(0);
  state.due = later(now, every_);
  if (judged.kind == Judged::Kind::contradicts) {
    state.contradiction = judged.why;
    state.contradicted = std::move(held);
  }
  if (!good) {
    state.etag.clear();
    return fell_short(state, now, judged.why);
  }
  state.succeeded = now.wall;
  state.failing_since.reset();
  state.etag = std::move(etag);
  state.etag_held = std::move(held);
}

std::vector<ListSource> ListSources::sources(Moment now) const {
  std::vector<ListSource> out;
  for (const State& one : states_) {
    const auto left = std::chrono::duration_cast<Duration>(std::max(one.due, now.steady) - now.steady);
    out.push_back({one.place, one.succeeded, one.failed, one.why, one.failing_since.has_value(), now.wall + left});
  }
  return out;
}

std::vector<std::string> ListSources::findings(Moment now, std::string_view held) const {
  std::vector<std::string> out;
  for (const State& one : states_) {
    const std::string at = "the " + what_ + " at `" + one.place + "` ";
    if (!one.contradiction.empty() && one.contradicted == held) {
      out.push_back(at + "CONTRADICTS what is in force: " + one.contradiction + ". Its signers signed both, or one who has their keys: ask them at once");
      continue;
    }
    if (!one.failing_since) continue;
    if (one.last == Judged::Kind::older) out.push_back(at + "is refused: " + one.why + ". The place is behind, or somebody rolls back");
    else if (one.last == Judged::Kind::refused) out.push_back(at + "is refused: " + one.why);
    else if (now.steady - *one.failing_since >= std::max<Duration>(2 * every_, kOverdue)) out.push_back(at + "cannot be fetched: " + one.why);
  }
  return out;
}

std::string ListSources::tried(Moment now) const {
  std::string out;
  for (const ListSource& one : sources(now)) {
    if (!out.empty()) out += "; ";
    out += "`" + one.place + "`: ";
    if (one.failing) out += one.failure + " (" + format_time(*one.failed) + ")";
    else if (one.succeeded) out += "has nothing newer (" + format_time(*one.succeeded) + ")";
    else out += "not asked yet";
  }
  return out;
}

}  // namespace sluis::identity
