#include "connector/identity/roles.hpp"

#include "connector/crypto/crypto.hpp"
#include "tests/support/doubles.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace sluis::identity {
namespace {

const Timestamp kNow = *parse_time("2026-11-26T09:00:00Z");

TEST(Roles, ATokenNamesARoleAndAPerson) {
  test::SeededRandom random;
  const NewToken steward = make_token(random, Role::steward, "Anna");
  const NewToken application = make_token(random, Role::application, "counting app");
  EXPECT_EQ(from_base64url(steward.token)->size(), 32U);
  const Roles roles({steward.holder, application.holder});
  const auto found = roles.find(steward.token, kNow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->role, Role::steward);
  EXPECT_EQ(found->person, "Anna");
  EXPECT_EQ(roles.find_bearer("Bearer " + application.token, kNow)->role, Role::application);
  EXPECT_EQ(roles.find_bearer("bearer " + application.token, kNow)->role, Role::application);
  for (const std::string& bad : {std::string(), std::string("Bearer "), "Basic " + steward.token, steward.token,
                                 "Bearer " + steward.token + "x"}) {
    EXPECT_EQ(roles.find_bearer(bad, kNow).error().code, ErrorCode::unauthenticated) << bad;
  }
  EXPECT_FALSE(roles.find(to_hex(steward.holder.hash), kNow));
}

TEST(Roles, OnlyTheHashIsKept) {
  test::SeededRandom random;
  NewToken auditor = make_token(random, Role::auditor, "Bob");
  auditor.holder.until = kNow + std::chrono::hours(1);
  NewToken application = make_token(random, Role::application, "app");
  application.holder.activities = {"urn:a:1", "urn:a:2"};
  const std::string text = Roles({auditor.holder, application.holder}).serialise();
  EXPECT_EQ(text.find(auditor.token), std::string::npos);
  const auto read = Roles::parse(text);
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->find(application.token, kNow)->activities.size(), 2U);
  EXPECT_TRUE(read->find(auditor.token, kNow));
  const auto over = read->find(auditor.token, kNow + std::chrono::hours(1));
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, ErrorCode::invalid_state) << "for the operator; who shows it is told what of no token";
  EXPECT_EQ(over.error().message, "the role of `Bob` ended at 2026-11-26T10:00:00Z");
  EXPECT_EQ(Roles::opens_nothing(Shown::token).message, read->find("guessed", kNow).error().message);
}

TEST(Roles, ADpoHasAKeyOfHerOwnAndItIsReadStrictly) {
  test::SeededRandom random;
  NewToken dpo = make_token(random, Role::dpo, "Fatima");
  dpo.holder.key = crypto::Key::generate(crypto::Key::Kind::ed25519).public_raw();
  RoleHolder by_certificate{Role::dpo, "Fatima", Shown::certificate, crypto::sha256("her certificate"), {}, {}};
  by_certificate.key = dpo.holder.key;
  const auto roles = Roles::parse(Roles({dpo.holder, by_certificate}).serialise());
  ASSERT_TRUE(roles) << describe(roles.error());
  EXPECT_EQ(roles->find(dpo.token, kNow)->key, dpo.holder.key);

  const auto refused = [&](const std::string& role, const std::string& more) {
    const auto read = Roles::parse("{\"roles\":[\n{\"role\":\"" + role + "\",\"person\":\"C\",\"sha256\":\"" + std::string(64, 'a') + "\",\n\"until\":\"2030-01-01T00:00:00Z\"," + more + "}]}", "roles.json");
    return read ? std::string("taken") : describe(read.error()).substr(0, describe(read.error()).find(';'));
  };
  const std::string good = "\"key\":\"" + to_base64url(dpo.holder.key) + "\"";
  EXPECT_EQ(refused("dpo", good), "taken");
  EXPECT_EQ(refused("auditor", good), "roles.json:3:38: only a `dpo` signs findings, and has a `key` (at `/roles/0/key`)");
  EXPECT_EQ(refused("steward", good), "roles.json:3:38: only a `dpo` signs findings, and has a `key` (at `/roles/0/key`)");
  EXPECT_EQ(refused("dpo", "\"key\":\"" + to_base64url(std::string(31, 'k')) + "\""), "roles.json:3:38: an Ed25519 key is 32 bytes in base64url (at `/roles/0/key`)");
  EXPECT_EQ(refused("dpo", "\"key\":\"===\""), "roles.json:3:38: an Ed25519 key is 32 bytes in base64url (at `/roles/0/key`)");
  EXPECT_EQ(refused("dpo", "\"key\":7"), "roles.json:3:38: a string is needed, not a number (at `/roles/0/key`)");
  EXPECT_NE(refused("dpo", "\"keys\":\"x\"").find("unknown member `keys`"), std::string::npos);

  const std::string auditor = R"({"role":"auditor","person":"C","sha256":")" + std::string(64, 'a') + "\"";
  const auto ended = [&](const std::string& more) {
    const auto read = Roles::parse("{\"roles\":[" + auditor + more + "}]}", "roles.json");
    return read ? "taken" : read.error().place.pointer;
  };
  EXPECT_EQ(ended(",\"until\":\"2030-01-01T00:00:00Z\""), "taken");
  EXPECT_EQ(ended(""), "/roles/0") << "an auditor has an end";
  EXPECT_EQ(ended(",\"until\":\"next year\""), "/roles/0/until");
  EXPECT_EQ(ended(",\"until\":\"2030-01-01T00:00:00\""), "/roles/0/until") << "without a zone";
  EXPECT_EQ(ended(",\"until\":2030"), "/roles/0/until");

  NewToken another = make_token(random, Role::dpo, "Bo");
  another.holder.key = dpo.holder.key;
  const auto shared = Roles::parse(Roles({dpo.holder, another.holder}).serialise());
  ASSERT_FALSE(shared);
  EXPECT_EQ(shared.error().place.pointer, "/roles/1/key");
}

TEST(Roles, ABadFileIsRefused) {
  const std::string hash(64, 'a');
  const auto file = [&](const std::string& entry) {
    return Roles::parse(R"({"roles":[)" + entry + "]}", "roles.json");
  };
  EXPECT_TRUE(file(R"({"role":"dpo","person":"C","sha256":")" + hash + "\"}"));
  EXPECT_FALSE(file(R"({"role":"boss","person":"C","sha256":")" + hash + "\"}"));
  EXPECT_FALSE(file(R"({"role":"auditor","person":"C","sha256":")" + hash + "\"}"));
  EXPECT_FALSE(file(R"({"role":"dpo","person":"C","sha256":"aa"})"));
  EXPECT_FALSE(file(R"({"role":"dpo","person":"C","token":"x","sha256":")" + hash + "\"}"));
  EXPECT_TRUE(file(R"({"role":"dpo","person":"C","certificate_sha256":")" + hash + "\"}"));
  EXPECT_FALSE(file(R"({"role":"dpo","person":"C","certificate_sha256":")" + hash + R"(","sha256":")" + hash + "\"}"));
  const std::string one = R"({"role":"dpo","person":"C","sha256":")" + hash + "\"}";
  EXPECT_FALSE(file(one + "," + one));
}

TEST(Roles, AVerifiedClientCertificateNamesAHolderToo) {
  test::SeededRandom random;
  const NewToken steward = make_token(random, Role::steward, "Anna");
  RoleHolder dpo{Role::dpo, "Bo", Shown::certificate, crypto::sha256("a certificate's DER"), {}, {}};
  dpo.until = kNow + std::chrono::hours(2);
  const auto roles = Roles::parse(Roles({steward.holder, dpo}).serialise());
  ASSERT_TRUE(roles) << describe(roles.error());
  const auto shown = [](const std::string& sha256) {
    return http::TlsPeer{std::make_shared<const http::PeerCertificate>(http::PeerCertificate{
                             sha256, {}, {}, kNow - std::chrono::hours(1), kNow + std::chrono::hours(1)}),
                         {}};
  };
  http::TlsPeer good = shown(to_hex(dpo.hash));
  const std::string token = "Bearer " + steward.token;
  EXPECT_EQ(roles->find_caller("", good, kNow)->person, "Bo");
  EXPECT_EQ(roles->find_caller(token, good, kNow)->person, "Anna");
  EXPECT_EQ(roles->find_caller(token, {}, kNow)->person, "Anna");
  const auto code = [&](std::string_view authorization, const http::TlsPeer& tls, Timestamp now) {
    const auto found = roles->find_caller(authorization, tls, now);
    return found ? std::string("found") : std::string(to_string(found.error().code));
  };
  EXPECT_EQ(code("", {}, kNow), "unauthenticated");
  EXPECT_EQ(code("Bearer x", good, kNow), "unauthenticated") << "a bad token is not mended by a good certificate";
  EXPECT_EQ(code("", shown(to_hex(crypto::sha256("another"))), kNow), "unauthenticated");
  EXPECT_EQ(code("", shown(to_hex(steward.holder.hash)), kNow), "unauthenticated") << "a token's hash is no certificate's";
  EXPECT_EQ(code("", good, kNow + std::chrono::minutes(61)), "unauthenticated") << "the connection was kept, the certificate ended";
  EXPECT_EQ(code("", good, kNow - std::chrono::minutes(61)), "unauthenticated");
  good.verify_error = "self-signed certificate";
  EXPECT_EQ(code("", good, kNow), "unauthenticated");
  EXPECT_EQ(code("", http::TlsPeer{nullptr, "it cannot be read"}, kNow), "unauthenticated");
}

TEST(Roles, EveryRoleHasAName) {
  for (std::size_t i = 0; i < kRoles; ++i) {
    const Role role = static_cast<Role>(i);
    EXPECT_EQ(role_from(to_string(role)), role);
  }
  EXPECT_FALSE(role_from("root"));
}

TEST(TokenFile, IsForItsOwnerOnlyAndNeverOverwritten) {
  test::TempFolder folder;
  test::SeededRandom random;
  const std::string path = (folder.path() / "steward.token").string();
  const NewToken made = make_token(random, Role::steward, "Anna");
  ASSERT_TRUE(write_token_file(path, made.token));
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(*read_token_file(path), made.token);
  EXPECT_EQ(write_token_file(path, made.token).error().code, ErrorCode::conflict);
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(read_token_file(path).error().code, ErrorCode::permission_denied);
  EXPECT_EQ(read_token_file(path + "x").error().code, ErrorCode::not_found);
  const std::string link = (folder.path() / "link").string();
  std::filesystem::create_symlink(path, link);
  EXPECT_FALSE(read_token_file(link));
  const std::string pipe = (folder.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(read_token_file(pipe));
}

}  // namespace
}  // namespace sluis::identity
