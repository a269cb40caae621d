#include "connector/gate/reason.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/utf8.hpp"
#include "connector/json/json.hpp"

#include <algorithm>
#include <array>

namespace sluis::gate {
namespace {

/// The one table of sentences for what the data plane itself refuses; Dutch is B1: short, active, without jargon.
constexpr std::array kSentences{
    Sentence{"activity.missing", "Denied: a processing activity has to be named for these data.",
             "Geweigerd: bij deze gegevens moet u een verwerkingsactiviteit noemen."},
    Sentence{"activity.not_allowed", "Denied: the activity `{activity}` may not be named here: {why}.",
             "Geweigerd: de activiteit `{activity}` mag u hier niet noemen: {why}."},
    Sentence{"activity.several", "Denied: one processing activity has to be named, not several.",
             "Geweigerd: noem één verwerkingsactiviteit, niet meer."},
    Sentence{"agreement.ended", "Denied: `{by}` ended the agreement on {when}: {why}.",
             "Geweigerd: `{by}` heeft de afspraak beëindigd op {when}: {why}."},
    Sentence{"agreement.unknown", "Denied: there is no such agreement with this party for this dataset.",
             "Geweigerd: met deze partij is er geen afspraak over deze dataset."},
    Sentence{"agreement.unreadable", "Denied: the terms cannot be decided with this node's vocabulary: {why}.",
             "Geweigerd: deze knoop kan de voorwaarden niet beoordelen met de doelen die hij kent: {why}."},
    Sentence{"claim.missing", "Denied: the request carries no claim of purpose, and the terms ask for one.",
             "Geweigerd: de vraag noemt geen doel, en de voorwaarden vragen daarom."},
    Sentence{"claim.replayed", "Denied: this claim of purpose was used before.",
             "Geweigerd: deze verklaring van het doel is al eens gebruikt."},
    Sentence{"clock.behind", "Denied: the clock of this node is behind its log, so it cannot tell what holds now.",
             "Geweigerd: de klok van deze knoop loopt achter op het logboek. Daarom is niet zeker wat nu geldt."},
    Sentence{"dataset.assessment_over", "Denied: the assessment of the dataset ended on {when}.",
             "Geweigerd: de beoordeling van de dataset is verlopen op {when}."},
    Sentence{"dataset.gone", "Denied: the dataset is no longer offered.",
             "Geweigerd: de dataset wordt niet meer aangeboden."},
    Sentence{"dataset.suspended", "Denied: the dataset is suspended: {why}.",
             "Geweigerd: de dataset wordt nu niet geleverd: {why}."},
    Sentence{"membership", "Denied: the party may not start a pull now: {why}.",
             "Geweigerd: deze partij mag nu niets ophalen: {why}."},
    Sentence{"node.stopping", "The node is stopping.", "De knoop stopt."},
    Sentence{"not_recorded", "Denied: the request could not be recorded, so nothing was released.",
             "Geweigerd: de vraag kon niet worden vastgelegd. Daarom is er niets geleverd."},
    Sentence{"peer.gone", "The receiver closed the connection before the end.",
             "De ontvanger verbrak de verbinding voor het einde."},
    Sentence{"plan.impossible", "Denied: the data cannot be reduced to what the terms allow: {why}.",
             "Geweigerd: de gegevens kunnen niet worden beperkt tot wat mag: {why}."},
    Sentence{"provider.incomplete", "The data ended before they were complete.",
             "De gegevens hielden op voordat ze compleet waren."},
    Sentence{"provider.mismatch", "What came is not what the provider says it sent: {what} differs.",
             "Wat aankwam is niet wat de aanbieder zegt te sturen: {what} is anders."},
    Sentence{"provider.refused", "The provider refused with status {status} and without a reason that can be read.",
             "De aanbieder weigerde met status {status}, zonder reden die te lezen is."},
    Sentence{"provider.unavailable", "The provider could not be reached: {why}.",
             "De aanbieder was niet te bereiken: {why}."},
    Sentence{"purpose.malformed", "Denied: a purpose is named by its IRI.", "Geweigerd: noem een doel met zijn IRI."},
    Sentence{"activity.malformed", "Denied: a processing activity is named by its URI.",
             "Geweigerd: noem een verwerkingsactiviteit met haar URI."},
    Sentence{"purpose.missing", "Denied: a purpose has to be named in `Sluis-Purpose`.",
             "Geweigerd: noem een doel in `Sluis-Purpose`."},
    Sentence{"purpose.several", "Denied: one purpose has to be named, not several.",
             "Geweigerd: noem één doel, niet meer."},
    Sentence{"purpose.unknown", "Denied: the vocabulary of this node has no purpose `{asked}`.",
             "Geweigerd: deze knoop kent geen doel `{asked}`."},
    Sentence{"source.changed", "The source changed while it was being sent.",
             "De bron veranderde tijdens het versturen."},
    Sentence{"source.malformed", "The source is not as it was declared: {why}.",
             "De bron is niet zoals hij is beschreven: {why}."},
    Sentence{"source.unavailable", "Denied: the source of the dataset cannot be read now.",
             "Geweigerd: de bron van de dataset is nu niet te lezen."},
    Sentence{"store.unavailable", "The rules could not be looked at again.",
             "De regels konden niet opnieuw worden bekeken."},
    Sentence{"time.over_now", "The permission ended at this instant.", "De toestemming liep op dit moment af."},
    Sentence{"transfer.not_open", "Denied: this transfer gives no access now: {why}.",
             "Geweigerd: deze levering geeft nu geen toegang: {why}."},
    Sentence{"transfer.not_started", "Denied: the transfer is `{state}`, not started.",
             "Geweigerd: de levering is `{state}` en niet gestart."},
    Sentence{"unauthenticated", "Denied: an application needs its token.",
             "Geweigerd: een toepassing heeft haar sleutel nodig."},
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
    if (row.code == code) text = row.english;
  }
  auto known = reason.parameters;
  known.emplace("code", std::string(code));
  reason.sentence = policy::fill(text, known);
  return reason;
}

std::span<const Sentence> sentences() { return kSentences; }

std::optional<std::string> sentence_in(std::string_view language, std::string_view code,
                                       const std::map<std::string, std::string>& parameters) {
  if (language != "nl") return std::nullopt;
  std::string_view text;
  if (code.starts_with("claim.")) text = "Geweigerd: de verklaring van het doel is niet aanvaard ({code}).";
  for (const Sentence& row : kSentences) {
    if (row.code == code) text = row.dutch;
  }
  if (text.empty()) return std::nullopt;
  auto known = parameters;
  known.emplace("code", std::string(code));
  return policy::fill(text, known);
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
