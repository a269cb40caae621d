#include "connector/node/cli/words.hpp"

#include "connector/base/bytes.hpp"

#include <array>

namespace sluis::cli {
namespace {

constexpr std::array kPhrases{
    policy::Sentence{"note", {"note: {0}", "let op: {0}"}},
    policy::Sentence{"dry-run", {"nothing was changed: this was a dry run", "er is niets veranderd: dit was een proef"}},
    policy::Sentence{"unchanged", {"nothing was changed: it was so already", "er is niets veranderd: het was al zo"}},
    policy::Sentence{"narrowed", {"proposed: the offer with its purpose replaced",
           "voorgesteld: het aanbod met een ander doel erin"}},
    policy::Sentence{"sure", {"{0} {1} {2}?", "{1} {2}: {0}?"}},
    policy::Sentence{"yes-no", {" [y/N] ", " [j/N] "}},
    policy::Sentence{"undecided", {"not decided after {0} seconds; {1} is `{2}`",
           "na {0} seconden is er nog niets besloten; {1} is `{2}`"}},
    policy::Sentence{"undecided.mend", {"it goes on by itself: {0} show says for whom it waits",
           "het gaat vanzelf verder: {0} show zegt op wie het wacht"}},
    policy::Sentence{"refused", {"{0} `{1}` was refused: {2} ({3})", "{0} `{1}` is geweigerd: {2} ({3})"}},
    policy::Sentence{"terms.unkept", {"refused: this node could not keep these terms, so it does not publish them",
           "geweigerd: deze node kan deze voorwaarden niet nakomen en maakt ze dus niet bekend"}},
    policy::Sentence{"terms.nothing", {"refused: nothing can ever be permitted by these terms, so they are not published",
           "geweigerd: met deze voorwaarden mag nooit iets, dus ze worden niet bekendgemaakt"}},
    policy::Sentence{"access.open", {"open", "open"}},
    policy::Sentence{"access.conditional", {"conditional", "met afspraak"}},
    policy::Sentence{"access.needs activity", {"needs activity", "met verwerking"}},
    policy::Sentence{"access.needs DPIA", {"needs DPIA", "met DPIA"}},
    policy::Sentence{"access.not served", {"not served", "nu niet"}},
    policy::Sentence{"access.never", {"never", "nooit"}},
    policy::Sentence{"replay.simulation", {"simulation: nothing was released", "proef: er zijn geen gegevens gegeven"}},
    policy::Sentence{"replay.counts", {"asked again {0}, newly released {1}, newly refused {2}, as before {3} released and {4} refused, {5} not decided by terms",
           "opnieuw gevraagd {0}, nieuw toegestaan {1}, nieuw geweigerd {2}, zoals eerder {3} toegestaan en {4} geweigerd, {5} niet door voorwaarden beslist"}},
    policy::Sentence{"replay.released", {"newly released", "nieuw toegestaan"}},
    policy::Sentence{"replay.refused", {"newly refused", "nieuw geweigerd"}},
    policy::Sentence{"subject.dry", {"nothing is asked for yet; this would be:", "er is nog niets gevraagd; dit zou het zijn:"}},
    policy::Sentence{"subject.waits", {"lookup {0} waits for a second person until {3}: {1} asks, for `{2}`",
           "opzoeken {0} wacht tot {3} op een tweede persoon: {1} vraagt het, voor `{2}`"}},
    policy::Sentence{"subject.confirmed", {"lookup {0}: {1} asked, {4} confirmed, for `{2}`; both can read it until {3}",
           "opzoeken {0}: {1} vroeg het, {4} stemde in, voor `{2}`; beiden kunnen het lezen tot {3}"}},
    policy::Sentence{"written", {"written to {0}", "opgeslagen in {0}"}},
    policy::Sentence{"export.erased", {"{0} entries give no record: what they said is erased",
           "{0} regels geven niets: wat erin stond is gewist"}},
    policy::Sentence{"export.left-out", {"{0} entries say too little for a record of this form",
           "{0} regels zeggen te weinig voor deze vorm"}},
    policy::Sentence{"check.good", {"{0}: good", "{0}: in orde"}},
    policy::Sentence{"check.over", {"{0}: not served: its assessment is over",
           "{0}: wordt niet geleverd: de beoordeling is verlopen"}},
    policy::Sentence{"check.soon", {"{0}: good until {1}, then its assessment is over",
           "{0}: in orde tot {1}, dan verloopt de beoordeling"}},
    policy::Sentence{"error.where", {"where", "waar"}},
    policy::Sentence{"error.mend", {"mend", "doe dit"}},
    policy::Sentence{"error.code", {"code", "code"}},
    policy::Sentence{"damaged", {"damaged: {0}", "beschadigd: {0}"}},
    policy::Sentence{"damaged.entry", {" (entry {0})", " (regel {0})"}},
    policy::Sentence{"damaged.entries", {" (entries {0} to {1})", " (regels {0} tot en met {1})"}},
    policy::Sentence{"finding", {"finding: {0}", "gevonden: {0}"}},
    policy::Sentence{"verify.log", {"log:       {0}", "logboek:      {0}"}},
    policy::Sentence{"verify.empty", {"range:     no entries", "omvang:       geen regels"}},
    policy::Sentence{"verify.range", {"range:     entries 0 to {0}", "omvang:       regels 0 tot en met {0}"}},
    policy::Sentence{"verify.root", {"root:      {0}", "wortel:       {0}"}},
    policy::Sentence{"verify.signature", {"signature: good", "handtekening: klopt"}},
    policy::Sentence{"verify.payloads", {"payloads:  {0} fit their entries, {1} erased",
           "inhoud:       {0} kloppen met hun regel, {1} gewist"}},
    policy::Sentence{"package", {"package:   of {0} ({1}), from {2} to {3}, taken as {4}: entry {5}",
           "pakket:       van {0} ({1}), van {2} tot {3}, meegenomen als {4}: regel {5}"}},
    policy::Sentence{"package.missing", {"missing:   {0}: the node did not have it", "ontbreekt:    {0}: de knoop had het niet"}},
    policy::Sentence{"package.silent", {"silent:    {0} entries of the period say nothing here: they were erased, or held back",
           "stil:         {0} regels van deze tijd zeggen hier niets: ze zijn gewist, of achtergehouden"}},
    policy::Sentence{"package.perhaps", {"silent:    {0} more, of hours that lie in the period in part",
           "stil:         nog {0}, uit uren die deels in deze tijd vallen"}},
    policy::Sentence{"package.holds", {"files:     {0}, each as it was given out; {1} rows and {2} documents fit their entries",
           "bestanden:    {0}, elk zoals het is meegegeven; {1} rijen en {2} documenten kloppen met hun regel"}},
    policy::Sentence{"verify.findings", {"findings:  {0} signed statements; give --dpo-key to have their signatures checked",
           "bevindingen:  {0} ondertekende verklaringen; geef --dpo-key om de handtekening te laten controleren"}},
    policy::Sentence{"verify.findings.absent", {"findings:  {0} signed statements are NOT there: the log says that they were made, and such are never erased",
           "bevindingen:  {0} ondertekende verklaringen ONTBREKEN: het logboek zegt dat ze er waren, en zulke worden nooit gewist"}},
    policy::Sentence{"verify.findings.missed", {"findings:  NOT proven as you ask: some are signed with other keys than you gave, or are not there",
           "bevindingen:  NIET bewezen zoals u vraagt: sommige zijn met andere sleutels ondertekend, of ontbreken"}},
    policy::Sentence{"verify.findings.none", {"findings:  not checked: the log was exported without what its entries say (export-log --payloads)",
           "bevindingen:  niet gecontroleerd: wat de regels zeggen is niet meegegeven (export-log --payloads)"}},
    policy::Sentence{"verify.findings.keys", {"findings:  {0} signed statements, {1} hold under a key that you gave",
           "bevindingen:  {0} ondertekende verklaringen, {1} kloppen met een sleutel die u gaf"}},
    policy::Sentence{"verify.payloads.part", {"payloads:  {0} fit their entries, {1} are not here: out of the period, or erased",
           "inhoud:       {0} kloppen met hun regel, {1} zijn hier niet: buiten deze tijd, of gewist"}},
    policy::Sentence{"verify.anchor", {"anchor:    {0} entries; {1} later ones rest on the node's signature alone",
           "ijkpunt:      {0} regels; voor {1} latere regels staat alleen de knoop zelf in"}},
    policy::Sentence{"verify.proven", {"consistent, authentic, and complete up to the anchor",
           "het logboek klopt, is echt, en is volledig tot het ijkpunt"}},
    policy::Sentence{"verify.unproven", {"consistent, but not proven complete or authentic: give a checkpoint that you kept (--anchor), or "
           "say which witnesses you trust (--policy)",
           "het logboek klopt, maar dat het echt en volledig is, is niet bewezen: "
           "geef een ijkpunt dat u bewaarde (--anchor), of zeg welke getuigen u vertrouwt (--policy)"}},
    policy::Sentence{"verify.pruned", {"entries:   pruned on {1}, as `{0}` records; what was proven of them still holds",
           "regels:       opgeruimd op {1}, zoals `{0}` vastlegde; wat ervan bewezen is, geldt nog"}},
    policy::Sentence{"verify.pruned.log", {"`{0}`: its {2} entries were pruned on {1}: what they said is not in this package",
           "`{0}`: de {2} regels zijn opgeruimd op {1}: wat erin stond, zit niet in dit pakket"}},
    policy::Sentence{"verify.pruned.proven", {"consistent, and authentic up to the anchor; its node has removed its entries",
           "het logboek klopt, en is echt tot het ijkpunt; de knoop heeft de regels opgeruimd"}},
    policy::Sentence{"verify.pruned.said", {"entries:   pruned on {1}, says `{0}`: NOT proven, as its key was not given (--later-key)",
           "regels:       opgeruimd op {1}, zegt `{0}`: NIET bewezen, want die sleutel is niet gegeven (--later-key)"}},
    policy::Sentence{"verify.pruned.unproven", {"consistent, but it is not proven that its node ended this log and pruned it: give the key of the later log (--later-key)",
           "het logboek klopt, maar dat de knoop het zelf afsloot en opruimde, is niet bewezen: geef de sleutel van het latere logboek (--later-key)"}},
    policy::Sentence{"verify.unmet", {"consistent, but not proven as you ask: too few witnesses signed (--policy)",
           "het logboek klopt, maar is niet bewezen zoals u vraagt: er tekenden te weinig getuigen (--policy)"}},
    policy::Sentence{"verify.wrong", {"NOT in order", "NIET in orde"}},
    policy::Sentence{"quorum.met", {"quorum:    `{0}` is met, at {1} entries", "quorum:       `{0}` is gehaald, bij {1} regels"}},
    policy::Sentence{"quorum.unmet", {"quorum:    `{0}` is NOT met, at {1} entries",
           "quorum:       `{0}` is NIET gehaald, bij {1} regels"}},
    policy::Sentence{"quorum.none", {"quorum:    `{0}` asks for no cosignature, at {1} entries",
           "quorum:       `{0}` vraagt geen getuigen, bij {1} regels"}},
    policy::Sentence{"quorum.signed", {"           {0} ({1}) signed at {2}", "              {0} ({1}) tekende op {2}"}},
    policy::Sentence{"quorum.missing", {"           {0} ({1}) did not sign", "              {0} ({1}) tekende niet"}},
    policy::Sentence{"proof.entry", {"entry {0} of {1}, kind {2}, is in the log at size {3}, root {4}",
           "regel {0} van {1}, soort {2}, staat in het logboek bij omvang {3}, wortel {4}"}},
    policy::Sentence{"proof.none_of_theirs", {"this node holds no receipt of the other party's log for that", "deze node heeft daarvan geen bewijs uit het logboek van de ander"}},
    policy::Sentence{"proof.conflict", {"{0} signed two different logs of {1} entries: it was rewritten, or shows others another one",
           "{0} tekende twee verschillende logboeken van {1} regels: het is herschreven, of anderen krijgen iets anders te zien"}},
    policy::Sentence{"proof.event", {"at {0}: {1}", "op {0}: {1}"}},
    policy::Sentence{"proof.party", {", with {0}", ", met {0}"}},
    policy::Sentence{"proof.dataset", {", about {0}", ", over {0}"}},
    policy::Sentence{"proof.key", {"signed with key {0}; give --dpo-key to have the signature checked",
           "ondertekend met sleutel {0}; geef --dpo-key om de handtekening te laten controleren"}},
    policy::Sentence{"proof.key.given", {"signed with key {0}, which you gave", "ondertekend met sleutel {0}, die u gaf"}},
    policy::Sentence{"statement", {"found at {0}, in {1} entries of its log, from {2} to {3}:",
           "gevonden bij {0}, in {1} regels van het logboek, van {2} tot {3}:"}},
    policy::Sentence{"statement.finding", {"  {0}: {1}. {2}", "  {0}: {1}. {2}"}},
    policy::Sentence{"statement.by", {" (by {0})", " (uiterlijk {0})"}},
    policy::Sentence{"judgement.confirmed", {"confirmed", "bevestigd"}},
    policy::Sentence{"judgement.accepted", {"accepted", "aanvaard"}},
    policy::Sentence{"judgement.to mend", {"to mend", "moet anders"}},
    policy::Sentence{"findings.draft", {"written to {0}: judge each finding there, then give the same file with --sign",
           "opgeslagen in {0}: vul daar bij elke bevinding uw oordeel in, en geef hetzelfde bestand met --sign"}},
    policy::Sentence{"findings.signed", {"{0} findings signed; they are entry {1} of {2}, signed with key {3}",
           "{0} bevindingen ondertekend; ze zijn regel {1} van {2}, met sleutel {3}"}},
    policy::Sentence{"package.taken", {"{0} files written to {1}; that you took them is entry {2}; check them with: "
           "sluis audit verify --package {1} --key KEY",
           "{0} bestanden opgeslagen in {1}; dat u ze meenam is regel {2}; controleer ze met: sluis audit verify --package {1} --key SLEUTEL"}},
    policy::Sentence{"reconciled", {"compared: {0} entries here, {1} there; {2} differ, {3} requests are under way",
           "vergeleken: {0} regels hier, {1} daar; {2} verschillen, {3} vragen lopen nog"}},
    policy::Sentence{"reconciled.settled", {"settled: agreement {0}", "geregeld: afspraak {0}"}},
    policy::Sentence{"reconciled.settled.process", {"settled: {0}", "geregeld: {0}"}},
    policy::Sentence{"reconciled.held", {"still held: agreement {0}", "nog niet vrij: afspraak {0}"}},
    policy::Sentence{"reconciled.held.process", {"still held: {0}", "nog niet vrij: {0}"}},
    policy::Sentence{"pull.refused", {"refused ({0}): {1}", "geweigerd ({0}): {1}"}},
    policy::Sentence{"pull.cut", {"the stream was cut after {0} bytes", "de levering stopte na {0} bytes"}},
    policy::Sentence{"pull.cut.mend", {"audit log says why; a pull may be repeated while its agreement holds, with -O and --continue from where it broke off",
           "audit log zegt waarom; zolang de afspraak geldt, mag u het opnieuw proberen, met -O en --continue vanaf waar het stopte"}},
    policy::Sentence{"pull.whole_differs", {"what is there now is not the whole that was sent: its digest differs, or none was named",
           "wat er nu staat is niet het geheel: het controlegetal is anders, of ontbreekt"}},
    policy::Sentence{"pull.whole_differs.mend", {"pull again without --continue", "haal opnieuw op, zonder --continue"}},
    policy::Sentence{"pull.continued", {"{0}: continued at byte {1}, {2} rows and {3} bytes more; the digest of the whole is right",
           "{0}: verder vanaf byte {1}, {2} rijen en {3} bytes erbij; het controlegetal van het geheel klopt"}},
    policy::Sentence{"pull.continued.rows", {"{0}: continued behind row {1}, {2} rows and {3} bytes more; the digest of the whole is right",
           "{0}: verder na rij {1}, {2} rijen en {3} bytes erbij; het controlegetal van het geheel klopt"}},
    policy::Sentence{"pull.anew.changed", {"the source has changed since the pull broke off: it begins anew",
           "de bron is veranderd sinds het ophalen stopte: het begint opnieuw"}},
    policy::Sentence{"pull.anew.range", {"the source does not go on where the pull broke off: it begins anew",
           "de bron gaat niet verder waar het ophalen stopte: het begint opnieuw"}},
    policy::Sentence{"pull.anew.whole", {"these data have no parts that leave as they are: it begins anew",
           "van deze gegevens zijn er geen losse delen: het begint opnieuw"}},
    policy::Sentence{"pull.anew.nothing", {"`{0}` is nothing to go on from: it begins anew",
           "`{0}` is niets om mee verder te gaan: het begint opnieuw"}},
    policy::Sentence{"pull.differs", {"what came is not what was sent: its digest differs",
           "wat aankwam is niet wat verstuurd is: de controlegetallen zijn anders"}},
    // What kind of thing went wrong; the node's own message follows.
    policy::Sentence{"invalid_argument", {"{0}", "De vraag klopt niet. {0}"}},
    policy::Sentence{"invalid_state", {"{0}", "Dat kan nu niet. {0}"}},
    policy::Sentence{"not_found", {"{0}", "Dat is er niet. {0}"}},
    policy::Sentence{"permission_denied", {"{0}", "Dat mag niet. {0}"}},
    policy::Sentence{"unauthenticated", {"{0}", "De knoop weet niet wie u bent. {0}"}},
    policy::Sentence{"conflict", {"{0}", "Iemand anders was eerder, of het is er al. {0}"}},
    policy::Sentence{"limit_exceeded", {"{0}", "Dat is te veel of te groot. {0}"}},
    policy::Sentence{"peer_unavailable", {"{0}", "De andere kant geeft geen antwoord. {0}"}},
    policy::Sentence{"storage_unavailable", {"{0}", "Er kan nu niets worden opgeslagen. {0}"}},
    policy::Sentence{"outcome_unknown", {"{0}", "Het is niet zeker of het gelukt is. {0}"}},
    policy::Sentence{"corruption", {"{0}", "Er is iets beschadigd of veranderd. {0}"}},
    policy::Sentence{"internal", {"{0}", "Er ging iets mis in de knoop. {0}"}},
};

}  // namespace

std::span<const policy::Sentence> phrases() { return kPhrases; }

std::string_view phrase(std::string_view key, std::string_view language) {
  for (const policy::Sentence& row : kPhrases) {
    if (row.code == key) return language == "nl" ? row.text.dutch : row.text.english;
  }
  return key;
}

std::string told(const provenance::Quorum& quorum, const Options& options) {
  const char* key = quorum.none ? "quorum.none" : quorum.vouches() ? "quorum.met" : "quorum.unmet";
  std::string out = say(options, key, quorum.name, quorum.checkpoint.size) + "\n";
  for (const auto& one : quorum.witnesses) {
    if (one.when) out += say(options, "quorum.signed", one.name, one.key, format_time(*one.when)) + "\n";
    else out += say(options, "quorum.missing", one.name, one.key) + "\n";
  }
  return out;
}

namespace {

std::string told(const std::vector<provenance::Damage>& all, const Options& options) {
  std::string out;
  for (const auto& damage : all) {
    std::string where = damage.file;
    if (damage.end == damage.first + 1) where += say(options, "damaged.entry", damage.first);
    if (damage.end > damage.first + 1) where += say(options, "damaged.entries", damage.first, damage.end - 1);
    out += say(options, "damaged", where + ": " + damage.what) + "\n";
  }
  return out;
}

}  // namespace

std::string told(const records::PackageReport& report, const Options& options) {
  std::string out = told(report.damage, options);
  if (report.manifest) {
    const records::Manifest& manifest = *report.manifest;
    out += say(options, "package", manifest.name, manifest.node, format_time(manifest.from), format_time(manifest.until), manifest.role, report.entry) + "\n";
    for (const std::string& name : manifest.missing) out += say(options, "package.missing", name) + "\n";
  }
  if (report.exit_code() == 1) return out + say(options, "verify.wrong") + "\n";
  out += say(options, "package.holds", report.manifest->files.size(), report.rows, report.documents) + "\n";
  if (report.silent != 0) out += say(options, "package.silent", report.silent) + "\n";
  if (report.perhaps != 0) out += say(options, "package.perhaps", report.perhaps) + "\n";
  for (const provenance::VerifyReport& log : report.logs) {
    if (log.pruned_by) out += say(options, "verify.pruned.log", log.origin, log.pruned_at ? format_time(*log.pruned_at).substr(0, 10) : "?", log.size) + "\n";
  }
  return out + told(report.logs.back(), options, "verify.payloads.part");
}

std::string told(const provenance::VerifyReport& report, const Options& options, std::string_view payloads) {
  std::string out = told(report.damage, options);
  const auto line = [&](std::string_view key, const auto&... args) { out += say(options, key, args...) + "\n"; };
  for (const std::string& finding : report.findings) line("finding", finding);
  if (report.signature_good) {
    line("verify.log", report.origin);
    if (report.size == 0) line("verify.empty");
    else line("verify.range", report.size - 1);
    line("verify.root", to_base64(view(report.root)));
    line("verify.signature");
  }
  if (report.pruned_by) line(report.pruned_proven ? "verify.pruned" : "verify.pruned.said", *report.pruned_by, report.pruned_at ? format_time(*report.pruned_at).substr(0, 10) : "?");
  if (report.payloads_checked + report.payloads_erased != 0) {
    line(payloads, report.payloads_checked, report.payloads_erased);
  }
  if (report.anchor_good) line("verify.anchor", *report.anchor_size, report.size - *report.anchor_size);
  if (report.quorum) out += told(*report.quorum, options);
  switch (report.exit_code()) {
    case 0: line(report.pruned_by ? "verify.pruned.proven" : "verify.proven"); break;
    case 3: line(report.quorum_missed() ? "verify.unmet" : !report.anchor_good ? "verify.unproven" : "verify.pruned.unproven"); break;
    default: line("verify.wrong");
  }
  return out;
}

}  // namespace sluis::cli
