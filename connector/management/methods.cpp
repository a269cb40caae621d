#include "connector/management/methods.hpp"

#include "connector/base/log.hpp"
#include "connector/management/handlers.hpp"
#include "sluis/v1/agreement.pb.h"
#include "sluis/v1/audit.pb.h"
#include "sluis/v1/authzen.pb.h"
#include "sluis/v1/catalog.pb.h"
#include "sluis/v1/dataset.pb.h"
#include "sluis/v1/declaration.pb.h"
#include "sluis/v1/membership.pb.h"
#include "sluis/v1/node.pb.h"
#include "sluis/v1/outbox.pb.h"
#include "sluis/v1/register.pb.h"
#include "sluis/v1/terms.pb.h"
#include "sluis/v1/transfer.pb.h"

#include <fmt/core.h>

#include <cstdlib>

namespace sluis::management {
namespace {

[[noreturn]] void mistake(std::string_view name, std::string_view what) {
  log::error("management.mistake", {{"method", name}, {"what", what}});
  std::abort();
}

std::string path_of(const google::protobuf::MethodDescriptor& method) {
  return fmt::format("/{}/{}", method.service()->full_name(), method.name());
}

}  // namespace

MessagePtr Method::new_request() const {
  return MessagePtr(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor->input_type())->New());
}

const Method* Methods::find(std::string_view path) const {
  const auto found = methods_.find(path);
  return found == methods_.end() ? nullptr : &found->second;
}

void Methods::insert(std::string_view name, const google::protobuf::Descriptor* request,
                     const google::protobuf::Descriptor* response, decltype(Method::handle) handle) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  const bool whole = name.find('.') != name.rfind('.');  // with its package: none of ours
  const auto* descriptor = pool->FindMethodByName((whole ? "" : "sluis.v1.") + std::string(name));
  if (descriptor == nullptr) mistake(name, "not in the contract");
  if (descriptor->input_type() != request || descriptor->output_type() != response) mistake(name, "other types");
  Method method;
  method.path = path_of(*descriptor);
  method.descriptor = descriptor;
  method.handle = std::move(handle);
  std::string path = method.path;
  if (!methods_.emplace(std::move(path), std::move(method)).second) mistake(name, "added twice");
}

std::vector<const google::protobuf::ServiceDescriptor*> contract() {
  const google::protobuf::FileDescriptor* files[] = {
      v1::Dataset::descriptor()->file(),    v1::CheckTermsRequest::descriptor()->file(),
      v1::FoundOffer::descriptor()->file(), v1::Membership::descriptor()->file(),
      v1::Activity::descriptor()->file(),   v1::Agreement::descriptor()->file(),
      v1::Transfer::descriptor()->file(),   v1::AuditEntry::descriptor()->file(),
      v1::NodeStatusRequest::descriptor()->file(), v1::Declaration::descriptor()->file(),
      v1::DeadLetter::descriptor()->file()};
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const auto* file : files) {
    for (int i = 0; i < file->service_count(); ++i) services.push_back(file->service(i));
  }
  return services;
}

Methods make_methods(Backend& backend) {
  Methods methods;
  add_datasets(methods, backend);
  add_terms(methods, backend);
  add_catalogs(methods, backend);
  add_memberships(methods, backend);
  add_activities(methods, backend);
  add_declarations(methods, backend);
  add_purposes(methods, backend);
  add_agreements(methods, backend);
  add_transfers(methods, backend);
  add_retention(methods, backend);
  add_audit(methods, backend);
  add_nodes(methods, backend);
  add_outbox(methods, backend);
  return methods;
}

Result<void> check_role(const google::protobuf::MethodDescriptor& method, v1::Role role) {
  std::string open_to;
  for (const int open : method.options().GetExtension(v1::access).roles()) {
    if (open == role) return {};
    open_to += (open_to.empty() ? "`" : ", `") + role_name(static_cast<v1::Role>(open)) + "`";
  }
  return Error(ErrorCode::permission_denied,
               fmt::format("role `{}` may not call `{}`", role_name(role), method.full_name()))
      .mended_by("use the token of one of " + open_to);
}

const google::protobuf::ServiceDescriptor& decision_point() {
  return *v1::AuthzenDocument::descriptor()->file()->service(0);
}

Result<Caller> Api::authorise(const Method& method, std::string_view authorization, const http::TlsPeer& tls) const {
  SLUIS_TRY(auto caller, authenticate_(authorization, tls));
  SLUIS_CHECK(check_role(*method.descriptor, caller.role));
  return caller;
}

Result<MessagePtr> Api::run(const Method& method, const google::protobuf::Message& request,
                            const Caller& caller) const {
  try {
    auto answer = method.handle(request, caller);
    if (!answer && answer.error().code == ErrorCode::internal) {
      log::error("management.internal", {{"method", method.path}, {"error", answer.error().message}});
    }
    return answer;
  } catch (const std::exception& thrown) {
    log::error("management.exception", {{"method", method.path}, {"what", thrown.what()}});
    return Error(ErrorCode::internal, "something went wrong inside the node").mended_by("see the node's log");
  }
}

}  // namespace sluis::management
