#include "connector/node/cli/command.hpp"

/// The commands that call one method each.
namespace sluis::cli {
namespace {

const std::vector<Column> kDatasets = {{"ID", "id"}, {"TITLE", "title"}, {"OPEN", "open"}, {"ACCESS", "accessRights"},
                                       {"VERSION", "version"}, {"PUBLISHED", "published"}};
const std::vector<Column> kFound = {{"PEER", "peer"}, {"DATASET", "dataset"}, {"OFFER", "offer.offer.id"},
                                    {"PURPOSES", "offer.offer.purposes"}, {"PROOF", "offer.proof"},
                                    {"HASH", "offer.offer.hash"}};
const std::vector<Column> kAgreements = {{"AGREEMENT", "id"}, {"ROLE", "role"}, {"PEER", "peer"},
                                         {"DATASET", "dataset"}, {"STATE", "state"}, {"AGREED", "agreed"},
                                         {"OVER", "over"}, {"ENDED", "ended"}, {"NEWER TERMS", "newerTerms.offer"}};
const std::vector<Column> kNegotiations = {{"NEGOTIATION", "id"}, {"ROLE", "role"}, {"PEER", "peer"},
                                           {"DATASET", "dataset"}, {"STATE", "state"}, {"WAITS FOR", "waitsFor"},
                                           {"SINCE", "since"}, {"DEADLINE", "deadline"}, {"DIFFERS", "difference.code"}, {"REASON", "reason.code"}};
const std::vector<Column> kTransfers = {{"TRANSFER", "id"}, {"ROLE", "role"}, {"PEER", "peer"}, {"DATASET", "dataset"},
                                        {"STATE", "state"}, {"SINCE", "since"}, {"AGREEMENT", "agreement"}};
const std::vector<Column> kRetention = {{"AGREEMENT", "agreement"}, {"DATASET", "dataset"}, {"PEER", "peer"},
                                        {"DUE", "due"}, {"STATE", "state"}};
const std::vector<Column> kErasures = {{"ID", "id"}, {"ASKED", "asked"}, {"BY", "askedBy"}, {"COUNT", "count"}, {"ENTRIES", "entries"}, {"BASIS", "basis"}};
const std::vector<Column> kLog = {{"INDEX", "index", "0"}, {"TIME", "time"}, {"KIND", "kind"}, {"EVENT", "event"},
                                  {"PARTY", "counterparty"}, {"DATASET", "dataset"}, {"PURPOSE", "purpose"},
                                  {"DECISION", "decision"}, {"REASON", "reason"}, {"END", "end"}, {"ROWS", "rows"},
                                  {"TRANSACTION", "transaction"}};
const std::vector<Column> kReport = {{"INDEX", "entry.index", "0"}, {"TIME", "entry.time"}, {"WHAT", "entry.kind"}, {"PARTY", "party"},
                                     {"DATASET", "title"}, {"PURPOSE", "entry.purpose"}, {"ACTIVITY", "entry.activity"},
                                     {"LEGAL BASIS", "legalBasis"}, {"DECISION", "entry.decision"}, {"WHY", "entry.sentence"},
                                     {"AGREEMENT", "entry.agreement"}, {"RULE", "ruleTold"}, {"DECIDED BY", "decidedBy.body"},
                                     {"ROWS", "entry.rows"}, {"BYTES", "entry.bytes"}};
const std::vector<Column> kActivities = {{"ACTIVITY", "id"}, {"PURPOSE", "purpose"}, {"FROM", "from"},
                                         {"UNTIL", "until"}, {"VERSION", "version"}};
const std::vector<Column> kActivityChanges = {{"CHANGE", "what"}, {"ACTIVITY", "activity.id"}, {"FROM", "activity.from"},
                                              {"UNTIL", "activity.until"}, {"VERSION", "activity.version"}};
const std::vector<Column> kDeclarations = {{"ID", "id"}, {"TITLE", "title"}, {"FROM", "from"}, {"UNTIL", "until"}, {"STATE", "state"}};
const std::vector<Column> kDefinitions = {{"SITUATION", "id"}, {"TITLE", "title"}, {"WHERE", "where"}, {"DECLARED BY", "declaredBy"},
                                          {"RENEWED BY", "renewedBy"}, {"LONGEST", "longest"}};
const std::vector<Column> kPurposes = {{"NAME", "name"}, {"LABEL", "label"}, {"IRI", "iri"}};
const std::vector<Column> kChecks = {{"CHECK", "name"}, {"GOOD", "good"}, {"MESSAGE", "message"}, {"MEND", "mend"}};
const std::vector<Column> kPeerChecks = {{"CHECK", "name"}, {"RESULT", "result"}, {"MESSAGE", "message"}, {"MEND", "mend"}};

const std::vector<Column> kDeadLetters = {{"ID", "id"}, {"PEER", "peer"}, {"PROCESS", "process"}, {"MESSAGE", "message"},
                                          {"WHY", "reason.code"}, {"QUEUED", "queued"}, {"LAST TRY", "lastTry"}};
const std::vector<Column> kOutboxPeers = {{"PEER", "peer"}, {"STATE", "state"}, {"FAILURES", "failures", "0"}, {"SINCE", "since"},
                                          {"NEXT TRY", "nextTry"}};

const Argument kId = {"ID", "id", Kind::text, true, "as the list shows it"};
const Argument kCode = {"--reason", "code", Kind::text, false, "a code for the reason, as `purpose`"};
const Argument kBody = {"--decided-by", "decidedBy.body", Kind::text, false, "the body that decided this, as `Council of Waterrijk`"};
const Argument kBodyKind = {"--body-kind", "decidedBy.kind", Kind::text, false, "elected, appointed, external or supplier"};
const Argument kReference = {"--decision", "decidedBy.reference", Kind::text, false, "where that decision can be found"};
const std::vector<Argument> kLogFilters = {
    {"--kind", "kinds", Kind::list, false, "of this kind; may be repeated"},
    {"--event", "event", Kind::text, false, "within the kind; `evaluated` also finds `evaluated.refused`"},
    {"--party", "party", Kind::text, false, "with this participant"},
    {"--dataset", "dataset", Kind::text, false, "about this dataset"},
    {"--agreement", "agreement", Kind::text, false, "under this agreement"},
    {"--purpose", "purpose", Kind::text, false, "full IRI"},
    {"--decision", "decision", Kind::text, false, "`permit` or `refused`"},
    {"--transaction", "transaction", Kind::text, false, "of this transaction"},
    {"--activity", "activity", Kind::text, false, "for this processing activity"},
    {"--certificate", "certificate", Kind::text, false, "by who came with this certificate: SHA-256, hexadecimal"},
    {"--from", "from", Kind::time, false, "not earlier"},
    {"--key", "key", Kind::text, false, "by who came with this key: the SHA-256 of a certificate, or the kid of a claim key"},
    {"--until", "until", Kind::time, false, "earlier"},
    {"--newest-first", "newestFirst", Kind::flag, false, "the other way round"}};
const Argument kSentence = {"--message", "sentence", Kind::text, false, "the reason in words, for the other party"};

std::vector<Command> offering() {
  return {
      {"dataset", "publish", "DatasetService/Publish", "offers what a dataset file describes",
       {{"FILE", "toml", Kind::file, true, "the dataset's TOML file"}}, "dataset", {}, "id", true, false, false, Waits::no, true},
      {"dataset", "list", "DatasetService/List", "what this node offers",
       {{"--retracted", "retracted", Kind::flag, false, "those that were taken off too"}},
       "datasets", kDatasets, "id", false, false, true},
      {"dataset", "show", "DatasetService/Show", "one dataset with its offer", {kId}, "dataset", {}, "id"},
      {"dataset", "retract", "DatasetService/Retract", "takes a dataset off the catalogue",
       {kId, {"--reason", "reason", Kind::text, false, "why, for the log"}}, "dataset", {}, "id", true, true},
      {"terms", "publish", "TermsService/Publish", "gives a dataset on offer new terms",
       {{"FILE", "text", Kind::file, true, "an offer as JSON with its `target`, or the dataset's file"},
        {"--dataset", "dataset", Kind::text, false, "for an offer without `target`"}}, "dataset", {}, "id", true, false, false, Waits::no, true},
      {"catalog", "fetch", "CatalogService/Fetch", "asks a party for its catalogue, with proofs",
       {{"PEER", "peer", Kind::text, true, "participant id or name"}}, "datasets", kFound, "offer.offer.id"},
      {"catalog", "search", "CatalogService/Search", "looks through the catalogues that were fetched",
       {{"TEXT", "text", Kind::text, false, "words of title or id"},
        {"--peer", "peer", Kind::text, false, "of this party only"}},
       "datasets", kFound, "offer.offer.id", false, false, true},
      {"membership", "show", "MembershipService/Show", "the list of members", {}, "membership", {}, "version"},
      {"membership", "changes", "MembershipService/Show", "what the list in force changed of the one before", {}, "changes", {}, "version"},
      {"membership", "sources", "MembershipService/Show", "where lists are fetched, when, and how long who was taken off may still have access",
       {}, "fetching", {}, "bound"},
      {"membership", "check", "MembershipService/Check", "whether this node would take a signed list",
       {{"FILE", "document", Kind::file, true, "the signed list"}}, "membership", {}, "version"},
      {"membership", "load", "MembershipService/Load", "takes over a signed list",
       {{"FILE", "document", Kind::file, true, "the signed list"}}, "membership", {}, "version", true},
      {"purpose", "list", "PurposeService/List", "the purposes that terms may name",
       {{"TEXT", "text", Kind::text, false, "part of an IRI or label"}}, "purposes", kPurposes, "iri", false, false,
       true},
      {"purpose", "publish", "PurposeService/Publish", "the federation's own purposes",
       {{"FILE", "text", Kind::file, true, "tab-separated: IRI, label, Dutch label, parents"}, kBody, kBodyKind, kReference}, "", {},
       "hash", true},
      {"activity", "list", "ActivityService/List", "the processing activities of this organisation",
       {{"--all-versions", "allVersions", Kind::flag, false, "older versions too"},
        {"--at", "at", Kind::time, false, "those that held then, as they were then"}},
       "activities", kActivities, "id", false, false, true},
      {"activity", "show", "ActivityService/Show", "one processing activity, as it is",
       {kId, {"--at", "at", Kind::time, false, "as it was then"}}, "activity", {}, "id"},
      {"activity", "import", "ActivityService/Import", "takes over a register: all of the file, or nothing",
       {{"FILE", "text", Kind::file, true, "CSV or JSON with the canonical headings, as `activity export` writes"},
        {"--format", "format", Kind::text, false, "csv or json; as the file's name ends, unless given"}},
       "changes", kActivityChanges, "activity.id", true},
  };
}

/// A situation and an assessment are asked for in the same way.
void add_asking(std::vector<Command>& list, std::string_view noun) {
  const Argument why = {"--why", "why", Kind::text, true, "in a sentence; it becomes public"};
  list.push_back({noun, "end", "DeclarationService/End", "ends one before its time; running streams are looked at anew",
                  {kId, why}, "declaration", {}, "id", true, true, false, Waits::no, false, noun});
  list.push_back({noun, "list", "DeclarationService/List", "what is in force, and what was",
                  {{"--in-force", "inForce", Kind::flag, false, "what is in force now"}},
                  "declarations", kDeclarations, "id", false, false, true, Waits::no, false, noun});
  list.push_back({noun, "show", "DeclarationService/Show", "the newest of this id, with who did what",
                  {kId}, "declaration", {}, "id", false, false, false, Waits::no, false, noun});
}

std::vector<Command> declaring() {
  const Argument until = {"--until", "until", Kind::time, true, "it ends by itself then"};
  const Argument why = {"--why", "why", Kind::text, true, "in a sentence; it becomes public afterwards"};
  std::vector<Command> list = {
      {"situation", "declare", "DeclarationService/Declare", "that a situation is there, from now on",
       {kId, until, why}, "declaration", {}, "id", true},
      {"situation", "renew", "DeclarationService/Renew", "a later end, by another person in another role",
       {kId, until, why}, "declaration", {}, "id", true},
      {"situation", "definitions", "DeclarationService/Definitions", "the situations that can be declared here, and by whom",
       {}, "definitions", kDefinitions, "id"},
      {"assessment", "record", "DeclarationService/RecordAssessment", "that a purpose is compatible: who, why, on which basis",
       {{"FILE", "toml", Kind::file, true, "TOML: id, title, purposes, legal_basis, safeguards, why, until"}}, "declaration", {}, "id", true},
  };
  add_asking(list, "situation");
  add_asking(list, "assessment");
  return list;
}

std::vector<Command> agreeing() {
  return {
      {"agreement", "request", "AgreementService/Request", "asks a party for data on the terms of its offer",
       {{"PEER", "peer", Kind::text, true, "participant id or name"},
        {"OFFER", "offer", Kind::text, false, "id of an offer, or of a dataset"},
        {"--document", "document", Kind::file, false, "instead: an offer as JSON with its `target`, that stands in no catalogue"},
        {"--address", "address", Kind::text, false, "of the party's Dataspace Protocol, where it announces none"},
        {"--purpose", "purpose", Kind::purpose, false, "what for; the offer is narrowed to it where needed"}},
       "negotiation", {}, "id", true, false, false, Waits::negotiation},
      {"agreement", "approve", "AgreementService/Approve", "agrees to what waits for the steward",
       {{"ID", "negotiation", Kind::text, true, "of the negotiation"}, kBody, kBodyKind, kReference}, "negotiation", {}, "id", true},
      {"agreement", "counter", "AgreementService/Counter",
       "answers what waits for the steward with other terms; the other party's steward sees how they differ",
       {{"ID", "negotiation", Kind::text, true, "of the negotiation"},
        {"FILE", "document", Kind::file, true, "the terms: an offer as JSON, or a dataset's file"}}, "negotiation", {}, "id", true},
      {"agreement", "renew", "AgreementService/Renew", "asks for the terms that are on offer now, for the same dataset and purpose",
       {kId, {"--end-old", "endOld", Kind::flag, false, "the old agreement ends when the new one is made; else it stays until its own end"}},
       "negotiation", {}, "id", true, false, false, Waits::negotiation},
      {"agreement", "refuse", "AgreementService/Refuse", "ends a negotiation with a reason",
       {{"ID", "negotiation", Kind::text, true, "of the negotiation"},
        {"--reason", "code", Kind::text, true, "a code for the reason, as `purpose`"}, kSentence},
       "negotiation", {}, "id", true},
      {"agreement", "import", "AgreementService/Import",
       "takes over what was concluded elsewhere, as on paper; two persons in two roles import the same file",
       {{"FILE", "toml", Kind::file, true, "TOML: id, role, party, dataset, agreed, basis, document, terms, address"}}, "", {}, "agreement.id", true},
      {"agreement", "list", "AgreementService/List", "agreements; `negotiation list` has what leads to them",
       {{"--peer", "peer", Kind::text, false, "with this participant"},
        {"--dataset", "dataset", Kind::text, false, "about this dataset"},
        {"--active", "activeOnly", Kind::flag, false, "those that have not ended"}},
       "agreements", kAgreements, "id", false, false, true},
      {"negotiation", "list", "AgreementService/ListNegotiations", "negotiations, and for whom they wait",
       {{"--peer", "peer", Kind::text, false, "with this participant"},
        {"--dataset", "dataset", Kind::text, false, "about this dataset"},
        {"--open", "openOnly", Kind::flag, false, "those that are not over"},
        {"--waits-for", "waitsFor", Kind::text, false, "`steward`, `peer`, `delivery`, `script`"}},
       "negotiations", kNegotiations, "id", false, false, true},
      {"agreement", "show", "AgreementService/Show", "an agreement or a negotiation, by its id", {kId}, "", {},
       "agreement.id negotiation.id"},
      {"agreement", "terminate", "AgreementService/Terminate", "ends an agreement; running streams are cut",
       {kId, kCode, kSentence}, "agreement", {}, "id", true, true},
      {"transfer", "start", "TransferService/Start", "asks for access under an agreement",
       {{"AGREEMENT", "agreement", Kind::text, true, "its id"},
        {"--push", "pushTo", Kind::text, false, "the provider sends the data there: an https address at an origin of one of our endpoints; else they are pulled"},
        {"--purpose", "purpose", Kind::text, false, "of a push: what it is for"},
        {"--activity", "activity", Kind::text, false, "of a push: the registered processing activity, by its URI"}},
       "transfer", {}, "id", true, false, false, Waits::transfer},
      {"transfer", "list", "TransferService/List", "transfers in both roles",
       {{"--agreement", "agreement", Kind::text, false, "under this agreement"},
        {"--open", "openOnly", Kind::flag, false, "those that are not over"}},
       "transfers", kTransfers, "id", false, false, true},
      {"transfer", "show", "TransferService/Show", "one transfer", {kId}, "transfer", {}, "id"},
      {"transfer", "suspend", "TransferService/Suspend", "closes access for a while", {kId, kCode, kSentence},
       "transfer", {}, "id", true},
      {"transfer", "resume", "TransferService/Resume", "opens access again", {kId}, "transfer", {}, "id", true},
      {"transfer", "complete", "TransferService/Complete", "ends a transfer that did its work", {kId}, "transfer", {},
       "id", true},
      {"transfer", "terminate", "TransferService/Terminate", "ends a transfer", {kId, kCode, kSentence}, "transfer", {},
       "id", true, true},
      {"outbox", "peers", "OutboxService/Peers", "the parties for whom messages wait, and whether they can be reached", {}, "peers",
       kOutboxPeers, "peer"},
      {"outbox", "list", "OutboxService/List", "messages that will not be delivered unless somebody has them tried again", {}, "letters",
       kDeadLetters, "id", false, false, true},
      {"outbox", "show", "OutboxService/Show", "one of them, and why", {kId}, "letter", {}, "id"},
      {"outbox", "retry", "OutboxService/Retry", "has it sent again, before what follows it in its process", {kId}, "letter", {}, "id", true},
      {"outbox", "drop", "OutboxService/Drop", "the other party never gets it; the log says who decided that",
       {kId, {"--reason", "code", Kind::text, true, "a code for the reason, as `not-needed`"},
        {"--message", "sentence", Kind::text, false, "the reason in words, for the log"}}, "letter", {}, "id", true, true},
      {"retention", "list", "RetentionService/List", "what must be deleted, and when",
       {{"--due", "dueOnly", Kind::flag, false, "what is due now"}}, "retention", kRetention, "agreement", false, false,
       true},
      {"retention", "confirm", "RetentionService/Confirm", "says that the data of an agreement were deleted",
       {{"AGREEMENT", "agreement", Kind::text, true, "its id"}}, "retention", {}, "agreement", true},
  };
}

std::vector<Command> overseeing() {
  return {
      {"audit", "log", "AuditService/Log", "who got what, for which purpose, and what was refused", kLogFilters, "entries", kLog,
       "index", false, false, true, Waits::no, true},
      {"audit", "report", "AuditService/Report", "the same as a privacy officer reads it: with legal basis, rule, and who decided that rule",
       kLogFilters, "lines", kReport, "entry.index", false, false, true, Waits::no, true},
      {"audit", "erase", "AuditService/Erase", "makes what entries say unreadable for ever; the entries and their proofs stay; one person asks, another confirms",
       {{"--entry", "entries", Kind::list, false, "its number; may be repeated"},
        {"--transaction", "transaction", Kind::text, false, "entries of this transaction"},
        {"--party", "party", Kind::text, false, "entries about this counterparty"},
        {"--before", "before", Kind::time, false, "entries recorded earlier: RFC 3339, or a day"},
        {"--basis", "basis", Kind::text, false, "the legal ground, and nobody's name: it stays in the log"},
        {"--confirm", "confirm", Kind::text, false, "instead: the id of what another person asked for; it is erased now"}},
       "", {}, "erasure.id", true, true},
      {"audit", "erasures", "AuditService/Erasures", "what was asked to be erased, and waits for a second person", {}, "erasures", kErasures, "id"},
      {"audit", "prune", "AuditService/Prune", "removes the entries of an older log that are older than keep_log_days; its tiles, checkpoint and proofs stay; a privacy officer or dpo asks, a steward confirms",
       {{"ORIGIN", "origin", Kind::text, false, "of the oldest log that has entries: it was followed by another"},
        {"--basis", "basis", Kind::text, false, "the ground, and nobody's name: it stays in the log"},
        {"--confirm", "confirm", Kind::text, false, "instead: the id of what another person asked for; the entries go now"}},
       "", {}, "id", true, true},
      {"status", "", "NodeService/Status", "how the node is doing", {}, "", {}, "participant"},
      {"doctor", "", "NodeService/Doctor", "what is wrong with the node, and how to mend it", {}, "checks", kChecks,
       "name"},
      {"doctor", "peer", "NodeService/DoctorPeer", "what stands between the node and one party, and how to mend it",
       {{"PEER", "peer", Kind::text, true, "participant id or name"}}, "checks", kPeerChecks, "name"},
      {"backup", "create", "NodeService/Backup", "copies the running node to the places that its configuration names", {}, "", {}, "id", true},
      {"log", "follow", "NodeService/RotateLogKey", "the running node goes over to the log that `sluis log next` prepared, under its own key; needs it in the membership list", {}, "", {},
       "follows", true, true},
      {"demo", "clock", "NodeService/DemoClock", "moves the clock of a demonstration's node",
       {{"SPAN", "bySeconds", Kind::duration, true, "forward, as +8d or 36h"}}, "", {}, "now", true},
  };
}

std::vector<Command> all() {
  auto list = offering();
  for (auto&& part : {declaring(), agreeing(), overseeing()}) list.insert(list.end(), part.begin(), part.end());
  return list;
}

}  // namespace

std::span<const Command> commands() {
  static const std::vector<Command> kAll = all();
  return kAll;
}

}  // namespace sluis::cli
