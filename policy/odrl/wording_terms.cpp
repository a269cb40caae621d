#include "policy/odrl/wording.hpp"

#include <array>

/// The words for actions, operands and operators.
namespace sluis::policy::wording {
namespace {

constexpr std::array kActions{
    ActionWords{"use", "use the data", "de gegevens", "gebruiken"},
    ActionWords{"transfer", "hand the data over to somebody else", "de gegevens aan een ander", "overdragen"},
    ActionWords{"deleteAfter", "delete the data", "de gegevens", "wissen"},
    ActionWords{"suppressSmallCells", "hide small numbers", "kleine aantallen", "verbergen"},
    ActionWords{"generaliseTime", "make times less exact", "de tijden minder precies", "maken"},
    ActionWords{"generalisePlace", "make places less exact", "de plaatsen minder precies", "maken"},
    ActionWords{"pseudonymise", "replace what can identify a person by a code",
                "wat naar een persoon wijst door een code", "vervangen"},
    ActionWords{"aggregateBy", "take the data together in groups", "de gegevens in groepen", "optellen"},
    ActionWords{"maskColumn", "hide what stands in a column", "wat in een kolom staat", "afdekken"},
    ActionWords{"grantUse", "allow others to use the data", "het gebruik aan anderen", "toestaan"},
    ActionWords{"compensate", "pay for the data", "voor de gegevens", "betalen"},
    ActionWords{"acceptTracking", "accept that the use is followed", "het volgen van het gebruik", "goedvinden"},
    ActionWords{"aggregate", "combine the data with other data", "de gegevens met andere gegevens", "samenvoegen"},
    ActionWords{"annotate", "add notes to the data", "opmerkingen bij de gegevens", "zetten"},
    ActionWords{"anonymize", "make the data anonymous", "de gegevens anoniem", "maken"},
    ActionWords{"archive", "archive the data", "de gegevens in een archief", "bewaren"},
    ActionWords{"attribute", "name the source", "de bron", "noemen"},
    ActionWords{"concurrentUse", "use several copies at the same time", "meer kopieën tegelijk", "gebruiken"},
    ActionWords{"derive", "make something new from the data", "iets nieuws van de gegevens", "maken"},
    ActionWords{"digitize", "make the data digital", "de gegevens digitaal", "maken"},
    ActionWords{"display", "show the data", "de gegevens", "tonen"},
    ActionWords{"distribute", "pass the data on", "de gegevens", "doorgeven"},
    ActionWords{"ensureExclusivity", "keep the data to itself", "de gegevens voor zichzelf", "houden"},
    ActionWords{"execute", "run the data as a program", "de gegevens als programma", "uitvoeren"},
    ActionWords{"extract", "take parts out of the data", "delen uit de gegevens", "halen"},
    ActionWords{"give", "give the data away", "de gegevens", "weggeven"},
    ActionWords{"include", "add other data to the data", "andere gegevens", "toevoegen"},
    ActionWords{"index", "put the data in an index", "de gegevens in een index", "opnemen"},
    ActionWords{"inform", "inform the other party", "de andere partij", "inlichten"},
    ActionWords{"install", "install the data", "de gegevens", "installeren"},
    ActionWords{"modify", "change the data", "de gegevens", "veranderen"},
    ActionWords{"move", "move the data", "de gegevens", "verplaatsen"},
    ActionWords{"nextPolicy", "put terms on what is passed on", "regels aan wat wordt doorgegeven", "verbinden"},
    ActionWords{"obtainConsent", "get consent", "toestemming", "vragen"},
    ActionWords{"play", "play the data", "de gegevens", "afspelen"},
    ActionWords{"present", "present the data in public", "de gegevens in het openbaar", "tonen"},
    ActionWords{"print", "print the data", "de gegevens", "afdrukken"},
    ActionWords{"read", "read the data", "de gegevens", "lezen"},
    ActionWords{"reproduce", "copy the data", "de gegevens", "kopiëren"},
    ActionWords{"reviewPolicy", "look at the terms again", "de regels opnieuw", "bekijken"},
    ActionWords{"sell", "sell the data", "de gegevens", "verkopen"},
    ActionWords{"stream", "stream the data", "de gegevens als stroom", "ontvangen"},
    ActionWords{"synchronize", "keep the data in step with other data", "de gegevens met andere gegevens gelijk",
                "houden"},
    ActionWords{"textToSpeech", "have the data read aloud", "de gegevens", "voorlezen"},
    ActionWords{"transform", "change the form of the data", "de vorm van de gegevens", "veranderen"},
    ActionWords{"translate", "translate the data", "de gegevens", "vertalen"},
    ActionWords{"uninstall", "remove the data from a device", "de gegevens van een apparaat", "verwijderen"},
    ActionWords{"watermark", "put a mark in the data", "een merkteken in de gegevens", "zetten"},
};

}  // namespace

std::span<const ActionWords> actions() { return kActions; }

const ActionWords* of(Action action) {
  if (action == Action::any) return nullptr;
  const std::string_view name = to_string(action);
  for (const ActionWords& words : kActions) {
    if (words.name == name) return &words;
  }
  return nullptr;
}

Both of(Operand operand) {
  switch (operand) {
    case Operand::purpose: return {"the purpose", "het doel"};
    case Operand::recipient: return {"the receiver", "de ontvanger"};
    case Operand::class_of_recipient: return {"the kind of receiver", "het soort ontvanger"};
    case Operand::date_time: return {"the time", "de tijd"};
    case Operand::elapsed_time: return {"the time since the agreement", "de tijd sinds de afspraak"};
    case Operand::delay_period: return {"the time since the data were sent", "de tijd sinds de gegevens zijn gestuurd"};
    case Operand::metered_time: return {"the time of use", "de tijd van gebruik"};
    case Operand::count: return {"the number of uses, this one included", "het aantal keren, met deze keer erbij"};
    case Operand::pay_amount: return {"the amount paid", "het betaalde bedrag"};
    case Operand::percentage: return {"the percentage", "het percentage"};
    case Operand::resolution: return {"the resolution", "de nauwkeurigheid"};
    case Operand::absolute_size: return {"the size", "de omvang"};
    case Operand::relative_size: return {"the size compared with the whole", "de omvang vergeleken met het geheel"};
    case Operand::spatial: return {"the area", "het gebied"};
    case Operand::file_format: return {"the format of the file", "de vorm van het bestand"};
    case Operand::industry: return {"the line of business", "de bedrijfstak"};
    case Operand::language: return {"the language", "de taal"};
    case Operand::media: return {"the kind of medium", "het soort medium"};
    case Operand::product: return {"the product", "het product"};
    case Operand::system_device: return {"the device", "het apparaat"};
    case Operand::delivery_channel: return {"the way of delivery", "de manier van leveren"};
    case Operand::event: return {"the event", "de gebeurtenis"};
    case Operand::virtual_location: return {"the place on the internet", "de plek op internet"};
    case Operand::version: return {"the version", "de versie"};
    case Operand::legal_basis: return {"the legal basis", "de wettelijke grond"};
    case Operand::assessment: return {"the assessment on record", "de vastgelegde beoordeling"};
    case Operand::situation: return {"the declared situation", "de afgekondigde situatie"};
    case Operand::processing_activity: return {"the registered processing activity", "de geregistreerde verwerking"};
    case Operand::evidence: return {"the evidence of the exchange", "het bewijs van de uitwisseling"};
    case Operand::impact_assessment: return {"the assessment of the risks for people (DPIA)", "het onderzoek naar de risico's voor mensen (DPIA)"};
    case Operand::min_cell_size: return {"the smallest number that is shown", "het kleinste getal dat te zien is"};
    case Operand::cell_column: return {"the column", "de kolom"};
    case Operand::cell_group: return {"the sum of columns", "de som van kolommen"};
    case Operand::round_to: return {"the rounding", "de afronding"};
    case Operand::time_column: return {"the column with times", "de kolom met tijden"};
    case Operand::time_step: return {"the period of a time", "de periode van een tijd"};
    case Operand::time_zone: return {"the time zone", "de tijdzone"};
    case Operand::pseudonym_column: return {"the column that gets codes", "de kolom die codes krijgt"};
    case Operand::pseudonym_epoch: return {"the name of the codes", "de naam van de codes"};
    case Operand::masked_column: return {"the column that is hidden", "de kolom die is afgedekt"};
    case Operand::kept_characters: return {"the characters that can be seen", "de tekens die te zien zijn"};
    case Operand::place_column: return {"the column with places", "de kolom met plaatsen"};
    case Operand::place_grid: return {"the squares of the map", "de vakken van de kaart"};
    case Operand::place_lookup: return {"the list of places", "de lijst van plaatsen"};
    case Operand::group_column: return {"the column of a group", "de kolom van een groep"};
    case Operand::group_measure: return {"what is counted", "wat is geteld"};
    case Operand::subject_column: return {"the column whose different values are counted", "de kolom waarvan verschillende waarden tellen"};
    case Operand::max_groups: return {"the number of groups", "het aantal groepen"};
    case Operand::group_total: return {"the total", "het totaal"};
  }
  return {};
}

Both of(Operator op) {
  switch (op) {
    case Operator::eq: return {"is", "is"};
    case Operator::neq: return {"is not", "is niet"};
    case Operator::is_a:
    case Operator::is_part_of: return {"is, or is below,", "is, of valt onder,"};
    case Operator::has_part: return {"is, or is above,", "is, of staat boven,"};
    case Operator::is_any_of: return {"is one of", "is een van"};
    case Operator::is_all_of: return {"holds all of", "bevat elk van"};
    case Operator::is_none_of: return {"is none of", "is geen van"};
    case Operator::lt: return {"is less than", "is minder dan"};
    case Operator::lteq: return {"is at most", "is hoogstens"};
    case Operator::gt: return {"is more than", "is meer dan"};
    case Operator::gteq: return {"is at least", "is minstens"};
  }
  return {};
}

}  // namespace sluis::policy::wording
