#pragma once

#include "tests/unit/gate/world.hpp"

namespace sluis::test {

/// Waterrijk's gate, with Duinmeer's handle, key and agreement.
class GateWorld : public World {
 protected:
  /// In these tests a certificate's digest names the party.
  static http::TlsPeer presented_by(const std::string& party) {
    return {std::make_shared<const http::PeerCertificate>(http::PeerCertificate{party, {}, {}, {}, {}}), {}};
  }
  void SetUp() override {
    World::SetUp();
    record_ = put_agreement("urn:duinmeer", crowd_only());
    gate_ = std::make_unique<gate::Gate>(ParticipantId("urn:waterrijk"), dependencies());
  }
  gate::GateDependencies dependencies() {
    return {commits_, store_, clock_, decisions_, random_, datasets_, membership_, programs_, streams_, refusals_, keys_, mistakes_,
            [this] { return vocabulary_; },
            [this](const http::Request& request) -> Result<gate::Party> {
              if (!request.tls.presented()) return Error(ErrorCode::unauthenticated, "no certificate");
              return gate::Party{ParticipantId(request.tls.certificate->sha256), "municipality", sends_claims_, "cert", request.tls.certificate};
            },
            [this](std::string_view handle) -> Result<transfer::TransferView> {
              if (handle == "handle-2") return Error(ErrorCode::invalid_state, "the transfer is suspended");
              if (handle != "handle-1") return Error(ErrorCode::not_found, "no such handle");
              return transfer::TransferView{ProcessId("urn:provider:1"), ProcessId("urn:consumer:1"),
                                            ParticipantId("urn:duinmeer"), record_.id, record_.dataset};
            },
            [this](const ParticipantId& party, std::string_view kid, Timestamp) -> Result<crypto::Key> {
              if (party.str() != "urn:duinmeer" || kid != "k1") return Error(ErrorCode::not_found, "no such key");
              return key_;
            }};
  }
  identity::Claim claim(const std::string& purpose = kCrowd) {
    identity::Claim out;
    out.iss = ParticipantId("urn:duinmeer");
    out.aud = ParticipantId("urn:waterrijk");
    out.agreement = record_.id;
    out.transfer = ProcessId("urn:consumer:1");
    out.transaction = TransactionId("urn:uuid:t" + std::to_string(++made_));
    out.purpose = purpose;
    out.activity = "urn:duinmeer:activity:1";
    out.iat = std::chrono::floor<std::chrono::seconds>(clock_.now());
    out.jti = "jti-" + std::to_string(made_);
    out.method = "GET";
    out.path = "/data";
    return out;
  }
  http::Request request(const identity::Claim& said) { return request(identity::make_claim(said, "k1", key_)); }
  static http::Request request(const std::string& token) {
    http::Request out;
    out.method = "GET";
    out.path = out.target = "/data";
    out.tls = presented_by("urn:duinmeer");
    out.headers = {{"authorization", "Bearer handle-1"}};
    if (!token.empty()) out.headers["sluis-claim"] = token;
    return out;
  }
  http::Response ask(const http::Request& request) { return gate_->routes().front().handler(request); }
  http::Response ask(const identity::Claim& said) { return ask(request(said)); }
  static std::string code(const http::Response& response) {
    const auto reason = gate::parse_reason(response.body);
    return reason ? reason->code : "unreadable: " + response.body;
  }
  /// Refused with this code, and the log says so too.
  void expect_refused(const http::Response& response, const std::string& wanted) {
    EXPECT_FALSE(response.stream);
    EXPECT_EQ(response.status, 403U);
    EXPECT_EQ(code(response), wanted);
    const auto decisions = entries_of(provenance::EntryKind::decision);
    ASSERT_FALSE(decisions.empty());
    EXPECT_FALSE(decisions.back().shared.decision().permit());
    EXPECT_EQ(decisions.back().shared.decision().code(), wanted);
  }

  crypto::Key key_ = crypto::Key::generate(crypto::Key::Kind::p256);
  bool sends_claims_ = true;
  int made_ = 0;
  negotiation::AgreementRecord record_;
  gate::RefusalCounter refusals_{commits_, clock_, ParticipantId("urn:waterrijk")};
  Quota mistakes_{clock_, {60, 240}};
  std::unique_ptr<gate::Gate> gate_;
};

}  // namespace sluis::test
