#include "connector/gate/release.hpp"

#include "connector/base/log.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/gate/folder.hpp"
#include "connector/gate/live_release.hpp"
#include "connector/gate/reason.hpp"
#include "connector/gate/row_counter.hpp"
#include "connector/gate/row_mark.hpp"
#include "connector/gate/sending.hpp"

#include <algorithm>

namespace sluis::gate {
namespace {

constexpr std::uint64_t kPaceParts = 8;  ///< a paced stream moves about so often a second

class Sender : Sending {
 public:
  Sender(PreparedRelease& release, Stream& stream, const DecisionClock& clock, http::ResponseSink& sink, http::CallCutter& cutter)
      : Sending(stream, clock, sink), release_(release), cutter_(cutter), began_(std::chrono::steady_clock::now()),
        counter_(counter_of(release)) {
    if (release.part && release.part->of_rows) skip_.emplace(release.part->first, release.format);
  }

  ReleaseEnd run(http::Headers headers) {
    headers_ = std::move(headers);
    if (may_go_on()) {
      if (release_.upstream) ask();
      else if (skip_ || start()) send_all();
    }
    if (!ended_ && may_go_on()) finish();
    learn();
    if (end_.how != ReleaseEnd::How::complete) {
      end_.digest = digest();
      if (counts()) end_.rows = counter_.rows();
      if (instead_ != 0 && !stream_.cut_reason()) answer();
      else sink_.cut();
    }
    return std::move(end_);
  }

 private:
  static RowCounter counter_of(const PreparedRelease& release) {
    if (release.as_it_is) return RowCounter::of_part(0, release.format.form == policy::Form::csv);
    if (!release.part) return RowCounter(release.format);
    if (release.part->of_rows) return RowCounter::behind_row(release.format);
    return RowCounter::of_part(release.part->first, release.format.form == policy::Form::csv);
  }

  /// Whether rows are counted in what leaves: where a row may be cut in two, not all leave, or they pass no plan.
  bool counts() const { return release_.pace || release_.part || release_.as_it_is; }

  bool start() {
    if (sink_.start(release_.part ? 206 : 200, headers_, std::nullopt)) return true;
    end_with(ReleaseEnd::How::failed, "peer.gone");
    return false;
  }

  /// Nothing has left: what the upstream did is told in place of the data.
  void answer() {
    const std::string body = reason_json(end_.reason);
    http::Headers headers{{"content-type", "application/json"}};
    if (const auto found = headers_.find(kTransactionHeader); found != headers_.end()) headers.insert(*found);
    if (!sink_.start(instead_, headers, body.size()) || !sink_.write(body) || !sink_.finish()) sink_.cut();
  }

  void send_all() {
    if (release_.whole) {
      write(*release_.whole);
      if (!ended_) end_.rows = release_.transformer.rows();
      return;
    }
    while (!ended_) {
      const auto block = release_.source->read();
      if (!block) {
        const bool changed = block.error().code == ErrorCode::invalid_state;
        log::error("source_failed", {{"error", block.error().message}});
        if (block.error().code == ErrorCode::invalid_argument) return malformed(block.error());
        return end_with(ReleaseEnd::How::cut, changed ? "source.changed" : "source.unavailable");
      }
      if (release_.as_it_is || (release_.part && !skip_)) write(*block);
      else pass(*block);
      if (block->empty()) return release_.as_it_is ? compare() : count_part();
    }
  }

  /// What left past the plan is what was known of it: also where a file was written over by somebody who put its times back.
  void compare() {
    if (ended_) return;
    end_.rows = counter_.rows();
    if (digest() != release_.as_it_is->digest || end_.rows != release_.as_it_is->rows) end_with(ReleaseEnd::How::cut, "source.changed");
  }

  void malformed(const Error& error) { end_with(ReleaseEnd::How::cut, "source.malformed", {{"why", error.message}}); }

  void count_part() {
    if (!release_.part || ended_) return;
    end_.rows = counter_.rows();
    if ((skip_ ? end_.rows : end_.bytes) != release_.part->length()) end_with(ReleaseEnd::How::cut, "source.changed");
  }

  /// Through the plan; an empty block is the end.
  void pass(std::string_view block) {
    const auto rows = block.empty() ? release_.transformer.finish() : release_.transformer.feed(block);
    if (!rows) {
      log::error("source_malformed", {{"error", describe(rows.error())}});
      return malformed(rows.error());
    }
    if (release_.learn) see(block, *rows);
    if (skip_ && !skip_->done() && !may_go_on()) return;  // of what is passed over nothing is written
    const std::string_view leaving = skip_ ? skip_->rest_of(*rows) : std::string_view(*rows);
    // To go on behind a far row takes its time: who asked waits longer for an answer than for its next byte.
    if (skip_ && !started_ && !leaving.empty()) started_ = start();
    if (started_ || !(release_.upstream || skip_)) write(leaving);
    if (!ended_) end_.rows = release_.transformer.rows();
  }

  /// Whether the plan changes nothing: then this version leaves past it from now on. Given up at the first block that begins otherwise.
  void see(std::string_view block, std::string_view rows) {
    if (!seen_) {
      if (!block.starts_with(rows)) {
        release_.learn = {};
        return;
      }
      seen_.emplace();
    }
    seen_->bytes.update(block);
    seen_->ends += line_ends(block);
  }

  /// Once all has left.
  void learn() {
    if (!seen_ || !release_.learn || end_.how != ReleaseEnd::How::complete) return;
    const std::uint64_t header = release_.format.form == policy::Form::csv ? 1 : 0;
    if (seen_->bytes.finish() == end_.digest && seen_->ends == end_.rows + header) release_.learn({end_.digest, end_.rows});
  }

  /// From the upstream, as fast as it is taken: nothing is read of it while the sink waits for its reader. Nothing is promised before its answer began, and of a whole table not before it ended.
  void ask() {
    UpstreamCall& call = *release_.upstream;
    const auto since = std::chrono::steady_clock::now();
    const auto got = call.by->get(call.request, {[&](unsigned status, const http::Headers& headers) { return take_head(status, headers); },
                                                 [&](std::string_view bytes) { return take(bytes); }, {}, &cutter_});
    if (!may_go_on()) return;
    if (!got && !answered_) {
      log::error("upstream_failed", {{"error", got.error().message}});
      const bool late = std::chrono::steady_clock::now() - since >= call.request.timeout;
      return instead(late ? 504 : 502, make_reason(late ? "upstream.late" : "upstream.unreachable"));
    }
    if (!got || !got->complete) {
      const bool late = got && got->late;
      const std::string_view code = late ? "upstream.stalled" : "upstream.incomplete";
      log::error("upstream_failed", {{"error", got ? std::string(late ? "it took too long" : "its answer was cut short") : got.error().message}});
      if (!started_) return instead(late ? 504 : 502, make_reason(code));
      return end_with(ReleaseEnd::How::failed, code);
    }
    if (release_.transformer.whole_table()) return send_table();
    pass({});
  }

  void send_table() {
    const auto table = release_.transformer.finish();
    if (!table) return instead(502, make_reason("source.malformed", {{"why", table.error().message}}));
    started_ = start();
    if (started_) write(*table);
    if (!ended_) end_.rows = release_.transformer.rows();
  }

  bool take_head(unsigned status, const http::Headers& headers) {
    answered_ = true;
    if (!may_go_on()) return false;
    if (auto why = wrong_head(status, headers, release_.content_type)) {
      log::error("upstream_failed", {{"status", std::to_string(status)}, {"error", why->sentence}});
      release_.upstream->answered = " status=" + std::to_string(status);
      instead(502, std::move(*why));
      return false;
    }
    release_.upstream->answered = answered_version(headers);
    if (!release_.transformer.whole_table()) started_ = start();
    return !ended_;
  }

  bool take(std::string_view bytes) {
    while (!bytes.empty() && may_go_on()) {
      const std::string_view now = bytes.substr(0, kSourceBlock);
      pass(now);
      bytes.remove_prefix(now.size());
    }
    if (started_ && !ended_ && !release_.pace && !sink_.flush()) end_with(ReleaseEnd::How::failed, "peer.gone");
    return !ended_;
  }

  void instead(unsigned status, policy::Reason reason) {
    end_with(ReleaseEnd::How::failed, reason.code, std::move(reason.parameters));
    instead_ = status;
  }

  void write(std::string_view bytes) {
    std::size_t part = bytes.size();
    if (release_.pace) part = static_cast<std::size_t>(std::max<std::uint64_t>(1, *release_.pace / kPaceParts));
    while (!bytes.empty()) {
      if (!wait_for_turn() || !may_go_on()) return;
      const std::string_view now = bytes.substr(0, part);
      digest_.update(now);
      end_.bytes += now.size();
      if (counts()) counter_.take(now);
      stream_.count(counts() ? counter_.rows() : release_.transformer.rows(), end_.bytes);
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

  PreparedRelease& release_;
  http::CallCutter& cutter_;
  std::chrono::steady_clock::time_point began_;
  RowCounter counter_;
  std::optional<RowSkip> skip_;  ///< set: what goes on behind a row
  struct Seen {
    crypto::Sha256 bytes;
    std::uint64_t ends = 0;  ///< of lines
  };
  std::optional<Seen> seen_;  ///< of the source, while it may be that the plan changes nothing
  http::Headers headers_;
  unsigned instead_ = 0;   ///< the status of an answer in place of data; 0: there is none
  bool answered_ = false;  ///< by the upstream
  bool started_ = false;   ///< the data of an upstream
};

Result<std::string> whole_of(PreparedRelease& release) {
  for (;;) {
    SLUIS_TRY(const std::string_view block, release.source->read());
    if (block.empty()) return release.transformer.finish();
    SLUIS_CHECK(release.transformer.feed(block));
  }
}

Unprepared refused(unsigned status, policy::Reason reason, http::Headers headers = {}) {
  return {status, std::move(reason), std::move(headers), {}};
}

Unprepared operators(Error error) {
  http::Headers headers;
  if (error.code == ErrorCode::limit_exceeded || error.code == ErrorCode::storage_unavailable) headers["retry-after"] = "5";
  return {503, make_reason("source.unavailable"), std::move(headers), std::move(error)};
}

/// A strong entity tag: the source's version and all that makes bytes of it.
std::string tag_of(const ReleasePlan& plan, const Source& source) {
  std::string all;
  for (const std::string& one : {plan.id.str(), source.version(), plan.content_type}) put_sized(all, one);
  const policy::CsvFormat& format = plan.format;
  all += {format.delimiter, format.quote, format.decimal, static_cast<char>(format.encoding), format.mark ? 'm' : '-', format.same_encoding ? 's' : '-',
          static_cast<char>(format.form)};
  for (const policy::ColumnDeclaration& column : plan.columns.columns) put_sized(all, column.name);
  return "\"" + to_hex(crypto::sha256(all)).substr(0, 32) + "\"";
}

/// What leaves of a file, where the plan changes nothing in it and each line end is that of a row; so that any part of it may leave as it is.
/// A file that the plan refuses has no parts either: what would be cut as a whole does not leave in pieces.
Result<std::optional<WholeRelease>> unchanged_by(const ReleasePlan& plan, const policy::CsvFormat& format, const std::string& version,
                                                 const Tried<WholeRelease>& verbatim) {
  SLUIS_TRY(policy::ColumnPlan columns, policy::ColumnPlan::compile(plan.columns, {}));
  policy::Transformer transformer(std::move(columns), format);
  SLUIS_TRY(FileSource file, FileSource::open(plan.folder, plan.file));
  if (file.version() != version) return Error(ErrorCode::invalid_state, "the source `" + plan.file + "` changed while it was read");
  crypto::Sha256 in, out;
  std::uint64_t ends = 0;
  for (;;) {
    if (verbatim.stopped()) return Error(ErrorCode::invalid_state, "the node is stopping");
    SLUIS_TRY(const std::string_view block, file.read());
    in.update(block);
    ends += line_ends(block);
    const auto rows = block.empty() ? transformer.finish() : transformer.feed(block);
    if (!rows) return std::optional<WholeRelease>();
    out.update(*rows);
    if (block.empty()) break;
  }
  const WholeRelease whole{in.finish(), transformer.rows()};
  const std::uint64_t header = format.form == policy::Form::csv ? 1 : 0;
  return whole.digest == out.finish() && ends == whole.rows + header ? std::optional(whole) : std::nullopt;
}

/// Whether a condition of the request names another version (RFC 9110, 13.1.1 and 13.1.5).
bool other_version(const Wanted& wanted, const std::string& tag) { return !wanted.if_match.empty() && !has_tag(wanted.if_match, tag); }
/// Whether an `If-Match` names a version; `*` is any.
bool names_one(std::string_view if_match) { return if_match.find('"') != std::string_view::npos; }
bool other_range(const Wanted& wanted, const std::string& tag) { return !wanted.if_range.empty() && wanted.if_range != tag; }

Unprepared no_such(std::string_view code, std::string_view unit, std::uint64_t size) {
  const std::string all = std::to_string(size);
  return refused(416, make_reason(code, {{"size", all}}), {{"content-range", std::string(unit) + " */" + all}});
}

std::string repr_digest(const Hash& digest) { return "sha-256=:" + to_base64(view(digest)) + ":"; }

/// A range of bytes of a file (RFC 9110, 14.2). An answer: nothing is released.
/// `key`: of the version through this plan, in `verbatim`.
std::optional<Unprepared> take_range(const ReleasePlan& plan, const Wanted& wanted, Tried<WholeRelease>& verbatim, const std::string& key, FileSource& file,
                                     PreparedRelease& release) {
  const auto range = one_range(wanted.range);
  if (!range || other_range(wanted, release.tag)) return std::nullopt;
  const auto known = verbatim.look(key, [&] { return unchanged_by(plan, release.format, file.version(), verbatim); });
  if (!known) return operators(known.error());
  if (!*known) {  // from now on it has another tag, by which one may go on behind a row
    release.tag.clear();
    return std::nullopt;
  }
  release.part = part_of(*range, file.size());
  if (!release.part) return no_such("source.no_such_range", "bytes", file.size());
  file.only(release.part->first, release.part->length());
  release.whole_digest = repr_digest((*known)->digest);
  return std::nullopt;
}

/// Of a file that the plan may leave as it is. An answer: nothing is released.
std::optional<Unprepared> take_bytes(const ReleasePlan& plan, const Wanted& wanted, Tried<WholeRelease>& verbatim, const std::string& key, FileSource& file,
                                     PreparedRelease& release) {
  if (auto instead = take_range(plan, wanted, verbatim, key, file, release)) return instead;
  if (release.part || release.tag.empty()) return std::nullopt;
  release.as_it_is = verbatim.found(key);
  if (!release.as_it_is) release.learn = [&verbatim, key](const WholeRelease& seen) { verbatim.learn(key, seen); };
  return std::nullopt;
}

/// A request to go on behind a row. `again`: source and plan once more, to see what leaves in all. An answer: nothing is released.
std::optional<Unprepared> take_rows(const Wanted& wanted, Tried<WholeRelease>& tried,
                                    const std::function<Result<std::optional<WholeRelease>>()>& again, PreparedRelease& release) {
  const auto mark = row_mark(wanted.range);
  if (!mark || other_range(wanted, release.tag)) return std::nullopt;
  if (wanted.if_range.empty() && !names_one(wanted.if_match)) return refused(412, make_reason("source.unnamed_version"));
  const auto whole = tried.look(release.tag, again);
  if (!whole) return operators(whole.error());
  if (!*whole) return refused(416, make_reason("source.no_rows"));
  release.part = part_of({*mark, std::nullopt}, (*whole)->rows);
  if (!release.part) return no_such("source.no_such_row", "rows", (*whole)->rows);
  release.part->of_rows = true;
  release.whole_digest = repr_digest((*whole)->digest);
  return std::nullopt;
}

/// Opens files of a folder: by the request's choice, where the dataset has one.
std::variant<std::unique_ptr<Source>, Unprepared> open_files(const ReleasePlan& plan, std::span<const policy::Transform> transforms,
                                                             const Wanted& wanted) {
  NameRange names;
  if (!wanted.query.empty()) {
    const auto asked = name_range(wanted.query);
    if (plan.files->choose != catalog::FolderSource::Choose::range || !asked) {
      const bool newest = plan.files->choose == catalog::FolderSource::Choose::newest;
      return refused(403, make_reason("source.choice", {{"why", newest ? "there is nothing to choose, the newest is given"
                                                                       : "the query has `from` and `to`, once each, with a name"}}));
    }
    const std::string columns[] = {plan.files->selects};
    if (auto why = choice_undoes(columns, true, plan.columns, transforms)) return refused(403, std::move(*why));
    names = *asked;
  }
  auto source = FolderSource::open(plan.folder, *plan.files, names, plan.format);
  if (source) return std::unique_ptr<Source>(std::move(*source));
  if (source.error().code == ErrorCode::limit_exceeded) return refused(403, make_reason("source.choice", {{"why", source.error().message}}));
  if (source.error().code != ErrorCode::not_found) return operators(source.error());
  return refused(404, make_reason("source.none"));
}

/// Which version it is, and the part of it that the request asks for, if any. An answer: nothing is released.
std::optional<Unprepared> take_part(const ReleasePlan& plan, std::span<const policy::Transform> transforms, const std::optional<Recipient>& recipient,
                                    const Wanted& wanted, bool may_pass, Verbatim& verbatim, PreparedRelease& release) {
  FileSource* file = may_pass ? static_cast<FileSource*>(release.source.get()) : nullptr;
  const std::string bytes_tag = file != nullptr ? tag_of(plan, *file) : std::string();
  // What was seen of a version holds for no file that was touched since, whatever its times say.
  const std::string key = file != nullptr ? bytes_tag + "@" + std::to_string(file->changed_at()) : std::string();
  release.in_bytes = file != nullptr && !verbatim.bytes.has_none(key);
  auto tag = release.in_bytes ? Result<std::string>(bytes_tag) : tag_of_rows(plan, release.source->version(), transforms, recipient);
  if (!tag) return operators(tag.error());
  release.tag = std::move(*tag);
  if (other_version(wanted, release.tag)) return refused(412, make_reason("source.other_version"));
  if (release.in_bytes) return take_bytes(plan, wanted, verbatim.bytes, key, *file, release);
  const auto again = [&]() -> Result<std::optional<WholeRelease>> {
    SLUIS_TRY(policy::ColumnPlan columns, policy::ColumnPlan::compile(plan.columns, transforms, means_of(plan.folder, plan.lookups, recipient)));
    std::unique_ptr<Source> source;
    if (plan.files) {
      auto files = open_files(plan, transforms, wanted);
      if (auto* why = std::get_if<Unprepared>(&files)) return Error(ErrorCode::invalid_state, why->reason.sentence);
      source = std::get<std::unique_ptr<Source>>(std::move(files));
    } else {
      SLUIS_TRY(FileSource same, FileSource::open(plan.folder, plan.file));
      source = std::make_unique<FileSource>(std::move(same));
    }
    if (source->version() != release.source->version()) return Error(ErrorCode::invalid_state, "the source changed while it was read");
    return whole_release(*source, policy::Transformer(std::move(columns), release.format), [&] { return verbatim.rows.stopped(); });
  };
  return take_rows(wanted, verbatim.rows, again, release);
}

}  // namespace

std::string PreparedRelease::version() const {
  if (upstream) return "GET " + upstream->target + upstream->answered;
  if (live) return live->file->version();
  return source->version() + (part ? "; " + part->told() : std::string());
}

void throw_exception_from_error(const Unprepared& error, const boost::source_location& where) {
  throw_exception_from_error(error.error, where);
}

Preparation prepare(const ReleasePlan& plan, std::span<const policy::Transform> transforms, const std::optional<Recipient>& recipient,
                    const Wanted& wanted, Verbatim* verbatim, std::string_view root_key) {
  if (!wanted.path.empty() && !plan.upstream) return refused(404, make_reason("source.none"));
  if (const auto known = policy::check_format(plan.format); !known) return operators(known.error());
  auto columns = policy::ColumnPlan::compile(plan.columns, transforms, means_of(plan.folder, plan.lookups, recipient, root_key));
  if (!columns) return operators(columns.error());
  policy::CsvFormat format = plan.format;
  format.file = plan.file;
  // Of a plan that rewrites cells or drops a declared column no version passes unchanged.
  const bool may_pass = transforms.empty() && !columns->rewrites() &&
                        std::all_of(plan.columns.columns.begin(), plan.columns.columns.end(),
                                    [](const auto& column) { return column.action == policy::ColumnAction::keep; });
  const bool asks_for_rows = row_mark(wanted.range).has_value();
  if (asks_for_rows && (columns->whole_table() || plan.upstream || !plan.follow.empty())) return refused(416, make_reason("source.no_rows"));
  PreparedRelease release{nullptr, std::nullopt, nullptr, policy::Transformer(std::move(*columns), format), plan.pace, plan.content_type,
                          std::move(format), std::nullopt};
  if (!plan.follow.empty()) {
    if (release.transformer.whole_table()) {  // as a rule it was refused when it was published
      return refused(403, make_reason("plan.impossible", {{"why", "rows are added up, and of what is followed there is no last one"}}));
    }
    auto live = open_live(plan, wanted);
    if (auto* why = std::get_if<Unprepared>(&live)) return std::move(*why);
    release.live = std::get<LiveSource>(std::move(live));
    return release;
  }
  if (plan.upstream) {
    auto target = upstream_target(plan.upstream->source, wanted, plan.columns, transforms);
    if (auto* why = std::get_if<policy::Reason>(&target)) return refused(403, std::move(*why));
    auto call = upstream_call(*plan.upstream, std::get<std::string>(std::move(target)));
    if (!call) return operators(call.error());
    release.upstream = std::move(*call);
  } else if (plan.files) {
    auto source = open_files(plan, transforms, wanted);
    if (auto* why = std::get_if<Unprepared>(&source)) return std::move(*why);
    release.source = std::get<std::unique_ptr<Source>>(std::move(source));
  } else {
    auto file = FileSource::open(plan.folder, plan.file);
    if (!file) return operators(file.error());
    release.source = std::make_unique<FileSource>(std::move(*file));
  }
  // Of open data any choice of files would be a version that is read through once: too much for whoever comes along.
  const bool has_parts = verbatim != nullptr && release.source && !release.transformer.whole_table() && (!plan.files || recipient);
  if (has_parts) {
    if (auto instead = take_part(plan, transforms, recipient, wanted, may_pass && !plan.files, *verbatim, release)) return std::move(*instead);
  } else if (other_version(wanted, "")) {
    return refused(412, make_reason("source.other_version"));
  }
  if (!release.transformer.whole_table() || release.upstream) return release;
  auto whole = whole_of(release);
  if (whole) {
    release.whole = std::move(*whole);
    return release;
  }
  Unprepared why = operators(whole.error());
  if (whole.error().code == ErrorCode::limit_exceeded) {
    why.status = 403;
    why.reason = make_reason("plan.impossible", {{"why", whole.error().message}});
  }
  return why;
}

ReleaseEnd send(PreparedRelease& release, Stream& stream, const DecisionClock& clock, http::ResponseSink& sink,
                http::Headers headers) {
  if (release.live) return send_live(release, stream, clock, sink, std::move(headers));
  http::CallCutter cutter;  // who waits for an upstream that says nothing is not reached through the sink
  WakingSink waking(sink, [&cutter] { cutter.cut(); });
  const Attached attached(stream, waking);
  headers["content-type"] = release.content_type;
  headers["cache-control"] = "no-store";
  headers["trailer"] = std::string(kRowsTrailer) + ", " + std::string(kDigestTrailer);
  headers["accept-ranges"] = release.tag.empty() ? "none" : release.in_bytes ? "bytes" : "rows";
  if (!release.tag.empty()) headers["etag"] = release.tag;
  if (release.part) {
    headers["content-range"] = release.part->told();
    headers["repr-digest"] = release.whole_digest;
  }
  return Sender(release, stream, clock, waking, cutter).run(std::move(headers));
}

}  // namespace sluis::gate
