#pragma once

#include "connector/dsp/client.hpp"
#include "connector/dsp/routes.hpp"
#include "connector/dsp/wire.hpp"
#include "connector/outbox/keys.hpp"
#include "tests/unit/outbox/fake_commits.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>

/// Two nodes that speak DSP to each other without sockets or threads.
namespace sluis::test {

class Evidence final : public negotiation::EvidenceWriter, public transfer::EvidenceWriter {
 public:
  EntryDraft negotiation_entry(const negotiation::Negotiation&, std::string_view event,
                               const outbox::Reason*) override {
    return entry(10, event);
  }
  EntryDraft agreement_entry(const negotiation::AgreementRecord& record) override { return entry(11, record.id.str()); }
  EntryDraft agreement_ended_entry(const negotiation::AgreementRecord& record) override {
    return entry(12, record.ended->reason.code);
  }
  EntryDraft transfer_entry(const transfer::TransferProcess&, std::string_view event, const outbox::Reason*) override {
    return entry(13, event);
  }

 private:
  static EntryDraft entry(std::uint8_t kind, std::string_view text) { return {kind, {}, std::string(text), {}}; }
};

class Terms final : public negotiation::Terms {
 public:
  Result<negotiation::Judgement> judge_request(const ParticipantId&, const DatasetId&, const json::Value&,
                                               const Hash& hash) override {
    if (judging_fails) return Error(ErrorCode::storage_unavailable, "the store does not answer");
    negotiation::Judgement out = verdict;
    out.offer_hash = hash;
    return out;
  }
  negotiation::Judgement judge_offer(const ParticipantId&, const DatasetId&, const json::Value&,
                                     const Hash& hash) override {
    negotiation::Judgement out = verdict;
    out.offer_hash = hash;
    return out;
  }
  Result<json::Value> published_offer(const DatasetId& dataset) const override {
    if (published.is_null()) return negotiation::Terms::published_offer(dataset);
    return published;
  }
  negotiation::Judgement verdict{negotiation::Judgement::Kind::agree, {}, {}};
  bool judging_fails = false;
  json::Value published;
};

class Catalog final : public dsp::CatalogPort {
 public:
  Result<Page> catalog(const ParticipantId&, std::string_view page) override {
    json::Value body = json::object({{"@context", json::array({dsp::kContext})}, {"@id", "c"}, {"@type", "Catalog"},
                                     {"participantId", "p"}, {"page", page}});
    return Page{std::move(body), page.empty() ? "two" : ""};
  }
  Result<json::Value> dataset(const ParticipantId&, const DatasetId& id) override {
    if (id.str() != "counts") return Error(ErrorCode::not_found, "there is no dataset `" + id.str() + "`");
    return json::object({{"@context", json::array({dsp::kContext})}, {"@id", id.str()}, {"@type", "Dataset"}});
  }
};

class Node;

/// Carries requests to the node whose address they begin with. A test may break the next ones.
class Net final : public http::PeerTransport {
 public:
  enum class Fault { none, never_sent, lost_request, lost_answer };

  explicit Net(std::string from) : from_(std::move(from)) {}
  Result<http::PeerResponse> send(const http::PeerRequest& request) override;

  std::map<std::string, Node*> nodes;
  std::deque<Fault> faults;                                                   ///< of the next requests
  std::function<std::optional<http::PeerResponse>(const http::PeerRequest&)> instead;  ///< answers in place of the node
  std::vector<std::string> sent;
  std::vector<std::string> bodies;  ///< of requests and of the nodes' answers, where there are any

 private:
  std::string from_;
};

class Node {
 public:
  explicit Node(const std::string& name, negotiation::Script negotiating = {}, negotiation::Script transferring = {})
      : id("did:web:" + name + ".example"), url("https://" + name + ".example/2025-1"), script(std::move(negotiating)),
        transfer_script(std::move(transferring)), net(id.str()) {}

  /// Sends what is in the outbox until nothing more goes; whether something was left for later.
  bool drain(bool maybe_sent = false) {
    for (int round = 0; round < 20; ++round) {
      std::vector<std::pair<std::string, std::string>> items;
      EXPECT_TRUE(store.scan("outbox/", "outbox/", [&](std::string_view key, std::string_view value) {
        items.emplace_back(key, value);
        return true;
      }));
      if (items.empty()) return false;
      bool progress = false;
      for (const auto& [key, value] : items) {
        const auto parsed = outbox::parse_item_key(key);
        const auto envelope = outbox::decode_envelope(value);
        EXPECT_TRUE(parsed && envelope);
        const outbox::OutboxItem item{key, parsed->peer, parsed->process, parsed->sequence, maybe_sent};
        const Timestamp later = clock.time + std::chrono::seconds(1);
        const auto verdict = envelope->service == "negotiation" ? negotiations.deliver(item, *envelope, later)
                                                                : transfers.deliver(item, *envelope, later);
        progress = progress || verdict.verdict == outbox::Verdict::done || verdict.verdict == outbox::Verdict::dropped;
      }
      if (!progress) return true;
    }
    return true;
  }
  http::Response answer(const std::string& from, const std::string& method, std::string path,
                        const std::string& body = {}) {
    http::Request request;
    request.method = method;
    if (const auto query = path.find('?'); query != std::string::npos) {
      request.query = path.substr(query + 1);
      path.resize(query);
    }
    request.path = path;
    request.body = body;
    request.headers["from"] = from;
    for (const http::Route& route : routes) {
      const bool open = route.path.ends_with("/*");
      const std::string prefix = open ? route.path.substr(0, route.path.size() - 1) : route.path;
      if (route.method != method || (open ? !path.starts_with(prefix) : path != prefix)) continue;
      if (open) request.rest = path.substr(prefix.size());
      return route.handler(request);
    }
    return {405, {}, "no route", {}};
  }
  std::vector<std::string> events(std::uint8_t kind) const {
    std::vector<std::string> out;
    for (const EntryDraft& entry : commits.entries) {
      if (entry.kind == kind) out.push_back(entry.shared);
    }
    return out;
  }

  ParticipantId id;
  std::string url;
  negotiation::Script script, transfer_script;
  std::optional<Timestamp> over;  ///< when the terms of agreements are, as this node reads them
  int woken = 0;  ///< how often a step was planned
  storage::MemoryStore store;
  FakeCommits commits{store};
  FakeClock clock;
  FakeRandom random;
  Evidence evidence;
  Terms terms;
  Catalog catalog;
  Net net;
  dsp::Client client{{url + "/", std::chrono::milliseconds(5000)}, net};
  transfer::Service transfers{{"https://gate.example/data", std::string(32, 'k'), transfer_script},
                              {commits, store, clock, random, evidence, client, {}, [this] { ++woken; },
                               [](const ParticipantId&, const AgreementId& agreement, const ProcessId& pid, const transfer::PushRequest& push) -> Result<std::string> {
                                 return "claim of " + agreement.str() + " " + pid.str() + " " + push.purpose + " " + push.activity + " " + push.endpoint;
                               }}};
  negotiation::Service negotiations{
      {id, std::chrono::days(7), script},
      {commits, store, clock, random, terms, evidence, client, {}, [this](const negotiation::AgreementRecord& record) {
         EXPECT_TRUE(transfers.terminate_all_of(record.id, record.ended->reason));
       }, {}, nullptr, [this] { ++woken; }, [this](const negotiation::AgreementRecord&) { return over; }}};
  std::vector<http::Route> routes = dsp::routes(
      {"/2025-1", "", "", "service"},
      {negotiations, transfers, catalog,
       [](const http::Request& request) -> Result<ParticipantId> {
         const std::string from(request.header("from"));
         if (from.empty()) return Error(ErrorCode::unauthenticated, "nobody");
         return ParticipantId(from);
       },
       [](const ParticipantId& from, std::string_view callback) {
         return callback.starts_with("https://" + from.str().substr(8) + "/");
       }});
};

inline Result<http::PeerResponse> Net::send(const http::PeerRequest& request) {
  sent.push_back(request.method + " " + request.url);
  if (!request.body.empty()) bodies.push_back(request.body);
  Fault fault = Fault::none;
  if (!faults.empty()) {
    fault = faults.front();
    faults.pop_front();
  }
  if (fault == Fault::never_sent) return Error(ErrorCode::peer_unavailable, "nobody there");
  if (fault == Fault::lost_request) return Error(ErrorCode::outcome_unknown, "no answer");
  if (instead) {
    if (auto response = instead(request)) return *response;
  }
  for (const auto& [base, node] : nodes) {
    if (!request.url.starts_with(base)) continue;
    const http::Response response = node->answer(from_, request.method, request.url.substr(base.size()), request.body);
    if (!response.body.empty()) bodies.push_back(response.body);
    if (fault == Fault::lost_answer) return Error(ErrorCode::outcome_unknown, "no answer");
    return http::PeerResponse{response.status, response.headers, response.body};
  }
  return Error(ErrorCode::peer_unavailable, "no such host");
}

inline json::Value counts_offer() {
  return *json::parse(R"({"@type":"Offer","@id":"offer-1","permission":[{"action":"use","constraint":[
    {"leftOperand":"purpose","operator":"eq","rightOperand":"https://w3id.org/dpv#PublicPolicyMaking"}]}]})");
}

/// Waterrijk provides, Duinmeer consumes.
class World : public testing::Test {
 protected:
  World() {
    for (Node* node : {&waterrijk, &duinmeer}) {
      node->net.nodes = {{"https://waterrijk.example", &waterrijk}, {"https://duinmeer.example", &duinmeer}};
    }
  }
  void settle() {
    for (int i = 0; i < 10; ++i) {
      duinmeer.drain();
      waterrijk.drain();
    }
  }
  ProcessId ask() {
    const auto asked =
        duinmeer.negotiations.request(waterrijk.id, DatasetId("counts"), counts_offer(), waterrijk.url);
    EXPECT_TRUE(asked);
    return asked->own_pid;
  }
  negotiation::Negotiation at_provider(const ProcessId& consumer_pid) {
    const auto consumer = duinmeer.negotiations.show(consumer_pid);
    const auto found = waterrijk.negotiations.show(consumer->peer_pid);
    EXPECT_TRUE(found);
    return found ? *found : negotiation::Negotiation{};
  }
  AgreementId agreed() {
    ask();
    settle();
    const auto records = duinmeer.negotiations.agreements(AgreementId(), 10);
    EXPECT_TRUE(records && records->size() == 1);
    return records->at(0).id;
  }

  Node waterrijk{"waterrijk"};
  Node duinmeer{"duinmeer"};
};

}  // namespace sluis::test
