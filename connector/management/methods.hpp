#pragma once

#include "connector/management/backend.hpp"
#include "connector/management/caller.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluis::management {

using MessagePtr = std::unique_ptr<google::protobuf::Message>;

/// One method of the interface, however it is served.
struct Method {
  std::string path;  ///< `/sluis.v1.DatasetService/List`
  const google::protobuf::MethodDescriptor* descriptor = nullptr;
  std::function<Result<MessagePtr>(const google::protobuf::Message& request, const Caller& caller)> handle;

  MessagePtr new_request() const;
};

/// All methods of sluis.v1 with what answers them. Filled once, then read from any thread.
class Methods {
 public:
  /// `name` as `DatasetService.List`, or with another package than the contract's. A method that is in no contract, or has other types there,
  /// ends the program: it is a mistake of the programmer.
  template <class Request, class Response, class Handle>
  void add(std::string_view name, Handle handle) {
    insert(name, Request::descriptor(), Response::descriptor(),
           [handle = std::move(handle)](const google::protobuf::Message& request,
                                        const Caller& caller) -> Result<MessagePtr> {
             Result<Response> response = handle(static_cast<const Request&>(request), caller);
             if (!response) return std::move(response).error();
             return MessagePtr(std::make_unique<Response>(std::move(*response)));
           });
  }

  const Method* find(std::string_view path) const;
  const std::map<std::string, Method, std::less<>>& all() const { return methods_; }

 private:
  void insert(std::string_view name, const google::protobuf::Descriptor* request,
              const google::protobuf::Descriptor* response, decltype(Method::handle) handle);

  std::map<std::string, Method, std::less<>> methods_;
};

/// permission_denied: not a method of this role.
Result<void> check_role(const google::protobuf::MethodDescriptor& method, v1::Role role);
/// What NLgov AuthZEN asks of this node: in the table of roles like every method, but answered by authzen/ and served
/// neither as gRPC nor as Connect JSON.
const google::protobuf::ServiceDescriptor& decision_point();

/// Every service of the contract, answered from the backend.
Methods make_methods(Backend& backend);
/// The services that are served as gRPC and Connect JSON.
std::vector<const google::protobuf::ServiceDescriptor*> contract();

/// Methods and who may call them: what both servings ask.
class Api {
 public:
  Api(Methods methods, Authenticator authenticate)
      : methods_(std::move(methods)), authenticate_(std::move(authenticate)) {}

  const Methods& methods() const { return methods_; }
  /// Whoever calls has a role. unauthenticated.
  Result<Caller> authenticate(std::string_view authorization, const http::TlsPeer& tls) const { return authenticate_(authorization, tls); }
  /// unauthenticated; permission_denied: not a method of this role.
  Result<Caller> authorise(const Method& method, std::string_view authorization, const http::TlsPeer& tls) const;
  /// Runs an authorised call. What it throws becomes `internal`, and is logged.
  Result<MessagePtr> run(const Method& method, const google::protobuf::Message& request, const Caller& caller) const;

 private:
  Methods methods_;
  Authenticator authenticate_;
};

}  // namespace sluis::management
