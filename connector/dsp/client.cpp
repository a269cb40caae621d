#include "connector/dsp/client.hpp"

#include "connector/base/limits.hpp"
#include "connector/dsp/wire.hpp"

namespace sluis::dsp {
namespace {

using outbox::Envelope;
using outbox::PeerView;
using outbox::SendOutcome;

std::string_view without_slash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

/// One segment of a path (RFC 3986, section 3.3).
std::string segment(std::string_view text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:@!$&'()*+,;=";
  std::string out;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += "%" + to_hex(std::string_view(&c, 1));
    }
  }
  return out;
}

/// What an error body says, if it can be read; its status in any case.
outbox::Reason reason_of(const http::PeerResponse& response) {
  outbox::Reason reason{std::to_string(response.status), {}};
  const Result<json::Value> body = json::parse(response.body);
  if (!body) return reason;
  if (const json::Value* code = body->find("code"); code && code->if_string()) reason.code = *code->if_string();
  const json::Value* entries = body->find("reason");
  if (entries && entries->if_array()) {
    for (const json::Value& entry : *entries->if_array()) {
      reason.sentences.push_back(entry.if_string() ? *entry.if_string() : json::serialise(entry));
    }
  }
  return outbox::bounded(std::move(reason));
}

std::string answer_of(unsigned status, const outbox::Reason& reason) {
  std::string answer = "status " + std::to_string(status);
  for (const std::string& sentence : reason.sentences) answer += ": " + sentence;
  return answer;
}

std::string peer_pid_of(const http::PeerResponse& response, const Envelope& envelope) {
  const Result<json::Value> body = json::parse(response.body);
  if (!body) return {};
  const json::Value* pid = body->find(envelope.role == "consumer" ? "providerPid" : "consumerPid");
  if (!pid || !pid->if_string() || pid->if_string()->size() > limits::kIdBytes) return {};
  return *pid->if_string();
}

template <class States>
std::optional<std::string> domain_state(std::string_view wire, const States& states) {
  for (const auto state : states) {
    if (state_name(state) == wire) return std::string(to_string(state));
  }
  return std::nullopt;
}

/// The peer says "not now" to this process.
bool is_transient(unsigned status, bool first) {
  switch (status) {
    case 404: return !first;  // a peer whose handler is not ready yet; a first message's 404 is its answer
    case 409: case 425: return true;
    default: return false;
  }
}

/// An answer, often of something before the peer, that does not say what became of the message: the peer as a whole takes none now.
bool says_nothing(unsigned status) { return status < 200 || status == 408 || status == 429 || status >= 500; }

Error answer_error(const http::PeerResponse& response) {
  const std::string text = "the other party answered " + answer_of(response.status, reason_of(response));
  if (response.status >= 500) return Error(ErrorCode::peer_unavailable, text);
  if (response.status == 404) return Error(ErrorCode::not_found, text);
  return Error(ErrorCode::invalid_argument, text);
}

/// The target of `rel="next"` in a Link header (RFC 8288); empty: none.
std::string next_link(std::string_view header) {
  while (!header.empty()) {
    const std::size_t open = header.find('<');
    const std::size_t close = header.find('>', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return {};
    const std::string_view target = header.substr(open + 1, close - open - 1);
    const std::size_t end = header.find(",", close);
    const std::string_view parameters = header.substr(close, end == std::string_view::npos ? end : end - close);
    if (parameters.find("rel=\"next\"") != std::string_view::npos ||
        parameters.find("rel=next") != std::string_view::npos) {
      return std::string(target);
    }
    if (end == std::string_view::npos) return {};
    header.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

Result<std::string> path_of(const Envelope& envelope) {
  const std::string& kind = envelope.kind;
  const std::string pid = segment(envelope.peer_pid);
  if (envelope.service == "negotiation") {
    const std::string process = "/negotiations/" + pid;
    if (kind == "request") return pid.empty() ? "/negotiations/request" : process + "/request";
    if (kind == "offer") return pid.empty() ? "/negotiations/offers" : process + "/offers";
    if (kind == "accepted" || kind == "finalized") return process + "/events";
    if (kind == "agreement") return process + "/agreement";
    if (kind == "verification") return process + "/agreement/verification";
    if (kind == "termination") return process + "/termination";
  }
  if (envelope.service == "transfer") {
    if (kind == "request") return std::string("/transfers/request");
    if (kind == "start" || kind == "suspension" || kind == "completion" || kind == "termination") {
      return "/transfers/" + pid + "/" + kind;
    }
  }
  return Error(ErrorCode::invalid_argument, "`" + kind + "` of `" + envelope.service + "` has no path");
}

SendOutcome outcome_of(const http::PeerResponse& response, const Envelope& envelope) {
  SendOutcome outcome;
  const unsigned status = response.status;
  if (status >= 200 && status < 300) {
    outcome.kind = SendOutcome::Kind::delivered;
    outcome.answer = "status " + std::to_string(status);
    outcome.peer_pid = peer_pid_of(response, envelope);
    return outcome;
  }
  outcome.reason = reason_of(response);
  outcome.answer = answer_of(status, outcome.reason);
  if (is_transient(status, envelope.peer_pid.empty())) {
    outcome.kind = SendOutcome::Kind::transient;
  } else if (says_nothing(status)) {
    outcome.kind = SendOutcome::Kind::unknown;
  } else {
    outcome.kind = SendOutcome::Kind::refused;
    outcome.wrong_state = status == 400;
  }
  return outcome;
}

SendOutcome outcome_of(const Error& error) {
  SendOutcome outcome;
  const bool never = error.code == ErrorCode::peer_unavailable || error.code == ErrorCode::invalid_argument;
  outcome.kind = never ? SendOutcome::Kind::never_sent : SendOutcome::Kind::unknown;
  outcome.answer = describe(error);
  return outcome;
}

Client::Client(ClientOptions options, http::PeerTransport& transport)
    : options_(std::move(options)), transport_(transport) {
  options_.callback_url = without_slash(options_.callback_url);
}

http::PeerRequest Client::request(const ParticipantId& peer, std::string method, std::string url,
                                  std::string body) const {
  http::PeerRequest out;
  out.peer = peer;
  out.method = std::move(method);
  out.url = std::move(url);
  out.headers["accept"] = "application/json";
  if (!body.empty()) out.headers["content-type"] = "application/json";
  out.body = std::move(body);
  out.timeout = options_.timeout;
  return out;
}

SendOutcome Client::send(const ParticipantId& peer, const Envelope& envelope) {
  const Result<std::string> path = path_of(envelope);
  if (!path) return outcome_of(path.error());
  const Result<http::PeerResponse> response = transport_.send(
      request(peer, "POST", std::string(without_slash(envelope.url)) + *path, envelope.body));
  return response ? outcome_of(*response, envelope) : outcome_of(response.error());
}

PeerView Client::read(const ParticipantId& peer, const std::string& url, bool negotiation) {
  PeerView view;
  const Result<http::PeerResponse> response = transport_.send(request(peer, "GET", url, {}));
  if (!response) {
    view.answer = describe(response.error());
    return view;
  }
  view.answer = answer_of(response->status, reason_of(*response));
  view.answered = !says_nothing(response->status);
  if (response->status >= 400 && response->status < 500 && !is_transient(response->status, true) && !says_nothing(response->status)) {
    view.kind = PeerView::Kind::unreadable;
    return view;
  }
  if (response->status != 200) return view;
  const Result<json::Value> body = json::parse(response->body);
  const json::Value* state = body ? body->find("state") : nullptr;
  if (!state || !state->if_string()) return view;
  const std::string& wire = *state->if_string();
  const std::optional<std::string> known =
      negotiation ? domain_state(wire, negotiation::kStates) : domain_state(wire, transfer::kStates);
  if (!known) return view;
  view.kind = PeerView::Kind::seen;
  view.state = *known;
  return view;
}

PeerView Client::read(const negotiation::Negotiation& n) {
  return read(n.peer, std::string(without_slash(n.peer_url)) + "/negotiations/" + segment(n.peer_pid.str()), true);
}

PeerView Client::read(const transfer::TransferProcess& p) {
  return read(p.peer, std::string(without_slash(p.peer_url)) + "/transfers/" + segment(p.peer_pid.str()), false);
}

Result<Client::CatalogPage> Client::catalog(const ParticipantId& peer, std::string_view url, std::string_view next) {
  const std::string first = std::string(without_slash(url)) + "/catalog/request";
  std::string target = next.empty() ? first : std::string(next);
  if (target.starts_with('?')) target = first + target;
  // Not only its beginning: `https://a.example` is that of `https://a.example.org` as well.
  const std::string_view base = without_slash(url);
  const std::string_view rest = target.starts_with(base) ? std::string_view(target).substr(base.size()) : std::string_view();
  if (!rest.starts_with('/') && !rest.starts_with('?')) {
    return Error(ErrorCode::invalid_argument, "the next page `" + target + "` lies outside the catalogue's address");
  }
  SLUIS_TRY(const http::PeerResponse response,
            transport_.send(request(peer, "POST", target, json::serialise(write(CatalogRequestMessage{})))));
  if (response.status != 200) return answer_error(response);
  SLUIS_TRY(const json::Value body, json::parse(response.body));
  SLUIS_TRY(Description description, parse_as<Description>(body));
  if (!description.catalog) return unexpected_type("Catalog", "Dataset");
  const auto link = response.headers.find("link");
  return CatalogPage{std::move(description.body), link == response.headers.end() ? std::string() : next_link(link->second), response.body.size()};
}

Result<json::Value> Client::dataset(const ParticipantId& peer, std::string_view url, const DatasetId& id) {
  const std::string target = std::string(without_slash(url)) + "/catalog/datasets/" + segment(id.str());
  SLUIS_TRY(const http::PeerResponse response, transport_.send(request(peer, "GET", target, {})));
  if (response.status != 200) return answer_error(response);
  SLUIS_TRY(const json::Value body, json::parse(response.body));
  SLUIS_TRY(Description description, parse_as<Description>(body));
  if (description.catalog) return unexpected_type("Dataset", "Catalog");
  return std::move(description.body);
}

}  // namespace sluis::dsp
