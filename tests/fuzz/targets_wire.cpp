// What comes over a connection, or from an authority: heads and bodies, what a proxy answers, parts and conditions, live bodies, certificates and
// lists of those that were revoked, catalogues of peers.
#include "catalog/remote.hpp"
#include "certs/authority.hpp"
#include "connector/base/limits.hpp"
#include "connector/crypto/crl.hpp"
#include "connector/gate/folder.hpp"
#include "connector/gate/live.hpp"
#include "connector/gate/reason.hpp"
#include "connector/gate/wanted.hpp"
#include "connector/http/message.hpp"
#include "connector/http/proxy_header.hpp"
#include "connector/http/tunnel_answer.hpp"
#include "connector/provenance/pruned.hpp"
#include "connector/provenance/receipt.hpp"
#include "policy/purpose/vocabulary.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/doubles.hpp"
#include "tests/unit/http/revocation.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace sluis::fuzz {
namespace {

constexpr const char* kCatalogue =
    R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],"@type":"Catalog","@id":"c","participantId":"did:web:waterrijk.example","dataset":[)"
    R"({"@id":"urn:d:1","@type":"Dataset","dct:title":"Counts","hasPolicy":[{"@id":"o1","@type":"Offer","permission":[{"action":"use","constraint":[)"
    R"({"leftOperand":"purpose","operator":"eq","rightOperand":"dpv:PublicBenefit"}]}]}],"distribution":[{"@type":"Distribution","format":"HttpData-PULL",)"
    R"("accessService":"s"}]}]})";

/// A socket from which just these bytes come, and then the end. The caller's to close. -1: more than a socket holds.
int socket_with(const std::string& bytes) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) std::abort();
  const auto sent = ::send(ends[1], bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::close(ends[1]);
  if (sent == static_cast<ssize_t>(bytes.size())) return ends[0];
  ::close(ends[0]);
  return -1;
}

std::chrono::steady_clock::time_point soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(5); }

void no_line_breaks(const http::Headers& headers) {
  if (!http::sendable(headers)) std::abort();  // none may become a second header where it is written again
}

/// One request after another, as a server reads them. Whether the first was taken whole.
bool requests(const std::string& bytes) {
  const int file = socket_with(bytes);
  if (file < 0) return false;
  http::Channel channel(file, nullptr);
  http::MessageReader reader(channel);
  for (int number = 0;; ++number) {
    http::RequestHead head;
    std::string body;
    if (reader.head(head, soon()) != 0) return number > 0;
    no_line_breaks(head.headers);
    if (head.target.find_first_of(std::string_view("\r\n \0", 4)) != std::string::npos) std::abort();
    if (head.has_body && reader.body(body, limits::kJsonBytes, soon()) != 0) return number > 0;
    if (head.close) return true;
  }
}

bool response(const std::string& bytes) {
  const int file = socket_with(bytes);
  if (file < 0) return false;
  http::Channel channel(file, nullptr);
  http::MessageReader reader(channel);
  const auto head = reader.response_head(soon());
  if (!head) return false;
  no_line_breaks(head->headers);
  http::Headers trailers;
  std::size_t got = 0;
  const bool whole = reader.response_body(std::chrono::seconds(5), soon(), [&](std::string_view part) { return (got += part.size()) <= bytes.size(); }, trailers);
  if (got > bytes.size()) std::abort();
  no_line_breaks(trailers);
  return whole;
}

bool proxy_answer(const std::string& bytes) {
  const int file = socket_with(bytes);
  if (file < 0) return false;
  const auto status = http::tunnel_answer(file, {"proxy.waterrijk.example", "3128"}, soon());
  ::close(file);
  return status && *status == 200;
}

/// The whole, and cut in two: the same rows with the same digest, or refused.
bool live_body(const std::string& text, gate::LiveForm form) {
  gate::LiveReader whole(form), parts(form);
  const auto rows = whole.take(text);
  const auto first = parts.take(std::string_view(text).substr(0, text.size() / 2));
  const auto second = first ? parts.take(std::string_view(text).substr(text.size() / 2)) : first;
  if (bool(rows) != (first && second)) std::abort();
  if (!rows) return false;
  if (*rows != *first + *second || whole.rows() != parts.rows() || whole.bytes() != parts.bytes() || whole.digest() != parts.digest()) std::abort();
  return whole.rows() > 0;
}

bool a_part(const std::string& text) {
  const auto part = gate::read_content_range(text);
  if (part && (part->first > part->last || part->last >= part->size || gate::read_content_range(part->told())->told() != part->told())) std::abort();
  const auto range = gate::one_range(text);
  if (!range) return part.has_value();
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, ~std::uint64_t{0}}) {
    const auto of = gate::part_of(*range, size);
    if (of && (of->first > of->last || of->last >= size)) std::abort();
  }
  return true;
}

bool a_query(const std::string& text) {
  (void)gate::name_range(text);
  const auto pairs = gate::read_query(text);
  if (!pairs) return false;
  std::string again;
  for (const auto& [key, value] : *pairs) again += (again.empty() ? "" : "&") + gate::percent_encoded(key) + "=" + gate::percent_encoded(value);
  if (!pairs->empty() && gate::read_query(again) != pairs) std::abort();
  return true;
}

/// A certificate of an authority made here, and the authority's list with that certificate in it.
std::pair<std::string, std::string> certificate_and_list() {
  const test::TempFolder folder;
  SystemRandom random;
  const Timestamp now = SystemClock().now();
  if (!certs::make_authority(folder.path(), now - std::chrono::hours(2), now + std::chrono::hours(24 * 30), random)) std::abort();
  const std::string intermediate = *certs::read_file(folder.path() / "intermediate.pem");
  return {intermediate, test::revocation_list((folder.path() / "root").string(), {intermediate}, now, std::chrono::hours(24))};
}

}  // namespace

std::vector<Target> wire_targets() {
  const auto [certificate, list] = certificate_and_list();
  const crypto::Certificate parsed = *crypto::Certificate::from_pem(certificate);
  provenance::Receipt receipt;
  receipt.checkpoint = provenance::sign_checkpoint({"waterrijk.example/log", 3, Hash{}}, crypto::Key::generate(crypto::Key::Kind::ed25519));
  return {
      {"requests", {"POST /a/b?c HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhiGET / HTTP/1.1\r\nhost: x\r\naccept: a\r\naccept: b\r\n\r\n",
                    "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\nt: u\r\n\r\n"}, requests},
      {"response", {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: sluis-rows\r\n\r\n2\r\nhi\r\n0\r\nsluis-rows: 1\r\n\r\n"},
       response},
      {"proxy_answer", {"HTTP/1.1 200 Connection established\r\nvia: p\r\n\r\n", "HTTP/1.0 200\r\n\r\n"}, proxy_answer},
      {"network", {"10.1.0.0/16", "2001:db8::/32", "::1"}, [](const std::string& text) { return bool(http::Network::parse(text)); }},
      {"http_date", {"Sun, 06 Nov 1994 08:49:37 GMT"}, [](const std::string& text) {
         const auto time = http::parse_http_date(text);
         if (time && http::http_date(*time) != text) std::abort();
         return time.has_value();
       }},
      {"part", {"bytes=0-99", "bytes=-5", "bytes=7-", "bytes 0-99/200"}, a_part},
      {"tags", {"\"a\", W/\"b\", \"c\"", "*"}, [](const std::string& text) { return gate::has_tag(text, "\"a\""); }},
      {"query", {"from=2026-01&to=2026-02%2D11", "a=b&c="}, a_query},
      {"live_lines", {"{\"n\":1}\n\n{\"n\":2}\n"}, [](const std::string& text) { return live_body(text, gate::LiveForm::lines); }},
      {"live_events", {"id: 1\ndata: {\"n\":1}\n\n: alive\n\nid: 2\ndata: {\"n\":2}\n\n"}, [](const std::string& text) { return live_body(text, gate::LiveForm::events); }},
      {"reason", {R"({"code":"purpose.not_allowed","reason":["no"],"parameters":{"purpose":"dpv:Marketing"}})"},
       [](const std::string& text) { return bool(gate::parse_reason(text)); }},
      {"certificates", {certificate, certificate + certificate}, [](const std::string& text) { return bool(crypto::certificates_from_pem(text)); }},
      {"revoked", {list, crypto::RevocationList::read(list)->front().der()}, [parsed](const std::string& bytes) {
         const auto lists = crypto::RevocationList::read(bytes);
         if (!lists) return false;
         for (const auto& one : *lists) {
           (void)one.issuer();
           (void)one.number();
           (void)one.this_update();
           (void)one.next_update();
           (void)one.reason(parsed.native());
         }
         return true;
       }},
      {"catalogue", {kCatalogue}, [](const std::string& text) {
         const auto value = json::parse(text);
         return value && catalog::read_remote_catalog(*value);
       }},
      {"purposes", {"# ours\nhttps://waterrijk.example/purpose#A\tA\tA\t\nhttps://waterrijk.example/purpose#B\tB\t\thttps://waterrijk.example/purpose#A\n"},
       [](const std::string& text) { return bool(policy::Vocabulary::parse(text, "fuzz.tsv")); }},
      {"proof", {receipt.proof_text()}, [](const std::string& text) { return bool(provenance::parse_proof_text(text)); }},
      {"number_ranges", {"3-7,12"}, [](const std::string& text) {
         const auto numbers = provenance::parse_number_ranges(text);
         return numbers && provenance::number_ranges(*numbers) == text;
       }},
  };
}

}  // namespace sluis::fuzz
