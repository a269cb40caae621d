#pragma once

#include "connector/gate/follow.hpp"
#include "connector/gate/live.hpp"
#include "connector/gate/means.hpp"
#include "connector/gate/ports.hpp"
#include "connector/gate/source.hpp"
#include "connector/gate/streams.hpp"
#include "connector/gate/upstream.hpp"
#include "connector/gate/verbatim.hpp"
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

/// A source that grows, and how its rows are sent.
struct LiveSource {
  std::unique_ptr<FollowedFile> file;
  LiveForm form = LiveForm::lines;
};

/// Source and plan, bound together before anything is promised.
struct PreparedRelease {
  std::unique_ptr<Source> source;    ///< null: it is `upstream`'s answer, or `live`
  std::optional<UpstreamCall> upstream;
  std::shared_ptr<const void> running = {};  ///< of an `upstream`, or `live`: its place among those that run, set by the gate
  policy::Transformer transformer;
  std::optional<std::uint64_t> pace;
  std::string content_type;
  policy::CsvFormat format;
  std::optional<std::string> whole;  ///< all of it, where nothing may leave before it is complete
  std::string tag = {};              ///< of the source's version through this plan; empty: there are no parts
  bool in_bytes = false;             ///< parts are of bytes, as the plan may leave them as they are; else of rows
  std::optional<Part> part = {};     ///< only these leave: bytes past the plan, which changes nothing in this version; or rows through it
  std::string whole_digest = {};     ///< of a part: SHA-256 of the whole, as `Repr-Digest` has it (RFC 9530)
  std::optional<WholeRelease> as_it_is = {};  ///< all of it leaves past the plan, which is known to change nothing in this version
  std::function<void(const WholeRelease&)> learn = {};  ///< to be called where that was seen on the way; empty: it is of no use
  std::optional<LiveSource> live = {};

  /// For the log: the source's version, and which part of it.
  std::string version() const;
};
/// Why there is no release, and what is answered.
struct Unprepared {
  unsigned status = 503;
  policy::Reason reason;
  http::Headers headers = {};
  Error error = {};  ///< an operator's matter, for the log; without message: it is the caller's
};
[[noreturn]] void throw_exception_from_error(const Unprepared& error, const boost::source_location& where);
using Preparation = boost::system::result<PreparedRelease, Unprepared>;

/// A whole-table transform of a file is done here, before the decision is recorded, so that its error is one before the first
/// byte; and so is the look whether a part may leave as it is, or what leaves in all where it goes on behind a row. Without `verbatim` there are
/// no parts. `root_key` as for `means_of`. Answers: 403 more groups than
/// declared, too many files, or a choice that the lists do not have or that could undo the minimisation; 404 an empty choice; 412 another
/// version than the one named, or none named with a row; 416 nothing of the range, or no rows to go on behind; 503 an operator's matter.
Preparation prepare(const ReleasePlan& plan, std::span<const policy::Transform> transforms, const std::optional<Recipient>& recipient,
                    const Wanted& wanted = {}, Verbatim* verbatim = nullptr, std::string_view root_key = {});

/// Sends it all, block by block, at its pace, while `stream` may go on. Ends the sink in every case: finished with
/// trailers, cut, or with the answer 502 or 504 where an upstream gave nothing.
ReleaseEnd send(PreparedRelease& release, Stream& stream, const DecisionClock& clock, http::ResponseSink& sink,
                http::Headers headers);

}  // namespace sluis::gate
