#include "connector/node/revocation_file.hpp"

#include "certs/authority.hpp"
#include "connector/http/peer_certificate.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <map>

namespace sluis::node {
namespace {

using namespace std::chrono_literals;
using identity::Judged;
using Kind = identity::Judged::Kind;

/// What a list of an authority says.
struct Said {
  std::vector<crypto::Certificate> revoked = {};
  int reason = 0;                      ///< of all of them; 0: none is given
  std::optional<long> number = {};
  Duration from = -1h;                 ///< from now
  std::optional<Duration> until = 24h * 7;
};

/// A node's file, and an authority with a root and one below it.
class RevocationFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(certs::make_authority(path("ca"), now_ - 24h, now_ + 24h * 400, random_));
    ASSERT_TRUE(certs::make_authority(path("other"), now_ - 24h, now_ + 24h * 400, random_));
    write("node.pem", leaf().second);
    std::filesystem::copy_file(path("ca/root.pem"), path("roots.pem"));
  }
  std::filesystem::path path(const std::string& name) const { return folder_.path() / name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name), std::ios::binary | std::ios::trunc) << text; }
  std::string read(const std::string& name) const { return *certs::read_file(path(name)); }
  std::pair<crypto::Certificate, std::string> leaf() {
    const certs::Leaf made = *certs::issue(path("ca"), {.organisation = "Gemeente Waterrijk", .common_name = "waterrijk.example", .oin = "00000099000000001000",
                                                        .dns_names = {"localhost"}, .from = now_ - 1h, .until = now_ + 24h * 90}, random_);
    return {*crypto::Certificate::from_pem(made.chain_pem), made.chain_pem};
  }
  crypto::Certificate authority(const std::string& name) const { return *crypto::Certificate::from_pem(read(name + ".pem")); }

  /// PEM. `name`: folder and authority. The same list for the same words: signing again would give other bytes.
  std::string list(const std::string& name, const Said& said = {}) const {
    std::string words = name + " " + std::to_string(said.reason) + " " + std::to_string(said.number.value_or(-1)) + " " + format_duration(said.from) +
                        (said.until ? " " + format_duration(*said.until) : "");
    for (const crypto::Certificate& one : said.revoked) words += " " + to_hex(one.fingerprint());
    std::string& known = lists_[words];
    if (known.empty()) known = make_list(name, said);
    return known;
  }
  std::string make_list(const std::string& name, const Said& said) const {
    const auto at = [this](Duration later) {
      return std::shared_ptr<ASN1_TIME>(ASN1_TIME_set(nullptr, std::chrono::floor<std::chrono::seconds>(now_ + later).time_since_epoch().count()), ASN1_TIME_free);
    };
    const std::shared_ptr<X509_CRL> made(X509_CRL_new(), X509_CRL_free);
    X509_CRL_set_version(made.get(), 1);
    X509_CRL_set_issuer_name(made.get(), X509_get_subject_name(authority(name).native()));
    X509_CRL_set1_lastUpdate(made.get(), at(said.from).get());
    if (said.until) X509_CRL_set1_nextUpdate(made.get(), at(*said.until).get());
    if (said.number) {
      const std::shared_ptr<ASN1_INTEGER> number(ASN1_INTEGER_new(), ASN1_INTEGER_free);
      ASN1_INTEGER_set(number.get(), *said.number);
      X509_CRL_add1_ext_i2d(made.get(), NID_crl_number, number.get(), 0, 0);
    }
    for (const crypto::Certificate& one : said.revoked) {
      X509_REVOKED* entry = X509_REVOKED_new();
      X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one.native()));
      X509_REVOKED_set_revocationDate(entry, at(-2h).get());
      if (said.reason != 0) {
        const std::shared_ptr<ASN1_ENUMERATED> reason(ASN1_ENUMERATED_new(), ASN1_ENUMERATED_free);
        ASN1_ENUMERATED_set(reason.get(), said.reason);
        X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason.get(), 0, 0);
      }
      X509_CRL_add0_revoked(made.get(), entry);
    }
    const crypto::Key key = *crypto::Key::from_pem(read(name + ".key"));
    X509_CRL_sign(made.get(), key.native(), EVP_sha256());
    const std::shared_ptr<BIO> out(BIO_new(BIO_s_mem()), BIO_free_all);
    PEM_write_bio_X509_CRL(out.get(), made.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }
  std::string both(const Said& of_intermediate = {}) const { return list("ca/root") + list("ca/intermediate", of_intermediate); }
  Judged take(const std::string& bytes) { return file_.take(bytes, now_); }

  test::TempFolder folder_;
  Timestamp now_ = std::chrono::floor<std::chrono::seconds>(SystemClock().now());
  SystemRandom random_;
  mutable std::map<std::string, std::string> lists_;
  RevocationFile file_{{path("crl.pem"), path("roots.pem"), path("node.pem")}};
};

TEST_F(RevocationFileTest, ListsOfBothAuthoritiesMakeTheFile) {
  EXPECT_EQ(take(both({.number = 1})).kind, Kind::taken);
  EXPECT_EQ(read("crl.pem"), both({.number = 1}));
  EXPECT_EQ(take(both({.number = 1})).kind, Kind::same);
  EXPECT_EQ(file_.held(), to_hex(crypto::sha256(read("crl.pem"))));
}

TEST_F(RevocationFileTest, OneListReplacesThatOfItsAuthorityAlone) {
  ASSERT_EQ(take(both({.number = 1})).kind, Kind::taken);
  const auto [certificate, _] = leaf();
  const std::string next = list("ca/intermediate", {.revoked = {certificate}, .number = 2});
  EXPECT_EQ(take(next).kind, Kind::taken);
  EXPECT_EQ(read("crl.pem"), list("ca/root") + next);
}

TEST_F(RevocationFileTest, AnAuthorityServesDer) {
  const auto lists = crypto::RevocationList::read(list("ca/intermediate", {.number = 300}));
  ASSERT_TRUE(lists);
  EXPECT_EQ(take(lists->front().der()).kind, Kind::taken);
  EXPECT_EQ(*lists->front().number(), std::string("\x01\x2c"));
  EXPECT_EQ(take(lists->front().der() + "x").kind, Kind::refused);
}

TEST_F(RevocationFileTest, WhatIsNoListOfNowOfAKnownAuthorityIsRefusedAndChangesNothing) {
  ASSERT_EQ(take(both({.number = 5})).kind, Kind::taken);
  const std::string before = read("crl.pem");
  const struct {
    std::string bytes;
    const char* words;
  } cases[] = {
      {"", "not a list"},
      {"garbage", "not a list"},
      {list("ca/intermediate", {.number = 6}).substr(0, 200), "cut short"},
      {list("other/intermediate", {.number = 6}), "no authority"},
      {list("ca/intermediate", {.number = 6, .from = 1h}), "yet to come"},
      {list("ca/intermediate", {.number = 6, .until = -1s}), "was over"},
      {list("ca/intermediate", {.number = 6, .until = std::nullopt}), "no end"},
  };
  for (const auto& one : cases) {
    const Judged judged = take(one.bytes);
    EXPECT_EQ(judged.kind, Kind::refused) << one.words;
    EXPECT_NE(judged.why.find(one.words), std::string::npos) << judged.why;
    EXPECT_EQ(read("crl.pem"), before) << one.words;
  }
}

TEST_F(RevocationFileTest, NothingIsRolledBack) {
  const auto [certificate, _] = leaf();
  const Said held{.revoked = {certificate}, .number = 5, .from = -1h};
  const struct {
    Said held, offered;
    Kind kind;
  } cases[] = {
      {held, {.number = 4}, Kind::older},
      {held, {.number = 6}, Kind::taken},
      {held, {.number = 300}, Kind::taken},
      {held, {.number = 6, .from = -2h}, Kind::older},
      {held, {.number = 5}, Kind::contradicts},
      {held, held, Kind::same},
      {held, {.from = -2h}, Kind::older},
      {held, {.from = -1min}, Kind::taken},
      {held, {}, Kind::contradicts},
      {{.from = -1h}, {.number = 1, .from = -2h}, Kind::older},
      {{.number = 300}, {.number = 299}, Kind::older},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    std::filesystem::remove(path("crl.pem"));
    RevocationFile file({path("crl.pem"), path("roots.pem"), path("node.pem")});
    ASSERT_EQ(file.take(both(cases[i].held), now_).kind, Kind::taken);
    EXPECT_EQ(file.take(list("ca/intermediate", cases[i].offered), now_).kind, cases[i].kind);
    const bool newer = cases[i].kind == Kind::taken;
    EXPECT_EQ(read("crl.pem").ends_with(list("ca/intermediate", newer ? cases[i].offered : cases[i].held)), true);
  }
}

TEST_F(RevocationFileTest, OfABundleEachListIsTakenByItselfAndTheWorstIsTold) {
  ASSERT_EQ(take(both({.number = 5})).kind, Kind::taken);
  const std::string root = list("ca/root", {.from = -1min});
  const Judged judged = take(root + list("ca/intermediate", {.number = 4}));
  EXPECT_EQ(judged.kind, Kind::older);
  EXPECT_EQ(read("crl.pem"), list("ca/intermediate", {.number = 5}) + root);
}

TEST_F(RevocationFileTest, WhoIsRevokedIsNotGoodAnyMoreUnlessOnlySuperseded) {
  const auto [certificate, _] = leaf();
  const auto [another, __] = leaf();
  const auto shown = http::peer_certificate(certificate, {authority("ca/intermediate").shared(), authority("ca/root").shared()});
  ASSERT_EQ(take(both({.number = 1})).kind, Kind::taken);
  EXPECT_TRUE(file_.still_good(*shown));
  ASSERT_EQ(take(list("ca/intermediate", {.revoked = {another}, .number = 2})).kind, Kind::taken);
  EXPECT_TRUE(file_.still_good(*shown));
  ASSERT_EQ(take(list("ca/intermediate", {.revoked = {certificate}, .reason = crypto::RevocationList::kSuperseded, .number = 3})).kind, Kind::taken);
  EXPECT_TRUE(file_.still_good(*shown));
  ASSERT_EQ(take(list("ca/intermediate", {.revoked = {another, certificate}, .reason = 1, .number = 4})).kind, Kind::taken);
  EXPECT_EQ(file_.still_good(*shown).error().code, ErrorCode::permission_denied);
  ASSERT_EQ(take(list("ca/intermediate", {.number = 5})).kind, Kind::taken);
  EXPECT_TRUE(file_.still_good(*shown));
  ASSERT_EQ(take(list("ca/root", {.revoked = {authority("ca/intermediate")}, .from = -1min})).kind, Kind::taken);
  EXPECT_FALSE(file_.still_good(*shown)) << "the authority above it is revoked";
}

TEST_F(RevocationFileTest, AFileThatWasPutByHandIsSeenAndWhatCannotBeReadChangesNothing) {
  const auto [certificate, _] = leaf();
  const auto shown = http::peer_certificate(certificate);
  write("crl.pem", both());
  EXPECT_TRUE(file_.look());
  EXPECT_FALSE(file_.look());
  EXPECT_TRUE(file_.still_good(*shown));
  write("crl.pem", both({.revoked = {certificate}}));
  EXPECT_FALSE(file_.still_good(*shown));
  EXPECT_TRUE(file_.look()) << "also after somebody else saw it";
  write("crl.pem", "garbage");
  EXPECT_FALSE(file_.still_good(*shown));
  EXPECT_EQ(take(list("ca/intermediate", {.from = -2h})).kind, Kind::older) << "what was there before is not forgotten";
}

TEST_F(RevocationFileTest, AFileThatIsGoneIsMadeAnew) {
  ASSERT_EQ(take(both({.number = 1})).kind, Kind::taken);
  const std::string before = read("crl.pem");
  std::filesystem::remove(path("crl.pem"));
  EXPECT_EQ(take(both({.number = 1})).kind, Kind::same);
  EXPECT_EQ(read("crl.pem"), before);
}

}  // namespace
}  // namespace sluis::node
