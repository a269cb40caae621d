// The Connect project's test service, answered by our management's own transport: `connect_routes` on the HTTP server, or `GrpcServer`. What a
// response should be stands in each request; here it is only filled in. The runner's question comes on standard input, the address leaves on standard output.
#include "connector/base/bytes.hpp"
#include "connector/http/server.hpp"
#include "connector/json/json.hpp"
#include "connector/management/connect.hpp"
#include "connector/management/grpc_server.hpp"
#include "connector/management/status_codes.hpp"

#include <connectrpc/conformance/v1/server_compat.pb.h>
#include <connectrpc/conformance/v1/service.pb.h>

#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

using namespace sluis;
namespace suite = connectrpc::conformance::v1;

namespace {

/// Of the call that this thread answers. A method of ours sees no header and sets none, and its error has one detail, of our own; the suite's wants all three.
thread_local const http::Request* current = nullptr;
thread_local http::Headers extra;
thread_local json::Value details;

void tell_request(const google::protobuf::Message& request, suite::ConformancePayload::RequestInfo& info) {
  info.add_requests()->PackFrom(request);
  if (current == nullptr) return;
  for (const auto& [name, value] : current->headers) {
    auto* header = info.add_request_headers();
    header->set_name(name);
    header->add_value(value);
  }
  const std::string timeout(current->header("connect-timeout-ms"));
  if (!timeout.empty()) info.set_timeout_ms(std::stoll(timeout));
}

void set_headers(const google::protobuf::RepeatedPtrField<suite::Header>& headers, const std::string& prefix) {
  for (const auto& header : headers) {
    std::string all;
    for (const auto& value : header.value()) all += (all.empty() ? "" : ", ") + value;
    extra[prefix + header.name()] = all;
  }
}

json::Value details_of(const suite::Error& asked, const suite::ConformancePayload::RequestInfo& info) {
  json::Array all;
  const auto add = [&](const std::string& type, const std::string& bytes) {
    std::string value = to_base64(bytes);
    value.erase(std::min(value.find('='), value.size()));
    all.push_back(json::object({{"type", type}, {"value", value}}));
  };
  for (const auto& detail : asked.details()) add(detail.type_url().substr(detail.type_url().rfind('/') + 1), detail.value());
  add(info.GetDescriptor()->full_name(), info.SerializeAsString());
  return json::Value(std::move(all));
}

/// By the node's own table; what it does not have becomes `internal`.
Error asked_error(const suite::Error& asked) {
  for (const auto& row : management::status_codes()) {
    if (static_cast<int>(row.grpc) == static_cast<int>(asked.code())) return Error(row.code, asked.message());
  }
  return Error(ErrorCode::internal, asked.message());
}

template <class Request, class Response>
Result<Response> answer(const Request& request, const management::Caller&) {
  const auto& wanted = request.response_definition();
  set_headers(wanted.response_headers(), "");
  set_headers(wanted.response_trailers(), "trailer-");  // as Connect's unary calls have them
  std::this_thread::sleep_for(std::chrono::milliseconds(wanted.response_delay_ms()));
  if (wanted.has_error()) {
    suite::ConformancePayload::RequestInfo info;
    tell_request(request, info);
    details = details_of(wanted.error(), info);
    return asked_error(wanted.error());
  }
  Response response;
  response.mutable_payload()->set_data(wanted.response_data());
  tell_request(request, *response.mutable_payload()->mutable_request_info());
  return response;
}

std::vector<http::Route> routes_of(const management::Api& api) {
  auto routes = management::connect_routes(api);
  for (http::Route& route : routes) {
    route.handler = [handler = route.handler](const http::Request& request) {
      current = &request;
      extra.clear();
      details = json::array({});
      auto response = handler(request);
      response.headers.merge(extra);
      if (auto body = json::parse(response.body); body && body->find("details") != nullptr) {
        body->set("details", details);
        response.body = json::serialise(*body);
      }
      current = nullptr;
      return response;
    };
  }
  return routes;
}

suite::ServerCompatRequest read_question() {
  std::array<char, 4> size{};
  std::cin.read(size.data(), size.size());
  std::uint32_t length = 0;
  for (const char byte : size) length = length << 8U | static_cast<unsigned char>(byte);
  std::string bytes(length, '\0');
  std::cin.read(bytes.data(), static_cast<std::streamsize>(length));
  suite::ServerCompatRequest question;
  if (!std::cin || !question.ParseFromString(bytes)) std::exit(2);
  return question;
}

void tell(const suite::ServerCompatResponse& response) {
  const std::string bytes = response.SerializeAsString();
  for (const unsigned shift : {24U, 16U, 8U, 0U}) std::cout.put(static_cast<char>(bytes.size() >> shift));
  std::cout << bytes << std::flush;
}

std::filesystem::path file_of(const std::filesystem::path& folder, const char* name, const std::string& text) {
  if (text.empty()) return {};
  std::ofstream(folder / name, std::ios::binary) << text;
  std::filesystem::permissions(folder / name, std::filesystem::perms(0600));  // one of them is a key
  return folder / name;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: sluis_connect_server FOLDER   (where it may keep certificates)\n");
    return 2;
  }
  const suite::ServerCompatRequest question = read_question();
  const std::filesystem::path folder = std::filesystem::path(argv[1]) / std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  const auto certificate = file_of(folder, "server.pem", question.server_creds().cert());
  const auto key = file_of(folder, "server.key", question.server_creds().key());
  const auto roots = file_of(folder, "roots.pem", question.client_tls_cert());

  management::Methods methods;
  methods.add<suite::UnaryRequest, suite::UnaryResponse>("connectrpc.conformance.v1.ConformanceService.Unary",
                                                         answer<suite::UnaryRequest, suite::UnaryResponse>);
  methods.add<suite::IdempotentUnaryRequest, suite::IdempotentUnaryResponse>("connectrpc.conformance.v1.ConformanceService.IdempotentUnary",
                                                                             answer<suite::IdempotentUnaryRequest, suite::IdempotentUnaryResponse>);
  // The suite shows no token: everybody is the steward, for whom the copy of its contract opens its methods.
  const management::Api api(std::move(methods), [](std::string_view, const http::TlsPeer&) -> Result<management::Caller> {
    return management::Caller{v1::STEWARD, "the suite", {}};
  });

  suite::ServerCompatResponse said;
  said.set_host("127.0.0.1");
  said.set_pem_cert(question.server_creds().cert());
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<management::GrpcServer> grpc;
  if (question.protocol() == suite::PROTOCOL_GRPC) {
    management::GrpcOptions options;
    options.address = "127.0.0.1:0";
    options.certificate = certificate;
    options.key = key;
    options.roots = roots;
    auto started = management::GrpcServer::start(api, options);
    if (!started) return std::fprintf(stderr, "%s\n", describe(started.error()).c_str()), 1;
    grpc = std::move(*started);
    said.set_port(static_cast<std::uint32_t>(grpc->port()));
  } else {
    http::ServerOptions options;
    options.name = "management";
    options.address = "127.0.0.1";
    options.routes_refuse_codings = true;
    if (question.use_tls()) options.tls = http::TlsFiles{certificate, key, roots};
    options.request_client_certificate = !roots.empty();
    server = std::make_unique<http::Server>(options, routes_of(api), clock, random);
    const auto port = server->start();
    if (!port) return std::fprintf(stderr, "%s\n", describe(port.error()).c_str()), 1;
    said.set_port(*port);
  }
  tell(said);
  for (;;) ::pause();  // until it is ended
}
