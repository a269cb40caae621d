#include "policy/odrl/sentences.hpp"

#include <array>

/// The one table of sentences, a row for each code. Dutch is B1: short, active, no terms of the trade.
namespace sluis::policy {
namespace {

constexpr std::array kSentences{
    Sentence{"permitted", {"Permitted by {rule}.", "Toegestaan door {rule}."}},
    Sentence{"purpose", {"Denied: {rule} is for another purpose; {constraint} needs `{needed}`, asked was `{asked}`.",
                         "Geweigerd: {rule} is voor een ander doel. {constraint} vraagt `{needed}`. "
                         "De vraag noemt `{asked}`."}},
    Sentence{"recipient", {"Denied: {rule} is for another recipient; {constraint} needs `{needed}`.",
                           "Geweigerd: {rule} is voor een andere ontvanger. {constraint} vraagt `{needed}`."}},
    Sentence{"class", {"Denied: {rule} is for another class of recipient; {constraint} needs `{needed}`.",
                       "Geweigerd: {rule} is voor een ander soort ontvanger. {constraint} vraagt `{needed}`."}},
    Sentence{"time.not_yet",
             {"Denied: {rule} does not hold yet; {constraint} needs a time `{needed}`, it is {asked}.",
              "Geweigerd: {rule} geldt nog niet. {constraint} vraagt een tijd `{needed}`. Het is nu {asked}."}},
    Sentence{"time.over",
             {"Denied: {rule} no longer holds; {constraint} needs a time `{needed}`, it is {asked}.",
              "Geweigerd: {rule} geldt niet meer. {constraint} vraagt een tijd `{needed}`. Het is nu {asked}."}},
    Sentence{"elapsed", {"Denied: {rule} no longer holds; {constraint} allows `{needed}` after the agreement, "
                         "passed are {asked}.",
                         "Geweigerd: {rule} geldt niet meer. {constraint} geeft `{needed}` na de afspraak. "
                         "Er is {asked} voorbij."}},
    Sentence{"no_permission", {"Denied: nothing in the policy permits this.",
                               "Geweigerd: geen enkele regel staat dit toe."}},
    Sentence{"prohibited", {"Denied: {rule} prohibits it; {constraint} says `{needed}`, asked was `{asked}`.",
                            "Geweigerd: {rule} verbiedt dit. {constraint} zegt `{needed}`. De vraag noemt `{asked}`."}},
    Sentence{"indeterminate", {"Denied: {rule} cannot be decided; {constraint} needs `{operand}` to be known "
                               "(`{needed}`), asked was `{asked}`.",
                               "Geweigerd: wij weten niet of {rule} geldt. {constraint} vraagt dat `{operand}` bekend "
                               "is (`{needed}`). Bekend is `{asked}`."}},
    Sentence{"target", {"Denied: {rule} is about `{needed}`, asked was `{asked}`.",
                        "Geweigerd: {rule} gaat over `{needed}`. De vraag noemt `{asked}`."}},
    Sentence{"assignee", {"Denied: {rule} is for `{needed}`, asked by `{asked}`.",
                          "Geweigerd: {rule} is voor `{needed}`. De vraag kwam van `{asked}`."}},
    Sentence{"count", {"Denied: {rule} is used up; {constraint} needs `{needed}` uses, this would be number {asked}.",
                       "Geweigerd: {rule} is opgebruikt. {constraint} geeft `{needed}` keer. "
                       "Dit is keer nummer {asked}."}},
    Sentence{"value", {"Denied: {rule} does not hold; {constraint} needs {operand} `{needed}`, asked was `{asked}`.",
                       "Geweigerd: {rule} geldt niet. {constraint} vraagt {operand} `{needed}`. "
                       "De vraag noemt `{asked}`."}},
    Sentence{"duty", {"Denied: {rule} holds once {constraint} is done (`{needed}`); it is `{asked}`.",
                      "Geweigerd: {rule} geldt pas als {constraint} is gedaan (`{needed}`). Nu is dat `{asked}`."}},
    Sentence{"alternatives", {"Denied: {rule} does not hold; {constraint} needs {needed}, asked was `{asked}`.",
                              "Geweigerd: {rule} geldt niet. {constraint} vraagt {needed}. De vraag noemt `{asked}`."}},
    // Between published and proposed terms.
    Sentence{"match.purpose", {"The purpose differs: published is `{needed}`, proposed is `{asked}`.",
                               "Het doel is anders. Bekendgemaakt is `{needed}`. Voorgesteld is `{asked}`."}},
    Sentence{"match.time", {"The time differs: published is `{needed}`, proposed is `{asked}`.",
                            "De tijd is anders. Bekendgemaakt is `{needed}`. Voorgesteld is `{asked}`."}},
    Sentence{"match.recipient", {"The recipient differs: published is `{needed}`, proposed is `{asked}`.",
                                 "De ontvanger is anders. Bekendgemaakt is `{needed}`. Voorgesteld is `{asked}`."}},
    Sentence{"match.class", {"The class of recipient differs: published is `{needed}`, proposed is `{asked}`.",
                             "Het soort ontvanger is anders. Bekendgemaakt is `{needed}`. "
                             "Voorgesteld is `{asked}`."}},
    Sentence{"match.duty", {"The obligations differ: published is `{needed}`, proposed is `{asked}`.",
                            "De plichten zijn anders. Bekendgemaakt is `{needed}`. Voorgesteld is `{asked}`."}},
    Sentence{"match.other", {"The rules differ: published is `{needed}`, proposed is `{asked}`.",
                             "De regels zijn anders. Bekendgemaakt is `{needed}`. Voorgesteld is `{asked}`."}},
    // What was asked, what decided, what was needed, who decided that.
    Sentence{"told.asked", {"On {time}, {party} asked for {dataset}, for the purpose {purpose}.",
                            "Op {time} vroeg {party} om {dataset}. Het doel was {purpose}."}},
    Sentence{"told.asked_no_purpose", {"On {time}, {party} asked for {dataset}, without a known purpose.",
                                       "Op {time} vroeg {party} om {dataset}. Een bekend doel was er niet bij."}},
    Sentence{"told.permitted", {"It was allowed.", "Dit mocht."}},
    Sentence{"told.refused", {"It was refused.", "Dit mocht niet."}},
    Sentence{"told.simulation", {"This is a simulation: nothing was asked, released or recorded.",
                                 "Dit is een proef. Niemand vroeg iets en er zijn geen gegevens gegeven."}},
    Sentence{"told.rule", {"This rule decided: {rule}", "Deze regel gaf de doorslag: {rule}"}},
    Sentence{"told.no_rule", {"No rule allows this, and what no rule allows is refused.",
                              "Geen regel staat dit toe. En wat geen regel toestaat, mag niet."}},
    Sentence{"told.needed", {"Needed was: {needed}", "Dit was nodig: {needed}"}},
    Sentence{"told.forbids", {"The rule forbids it when: {needed}", "De regel verbiedt het als dit klopt: {needed}"}},
    // `reference` is empty, or begins with a colon.
    Sentence{"told.decided_by", {"{body} ({kind}) decided this rule{reference}.", "{body} ({kind}) besloot over deze regel{reference}."}},
    Sentence{"told.proposed", {"A negotiation with {party} about {dataset} began on {time}. These terms were proposed last:",
                               "Een onderhandeling met {party} over {dataset} begon op {time}. Deze voorwaarden zijn het laatst voorgesteld:"}},
    Sentence{"told.proposal_gone", {"A negotiation with {party} about {dataset} ended on {time} without an agreement. What was proposed is not on record here any more.",
                                    "Een onderhandeling met {party} over {dataset} eindigde op {time} zonder afspraak. Wat er is voorgesteld, staat hier niet meer."}},
    Sentence{"told.refused_by_us", {"We refused on {time}.", "Wij zeiden nee op {time}."}},
    Sentence{"told.refused_by_them", {"{party} refused on {time}.", "{party} zei nee op {time}."}},
    Sentence{"told.source_by", {"It comes from the terms of {dataset}; {body} ({kind}) decided those{reference}.",
                                "Dit komt uit de voorwaarden van {dataset}. {body} ({kind}) besloot daarover{reference}."}},
    Sentence{"told.source_unknown", {"It comes from the terms of {dataset}; who decided those is not on record here.",
                                     "Dit komt uit de voorwaarden van {dataset}. Wie daarover besloot, staat hier niet."}},
    Sentence{"told.approved_by", {"{body} ({kind}) decided to agree{reference}.", "{body} ({kind}) besloot akkoord te gaan{reference}."}},
    Sentence{"told.reason", {"The reason that was given: {sentence} ({code})", "De reden, zoals die is verstuurd: {sentence} ({code})"}},
    Sentence{"told.on_offer", {"What is on offer now:", "Dit bieden wij nu aan:"}},
    Sentence{"told.terms_by", {"{body} ({kind}) decided these terms{reference}.", "{body} ({kind}) besloot over deze voorwaarden{reference}."}},
    Sentence{"told.terms_unknown", {"Who decided these terms is not on record here.",
                                    "Wie over deze voorwaarden besloot, staat hier niet."}},
    Sentence{"told.purposes_by", {"{body} ({kind}) decided the list of purposes that applies{reference}.",
                                  "{body} ({kind}) besloot over de lijst van doelen die geldt{reference}."}},
    Sentence{"told.decided_unknown", {"Who decided this rule is not on record here.",
                                      "Wie over deze regel besloot, staat hier niet vast."}},
    Sentence{"kind.elected", {"elected", "gekozen"}},
    Sentence{"kind.appointed", {"appointed", "benoemd"}},
    Sentence{"kind.external", {"external", "van buiten"}},
    Sentence{"kind.supplier", {"a supplier", "leverancier"}},
    // What a dataset asks beside its policy.
    Sentence{"terms.activity", {"Every request names a registered processing activity.",
                                "Elke vraag noemt een geregistreerde verwerking."}},
    Sentence{"terms.approval", {"The steward of the provider looks at every new request for an agreement.",
                                "Iemand van de aanbieder kijkt naar elk verzoek om een afspraak."}},
    // What terms are found to have before anybody asks them anything.
    Sentence{"finding.never", {"The conditions of `{rule}` exclude each other, so it never holds.",
                               "De voorwaarden van `{rule}` sluiten elkaar uit. Deze regel geldt dus nooit."}},
    Sentence{"finding.void", {"`{other}` takes back all that `{rule}` permits.", "`{other}` verbiedt alles wat `{rule}` toestaat."}},
    Sentence{"finding.conflict", {"`{other}` may take back what `{rule}` permits.",
                                  "`{other}` kan verbieden wat `{rule}` toestaat."}},
    Sentence{"finding.conflict_example", {"`{other}` may take back what `{rule}` permits, for instance for `{example}`.",
                                          "`{other}` kan verbieden wat `{rule}` toestaat. Een voorbeeld is `{example}`."}},
    Sentence{"finding.duplicate", {"`{rule}` and `{other}` say the same.", "`{rule}` en `{other}` zeggen hetzelfde."}},
    Sentence{"finding.contained", {"`{rule}` adds nothing to `{other}`.", "`{rule}` voegt niets toe aan `{other}`."}},
    Sentence{"finding.duty_prohibited", {"`{rule}` demands what `{other}` forbids.", "`{rule}` eist wat `{other}` verbiedt."}},
    Sentence{"finding.nothing_permitted", {"These terms can never permit anything to anybody.",
                                           "Met deze voorwaarden mag nooit iemand iets."}},
    Sentence{"finding.undecided", {"`{rule}` has too many alternatives, or conditions that cannot be compared. It was not looked at.",
                                   "`{rule}` heeft te veel mogelijkheden, of voorwaarden die niet te vergelijken zijn. Daarom is deze regel niet bekeken."}},
    // Who sees to a part of the terms.
    Sentence{"part.enforced", {"This node checks this at every request.", "Deze node let hier op bij elke vraag."}},
    Sentence{"part.done", {"This node does this before data leave.",
                           "Deze node doet dit voordat er gegevens weggaan."}},
    Sentence{"part.promised", {"The other party promises this; the promise is on record.",
                               "De andere partij belooft dit. De belofte staat in het logboek."}},
    Sentence{"part.promised_checked",
             {"The other party promises this; this node watches the date and asks for a confirmation.",
              "De andere partij belooft dit. Deze node let op de datum en vraagt om een bevestiging."}},
    Sentence{"part.unknowable", {"This node cannot know `{what}`, so the rule would never hold.",
                                 "Deze node kan `{what}` niet weten. De regel zou dus nooit gelden."}},
    Sentence{"part.unknowable_prohibition",
             {"This node cannot know `{what}`, so the rule would forbid every request.",
              "Deze node kan `{what}` niet weten. De regel zou dus elke vraag verbieden."}},
    Sentence{"part.undoable", {"This node cannot do `{what}`, so the obligation would not be met.",
                               "Deze node kan `{what}` niet. Deze plicht zou dus niemand nakomen."}},
    Sentence{"part.duty_unseen", {"This node cannot know whether `{what}` was done, so the rule would never hold.",
                                  "Deze node kan niet weten of `{what}` is gedaan. De regel zou dus nooit gelden."}},
};

}  // namespace

std::string_view to_string(Language language) { return language == Language::dutch ? "nl" : "en"; }

std::optional<Language> language_from(std::string_view text) {
  if (text == "en") return Language::english;
  if (text == "nl") return Language::dutch;
  return std::nullopt;
}

std::span<const Sentence> sentences() { return kSentences; }

std::string_view sentence(std::string_view code, Language language) {
  for (const Sentence& row : kSentences) {
    if (row.code == code) return row.text.in(language);
  }
  return Both{"Denied: it cannot be decided.", "Geweigerd: dit kunnen wij niet beslissen."}.in(language);
}

std::string_view english(std::string_view code) { return sentence(code, Language::english); }

std::string fill(std::string_view text, const std::map<std::string, std::string>& parameters, Language language) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find('}', open);
    const auto found = parameters.find(std::string(text.substr(open + 1, close - open - 1)));
    out += found == parameters.end() ? Both{"nothing", "niets"}.in(language) : std::string_view(found->second);
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace sluis::policy
