#include "connector/management/package.hpp"

#include <fmt/core.h>

/// The two pages of a package. They are read by somebody who has just this folder.
namespace sluis::management {
namespace {

constexpr const char* kDutch = R"(Wat is dit?
===========

In deze map staat alles waarmee u het logboek van {0} kunt controleren.
Het logboek is van {1}.
Het gaat over de tijd van {2} tot {3}.
U heeft geen netwerk nodig. U hoeft {0} niet te vertrouwen.

Zo controleert u de map
-----------------------

1. Zet het programma sluis op uw eigen computer.
2. Zorg dat u de sleutel van het logboek heeft. Vraag hem aan iemand anders dan
   {0}, of haal hem uit de ledenlijst van de federatie. De sleutel in deze map
   (keys.txt) telt niet: wie de map veranderde, kan ook de sleutel veranderen.
3. Geef dit commando:

   sluis audit verify --package DEZE_MAP --key SLEUTEL --lang nl

   Heeft u een ijkpunt van vroeger bewaard? Zet er dan --anchor BESTAND bij.
   Weet u welke getuigen u vertrouwt? Zet er dan --policy BESTAND bij.
   Heeft u de sleutel van de functionaris gegevensbescherming? Zet er dan
   --dpo-key BESTAND.pub bij.

Het commando noemt elk bestand dat niet klopt.
Eindigt het met 0, dan klopt alles en is het bewezen. Met 3 klopt alles, maar
is niet bewezen dat het logboek volledig en echt is: er is geen ijkpunt, of er
tekenden te weinig getuigen. Met 1 klopt er iets niet.

Wat staat er in?
----------------

manifest.json       de lijst van alle bestanden, elk met een controlegetal
proof.json          het bewijs dat die lijst in het logboek staat: wie deze map
                    meenam, en over welke tijd
keys.txt            de sleutels van het logboek, ook van eerdere logboeken
witnesses.policy    welke getuigen {0} vraagt om mee te tekenen
logs/               de logboeken, met wat de regels zeggen over deze tijd.
                    Wat buiten deze tijd valt, is weggelaten.
report/             dezelfde regels als tabel (CSV), voor een rekenblad
documents/          aanbiedingen, afspraken, doelen en ledenlijsten. De naam van
                    elk bestand is het controlegetal dat in de regels staat.
activities/         de verwerkingen, zoals ze zijn vastgelegd
findings/           bevindingen die een functionaris heeft ondertekend
{4}
)";

constexpr const char* kEnglish = R"(What is this?
=============

This folder has all that you need to check the log of {0}.
The log is that of {1}.
It is about the time from {2} to {3}.
You need no network. You need not trust {0}.

How to check the folder
-----------------------

1. Put the program sluis on your own computer.
2. Have the log's key. Ask somebody else than {0} for it, or take it from the
   federation's list of members. The key in this folder (keys.txt) does not
   count: whoever changed the folder can have changed the key.
3. Give this command:

   sluis audit verify --package THIS_FOLDER --key KEY

   If you kept a checkpoint from before, add --anchor FILE.
   If you know which witnesses you trust, add --policy FILE.
   If you have the data protection officer's key, add --dpo-key FILE.pub.

The command names each file that is not in order.
If it ends with 0, all is in order and proven. With 3 all is in order, but it is
not proven that the log is complete and authentic: there is no checkpoint that
you kept, or too few witnesses signed. With 1 something is not in order.

What is in it?
--------------

manifest.json       the list of all files, each with its SHA-256
proof.json          the proof that the list is in the log: who took this folder,
                    and for which period
keys.txt            the log's keys, and those of earlier logs
witnesses.policy    which witnesses {0} asks to cosign
logs/               the logs, with what their entries say of this period. What
                    lies out of it is left out.
report/             the same entries as a table (CSV), for a spreadsheet
documents/          offers, agreements, purposes and lists of members. Each file
                    is called by the SHA-256 by which entries name it.
activities/         the processing activities, as they were recorded
findings/           findings that a data protection officer signed
{4}
)";

}  // namespace

std::string package_page(const records::Manifest& manifest, std::string_view language) {
  const bool dutch = language == "nl";
  std::string missing;
  if (!manifest.missing.empty()) {
    missing = dutch ? "\nDeze documenten worden in regels genoemd, maar de knoop heeft ze niet (meer):\n"
                    : "\nEntries name these documents, and the node does not have them, or not any more:\n";
    for (const std::string& name : manifest.missing) missing += name + "\n";
  }
  return fmt::format(fmt::runtime(dutch ? kDutch : kEnglish), manifest.name, manifest.node, format_time(manifest.from), format_time(manifest.until), missing);
}

}  // namespace sluis::management
