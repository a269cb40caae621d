#include "certs/authority.hpp"
#include "connector/management/grpc_server.hpp"
#include "connector/management/status_codes.hpp"
#include "tests/unit/management/world.hpp"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace sluis::management::test {
namespace {

/// The table as people agreed on it: s(teward), p(rivacy officer), d(po), a(uditor), A(pplication), o(perator),
/// m(ember of a panel), c(lerk of the council). A change of the contract must be made here too.
const std::map<std::string, std::string> kTable = {
    {"DatasetService.Publish", "s"},          {"DatasetService.List", "spdaAomc"},
    {"DatasetService.Show", "spdaAomc"},      {"DatasetService.Retract", "s"},
    {"TermsService.Check", "spda"},           {"TermsService.Test", "spda"},
    {"TermsService.Explain", "spdaAmc"},      {"TermsService.Matrix", "spdamc"},
    {"TermsService.Replay", "spda"},          {"TermsService.Diff", "spda"},
    {"TermsService.ExplainDecision", "spdaA"},
    {"TermsService.Publish", "s"},
    {"CatalogService.Fetch", "spd"},          {"CatalogService.Search", "spdA"},
    {"MembershipService.Show", "spdao"},      {"MembershipService.Check", "so"},
    {"MembershipService.Load", "so"},         {"ActivityService.Publish", "sp"},
    {"ActivityService.List", "spdaA"},        {"ActivityService.Show", "spdaA"},
    {"ActivityService.Import", "sp"},         {"PurposeService.List", "spdaAomc"},
    {"PurposeService.Publish", "s"},          {"AgreementService.Request", "s"},
    {"AgreementService.Approve", "s"},        {"AgreementService.Refuse", "s"},
    {"AgreementService.Counter", "s"},        {"AgreementService.Renew", "s"},
    {"AgreementService.List", "spdao"},       {"AgreementService.ListNegotiations", "spdao"},
    {"AgreementService.Show", "spdao"},       {"AgreementService.Terminate", "s"},
    {"AgreementService.Import", "sp"},
    {"TransferService.Start", "s"},           {"TransferService.List", "spdaAo"},
    {"TransferService.Show", "spdaAo"},       {"TransferService.Suspend", "s"},
    {"TransferService.Resume", "s"},          {"TransferService.Complete", "s"},
    {"TransferService.Terminate", "s"},       {"RetentionService.List", "spda"},
    {"RetentionService.Confirm", "sp"},       {"AuditService.Log", "spda"},
    {"AuditService.Report", "spda"},           {"AuditService.Findings", "spda"},
    {"AuditService.Watch", "spda"},           {"AuditService.Checkpoint", "spdaom"},
    {"AuditService.Proof", "spda"},           {"NodeService.Status", "spdao"},
    {"NodeService.Version", "spdaAomc"},      {"NodeService.Doctor", "so"},
    {"NodeService.DoctorPeer", "so"},
    {"AuditService.Export", "spda"},           {"AuditService.ProcessingActivities", "da"},
    {"AuditService.Erase", "sp"},             {"AuditService.Erasures", "spda"},
    {"AuditService.Sign", "d"},               {"AuditService.Package", "da"},
    {"AuditService.PackageFile", "da"},       {"AuditService.Prune", "sp"},
    {"AuditService.Subject", "pd"},
    {"OutboxService.Peers", "spdao"},         {"OutboxService.List", "spdao"},
    {"OutboxService.Show", "spdao"},          {"OutboxService.Retry", "so"},
    {"OutboxService.Drop", "s"},
    {"AuditService.Reconcile", "spd"},        {"NodeService.Backup", "o"},
    {"NodeService.RotateLogKey", "o"},
    {"NodeService.DemoClock", "so"},          {"AuthzenService.Evaluation", "A"},
    {"AuthzenService.Evaluations", "A"},      {"AuthzenService.SearchSubject", "A"},
    {"AuthzenService.SearchResource", "A"},   {"AuthzenService.SearchAction", "A"},
    {"DeclarationService.Declare", "spoc"},   {"DeclarationService.Renew", "spoc"},
    {"DeclarationService.End", "spoc"},       {"DeclarationService.RecordAssessment", "p"},
    {"DeclarationService.List", "spdaomc"},   {"DeclarationService.Show", "spdaomc"},
    {"DeclarationService.Definitions", "spdaomc"},
};
constexpr std::string_view kLetters = "spdaAomc";

bool agreed(const google::protobuf::MethodDescriptor& method, v1::Role role) {
  return kTable.at(method.service()->name() + "." + method.name()).find(kLetters[static_cast<std::size_t>(role) - 1]) != std::string::npos;
}
std::vector<v1::Role> all_roles() {
  std::vector<v1::Role> roles;
  for (int role = v1::STEWARD; role <= v1::COUNCIL_CLERK; ++role) roles.push_back(static_cast<v1::Role>(role));
  return roles;
}

TEST(ManagementAccess, EveryMethodOfTheContractIsAnsweredAndInTheTable) {
  World world;
  std::size_t count = 0;
  for (const auto* service : contract()) {
    for (int i = 0; i < service->method_count(); ++i, ++count) {
      const auto* method = service->method(i);
      EXPECT_NE(world.api.methods().find("/" + service->full_name() + "/" + method->name()), nullptr)
          << method->full_name();
      EXPECT_TRUE(kTable.contains(service->name() + "." + method->name())) << method->full_name();
    }
  }
  const auto& decisions = decision_point();  // answered by authzen/
  for (int i = 0; i < decisions.method_count(); ++i, ++count) {
    EXPECT_TRUE(kTable.contains(decisions.name() + "." + decisions.method(i)->name()));
    EXPECT_EQ(world.api.methods().find("/" + decisions.full_name() + "/" + decisions.method(i)->name()), nullptr);
  }
  EXPECT_EQ(count, kTable.size());
}

TEST(ManagementAccess, AtTheDecisionPointEachRoleMayAskWhatTheTableSays) {
  for (int i = 0; i < decision_point().method_count(); ++i) {
    const auto& method = *decision_point().method(i);
    for (const auto role : all_roles()) {
      EXPECT_EQ(check_role(method, role).has_value(), agreed(method, role)) << method.full_name() << role_name(role);
    }
    EXPECT_FALSE(check_role(method, v1::ROLE_UNSPECIFIED));
  }
}

TEST(ManagementAccess, AMethodThatChangesSomethingHasADryRun) {
  for (const auto* service : contract()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      const bool changes = method->options().GetExtension(v1::access).changes();
      EXPECT_EQ(changes, method->input_type()->FindFieldByName("dry_run") != nullptr) << method->full_name();
    }
  }
}

TEST(ManagementAccess, OverConnectEachRoleReachesItsMethodsAndNoOther) {
  World world;
  for (const auto& [path, method] : world.api.methods().all()) {
    EXPECT_EQ(world.post(path, "{}", "").status, 401U) << path;
    EXPECT_EQ(world.post(path, "{}", "guessed").status, 401U) << path;
    for (const auto role : all_roles()) {
      const auto response = world.post(path, "{}", role_name(role));
      const bool turned_away = response.status == 403 && response.body.find("may not call") != std::string::npos;
      EXPECT_EQ(!turned_away, agreed(*method.descriptor, role)) << path << " " << role_name(role) << ": " << response.body;
      EXPECT_NE(response.status, 401U) << path;
    }
  }
}

struct GrpcAnswer {
  grpc::Status status;
  v1::ErrorDetail detail;
  grpc::ByteBuffer body;
};

GrpcAnswer call(grpc::GenericStub& stub, const std::string& path, const std::string& token,
                const std::string& bytes = "") {
  GrpcAnswer answer;
  grpc::ClientContext context;
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  auto reader = stub.PrepareUnaryCall(&context, path, request, &queue);
  reader->StartCall();
  reader->Finish(&answer.body, &answer.status, &answer);
  void* tag = nullptr;
  bool good = false;
  EXPECT_TRUE(queue.Next(&tag, &good));
  const auto& trailers = context.GetServerTrailingMetadata();
  if (const auto found = trailers.find("sluis-error-bin"); found != trailers.end()) {
    EXPECT_TRUE(answer.detail.ParseFromString(std::string(found->second.data(), found->second.size())));
  }
  return answer;
}

TEST(ManagementAccess, OverGrpcEachRoleReachesItsMethodsAndNoOther) {
  World world;
  const auto server = GrpcServer::start(world.api, {"127.0.0.1:0", "", "", "", false, 2});
  ASSERT_TRUE(server) << describe(server.error());
  grpc::GenericStub stub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string((*server)->port()), grpc::InsecureChannelCredentials()));
  for (const auto& [path, method] : world.api.methods().all()) {
    EXPECT_EQ(call(stub, path, "").status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << path;
    for (const auto role : all_roles()) {
      const auto answer = call(stub, path, role_name(role));
      const bool turned_away = answer.status.error_code() == grpc::StatusCode::PERMISSION_DENIED &&
                               answer.detail.message().find("may not call") != std::string::npos;
      EXPECT_EQ(!turned_away, agreed(*method.descriptor, role)) << path << " " << answer.status.error_message();
    }
  }
  EXPECT_EQ(call(stub, "/sluis.v1.NodeService/Explode", "steward").status.error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(call(stub, "/sluis.v1.DatasetService/Show", "steward", "\xff").status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(ManagementAccess, GrpcIsNotServedInClearOffLoopback) {
  World world;
  for (const std::string where : {"0.0.0.0:0", "[::]:0", "127.0.0.1.example:0", "localhost:0"}) {
    const auto server = GrpcServer::start(world.api, {where, "", "", "", 1});
    ASSERT_FALSE(server) << where;
    EXPECT_EQ(server.error().code, ErrorCode::invalid_argument);
  }
}

TEST(ManagementAccess, OverGrpcWithTlsACertificateShowsARole) {
  World world;
  const SystemClock clock;  // gRPC's handshake goes by the machine's
  const auto now = clock.now();
  const auto ca = world.folder.path() / "ca";
  ASSERT_TRUE(certs::make_authority(ca, now - std::chrono::hours(24), now + std::chrono::hours(240), world.random));
  const auto leaf = [&](std::string name) {
    const auto made = certs::issue(ca, {.organisation = "Waterrijk", .common_name = std::move(name), .oin = "", .dns_names = {"localhost"},
                                        .from = now - std::chrono::hours(1), .until = now + std::chrono::hours(1)},
                                   world.random);
    EXPECT_TRUE(made);
    return *made;
  };
  const certs::Leaf node = leaf("waterrijk.example"), anna = leaf("anna"), nobody = leaf("nobody");
  const std::string roots = *certs::read_file(ca / "root.pem");
  const identity::Roles roles({{identity::Role::steward, "Anna", identity::Shown::certificate,
                                crypto::Certificate::from_pem(anna.chain_pem)->fingerprint(), {}, {}}});
  Timestamp at = now;
  const Api api(make_methods(world.backend), [&](std::string_view authorization, const http::TlsPeer& tls) -> Result<Caller> {
    SLUIS_TRY(const auto holder, roles.find_caller(authorization, tls, at));
    return to_caller(holder);
  });
  const auto file = [&](const std::string& name, const std::string& pem) {
    EXPECT_TRUE(certs::write_secret(world.folder.path() / name, pem));
    return (world.folder.path() / name).string();
  };
  const auto server = GrpcServer::start(api, {"127.0.0.1:0", file("node.pem", node.chain_pem), file("node.key", node.key_pem), (ca / "root.pem").string(), false, 2});
  ASSERT_TRUE(server) << describe(server.error());
  const std::string where = "localhost:" + std::to_string((*server)->port());
  const auto asked = [&](const certs::Leaf& as, const std::string& token = "") {
    grpc::GenericStub stub(grpc::CreateChannel(where, grpc::SslCredentials({roots, as.key_pem, as.chain_pem})));
    return call(stub, "/sluis.v1.DatasetService/List", token).status.error_code();
  };
  EXPECT_EQ(asked(anna), grpc::StatusCode::OK);
  EXPECT_EQ(asked(anna, "guessed"), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(asked(nobody), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(asked({}), grpc::StatusCode::UNAUTHENTICATED);
  grpc::GenericStub clear(grpc::CreateChannel(where, grpc::InsecureChannelCredentials()));
  EXPECT_EQ(call(clear, "/sluis.v1.DatasetService/List", "").status.error_code(), grpc::StatusCode::UNAVAILABLE);
  at = now + std::chrono::hours(2);
  EXPECT_EQ(asked(anna), grpc::StatusCode::UNAUTHENTICATED) << "by the node's clock the certificate is over";
}

TEST(ManagementAccess, AStreamThatSaysNothingEnds) {
  World world;
  GrpcOptions options{"127.0.0.1:0", "", "", "", false, 2};
  options.longest = std::chrono::milliseconds(300);
  const auto server = GrpcServer::start(world.api, options);
  ASSERT_TRUE(server) << describe(server.error());
  grpc::GenericStub stub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string((*server)->port()), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  grpc::CompletionQueue queue;
  const auto silent = stub.PrepareCall(&context, "/sluis.v1.DatasetService/List", &queue);
  void* tag = nullptr;
  bool good = false;
  silent->StartCall(&context);
  ASSERT_TRUE(queue.Next(&tag, &good) && good);
  grpc::Status status;
  silent->Finish(&status, &status);
  ASSERT_TRUE(queue.Next(&tag, &good));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << "the server ended it, not our own deadline";
  EXPECT_EQ(call(stub, "/sluis.v1.DatasetService/List", "steward").status.error_code(), grpc::StatusCode::OK);
}

TEST(ManagementAccess, AServerEndsInTheMidstOfCalls) {
  World world;
  for (int round = 0; round < 40; ++round) {
    auto server = GrpcServer::start(world.api, GrpcOptions{"127.0.0.1:0", "", "", "", false, 2});
    ASSERT_TRUE(server) << describe(server.error());
    const auto channel =
        grpc::CreateChannel("127.0.0.1:" + std::to_string((*server)->port()), grpc::InsecureChannelCredentials());
    std::atomic<bool> over = false;
    std::atomic<int> answered = 0;
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i) {
      callers.emplace_back([&] {
        grpc::GenericStub stub(channel);
        while (!over) {
          if (call(stub, "/sluis.v1.DatasetService/List", "steward").status.ok()) ++answered;
        }
      });
    }
    while (answered < 3) std::this_thread::yield();
    server->reset();
    over = true;
    for (auto& caller : callers) caller.join();
  }
}

TEST(ManagementAccess, EveryErrorCodeHasOneRowAndComesBackAsItself) {
  const ErrorCode all[] = {
      ErrorCode::invalid_argument,  ErrorCode::invalid_state,    ErrorCode::not_found,
      ErrorCode::permission_denied, ErrorCode::unauthenticated,  ErrorCode::conflict,
      ErrorCode::limit_exceeded,    ErrorCode::peer_unavailable, ErrorCode::storage_unavailable,
      ErrorCode::outcome_unknown,   ErrorCode::corruption,       ErrorCode::internal};
  EXPECT_EQ(status_codes().size(), std::size(all));
  // The HTTP status that the Connect protocol gives each of its codes.
  const std::map<std::string_view, unsigned> http = {
      {"invalid_argument", 400}, {"failed_precondition", 400}, {"not_found", 404}, {"permission_denied", 403},
      {"unauthenticated", 401},  {"aborted", 409},             {"resource_exhausted", 429}, {"unavailable", 503},
      {"unknown", 500},          {"data_loss", 500},           {"internal", 500}};
  const std::map<std::string_view, grpc::StatusCode> grpc_codes = {
      {"invalid_argument", grpc::INVALID_ARGUMENT}, {"failed_precondition", grpc::FAILED_PRECONDITION},
      {"not_found", grpc::NOT_FOUND},               {"permission_denied", grpc::PERMISSION_DENIED},
      {"unauthenticated", grpc::UNAUTHENTICATED},   {"aborted", grpc::ABORTED},
      {"resource_exhausted", grpc::RESOURCE_EXHAUSTED}, {"unavailable", grpc::UNAVAILABLE},
      {"unknown", grpc::UNKNOWN},                   {"data_loss", grpc::DATA_LOSS},
      {"internal", grpc::INTERNAL}};
  for (const auto code : all) {
    const auto& row = status_of(code);
    EXPECT_EQ(row.code, code);
    EXPECT_EQ(row.http, http.at(row.connect));
    EXPECT_EQ(row.grpc, static_cast<int>(grpc_codes.at(row.connect)));
    Error error(code, "what");
    error.place = {"a.toml", 3, 4, "/x"};
    error.mend = "how";
    const auto back = from_detail(to_detail(error));
    EXPECT_EQ(back.code, code);
    EXPECT_EQ(describe(back), describe(error));
  }
}

}  // namespace
}  // namespace sluis::management::test
