#include "connector/gate/release.hpp"

#include "connector/base/log.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/gate/reason.hpp"
#include "connector/gate/row_counter.hpp"

#include <algorithm>

namespace sluis::gate {
namespace {

constexpr std::uint64_t kPaceParts = 8;  ///< a paced stream moves about so often a second

/// One release on its way out. Nothing is written once `end` is set.
class Sender {
 public:
  Sender(PreparedRelease& release, Stream& stream, const DecisionClock& clock, http::ResponseSink& sink)
      : release_(release), stream_(stream), clock_(clock), sink_(sink), began_(std::chrono::steady_clock::now()),
        counter_(release.format) {}

  ReleaseEnd run(const http::Headers& headers) {
    if (may_go_on()) {
      if (sink_.start(200, headers, std::nullopt)) send_all();
      else end_with(ReleaseEnd::How::failed, "peer.gone");
    }
    if (!ended_ && may_go_on()) finish();
    if (end_.how != ReleaseEnd::How::complete) {
      if (!digested_) end_.digest = digest_.finish();
      if (release_.pace) end_.rows = counter_.rows();
      sink_.cut();
    }
    return std::move(end_);
  }

 private:
  void end_with(ReleaseEnd::How how, std::string_view code, std::map<std::string, std::string> parameters = {}) {
    ended_ = true;
    end_.how = how;
    end_.reason = make_reason(code, std::move(parameters));
    if (auto reason = stream_.cut_reason()) {
      end_.how = ReleaseEnd::How::cut;
      end_.reason = std::move(*reason);
    }
  }

  bool may_go_on() {
    if (ended_) return false;
    if (stream_.may_go_on(clock_.now())) return true;
    end_with(ReleaseEnd::How::cut, "time.over_now");
    return false;
  }

  void send_all() {
    if (release_.whole) {
      write(*release_.whole);
      if (!ended_) end_.rows = release_.transformer.rows();
      return;
    }
    while (!ended_) {
      const auto block = release_.source.read();
      if (!block) {
        const bool changed = block.error().code == ErrorCode::invalid_state;
        log::error("source_failed", {{"error", block.error().message}});
        return end_with(ReleaseEnd::How::cut, changed ? "source.changed" : "source.unavailable");
      }
      const bool last = block->empty();
      const auto rows = last ? release_.transformer.finish() : release_.transformer.feed(*block);
      if (!rows) {
        log::error("source_malformed", {{"error", describe(rows.error())}});
        return end_with(ReleaseEnd::How::cut, "source.malformed", {{"why", rows.error().message}});
      }
      write(*rows);
      if (!ended_) end_.rows = release_.transformer.rows();
      if (last) return;
    }
  }

  void write(std::string_view bytes) {
    std::size_t part = bytes.size();
    if (release_.pace) part = static_cast<std::size_t>(std::max<std::uint64_t>(1, *release_.pace / kPaceParts));
    while (!bytes.empty()) {
      if (!wait_for_turn() || !may_go_on()) return;
      const std::string_view now = bytes.substr(0, part);
      digest_.update(now);
      end_.bytes += now.size();
      if (release_.pace) counter_.take(now);
      const bool sent = sink_.write(now) && (!release_.pace || sink_.flush());
      if (!sent) return end_with(ReleaseEnd::How::failed, "peer.gone");
      bytes.remove_prefix(now.size());
    }
  }

  /// At its pace: what has left is never more than pace times the time since the beginning, and one part.
  bool wait_for_turn() {
    if (!release_.pace) return true;
    const auto pace = std::max<std::uint64_t>(1, *release_.pace);
    const auto due = std::chrono::seconds(end_.bytes / pace) +
                     std::chrono::microseconds(end_.bytes % pace * 1'000'000 / pace);
    if (stream_.wait_until(began_ + due)) return true;
    end_with(ReleaseEnd::How::cut, "time.over_now");
    return false;
  }

  void finish() {
    end_.digest = digest_.finish();
    digested_ = true;
    end_.how = ReleaseEnd::How::complete;
    const auto done = sink_.finish({{std::string(kRowsTrailer), std::to_string(end_.rows)},
                                    {std::string(kDigestTrailer), to_hex(end_.digest)}});
    if (!done) end_with(ReleaseEnd::How::failed, "peer.gone");
  }

  PreparedRelease& release_;
  Stream& stream_;
  const DecisionClock& clock_;
  http::ResponseSink& sink_;
  std::chrono::steady_clock::time_point began_;
  crypto::Sha256 digest_;
  RowCounter counter_;
  ReleaseEnd end_;
  bool ended_ = false;
  bool digested_ = false;
};

Result<std::string> whole_of(PreparedRelease& release) {
  for (;;) {
    SLUIS_TRY(const std::string_view block, release.source.read());
    if (block.empty()) return release.transformer.finish();
    SLUIS_CHECK(release.transformer.feed(block));
  }
}

}  // namespace

Result<PreparedRelease> prepare(const ReleasePlan& plan, std::span<const policy::Transform> transforms,
                                const std::optional<Recipient>& recipient) {
  SLUIS_CHECK(policy::check_format(plan.format));
  const policy::Means means = means_of(plan.folder, plan.lookups, recipient);
  SLUIS_TRY(policy::ColumnPlan columns, policy::ColumnPlan::compile(plan.columns, transforms, means));
  SLUIS_TRY(FileSource source, FileSource::open(plan.folder, plan.file));
  policy::CsvFormat format = plan.format;
  format.file = plan.file;
  PreparedRelease release{std::move(source), policy::Transformer(std::move(columns), format), plan.pace,
                          plan.content_type, std::move(format), std::nullopt};
  if (release.transformer.whole_table()) {
    SLUIS_TRY(release.whole, whole_of(release));
  }
  return release;
}

ReleaseEnd send(PreparedRelease& release, Stream& stream, const DecisionClock& clock, http::ResponseSink& sink,
                http::Headers headers) {
  const Attached attached(stream, sink);
  headers["content-type"] = release.content_type;
  headers["cache-control"] = "no-store";
  headers["trailer"] = std::string(kRowsTrailer) + ", " + std::string(kDigestTrailer);
  return Sender(release, stream, clock, sink).run(headers);
}

}  // namespace sluis::gate
