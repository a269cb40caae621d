#pragma once

#include "sluis/v1/wellknown.pb.h"

#include <optional>
#include <string_view>

/// What tools of gRPC ask of any server, beside its own services: whether it serves (`grpc.health.v1.Health`, the call `Check`), and what it
/// offers (`grpc.reflection.v1.ServerReflection`, also as `v1alpha`). Pure; thread-safe.
namespace sluis::management {

inline constexpr std::string_view kHealthCheck = "/grpc.health.v1.Health/Check";
/// Whether a path is that of the reflection service: a conversation of many questions.
bool is_reflection(std::string_view path);

/// Of the node, or of a service of the contract, which serves when the node does. None: there is no such service.
std::optional<v1::HealthResponse> health(const v1::HealthRequest& request, bool ready);
/// Tells of the contract, and of nothing else that the program is made of: unknown names are an answer with an error in it.
v1::ReflectionResponse reflect(const v1::ReflectionRequest& request);

}  // namespace sluis::management
