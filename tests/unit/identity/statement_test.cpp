#include "connector/identity/statement.hpp"

#include "connector/identity/membership.hpp"

#include <gtest/gtest.h>

namespace sluis::identity {
namespace {

const Timestamp kNow = *parse_time("2026-11-26T09:00:00Z");

Statement example() {
  Statement statement;
  statement.node = ParticipantId("did:web:waterrijk.example");
  statement.origin = "waterrijk.example/log";
  statement.first = 3;
  statement.size = 40;
  statement.root = crypto::sha256("root");
  statement.from = kNow - std::chrono::days(30);
  statement.until = kNow;
  statement.made = kNow;
  JudgedFinding wider;
  wider.code = "dataset.wider";
  wider.sentence = "The newest terms permit less";
  wider.party = "did:web:duinmeer.example";
  wider.agreement = "urn:a:1";
  wider.since = kNow - std::chrono::days(2);
  wider.times = 2;
  wider.entries = {4, 42};
  wider.judgement = Judgement::to_mend;
  wider.why = "The agreement must be made anew";
  wider.by = parse_day("2026-12-31").value();
  JudgedFinding erased;
  erased.code = "log.erased";
  erased.judgement = Judgement::accepted;
  erased.why = "As the law asks";
  statement.findings = {wider, erased};
  return statement;
}

std::string text_of(const Statement& statement) { return json::serialise(to_json(statement)); }

/// The error of reading this text as a statement: what, and where.
std::string refused(const std::string& text) {
  const auto value = json::parse(text);
  if (!value) return "no JSON";
  const auto read = read_statement(*value);
  return read ? "taken" : read.error().place.pointer + ": " + read.error().message;
}

std::string with(std::string text, const std::string& before, const std::string& after) {
  const auto at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  return text.replace(at, before.size(), after);
}

TEST(Statement, SaysAfterItsSignatureWhatWasSigned) {
  const auto key = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const auto token = sign_statement(example(), key);
  ASSERT_TRUE(token) << describe(token.error());
  EXPECT_EQ(*token, *sign_statement(example(), key)) << "the same draft gives the same bytes";
  const auto opened = SignedStatement::open(*token);
  ASSERT_TRUE(opened) << describe(opened.error());
  EXPECT_EQ(opened->key_id(), key_id(key));
  const auto said = opened->verify(*crypto::Key::from_ed25519_public(key.public_raw()));
  ASSERT_TRUE(said) << describe(said.error());
  EXPECT_EQ(text_of(*said), text_of(example()));
  EXPECT_EQ(said->findings[0].by, parse_day("2026-12-31").value());
  EXPECT_EQ(said->findings[0].entries, (std::vector<std::uint64_t>{4, 42}));
}

TEST(Statement, AnotherKeyOrAnotherByteIsRefused) {
  const auto key = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const auto other = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const std::string token = *sign_statement(example(), key);
  EXPECT_EQ(SignedStatement::open(token)->verify(other).error().message, "the statement is signed with another key");
  const std::size_t payload = token.find('.') + 1;
  for (const std::size_t at : {payload + 40, token.rfind('.') + 5}) {
    std::string changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    const auto opened = SignedStatement::open(changed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->verify(key).error().code, ErrorCode::permission_denied) << at;
  }
  // A head that names her key over another's signature.
  const std::string forged = make_jws({"EdDSA", "sluis-findings+jws", crypto::Key::Kind::ed25519}, key_id(key), *json::canonical(to_json(example())), other);
  EXPECT_EQ(SignedStatement::open(forged)->verify(key).error().message, "the statement's signature is wrong");
}

TEST(Statement, OnlyItsOwnFormIsRead) {
  const auto key = crypto::Key::generate(crypto::Key::Kind::ed25519);
  const std::string payload = *json::canonical(to_json(example()));
  const auto form = [&](std::string_view algorithm, std::string_view type) {
    const auto opened = SignedStatement::open(make_jws({algorithm, type, crypto::Key::Kind::ed25519}, key_id(key), payload, key));
    return opened ? "taken" : opened.error().place.pointer;
  };
  EXPECT_EQ(form("EdDSA", "sluis-findings+jws"), "taken");
  EXPECT_EQ(form("none", "sluis-findings+jws"), "/alg");
  EXPECT_EQ(form("ES256", "sluis-findings+jws"), "/alg");
  EXPECT_EQ(form("EdDSA", "sluis-claim+jwt"), "/typ");
  EXPECT_FALSE(SignedStatement::open("a.b"));
  EXPECT_FALSE(SignedStatement::open(std::string(kSignedStatementBytes + 1, 'a')));
  const std::string spaced = make_jws({"EdDSA", "sluis-findings+jws", crypto::Key::Kind::ed25519}, key_id(key), " " + payload, key);
  EXPECT_EQ(SignedStatement::open(spaced)->verify(key).error().message, "the statement is not in canonical form");
}

TEST(Statement, IsReadStrictlyAndErrorsSayWhere) {
  const std::string good = text_of(example());
  EXPECT_EQ(refused(good), "taken");
  EXPECT_EQ(refused(with(good, "\"to mend\"", "\"mended\"")), "/findings/0/judgement: unknown judgement `mended`");
  EXPECT_EQ(refused(with(good, "\"why\":\"As the law asks\"", "\"wy\":\"As the law asks\"")), "/findings/1: missing member `why`");
  EXPECT_EQ(refused(with(good, ",\"by\":\"2026-12-31\"", "")), "/findings/0: missing member `by`");
  EXPECT_EQ(refused(with(good, "2026-12-31", "31-12-2026")), "/findings/0/by: `31-12-2026` is no day");
  EXPECT_EQ(refused(with(good, "[4,42]", "[4,43]")), "/findings/0/entries: entry 43 is not in the checkpoint");
  EXPECT_EQ(refused(with(good, "[4,42]", "[4,-1]")), "/findings/0/entries: a whole number from 0 is needed");
  EXPECT_EQ(refused(with(good, "\"size\":40", "\"size\":0")), "/log/size: a log without entries shows nothing");
  EXPECT_EQ(refused(with(good, to_hex(crypto::sha256("root")), "ab")), "/log/root: a root has 64 hexadecimal digits");
  EXPECT_EQ(refused(with(good, "\"node\":", "\"nod\":")), ": missing member `node`");
  EXPECT_EQ(refused(with(good, "\"until\":\"2026-11-26", "\"until\":\"2025-11-26")), "/until: `until` is before `from`");
  EXPECT_EQ(refused(with(good, "{\"node\"", "{\"extra\":1,\"node\"")), "/extra: unknown member `extra`");
  EXPECT_EQ(refused("[]"), ": an object is needed, not an array");
}

TEST(Statement, HasABoundAndNeedsAPrivateEd25519Key) {
  Statement large = example();
  large.findings.assign(40, large.findings.front());
  for (JudgedFinding& one : large.findings) one.why = std::string(1000, 'w');
  EXPECT_EQ(sign_statement(large, crypto::Key::generate(crypto::Key::Kind::ed25519)).error().code, ErrorCode::limit_exceeded);
  large.findings.resize(25);
  const auto token = sign_statement(large, crypto::Key::generate(crypto::Key::Kind::ed25519));
  ASSERT_TRUE(token);
  EXPECT_LE(token->size(), kSignedStatementBytes);
  EXPECT_FALSE(sign_statement(example(), crypto::Key::generate(crypto::Key::Kind::p256)));
  const auto own = crypto::Key::generate(crypto::Key::Kind::ed25519);
  EXPECT_FALSE(sign_statement(example(), *crypto::Key::from_ed25519_public(own.public_raw())));
}

TEST(Statement, AFindingIsKnownByWhatItIsAbout) {
  JudgedFinding one = example().findings[0];
  JudgedFinding other = one;
  other.entries = {9};
  other.sentence = "In other words";
  EXPECT_EQ(one.subject(), other.subject()) << "of another period";
  other.purpose = "urn:p";
  EXPECT_NE(one.subject(), other.subject());
  one = other = {};
  one.code = other.code = "end.unknown";
  one.entries = {3};
  other.entries = {4};
  EXPECT_NE(one.subject(), other.subject()) << "two of them on other days";
}

TEST(Statement, ADayIsOverWhenAllOfItIs) {
  const Timestamp day = parse_day("2026-12-31").value();
  EXPECT_FALSE(is_past(day, *parse_time("2026-12-31T23:59:59Z")));
  EXPECT_TRUE(is_past(day, *parse_time("2027-01-01T00:00:00Z")));
  EXPECT_FALSE(parse_day("2026-13-31"));
  EXPECT_FALSE(parse_day("2026-12-31T00:00:00Z"));
}

}  // namespace
}  // namespace sluis::identity
