#pragma once

#include "connector/base/error.hpp"

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

namespace sluis::management {

/// Protobuf's JSON mapping, read strictly: the text goes through the node's one JSON reader first, and a member that
/// the message does not have is refused with its pointer and the name that was meant. invalid_argument.
Result<void> read_json(std::string_view text, google::protobuf::Message& message);
/// invalid where the message cannot be written: internal.
Result<std::string> write_json(const google::protobuf::Message& message);

}  // namespace sluis::management
