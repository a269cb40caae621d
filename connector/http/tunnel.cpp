#include "connector/http/tunnel.hpp"

#include "connector/base/limits.hpp"
#include "connector/http/channel.hpp"
#include "connector/http/loopback.hpp"
#include "connector/http/tunnel_answer.hpp"

#include <unistd.h>

#include <algorithm>

namespace sluis::http {
namespace {

using Time = std::chrono::steady_clock::time_point;

constexpr std::string_view kBegins = "HTTP/1.";
constexpr std::size_t kStatusLine = 12;  ///< `HTTP/1.1 200`, at least
constexpr unsigned kTunnel = 200;
constexpr unsigned kWantsCredential = 407;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Error failed(const Proxy& proxy, const std::string& what) { return Error(ErrorCode::peer_unavailable, "the proxy `" + proxy.name() + "` " + what); }

/// The status that the head begins with; 0: it does not begin as one.
unsigned status_of(std::string_view head) {
  if (head.size() < kStatusLine || !head.starts_with(kBegins) || (head[7] != '0' && head[7] != '1') || head[8] != ' ') return 0;
  unsigned status = 0;
  for (const char c : head.substr(9, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + static_cast<unsigned>(c - '0');
  }
  return head.size() == kStatusLine || head[kStatusLine] == ' ' || head[kStatusLine] == '\r' ? status : 0;
}

}  // namespace

Result<unsigned> tunnel_answer(int file, const Proxy& proxy, Time until) {
  std::string head;
  char chunk[2048];
  for (;;) {
    const auto got = receive(file, chunk, sizeof chunk, until);
    if (!got) return failed(proxy, "did not answer: " + got.error().message);
    if (*got == 0) return failed(proxy, head.empty() ? "closed the connection without an answer" : "closed the connection in the midst of its answer");
    head.append(chunk, *got);
    if (!head.starts_with(kBegins.substr(0, std::min(head.size(), kBegins.size())))) {
      return failed(proxy, "answers with something that is no HTTP").mended_by("see whether `address` in [proxy] is that of an HTTP proxy that is asked in clear");
    }
    const std::size_t end = head.find("\r\n\r\n");
    if (end == std::string::npos ? head.size() > limits::kHttpHeaderBytes : end > limits::kHttpHeaderBytes) return failed(proxy, "answers with headers that are too long");
    if (end == std::string::npos) continue;
    const unsigned status = status_of(std::string_view(head).substr(0, head.find("\r\n")));
    if (status == 0) return failed(proxy, "answers with a status that cannot be read");
    if (status == kTunnel && end + 4 != head.size()) return failed(proxy, "sent bytes into the tunnel before anything was asked there");
    return status;
  }
}

namespace {

Result<void> open_tunnel(int file, const Proxy& proxy, const std::string& target, Time until) {
  std::string text = "CONNECT " + target + " HTTP/1.1\r\nhost: " + target + "\r\n";
  if (proxy.credential) {
    const auto credential = proxy.credential();
    if (!credential) return failed(proxy, "is not asked, as there is no credential to show: " + credential.error().message);
    if (credential->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) return failed(proxy, "is not asked, as the credential has a line break");
    text += "proxy-authorization: " + *credential + "\r\n";
  }
  if (const auto sent = transmit(file, text + "\r\n", until); !sent) return failed(proxy, "did not take the request: " + sent.error().message);
  SLUIS_TRY(const unsigned status, tunnel_answer(file, proxy, until));
  if (status == kTunnel) return {};
  if (status == kWantsCredential) {
    return failed(proxy, proxy.credential ? "does not take this node's credential (407)" : "wants a credential (407)")
        .mended_by(proxy.credential ? "see the file that `credential` in [proxy] names: it holds the whole value of the header, as `Basic …`"
                                    : "name a file with it: `credential` in [proxy]");
  }
  return failed(proxy, "opens no way to `" + target + "`: it answers " + std::to_string(status))
      .mended_by("have it allow CONNECT to that name and port, or name the host in `direct` of [proxy]");
}

}  // namespace

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == ':';
  });
}

std::string Proxy::name() const { return host_and_port(host, port); }

bool goes_through(const Proxy& proxy, std::string_view host) {
  const std::string asked = lower(host);
  if (is_loopback(asked) || asked == "localhost" || asked.ends_with(".localhost")) return false;
  return std::none_of(proxy.direct.begin(), proxy.direct.end(), [&](const std::string& one) {
    const std::string named = lower(one);
    return named.starts_with('.') ? asked.ends_with(named) && asked.size() > named.size() : asked == named;
  });
}

Result<int> connect_through(const Proxy& proxy, const std::string& host, const std::string& port, Time until) {
  if (!is_host(host) || port.empty() || port.find_first_not_of("0123456789") != std::string::npos) {
    return failed(proxy, "is not asked: the address has no host name or port that could be told to it");
  }
  const std::string target = host_and_port(host, port);
  auto file = connect_tcp(proxy.host, proxy.port, until);
  if (!file) return Error(file.error().code, "the proxy: " + file.error().message).mended_by("see `address` in [proxy], and whether the proxy runs");
  if (const auto opened = open_tunnel(*file, proxy, target, until); !opened) {
    ::close(*file);
    return opened.error();
  }
  return file;
}

}  // namespace sluis::http
