#include "connector/intake/relay.hpp"

#include "connector/base/log.hpp"
#include "connector/gate/live.hpp"
#include "connector/gate/reason.hpp"
#include "connector/gate/row_counter.hpp"
#include "connector/gate/wanted.hpp"

namespace sluis::intake {
namespace {

constexpr std::size_t kReasonBody = 64U << 10U;
constexpr std::size_t kCheckpointBytes = 4096;
constexpr std::size_t kHeader = 256;  ///< one of the provider's that is passed on

/// Whether the provider's log signed it is looked at when what came is recorded: here it is read, or why it cannot be.
void read_checkpoint(const http::Headers& headers, Received& out) {
  out.checkpoint.clear();
  out.false_checkpoint.clear();
  const auto found = headers.find(gate::kCheckpointHeader);
  if (found == headers.end()) return;
  const auto note = from_base64(found->second);
  if (!note) out.false_checkpoint = "it is no base64";
  else if (note->size() > kCheckpointBytes) out.false_checkpoint = "it has " + std::to_string(note->size()) + " bytes, and " + std::to_string(kCheckpointBytes) + " are the most";
  else if (gate::valid_text(*note, kCheckpointBytes) != *note) out.false_checkpoint = "it is no text";
  else out.checkpoint = *note;
}

/// One answer of the provider on its way through.
class Relay {
 public:
  Relay(gate::Stream& stream, const gate::DecisionClock& clock, http::ResponseSink& sink, const http::Headers& headers)
      : stream_(stream), clock_(clock), sink_(sink), headers_(headers) {}

  RelayResult run(http::Upstream& upstream, const http::PeerRequest& request, http::StreamHandler handler) {
    if (const auto range = request.headers.find("range"); range != request.headers.end()) read(range->second);
    handler.on_head = [this](unsigned status, const http::Headers& headers) { return on_head(status, headers); };
    handler.on_data = [this](std::string_view bytes) { return on_data(bytes); };
    const auto end = upstream.get(request, handler);
    result_.received.digest = live_ ? live_->digest() : digest_.finish();
    result_.received.rows = live_ ? live_->rows() : rows_.rows();
    if (started_) end_of_stream(end);
    else if (wrong_part_) mismatch("the part");
    else if (status_ == 0 && (answered_ || stream_.cut_reason())) end_with(Received::How::cut, cut_or("peer.gone"));
    else if (status_ == 0) unreachable(end ? "it gave no answer" : end.error().message);
    else refused();
    if (started_ && result_.received.how != Received::How::complete) sink_.cut();
    return std::move(result_);
  }

 private:
  bool on_head(unsigned status, const http::Headers& headers) {
    read_checkpoint(headers, result_.received);
    if (status != 200 && status != 206) {
      status_ = status;
      return true;
    }
    answered_ = true;
    if (!stream_.may_go_on(clock_.now())) return false;
    http::Headers own = headers_;
    for (const std::string_view name : {"content-type", "etag", "accept-ranges", "content-range", "repr-digest"}) {
      const auto found = headers.find(name);
      if (found != headers.end() && found->second.size() <= kHeader) own[std::string(name)] = found->second;
    }
    const bool csv = !own["content-type"].starts_with("application/jsonl");
    if (!csv) rows_ = gate::RowCounter::of_part(0, false);  // one object a line
    if (status == 206) {
      part_ = gate::read_content_range(own["content-range"]);
      wrong_part_ = !is_asked_for();
      if (wrong_part_) return false;
      if (!part_->of_rows) rows_ = gate::RowCounter::of_part(part_->first, csv);
      else if (csv) rows_ = gate::RowCounter::behind_row({});
    } else {
      own.erase("content-range");
    }
    result_.received.version = version_of(own);
    if (const auto form = gate::live_form(own["content-type"]); form && status == 200) {
      live_.emplace(*form);
      stream_.set_endless();
    }
    own["cache-control"] = "no-store";
    own["trailer"] = std::string(gate::kRowsTrailer) + ", " + std::string(gate::kDigestTrailer);
    started_ = true;
    app_gone_ = !sink_.start(status, own, std::nullopt);
    return !app_gone_;
  }

  void read(std::string_view range) {
    const auto mark = gate::row_mark(range);
    asked_ = mark ? std::optional(gate::ByteRange{*mark, std::nullopt}) : gate::one_range(range);
    rows_asked_ = mark.has_value();
  }

  /// Whether the part is what was asked for, or the beginning of that; the provider knows the size.
  bool is_asked_for() const {
    if (!part_ || !asked_ || part_->of_rows != rows_asked_) return false;
    const auto due = gate::part_of(*asked_, part_->size);
    return due && due->first == part_->first && due->last == part_->last;
  }

  static std::string version_of(http::Headers& own) {
    std::string out;
    if (!own["etag"].empty()) out = "etag " + gate::valid_text(own["etag"], kHeader);
    if (!own["content-range"].empty()) out += (out.empty() ? "" : "; ") + gate::valid_text(own["content-range"], kHeader);
    std::erase_if(own, [](const auto& header) { return header.second.empty(); });
    return out;
  }

  void mismatch(const std::string& what) {
    end_with(Received::How::failed, gate::make_reason("provider.mismatch", {{"what", what}}));
    result_.status = 502;
  }

  bool on_data(std::string_view bytes) {
    if (!started_) {
      if (body_.size() + bytes.size() > kReasonBody) return false;
      body_ += bytes;
      return true;
    }
    if (live_) return pass_on(bytes);
    digest_.update(bytes);
    rows_.take(bytes);
    result_.received.bytes += bytes.size();
    stream_.count(rows_.rows(), result_.received.bytes);
    if (!stream_.may_go_on(clock_.now())) return false;
    app_gone_ = !sink_.write(bytes) || !sink_.flush();
    return !app_gone_;
  }

  /// Of a live stream, whole rows: so that what the record has is what the application got.
  bool pass_on(std::string_view bytes) {
    const auto whole = live_->take(bytes);
    if (!whole) {
      log::warning("live_row_without_end", {{"error", whole.error().message}});
      return false;
    }
    result_.received.bytes = live_->bytes();
    stream_.count(live_->rows(), live_->bytes());
    if (!stream_.may_go_on(clock_.now())) return false;
    app_gone_ = !whole->empty() && (!sink_.write(*whole) || !sink_.flush());
    return !app_gone_;
  }

  policy::Reason cut_or(std::string_view code, std::map<std::string, std::string> parameters = {}) const {
    auto reason = stream_.cut_reason();
    return reason ? std::move(*reason) : gate::make_reason(code, std::move(parameters));
  }

  void end_with(Received::How how, policy::Reason reason) {
    result_.received.how = how;
    result_.received.reason = std::move(reason);
  }

  /// Complete: the final chunk, and the trailers say what was counted here.
  void end_of_stream(const Result<http::StreamEnd>& end) {
    if (stream_.cut_reason() || app_gone_) return end_with(Received::How::cut, cut_or("peer.gone"));
    if (!end || !end->complete) return end_with(Received::How::cut, cut_or("provider.incomplete"));
    const auto stated = [&](std::string_view name) {
      const auto found = end->trailers.find(name);
      return found == end->trailers.end() ? std::string() : found->second;
    };
    if (part_ && (part_->of_rows ? result_.received.rows : result_.received.bytes) != part_->length()) {
      return end_with(Received::How::cut, gate::make_reason("provider.mismatch", {{"what", "the length"}}));
    }
    if (stated(gate::kDigestTrailer) != to_hex(result_.received.digest)) {
      return end_with(Received::How::cut, gate::make_reason("provider.mismatch", {{"what", "the digest"}}));
    }
    if (stated(gate::kRowsTrailer) != std::to_string(result_.received.rows)) {
      return end_with(Received::How::cut, gate::make_reason("provider.mismatch", {{"what", "the number of rows"}}));
    }
    result_.received.how = Received::How::complete;
    result_.trailers = {{std::string(gate::kRowsTrailer), stated(gate::kRowsTrailer)},
                        {std::string(gate::kDigestTrailer), stated(gate::kDigestTrailer)}};
  }

  void unreachable(const std::string& why) {
    end_with(Received::How::failed, gate::make_reason("provider.unavailable", {{"why", why}}));
    result_.status = 502;
  }

  /// What the provider says is passed on, with a status that the application can tell apart from our own.
  void refused() {
    auto reason = gate::parse_reason(body_);
    if (!reason) reason = gate::make_reason("provider.refused", {{"status", std::to_string(status_)}});
    end_with(Received::How::refused, std::move(*reason));
    // An empty choice is told apart from a provider that knows no such transfer.
    const bool passed = status_ == 403 || status_ == 412 || status_ == 416 || status_ == 429 || status_ == 503 || status_ == 504 ||
                        (status_ == 404 && result_.received.reason.code == "source.none");
    result_.status = passed ? status_ : 502;
    result_.received.digest = {};
  }

  gate::Stream& stream_;
  const gate::DecisionClock& clock_;
  http::ResponseSink& sink_;
  const http::Headers& headers_;
  crypto::Sha256 digest_;
  gate::RowCounter rows_;
  std::optional<gate::LiveReader> live_;  ///< set: the rows are counted and digested by it
  RelayResult result_;
  std::string body_;
  std::optional<gate::ByteRange> asked_;
  bool rows_asked_ = false;  ///< of rows, not of bytes
  std::optional<gate::Part> part_;  ///< that the provider announced
  bool wrong_part_ = false;    ///< it is not what was asked for: nothing of it is taken
  unsigned status_ = 0;        ///< of an answer that is no release
  bool answered_ = false;      ///< with a release
  bool started_ = false;
  bool app_gone_ = false;
};

}  // namespace

RelayResult relay(http::Upstream& upstream, const http::PeerRequest& request, gate::Stream& stream,
                  const gate::DecisionClock& clock, http::ResponseSink& sink, const http::Headers& headers, http::StreamHandler around) {
  return Relay(stream, clock, sink, headers).run(upstream, request, std::move(around));
}

}  // namespace sluis::intake
