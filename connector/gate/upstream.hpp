#pragma once

#include "catalog/source.hpp"
#include "connector/gate/ports.hpp"
#include "connector/gate/wanted.hpp"
#include "policy/minimise/transform.hpp"
#include "policy/odrl/explain.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <variant>

/// What of a request may go to a dataset's own HTTP service, and which choices could undo the minimisation (decision 25).
namespace sluis::gate {

/// Why a choice of rows by these columns could tell what the release takes away. Nothing: it leaves a part of the rows that leave
/// anyway, by what can be seen in them. `whole_rows`: it is stated that the choice leaves out rows and adds nothing up.
std::optional<policy::Reason> choice_undoes(std::span<const std::string> columns, bool whole_rows, const policy::DatasetColumns& dataset,
                                            std::span<const policy::Transform> transforms);

/// Path and query below the service's address: made anew from what the lists allow. Or why it is refused.
std::variant<std::string, policy::Reason> upstream_target(const catalog::HttpSource& source, const Wanted& wanted,
                                                          const policy::DatasetColumns& dataset,
                                                          std::span<const policy::Transform> transforms);

/// The one request that a release makes of it. Nothing of the caller's headers is in it.
struct UpstreamCall {
  http::PeerRequest request;
  std::shared_ptr<http::Upstream> by;
  std::string target;
  std::string answered;  ///< the version that its answer names, or the status of one that is none; empty: none, or not yet
};
/// Reads the credential now. Errors: it cannot be read, the roots cannot.
Result<UpstreamCall> upstream_call(const UpstreamService& service, std::string target);

/// How many calls of services run at once for one asker: a party, or all who ask for open data together; so that nobody can put more to the
/// service than it may be expected to bear. Thread-safe.
class UpstreamCalls {
 public:
  static constexpr unsigned kAtOnce = 16;
  explicit UpstreamCalls(unsigned at_once = kAtOnce) : at_once_(at_once) {}
  /// One more, until the pointer goes, which may outlive this. Null: as many run as may.
  std::shared_ptr<const void> take(const std::string& asker);

 private:
  struct Running {
    std::mutex mutex;
    std::map<std::string, unsigned> calls;
  };
  unsigned at_once_;
  std::shared_ptr<Running> running_ = std::make_shared<Running>();
};
/// Why there is no call, and what is answered with it (503).
policy::Reason too_many_calls();
http::Headers soon_again();

/// Why this head is none of a release: a status, a media type, an encoding. Nothing: it is one. Told to the caller: so not which status.
std::optional<policy::Reason> wrong_head(unsigned status, const http::Headers& headers, std::string_view media_type);
/// `etag` and `last-modified` of its answer, for the log.
std::string answered_version(const http::Headers& headers);

}  // namespace sluis::gate
