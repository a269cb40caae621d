#include "connector/node/peer_doctor.hpp"

#include "certs/authority.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/utf8.hpp"
#include "connector/dsp/version.hpp"
#include "connector/dsp/wire.hpp"
#include "connector/http/message.hpp"
#include "connector/http/peer_certificate.hpp"
#include "connector/node/evidence_channel.hpp"

#include <algorithm>

namespace sluis::node {
namespace {

constexpr double kLooksAMinute = 6;
constexpr std::size_t kAddresses = 8;  ///< of one host, that are tried
constexpr std::chrono::days kEndsSoon{14};
constexpr std::string_view kReach = "/evidence/v1/reach";
constexpr std::size_t kReachBytes = 1024;

/// What a peer wrote, as one line that fits on a screen.
std::string told(std::string text) {
  constexpr std::size_t kMost = 300;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  if (text.size() > kMost) {
    std::size_t end = kMost;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text = text.substr(0, end) + "…";
  }
  return text;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

struct Authority {
  std::string host;
  std::string port;
  bool tls = true;
};
/// Of an address in the list, which identity::origin_of has read before.
Result<Authority> authority_of(std::string_view url) {
  SLUIS_TRY(const std::string origin, identity::origin_of(url));
  Authority out;
  out.tls = origin.starts_with("https://");
  std::string rest = origin.substr(origin.find("//") + 2);
  const std::size_t colon = rest.ends_with(']') ? std::string::npos : rest.rfind(':');
  out.port = colon == std::string::npos ? (out.tls ? "443" : "80") : rest.substr(colon + 1);
  rest = rest.substr(0, colon);
  out.host = rest.starts_with('[') ? rest.substr(1, rest.size() - 2) : rest;
  return out;
}

/// How many of these hold now.
template <class List>
std::size_t holding(const List& list, Timestamp now) {
  return static_cast<std::size_t>(std::count_if(list.begin(), list.end(), [&](const auto& one) { return one.window.holds(now); }));
}

}  // namespace

/// One examination: what was found so far, and what that leaves to be asked.
struct PeerDoctor::Course {
  Report report;
  ParticipantId peer;
  identity::PartyPtr party;
  std::shared_ptr<const identity::MembershipList> list;
  Timestamp now{};
  std::string base;      ///< where the peer is now, as the list has it; empty: nowhere
  std::string blocked;   ///< the check that failed and without which nothing can be asked there; empty: none
  std::string path;      ///< of 2025-1, as the peer announces it
  bool speaks = false;   ///< that is known
  bool recognised = false;  ///< it knows this node

  void add(std::string_view name, std::string_view result, std::string message, std::string mend) {
    auto* check = report.add_checks();
    check->set_name(std::string(name));
    check->set_result(std::string(result));
    check->set_message(std::move(message));
    check->set_mend(std::move(mend));
  }
  void ok(std::string_view name, std::string message) { add(name, "ok", std::move(message), ""); }
  void failed(std::string_view name, std::string message, std::string mend) { add(name, "failed", std::move(message), std::move(mend)); }
  void skipped(std::string_view name, std::string message, std::string mend = "") { add(name, "skipped", std::move(message), std::move(mend)); }
  bool stands(std::string_view name) {
    if (!blocked.empty()) skipped(name, "not asked, as `" + blocked + "` failed");
    return blocked.empty();
  }
  http::PeerRequest get(const std::string& url) const {
    http::PeerRequest request;
    request.peer = peer;
    request.method = "GET";
    request.url = url;
    request.timeout = limits::kPeerTimeout;
    return request;
  }
  std::string version_of_list() const { return "version " + std::to_string(list->version) + " of the membership list"; }
};

PeerDoctor::PeerDoctor(ParticipantId self, std::string url, PeerDoctorDependencies with)
    : self_(std::move(self)), url_(std::move(url)), with_(std::move(with)), looked_back_(with_.clock, {kLooksAMinute, kLooksAMinute}) {}

std::vector<http::Route> PeerDoctor::routes() {
  return {{"POST", std::string(kReach), [this](const http::Request& request) { return look_back(request); }, kReachBytes}};
}

/// What the caller says counts for nothing: where it is reached stands in the list.
http::Response PeerDoctor::look_back(const http::Request& request) {
  const auto peer = with_.authenticate(request);
  if (!peer) return evidence_refusal(peer.error());
  if (!looked_back_.take(peer->str())) {
    http::Response refused = evidence_refusal(Error(ErrorCode::limit_exceeded, "this node looks back only so often"));
    refused.headers["retry-after"] = std::to_string(looked_back_.wait(peer->str()).count());
    return refused;
  }
  const Timestamp now = with_.clock.now();
  json::Value answer = json::object({{"reached", false}});
  if (const auto list = with_.directory.list()) answer.set("list", list->version);
  const auto base = with_.directory.endpoint(*peer, now);
  if (base) answer.set("url", *base);
  const auto looked = [&]() -> Result<void> {
    SLUIS_TRY(const std::string where, base);
    http::PeerRequest look;
    look.peer = *peer;
    look.method = "GET";
    look.url = where + "/.well-known/dspace-version";
    look.timeout = limits::kPeerTimeout;
    SLUIS_TRY(const http::PeerResponse response, with_.transport.send(look));
    if (response.status != 200) return Error(ErrorCode::not_found, "its version document answers " + std::to_string(response.status));
    SLUIS_TRY(const json::Value document, json::parse(response.body));
    SLUIS_CHECK(dsp::version_path(document));
    for (const json::Value& entry : *document.find("protocolVersions")->if_array()) {
      const auto id = json::optional_string(entry, "serviceId");
      if (id && *id) answer.set("participant", **id);
    }
    answer.set("reached", true);
    return {};
  }();
  if (!looked) answer.set("why", told(looked.error().message));
  return http::json_response(200, json::serialise(answer));
}

Result<PeerDoctor::Report> PeerDoctor::examine(const ParticipantId& peer) {
  Course course;
  course.peer = peer;
  course.now = with_.clock.now();
  course.list = with_.directory.list();
  SLUIS_TRY(course.party, with_.directory.find(peer));
  own_entry(course);
  their_entry(course);
  road(course);
  version(course);
  mutual(course);
  evidence(course);
  reach(course);
  return course.report;
}

void PeerDoctor::own_entry(Course& course) const {
  constexpr std::string_view kList = "membership list";
  constexpr std::string_view kOwn = "own entry";
  switch (with_.directory.state(course.now)) {
    case identity::ListState::fresh: course.ok(kList, course.version_of_list() + ", until " + format_time(course.list->valid_until)); break;
    case identity::ListState::stale:
      course.ok(kList, course.version_of_list() + ", which should be refreshed: it ends on " + format_time(course.list->valid_until));
      break;
    case identity::ListState::expired:
      course.failed(kList, course.version_of_list() + " expired on " + format_time(course.list->valid_until), "load a newer list: sluis membership load FILE");
      break;
  }
  const auto listed = with_.directory.endpoint(self_, course.now);
  if (!listed) {
    return course.failed(kOwn, "the list has no address of this node now: " + listed.error().message, "have this node's party.json put in the membership list");
  }
  if (*listed != url_) {
    return course.failed(kOwn, "the list has `" + *listed + "` for this node, and its configuration `" + url_ + "`: peers call the first",
                         "have the right address put in the membership list, or correct `url` in [exchange] of node.toml");
  }
  if (with_.tls.chain.empty()) return course.ok(kOwn, "the list has this node at `" + url_ + "`");
  const auto pem = certs::read_file(with_.tls.chain);
  const auto own = pem ? crypto::Certificate::from_pem(*pem) : Result<crypto::Certificate>(pem.error());
  if (!own) return course.failed(kOwn, "this node's certificate cannot be read: " + own.error().message, "see `certificate` in [tls] of node.toml");
  const auto holder = with_.directory.party_by_certificate({http::peer_certificate(*own), {}}, course.now);
  if (!holder || (*holder)->participant != self_) {
    return course.failed(kOwn, holder ? "the list has this node's certificate for `" + (*holder)->participant.str() + "`" : "this node's certificate: " + holder.error().message,
                         "have this node's certificate put in the membership list; peers know it by nothing else");
  }
  course.ok(kOwn, "the list has this node at `" + url_ + "`, with the certificate that it shows");
}

void PeerDoctor::their_entry(Course& course) const {
  const identity::Party& party = *course.party;
  const std::string keeper = "have the membership list corrected, and load it";
  const auto base = with_.directory.endpoint(course.peer, course.now);
  if (base) course.base = *base;
  if (!base) {
    course.blocked = "entry";
    course.failed("entry", base.error().message, keeper);
  } else if (!with_.tls.chain.empty() && holding(party.certificates, course.now) == 0) {
    course.failed("entry", "the list has no certificate of `" + party.name + "` that holds now: it is not let in here", keeper);
  } else {
    course.ok("entry", "`" + party.name + "`, a " + party.class_of_recipient + ", at `" + *base + "`");
  }
  const std::size_t keys = holding(party.claim_keys, course.now);
  if (!party.claim_keys.empty() && keys == 0) {
    course.failed("claim keys", "none of the " + std::to_string(party.claim_keys.size()) + " listed keys holds now: no data request of this party is taken", keeper);
  } else {
    course.ok("claim keys", keys == 0 ? "none: this party signs no statements of purpose" : std::to_string(keys) + " hold now");
  }
  const std::size_t logs = holding(party.log_origins, course.now);
  if (party.evidence && logs == 0) {
    course.failed("logs", "the list says `evidence`, and has no log of this party that holds now: its proofs cannot be checked", keeper);
  } else {
    course.ok("logs", logs == 0 ? "none, and none needed: this party proves nothing" : std::to_string(logs) + " hold now");
  }
}

/// To each address that the party has now. What fails at the first, at which it is asked, leaves nothing to ask.
void PeerDoctor::road(Course& course) const {
  for (const identity::Endpoint& endpoint : course.party->endpoints) {
    if (!endpoint.window.holds(course.now)) continue;
    const auto at = authority_of(endpoint.url);
    if (!at) continue;  // the list has none such
    std::vector<std::string> addresses;
    std::string failed;
    if (!names(course, at->host, with_.proxy && at->tls ? with_.proxy(at->host) : std::string(), addresses)) {
      failed = "dns";
    } else if (!opens(course, at->port, addresses)) {
      failed = "tcp";
    } else if (!at->tls) {
      course.skipped("tls", "`" + endpoint.url + "` is asked in clear: the identity scheme is `static`, and the peer on this machine", "use it for tests only");
    } else if (!shows(course, at->host, at->port)) {
      failed = "tls";
    }
    if (endpoint.url == course.base) course.blocked = failed;
  }
}

bool PeerDoctor::names(Course& course, const std::string& host, const std::string& proxy, std::vector<std::string>& addresses) const {
  if (!proxy.empty()) {
    addresses = {host};
    course.ok("dns", "`" + host + "` is looked up by the proxy `" + proxy + "`, through which it is reached");
    return true;
  }
  const http::Resolved found = with_.resolve(host);
  if (!found.trouble.empty()) {
    course.failed("dns", "`" + host + "` has no address: " + found.trouble,
                  "ask the peer whether that is its name; then look at the resolver of this machine: getent ahosts " + host);
    return false;
  }
  addresses = found.v4;
  addresses.insert(addresses.end(), found.v6.begin(), found.v6.end());
  course.ok("dns", "`" + host + "`: A " + (found.v4.empty() ? "none" : joined(found.v4)) + "; AAAA " + (found.v6.empty() ? "none" : joined(found.v6)));
  return true;
}

bool PeerDoctor::opens(Course& course, const std::string& port, const std::vector<std::string>& addresses) const {
  std::vector<std::string> open;
  std::vector<std::string> shut;
  std::string mend = "ask the peer whether its node runs and listens there; then whether a firewall on either side lets port " + port + " through";
  for (std::size_t i = 0; i < std::min(addresses.size(), kAddresses); ++i) {
    const auto done = with_.connect(addresses[i], port);
    done ? open.push_back(addresses[i]) : shut.push_back(done.error().message);
    if (!done && !done.error().mend.empty()) mend = done.error().mend;  // it was not even dialled
  }
  if (open.empty()) {
    course.failed("tcp", "no address answers at port " + port + ": " + joined(shut), mend);
    return false;
  }
  course.ok("tcp", "port " + port + " is open at " + joined(open) + (shut.empty() ? "" : "; not elsewhere, which may cost time: " + joined(shut)));
  return true;
}

/// The peer's certificate against this node's roots, its name, its time, and the list.
bool PeerDoctor::shows(Course& course, const std::string& host, const std::string& port) const {
  const auto shown = with_.certificates(host, port);
  if (!shown) {
    course.failed("tls", "no handshake with `" + host + ":" + port + "`: " + shown.error().message,
                  std::string("ask the peer whether ") + (with_.tls.allow_tls_1_2 ? "TLS 1.2 or 1.3" : "TLS 1.3") +
                      " is served there by the node itself: nothing may end TLS before it");
    return false;
  }
  const crypto::Certificate& leaf = shown->front();
  const std::string who = "`" + (leaf.common_name().empty() ? to_hex(leaf.fingerprint()) : leaf.common_name()) + "`, issued by `" + leaf.issuer_name() + "`";
  const auto pem = certs::read_file(with_.tls.roots);
  const auto roots = pem ? crypto::certificates_from_pem(*pem) : Result<std::vector<crypto::Certificate>>(pem.error());
  bool good = true;
  const bool in_time = leaf.not_before() <= course.now && course.now <= leaf.not_after();
  // Its time has a line of its own.
  const Timestamp then = in_time ? course.now : leaf.not_after() - std::chrono::seconds(1);
  const auto chain = roots ? crypto::verify_chain(leaf, {shown->begin() + 1, shown->end()}, *roots, crypto::CertificateUse::server, then)
                           : Result<void>(roots.error());
  if (chain) {
    course.ok("certificate: chain", who + " leads to this node's roots");
  } else {
    good = false;
    course.failed("certificate: chain", who + ": " + chain.error().message,
                  "have the peer send its intermediate certificates too; if its authority is another one, put that root in `" + with_.tls.roots + "`");
  }
  if (http::names_host(leaf, host)) {
    course.ok("certificate: name", "it names `" + host + "`");
  } else {
    good = false;
    std::vector<std::string> names = leaf.dns_names();
    for (std::string& address : leaf.addresses()) names.push_back(std::move(address));
    course.failed("certificate: name", "it names " + (names.empty() ? "nobody" : told(joined(names))) + ", and not `" + host + "`",
                  "have the list say the name that the certificate has, or the peer get one for this name");
  }
  const std::string times = format_time(leaf.not_before()) + " to " + format_time(leaf.not_after());
  if (!in_time) {
    good = false;
    course.failed("certificate: time", "it holds from " + times, "ask the peer for a certificate that holds now; if it does, look at this machine's clock");
  } else {
    course.ok("certificate: time", times + (leaf.not_after() - course.now < kEndsSoon ? ": it ends soon" : ""));
  }
  http::PeerCertificate in_list = *http::peer_certificate(leaf);
  in_list.not_before = std::min(in_list.not_before, course.now);
  in_list.not_after = std::max(in_list.not_after, course.now);
  const auto holder = with_.directory.party_by_certificate({std::make_shared<const http::PeerCertificate>(std::move(in_list)), {}}, course.now);
  const std::string keeper = "have the peer use its listed certificate, or this one put in the membership list for it";
  if (!holder) {
    // The directory speaks of callers; here the peer is the one who is called.
    course.failed("certificate: listed", "the list has no such certificate now: " + to_hex(leaf.fingerprint()) + (leaf.oin().empty() ? "" : ", number " + leaf.oin()), keeper);
  } else if ((*holder)->participant != course.peer) {
    course.failed("certificate: listed", "the list has this certificate for `" + (*holder)->participant.str() + "`", keeper);
  } else {
    course.ok("certificate: listed", "the list has it for this party");
  }
  return good;
}

void PeerDoctor::version(Course& course) const {
  if (!course.stands("version")) return course.skipped("clock", "not asked, as `" + course.blocked + "` failed");
  const std::string url = course.base + "/.well-known/dspace-version";
  const Timestamp sent = with_.clock.now();
  const auto answer = with_.transport.send(course.get(url));
  const Timestamp received = with_.clock.now();
  if (!answer) {
    course.blocked = "version";
    course.failed("version", answer.error().message, "ask the peer whether its node runs");
    return course.skipped("clock", "not asked, as `version` failed");
  }
  const auto document = answer->status == 200 ? json::parse(answer->body) : Result<json::Value>(Error(ErrorCode::not_found, "it answers " + std::to_string(answer->status)));
  const auto path = document ? dsp::version_path(*document) : Result<std::string>(document.error());
  std::vector<std::string> spoken;
  if (const json::Value* versions = document ? document->find("protocolVersions") : nullptr; versions != nullptr && versions->if_array() != nullptr) {
    for (const json::Value& entry : *versions->if_array()) {
      const auto name = json::optional_string(entry, "version");
      const auto at = json::optional_string(entry, "path");
      if (name && *name) spoken.push_back("`" + told(**name) + "`" + (at && *at ? " at `" + told(**at) + "`" : ""));
    }
  }
  if (!path) {
    course.failed("version", "`" + url + "`: " + told(path.error().message) + (spoken.empty() ? "" : "; it speaks " + joined(spoken)),
                  "the list's address is the one before `/.well-known/dspace-version` and before the protocol's own path; the peer must speak 2025-1 over HTTPS");
  } else {
    course.path = *path;
    course.speaks = true;
    course.ok("version", "it speaks " + joined(spoken) + ", below `" + course.base + "`");
  }
  clocks(course, *answer, sent, received);
}

/// The peer stamped its answer somewhere between the two instants, and its seconds are whole.
void PeerDoctor::clocks(Course& course, const http::PeerResponse& answer, Timestamp sent, Timestamp received) const {
  const auto header = answer.headers.find("date");
  const auto date = header == answer.headers.end() ? std::nullopt : http::parse_http_date(header->second);
  if (!date) return course.skipped("clock", "its answer has no date", "compare both machines' clocks by hand: date -u");
  const Duration least = *date - received;
  const Duration most = *date + std::chrono::seconds(1) - sent;
  if (least <= limits::kSkew && most >= -limits::kSkew) return course.ok("clock", "it agrees with this node's, within the header's second");
  const bool ahead = least > limits::kSkew;
  const auto by = std::chrono::floor<std::chrono::seconds>(ahead ? least : -most).count();
  course.failed("clock", "the peer's clock is " + std::to_string(by) + " seconds " + (ahead ? "ahead of" : "behind") + " this node's: more than " +
                             std::to_string(limits::kSkew.count()) + " are not tolerated",
                "synchronise both machines' clocks (NTP); statements of purpose hold for " + std::to_string(limits::kClaimAge.count()) + " seconds only");
}

/// The same question twice: with what shows who asks, and without.
void PeerDoctor::mutual(Course& course) const {
  constexpr std::string_view kName = "our identity";
  if (!course.stands(kName)) return;
  if (!course.speaks) return course.skipped(kName, "not asked, as `version` failed");
  http::PeerRequest request = course.get(course.base + course.path + "/catalog/request");
  request.method = "POST";
  request.headers["content-type"] = "application/json";
  request.body = json::serialise(dsp::write(dsp::CatalogRequestMessage{}));
  const auto known = with_.transport.send(request);
  if (!known) return course.failed(kName, "asked as this node: " + told(known.error().message), "see the peer's own log for its reason");
  request.peer = ParticipantId();
  const auto unknown = with_.nobody.send(request);
  const std::string stranger = unknown ? std::to_string(unknown->status) : "no answer";
  if (known->status == 429) return course.skipped(kName, "the peer says that it is asked too often", "ask again in a minute");
  if (known->status != 200) {
    std::string mend = "the peer has to load " + course.version_of_list() + ", which has this node, and to trust its authority; its log says whom it turned away, and why";
    const auto slash = course.base.find('/', course.base.find("//") + 2);
    if (slash != std::string::npos && course.path.starts_with(course.base.substr(slash))) {
      mend = "the path of 2025-1 repeats the path of the listed address: one of the two has to go; else: " + mend;
    }
    return course.failed(kName, "`" + request.url + "` answers " + std::to_string(known->status) + " to this node, and " + stranger + " to a stranger", std::move(mend));
  }
  if (unknown && unknown->status == 200) {
    course.skipped(kName, "the peer shows its catalogue to strangers too: whether it knows this node cannot be seen there", "a negotiation shows it");
  } else {
    course.recognised = true;
    course.ok(kName, "the peer answers 200 to this node, and " + stranger + " to a stranger");
  }
  catalogue(course, known->body);
}

/// Who the peer says that it is.
void PeerDoctor::catalogue(Course& course, const std::string& body) const {
  const auto catalog = json::parse(body);
  const auto says = catalog ? json::required_string(*catalog, "participantId") : Result<std::string>(catalog.error());
  if (!says) {
    course.failed("its identity", "its catalogue does not say whose it is: " + told(says.error().message), "ask the peer to name its participant id there (DSP 2025-1, section 6.3)");
  } else if (*says != course.peer.str()) {
    course.failed("its identity", "its catalogue is of `" + told(*says) + "`, and the list has `" + course.peer.str() + "` there", "have one of the two corrected: a participant id never changes");
  } else {
    course.ok("its identity", "its catalogue is of `" + *says + "`, as the list says");
  }
}

void PeerDoctor::evidence(Course& course) const {
  if (!course.party->evidence || !course.stands("evidence")) return;
  const std::string mend = "ask the peer whether this is a Sluis; if it is none, the list may not say `evidence` of it";
  const auto answer = with_.transport.send(course.get(course.base + "/.well-known/sluis-evidence"));
  if (!answer) return course.failed("evidence", told(answer.error().message), mend);
  const auto document = answer->status == 200 ? json::parse(answer->body) : Result<json::Value>(Error(ErrorCode::not_found, "it answers " + std::to_string(answer->status)));
  if (!document) return course.failed("evidence", "the list says version 1, and `/.well-known/sluis-evidence`: " + told(document.error().message), mend);
  const json::Value* versions = document->find("versions");
  const auto path = json::optional_string(*document, "path");
  const bool first = versions != nullptr && versions->if_array() != nullptr &&
                     std::any_of(versions->if_array()->begin(), versions->if_array()->end(), [](const json::Value& one) { return one.if_string() != nullptr && *one.if_string() == "1"; });
  if (!first || !path || *path != "/evidence/v1") return course.failed("evidence", "the list says version 1, and the peer something else: " + told(answer->body), mend);
  course.ok("evidence", "version 1, as the list says");
}

/// Whether its answers come here. Nobody but the peer can know.
void PeerDoctor::reach(Course& course) const {
  constexpr std::string_view kName = "reached by it";
  const std::string by_hand = "have its operator fetch `" + url_ + "/.well-known/dspace-version`; or begin a negotiation: its next word comes to that address";
  if (!course.party->evidence) return course.skipped(kName, "only a Sluis can be asked to look back, and the list does not say that this is one", by_hand);
  if (!course.stands(kName)) return;
  http::PeerRequest request = course.get(course.base + std::string(kReach));
  request.method = "POST";
  request.headers["content-type"] = "application/json";
  request.body = "{}";
  request.timeout = 2 * limits::kPeerTimeout;  // it waits for us, too
  const auto answer = with_.transport.send(request);
  if (!answer) return course.skipped(kName, told(answer.error().message), by_hand);
  if (answer->status == 429) return course.skipped(kName, "the peer looks back only so often", "ask again in a minute");
  if (answer->status == 404) {
    return course.skipped(kName, course.recognised ? "the peer is of a version that does not look back" : "the peer does not know this node, and looks for nobody it does not know", by_hand);
  }
  const auto body = json::parse(answer->body);
  const json::Value* reached = body ? body->find("reached") : nullptr;
  if (answer->status != 200 || reached == nullptr || reached->if_bool() == nullptr) {
    return course.skipped(kName, "the peer answers " + std::to_string(answer->status) + ": " + told(answer->body), by_hand);
  }
  const auto member = [&](std::string_view name) {
    const auto text = json::optional_string(*body, name);
    return text && *text ? told(**text) : std::string();
  };
  const auto theirs = json::required_count(*body, "list");
  const std::string at = "`" + member("url") + "`" + (theirs && *theirs != course.list->version ? " (by version " + std::to_string(*theirs) + " of the list, and not " + std::to_string(course.list->version) + " as here)" : "");
  const std::string mend = "have the list say where this node is reached, and the peer load it; open the way to it: its name for the peer's resolver, its port in the firewalls, its authority among the peer's roots";
  if (!*reached->if_bool()) {
    course.failed(kName, "the peer looked at " + at + " and did not reach this node: " + member("why"), mend);
  } else if (member("participant") != self_.str()) {
    course.failed(kName, "the peer looked at " + at + " and found `" + member("participant") + "`, which is not this node", mend);
  } else {
    course.ok(kName, "the peer looked at " + at + " and found this node");
  }
}

}  // namespace sluis::node
