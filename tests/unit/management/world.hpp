#pragma once

#include "connector/commit/sequencer.hpp"
#include "connector/management/connect.hpp"
#include "connector/management/methods.hpp"
#include "connector/storage/memory_store.hpp"
#include "tests/support/doubles.hpp"
#include "tests/unit/catalog/support.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace sluis::management::test {

using sluis::test::ManualClock;
using sluis::test::SeededRandom;
using sluis::test::TempFolder;

struct Disk final : storage::KvStore {
  Disk(storage::MemoryStore& inner, const std::atomic<bool>& broken) : memory(inner), fails(broken) {}
  Result<std::optional<std::string>> get(std::string_view key) const override { return memory.get(key); }
  Result<void> scan(std::string_view prefix, std::string_view from,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    return memory.scan(prefix, from, visit);
  }
  Result<void> write(const std::vector<storage::Change>& changes, bool sync) override {
    if (fails) return Error(ErrorCode::storage_unavailable, "the disk is gone");
    return memory.write(changes, sync);
  }
  std::unique_ptr<storage::Reader> snapshot() const override { return memory.snapshot(); }
  Result<void> purge() const override { return memory.purge(); }
  storage::MemoryStore& memory;
  const std::atomic<bool>& fails;
};

struct NobodyTerms final : negotiation::Terms {
  Result<negotiation::Judgement> judge_request(const ParticipantId&, const DatasetId&, const json::Value&,
                                               const Hash&) override {
    return negotiation::Judgement{};
  }
  negotiation::Judgement judge_offer(const ParticipantId&, const DatasetId&, const json::Value&, const Hash&) override {
    return {};
  }
};

struct PlainEvidence final : negotiation::EvidenceWriter, transfer::EvidenceWriter {
  EntryDraft negotiation_entry(const negotiation::Negotiation&, std::string_view, const outbox::Reason*) override {
    return {10, {}, "", ""};
  }
  EntryDraft agreement_entry(const negotiation::AgreementRecord&) override { return {11, {}, "", ""}; }
  EntryDraft agreement_ended_entry(const negotiation::AgreementRecord&) override { return {12, {}, "", ""}; }
  EntryDraft transfer_entry(const transfer::TransferProcess&, std::string_view, const outbox::Reason*) override {
    return {13, {}, "", ""};
  }
};

struct SilentNegotiationPeer final : negotiation::PeerPort {
  std::string body(const negotiation::OutboundMessage&) const override { return "{}"; }
  outbox::SendOutcome send(const ParticipantId&, const outbox::Envelope&) override { return {}; }
  outbox::PeerView read(const negotiation::Negotiation&) override { return {}; }
};
struct SilentTransferPeer final : transfer::PeerPort {
  std::string body(const transfer::OutboundMessage&) const override { return "{}"; }
  outbox::SendOutcome send(const ParticipantId&, const outbox::Envelope&) override { return {}; }
  outbox::PeerView read(const transfer::TransferProcess&) override { return {}; }
};

/// A token in the form that files hold: 32 bytes that begin with the role's name.
inline std::string file_token(std::string role) {
  role.resize(32, '.');
  return to_base64url(role);
}

/// A node's inside without network: real store, log, catalogue and services. A role's token is its name, or file_token; with a colon and
/// a name behind it, it is that person's.
struct World {
  World() {
    EXPECT_TRUE(sequencer.open());
    backend.vocabulary = [] { return catalog::test::vocabulary(); };
    backend.checkpoint = [this] { return sequencer.checkpoint(); };
    backend.verifier_key = [this] { return sequencer.verifier_key(); };
    backend.doctor = [] { return std::vector<Finding>{{"store", true, "writable", ""}}; };
  }

  Result<Caller> authenticate(std::string_view authorization) const {
    if (!authorization.starts_with("Bearer ")) return Error(ErrorCode::unauthenticated, "no token");
    const std::string_view token = authorization.substr(7);
    for (int role = v1::STEWARD; role <= v1::COUNCIL_CLERK; ++role) {
      const auto name = role_name(static_cast<v1::Role>(role));
      if (token == name || token == file_token(name)) {
        return Caller{static_cast<v1::Role>(role), "A. Bakker", {}, key_of("A. Bakker")};
      }
      if (token.starts_with(name + ":")) {
        const std::string person(token.substr(name.size() + 1));
        return Caller{static_cast<v1::Role>(role), person, {}, key_of(person)};
      }
    }
    return Error(ErrorCode::unauthenticated, "no such token");
  }

  /// With which that person signs findings.
  std::string key_of(const std::string& person) const {
    const auto found = signing_keys.find(person);
    return found == signing_keys.end() ? std::string() : found->second.public_raw();
  }

  http::Response post(const std::string& path, const std::string& body, const std::string& token = "steward") {
    http::Request request;
    request.method = "POST";
    request.path = path;
    request.body = body;
    request.headers = {{"content-type", "application/json"}};
    if (!token.empty()) request.headers["authorization"] = "Bearer " + token;
    return post(request);
  }
  http::Response post(const http::Request& request) {
    for (const auto& route : routes) {
      if (route.path == request.path && route.method == request.method) return route.handler(request);
    }
    return {404, {}, "", {}};
  }
  json::Value answer(const std::string& path, const std::string& body, const std::string& token = "steward") {
    const auto response = post(path, body, token);
    EXPECT_EQ(response.status, 200U) << path << ": " << response.body;
    auto value = json::parse(response.body);
    EXPECT_TRUE(value);
    return value ? *value : json::Value();
  }

  TempFolder folder;
  ManualClock clock{catalog::test::kNow};
  SeededRandom random;
  storage::MemoryStore memory;
  std::atomic<bool> disk_fails = false;
  storage::ReopeningStore store{[this]() -> Result<std::unique_ptr<storage::KvStore>> {
    return std::unique_ptr<storage::KvStore>(std::make_unique<Disk>(memory, disk_fails));
  }};
  provenance::PayloadKeys keys{folder.path() / "keys", random};
  commit::Sequencer sequencer{store, keys, clock, random,
                              {"waterrijk.example/log", crypto::Key::generate(crypto::Key::Kind::ed25519),
                               folder.path() / "slots"}};
  CommitSignal commits{sequencer};
  catalog::Catalog offered{store, catalog::test::vocabulary()};
  NobodyTerms terms;
  PlainEvidence evidence;
  SilentNegotiationPeer negotiation_peer;
  SilentTransferPeer transfer_peer;
  negotiation::Service negotiations{{ParticipantId("did:web:waterrijk"), std::chrono::days(7)},
                                    {commits, store, clock, random, terms, evidence, negotiation_peer, {}, {}}};
  transfer::Service transfers{{"https://waterrijk.example/data", std::string(32, 'k')},
                              {commits, store, clock, random, evidence, transfer_peer, {}}};
  identity::Directory directory{identity::Trust{}};
  provenance::LogReader log{store, keys};
  Backend backend{ParticipantId("did:web:waterrijk"), "Waterrijk", "0.1.0", "waterrijk.example/log",
                  catalog::test::kNow, false, clock, store, commits, offered, negotiations, transfers, directory, log};
  std::map<std::string, crypto::Key> signing_keys;
  Api api{make_methods(backend), [this](std::string_view authorization, const http::TlsPeer&) { return authenticate(authorization); }};
  std::vector<http::Route> routes = connect_routes(api);
};

}  // namespace sluis::management::test
