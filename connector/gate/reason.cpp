#include "connector/gate/reason.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/utf8.hpp"
#include "connector/json/json.hpp"

#include <algorithm>
#include <array>

namespace sluis::gate {
namespace {

struct Sentence {
  std::string_view code;
  std::string_view text;
};

/// The one table of English sentences for what the data plane itself refuses.
constexpr std::array kSentences{
    Sentence{"activity.missing", "Denied: a processing activity has to be named for these data."},
    Sentence{"activity.not_allowed", "Denied: the activity `{activity}` may not be named here: {why}."},
    Sentence{"activity.several", "Denied: one processing activity has to be named, not several."},
    Sentence{"agreement.ended", "Denied: `{by}` ended the agreement on {when}: {why}."},
    Sentence{"agreement.unknown", "Denied: there is no such agreement with this party for this dataset."},
    Sentence{"agreement.unreadable", "Denied: the terms cannot be decided with this node's vocabulary: {why}."},
    Sentence{"claim.missing", "Denied: the request carries no claim of purpose, and the terms ask for one."},
    Sentence{"claim.replayed", "Denied: this claim of purpose was used before."},
    Sentence{"clock.behind", "Denied: the clock of this node is behind its log, so it cannot tell what holds now."},
    Sentence{"dataset.assessment_over", "Denied: the assessment of the dataset ended on {when}."},
    Sentence{"dataset.gone", "Denied: the dataset is no longer offered."},
    Sentence{"dataset.suspended", "Denied: the dataset is suspended: {why}."},
    Sentence{"membership", "Denied: the party may not start a pull now: {why}."},
    Sentence{"node.stopping", "The node is stopping."},
    Sentence{"not_recorded", "Denied: the request could not be recorded, so nothing was released."},
    Sentence{"peer.gone", "The receiver closed the connection before the end."},
    Sentence{"plan.impossible", "Denied: the data cannot be reduced to what the terms allow: {why}."},
    Sentence{"provider.incomplete", "The data ended before they were complete."},
    Sentence{"provider.mismatch", "What came is not what the provider says it sent: {what} differs."},
    Sentence{"provider.refused", "The provider refused with status {status} and without a reason that can be read."},
    Sentence{"provider.unavailable", "The provider could not be reached: {why}."},
    Sentence{"purpose.malformed", "Denied: a purpose is named by its IRI."},
    Sentence{"activity.malformed", "Denied: a processing activity is named by its URI."},
    Sentence{"purpose.missing", "Denied: a purpose has to be named in `Sluis-Purpose`."},
    Sentence{"purpose.several", "Denied: one purpose has to be named, not several."},
    Sentence{"purpose.unknown", "Denied: the vocabulary of this node has no purpose `{asked}`."},
    Sentence{"source.changed", "The source changed while it was being sent."},
    Sentence{"source.malformed", "The source is not as it was declared: {why}."},
    Sentence{"source.unavailable", "Denied: the source of the dataset cannot be read now."},
    Sentence{"store.unavailable", "The rules could not be looked at again."},
    Sentence{"time.over_now", "The permission ended at this instant."},
    Sentence{"transfer.not_open", "Denied: this transfer gives no access now: {why}."},
    Sentence{"transfer.not_started", "Denied: the transfer is `{state}`, not started."},
    Sentence{"unauthenticated", "Denied: an application needs its token."},
};

}  // namespace

std::string valid_text(std::string_view text, std::size_t size) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (out.size() + std::max<std::size_t>(length, 1) > size) break;
    if (length == 0) out += '?';
    else out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

policy::Reason make_reason(std::string_view code, std::map<std::string, std::string> parameters) {
  policy::Reason reason;
  reason.code = code;
  for (auto& [_, value] : parameters) value = valid_text(value, limits::kReasonBytes);
  reason.parameters = std::move(parameters);
  std::string_view text = code.starts_with("claim.") ? "Denied: the claim of purpose was not accepted ({code})."
                                                     : policy::english(code);
  for (const Sentence& row : kSentences) {
    if (row.code == code) text = row.text;
  }
  auto known = reason.parameters;
  known.emplace("code", std::string(code));
  reason.sentence = policy::fill(text, known);
  return reason;
}

std::string reason_json(const policy::Reason& reason) {
  json::Object parameters;
  for (const auto& [name, value] : reason.parameters) parameters.emplace_back(name, value);
  return json::serialise(json::object({{"code", reason.code},
                                       {"reason", json::array({reason.sentence})},
                                       {"parameters", std::move(parameters)}}));
}

Result<policy::Reason> parse_reason(std::string_view text) {
  SLUIS_TRY(const json::Value value, json::parse(text));
  policy::Reason reason;
  SLUIS_TRY(std::string code, json::required_string(value, "code"));
  reason.code = valid_text(code, 128);
  const json::Value* sentences = value.find("reason");
  const json::Array* list = sentences == nullptr ? nullptr : sentences->if_array();
  if (list == nullptr || list->empty() || list->front().if_string() == nullptr) {
    return Error(ErrorCode::invalid_argument, "`reason` must be an array of strings").at_pointer("/reason");
  }
  reason.sentence = valid_text(*list->front().if_string(), limits::kReasonBytes);
  const json::Value* parameters = value.find("parameters");
  if (parameters == nullptr || parameters->if_object() == nullptr) return reason;
  for (const auto& [name, parameter] : *parameters->if_object()) {
    if (parameter.if_string() == nullptr || reason.parameters.size() == 16) continue;
    reason.parameters.emplace(valid_text(name, 64), valid_text(*parameter.if_string(), limits::kReasonBytes));
  }
  return reason;
}

http::Response refusal(unsigned status, const policy::Reason& reason) {
  return http::json_response(status, reason_json(reason));
}

}  // namespace sluis::gate
