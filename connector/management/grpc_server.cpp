#include "connector/management/grpc_server.hpp"

#include "connector/base/limits.hpp"
#include "connector/http/loopback.hpp"
#include "connector/http/peer_certificate.hpp"
#include "connector/management/status_codes.hpp"
#include "connector/management/wellknown.hpp"

#include <fmt/core.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace sluis::management {
namespace {

constexpr std::size_t kMemory = 64U << 20U;
constexpr int kStreams = 32;  ///< of one connection
constexpr int kQuestions = 1000;  ///< of one conversation with the reflection service
constexpr unsigned kLookAgain = 10;  ///< seconds

std::string flat(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const auto& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

grpc::ByteBuffer buffer_of(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

/// gRPC hands on a certificate only when it verified it.
http::TlsPeer peer_of(const grpc::ServerContextBase& context) {
  http::TlsPeer peer;
  const auto found = context.auth_context()->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (found.empty()) return peer;
  const auto certificate = crypto::Certificate::from_pem(std::string_view(found.front().data(), found.front().size()));
  if (!certificate) {
    peer.verify_error = "it cannot be read";
    return peer;
  }
  peer.certificate = http::peer_certificate(*certificate);
  return peer;
}

/// What every call works with.
struct Shared {
  Shared(const Api& the_api, std::function<bool()> is_ready) : api(the_api), ready(std::move(is_ready)) {}

  const Api& api;
  std::function<bool()> ready;
  grpc::AsyncGenericService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  std::atomic<int> calls = 0;  ///< that have not ended, those that wait for a caller among them
  std::atomic<bool> stopping = false;
};

/// One call from its beginning to its end; the completion queue drives it.
class Call {
 public:
  explicit Call(Shared& shared) : shared_(shared), stream_(&context_) {
    ++shared_.calls;
    shared_.service.RequestCall(&context_, &stream_, shared_.queue.get(), shared_.queue.get(), this);
  }

  void go_on(bool good) {
    switch (step_) {
      case Step::waiting:
        if (!good) return end();
        new Call(shared_);  // the next one; it ends itself
        return read();
      case Step::reading:
        if (!good && asked_ == 0) return finish({grpc::StatusCode::UNIMPLEMENTED, "no request, where one is expected"});
        if (!good) return finish(grpc::Status::OK);  // a conversation that the caller ended
        ++asked_;
        return is_reflection(context_.method()) ? converse() : take();
      case Step::ending:
        if (good) return finish({grpc::StatusCode::UNIMPLEMENTED, "more than one request, where one is expected"});
        if (shared_.stopping) return finish(grpc::Status::CANCELLED);  // this end is the server's, not the caller's
        return respond();
      case Step::answering: return good ? read() : finish(grpc::Status::CANCELLED);
      case Step::finishing: return end();
    }
  }

 private:
  enum class Step { waiting, reading, ending, answering, finishing };

  void end() {
    auto& calls = shared_.calls;
    delete this;
    --calls;
    calls.notify_all();
  }
  void read() {
    step_ = Step::reading;
    stream_.Read(&request_, this);
  }
  /// The one request of a call; who may not ask waits for nothing. Then its caller has to end: what comes after is none of it.
  void take() {
    if (context_.method() != kHealthCheck) {
      const auto* method = shared_.api.methods().find(context_.method());
      if (method == nullptr) return finish({grpc::StatusCode::UNIMPLEMENTED, "no such method"});
      if (const auto caller = shared_.api.authorise(*method, authorization(), peer_of(context_)); !caller) return refuse(caller.error());
    }
    step_ = Step::ending;
    stream_.Read(&more_, this);
  }
  void finish(const grpc::Status& status) {
    step_ = Step::finishing;
    stream_.Finish(status, this);
  }
  void finish(const google::protobuf::Message& answer) {
    step_ = Step::finishing;
    stream_.WriteAndFinish(buffer_of(answer), grpc::WriteOptions(), grpc::Status::OK, this);
  }
  void refuse(const Error& error) {
    context_.AddTrailingMetadata("sluis-error-bin", to_detail(error).SerializeAsString());
    finish({static_cast<grpc::StatusCode>(status_of(error.code).grpc), describe(error)});
  }

  std::string_view authorization() const {
    const auto sent = context_.client_metadata().find("authorization");
    return sent == context_.client_metadata().end() ? std::string_view() : std::string_view(sent->second.data(), sent->second.size());
  }

  /// The request as this message. invalid_argument.
  Result<void> parse(google::protobuf::Message& message) {
    if (message.ParseFromString(flat(request_))) return {};
    return Error(ErrorCode::invalid_argument, "the request is not a message of the method");
  }

  /// Authorised anew: a role may have ended while its caller kept the call open.
  Result<MessagePtr> answer(const Method& method) {
    SLUIS_TRY(const auto caller, shared_.api.authorise(method, authorization(), peer_of(context_)));
    auto message = method.new_request();
    SLUIS_CHECK(parse(*message));
    return shared_.api.run(method, *message, caller);
  }

  void respond() {
    if (context_.method() == kHealthCheck) return tell_health();
    const auto message = answer(*shared_.api.methods().find(context_.method()));
    if (!message) return refuse(message.error());
    finish(**message);
  }

  void tell_health() {
    v1::HealthRequest request;
    if (const auto parsed = parse(request); !parsed) return refuse(parsed.error());
    const auto health = management::health(request, shared_.ready && shared_.ready());
    if (!health) return finish({grpc::StatusCode::NOT_FOUND, "no such service"});
    finish(*health);
  }

  /// One question of many; each asks again who it is, as a role may end meanwhile.
  void converse() {
    if (const auto caller = shared_.api.authenticate(authorization(), peer_of(context_)); !caller) return refuse(caller.error());
    if (asked_ > kQuestions) return refuse(Error(ErrorCode::limit_exceeded, "too many questions in one call"));
    v1::ReflectionRequest request;
    if (const auto parsed = parse(request); !parsed) return refuse(parsed.error());
    step_ = Step::answering;
    stream_.Write(buffer_of(reflect(request)), this);
  }

  Shared& shared_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  grpc::ByteBuffer request_, more_;
  Step step_ = Step::waiting;
  int asked_ = 0;
};

/// gRPC 1.51 has no public setting for the least version of TLS, and begins at 1.2. What it has is a list of ciphers for 1.2, read from the
/// environment when the first TLS server is made: one that needs a key shared beforehand, which nobody has, leaves 1.2 nothing to agree on.
void only_tls_1_3() { ::setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES128-GCM-SHA256", 1); }

/// By the files as they stand.
std::shared_ptr<grpc::ServerCredentials> credentials(const GrpcOptions& options) {
  namespace tls = grpc::experimental;
  if (!options.allow_tls_1_2) only_tls_1_3();
  const auto files = options.roots.empty()
                         ? std::make_shared<tls::FileWatcherCertificateProvider>(options.key, options.certificate, kLookAgain)
                         : std::make_shared<tls::FileWatcherCertificateProvider>(options.key, options.certificate, options.roots, kLookAgain);
  tls::TlsServerCredentialsOptions with(files);
  with.watch_identity_key_cert_pairs();
  if (!options.roots.empty()) {
    with.watch_root_certs();
    with.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return tls::TlsServerCredentials(with);
}

}  // namespace

bool is_local(const std::string& address) {
  return address.starts_with("unix:") || http::is_loopback(address.substr(0, address.rfind(':')));
}

struct GrpcServer::Impl {
  Impl(const Api& api, const GrpcOptions& options) : shared(api, options.ready) {}

  Shared shared;
  std::unique_ptr<grpc::Server> server;
  std::vector<std::thread> threads;
  int port = 0;

  void work() const {
    void* tag = nullptr;
    bool good = false;
    while (shared.queue->Next(&tag, &good)) static_cast<Call*>(tag)->go_on(good);
  }
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

int GrpcServer::port() const { return impl_->port; }

Result<std::unique_ptr<GrpcServer>> GrpcServer::start(const Api& api, const GrpcOptions& options) {
  const bool tls = !options.certificate.empty();
  if (!tls && !is_local(options.address)) {
    return Error(ErrorCode::invalid_argument,
                 fmt::format("management on `{}` would be in clear on the network", options.address))
        .mended_by("configure a certificate, or bind to loopback or a Unix socket");
  }
  auto impl = std::make_unique<Impl>(api, options);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.address, tls ? credentials(options) : grpc::InsecureServerCredentials(), &impl->port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Of strangers: so much memory, so many streams that say nothing, and none of them for ever (an open stream is not idle).
  builder.SetResourceQuota(grpc::ResourceQuota("management").Resize(kMemory));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreams);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, static_cast<int>(options.longest.count()));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, static_cast<int>(options.longest.count() / 10));
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kJsonBytes));
  builder.RegisterAsyncGenericService(&impl->shared.service);
  impl->shared.queue = builder.AddCompletionQueue();
  impl->server = builder.BuildAndStart();
  if (!impl->server) {
    return Error(ErrorCode::conflict, fmt::format("cannot listen on `{}`", options.address))
        .mended_by("choose an address that nobody else uses");
  }
  for (unsigned i = 0; i < options.threads; ++i) new Call(impl->shared);
  for (unsigned i = 0; i < options.threads; ++i) impl->threads.emplace_back([raw = impl.get()] { raw->work(); });
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

GrpcServer::~GrpcServer() {
  impl_->shared.stopping = true;
  impl_->server->Shutdown(std::chrono::system_clock::time_point{});  // a time past: calls under way are cancelled
  // Nothing may be asked of a queue that is shut down: first all calls end.
  auto& calls = impl_->shared.calls;
  for (int left = calls; left != 0; left = calls) calls.wait(left);
  impl_->shared.queue->Shutdown();
  for (auto& thread : impl_->threads) thread.join();
}

}  // namespace sluis::management
