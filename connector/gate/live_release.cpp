#include "connector/gate/live_release.hpp"

#include "connector/base/log.hpp"
#include "connector/gate/sending.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluis::gate {
namespace {

using Steady = std::chrono::steady_clock;

std::string_view code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_state: return "source.truncated";
    case ErrorCode::conflict: return "source.skipped";
    case ErrorCode::limit_exceeded: return "source.line_too_long";
    default: return "source.unavailable";
  }
}

class LiveSender : Sending {
 public:
  LiveSender(PreparedRelease& release, Stream& stream, const DecisionClock& clock, http::ResponseSink& sink, std::chrono::milliseconds keep_alive)
      : Sending(stream, clock, sink), release_(release), source_(*release.live->file), writer_(release.live->form), keep_alive_(keep_alive) {}

  ReleaseEnd run(const http::Headers& headers) {
    if (may_go_on() && check(sink_.start(200, headers, std::nullopt))) follow();
    if (!ended_ && may_go_on()) finish();
    if (!digested_) end_.digest = digest_.finish();
    if (end_.how != ReleaseEnd::How::complete) sink_.cut();
    return std::move(end_);
  }

 private:
  bool check(const Result<void>& sent) {
    if (!sent) end_with(ReleaseEnd::How::failed, "peer.gone");
    return !ended_;
  }

  void follow() {
    auto silent_until = Steady::now() + keep_alive_;
    while (may_go_on()) {
      const auto lines = source_.read();
      if (!lines) {
        log::error("source_failed", {{"error", lines.error().message}});
        return end_with(ReleaseEnd::How::failed, code_of(lines.error()));
      }
      if (!lines->empty() && !pass(*lines)) return;
      if (source_.ended()) return;
      if (sent_) silent_until = Steady::now() + keep_alive_;
      sent_ = false;
      if (!lines->empty()) continue;
      if (Steady::now() < silent_until) {
        source_.wait(silent_until);
      } else if (send(writer_.keep_alive())) {
        silent_until = Steady::now() + keep_alive_;
      }
    }
  }

  /// Through the plan. Whether it goes on.
  bool pass(std::string_view lines) {
    const auto rows = release_.transformer.feed(lines);
    if (!rows) {
      log::error("source_malformed", {{"error", describe(rows.error())}});
      end_with(ReleaseEnd::How::failed, "source.malformed", {{"why", rows.error().message}});
      return false;
    }
    if (rows->empty()) return true;
    if (!may_go_on()) return false;  // to see what may leave took its time
    digest_.update(*rows);
    end_.rows = release_.transformer.rows();
    end_.bytes += rows->size();
    stream_.count(end_.rows, end_.bytes);
    sent_ = true;
    return send(writer_.write(*rows));
  }

  bool send(std::string_view body) { return check(sink_.write(body)) && check(sink_.flush()); }

  PreparedRelease& release_;
  FollowedFile& source_;
  LiveWriter writer_;
  std::chrono::milliseconds keep_alive_;
  bool sent_ = false;
};

/// What the query says of how many lines before the end are wanted. Nothing: it says something else.
std::optional<std::uint32_t> last_lines(const std::string& query) {
  if (query.empty()) return 0;
  const auto pairs = read_query(query);
  if (!pairs || pairs->size() != 1 || pairs->front().first != "last") return std::nullopt;
  const std::string& text = pairs->front().second;
  std::uint32_t count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failed != std::errc() || end != text.data() + text.size() || count == 0 || count > kFollowLast) return std::nullopt;
  return count;
}

Unprepared refused(unsigned status, policy::Reason reason) { return {status, std::move(reason), {}, {}}; }

}  // namespace

policy::Reason too_many_live() { return make_reason("live.busy", {{"count", std::to_string(kLiveAtOnce)}}); }

bool same_live(const ReleasePlan& begun, const ReleasePlan& now) {
  if (begun.follow.empty()) return true;
  const auto same_column = [](const policy::ColumnDeclaration& a, const policy::ColumnDeclaration& b) {
    return a.name == b.name && a.action == b.action && a.counts == b.counts && a.time == b.time;
  };
  return begun.follow == now.follow && begun.columns.groups == now.columns.groups && begun.lookups == now.lookups &&
         begun.format.decimal == now.format.decimal && begun.format.null_words == now.format.null_words &&
         std::equal(begun.columns.columns.begin(), begun.columns.columns.end(), now.columns.columns.begin(), now.columns.columns.end(), same_column);
}

std::variant<LiveSource, Unprepared> open_live(const ReleasePlan& plan, const Wanted& wanted) {
  if (!wanted.if_match.empty() && !has_tag(wanted.if_match, "")) return refused(412, make_reason("source.other_version"));
  const auto last = last_lines(wanted.query);
  if (!last) {
    return refused(403, make_reason("source.choice", {{"why", "a live stream begins now, or with `last`: 1 to " + std::to_string(kFollowLast) + " lines before"}}));
  }
  auto file = FollowedFile::open(plan.folder, plan.follow, *last);
  if (file) return LiveSource{std::move(*file), wanted.events ? LiveForm::events : LiveForm::lines};
  if (*last != 0 && file.error().code == ErrorCode::limit_exceeded) {
    return refused(403, make_reason("source.choice", {{"why", file.error().message}}));
  }
  return Unprepared{503, make_reason("source.unavailable"), {}, file.error()};
}

ReleaseEnd send_live(PreparedRelease& release, Stream& stream, const DecisionClock& clock, http::ResponseSink& sink, http::Headers headers,
                     std::chrono::milliseconds keep_alive) {
  stream.set_endless();
  WakingSink waking(sink, [&source = std::as_const(*release.live->file)] { source.wake(); });
  const Attached attached(stream, waking);
  headers["content-type"] = media_type_of(release.live->form);
  headers["cache-control"] = "no-store";
  headers["trailer"] = std::string(kRowsTrailer) + ", " + std::string(kDigestTrailer);
  headers["accept-ranges"] = "none";
  return LiveSender(release, stream, clock, waking, keep_alive).run(headers);
}

}  // namespace sluis::gate
