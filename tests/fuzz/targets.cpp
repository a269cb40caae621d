#include "tests/fuzz/targets.hpp"

#include "connector/authzen/request.hpp"
#include "connector/base/bytes.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/toml.hpp"
#include "connector/base/zoneinfo.hpp"
#include "connector/declaration/declaration.hpp"
#include "connector/dsp/wire.hpp"
#include "connector/http/proxy_header.hpp"
#include "connector/http/server.hpp"
#include "connector/identity/claim.hpp"
#include "connector/identity/membership.hpp"
#include "connector/identity/statement.hpp"
#include "connector/provenance/receipt.hpp"
#include "connector/provenance/tiles.hpp"
#include "connector/provenance/witness.hpp"
#include "connector/provenance/witness_policy.hpp"
#include "connector/records/package.hpp"
#include "policy/minimise/transformer.hpp"

#include <cstdlib>

namespace sluis::fuzz {
namespace {

constexpr const char* kOffer =
    R"({"@id":"o","@type":"Offer","permission":[{"action":"use","constraint":[{"leftOperand":"purpose","operator":"isAnyOf","rightOperand":["dpv:Marketing","dpv:Advertising"]},{"leftOperand":"dateTime","operator":"lt","rightOperand":"2027-01-01T00:00:00Z"}]}],"obligation":[{"action":"https://w3id.org/sluis/odrl/1#deleteAfter","constraint":[{"leftOperand":"delayPeriod","operator":"eq","rightOperand":"P7D"}]}]})";

constexpr const char* kDeclaration =
    R"({"id":"urn:s","kind":"situation","number":3,"title":"Crowds","where":"Market","opens":["urn:p"],"from":"2026-11-26T09:00:00Z",)"
    R"("until":"2026-11-26T12:00:00Z","acts":[{"what":"declared","role":"operator","when":"2026-11-26T09:00:00Z","until":)"
    R"("2026-11-26T12:00:00Z","why":"full"}]})";

constexpr const char* kBatch =
    R"({"subject":{"type":"party","id":"urn:p","properties":{"class":"municipality"}},"options":)"
    R"({"evaluations_semantic":"deny_on_first_deny"},"resource":{"type":"dataset","id":"urn:d","properties":)"
    R"({"agreement":"urn:a"}},"evaluations":[{},{"action":{"name":"use","properties":{"purpose":"dpv:Marketing"}}}]})";

bool authzen_bounded(const std::string& text) {
  const auto value = json::parse(text);
  if (!value) return false;
  const auto batch = authzen::read_batch(*value);
  if (batch && (batch->evaluations.empty() || batch->evaluations.size() > limits::kEvaluationsPerBatch)) std::abort();
  bool read = bool(batch);
  for (const auto sought : {authzen::Sought::subject, authzen::Sought::resource, authzen::Sought::action}) {
    const auto search = authzen::read_search(*value, sought);
    read |= bool(search);
    if (search && search->after.size() > limits::kPageTokenBytes) std::abort();
  }
  return read;
}

/// By each set of instructions, whole and in halves: always the same rows, or refused alike.
bool csv_alike(const std::string& text) {
  std::optional<std::pair<bool, std::string>> first;
  for (const policy::ScanKind kind : {policy::ScanKind::scalar, policy::ScanKind::sse2, policy::ScanKind::avx2}) {
    for (const std::size_t cut : {text.size(), text.size() / 2}) {
      policy::CsvReader reader({}, kind);
      std::string seen;
      const auto row = [&](const policy::CsvRow& one) -> Result<void> {
        for (const std::string_view field : one.fields) seen += std::to_string(field.size()) + ":" + std::string(field);
        return {};
      };
      const bool good = reader.feed(std::string_view(text).substr(0, cut), row) && reader.feed(std::string_view(text).substr(cut), row) && reader.finish(row);
      if (first && (first->first != good || first->second != seen)) std::abort();
      first = {good, seen};
    }
  }
  return first->first;
}

/// What leaves of a table under most of the transforms; nothing where it is refused.
std::optional<std::string> minimised(const std::string& text, policy::Form form) {
  policy::DatasetColumns columns;
  for (const char* name : {"t", "n", "y"}) columns.columns.push_back({name, policy::ColumnAction::keep, false, std::nullopt});
  columns.columns[0].time = policy::TimeFormat{"%d/%m/%Y %H:%M", "Europe/Dublin", policy::Doubled::earlier, policy::Missing::drop};
  columns.columns[1].counts = true;
  policy::Means means;
  means.zones = [](const std::string& name) -> Result<policy::ZonePtr> {
    static const auto zone = std::make_shared<const policy::ZoneTable>(*policy::parse_tzif(*read_zoneinfo("Europe/Dublin"), name));
    return policy::ZonePtr(zone);
  };
  means.lot = [](std::string_view row) { return static_cast<std::uint8_t>(row.size() % 2 == 0 ? 255 : 0); };
  const std::vector<policy::Transform> transforms{policy::GeneraliseTime{{"t"}, "P1D", "Europe/Dublin"}, policy::GeneralisePlace{{"y"}, "0.5", ""},
                                                  policy::SuppressSmallCells{10, {}, {}, 5},
                                                  policy::AggregateBy{{"t", "y"}, {{"n", policy::Measure::Of::sum, "n"}}, "", 3, true}};
  const std::vector<policy::Transform> by_lot{policy::SuppressSmallCells{10, {}, {}, 5},
                                              policy::AggregateBy{{"t"}, {{"rows", policy::Measure::Of::count, ""}}, "", 3, true}};
  policy::CsvFormat format;
  format.form = form;
  std::string out;
  for (const auto* all : {&transforms, &by_lot}) {
    policy::Transformer transformer(*policy::ColumnPlan::compile(columns, *all, means), format);
    if (!transformer.feed(text)) return std::nullopt;
    const auto rest = transformer.finish();
    if (!rest) return std::nullopt;
    out += *rest;
  }
  return out;
}

}  // namespace

std::vector<Target> targets() {
  const auto key = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const auto claim_key = crypto::Key::generate(crypto::Key::Kind::p256);
  const auto verifier = provenance::VerifierKey::of("waterrijk.example/log", key);
  const auto watcher = provenance::VerifierKey::of("panel.example/witness", key, provenance::Signer::witness);
  const auto other_watcher = provenance::VerifierKey::of("city.example", crypto::Key::generate(crypto::Key::Kind::ed25519), provenance::Signer::witness);
  identity::Claim claim;
  claim.iss = ParticipantId("did:web:duinmeer.example");
  claim.aud = ParticipantId("did:web:waterrijk.example");
  claim.iat = *parse_time("2026-11-26T09:00:00Z");
  claim.agreement = AgreementId("urn:uuid:a");
  claim.transfer = ProcessId("urn:uuid:t");
  claim.transaction = TransactionId("urn:uuid:x");
  claim.purpose = "https://w3id.org/dpv#Marketing";
  claim.jti = "1";
  claim.method = "GET";
  claim.path = "/data";
  const std::string token = identity::make_claim(claim, "k", claim_key);
  const std::string note = provenance::sign_checkpoint({"waterrijk.example/log", 3, Hash{}}, key);
  provenance::Receipt receipt;
  receipt.k = std::string(32, 'k');
  receipt.shared = "shared";
  receipt.checkpoint = note;
  identity::Statement statement;
  statement.node = claim.iss;
  statement.origin = "waterrijk.example/log";
  statement.size = 3;
  statement.from = statement.until = statement.made = claim.iat;
  identity::JudgedFinding finding;
  finding.code = "dataset.wider";
  finding.entries = {1, 2};
  finding.judgement = identity::Judgement::to_mend;
  finding.why = "anew";
  finding.by = claim.iat;
  statement.findings = {finding};
  records::Manifest manifest;
  manifest.node = manifest.name = manifest.role = "w";
  manifest.logs = {{"waterrijk.example/log", 0, 3}};
  manifest.missing = {"documents/offers/ab"};
  manifest.files = {{"keys.txt", 3, Hash{}}, {"logs/0/checkpoint", 9, Hash{}}};
  const std::string request =
      R"({"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],"@type":"ContractRequestMessage","consumerPid":"urn:1","callbackAddress":"https://h/2025-1","offer":{"target":"urn:d",)" +
      std::string(kOffer).substr(1) + "}";
  std::string bundle;
  provenance::put_bundle_entry(bundle, "entry");
  std::vector<Target> all{
      {"json", {kOffer, R"([1,2.5e3,"\ud83d\ude00",null,true,{"a":{}}])"}, [](const std::string& text) {
         const auto value = json::parse(text);
         if (!value) return false;
         const auto again = json::parse(json::serialise(*value));
         if (!again || *again != *value) std::abort();  // what was written must read as what it was
         return true;
       }},
      {"dsp", {request}, [](const std::string& text) {
         const auto value = json::parse(text);
         return value && dsp::parse(*value);
       }},
      {"authzen", {kBatch}, authzen_bounded},
      {"checkpoint", {note}, [verifier](const std::string& text) { return bool(provenance::open_checkpoint(text, verifier)); }},
      {"cosignature", {note + provenance::cosign({"waterrijk.example/log", 3, Hash{}}, "panel.example/witness", key, claim.iat)},
       [watcher](const std::string& text) {
         const auto when = provenance::cosigned_at(text, watcher);
         return when && when->has_value();
       }},
      {"tlog_policy", {"log " + verifier.text() + "\n# who watches\nwitness panel " + watcher.text() + " https://panel.example\nwitness city " + other_watcher.text() +
                           "\ngroup one any panel\ngroup both 2 one city\nquorum both\n", "witness panel " + watcher.text() + "\nquorum panel\n", "quorum none\n"},
       [note, verifier](const std::string& text) {
         const auto policy = provenance::WitnessPolicy::parse(text, "fuzz.policy");
         if (!policy) return false;
         const auto judged = policy->judge(note, verifier);
         if (!judged || judged->vouches() || judged->met != judged->none) std::abort();  // nobody cosigned it
         return true;
       }},
      {"witness", {"old 2\n" + to_base64(view(Hash{})) + "\n\n" + note},
       [](const std::string& text) { return bool(provenance::read_add_checkpoint(text)); }},
      {"conflict", {"sluis/conflict@v1\n" + note + "\n---\n" + provenance::sign_checkpoint({"waterrijk.example/log", 3, Hash{1}}, key)},
       [verifier](const std::string& text) { return bool(provenance::check_conflict(text, verifier)); }},
      {"declaration", {kDeclaration}, [](const std::string& text) {
         const auto read = declaration::decode(text);
         if (!read) return false;
         const auto again = declaration::decode(declaration::encode(*read, true));
         if (!again || declaration::digest(*again) != declaration::digest(*read)) std::abort();
         return true;
       }},
      {"receipt", {receipt.to_json()}, [](const std::string& text) { return bool(provenance::Receipt::from_json(text)); }},
      {"vkey", {verifier.text()}, [](const std::string& text) { return bool(provenance::VerifierKey::parse(text)); }},
      {"bundle", {bundle + bundle}, [](const std::string& text) { return bool(provenance::parse_bundle(text)); }},
      {"claim", {token}, [claim, claim_key](const std::string& text) {
         const identity::ClaimExpected expected{claim.iss, claim.aud, claim.agreement, claim.transfer, "GET", "/data", claim.iat};
         return identity::check_claim(text, expected, [&](const ParticipantId&, std::string_view) -> Result<crypto::Key> { return claim_key; }).ok();
       }},
      {"statement", {*identity::sign_statement(statement, key)}, [key](const std::string& text) {
         const auto opened = identity::SignedStatement::open(text);
         if (!opened) return false;
         const auto said = opened->read();
         const auto believed = opened->verify(key);
         if (believed && (!said || identity::to_json(*said) != identity::to_json(*believed))) std::abort();
         return bool(said);
       }},
      {"statement_json", {json::serialise(identity::to_json(statement))}, [key](const std::string& text) {
         const auto value = json::parse(text);
         const auto read = value ? identity::read_statement(*value) : Result<identity::Statement>(Error());
         if (!read) return false;
         const auto made = identity::sign_statement(*read, key);  // what is read can be signed, unless it is too much
         if (!made && made.error().code != ErrorCode::limit_exceeded) std::abort();
         return true;
       }},
      {"manifest", {*records::manifest_text(manifest)}, [](const std::string& text) {
         const auto read = records::parse_manifest(text);
         if (!read) return false;
         for (const auto& file : read->files) {
           if (("/" + file.name + "/").find("/../") != std::string::npos || file.name.starts_with("/")) std::abort();
         }
         return true;
       }},
      {"membership", {identity::serialise({"{}", {{identity::key_id(key), std::string(64, 's')}}})}, [](const std::string& text) {
         return bool(identity::parse_envelope(text)) || bool(identity::parse_membership(text));
       }},
      {"toml", {"a = 1\n[b]\nc = \"x\"\nd = [1, 2]\n", "id = \"x\" # y\n[[t]]\nk = true\n"}, [](const std::string& text) {
         return bool(TomlTable::parse(text, "fuzz.toml"));
       }},
      {"csv", {"time,total\n2026,\"a,\"\"b\"\n", "a,b\r\n1,2\r\n", "caf\xC3\xA9,b\n\"x\ny\",\n"}, csv_alike},
      {"json_lines", {"{\"n\":12,\"t\":\"01/06/2026 10:00\"}\n{\"n\":null,\"x\":[{}]}\n"}, [](const std::string& text) { return minimised(text, policy::Form::json_lines).has_value(); }},
      {"minimised", {"t,n,y\n01/06/2026 10:00,12,52.5\n,,\n29/10/2023 01:00,3,-0.1\n"}, [](const std::string& text) { return minimised(text, policy::Form::csv).has_value(); }},
      {"places", {"place,district\nKerkstraat,Centrum\n"}, [](const std::string& text) { return bool(policy::parse_place_table(text, "fuzz.csv")); }},
      {"tzif", {*read_zoneinfo("Europe/Dublin"), *read_zoneinfo("UTC")}, [](const std::string& bytes) {
         const auto zone = policy::parse_tzif(bytes, "fuzz");
         if (!zone) return false;
         for (std::int64_t at = -4'000'000'000; at < 5'000'000'000; at += 40'000'003) (void)zone->at_local(at);
         return true;
       }},
      {"path", {"/open/urn:waterrijk:open-counts", "/a%20b/c"}, [](const std::string& text) {
         const auto path = http::normal_path(text);
         if (path && (("/" + *path + "/").find("/../") != std::string::npos || path->find('\0') != std::string::npos)) std::abort();
         return bool(path);
       }},
      {"proxy_header",
       {std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xC0\0\x02\x07\x0A\0\0\x01\xC3\x50\x20\xFB\x04\0\0", 31), std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16),
        std::string("\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24\x20\x01\x0D\xB8", 20) + std::string(32, '\1')},
       [](const std::string& bytes) {
         const auto from = http::parse_proxy_header(bytes);
         if (from && !from->empty() && !http::Network::parse(*from)) std::abort();  // an address, and nothing else
         return bool(from);
       }},
      {"time", {"2026-11-26T09:00:00.5+01:00", "P7DT1H"}, [](const std::string& text) { return parse_time(text) || parse_duration(text); }},
  };
  for (Target& one : policy_targets()) all.push_back(std::move(one));
  for (Target& one : wire_targets()) all.push_back(std::move(one));
  return all;
}

}  // namespace sluis::fuzz
