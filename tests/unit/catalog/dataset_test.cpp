#include "catalog/offer.hpp"
#include "connector/base/limits.hpp"
#include "connector/crypto/crypto.hpp"
#include "policy/odrl/match.hpp"
#include "tests/unit/catalog/support.hpp"

namespace sluis::catalog {
namespace {

using namespace test;

TEST(Dataset, OfAnAgreementIsRead) {
  const Dataset dataset = good(agreement_file());
  EXPECT_EQ(dataset.id.str(), "urn:waterrijk:dataset:counts");
  EXPECT_EQ(dataset.title.nl, "Tellingen");
  EXPECT_EQ(dataset.source.pace, 16U * 1024U);
  EXPECT_EQ(dataset.source.columns.columns.size(), 5U);
  EXPECT_EQ(dataset.source.columns.groups.front().total, "total");
  EXPECT_TRUE(dataset.terms.processing_activity);
  EXPECT_FALSE(dataset.terms.single_purpose_without_claim);
  EXPECT_EQ(dataset.source.format.null_words.size(), 2U);
}

TEST(Dataset, ItsDialectTimesAndLookupsAreDeclared) {
  const std::string columns = "columns = [";
  const std::string more = "delimiter = \";\"\nquote = \"none\"\ndecimal = \",\"\nbyte_order_mark = true\nsame_encoding = true\n"
                           "lookups = [{ name = \"districts\", file = \"districts.csv\" }]\n";
  const std::string time = "{ name = \"when\", action = \"keep\", time = { pattern = \"%d/%m/%Y %H:%M\", zone = \"Europe/Dublin\", missing = \"drop\" } }, ";
  const Source source = good(with(agreement_file(), columns, more + columns + time)).source;
  EXPECT_EQ(source.format.delimiter, ';');
  EXPECT_EQ(source.format.quote, '\0');
  EXPECT_EQ(source.format.decimal, ',');
  EXPECT_TRUE(source.format.mark);
  EXPECT_TRUE(source.format.same_encoding);
  EXPECT_EQ(source.lookups.at("districts"), "districts.csv");
  ASSERT_TRUE(source.columns.columns.front().time);
  EXPECT_EQ(source.columns.columns.front().time->zone, "Europe/Dublin");
  EXPECT_EQ(good(with(agreement_file(), "text/csv", "application/jsonl")).source.format.form, policy::Form::json_lines);
}

Error bad(const std::string& text) {
  const auto dataset = read(text);
  EXPECT_FALSE(dataset) << text;
  return dataset ? Error() : dataset.error();
}

const std::string kFile = "file = \"counts.csv\"\n";

TEST(Dataset, FilesOfAFolderAreDeclared) {
  const Source newest = good(with(agreement_file(), kFile, "folder = \"counts\"\npattern = \"counts-*.csv\"\n")).source;
  EXPECT_EQ(newest.file, "");
  EXPECT_EQ(newest.files->choose, FolderSource::Choose::newest);
  const Source range = good(with(agreement_file(), kFile, "folder = \"counts\"\npattern = \"*\"\nchoose = \"range\"\nselects = \"time\"\n")).source;
  EXPECT_EQ(range.files->choose, FolderSource::Choose::range);
  EXPECT_EQ(range.files->selects, "time");
}

TEST(Dataset, AFolderThatIsNoneIsRefused) {
  const auto refused = [](const std::string& text) { return bad(with(agreement_file(), kFile, text)).message; };
  EXPECT_NE(refused("folder = \"../x\"\npattern = \"*\"\n").find("is not a path below"), std::string::npos);
  EXPECT_NE(refused("folder = \"x\"\npattern = \"a/*\"\n").find("is no pattern"), std::string::npos);
  EXPECT_NE(refused("folder = \"x\"\npattern = \"..\"\n").find("is no pattern"), std::string::npos);
  EXPECT_NE(refused("folder = \"x\"\npattern = \"*\"\nchoose = \"all\"\n").find("unknown choose"), std::string::npos);
  EXPECT_NE(refused("folder = \"x\"\npattern = \"*\"\nchoose = \"range\"\n").find("a range of names is a choice of rows"), std::string::npos);
  EXPECT_NE(refused("folder = \"x\"\npattern = \"*\"\nchoose = \"range\"\nselects = \"note\"\n").find("no column that is kept"), std::string::npos);
  EXPECT_NE(refused("folder = \"x\"\npattern = \"*\"\nselects = \"time\"\n").find("there is no range"), std::string::npos);
  EXPECT_NE(refused(kFile + "folder = \"x\"\npattern = \"*\"\n").find("is one of"), std::string::npos);
  EXPECT_NE(refused(kFile + "pattern = \"*\"\n").find("pattern"), std::string::npos);
}

std::string followed(const std::string& more = "") {
  return with(with(with(agreement_file(), kFile, "follow = \"now.jsonl\"\n" + more), "text/csv", "application/jsonl"), "pace = \"16 KiB/s\"\n", "");
}

TEST(Dataset, AFileThatIsFollowedIsDeclared) {
  const Dataset dataset = good(followed());
  EXPECT_EQ(dataset.source.follow, "now.jsonl");
  EXPECT_EQ(dataset.source.file, "");
  EXPECT_NE(public_json(dataset).find("live"), nullptr);
  EXPECT_EQ(public_json(good(agreement_file())).find("live"), nullptr);
}

TEST(Dataset, WhatCannotBeFollowedIsRefused) {
  EXPECT_NE(bad(with(followed(), "now.jsonl", "../now.jsonl")).message.find("is not a path below"), std::string::npos);
  EXPECT_NE(bad(followed(kFile)).message.find("is one of"), std::string::npos);
  EXPECT_NE(bad(with(followed(), "application/jsonl", "text/csv")).message.find("holds JSON lines"), std::string::npos);
  EXPECT_NE(bad(followed("pace = \"16 KiB/s\"\n")).message.find("at its own pace"), std::string::npos);
  EXPECT_NE(bad(followed("byte_order_mark = true\n")).message.find("no beginning to mark"), std::string::npos);
}

/// `[source.http]` stands behind the last key of `[source]`.
std::string of_service(const std::string& more, const std::string& url = "https://counts.waterrijk.example/api") {
  return with(with(agreement_file(), kFile, ""), "pace = \"16 KiB/s\"\n",
              "[source.http]\nurl = \"" + url + "\"\nmethods = [\"GET\"]\npaths = [\"/counts\", \"/counts/{day}\"]\n" + more);
}

TEST(Dataset, AServiceIsDeclaredWithAllThatIsOpen) {
  const HttpSource http = *good(of_service("credential = \"counts.credential\"\nquery = [\"from\", \"total\"]\nselects_rows = true\n"
                                           "timeout = \"PT2S\"\nsilence = \"PT1M\"\nwhole = \"PT1H\"\nselects = { day = \"time\", from = \"time\" }\n")).source.http;
  EXPECT_EQ(http.url, "https://counts.waterrijk.example/api");
  EXPECT_EQ(http.paths.size(), 2U);
  EXPECT_EQ(http.selects.at("day"), "time");
  EXPECT_TRUE(http.selects_rows);
  EXPECT_EQ(http.patience, std::chrono::seconds(2));
  EXPECT_EQ(http.silence, std::chrono::minutes(1));
  EXPECT_EQ(http.whole, std::chrono::hours(1));
  EXPECT_TRUE(good(of_service("selects = { day = \"time\" }\n", "http://127.0.0.1:9000/api")).source.http);
}

TEST(Dataset, AServiceThatIsNoneIsRefused) {
  const std::string day = "selects = { day = \"time\" }\n";
  const auto refused = [](const std::string& text) { return bad(text).message; };
  for (const std::string url : {"http://counts.example", "http://10.0.0.1/", "https://a:b@counts.example", "https://counts.example/?x=1", "ftp://x",
                                "https://counts.example/", "http://localhost:1", "http://127.0.0.1.example:9000"}) {
    EXPECT_NE(refused(of_service(day, url)).find("is no address"), std::string::npos) << url;
  }
  EXPECT_NE(refused(of_service("")).find("`day` selects by no column"), std::string::npos);
  EXPECT_NE(refused(of_service("selects = { day = \"note\" }\n")).find("`day` selects by no column"), std::string::npos) << "note is dropped";
  EXPECT_NE(refused(of_service(day + "query = [\"limit\"]\n")).find("`limit` selects by no column"), std::string::npos);
  EXPECT_NE(refused(of_service("selects = { day = \"time\", other = \"time\" }\n")).find("`other` is no key"), std::string::npos);
  EXPECT_NE(refused(of_service(day + "query = [\"a b\"]\n")).find("is no key of a query"), std::string::npos);
  EXPECT_NE(refused(of_service(day + "credential = \"../key\"\n")).find("below the node's folder"), std::string::npos);
  EXPECT_NE(refused(of_service(day + "timeout = \"PT0S\"\n")).find("waited for"), std::string::npos);
  EXPECT_NE(refused(of_service(day + "silence = \"PT6M\"\n")).find("may be silent"), std::string::npos);
  EXPECT_NE(refused(of_service(day + "whole = \"P2D\"\n")).find("in all"), std::string::npos);
  EXPECT_NE(refused(with(of_service(day), "[\"GET\"]", "[\"GET\", \"POST\"]")).find("`methods`"), std::string::npos);
  EXPECT_NE(refused(with(of_service(day), "\"/counts\"", "\"/../x\"")).find("is no path"), std::string::npos);
  EXPECT_NE(refused(with(of_service(day), "\"/counts\"", "\"counts\"")).find("is no path"), std::string::npos);
  EXPECT_NE(refused(with(of_service(day), "\"/counts\"", "\"/a{b}\"")).find("is no path"), std::string::npos);
}

TEST(Dataset, OfferIsInTheFormOfDsp) {
  const Dataset dataset = good(agreement_file());
  const std::string text = json::serialise(dataset.offer);
  EXPECT_NE(text.find("\"action\":\"use\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"http://www.w3.org/ns/odrl/2/purpose\""), std::string::npos) << text;
  EXPECT_NE(text.find("https://w3id.org/sluis/odrl/1#classOfRecipient"), std::string::npos) << text;
  EXPECT_EQ(dataset.offer.find("target"), nullptr);
  const std::string id = *dataset.offer.find("@id")->if_string();
  EXPECT_TRUE(id.starts_with("urn:sluis:offer:"));
  EXPECT_EQ(id.size(), std::string("urn:sluis:offer:").size() + 32);
  EXPECT_EQ(dataset.offer_hash, crypto::sha256(*json::canonical(dataset.offer)));
}

TEST(Dataset, OtherTermsHaveAnotherOfferIdAndTheSameTermsTheSame) {
  const Dataset one = good(agreement_file());
  const Dataset same = good(with(agreement_file(), "Counts an hour", "Counts each hour"));
  const Dataset other = good(agreement_file() + "delete_after = \"P7D\"\n");
  const Dataset elsewhere = good(with(agreement_file(), "dataset:counts", "dataset:more"));
  EXPECT_EQ(one.offer_hash, same.offer_hash);
  EXPECT_NE(one.offer_hash, other.offer_hash);
  EXPECT_NE(one.offer, other.offer);
  EXPECT_NE(*one.offer.find("@id"), *other.offer.find("@id"));
  EXPECT_NE(one.offer_hash, elsewhere.offer_hash);
}

TEST(Dataset, TermsMeanWhatTheySay) {
  const Dataset dataset = good(agreement_file() +
      "from = \"2026-01-01\"\nuntil = \"2027-06-01T00:00:00+02:00\"\naccess_for = \"P7D\"\ndelete_after = \"P7D\"\n"
      "deny_purposes = [\"dpv:Marketing\"]\n");
  const auto program = compile_offer(dataset.offer, vocabulary());
  ASSERT_TRUE(program) << describe(program.error());
  policy::Request request;
  request.purpose = *vocabulary()->lookup("urn:f:CrowdManagement");
  request.class_of_recipient = program->program.class_of_recipient("company");
  request.now = kNow;
  request.agreed = kNow;
  EXPECT_TRUE(program->program.decide(request).permit);
  request.now = kNow + std::chrono::hours(24 * 8);
  EXPECT_FALSE(program->program.decide(request).permit);
  request.now = kNow;
  request.purpose = *vocabulary()->lookup("dpv:Marketing");
  EXPECT_FALSE(program->program.decide(request).permit);
  EXPECT_EQ(policy::retention(program->policy), std::chrono::hours(24 * 7));
}

TEST(Dataset, OpenDataSuppressAndBindNobody) {
  const Dataset dataset = good(open_file());
  const auto program = compile_offer(dataset.offer, vocabulary());
  ASSERT_TRUE(program) << describe(program.error());
  EXPECT_TRUE(program->program.decide({}).permit);
  ASSERT_EQ(policy::transforms(program->policy).size(), 1U);
  const auto transforms = policy::transforms(program->policy);
  const auto& suppress = std::get<policy::SuppressSmallCells>(transforms.front());
  EXPECT_EQ(suppress.threshold, 10);
  EXPECT_EQ(suppress.groups.front().parts.size(), 2U);
}

struct Bad {
  const char* from;
  const char* to;
  const char* message;  ///< part of the message or of what mends it
};

void expect_refused(const std::string& text, const Bad& bad, Timestamp now = kNow) {
  const auto dataset = read(with(text, bad.from, bad.to), now);
  ASSERT_FALSE(dataset) << bad.to;
  const std::string said = describe(dataset.error());
  EXPECT_EQ(dataset.error().code, ErrorCode::invalid_argument) << said;
  EXPECT_NE(said.find(bad.message), std::string::npos) << said;
  EXPECT_TRUE(said.starts_with("counts.toml:")) << said;
  EXPECT_GT(dataset.error().place.line, 0U) << said;
  EXPECT_GT(dataset.error().place.column, 0U) << said;
}

TEST(Dataset, BadFilesAreRefusedWithFileLineAndColumn) {
  const Bad bads[] = {
      {"title =", "titel =", "`title`"},
      {"pace =", "paec =", "`pace`"},
      {"signer =", "singer =", "`signer`"},
      {"processing_activity", "procesing_activity", "`processing_activity`"},
      {"id = \"urn:waterrijk:dataset:counts\"", "id = 5", "must be a string"},
      {"id = \"urn:waterrijk", "id = \"water rijk", "not an absolute IRI"},
      {"until = \"2027-11-01\"", "until = 2027-11-01", "must be a string"},
      {"until = \"2027-11-01\"", "until = \"2026-11-01\"", "expired"},
      {"until = \"2027-11-01\"", "until = \"2027-11-01T10:00:00\"", ""},
      {"access = \"agreement\"", "access = \"public\"", "access_rights"},
      {"access_rights = \"restricted\"", "access_rights = \"public\"", "access_rights"},
      {"access_rights = \"restricted\"", "access_rights = \"secret\"", "`non-public`"},
      {"public_reason = \"small counts can be traced\"\n", "", "public_reason"},
      {"classes = [\"municipality\", \"company\"]\n", "", "classes"},
      {"\"company\"", "\"A Company\"", "class of parties"},
      {"purposes = [\"urn:f:CrowdManagement\"]\n", "", "purposes"},
      {"urn:f:CrowdManagement", "urn:f:CrowdManagment", "unknown purpose"},
      {"file = \"counts.csv\"", "file = \"../counts.csv\"", "below the dataset's folder"},
      {"file = \"counts.csv\"", "file = \"/etc/passwd\"", "below the dataset's folder"},
      {"file = \"counts.csv\"", "file = \"a\\u0000b\"", "NUL"},
      {"encoding = \"utf-8\"", "encoding = \"utf-16\"", "utf-16"},
      {"text/csv", "text/html", "media type"},
      {"16 KiB/s", "16 KB/s", "pace"},
      {"\"total = in + out\"", "\"total in + out\"", "sum"},
      {"action = \"drop\"", "action = \"drp\"", "`drop`"},
      {"{ name = \"note\"", "{ name = \"total\"", "declared twice"},
      {"email = \"data@waterrijk.example\"", "email = \"nobody\"", "address"},
      {"[terms]\n", "[terms]\nuntil = \"2026-01-01\"\n", "ended"},
      {"[terms]\n", "[terms]\nfrom = \"2027-03-01\"\nuntil = \"2027-02-01\"\n", "not after"},
      {"[terms]\n", "[terms]\naccess_for = \"7 days\"\n", ""},
      {"[terms]\n", "[terms]\ndeny_purposes = [\"dpv:PublicBenefit\"]\n", "deny_purposes"},
      {"[terms]\n", "[terms]\nsuppress_small_cells = { min_cell_size = 0 }\n", "from 1"},
      {"[terms]\n", "[terms]\nsuppress_small_cells = { min_cell_size = 10, columns = [\"speed\"] }\n", "speed"},
  };
  for (const Bad& bad : bads) expect_refused(agreement_file(), bad);
}

TEST(Dataset, ATypoSaysWhereAndWhatWasMeant) {
  const auto dataset = read(with(agreement_file(), "licence =", "license ="));
  ASSERT_FALSE(dataset);
  EXPECT_EQ(dataset.error().place.line, 7U);
  EXPECT_EQ(dataset.error().place.column, 1U);
  EXPECT_NE(dataset.error().mend.find("`licence`"), std::string::npos);
}

TEST(Dataset, PersonalDataNeedAnActivityAndAreNeverOpen) {
  const Bad personal{"status = \"not-personal\"", "status = \"personal\"", "processing activity"};
  expect_refused(with(agreement_file(), "processing_activity = true", "processing_activity = false"), personal);
  EXPECT_TRUE(read(with(agreement_file(), personal.from, personal.to)));
  EXPECT_FALSE(read(with(open_file(), personal.from, personal.to)));
}

TEST(Dataset, TermsMayAskForALegalBasisAndForPurposesForAnImpactAssessment) {
  const std::string purposes = "purposes = [\"urn:f:CrowdManagement\"]";
  const std::string both = "purposes = [\"urn:f:CrowdManagement\", \"dpv:Marketing\"]";
  const std::string text = with(agreement_file(), purposes, both) + "legal_basis = [\"eu-gdpr:A6-1-e\"]\nimpact_assessment_for = [\"dpv:Marketing\"]\n";
  const Dataset dataset = good(text);
  const auto terms = compile_offer(dataset.offer, vocabulary());
  ASSERT_TRUE(terms);
  const auto could = [&](const char* purpose, bool assessed) {
    return policy::could_permit(terms->program, "company", "", *vocabulary()->lookup(purpose), kNow, {}, assessed);
  };
  EXPECT_TRUE(could("urn:f:CrowdManagement", false));
  EXPECT_FALSE(could("dpv:Marketing", false));
  EXPECT_TRUE(could("dpv:Marketing", true));
  EXPECT_NE(json::serialise(dataset.offer).find("https://w3id.org/dpv/legal/eu/gdpr#A6-1-e"), std::string::npos);
  const auto refused = [](const std::string& file) { return describe(bad(file)); };
  const auto says = [](const std::string& all, const char* what) { return all.find(what) != std::string::npos; };
  EXPECT_TRUE(says(refused(with(text, "A6-1-e", "A6-1-g")), "did you mean `eu-gdpr:A6-1-"));
  EXPECT_TRUE(says(refused(with(text, "for = [\"dpv:Marketing", "for = [\"dpv:PublicBenefit")), "is none of `purposes`"));
  EXPECT_TRUE(says(refused(with(text, "processing_activity = true\n", "")), "write `processing_activity = true`"));
  const std::string wide = with(agreement_file(), purposes, "purposes = [\"urn:f:CrowdManagement\", \"dpv:PublicBenefit\"]");
  EXPECT_TRUE(says(refused(wide + "impact_assessment_for = [\"urn:f:CrowdManagement\"]\n"), "open without an impact assessment")) << "by way of the broader purpose";
  EXPECT_TRUE(read(wide + "impact_assessment_for = [\"urn:f:CrowdManagement\", \"dpv:PublicBenefit\"]\n"));
  const auto two_parents = std::make_shared<const policy::Vocabulary>(*policy::Vocabulary::parse(
      "dpv:Purpose\tPurpose\t\t\ndpv:PublicBenefit\tPublic benefit\t\tdpv:Purpose\ndpv:Marketing\tMarketing\t\tdpv:Purpose\n"
      "urn:f:CrowdManagement\tCrowds\t\tdpv:PublicBenefit dpv:Marketing\n", "test.tsv"));
  const auto mixed = parse_dataset(with(agreement_file(), purposes, "purposes = [\"dpv:PublicBenefit\", \"dpv:Marketing\"]") + "impact_assessment_for = [\"dpv:Marketing\"]\n",
                                   "counts.toml", {two_parents, kNow, {}});
  ASSERT_FALSE(mixed);
  EXPECT_TRUE(says(describe(mixed.error()), "open without an impact assessment")) << "by way of a purpose below both";
  expect_refused(open_file(), {"[terms.suppress", "[terms]\nlegal_basis = [\"eu-gdpr:A6-1-e\"]\n[terms.suppress", "legal_basis"});
}

TEST(Dataset, OpenDataThatCanBeTracedNeedSuppression) {
  const std::size_t terms = open_file().find("[terms");
  const std::string bare = open_file().substr(0, terms);
  ASSERT_FALSE(read(bare));
  EXPECT_TRUE(read(with(bare, "traceable_to_small_groups = true", "traceable_to_small_groups = false")));
}

TEST(Dataset, OpenDataCannotHaveTermsForParties) {
  expect_refused(open_file(), {"[terms.suppress", "[terms]\nclasses = [\"company\"]\n[terms.suppress", "classes"});
}

TEST(Dataset, SinglePurposeWithoutClaimNeedsOnePurpose) {
  const std::string on = agreement_file() + "single_purpose_without_claim = true\n";
  EXPECT_TRUE(read(on));
  EXPECT_FALSE(read(with(on, "\"urn:f:CrowdManagement\"", "\"dpv:PublicBenefit\"")));
}

TEST(Dataset, IsSuspendedWhenItsAssessmentExpires) {
  const Dataset dataset = good(agreement_file());
  EXPECT_FALSE(suspended(dataset, at("2027-10-31T23:59:59Z")));
  const auto reason = suspended(dataset, at("2027-11-01T00:00:00Z"));
  ASSERT_TRUE(reason);
  EXPECT_NE(reason->message.find("expired"), std::string::npos);
}

TEST(Dataset, PublicJsonKeepsTheSourceToItself) {
  const std::string text = json::serialise(public_json(good(agreement_file())));
  EXPECT_EQ(text.find("counts.csv"), std::string::npos);
  EXPECT_EQ(text.find("note"), std::string::npos);
  EXPECT_NE(text.find("privacy officer"), std::string::npos);
}

TEST(Dataset, AHandWrittenOfferIsReadStrictly) {
  std::string text = agreement_file();
  text = "offer = \"offer.json\"\n" + text.substr(0, text.find("[terms]")) + "[terms]\nprocessing_activity = true\n";
  std::string offer = R"({"@id": "urn:w:offer:1", "@type": "Offer", "permission": [{"action": "use",
    "constraint": [{"leftOperand": "purpose", "operator": "isA", "rightOperand": "urn:f:CrowdManagement"}]}]})";
  DatasetContext context{vocabulary(), kNow, [&](const std::string& name) -> Result<std::string> {
                           EXPECT_EQ(name, "offer.json");
                           return offer;
                         }};
  auto dataset = parse_dataset(text, "counts.toml", context);
  ASSERT_TRUE(dataset) << describe(dataset.error());
  EXPECT_EQ(*dataset->offer.find("@id")->if_string(), "urn:w:offer:1");
  offer = with(offer, "\"constraint\"", "\"constraints\"");
  dataset = parse_dataset(text, "counts.toml", context);
  ASSERT_FALSE(dataset);
  EXPECT_EQ(dataset.error().place.file, "offer.json");
  EXPECT_EQ(dataset.error().place.line, 2U);
  offer = R"({"@id": "a", "@id": "b"})";
  EXPECT_FALSE(parse_dataset(text, "counts.toml", context));
  for (const char* key : {"classes = [\"company\"]\n", "two_sided_evidence = true\n", "legal_basis = [\"eu-gdpr:A6-1-e\"]\n"}) {
    EXPECT_FALSE(parse_dataset(text + key, "counts.toml", context)) << key << ": it would have no effect";
  }
  EXPECT_FALSE(parse_dataset(with(text, "offer.json", "../offer.json"), "counts.toml", context));
}

TEST(Dataset, AHandWrittenOfferHasNoLookAlikesAndNoMoreBytesThanTheLimit) {
  std::string text = agreement_file();
  text = "offer = \"offer.json\"\n" + text.substr(0, text.find("[terms]")) + "[terms]\nprocessing_activity = true\n";
  const std::string kGood = R"({"@id": "urn:w:offer:1", "@type": "Offer", "permission": [{"action": "use",
    "constraint": [{"leftOperand": "sluis:classOfRecipient", "operator": "eq", "rightOperand": "municipality"}]}]})";
  std::string offer = kGood;
  DatasetContext context{vocabulary(), kNow, [&](const std::string&) -> Result<std::string> { return offer; }};
  EXPECT_TRUE(parse_dataset(text, "counts.toml", context));
  offer = with(kGood, "municipality", "mun\xd1\x96" "cipality");
  const auto dataset = parse_dataset(text, "counts.toml", context);
  ASSERT_FALSE(dataset);
  EXPECT_NE(dataset.error().message.find("outside ASCII"), std::string::npos) << describe(dataset.error());
  EXPECT_EQ(dataset.error().place.file, "offer.json");
  EXPECT_EQ(dataset.error().place.line, 2U);
  json::Value long_one = *json::parse(kGood);
  const auto hash_of_size = [&](std::size_t size) {
    long_one.set("@id", "u:");
    long_one.set("@id", "u:" + std::string(size - json::canonical(long_one)->size(), 'x'));
    return offer_hash(long_one);
  };
  EXPECT_TRUE(hash_of_size(limits::kPolicyBytes));
  EXPECT_EQ(hash_of_size(limits::kPolicyBytes + 1).error().code, ErrorCode::limit_exceeded);
}

TEST(Dataset, TermsThatThisNodeCouldNeverKeepAreRefused) {
  std::string text = agreement_file();
  text = "offer = \"offer.json\"\n" + text.substr(0, text.find("[terms]")) + "[terms]\nprocessing_activity = true\n";
  const std::string offer = R"({"@id": "urn:w:offer:1", "@type": "Offer", "permission": [{"action": "use",
    "constraint": [
      {"leftOperand": "spatial", "operator": "eq", "rightOperand": "urn:nl"}]}]})";
  DatasetContext context{vocabulary(), kNow, [&](const std::string&) -> Result<std::string> { return offer; }};
  const auto dataset = parse_dataset(text, "counts.toml", context);
  ASSERT_FALSE(dataset);
  EXPECT_EQ(dataset.error().message, "this node cannot know `spatial`, so the rule would never hold");
  EXPECT_EQ(dataset.error().place.pointer, "/permission/0/constraint/0");
  EXPECT_EQ(dataset.error().place.file, "offer.json");
  EXPECT_EQ(dataset.error().place.line, 3U);
  context.supplied->operands.insert(policy::Operand::spatial);
  EXPECT_TRUE(parse_dataset(text, "counts.toml", context));
}

TEST(Dataset, WhoDecidedStandsBesideTheOffer) {
  const std::string decided = R"([terms.decided_by]
body = "Council of Waterrijk"
kind = "elected"
reference = "2026-114"
)";
  const Dataset dataset = good(agreement_file() + decided);
  ASSERT_TRUE(dataset.terms.decided_by);
  EXPECT_EQ(*dataset.terms.decided_by, (DecidedBy{"Council of Waterrijk", DecidedBy::Kind::elected, "2026-114"}));
  EXPECT_EQ(dataset.offer_hash, good(agreement_file()).offer_hash);
  EXPECT_NE(json::serialise(public_json(dataset)).find(R"("decidedBy":{"body":"Council of Waterrijk")"),
            std::string::npos);
  EXPECT_FALSE(read(agreement_file() + with(decided, "elected", "chosen")));
  EXPECT_FALSE(read(agreement_file() + with(decided, "body = \"Council of Waterrijk\"\n", "")));
  EXPECT_TRUE(read(open_file() + decided));
}

TEST(Pace, IsAWholeNumberAndAUnit) {
  EXPECT_EQ(*parse_pace("16 KiB/s"), 16384U);
  EXPECT_EQ(*parse_pace("2MiB/s"), 2U << 20U);
  EXPECT_EQ(*parse_pace("500 B/s"), 500U);
  for (const char* bad : {"", "16", "0 KiB/s", "-1 KiB/s", "1.5 KiB/s", "16 KiB", "16  KiB/s", "99999999999 B/s"}) {
    EXPECT_FALSE(parse_pace(bad)) << bad;
  }
}

TEST(Dataset, APurposeThatJudgesPersonsNeedsAProcessingActivity) {
  const auto words = vocabulary()->with("dpv:PersonnelManagement\tPersonnel\t\tdpv:Purpose\n", "more.tsv");
  ASSERT_TRUE(words);
  DatasetContext context;
  context.vocabulary = std::make_shared<const policy::Vocabulary>(*words);
  context.now = kNow;
  const std::string text = with(agreement_file(), "urn:f:CrowdManagement", "dpv:PersonnelManagement");
  EXPECT_TRUE(parse_dataset(text, "counts.toml", context));
  const auto refused = parse_dataset(with(text, "processing_activity = true\n", ""), "counts.toml", context);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("judge persons"), std::string::npos);
  EXPECT_GT(refused.error().place.line, 0U);
}

}  // namespace
}  // namespace sluis::catalog
