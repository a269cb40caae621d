#pragma once

#include "connector/management/backend.hpp"

namespace sluis::management {

inline constexpr std::string_view kRetentionPrefix = "ret/";
std::string retention_key(const AgreementId& agreement);
/// JSON {agreement, dataset, peer, last_end, due, confirmed}; `confirmed` is a time, or absent.
std::string encode(const RetentionRecord& record);
/// corruption.
Result<RetentionRecord> decode_retention(std::string_view bytes);

}  // namespace sluis::management
