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

/// Agreements by the time from which their terms can permit nothing any more: the index of outbox/due.hpp.
inline constexpr std::string_view kOverPrefix = "agr-over/";
/// How far the agreements of before that index were looked through: the last one's key, or `kAllLookedThrough`.
inline constexpr std::string_view kOverLooked = "meta/agreements-over";
inline constexpr std::string_view kAllLookedThrough = "all";

/// The terms of an agreement that its provider offers by now, where they are others; written by `management/`, gone with the agreement's end.
inline constexpr std::string_view kNewerPrefix = "agr-newer/";
inline std::string newer_key(const AgreementId& id) { return std::string(kNewerPrefix) + outbox::key_part(id.str()); }

}  // namespace sluis::negotiation
