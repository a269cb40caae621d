#include "connector/management/findings_sentences.hpp"

#include <algorithm>
#include <array>

namespace sluis::management {
namespace {

using policy::Sentence;

constexpr std::array kSentences{
    Sentence{"activity.unregistered",
             {"The log names the processing activity `{activity}` as one of this node. Its register does not have it.",
              "In het logboek staat de verwerking `{activity}`, als een van onszelf. Die staat niet in ons register."}},
    Sentence{"activity.unregistered/then",
             {"The log names the processing activity `{activity}` at times at which it did not hold in this node's register.",
              "In het logboek staat de verwerking `{activity}` op tijden waarop die in ons register niet gold."}},
    Sentence{"dataset.wider/purpose",
             {"{dataset} was permitted to {party} for {purpose}. Its newest terms do not allow that purpose; an older or another "
              "agreement does.",
              "{party} mocht {dataset} gebruiken voor {purpose}. De nieuwste voorwaarden staan dat doel niet toe. Een oudere of andere "
              "afspraak wel."}},
    Sentence{"dataset.wider/party",
             {"{dataset} was permitted to {party} for {purpose}. Its newest terms are not for such a party; an older or another "
              "agreement is.",
              "{party} mocht {dataset} gebruiken voor {purpose}. De nieuwste voorwaarden zijn niet voor zo'n partij. Een oudere of "
              "andere afspraak wel."}},
    Sentence{"dataset.wider/together",
             {"{dataset} was permitted to {party} for {purpose}. Its newest terms do not allow that purpose to such a party; an older "
              "or another agreement does.",
              "{party} mocht {dataset} gebruiken voor {purpose}. De nieuwste voorwaarden staan dat doel niet toe aan zo'n partij. Een "
              "oudere of andere afspraak wel."}},
    Sentence{"retention.overdue",
             {"The data of {dataset} from {party} had to be deleted by {due}. That is not confirmed.",
              "De gegevens van {dataset} van {party} moesten weg zijn op {due}. Dat is niet bevestigd."}},
    Sentence{"retention.late",
             {"The data of {dataset} from {party} had to be deleted by {due}. That was confirmed on {confirmed}.",
              "De gegevens van {dataset} van {party} moesten weg zijn op {due}. Dat is bevestigd op {confirmed}."}},
    Sentence{"receipt.missing",
             {"{party} had to delete the data of {dataset} by {due}, counted from the last release. No receipt that it did has come.",
              "{party} moest de gegevens van {dataset} wissen voor {due}, gerekend vanaf de laatste levering. Er kwam geen bewijs dat "
              "dat is gebeurd."}},
    Sentence{"assessment.over",
             {"The assessment of {dataset} ended on {end}. Nothing of it is served until it is assessed again.",
              "De beoordeling van {dataset} is verlopen op {end}. Zonder nieuwe beoordeling wordt er niets geleverd."}},
    Sentence{"assessment.ends",
             {"The assessment of {dataset} ends on {end}. After that it is not served.",
              "De beoordeling van {dataset} verloopt op {end}. Daarna wordt er niets geleverd."}},
    Sentence{"refusals.many",
             {"{party} was refused {times} times, and permitted {permits} times.",
              "{party} kreeg {times} keer een weigering, en {permits} keer toestemming."}},
    Sentence{"refusals.many/counted",
             {"{party} was refused {times} times, and permitted {permits} times. It asked so often that {counted} refusals were only "
              "counted.",
              "{party} kreeg {times} keer een weigering, en {permits} keer toestemming. Er kwamen zoveel vragen dat {counted} "
              "weigeringen alleen geteld zijn."}},
    Sentence{"end.unknown/released",
             {"On {day} the node stopped in the middle of releases. How much went out is not known.",
              "Op {day} stopte de node midden in een levering. Hoeveel er is geleverd, is niet bekend."}},
    Sentence{"end.unknown/received",
             {"On {day} the node stopped while data came in. How much came is not known.",
              "Op {day} stopte de node terwijl er gegevens binnenkwamen. Hoeveel er kwam, is niet bekend."}},
    Sentence{"request.unproven",
             {"{party} did not prove, or not in time, what its log says of {times} data requests.",
              "Van {times} vragen bewees {party} niet, of niet op tijd, wat het eigen logboek zegt."}},
    Sentence{"request.unproven/contradicts",
             {"What the log of {party} says of {times} data requests is not what was seen here. The proofs are kept.",
              "Over {times} vragen staat in het logboek van {party} iets anders dan wat hier is gezien. De bewijzen zijn bewaard."}},
    Sentence{"request.unproven/one-sided",
             {"The node of {party} answers as if it had no route for receipts of data requests. Of requests with it, this log alone has evidence.",
              "De node van {party} antwoordt alsof die geen route heeft voor bewijzen van vragen. Van vragen met haar heeft alleen dit logboek bewijs."}},
    Sentence{"request.unproven/restored",
             {"This node was put back from a backup. Whether {party} proved {times} data requests of before is not known until both logs are compared.",
              "Deze node is teruggezet uit een kopie. Of {party} {times} vragen van ervoor bewees, is niet bekend tot beide logboeken zijn vergeleken."}},
    Sentence{"agreement.unproven/missing",
             {"{party} did not prove in time that its log has {times} agreements with this node.",
              "Van {times} afspraken bewees {party} niet op tijd dat ze in het eigen logboek staan."}},
    Sentence{"agreement.unproven/contradicts",
             {"The log of {party} has another text of {times} agreements than this node. The proofs are kept.",
              "In het logboek van {party} staan {times} afspraken met een andere tekst dan hier. De bewijzen zijn bewaard."}},
    Sentence{"log.contradicts",
             {"The log of {party} contradicts what it signed before. Both checkpoints are kept.",
              "Het logboek van {party} spreekt tegen wat het eerder ondertekende. Beide standen zijn bewaard."}},
    Sentence{"agreement.silent",
             {"The agreement with {party} about {dataset} runs. Nothing was asked under it since {since}.",
              "De afspraak met {party} over {dataset} loopt. Sinds {since} is er niets meer gevraagd."}},
    Sentence{"purpose.unused",
             {"The agreement with {party} about {dataset} permits {purpose}. Nothing was asked for that since {since}.",
              "De afspraak met {party} over {dataset} staat {purpose} toe. Daarvoor is sinds {since} niets gevraagd."}},
    Sentence{"activity.unused",
             {"The processing activity `{activity}` stands in the register. No entry of the log names it since {since}.",
              "De verwerking `{activity}` staat in het register. In het logboek komt die sinds {since} niet voor."}},
    Sentence{"recovery.held/party",
             {"This node was put back from a backup on {since}. {count} agreements, negotiations and transfers with {party} are held since: nothing "
              "goes out under them until they are settled.",
              "Deze node is op {since} teruggezet uit een kopie. {count} afspraken, onderhandelingen en overdrachten met {party} staan sindsdien vast. "
              "Daaronder gaat niets uit tot ze zijn geregeld."}},
    Sentence{"recovery.held/dataset",
             {"This node was put back from a backup on {since}. {dataset} is held since: it is not on offer and not released until a steward confirms it.",
              "Deze node is op {since} teruggezet uit een kopie. {dataset} staat sindsdien vast. Niemand krijgt deze gegevens tot een beheerder ze bevestigt."}},
    Sentence{"recovery.held/declared",
             {"This node was put back from a backup on {since}. {count} situations or assessments are held since: what depends on them is denied.",
              "Deze node is op {since} teruggezet uit een kopie. {count} situaties of beoordelingen staan sindsdien vast. Wat daarvan afhangt, wordt geweigerd."}},
    Sentence{"log.old",
             {"{times} entries are older than the {days} days for which this node keeps them. `sluis audit erase --before {before}` "
              "erases what they say.",
              "{times} regels zijn ouder dan de {days} dagen dat we ze bewaren. `sluis audit erase --before {before}` wist wat "
              "erin staat."}},
    Sentence{"log.erased",
             {"What some entries said is erased. What is called unused, silent or missing here may have stood in them.",
              "Van sommige regels is de inhoud gewist. Wat hier niet gebruikt of niet gevraagd heet, kan daarin hebben gestaan."}},
    Sentence{"log.pruned",
             {"The oldest {count} entries were pruned, as they were older than this node keeps them. What is called unused, silent or missing here may "
              "have stood in them.",
              "De oudste {count} regels zijn opgeruimd: ze waren ouder dan we ze bewaren. Wat hier niet gebruikt of niet gevraagd heet, kan daarin "
              "hebben gestaan."}},
    Sentence{"log.more",
             {"There is more than this comparison holds. What is told is true, and not all; take a shorter period.",
              "Er is meer dan in deze vergelijking past. Wat er staat klopt, en is niet alles. Kies een kortere tijd."}},
};

}  // namespace

std::span<const policy::Sentence> finding_sentences() { return kSentences; }

std::string tell_finding(std::string_view key, const std::map<std::string, std::string>& parameters, policy::Language language) {
  const auto found = std::find_if(kSentences.begin(), kSentences.end(), [&](const Sentence& row) { return row.code == key; });
  return found == kSentences.end() ? std::string(key) : policy::fill(found->text.in(language), parameters, language);
}

}  // namespace sluis::management
