#pragma once

#include "connector/intake/intake.hpp"
#include "connector/provenance/subject.hpp"
#include "tests/unit/gate/world.hpp"

#include <future>

namespace sluis::test {

using provenance::EntryKind;

/// The provider's gate, as a consumer's node sees it.
class Provider final : public http::Upstream {
 public:
  Result<http::StreamEnd> get(const http::PeerRequest& request, const http::StreamHandler& handler) override {
    asked = request;
    ++requests;
    if (on_request) on_request();
    if (unreachable) return Error(ErrorCode::peer_unavailable, "no connection");
    if (shown && !handler.on_peer(shown)) return Error(ErrorCode::peer_unavailable, "not taken");
    http::Headers headers = head;
    headers.emplace("content-type", status == 200 || status == 206 ? "text/csv" : "application/json");
    headers.emplace("sluis-checkpoint", checkpoint);
    if (!handler.on_head(status, headers)) return http::StreamEnd{};
    for (const std::string& part : parts) {
      if (!handler.on_data(part)) return http::StreamEnd{};
    }
    if (silent) {
      std::promise<void> ended;
      handler.cutter->attach([&] { ended.set_value(); });
      silent();
      ended.get_future().wait();
      handler.cutter->attach(nullptr);
      return http::StreamEnd{};
    }
    return http::StreamEnd{complete, trailers};
  }
  void serve(const std::vector<std::string>& body, std::uint64_t rows) {
    parts = body;
    std::string whole;
    for (const std::string& part : parts) whole += part;
    trailers = {{"sluis-rows", std::to_string(rows)}, {"sluis-sha256", to_hex(crypto::sha256(whole))}};
  }

  http::PeerRequest asked;
  int requests = 0;
  bool unreachable = false;
  unsigned status = 200;
  http::Headers head;  ///< besides the media type
  std::vector<std::string> parts;
  bool complete = true;
  http::Headers trailers;
  std::string checkpoint;
  std::function<void()> on_request;
  std::shared_ptr<const http::PeerCertificate> shown;  ///< on its connection
  std::function<void()> silent;  ///< set: called once all parts were given; then nothing comes until the call is ended
};

class IntakeTest : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    put_agreement("urn:waterrijk", rules());
    provider_.serve({"time,total\n10:00,12\n", "11:00,\"7\n\"\n"}, 2);
    intake::Dependencies with{commits_, store_, decisions_, random_, membership_, programs_, streams_, keys_, provider_,
                              [this] { return vocabulary_; },
                              [](const http::Request& request) -> Result<intake::Application> {
                                if (request.header("authorization") == "Bearer dpo") {
                                  return Error(ErrorCode::permission_denied, "another role");
                                }
                                if (request.header("authorization") != "Bearer app") {
                                  return Error(ErrorCode::unauthenticated, "no such token");
                                }
                                return intake::Application{"dashboard", {"urn:activity:1", "urn:activity:2"}};
                              },
                              [this](const ProcessId& pid) -> Result<transfer::Access> {
                                if (pid.str() != "urn:consumer:1") return Error(ErrorCode::not_found, "none");
                                if (suspended_) return Error(ErrorCode::invalid_state, "the transfer is `SUSPENDED`");
                                return transfer::Access{ParticipantId("urn:waterrijk"), AgreementId("urn:agreement:1"),
                                                        DatasetId("urn:waterrijk:counts"), pid,
                                                        ProcessId("urn:provider:1"),
                                                        "https://waterrijk.example:8443/data?x=1", "handle-1"};
                              },
                              [this](std::string_view activity, std::string_view, Timestamp now) -> Result<intake::Registered> {
                                if (activity == "urn:activity:1" && now < until_) return intake::Registered{until_, as_read_, {{"urn:basis:1"}, "DPIA 2026-14"}};
                                return Error(ErrorCode::permission_denied, "the register binds it to another purpose");
                              },
                              [this](const identity::Claim& claim) -> Result<std::string> {
                                return identity::make_claim(claim, "k1", key_);
                              },
                              [this] { return sequencer_.checkpoint(); },
                              [this](const negotiation::AgreementRecord&, Timestamp) -> Result<gate::KnownDeclarations> {
                                ++asked_about_declarations_;
                                if (!proven_) return Error(ErrorCode::peer_unavailable, "`urn:waterrijk` does not prove what it declares");
                                return *proven_;
                              },
                              [this](const ParticipantId& peer) { undecided_.push_back(peer.str()); }, nullptr,
                              [this](const ParticipantId& peer, const std::string& note) { return peer_note_ ? peer_note_(peer, note) : Result<void>(); }};
    intake_ = std::make_unique<intake::Intake>(
        intake::Options{ParticipantId("urn:duinmeer"), "municipality", std::chrono::seconds(60), std::string(32, 's')}, std::move(with));
  }
  static std::string rules() {
    return crowd_only() + R"(,"obligation":[{"action":"deleteAfter","constraint":[)" +
           constraint("delayPeriod", "eq", "\"P7D\"") + "]}]";
  }
  static http::Request request() {
    http::Request out;
    out.method = "GET";
    out.rest = "urn:consumer:1";
    out.headers = {{"authorization", "Bearer app"}, {"sluis-purpose", kCrowd}, {"sluis-activity", "urn:activity:1"}};
    return out;
  }
  static http::Request request_with(const std::string& header, const std::string& value) {
    auto out = request();
    if (value.empty()) out.headers.erase(header);
    else out.headers[header] = value;
    return out;
  }
  http::Response ask(const http::Request& request) { return intake_->routes().front().handler(request); }
  static std::string code(std::string_view body) {
    const auto reason = gate::parse_reason(body);
    return reason ? reason->code : "unreadable: " + std::string(body);
  }
  void pull() {
    auto response = ask(request());
    ASSERT_TRUE(response.stream) << response.body;
    response.stream(sink_);
  }
  v1::Shared received() {
    const auto all = entries_of(EntryKind::received);
    EXPECT_FALSE(all.empty());
    return all.empty() ? v1::Shared() : all.back().shared;
  }
  json::Value retention() {
    const auto value = store_.get("ret/urn:agreement:1");
    EXPECT_TRUE(value && *value);
    return value && *value ? *json::parse(**value) : json::Value();
  }

  crypto::Key key_ = crypto::Key::generate(crypto::Key::Kind::p256);
  Provider provider_;
  Sink sink_;
  std::vector<std::string> undecided_;
  std::function<Result<void>(const ParticipantId& peer, const std::string& note)> peer_note_;
  bool suspended_ = false;
  std::optional<gate::KnownDeclarations> proven_;  ///< what the provider proves to be in force; none: nothing
  int asked_about_declarations_ = 0;
  Timestamp until_ = Timestamp::max();  ///< of the activity
  Precondition as_read_;
  std::unique_ptr<intake::Intake> intake_;
};

}  // namespace sluis::test
