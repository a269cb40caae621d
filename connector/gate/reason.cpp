#include "connector/gate/reason.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/utf8.hpp"
#include "connector/json/json.hpp"

#include <algorithm>
#include <array>

namespace sluis::gate {
namespace {

/// The one table of sentences for what the data plane itself refuses.
constexpr std::array kSentences{
    policy::Sentence{"activity.missing", {"Denied: a processing activity has to be named for these data.",
                     "Geweigerd: noem bij deze gegevens een geregistreerde verwerking."}},
    policy::Sentence{"activity.not_allowed", {"Denied: the activity `{activity}` may not be named here: {why}.",
                     "Geweigerd: de verwerking `{activity}` mag hier niet: {why}."}},
    policy::Sentence{"activity.several", {"Denied: one processing activity has to be named, not several.",
                     "Geweigerd: noem één verwerking, niet meer."}},
    policy::Sentence{"agreement.ended", {"Denied: `{by}` ended the agreement on {when}: {why}.",
                     "Geweigerd: `{by}` stopte de afspraak op {when}: {why}."}},
    policy::Sentence{"agreement.held",
                     {"Denied: on {when} this node went on from a backup, and has not compared this agreement with the other party yet.",
                      "Geweigerd: op {when} ging deze node verder vanaf een reservekopie. "
                      "De afspraak is nog niet vergeleken met de andere partij."}},
    policy::Sentence{"agreement.unknown", {"Denied: there is no such agreement with this party for this dataset.",
                     "Geweigerd: deze partij heeft over deze gegevens geen afspraak."}},
    policy::Sentence{"agreement.unreadable",
                     {"Denied: the terms cannot be decided with this node's vocabulary: {why}.",
                      "Geweigerd: deze node kan de regels niet lezen met zijn lijst van doelen: {why}."}},
    policy::Sentence{"checkpoint.false", {"Denied: the checkpoint in the claim is none of the log that the membership list has for this party: {why}.",
                     "Geweigerd: de stand van het logboek in de opgave is niet van het logboek dat in de ledenlijst staat: {why}."}},
    policy::Sentence{"checkpoint.too_large", {"Denied: the checkpoint in the claim has {bytes} bytes, and {most} are the most.",
                     "Geweigerd: de stand van het logboek in de opgave telt {bytes} bytes. Meer dan {most} mag niet."}},
    policy::Sentence{"claim.missing", {"Denied: the request carries no claim of purpose, and the terms ask for one.",
                     "Geweigerd: de vraag noemt geen doel. De regels vragen daar wel om."}},
    policy::Sentence{"claim.replayed", {"Denied: this claim of purpose was used before.",
                     "Geweigerd: deze opgave van het doel is al eens gebruikt."}},
    policy::Sentence{"clock.behind",
                     {"Denied: the clock of this node is behind its log, so it cannot tell what holds now.",
                      "Geweigerd: de klok van deze node loopt achter op het logboek. "
                      "De node weet dus niet wat nu geldt."}},
    policy::Sentence{"dataset.assessment_over", {"Denied: the assessment of the dataset ended on {when}.",
                     "Geweigerd: de beoordeling van deze gegevens liep af op {when}."}},
    policy::Sentence{"dataset.changed", {"The dataset was published anew, so what leaves of it is another. Ask again.",
                     "Deze gegevens zijn opnieuw aangeboden. Er gaat nu iets anders uit. Vraag opnieuw."}},
    policy::Sentence{"dataset.gone", {"Denied: the dataset is no longer offered.",
                     "Geweigerd: deze gegevens zijn er niet meer."}},
    policy::Sentence{"dataset.suspended", {"Denied: the dataset is suspended: {why}.",
                     "Geweigerd: deze gegevens zijn tijdelijk gesloten: {why}."}},
    policy::Sentence{"declarations.unknown",
                     {"Denied: the terms depend on a situation or an assessment, and it is not known which are in force: {why}.",
                      "Geweigerd: de regels hangen af van een situatie of een beoordeling. "
                      "Welke nu gelden, is niet bekend: {why}."}},
    policy::Sentence{"live.busy", {"Denied: this party has {count} live streams at once, and gets no more. Try again once one has ended.",
                     "Geweigerd: deze partij heeft al {count} live-leveringen tegelijk. Meer kan niet. Probeer het als er een stopt."}},
    policy::Sentence{"membership", {"Denied: the party may not start a pull now: {why}.",
                     "Geweigerd: deze partij mag nu geen gegevens ophalen: {why}."}},
    policy::Sentence{"node.stopping", {"The node is stopping.",
                     "De node stopt."}},
    policy::Sentence{"not_recorded", {"Denied: the request could not be recorded, so nothing was released.",
                     "Geweigerd: de vraag kon niet in het logboek. Er zijn dus geen gegevens gegeven."}},
    policy::Sentence{"peer.gone", {"The receiver closed the connection before the end.",
                     "De ontvanger brak de verbinding af voor het einde."}},
    policy::Sentence{"plan.impossible", {"Denied: the data cannot be reduced to what the terms allow: {why}.",
                     "Geweigerd: de gegevens zijn niet terug te brengen tot wat mag: {why}."}},
    policy::Sentence{"provider.incomplete", {"The data ended before they were complete.",
                     "De gegevens stopten voordat ze compleet waren."}},
    policy::Sentence{"provider.mismatch", {"What came is not what the provider says it sent: {what} differs.",
                     "Wat binnenkwam is niet wat de aanbieder zegt te sturen. Het verschil: {what}."}},
    policy::Sentence{"provider.refused",
                     {"The provider refused with status {status} and without a reason that can be read.",
                      "De aanbieder weigerde met status {status}. Een leesbare reden was er niet bij."}},
    policy::Sentence{"provider.unavailable", {"The provider could not be reached: {why}.",
                     "De aanbieder was niet te bereiken: {why}."}},
    policy::Sentence{"purpose.malformed", {"Denied: a purpose is named by its IRI.",
                     "Geweigerd: noem een doel met zijn IRI."}},
    policy::Sentence{"activity.malformed", {"Denied: a processing activity is named by its URI.",
                     "Geweigerd: noem een verwerking met haar URI."}},
    policy::Sentence{"data_subject.malformed", {"Denied: in `Sluis-Data-Subject` stand the kind of an id and the id, with one space between.",
                     "Geweigerd: in `Sluis-Data-Subject` staan de soort van een nummer en het nummer, met één spatie ertussen."}},
    policy::Sentence{"purpose.missing", {"Denied: a purpose has to be named in `Sluis-Purpose`.",
                     "Geweigerd: noem een doel in `Sluis-Purpose`."}},
    policy::Sentence{"purpose.several", {"Denied: one purpose has to be named, not several.",
                     "Geweigerd: noem één doel, niet meer."}},
    policy::Sentence{"purpose.unknown", {"Denied: the vocabulary of this node has no purpose `{asked}`.",
                     "Geweigerd: deze node kent geen doel `{asked}`."}},
    policy::Sentence{"push.not_offered", {"Denied: these data are not sent by themselves; they are fetched.",
                     "Geweigerd: deze gegevens worden niet toegestuurd. U kunt ze ophalen."}},
    policy::Sentence{"push.origin", {"Denied: the membership list has no endpoint of the receiver at the origin of this address.",
                     "Geweigerd: de ledenlijst noemt op deze plaats geen adres van de ontvanger."}},
    policy::Sentence{"receipt.missing", {"`{party}` did not prove in time what its log says of this request.",
                     "`{party}` bewees niet op tijd wat haar logboek over deze vraag zegt."}},
    policy::Sentence{"receipt.agreement_missing", {"`{party}` did not prove in time that its log has this agreement.",
                     "`{party}` bewees niet op tijd dat deze afspraak in haar logboek staat."}},
    policy::Sentence{"receipt.agreement_contradicts", {"The log of `{party}` has another agreement under this name.",
                     "In het logboek van `{party}` staat onder deze naam een andere afspraak."}},
    policy::Sentence{"receipt.contradicts", {"What the log of `{party}` says of this request differs from what was seen here.",
                     "Het logboek van `{party}` zegt over deze vraag iets anders dan hier is gezien."}},
    policy::Sentence{"receipt.unknown", {"`{party}` says that it knows nothing of this request.",
                     "`{party}` zegt dat zij deze vraag niet kent."}},
    policy::Sentence{"receipt.gone", {"`{party}` says that its log proves nothing of this request any more.",
                     "`{party}` zegt dat haar logboek niets meer over deze vraag bewijst."}},
    policy::Sentence{"receipt.refused", {"`{party}` did not take the acknowledgement of this request.",
                     "`{party}` nam de bevestiging van deze vraag niet aan."}},
    policy::Sentence{"receipt.one-sided", {"The node of `{party}` answers as if it had no route for receipts of data requests: evidence of requests with it is one-sided.",
                     "De node van `{party}` antwoordt alsof die geen route heeft voor bewijzen van vragen: van vragen met haar bewijst alleen dit logboek iets."}},
    policy::Sentence{"receipt.restored", {"This node was put back from a backup: whether `{party}` proved this request is not known. Compare both logs.",
                     "Deze node is teruggezet uit een kopie: of `{party}` deze vraag bewees, is niet bekend. Vergelijk beide logboeken."}},
    policy::Sentence{"transaction.repeated", {"Denied: this party named an earlier request the same.",
                     "Geweigerd: deze partij gaf een eerdere vraag dezelfde naam."}},
    policy::Sentence{"quota", {"Denied: too much was asked in a short time: {why}.",
                     "Geweigerd: er is in korte tijd te veel gevraagd: {why}."}},
    policy::Sentence{"quota.refusals", {"Denied: too many of this party's requests were refused; these are counted.",
                     "Geweigerd: van deze partij zijn te veel vragen geweigerd. Deze zijn geteld."}},
    policy::Sentence{"quota.releases", {"Denied: as many requests for data ran at once as may for one; these are counted.",
                     "Geweigerd: er liepen zoveel vragen om gegevens tegelijk als er voor één mogen. Deze vragen zijn geteld."}},
    policy::Sentence{"quota.requests", {"Denied: this party asked more than its share; these are counted.",
                     "Geweigerd: deze partij vroeg meer dan haar deel. Deze vragen zijn geteld."}},
    policy::Sentence{"source.changed", {"The source changed while it was being sent.",
                     "De bron veranderde tijdens het sturen."}},
    policy::Sentence{"source.choice", {"Denied: these data cannot be chosen like this: {why}.",
                     "Geweigerd: zo zijn deze gegevens niet te kiezen: {why}."}},
    policy::Sentence{"source.choice_undoes",
                     {"Denied: a choice by `{column}` could tell what the terms take away: {why}.",
                      "Geweigerd: een keuze met `{column}` kan verraden wat volgens de regels wegblijft: {why}."}},
    policy::Sentence{"source.line_too_long", {"The source has a line that is longer than may be sent.",
                     "De bron heeft een regel die te lang is om te sturen."}},
    policy::Sentence{"source.malformed", {"The source is not as it was declared: {why}.",
                     "De bron is anders dan afgesproken: {why}."}},
    policy::Sentence{"source.no_such_range", {"Denied: the source has {size} bytes, and none of those that were asked for.",
                     "Geweigerd: de bron heeft {size} bytes. Het gevraagde deel zit daar niet bij."}},
    policy::Sentence{"source.no_rows", {"Denied: these data have no rows that one could go on behind. Begin anew.",
                                        "Geweigerd: bij deze gegevens is er geen rij waarachter verder te gaan is. Begin opnieuw."}},
    policy::Sentence{"source.no_such_row", {"Denied: there are {size} rows, and none behind the one that was named.",
                                            "Geweigerd: er zijn {size} rijen, en geen achter de genoemde."}},
    policy::Sentence{"source.none", {"Denied: there is nothing of these data under this choice.",
                     "Geweigerd: bij deze keuze horen geen gegevens."}},
    policy::Sentence{"source.other_version", {"Denied: the source is not the version that was named. Begin anew.",
                     "Geweigerd: de bron is een andere versie dan de genoemde. Begin opnieuw."}},
    policy::Sentence{"source.skipped", {"The source was replaced faster than it was read: some of it would have been left out.",
                     "De bron is sneller vervangen dan gelezen. Er zou een deel ontbreken."}},
    policy::Sentence{"source.truncated", {"The source became shorter while it was being followed.",
                     "De bron werd korter tijdens het volgen."}},
    policy::Sentence{"source.unavailable", {"Denied: the source of the dataset cannot be read now.",
                     "Geweigerd: de bron van deze gegevens is nu niet te lezen."}},
    policy::Sentence{"store.unavailable", {"The rules could not be looked at again.",
                     "De regels waren niet opnieuw te lezen."}},
    policy::Sentence{"source.unnamed_version", {"Denied: whoever goes on behind a row names the version in `If-Match`.",
                                                "Geweigerd: wie achter een rij verder gaat, noemt de versie in `If-Match`."}},
    policy::Sentence{"time.over_now", {"The permission ended at this instant.",
                     "De toestemming liep op dit moment af."}},
    policy::Sentence{"transfer.held",
                     {"Denied: this node went on from a backup, and has not compared this transfer with the other party yet.",
                      "Geweigerd: deze node ging verder vanaf een reservekopie. "
                      "De overdracht is nog niet vergeleken met de andere partij."}},
    policy::Sentence{"transfer.not_open", {"Denied: this transfer gives no access now: {why}.",
                     "Geweigerd: deze overdracht geeft nu geen toegang: {why}."}},
    policy::Sentence{"transfer.not_started", {"Denied: the transfer is `{state}`, not started.",
                     "Geweigerd: de overdracht is `{state}`. Zij is niet gestart."}},
    policy::Sentence{"upstream.answered", {"The service behind these data did not give them: it answered with {what}.",
                     "De dienst achter deze gegevens gaf ze niet. Het antwoord: {what}."}},
    policy::Sentence{"upstream.busy", {"Denied: the service behind these data has as many requests at once as it may get. Try again soon.",
                     "Geweigerd: de dienst achter deze gegevens krijgt nu al genoeg vragen tegelijk. Probeer het straks weer."}},
    policy::Sentence{"upstream.incomplete", {"The service behind these data stopped before they were complete.",
                     "De dienst achter deze gegevens stopte voordat ze compleet waren."}},
    policy::Sentence{"upstream.late", {"The service behind these data did not answer in time.",
                     "De dienst achter deze gegevens gaf niet op tijd antwoord."}},
    policy::Sentence{"upstream.stalled", {"The service behind these data stopped sending them, or took too long in all.",
                                          "De dienst achter deze gegevens hield op met sturen, of deed er in totaal te lang over."}},
    policy::Sentence{"upstream.unreachable", {"The service behind these data could not be reached.",
                     "De dienst achter deze gegevens was niet te bereiken."}},
    policy::Sentence{"unauthenticated", {"Denied: an application needs its token.",
                     "Geweigerd: een toepassing heeft haar sleutel nodig."}},
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

std::span<const policy::Sentence> sentences() { return kSentences; }

std::string told(const policy::Reason& reason, policy::Language language) {
  std::string_view text = policy::sentence(reason.code, language);
  if (reason.code.starts_with("claim.")) {
    text = policy::Both{"Denied: the claim of purpose was not accepted ({code}).",
                        "Geweigerd: de opgave van het doel klopt niet ({code})."}
               .in(language);
  }
  if (reason.code.starts_with("undecided.")) {
    text = policy::Both{"Not decided from {from} until {until}, as nothing could be recorded: nothing was released or permitted ({code}).",
                        "Van {from} tot {until} niet beslist, want het logboek kon niets opnemen. Er is niets gegeven of toegestaan ({code})."}
               .in(language);
  }
  for (const policy::Sentence& row : kSentences) {
    if (row.code == reason.code) text = row.text.in(language);
  }
  auto known = reason.parameters;
  known.emplace("code", reason.code);
  return policy::fill(text, known, language);
}

policy::Reason make_reason(std::string_view code, std::map<std::string, std::string> parameters) {
  policy::Reason reason;
  reason.code = code;
  for (auto& [_, value] : parameters) value = valid_text(value, limits::kReasonBytes);
  reason.parameters = std::move(parameters);
  reason.sentence = told(reason, policy::Language::english);
  return reason;
}

std::optional<std::string> sentence_in(std::string_view language, std::string_view code,
                                       const std::map<std::string, std::string>& parameters) {
  if (language != "nl") return std::nullopt;
  const bool own = std::any_of(kSentences.begin(), kSentences.end(), [&](const auto& row) { return row.code == code; });
  const auto unknown = policy::sentence("", policy::Language::dutch);
  if (!own && !code.starts_with("claim.") && !code.starts_with("undecided.") && policy::sentence(code, policy::Language::dutch) == unknown) return std::nullopt;
  policy::Reason reason;
  reason.code = code;
  reason.parameters = parameters;
  return told(reason, policy::Language::dutch);
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
