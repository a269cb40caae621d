#include "connector/http/message.hpp"

#include "connector/base/limits.hpp"

#include <boost/beast/http.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace sluis::http {
namespace {

namespace beast = boost::beast;
namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

milliseconds left(Steady::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - Steady::now()));
}

/// Whether a header may come more than once without changing whom or what a request is about.
bool may_repeat(std::string_view name) {
  return name == "accept" || name == "accept-encoding" || name == "accept-language" || name == "cache-control" ||
         name == "via" || name == "x-forwarded-for" || name == "tracestate";
}

/// False where a header came twice that must not; the values are joined all the same.
template <class Fields>
bool read_headers(const Fields& fields, Headers& headers) {
  bool sound = true;
  for (const auto& field : fields) {
    std::string name = lower(std::string_view(field.name_string().data(), field.name_string().size()));
    std::string value(field.value().data(), field.value().size());
    const auto [at, fresh] = headers.emplace(std::move(name), value);
    if (!fresh) {
      sound = sound && may_repeat(at->first);
      at->second += ", " + value;
    }
  }
  return sound;
}

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};


/// Whether each line of a head ends with CR LF and begins as a field does. Beast lets a folded line pass (RFC 9112, section 5.2), which
/// others read as two fields.
bool sound_lines(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\0') return false;
    if (head[i] == '\r' && (i + 1 == head.size() || head[i + 1] != '\n')) return false;
    if (head[i] != '\n') continue;
    if (i == 0 || head[i - 1] != '\r') return false;
    if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t')) return false;
  }
  return true;
}

/// Whether the end of the body is told in the one way that everybody reads alike: by its length, or by chunks and nothing besides.
/// Beast ignores another coding, and would take the body for the next request.
bool sound_transfer_coding(const Headers& headers, unsigned version) {
  const auto found = headers.find("transfer-encoding");
  if (found == headers.end()) return true;
  return version >= 11 && lower(found->second) == "chunked" && !headers.contains("content-length");
}

}  // namespace

std::string http_date(Timestamp time) {
  const std::string text = format_time(std::chrono::floor<std::chrono::seconds>(time));  // YYYY-MM-DDThh:mm:ssZ
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const auto month = static_cast<unsigned>(std::chrono::year_month_day(day).month());
  std::string out(kDays[std::chrono::weekday(day).c_encoding()]);
  out += ", " + text.substr(8, 2) + " ";
  out += kMonths[month - 1];
  return out + " " + text.substr(0, 4) + " " + text.substr(11, 8) + " GMT";
}

std::optional<Timestamp> parse_http_date(std::string_view text) {
  constexpr std::size_t kSize = 29;
  if (text.size() != kSize) return std::nullopt;
  const auto month = static_cast<std::size_t>(std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3)) - kMonths.begin()) + 1;
  std::string plain(text.substr(12, 4));
  plain += std::string(month < 10 ? "-0" : "-") + std::to_string(month) + "-";
  plain += std::string(text.substr(5, 2)) + "T" + std::string(text.substr(17, 8)) + "Z";
  const auto time = parse_time(plain);
  // Written again it is the same, weekday and signs between included.
  return time && http_date(*time) == text ? std::optional(*time) : std::nullopt;
}

bool is_coded(const Headers& headers) {
  const auto found = headers.find("content-encoding");
  return found != headers.end() && !found->second.empty() && lower(found->second) != "identity";
}

bool sendable(const Headers& headers) {
  constexpr std::string_view breaks("\r\n\0", 3);
  for (const auto& [name, value] : headers) {
    if (name.empty() || name.find_first_of(breaks) != std::string::npos || name.find_first_of(": ") != std::string::npos ||
        value.find_first_of(breaks) != std::string::npos) {
      return false;
    }
  }
  return true;
}

struct MessageReader::State {
  explicit State(Channel& c) : channel(c) {}
  Channel& channel;
  std::string buffer;  ///< read and not yet parsed
  std::optional<beast::http::request_parser<beast::http::string_body>> request;
  std::optional<beast::http::response_parser<beast::http::buffer_body>> response;
};

MessageReader::MessageReader(Channel& channel) : state_(std::make_unique<State>(channel)) {}
MessageReader::~MessageReader() = default;

bool MessageReader::empty() const { return state_->buffer.empty(); }

std::string head_text(unsigned status, const Headers& headers, bool close) {
  const auto reason = beast::http::obsolete_reason(static_cast<beast::http::status>(status));
  std::string out = "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason.data(), reason.size()) + "\r\n";
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  if (close) out += "connection: close\r\n";
  return out + "\r\n";
}

Result<std::size_t> MessageReader::fill(milliseconds limit) {
  char chunk[64U << 10U];
  SLUIS_TRY(const std::size_t got, state_->channel.read(chunk, sizeof chunk, limit));
  state_->buffer.append(chunk, got);
  return got;
}

bool MessageReader::wait(milliseconds limit) {
  if (!state_->buffer.empty()) return true;
  const auto got = fill(limit);
  return got && *got != 0;
}

unsigned MessageReader::head(RequestHead& head, Steady::time_point deadline) {
  auto& parser = state_->request.emplace();
  std::string lines;  // as they came
  parser.header_limit(static_cast<std::uint32_t>(limits::kHttpHeaderBytes));
  parser.body_limit(boost::none);
  parser.eager(false);
  while (!parser.is_header_done()) {
    beast::error_code ec;
    const std::size_t used = parser.put(asio::buffer(state_->buffer), ec);
    lines.append(state_->buffer, 0, used);
    state_->buffer.erase(0, used);
    if (ec == beast::http::error::header_limit) return 431;
    if (ec && ec != beast::http::error::need_more) return 400;
    if (parser.is_header_done()) break;
    if (state_->buffer.size() > limits::kHttpHeaderBytes) return 431;
    const auto got = fill(left(deadline));
    if (!got) return 408;
    if (*got == 0) return 400;
  }
  const auto& message = parser.get();
  head.method = std::string(message.method_string().data(), message.method_string().size());
  head.target = std::string(message.target().data(), message.target().size());
  const std::size_t question = head.target.find('?');
  head.path = head.target.substr(0, question);
  if (question != std::string::npos) head.query = head.target.substr(question + 1);
  head.close = !message.keep_alive();
  head.length = parser.content_length().value_or(0);
  head.has_body = parser.chunked() || head.length != 0;
  if (!sound_lines(lines)) return 400;
  if (!read_headers(message, head.headers)) return 400;
  if (message.version() >= 11 && !head.headers.contains("host")) return 400;
  // Lengths that two read differently are how requests are smuggled past a proxy.
  if (!sound_transfer_coding(head.headers, message.version())) return 400;
  // Beast takes a list of lengths that are the same.
  if (const auto length = head.headers.find("content-length");
      length != head.headers.end() && length->second.find_first_not_of("0123456789") != std::string::npos) {
    return 400;
  }
  const auto expect = head.headers.find("expect");
  head.expects_continue = expect != head.headers.end() && lower(expect->second) == "100-continue";
  return 0;
}

unsigned MessageReader::body(std::string& body, std::size_t limit, Steady::time_point deadline) {
  auto& parser = *state_->request;
  if (parser.content_length().value_or(0) > limit) return 413;
  parser.eager(true);
  parser.body_limit(limit);  // of chunks, each by what it says
  std::size_t extensions = 0;
  auto on_chunk = [&extensions](std::uint64_t, auto extension, beast::error_code& wrong) {
    extensions += extension.size();
    if (extensions > limits::kHttpHeaderBytes) wrong = beast::http::error::bad_chunk_extension;
  };
  parser.on_chunk_header(on_chunk);
  beast::error_code ec;
  if (!parser.is_done() && !parser.chunked() && parser.content_length().value_or(0) == 0) return 0;
  while (!parser.is_done()) {
    if (!state_->buffer.empty()) {
      const std::size_t used = parser.put(asio::buffer(state_->buffer), ec);
      state_->buffer.erase(0, used);
      if (ec == beast::http::error::body_limit) return 413;
      if (ec && ec != beast::http::error::need_more) return 400;
      if (parser.get().body().size() > limit) return 413;
      if (parser.is_done()) break;
      if (used != 0) continue;
    }
    if (state_->buffer.size() > limits::kHttpHeaderBytes) return 400;
    const auto got = fill(left(deadline));
    if (!got) return 408;
    if (*got == 0) return 400;
  }
  body = std::move(parser.get().body());
  return 0;
}

Result<ResponseHead> MessageReader::response_head(Steady::time_point deadline) {
  constexpr int kInterim = 8;  // answers of class 1xx before the answer
  for (int interim = 0; interim <= kInterim; ++interim) {
    auto& parser = state_->response.emplace();
    parser.header_limit(static_cast<std::uint32_t>(limits::kHttpHeaderBytes));
    parser.body_limit(boost::none);
    parser.eager(false);
    while (!parser.is_header_done()) {
      beast::error_code ec;
      const std::size_t used = parser.put(asio::buffer(state_->buffer), ec);
      state_->buffer.erase(0, used);
      if (ec && ec != beast::http::error::need_more) {
        return Error(ErrorCode::invalid_argument, "the peer's answer is no HTTP: " + ec.message());
      }
      if (parser.is_header_done()) break;
      SLUIS_TRY(const std::size_t got, fill(left(deadline)));
      if (got == 0) return Error(ErrorCode::peer_unavailable, "the peer closed the connection without an answer");
    }
    ResponseHead head;
    head.status = parser.get().result_int();
    if (head.status / 100 == 1 && head.status != 101) continue;
    head.close = !parser.keep_alive();
    head.framed = parser.chunked() || parser.content_length() || head.status == 204 || head.status == 304;
    (void)read_headers(parser.get(), head.headers);
    if (is_coded(head.headers)) {
      return Error(ErrorCode::invalid_argument, "the peer's answer is in content coding `" + head.headers["content-encoding"].substr(0, 40) +
                                                    "`, which nobody asked for");
    }
    if (!sound_transfer_coding(head.headers, parser.get().version())) {
      return Error(ErrorCode::invalid_argument, "the end of the peer's answer cannot be told by its `transfer-encoding`");
    }
    return head;
  }
  return Error(ErrorCode::invalid_argument, "the peer sends interim answers without end");
}

bool MessageReader::response_body(milliseconds limit, Steady::time_point deadline,
                                  const std::function<bool(std::string_view)>& take, Headers& trailers) {
  auto& parser = *state_->response;
  char space[64U << 10U];
  Headers before;
  (void)read_headers(parser.get(), before);
  const auto status = parser.get().result_int();
  if (status == 204 || status == 304 || (!parser.chunked() && parser.content_length().value_or(1) == 0)) return true;
  while (!parser.is_done()) {
    parser.get().body().data = space;
    parser.get().body().size = sizeof space;
    beast::error_code ec;
    std::size_t used = 0;
    if (!state_->buffer.empty()) {
      used = parser.put(asio::buffer(state_->buffer), ec);
      state_->buffer.erase(0, used);
      const std::size_t produced = sizeof space - parser.get().body().size;
      if (produced != 0 && !take({space, produced})) return false;
      if (ec && ec != beast::http::error::need_more && ec != beast::http::error::need_buffer) return false;
    }
    if (parser.is_done()) break;
    if (Steady::now() >= deadline) return false;
    if (used != 0) continue;
    // Only the framing of chunks and trailers waits here unread.
    if (state_->buffer.size() > limits::kHttpHeaderBytes) return false;
    const auto got = fill(std::min(limit, left(deadline)));
    if (!got) return false;
    if (*got == 0) {
      parser.put_eof(ec);
      return !ec && parser.is_done();
    }
  }
  for (const auto& field : parser.get()) {
    const std::string name = lower(std::string_view(field.name_string().data(), field.name_string().size()));
    if (!before.contains(name)) trailers[name] = std::string(field.value().data(), field.value().size());
  }
  return true;
}

}  // namespace sluis::http
