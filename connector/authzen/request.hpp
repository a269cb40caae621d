#pragma once

#include "connector/json/json.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What is asked over AuthZEN (NLgov AuthZEN 1.0.0), read and bounded.
namespace sluis::authzen {

inline constexpr std::size_t kBodyBytes = 256U << 10U;   ///< of one request, single or a batch
inline constexpr std::size_t kEvaluationsPerBatch = 50;  ///< all their entries fit in one commit

/// One question. Texts are at most limits::kIdBytes long and not checked further.
struct Evaluation {
  std::string subject_type;                  ///< `party` or `application`; others are denied later
  std::string subject_id;
  std::string party;                         ///< participant id: the subject's own, or that of the application
  std::optional<std::string> subject_class;  ///< as the caller claims it; never trusted
  std::string resource_type;                 ///< `agreement` or `dataset`; others are denied later
  std::string resource_id;
  std::string agreement;                     ///< the resource's own id, or `agreement` of a dataset's properties
  std::string action = "use";
  std::optional<std::string> purpose;        ///< `action.properties.purpose`
  std::string activity;                      ///< `action.properties.processing_activity_id`; empty: none
};

enum class Semantic : std::uint8_t { execute_all, deny_on_first_deny, permit_on_first_permit };

struct Batch {
  std::vector<Evaluation> evaluations;
  Semantic semantic = Semantic::execute_all;
  bool single = false;  ///< no `evaluations`: answered as one evaluation
};

/// The body of `/access/v1/evaluation`. What stands in it beyond the mapping is not read, `context.time` included: the
/// node's own clock decides. invalid_argument, with the pointer; limit_exceeded: a text is too long.
Result<Evaluation> read_evaluation(const json::Value& body);

/// The body of `/access/v1/evaluations`: members beside `evaluations` are the defaults of each. limit_exceeded: more
/// than kEvaluationsPerBatch.
Result<Batch> read_batch(const json::Value& body);

}  // namespace sluis::authzen
