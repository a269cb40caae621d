#pragma once

#include "connector/authzen/service.hpp"
#include "tests/unit/gate/world.hpp"

#include <set>

/// A decision point in memory, asked as over HTTP.
namespace sluis::test {

/// As many datasets as a test names, all alike.
struct ManyDatasets final : gate::Datasets {
  Result<gate::ReleasePlan> find(const DatasetId& dataset) override {
    if (gone || missing.contains(dataset.str())) return Error(ErrorCode::not_found, "no such dataset");
    gate::ReleasePlan found = plan;
    found.id = dataset;
    found.needs_activity = need_activity.contains(dataset.str());
    return found;
  }
  Result<gate::ReleasePlan> find_open(std::string_view) override { return Error(ErrorCode::not_found, "not open"); }
  gate::ReleasePlan plan;
  bool gone = false;
  std::set<std::string> missing;
  std::set<std::string> need_activity;
};

class DecisionPoint : public World {
 protected:
  authzen::Dependencies dependencies() {
    return {commits_, store_, decisions_, random_, sets_, membership_, programs_, [this] { return vocabulary_; },
            [this](const http::Request& request, const std::string& method) -> Result<intake::Application> {
              asked_ = method;
              const std::string_view token = request.header("authorization");
              if (token.empty()) return Error(ErrorCode::unauthenticated, "no token");
              if (token == "Bearer steward") return Error(ErrorCode::permission_denied, "another role");
              return intake::Application{"planner", activities_};
            },
            [this](const ParticipantId& party) -> Result<std::string> {
              if (unlisted_.contains(party.str())) return Error(ErrorCode::not_found, "no such party");
              return std::string("municipality");
            },
            [this](std::string_view, std::string_view, Timestamp) -> Result<intake::Registered> {
              ++asked_register_;
              if (register_fails_) return Error(ErrorCode::storage_unavailable, "the store does not answer");
              if (!registered_) return Error(ErrorCode::permission_denied, "not in the register");
              return intake::Registered{};
            },
            [this](const negotiation::AgreementRecord&, Timestamp) -> Result<gate::KnownDeclarations> {
              ++asked_about_declarations_;
              clock_.advance(answer_takes_);
              if (!known_) return Error(ErrorCode::peer_unavailable, "no answer");
              return *known_;
            },
            [this](std::string_view what) { undecided_.emplace_back(what); }};
  }
  std::unique_ptr<authzen::Service> make_service(const std::string& self,
                                                 std::size_t searched = limits::kAgreementsSearched) {
    self_ = self;
    return std::make_unique<authzen::Service>(
        authzen::Options{ParticipantId(self), "municipality", "https://node.waterrijk.example", searched},
        dependencies());
  }

  http::Response post(const std::string& path, const std::string& text, const http::Headers& more = {}) {
    http::Request request;
    request.headers = {{"authorization", "Bearer t"}, {"content-type", "application/json"}, {"x-request-id", "r-1"}};
    for (const auto& [name, value] : more) request.headers[name] = value;
    request.body = text;
    for (const http::Route& route : service_->routes()) {
      if (route.path == path) return route.handler(request);
    }
    ADD_FAILURE() << path << " is not served";
    return {};
  }
  static json::Value parsed(const http::Response& response) {
    auto value = json::parse(response.body);
    EXPECT_TRUE(value) << response.body;
    return value ? std::move(*value) : json::Value();
  }
  static bool permits(const json::Value& answer) {
    const json::Value* decision = answer.find("decision");
    EXPECT_TRUE(decision != nullptr && decision->if_bool() != nullptr) << json::serialise(answer);
    return decision != nullptr && decision->if_bool() != nullptr && *decision->if_bool();
  }

  /// An agreement with `peer` of the service's own party; stored, and as it was stored.
  negotiation::AgreementRecord agree(const std::string& id, const std::string& peer, const std::string& dataset,
                                     const std::string& rules,
                                     negotiation::Role role = negotiation::Role::provider) {
    negotiation::AgreementRecord record;
    record.id = AgreementId(id);
    record.role = role;
    record.peer = ParticipantId(peer);
    const bool provider = role == negotiation::Role::provider;
    record.dataset = DatasetId(dataset);
    auto agreement = json::parse(R"({"@id":")" + id + R"(","@type":"Agreement","target":")" + dataset +
                                 R"(","assigner":")" + (provider ? self_ : peer) + R"(","assignee":")" +
                                 (provider ? peer : self_) + R"(","timestamp":"2026-11-26T08:00:00Z",)" + rules + "}");
    EXPECT_TRUE(agreement) << describe(agreement.error());
    record.agreement = std::move(*agreement);
    record.agreement_hash = crypto::sha256(json::serialise(record.agreement));
    record.offer_hash = crypto::sha256("offer");
    record.timestamp = *parse_time("2026-11-26T08:00:00Z");
    store_agreement(record);
    return record;
  }
  void end(negotiation::AgreementRecord record) {
    record.ended = negotiation::AgreementEnd{ParticipantId("urn:waterrijk"), clock_.now(), {"ended", {"enough"}}};
    store_agreement(record);
  }

  std::vector<std::string> undecided_;
  std::string self_;
  std::string asked_;  ///< the method that was last asked for
  std::vector<std::string> activities_{"urn:waterrijk:activity:1"};
  std::set<std::string> unlisted_;
  bool registered_ = true;
  bool register_fails_ = false;
  int asked_register_ = 0;
  std::optional<gate::KnownDeclarations> known_;  ///< what the provider has in force; none: it does not answer
  int asked_about_declarations_ = 0;
  Duration answer_takes_{};
  ManyDatasets sets_;
  std::unique_ptr<authzen::Service> service_ = make_service("urn:waterrijk");
};

}  // namespace sluis::test
