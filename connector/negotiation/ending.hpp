#pragma once

#include "connector/base/ids.hpp"
#include "connector/outbox/keys.hpp"

#include <string>
#include <string_view>

namespace sluis::negotiation {

/// An agreement that has ended and whose transfers may not all be terminated yet: written with its end, so that a start need not look
/// through all agreements; `transfer/` removes it.
inline constexpr std::string_view kEndingPrefix = "agr-ending/";
inline std::string ending_key(const AgreementId& id) { return std::string(kEndingPrefix) + outbox::key_part(id.str()); }

}  // namespace sluis::negotiation
