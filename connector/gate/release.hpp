#pragma once

#include "connector/gate/means.hpp"
#include "connector/gate/ports.hpp"
#include "connector/gate/source.hpp"
#include "connector/gate/streams.hpp"
#include "policy/minimise/transformer.hpp"

namespace sluis::gate {

inline constexpr std::string_view kRowsTrailer = "sluis-rows";
inline constexpr std::string_view kDigestTrailer = "sluis-sha256";       ///< lower-case hex
inline constexpr std::string_view kTransactionHeader = "sluis-transaction";
inline constexpr std::string_view kCheckpointHeader = "sluis-checkpoint";  ///< of a recorded answer: a newest checkpoint that covers it, base64

/// What left, and how it ended.
struct ReleaseEnd {
  enum class How : std::uint8_t { complete, cut, failed };
  How how = How::failed;
  policy::Reason reason;   ///< of a cut or failure
  Hash digest{};           ///< of the bytes that left
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

/// Source and plan, bound together before anything is promised.
struct PreparedRelease {
  FileSource source;
  policy::Transformer transformer;
  std::optional<std::uint64_t> pace;
  std::string content_type;
  policy::CsvFormat format;
  std::optional<std::string> whole;  ///< all of it, where nothing may leave before it is complete
};
/// A whole-table transform is done here, before the decision is recorded, so that its error is one before the first
/// byte. The error is an operator's matter: not_found, invalid_argument; limit_exceeded: more groups than declared.
Result<PreparedRelease> prepare(const ReleasePlan& plan, std::span<const policy::Transform> transforms,
                                const std::optional<Recipient>& recipient);

/// Sends it all, block by block, at its pace, while `stream` may go on. Ends the sink in every case: finished with
/// trailers, or cut.
ReleaseEnd send(PreparedRelease& release, Stream& stream, const DecisionClock& clock, http::ResponseSink& sink,
                http::Headers headers);

}  // namespace sluis::gate
