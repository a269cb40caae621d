#include "connector/identity/roles.hpp"

#include "connector/crypto/crypto.hpp"
#include "connector/identity/directory.hpp"
#include "connector/identity/object_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

namespace sluis::identity {
namespace {

constexpr std::array<std::string_view, kRoles> kNames{"steward",     "privacy_officer", "dpo",          "auditor",
                                                      "application", "operator",        "panel_member",
                                                      "council_clerk"};
constexpr std::size_t kTokenFileBytes = 1024;

Error io_error(const std::string& path, int number) {
  const ErrorCode code = number == EEXIST || number == ELOOP ? ErrorCode::conflict
                         : number == ENOENT                  ? ErrorCode::not_found
                                                             : ErrorCode::internal;
  return Error(code, "`" + path + "`: " + std::strerror(number));
}

/// Closes at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

int open_secret(const std::string& path) { return ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); }

Result<void> check_owner_only(int file, const std::string& path) {
  struct stat info{};
  if (::fstat(file, &info) != 0) return io_error(path, errno);
  if (!S_ISREG(info.st_mode)) return Error(ErrorCode::invalid_argument, "`" + path + "` is not a regular file");
  if ((info.st_mode & 077U) != 0) {
    return Error(ErrorCode::permission_denied, "`" + path + "` can be read by others than its owner")
        .mended_by("chmod 600 it, or better make a new one");
  }
  return {};
}

constexpr std::string_view kTokenMember = "sha256";
constexpr std::string_view kCertificateMember = "certificate_sha256";

/// A DPO's own; nobody else signs findings.
Result<std::string> read_signing_key(ObjectReader& reader, Role role) {
  SLUIS_TRY(const auto text, reader.optional_string("key"));
  if (!text) return std::string();
  if (role != Role::dpo) {
    return reader.refused("key", "only a `dpo` signs findings, and has a `key`").mended_by("take the key out, or give the person that role");
  }
  auto raw = from_base64url(*text);
  if (!raw || raw->size() != 32 || !crypto::Key::from_ed25519_public(*raw)) {
    return reader.refused("key", "an Ed25519 key is 32 bytes in base64url").mended_by("sluis role add --signing-key FILE.pub writes it");
  }
  return std::move(*raw);
}

Result<RoleHolder> read_holder(ObjectReader& reader) {
  RoleHolder holder;
  SLUIS_TRY(const auto name, reader.string("role"));
  const auto role = role_from(name);
  if (!role) return reader.refused("role", "unknown role `" + name + "`").mended_by(suggestion(name, kNames));
  holder.role = *role;
  SLUIS_TRY(holder.person, reader.string("person"));
  holder.shown = reader.optional(kCertificateMember) != nullptr ? Shown::certificate : Shown::token;
  const std::string_view member = holder.shown == Shown::certificate ? kCertificateMember : kTokenMember;
  SLUIS_TRY(const auto hex, reader.string(member));
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != 32) return reader.refused(member, "a hash has 64 hexadecimal digits");
  SLUIS_TRY(holder.hash, to_hash(*bytes));
  SLUIS_TRY(holder.until, reader.optional_time("until"));
  if (holder.role == Role::auditor && !holder.until) {
    return Error(ErrorCode::invalid_argument, "an auditor needs `until`").at_pointer(reader.pointer());
  }
  SLUIS_TRY(const json::Array* activities, reader.array("activities"));
  for (std::size_t i = 0; i < activities->size(); ++i) {
    const std::string* activity = (*activities)[i].if_string();
    if (activity == nullptr || activity->empty()) return reader.refused("activities", "activities are strings");
    holder.activities.push_back(*activity);
  }
  SLUIS_TRY(holder.key, read_signing_key(reader, holder.role));
  SLUIS_CHECK(reader.finish());
  return holder;
}

Result<std::vector<RoleHolder>> read_roles(const json::Value& value) {
  SLUIS_TRY(ObjectReader reader, ObjectReader::open(value, ""));
  SLUIS_TRY(const json::Array* array, reader.array("roles"));
  std::vector<RoleHolder> holders;
  std::set<std::pair<Shown, Hash>> seen;
  std::map<std::string, std::string> persons;  // by the key with which they sign
  for (std::size_t i = 0; i < array->size(); ++i) {
    SLUIS_TRY(ObjectReader one, ObjectReader::open((*array)[i], json::pointer_to("/roles", i)));
    SLUIS_TRY(RoleHolder holder, read_holder(one));
    if (!seen.insert({holder.shown, holder.hash}).second) {
      const bool token = holder.shown == Shown::token;
      return one.refused(token ? kTokenMember : kCertificateMember,
                         token ? "one token has two roles" : "one certificate has two roles");
    }
    if (!holder.key.empty() && persons.emplace(holder.key, holder.person).first->second != holder.person) {
      return one.refused("key", "one key signs for two persons").mended_by("each makes a key of her own: sluis audit key FILE");
    }
    holders.push_back(std::move(holder));
  }
  SLUIS_CHECK(reader.finish());
  return holders;
}

}  // namespace

std::string_view to_string(Role role) { return kNames.at(static_cast<std::size_t>(role)); }

std::optional<Role> role_from(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

NewToken make_token(Random& random, Role role, std::string person) {
  NewToken made;
  made.token = to_base64url(random.bytes(32));
  made.holder.role = role;
  made.holder.person = std::move(person);
  made.holder.hash = crypto::sha256(made.token);
  return made;
}

Result<void> write_token_file(const std::string& path, std::string_view token) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return io_error(path, errno);
  std::string text(token);
  text += '\n';
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return io_error(path, errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return io_error(path, errno);
  return {};
}

Result<void> for_owner_only(const std::string& path) {
  const Descriptor file(open_secret(path));
  if (file.get() < 0) return io_error(path, errno);
  return check_owner_only(file.get(), path);
}

Result<std::string> read_token_file(const std::string& path) {
  const Descriptor file(open_secret(path));
  if (file.get() < 0) return io_error(path, errno);
  SLUIS_CHECK(check_owner_only(file.get(), path));
  std::array<char, kTokenFileBytes> buffer{};
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size < 0) return io_error(path, errno);
  std::string token(buffer.data(), static_cast<std::size_t>(size));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const auto bytes = from_base64url(token);
  if (!bytes || bytes->size() != 32) return Error(ErrorCode::invalid_argument, "`" + path + "` holds no token");
  return token;
}

Result<Roles> Roles::parse(std::string_view text, std::string_view file) {
  auto value = json::parse(text);
  if (!value) return located(value.error(), text, file);
  auto holders = read_roles(*value);
  if (!holders) return located(holders.error(), text, file);
  return Roles(std::move(*holders));
}

std::string Roles::serialise() const {
  json::Array array;
  for (const RoleHolder& holder : holders_) {
    json::Value one = json::object({{"role", json::Value(to_string(holder.role))},
                                    {"person", json::Value(holder.person)},
                                    {std::string(holder.shown == Shown::token ? kTokenMember : kCertificateMember),
                                     json::Value(to_hex(holder.hash))}});
    if (holder.until) one.set("until", json::Value(format_time(*holder.until)));
    json::Array activities;
    for (const std::string& activity : holder.activities) activities.emplace_back(activity);
    if (!activities.empty()) one.set("activities", json::Value(std::move(activities)));
    if (!holder.key.empty()) one.set("key", json::Value(to_base64url(holder.key)));
    array.push_back(std::move(one));
  }
  return json::serialise_pretty(json::object({{"roles", json::Value(std::move(array))}}));
}

Error Roles::opens_nothing(Shown shown) {
  return Error(ErrorCode::unauthenticated, shown == Shown::token ? "unknown token" : "this client certificate has no role");
}

Result<RoleHolder> Roles::find_hash(Shown shown, const Hash& hash, Timestamp now) const {
  const RoleHolder* found = nullptr;
  for (const RoleHolder& holder : holders_) {
    if (crypto::equal(view(hash), view(holder.hash)) && holder.shown == shown) found = &holder;
  }
  if (found == nullptr) return opens_nothing(shown);
  if (found->until && now >= *found->until) {
    return Error(ErrorCode::invalid_state, "the role of `" + found->person + "` ended at " + format_time(*found->until));
  }
  return *found;
}

Result<RoleHolder> Roles::find(std::string_view token, Timestamp now) const {
  return find_hash(Shown::token, crypto::sha256(token), now);
}

Result<RoleHolder> Roles::find_bearer(std::string_view authorization, Timestamp now) const {
  constexpr std::string_view scheme = "bearer ";
  const bool bearer = authorization.size() > scheme.size() &&
                      std::equal(scheme.begin(), scheme.end(), authorization.begin(),
                                 [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
  if (!bearer) return Error(ErrorCode::unauthenticated, "no token").mended_by("send `Authorization: Bearer <token>`");
  return find(authorization.substr(scheme.size()), now);
}

Result<RoleHolder> Roles::find_certificate(const http::TlsPeer& tls, Timestamp now) const {
  SLUIS_TRY(const http::PeerCertificate* certificate, verified_certificate(tls, now));
  const auto bytes = from_hex(certificate->sha256);
  if (!bytes) return Error(ErrorCode::unauthenticated, "the client certificate has no fingerprint");
  SLUIS_TRY(const Hash hash, to_hash(*bytes));
  return find_hash(Shown::certificate, hash, now);
}

Result<RoleHolder> Roles::find_caller(std::string_view authorization, const http::TlsPeer& tls, Timestamp now) const {
  if (!authorization.empty()) return find_bearer(authorization, now);
  if (tls.presented()) return find_certificate(tls, now);
  return Error(ErrorCode::unauthenticated, "no role token was sent")
      .mended_by("send `Authorization: Bearer <token>` with the token of a role, or a client certificate that has one");
}

}  // namespace sluis::identity
