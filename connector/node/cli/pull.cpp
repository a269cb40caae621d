#include "connector/base/bytes.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/node/cli/command.hpp"
#include "connector/node/cli/special.hpp"
#include "connector/node/cli/words.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <ostream>

namespace sluis::cli {
namespace {

struct Words {
  std::string transfer;
  std::string path;
  std::string purpose;
  std::string activity;
  std::string file;
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

/// What came, as far as it came.
struct Arrival {
  unsigned status = 0;
  std::string refusal;
  crypto::Sha256 digest;
  std::uint64_t bytes = 0;
  bool written = true;
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
  if (arrival.status != 200) return refusal_of(arrival, options);
  const auto digest = end->trailers.find("sluis-sha256");
  const auto rows = end->trailers.find("sluis-rows");
  if (!end->complete || digest == end->trailers.end() || rows == end->trailers.end()) {
    return Error(ErrorCode::outcome_unknown, say(options, "pull.cut", arrival.bytes))
        .mended_by(say(options, "pull.cut.mend"));
  }
  if (lower(digest->second) != to_hex(arrival.digest.finish())) {
    return Error(ErrorCode::corruption, say(options, "pull.differs"));
  }
  return rows->second;
}

http::PeerRequest request_for(const Session& session, const Words& words) {
  http::PeerRequest request;
  request.method = "GET";
  request.url = fmt::format("{}/intake/{}", session.target().url, percent_encoded(words.transfer));
  if (!words.path.empty()) request.url += "/" + percent_encoded(words.path);
  request.headers = session.target().headers();
  request.headers["sluis-purpose"] = purpose_of(words.purpose);
  request.headers["sluis-activity"] = words.activity;
  request.timeout = std::chrono::hours(1);
  return request;
}

Result<std::string> fetch(Session& session, const Words& words, std::ostream& out, Arrival& arrival) {
  http::StreamHandler handler;
  handler.on_head = [&](unsigned status, const http::Headers&) {
    arrival.status = status;
    return true;
  };
  handler.on_data = [&](std::string_view bytes) {
    if (arrival.status != 200) {
      arrival.refusal += bytes.substr(0, (64U << 10U) - std::min<std::size_t>(arrival.refusal.size(), 64U << 10U));
      return true;
    }
    arrival.digest.update(bytes);
    arrival.bytes += bytes.size();
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    arrival.written = out.good();
    return arrival.written;
  };
  return check_end(session.client().get(request_for(session, words), handler), arrival,
                   session.options);
}

void pull(Session& session, const Words& words) {
  if (const auto connected = session.connect("application"); !connected) return session.fail(connected.error(), 2);
  Arrival arrival;
  if (words.file.empty()) {
    const auto rows = fetch(session, words, session.with.out, arrival);
    session.with.out.flush();
    if (!rows) return session.fail(rows.error());
    session.with.err << fmt::format("{} rows, {} bytes\n", *rows, arrival.bytes);
    return;
  }
  const std::string part = words.file + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  if (!out) {
    return session.fail(Error(ErrorCode::invalid_argument, fmt::format("cannot write `{}`", part)), 2);
  }
  const auto rows = fetch(session, words, out, arrival);
  out.close();
  std::error_code failed;
  if (!rows) {
    if (arrival.bytes == 0) std::filesystem::remove(part, failed);
    return session.fail(rows.error());
  }
  if (out) std::filesystem::rename(part, words.file, failed);
  if (!out || failed) {
    return session.fail(Error(ErrorCode::storage_unavailable, fmt::format("cannot write `{}`", words.file)));
  }
  session.with.err << fmt::format("{}: {} rows, {} bytes\n", words.file, *rows, arrival.bytes);
}

}  // namespace

void add_pull(CLI::App& app, const SessionPtr& session) {
  auto words = std::make_shared<Words>();
  auto& sub = verb(app, "pull", "", "fetches data through this organisation's own node; uses the application's token");
  sub.add_option("TRANSFER", words->transfer, "a transfer that has started")->required();
  sub.add_option("PATH", words->path, "of a file within it");
  sub.add_option("--purpose", words->purpose, "what for")->required();
  sub.add_option("--activity", words->activity, "the processing activity, a URI")->required();
  sub.add_option("-O", words->file, "the file to write; FILE.part until all has come");
  sub.callback([session, words] { pull(*session, *words); });
}

}  // namespace sluis::cli
