#pragma once

#include "connector/base/bytes.hpp"
#include "connector/json/json.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What is asked over AuthZEN (OpenID Authorization API 1.0, NLgov AuthZEN 1.0.0), read and bounded.
namespace sluis::authzen {

/// One question. Texts are at most limits::kIdBytes long and not checked further.
struct Evaluation {
  std::string subject_type;                  ///< `party` or `application`; others are denied later
  std::string subject_id;
  std::string party;                         ///< participant id: the subject's own, or that of the application
  std::optional<std::string> subject_class;  ///< as the caller claims it; never trusted
  std::string resource_type;                 ///< `agreement` or `dataset`; others are denied later
  std::string resource_id;
  std::string agreement;  ///< the resource's own id, or `agreement` of a dataset's properties; empty: any
  std::string action;
  std::optional<std::string> purpose;        ///< `action.properties.purpose`
  std::string activity;                      ///< `action.properties.processing_activity_id`; empty: none
  std::string algorithm;                     ///< `action.properties.algorithm_id`, recorded only; empty: none
  std::string said_time;                     ///< `context.time`, recorded only; empty: none
  std::string trace;                         ///< `context.traceparent`; empty: none
  std::optional<Error> unreadable;           ///< of one item of a batch: why it denies
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

/// What was asked, in the same form, as far as it is read.
json::Value to_json(const Evaluation& asked);

/// The body of `/access/v1/evaluations`: members beside `evaluations` are the defaults of each. An item that cannot be
/// read is one that denies. limit_exceeded: more than limits::kEvaluationsPerBatch.
Result<Batch> read_batch(const json::Value& body);

enum class Sought : std::uint8_t { subject, resource, action };
std::string_view to_string(Sought sought);

/// A question for all subjects, resources or actions that an evaluation would permit, a page at a time.
struct Search {
  Sought sought = Sought::subject;
  Evaluation asked;   ///< empty where what is sought would stand
  std::string after;  ///< candidates up to this one stood before the page; empty: it is the first
  std::uint64_t limit = 0;  ///< results on a page, as it was asked for
  Hash question{};    ///< of all that has to stay the same from page to page
};

/// The body of a search. The id of what is sought is not read, a search of actions reads no `action`. A page's token is
/// refused with another question or limit than it came with. invalid_argument with the pointer; limit_exceeded.
Result<Search> read_search(const json::Value& body, Sought sought);
/// The token of the page that follows the candidate `last`.
std::string page_token(const Search& search, std::string_view last);

}  // namespace sluis::authzen
