#include "connector/base/bytes.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/gate/live.hpp"
#include "connector/gate/row_counter.hpp"
#include "connector/node/cli/command.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>

namespace sluis::cli {
namespace {

constexpr std::size_t kSubjectBytes = 4096;  ///< of the file that has the id of a person

struct Words {
  std::string transfer;
  std::string path;
  std::string purpose;
  std::string activity;
  std::string subject_type, subject_file;
  std::string file;
  bool resume = false;
};

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

/// `counts/2026-06-01?from=a`, each part encoded; what stands after the question mark goes as it is.
std::string below(std::string_view path) {
  const std::size_t question = std::min(path.find('?'), path.size());
  std::string out;
  for (std::size_t start = 0; start < question;) {
    const std::size_t end = std::min(path.find('/', start), question);
    out += "/" + percent_encoded(path.substr(start, end - start));
    start = end + 1;
  }
  return out + std::string(path.substr(question));
}

/// What came, as far as it came.
struct Arrival {
  unsigned status = 0;
  http::Headers head;
  std::string refusal;
  crypto::Sha256 digest;     ///< of what came now
  crypto::Sha256 whole;      ///< with what was there before
  std::uint64_t before = 0;  ///< bytes that were there
  std::optional<std::uint64_t> rows_before = {};  ///< set: it goes on behind so many rows, not at a byte
  std::uint64_t bytes = 0;
  bool written = true;
  std::optional<gate::LiveReader> live = {};  ///< of a live stream the digest is over its rows

  bool released() const { return status == 200 || status == 206; }
  std::string header(std::string_view name) const {
    const auto found = head.find(name);
    return found == head.end() ? std::string() : found->second;
  }
};

/// The intake's refusal: `{"code", "reason": [sentence], …}`, or an error in Connect's form.
Error refusal_of(const Arrival& arrival, const Options& options) {
  const auto value = json::parse(arrival.refusal);
  if (!value || value->find("reason") == nullptr) return error_of(arrival.status, arrival.refusal);
  const auto code = arrival.status == 401   ? ErrorCode::unauthenticated
                    : arrival.status == 404 ? ErrorCode::not_found
                    : arrival.status >= 500 ? ErrorCode::peer_unavailable
                                            : ErrorCode::permission_denied;
  return Error(code, say(options, "pull.refused", text_at(*value, "code"), text_at(*value, "reason")));
}

std::string lower(std::string text) {
  for (auto& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// Complete only with an end record that says what came. Gives the count of rows.
Result<std::string> check_end(const Result<http::StreamEnd>& end, Arrival& arrival, const Options& options) {
  if (!end && !arrival.written) return Error(ErrorCode::storage_unavailable, "cannot write the data");
  if (!end) return end.error();
  if (!arrival.released()) return refusal_of(arrival, options);
  const auto digest = end->trailers.find("sluis-sha256");
  const auto rows = end->trailers.find("sluis-rows");
  if (!end->complete || digest == end->trailers.end() || rows == end->trailers.end()) {
    return Error(ErrorCode::outcome_unknown, say(options, "pull.cut", arrival.bytes))
        .mended_by(say(options, "pull.cut.mend"));
  }
  if (lower(digest->second) != to_hex(arrival.live ? arrival.live->digest() : arrival.digest.finish())) {
    return Error(ErrorCode::corruption, say(options, "pull.differs"));
  }
  // Of a part the provider says what the whole is (RFC 9530): all that is there now has to be that.
  if (arrival.status == 206 && arrival.header("repr-digest") != "sha-256=:" + to_base64(view(arrival.whole.finish())) + ":") {
    return Error(ErrorCode::corruption, say(options, "pull.whole_differs")).mended_by(say(options, "pull.whole_differs.mend"));
  }
  return rows->second;
}

Result<http::PeerRequest> request_for(const Session& session, const Words& words) {
  http::PeerRequest request;
  request.method = "GET";
  request.url = fmt::format("{}/intake/{}{}", session.target().url, percent_encoded(words.transfer), below(words.path));
  request.headers = session.target().headers();
  request.headers["sluis-purpose"] = purpose_of(words.purpose);
  request.headers["sluis-activity"] = words.activity;
  request.timeout = std::chrono::hours(1);
  if (words.subject_file.empty()) return request;
  SLUIS_TRY(const std::string id, read_line(words.subject_file, kSubjectBytes));
  request.headers["sluis-data-subject"] = words.subject_type + " " + id;
  return request;
}

/// `open` gives the stream for a release, by its head; null: it cannot be written.
Result<std::string> fetch(Session& session, const http::PeerRequest& request, const std::function<std::ostream*(Arrival&)>& open,
                          Arrival& arrival) {
  std::ostream* out = nullptr;
  http::StreamHandler handler;
  handler.on_head = [&](unsigned status, const http::Headers& headers) {
    arrival.status = status;
    arrival.head = headers;
    if (arrival.released()) out = open(arrival);
    if (const auto form = gate::live_form(arrival.header("content-type"))) arrival.live.emplace(*form);
    arrival.written = !arrival.released() || out != nullptr;
    return arrival.written;
  };
  handler.on_data = [&](std::string_view bytes) {
    if (out == nullptr) {
      arrival.refusal += bytes.substr(0, (64U << 10U) - std::min<std::size_t>(arrival.refusal.size(), 64U << 10U));
      return true;
    }
    arrival.digest.update(bytes);
    arrival.whole.update(bytes);
    arrival.bytes += bytes.size();
    if (arrival.live && !arrival.live->take(bytes)) return false;
    out->write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (arrival.live) out->flush();
    arrival.written = out->good();
    return arrival.written;
  };
  return check_end(session.client().get(request, handler), arrival, session.options);
}

/// What is there of a pull that broke: `FILE.part`, and in `FILE.part.version` of which version of the source it is, and on a second line in
/// what its parts are, if that is not bytes: `rows text/csv`.
class PartFile {
 public:
  explicit PartFile(const std::string& file) : part_(file + ".part"), version_(file + ".part.version") {}

  /// What to ask for to go on; nothing: there is nothing to go on from. Takes what is there into the digest.
  std::optional<http::Headers> rest(Arrival& arrival) const {
    std::ifstream in(part_, std::ios::binary), version(version_);
    std::string tag;
    if (!in || !std::getline(version, tag) || tag.size() > 256 || !tag.starts_with('"')) return std::nullopt;
    if (std::string parts; std::getline(version, parts) && parts.starts_with(kRows)) {
      in.close();
      return rows_after(arrival, tag, parts.substr(kRows.size()));
    }
    std::string block(64U << 10U, '\0');
    while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
      const std::string_view got(block.data(), static_cast<std::size_t>(in.gcount()));
      arrival.whole.update(got);
      arrival.before += got.size();
    }
    if (arrival.before == 0) return std::nullopt;
    return http::Headers{{"range", fmt::format("bytes={}-", arrival.before)}, {"if-match", tag}};
  }

  /// Goes on behind what is there for a part; for the whole, begins anew and keeps its version, if it has one that can be continued.
  std::ostream* open(Arrival& arrival) {
    const bool goes_on = arrival.status == 206;
    out_.open(part_, std::ios::binary | (goes_on ? std::ios::app : std::ios::trunc));
    if (!goes_on) {
      arrival.before = 0;
      arrival.rows_before.reset();
      arrival.whole = {};
      const std::string parts = arrival.header("accept-ranges");
      if ((parts == "bytes" || parts == "rows") && !arrival.header("etag").empty()) {
        std::ofstream version(version_);
        version << arrival.header("etag") << "\n";
        if (parts == "rows") version << kRows << arrival.header("content-type") << "\n";
      } else {
        forget_version();
      }
    }
    return out_ ? &out_ : nullptr;
  }
  /// Before anything is asked for: it would count.
  bool writable() const { return static_cast<bool>(std::ofstream(part_, std::ios::binary | std::ios::app)); }
  bool close() {
    out_.close();
    return !out_.fail();
  }
  bool become(const std::string& file) {
    std::error_code failed;
    std::filesystem::rename(part_, file, failed);
    if (!failed) forget_version();
    return !failed;
  }
  void forget() {
    std::error_code failed;
    std::filesystem::remove(part_, failed);
    forget_version();
  }
  const std::string& name() const { return part_; }

 private:
  static constexpr std::string_view kRows = "rows ";

  /// To go on behind the last whole row. What stands behind that is taken away.
  std::optional<http::Headers> rows_after(Arrival& arrival, const std::string& tag, std::string_view content_type) const {
    auto counter = content_type.starts_with("application/jsonl") ? gate::RowCounter::of_part(0, false) : gate::RowCounter();
    std::ifstream in(part_, std::ios::binary);
    std::string block(64U << 10U, '\0');
    const auto each = [&](std::uint64_t most, const auto& take) {
      in.clear();
      in.seekg(0);
      while (most > 0 && (in.read(block.data(), static_cast<std::streamsize>(std::min<std::uint64_t>(most, block.size()))) || in.gcount() > 0)) {
        take(std::string_view(block.data(), static_cast<std::size_t>(in.gcount())));
        most -= static_cast<std::uint64_t>(in.gcount());
      }
    };
    each(UINT64_MAX, [&](std::string_view bytes) { counter.take(bytes); });
    arrival.before = counter.whole();
    arrival.rows_before = counter.rows();
    each(arrival.before, [&](std::string_view bytes) { arrival.whole.update(bytes); });
    std::error_code failed;
    std::filesystem::resize_file(part_, arrival.before, failed);
    if (failed || arrival.before == 0) return std::nullopt;
    return http::Headers{{"range", fmt::format("rows={}-", *arrival.rows_before)}, {"if-match", tag}};
  }

  void forget_version() const {
    std::error_code failed;
    std::filesystem::remove(version_, failed);
  }
  std::string part_;
  std::string version_;
  std::ofstream out_;
};

void pull_to_output(Session& session, const Words& words) {
  Arrival arrival;
  const auto request = request_for(session, words);
  if (!request) return session.fail(request.error(), 2);
  const auto rows = fetch(session, *request, [&](Arrival&) { return &session.with.out; }, arrival);
  session.with.out.flush();
  if (!rows) return session.fail(rows.error());
  session.with.err << fmt::format("{} rows, {} bytes\n", *rows, arrival.bytes);
}

/// One request for the whole, or for what is missing. Gives how it ended.
Result<std::string> pull_part(Session& session, const Words& words, PartFile& part, const std::optional<http::Headers>& rest, Arrival& arrival) {
  SLUIS_TRY(http::PeerRequest request, request_for(session, words));
  if (rest) request.headers.insert(rest->begin(), rest->end());
  const auto rows = fetch(session, request, [&](Arrival& so_far) {
    if (rest && so_far.status == 200) session.with.err << say(session.options, "pull.anew.whole") << '\n';
    return part.open(so_far);
  }, arrival);
  const bool closed = part.close() || !arrival.released();
  if (rows && !closed) return Error(ErrorCode::storage_unavailable, fmt::format("cannot write `{}`", part.name()));
  return rows;
}

void pull(Session& session, const Words& words) {
  if (words.resume && words.file.empty()) {
    return session.fail(Error(ErrorCode::invalid_argument, "`--continue` goes on with a file").mended_by("name it with `-O FILE`"), 2);
  }
  if (const auto connected = session.connect("application"); !connected) return session.fail(connected.error(), 2);
  if (words.file.empty()) return pull_to_output(session, words);
  auto part = std::make_unique<PartFile>(words.file);
  if (!part->writable()) return session.fail(Error(ErrorCode::invalid_argument, fmt::format("cannot write `{}`", part->name())), 2);
  auto arrival = std::make_unique<Arrival>();
  std::optional<http::Headers> rest = words.resume ? part->rest(*arrival) : std::nullopt;
  if (words.resume && !rest) session.with.err << say(session.options, "pull.anew.nothing", part->name()) << '\n';
  if (!rest) arrival = std::make_unique<Arrival>();
  auto rows = pull_part(session, words, *part, rest, *arrival);
  if (rest && (arrival->status == 412 || arrival->status == 416)) {
    session.with.err << say(session.options, arrival->status == 412 ? "pull.anew.changed" : "pull.anew.range") << '\n';
    rest.reset();
    part = std::make_unique<PartFile>(words.file);
    arrival = std::make_unique<Arrival>();
    rows = pull_part(session, words, *part, rest, *arrival);
  }
  const std::uint64_t there = arrival->before + arrival->bytes;
  // What is not the beginning of anything is no use to go on from.
  if (!rows && (there == 0 || rows.error().code == ErrorCode::corruption)) part->forget();
  if (!rows) return session.fail(rows.error());
  if (!part->become(words.file)) return session.fail(Error(ErrorCode::storage_unavailable, fmt::format("cannot write `{}`", words.file)));
  if (arrival->status == 206 && arrival->rows_before) {
    session.with.err << say(session.options, "pull.continued.rows", words.file, *arrival->rows_before, *rows, arrival->bytes) << '\n';
  } else if (arrival->status == 206) {
    session.with.err << say(session.options, "pull.continued", words.file, arrival->before, *rows, arrival->bytes) << '\n';
  } else {
    session.with.err << fmt::format("{}: {} rows, {} bytes\n", words.file, *rows, arrival->bytes);
  }
}

}  // namespace

void add_pull(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& sub = verb(app, "pull", "", "fetches data through this organisation's own node; uses the application's token");
  sub.add_option("TRANSFER", words->transfer, "a transfer that has started")->required();
  sub.add_option("PATH", words->path, "what of it: a path, or a choice as `?from=a&to=b`");
  sub.add_option("--purpose", words->purpose, "what for")->required();
  sub.add_option("--activity", words->activity, "the processing activity, a URI")->required();
  auto* type = sub.add_option("--subject-type", words->subject_type, "where it is about one person: of which kind the id is, as BSN");
  auto* id = sub.add_option("--subject-id", words->subject_file, "and a file with the id; only this organisation's log has it, as a mark");
  type->needs(id);
  id->needs(type);
  sub.add_option("-O", words->file, "the file to write; FILE.part until all has come");
  sub.add_flag("--continue", words->resume, "goes on with FILE.part where it broke off; anew where the source is another by now");
  sub.callback([session, words] { pull(*session, *words); });
}

}  // namespace sluis::cli
