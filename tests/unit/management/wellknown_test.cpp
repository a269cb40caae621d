#include "connector/management/grpc_server.hpp"
#include "connector/management/wellknown.hpp"
#include "tests/unit/management/world.hpp"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <google/protobuf/descriptor.pb.h>

namespace sluis::management::test {
namespace {

constexpr char kReflection[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

grpc::ByteBuffer bytes_of(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}
template <class Message>
Message message_of(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (buffer.Dump(&slices).ok()) {
    for (const auto& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  Message message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  return message;
}

/// A server, and calls of many messages to it, as a tool makes them.
struct Served {
  explicit Served(std::function<bool()> ready) {
    GrpcOptions options{"127.0.0.1:0", "", "", "", false, 2};
    options.ready = std::move(ready);
    server = std::move(*GrpcServer::start(world.api, options));
    stub = std::make_unique<grpc::GenericStub>(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(server->port()), grpc::InsecureChannelCredentials()));
  }

  /// Each question's answer, in one call; what the call ended with.
  grpc::Status converse(const std::string& path, const std::string& token, const std::vector<grpc::ByteBuffer>& questions,
                        std::vector<grpc::ByteBuffer>& answers) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    grpc::CompletionQueue queue;
    void* tag = nullptr;
    bool good = false;
    const auto done = [&] { return queue.Next(&tag, &good) && good; };
    const auto stream = stub->PrepareCall(&context, path, &queue);
    stream->StartCall(&context);
    bool going = done();
    for (std::size_t i = 0; going && i < questions.size(); ++i) {
      if (i + 1 == questions.size()) stream->WriteLast(questions[i], grpc::WriteOptions(), &context);
      else stream->Write(questions[i], &context);
      going = done();
      grpc::ByteBuffer answer;
      if (going) stream->Read(&answer, &context);
      going = going && done();
      if (going) answers.push_back(std::move(answer));
    }
    grpc::Status status;
    stream->Finish(&status, &status);
    queue.Next(&tag, &good);
    return status;
  }

  /// All messages before anything is read; what the call ended with.
  grpc::Status send_all(const std::string& path, const std::vector<grpc::ByteBuffer>& messages) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context.AddMetadata("authorization", "Bearer steward");
    grpc::CompletionQueue queue;
    void* tag = nullptr;
    bool good = false;
    const auto stream = stub->PrepareCall(&context, path, &queue);
    stream->StartCall(&context);
    queue.Next(&tag, &good);
    for (const grpc::ByteBuffer& message : messages) {
      stream->Write(message, &context);
      queue.Next(&tag, &good);
    }
    stream->WritesDone(&context);
    queue.Next(&tag, &good);
    grpc::ByteBuffer answer;
    stream->Read(&answer, &context);
    queue.Next(&tag, &good);
    grpc::Status status;
    stream->Finish(&status, &status);
    queue.Next(&tag, &good);
    return status;
  }

  /// One message, and the caller's side stays open: what the call ends with, after `meanwhile`.
  grpc::Status send_open(const std::string& path, const std::string& token, const grpc::ByteBuffer& message, const std::function<void()>& meanwhile) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context.AddMetadata("authorization", "Bearer " + token);
    grpc::CompletionQueue queue;
    void* tag = nullptr;
    bool good = false;
    const auto stream = stub->PrepareCall(&context, path, &queue);
    stream->StartCall(&context);
    queue.Next(&tag, &good);
    stream->Write(message, &context);
    queue.Next(&tag, &good);
    grpc::Status status;
    stream->Finish(&status, &status);
    meanwhile();
    queue.Next(&tag, &good);
    return status;
  }

  World world;
  std::unique_ptr<GrpcServer> server;
  std::unique_ptr<grpc::GenericStub> stub;
};

TEST(ManagementWellKnown, HealthIsWhetherTheNodeIsReadyAndIsToldToAnybody) {
  std::atomic<bool> ready = true;
  Served served([&] { return ready.load(); });
  const auto asked = [&](const std::string& service) -> std::pair<grpc::StatusCode, int> {
    v1::HealthRequest request;
    request.set_service(service);
    std::vector<grpc::ByteBuffer> answers;
    const grpc::Status status = served.converse(std::string(kHealthCheck), "", {bytes_of(request)}, answers);
    return {status.error_code(), answers.empty() ? -1 : static_cast<int>(message_of<v1::HealthResponse>(answers[0]).status())};
  };
  using Answer = std::pair<grpc::StatusCode, int>;
  EXPECT_EQ(asked(""), Answer(grpc::OK, v1::HealthResponse::SERVING));
  EXPECT_EQ(asked("sluis.v1.AuditService"), Answer(grpc::OK, v1::HealthResponse::SERVING));
  EXPECT_EQ(asked("sluis.v1.Explode"), Answer(grpc::NOT_FOUND, -1));
  ready = false;
  EXPECT_EQ(asked(""), Answer(grpc::OK, v1::HealthResponse::NOT_SERVING));
  EXPECT_EQ(asked("sluis.v1.AuditService"), Answer(grpc::OK, v1::HealthResponse::NOT_SERVING));
}

TEST(ManagementWellKnown, ACallHasOneRequestNoneAndMoreAreRefused) {
  Served served([] { return true; });
  const auto request = bytes_of(v1::HealthRequest());
  const std::string list = "/sluis.v1.DatasetService/List";  // the empty message is a request of it, too
  for (const std::string& path : {std::string(kHealthCheck), list}) {
    EXPECT_EQ(served.send_all(path, {request}).error_code(), grpc::OK) << path;
    EXPECT_EQ(served.send_all(path, {}).error_code(), grpc::UNIMPLEMENTED) << path;
    EXPECT_EQ(served.send_all(path, {request, request}).error_code(), grpc::UNIMPLEMENTED) << path;
  }
}

TEST(ManagementWellKnown, AStrangerIsRefusedBeforeTheCallEndsAndAServerThatStopsRunsNothingOfOneThatHasNot) {
  const auto request = bytes_of(v1::HealthRequest());
  Served served([] { return true; });
  EXPECT_EQ(served.send_open("/sluis.v1.DatasetService/List", "nobody", request, [] {}).error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(served.send_open("/sluis.v1.DatasetService/Explode", "steward", request, [] {}).error_code(), grpc::UNIMPLEMENTED);
  EXPECT_FALSE(served.send_open("/sluis.v1.DatasetService/List", "steward", request, [&] { served.server.reset(); }).ok());
}

TEST(ManagementWellKnown, WhereNobodySaysWhetherItIsReadyItIsNot) {
  Served served(nullptr);
  std::vector<grpc::ByteBuffer> answers;
  ASSERT_TRUE(served.converse(std::string(kHealthCheck), "", {bytes_of(v1::HealthRequest())}, answers).ok());
  EXPECT_EQ(message_of<v1::HealthResponse>(answers.at(0)).status(), v1::HealthResponse::NOT_SERVING);
}

TEST(ManagementWellKnown, AToolCallsAMethodByWhatReflectionTellsItAlone) {
  Served served(nullptr);
  v1::ReflectionRequest list, file;
  list.set_list_services("");
  file.set_file_containing_symbol("sluis.v1.NodeService");
  for (const std::string version : {"v1", "v1alpha"}) {
    std::vector<grpc::ByteBuffer> answers;
    const std::string path = "/grpc.reflection." + version + ".ServerReflection/ServerReflectionInfo";
    ASSERT_TRUE(served.converse(path, "auditor", {bytes_of(list), bytes_of(file)}, answers).ok());
    const auto services = message_of<v1::ReflectionResponse>(answers.at(0)).list_services_response();
    std::set<std::string> names, own;
    for (const auto& service : services.service()) names.insert(service.name());
    for (const auto* service : contract()) own.insert(service->full_name());
    EXPECT_EQ(names, own);
    // A pool of descriptors with nothing but what came: each file builds once those that it needs are there.
    google::protobuf::DescriptorPool pool;
    const auto files = message_of<v1::ReflectionResponse>(answers.at(1)).file_descriptor_response();
    for (int i = files.file_descriptor_proto_size(); i-- > 0;) {
      google::protobuf::FileDescriptorProto proto;
      ASSERT_TRUE(proto.ParseFromString(files.file_descriptor_proto(i)));
      if (pool.FindFileByName(proto.name()) != nullptr) continue;
      ASSERT_NE(pool.BuildFile(proto), nullptr) << proto.name();
    }
    EXPECT_NE(pool.FindMethodByName("sluis.v1.NodeService.Version"), nullptr);
  }
}

TEST(ManagementWellKnown, ReflectionIsForWhoHasARoleAndTellsOfTheContractAlone) {
  Served served(nullptr);
  v1::ReflectionRequest list;
  list.set_list_services("");
  for (const std::string token : {"", "guessed"}) {
    std::vector<grpc::ByteBuffer> answers;
    EXPECT_EQ(served.converse(kReflection, token, {bytes_of(list)}, answers).error_code(), grpc::UNAUTHENTICATED);
    EXPECT_TRUE(answers.empty());
  }
  const auto code = [&](const auto& set) {
    v1::ReflectionRequest request;
    set(request);
    const auto response = reflect(request);
    return response.has_error_response() ? response.error_response().error_code() : 0;
  };
  EXPECT_EQ(code([](auto& r) { r.set_file_containing_symbol("sluis.v1.LogHead"); }), 5);
  EXPECT_EQ(code([](auto& r) { r.set_file_containing_symbol("sluis.v1.HealthRequest"); }), 5) << "of the program, not of the contract";
  EXPECT_EQ(code([](auto& r) { r.set_file_by_filename("../../etc/passwd"); }), 5);
  EXPECT_EQ(code([](auto& r) { r.mutable_file_containing_extension()->set_containing_type("google.protobuf.MethodOptions"); }), 5);
  EXPECT_EQ(code([](auto& r) { r.set_all_extension_numbers_of_type("no.such.Type"); }), 5);
  EXPECT_EQ(code([](auto&) {}), 5);
  EXPECT_EQ(code([](auto& r) { r.set_all_extension_numbers_of_type("google.protobuf.MethodOptions"); }), 0);
  std::vector<grpc::ByteBuffer> answers;
  const grpc::Slice torn("\xff", 1);
  EXPECT_EQ(served.converse(kReflection, "steward", {grpc::ByteBuffer(&torn, 1)}, answers).error_code(), grpc::INVALID_ARGUMENT);
}

TEST(ManagementWellKnown, AConversationHasAnEnd) {
  Served served(nullptr);
  v1::ReflectionRequest nothing;
  std::vector<grpc::ByteBuffer> answers;
  EXPECT_EQ(served.converse(kReflection, "steward", std::vector<grpc::ByteBuffer>(1100, bytes_of(nothing)), answers).error_code(),
            grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(answers.size(), 1000U);
}

}  // namespace
}  // namespace sluis::management::test
