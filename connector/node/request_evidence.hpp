#pragma once

#include "connector/base/time.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/storage/commit_port.hpp"
#include "sluis/v1/evidence.pb.h"

#include <string_view>

/// What two nodes' records of one data request say of each other, and the entries about that.
namespace sluis::node {

/// Whether something came by this record of an end.
bool came(const v1::Shared& end);
/// Whether both speak of the same.
bool same_request(const v1::Shared& one, const v1::Shared& other);
/// Of what a consumer got and a provider sent: whether both can be true. A cut may fall between the two; what a provider that crashed had
/// sent it does not know.
bool fit(const v1::Shared& received, const v1::Shared& sent);
/// Of the same request as the record of its end here.
v1::Shared about(const v1::Shared& end, std::string_view event, Timestamp now);
/// Of kind `receipt_missing`.
EntryDraft missing_entry(const v1::Shared& end, const Hash& offer, std::string_view event, Timestamp now);

}  // namespace sluis::node
