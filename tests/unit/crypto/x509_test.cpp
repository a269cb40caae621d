#include "connector/crypto/x509.hpp"

#include "certs/authority.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace sluis::crypto {
namespace {

using std::chrono::days;

class X509Test : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(certs::make_authority(ca_, now_ - days(1), now_ + days(400), random_));
    roots_ = *certificates_from_pem(*certs::read_file(ca_ / "root.pem"));
  }
  CertificateRequest request() const {
    return {.organisation = "Gemeente Duinmeer", .common_name = "duinmeer.example", .oin = "00000099000000002000",
            .dns_names = {"duinmeer.example", "127.0.0.1", "::1"}, .from = now_ - days(1), .until = now_ + days(30)};
  }
  /// The leaf and the intermediate.
  std::vector<Certificate> chain(const CertificateRequest& wanted) {
    const auto leaf = certs::issue(ca_, wanted, random_);
    EXPECT_TRUE(leaf);
    return *certificates_from_pem(leaf->chain_pem);
  }
  std::string verdict(const std::vector<Certificate>& certificates, CertificateUse use, Timestamp at) const {
    const auto done = verify_chain(certificates.at(0), {certificates.begin() + 1, certificates.end()}, roots_, use, at);
    return done ? "" : done.error().message;
  }

  test::TempFolder folder_;
  std::filesystem::path ca_ = folder_.path() / "ca";
  SystemRandom random_;
  Timestamp now_ = *parse_time("2026-11-26T09:00:00Z");
  std::vector<Certificate> roots_;
};

TEST_F(X509Test, ACertificateSaysWhatWasAsked) {
  const Certificate leaf = chain(request()).at(0);
  EXPECT_EQ(leaf.organisation(), "Gemeente Duinmeer");
  EXPECT_EQ(leaf.common_name(), "duinmeer.example");
  EXPECT_EQ(leaf.oin(), "00000099000000002000");
  EXPECT_EQ(leaf.issuer_name(), "Sluis development services");
  EXPECT_EQ(leaf.dns_names(), std::vector<std::string>{"duinmeer.example"});
  EXPECT_EQ(leaf.addresses(), (std::vector<std::string>{"127.0.0.1", "::1"}));
  EXPECT_EQ(leaf.not_before(), now_ - days(1));
  EXPECT_EQ(leaf.not_after(), now_ + days(30));
  EXPECT_TRUE(leaf.for_client());
  EXPECT_TRUE(leaf.for_server());
  EXPECT_EQ(leaf.fingerprint(), sha256(leaf.der()));
}

TEST_F(X509Test, TheKeyInACertificateIsTheLeafsOwn) {
  const auto leaf = certs::issue(ca_, request(), random_);
  const auto certificate = Certificate::from_pem(leaf->chain_pem);
  const auto key = certificate->public_key();
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->verify("text", Key::from_pem(leaf->key_pem)->sign("text")));
  EXPECT_NE(certificate->spki().find(key->public_raw()), std::string::npos);
}

TEST_F(X509Test, AGoodChainVerifiesForBothUses) {
  const auto good = chain(request());
  EXPECT_EQ(verdict(good, CertificateUse::client, now_), "");
  EXPECT_EQ(verdict(good, CertificateUse::server, now_), "");
}

TEST_F(X509Test, EachFaultHasItsOwnText) {
  const auto good = chain(request());
  EXPECT_NE(verdict(good, CertificateUse::client, now_ + days(31)).find("has expired"), std::string::npos);
  EXPECT_NE(verdict(good, CertificateUse::client, now_ - days(2)).find("not yet valid"), std::string::npos);
  CertificateRequest server_only = request();
  server_only.client = false;
  const auto server = chain(server_only);
  EXPECT_FALSE(server.at(0).for_client());
  EXPECT_EQ(verdict(server, CertificateUse::server, now_), "");
  EXPECT_NE(verdict(server, CertificateUse::client, now_).find("purpose"), std::string::npos);
  EXPECT_NE(verdict({good.at(0)}, CertificateUse::client, now_).find("unable to get"), std::string::npos);
  ASSERT_TRUE(certs::make_authority(folder_.path() / "other", now_ - days(1), now_ + days(9), random_));
  const auto foreign = certs::issue(folder_.path() / "other", request(), random_);
  EXPECT_NE(verdict(*certificates_from_pem(foreign->chain_pem), CertificateUse::client, now_), "");
  auto with_root = *certificates_from_pem(foreign->chain_pem);
  with_root.push_back(*Certificate::from_pem(*certs::read_file(folder_.path() / "other/root.pem")));
  EXPECT_NE(verdict(with_root, CertificateUse::client, now_).find("self-signed"), std::string::npos);
}

TEST_F(X509Test, ValidityCountsToTheSecond) {
  const auto good = chain(request());
  EXPECT_EQ(verdict(good, CertificateUse::client, now_ - days(1)), "");
  EXPECT_NE(verdict(good, CertificateUse::client, now_ - days(1) - std::chrono::seconds(1)), "");
  EXPECT_EQ(verdict(good, CertificateUse::client, now_ + days(30) - std::chrono::seconds(1)), "");
  EXPECT_NE(verdict(good, CertificateUse::client, now_ + days(30) + std::chrono::seconds(1)), "");
}

TEST_F(X509Test, ALeafCannotSign) {
  const auto leaf = certs::issue(ca_, request(), random_);
  const Certificate issuer = *Certificate::from_pem(leaf->chain_pem);
  const Key key = Key::generate(Key::Kind::p256);
  const Certificate forged = issue_certificate(request(), key, &issuer, *Key::from_pem(leaf->key_pem), random_);
  auto certificates = *certificates_from_pem(leaf->chain_pem);
  certificates.insert(certificates.begin(), forged);
  EXPECT_NE(verdict(certificates, CertificateUse::client, now_), "");
}

TEST_F(X509Test, DamagedCertificatesAreRefusedWithoutAnException) {
  const std::string der = chain(request()).at(0).der();
  EXPECT_FALSE(Certificate::from_der(""));
  EXPECT_FALSE(Certificate::from_der(der + "x"));
  EXPECT_FALSE(Certificate::from_pem("nonsense"));
  EXPECT_FALSE(certificates_from_pem(""));
  for (std::size_t size = 0; size < der.size(); size += 7) EXPECT_FALSE(Certificate::from_der(der.substr(0, size)));
  for (std::size_t i = 0; i < der.size(); ++i) {
    std::string altered = der;
    altered[i] = static_cast<char>(altered[i] ^ 0x20);
    const auto read = Certificate::from_der(altered);
    if (!read) continue;
    (void)read->not_before();
    (void)read->not_after();
    (void)read->oin();
    (void)read->dns_names();
    (void)read->public_key();
    EXPECT_FALSE(verify_chain(*read, {chain(request()).at(1)}, roots_, CertificateUse::client, now_)) << i;
    i += 12;  // issuing for each byte would take long
  }
}

TEST_F(X509Test, KeysAreForTheirOwnerAndFilesAreNotOverwritten) {
  struct stat file {};
  for (const char* name : {"root.key", "intermediate.key"}) {
    ASSERT_EQ(::stat((ca_ / name).c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777U, 0600U) << name;
  }
  EXPECT_FALSE(certs::make_authority(ca_, now_, now_ + days(1), random_));
  EXPECT_EQ(certificates_from_pem(*certs::read_file(ca_ / "root.pem"))->at(0).fingerprint(), roots_.at(0).fingerprint());
}

TEST_F(X509Test, NamesThatWouldAddOthersAreRefused) {
  CertificateRequest bad = request();
  for (const char* name : {"a.example,DNS:b.example", "", "a b", "a\n"}) {
    bad.dns_names = {name};
    EXPECT_FALSE(certs::issue(ca_, bad, random_)) << name;
  }
}

TEST_F(X509Test, ReadingAFolderOrNothingIsAnError) {
  EXPECT_FALSE(certs::read_file(folder_.path()));
  EXPECT_EQ(certs::read_file(folder_.path() / "none").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace sluis::crypto
