#pragma once

#include "connector/gate/release.hpp"

/// The release of a source that grows (decision 31): each line through the column plan as it comes, until the source ends or somebody does.
namespace sluis::gate {

inline constexpr unsigned kLiveAtOnce = 64;  ///< live streams of one party

/// Opens what a plan follows. The query may have `last`: so many lines before what comes from now on. Answers: 403 another choice, or more lines than are
/// looked through; 404 a path; 412 a version; 503 an operator's matter.
std::variant<LiveSource, Unprepared> open_live(const ReleasePlan& plan, const Wanted& wanted);
/// Whether a live stream that was begun by the one may go on under the other: what leaves of a row is the same. Of all else it may, as it ends.
bool same_live(const ReleasePlan& begun, const ReleasePlan& now);
/// Why a party gets no other one (503).
policy::Reason too_many_live();

/// Sends rows as they come, while `stream` may go on. Ends the sink in every case: finished with trailers once the source ended, else cut. A reader that is
/// slow slows the reading of the file down; nothing is passed over. One that takes nothing for as long as the sink waits is given up.
/// Digest, rows and bytes are those of the rows (`LiveReader`).
ReleaseEnd send_live(PreparedRelease& release, Stream& stream, const DecisionClock& clock, http::ResponseSink& sink, http::Headers headers,
                     std::chrono::milliseconds keep_alive = kKeepAlive);

}  // namespace sluis::gate
