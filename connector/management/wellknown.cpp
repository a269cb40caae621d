#include "connector/management/wellknown.hpp"

#include "connector/management/methods.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>

namespace sluis::management {
namespace {

using google::protobuf::FileDescriptor;

constexpr int kNotFound = 5;  ///< grpc::StatusCode::NOT_FOUND

/// The files of the contract, and those that they need, by name.
const std::map<std::string, const FileDescriptor*, std::less<>>& files() {
  static const auto all = [] {
    std::map<std::string, const FileDescriptor*, std::less<>> found;
    const auto take = [&](const auto& self, const FileDescriptor* file) -> void {
      if (!found.emplace(file->name(), file).second) return;
      for (int i = 0; i < file->dependency_count(); ++i) self(self, file->dependency(i));
    };
    for (const auto* service : contract()) take(take, service->file());
    return found;
  }();
  return all;
}

const FileDescriptor* known(const FileDescriptor* file) {
  return file != nullptr && files().contains(file->name()) ? file : nullptr;
}

/// The file first, then those that it needs, each once.
void add(v1::ReflectionFiles& out, const FileDescriptor& file, std::set<std::string>& told) {
  if (!told.insert(file.name()).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  out.add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) add(out, *file.dependency(i), told);
}

}  // namespace

bool is_reflection(std::string_view path) {
  return path == "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo" || path == "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
}

std::optional<v1::HealthResponse> health(const v1::HealthRequest& request, bool ready) {
  bool known = request.service().empty();
  for (const auto* service : contract()) known = known || service->full_name() == request.service();
  if (!known) return std::nullopt;
  v1::HealthResponse response;
  response.set_status(ready ? v1::HealthResponse::SERVING : v1::HealthResponse::NOT_SERVING);
  return response;
}

v1::ReflectionResponse reflect(const v1::ReflectionRequest& request) {
  v1::ReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  const auto refuse = [&](const std::string& why) {
    response.mutable_error_response()->set_error_code(kNotFound);
    response.mutable_error_response()->set_error_message(why);
  };
  const auto tell = [&](const FileDescriptor* file, const std::string& what) {
    if (file == nullptr) return refuse("the contract has no `" + what + "`");
    std::set<std::string> told;
    add(*response.mutable_file_descriptor_response(), *file, told);
  };
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  switch (request.asked_case()) {
    case v1::ReflectionRequest::kListServices:
      for (const auto* service : contract()) response.mutable_list_services_response()->add_service()->set_name(service->full_name());
      break;
    case v1::ReflectionRequest::kFileByFilename: {
      const auto found = files().find(request.file_by_filename());
      tell(found == files().end() ? nullptr : found->second, request.file_by_filename());
      break;
    }
    case v1::ReflectionRequest::kFileContainingSymbol:
      tell(known(pool->FindFileContainingSymbol(request.file_containing_symbol())), request.file_containing_symbol());
      break;
    case v1::ReflectionRequest::kFileContainingExtension: {
      const auto& asked = request.file_containing_extension();
      const auto* type = pool->FindMessageTypeByName(asked.containing_type());
      const auto* extension = type == nullptr ? nullptr : pool->FindExtensionByNumber(type, asked.extension_number());
      tell(extension == nullptr ? nullptr : known(extension->file()), asked.containing_type() + " " + std::to_string(asked.extension_number()));
      break;
    }
    case v1::ReflectionRequest::kAllExtensionNumbersOfType: {
      const auto* type = pool->FindMessageTypeByName(request.all_extension_numbers_of_type());
      if (type == nullptr || known(type->file()) == nullptr) {
        refuse("the contract has no `" + request.all_extension_numbers_of_type() + "`");
        break;
      }
      std::vector<const google::protobuf::FieldDescriptor*> extensions;
      pool->FindAllExtensions(type, &extensions);
      auto& out = *response.mutable_all_extension_numbers_response();
      out.set_base_type_name(type->full_name());
      for (const auto* one : extensions) {
        if (known(one->file()) != nullptr) out.add_extension_number(one->number());
      }
      break;
    }
    case v1::ReflectionRequest::ASKED_NOT_SET: refuse("nothing was asked"); break;
  }
  return response;
}

}  // namespace sluis::management
