#include "connector/crypto/crl.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace sluis::crypto {
namespace {

struct FreeBio { void operator()(BIO* bio) const { BIO_free_all(bio); } };
struct FreeInteger { void operator()(ASN1_INTEGER* number) const { ASN1_INTEGER_free(number); } };
struct FreeStore { void operator()(X509_STORE* store) const { X509_STORE_free(store); } };
struct FreeStoreContext { void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); } };
struct FreeStack { void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); } };
struct FreeEnumerated { void operator()(ASN1_ENUMERATED* value) const { ASN1_ENUMERATED_free(value); } };

Error bad(std::string why) {
  ERR_clear_error();
  return Error(ErrorCode::invalid_argument, std::move(why));
}

std::optional<Timestamp> to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return Timestamp(std::chrono::seconds(::timegm(&parts)));
}

std::string encoded(const X509_NAME* name) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_NAME(name, &bytes);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

}  // namespace

Result<RevocationList> RevocationList::wrap(X509_CRL* list) {
  std::shared_ptr<X509_CRL> owned(list, X509_CRL_free);
  if (list == nullptr || !to_time(X509_CRL_get0_lastUpdate(list))) return bad("not a list of revoked certificates");
  if (X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) >= 0) return bad("a list of changes to another one (delta)");
  if (X509_CRL_get_ext_by_NID(list, NID_issuing_distribution_point, -1) >= 0) return bad("a list of a part of the certificates only");
  return RevocationList(std::move(owned));
}

Result<std::vector<RevocationList>> RevocationList::read(std::string_view bytes) {
  std::vector<RevocationList> out;
  constexpr std::string_view begin = "-----BEGIN X509 CRL-----";
  if (bytes.find(begin) == std::string_view::npos) {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto* end = at + bytes.size();
    SLUIS_TRY(RevocationList list, wrap(d2i_X509_CRL(nullptr, &at, static_cast<long>(bytes.size()))));
    if (at != end) return bad("bytes follow the list of revoked certificates");
    out.push_back(std::move(list));
    return out;
  }
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  while (X509_CRL* list = PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)) {
    SLUIS_TRY(RevocationList one, wrap(list));
    out.push_back(std::move(one));
    if (out.size() > kMost) return bad("more than " + std::to_string(kMost) + " lists of revoked certificates");
  }
  const unsigned long why = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
  if (out.empty() || !at_end) return bad("a list of revoked certificates that is cut short or damaged");
  ERR_clear_error();
  return out;
}

std::string RevocationList::issuer() const {
  char text[512] = "";
  X509_NAME_oneline(X509_CRL_get_issuer(list_.get()), text, sizeof text);
  return text;
}

std::string RevocationList::issuer_der() const { return encoded(X509_CRL_get_issuer(list_.get())); }

std::optional<std::string> RevocationList::number() const {
  const std::unique_ptr<ASN1_INTEGER, FreeInteger> found(static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list_.get(), NID_crl_number, nullptr, nullptr)));
  if (!found || ASN1_STRING_type(found.get()) != V_ASN1_INTEGER) return std::nullopt;  // a negative one is none (RFC 5280, 5.2.3)
  const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(found.get()));
  std::string_view text(bytes, static_cast<std::size_t>(ASN1_STRING_length(found.get())));
  while (!text.empty() && text.front() == '\0') text.remove_prefix(1);
  return std::string(text);
}

Timestamp RevocationList::this_update() const { return *to_time(X509_CRL_get0_lastUpdate(list_.get())); }
std::optional<Timestamp> RevocationList::next_update() const { return to_time(X509_CRL_get0_nextUpdate(list_.get())); }

std::string RevocationList::der() const {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_CRL(list_.get(), &bytes);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

std::string RevocationList::pem() const {
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509_CRL(bio.get(), list_.get()) != 1) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

bool RevocationList::signed_by(const Certificate& authority) const {
  X509* issuer = authority.native();
  if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(list_.get())) != 0) return false;
  const std::uint32_t usage = X509_get_key_usage(issuer);  // all of it where none is named
  if (X509_check_ca(issuer) == 0 || (usage & KU_CRL_SIGN) == 0) return false;
  EVP_PKEY* key = X509_get0_pubkey(issuer);
  const bool good = key != nullptr && X509_CRL_verify(list_.get(), key) == 1;
  ERR_clear_error();
  return good;
}

std::optional<int> RevocationList::reason(const X509* certificate) const {
  if (X509_NAME_cmp(X509_get_issuer_name(certificate), X509_CRL_get_issuer(list_.get())) != 0) return std::nullopt;
  X509_REVOKED* entry = nullptr;
  // The number is read only; OpenSSL has it so. The issuer was compared: indirect lists are refused above.
  if (X509_CRL_get0_by_serial(list_.get(), &entry, const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(certificate))) != 1 || entry == nullptr) return std::nullopt;
  const std::unique_ptr<ASN1_ENUMERATED, FreeEnumerated> why(static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr)));
  return why ? static_cast<int>(ASN1_ENUMERATED_get(why.get())) : 0;
}

bool leads_to_root(const Certificate& authority, const std::vector<Certificate>& others, const std::vector<Certificate>& roots, Timestamp at) {
  const std::unique_ptr<X509_STORE, FreeStore> store(X509_STORE_new());
  const std::unique_ptr<STACK_OF(X509), FreeStack> between(sk_X509_new_null());
  const std::unique_ptr<X509_STORE_CTX, FreeStoreContext> context(X509_STORE_CTX_new());
  if (!store || !between || !context) return false;
  for (const Certificate& root : roots) {
    if (X509_STORE_add_cert(store.get(), root.native()) != 1) return false;
  }
  for (const Certificate& other : others) sk_X509_push(between.get(), other.native());
  if (X509_STORE_CTX_init(context.get(), store.get(), authority.native(), between.get()) != 1) return false;
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count()));
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);  // those of callers and servers are none of an authority
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  return good;
}

ListOrder compare(const RevocationList& offered, const RevocationList& held) {
  if (offered.der() == held.der()) return ListOrder::same;
  const auto order = [](bool newer) { return newer ? ListOrder::newer : ListOrder::older; };
  const auto mine = offered.number(), theirs = held.number();
  if (mine && theirs && *mine != *theirs) {
    const bool larger = mine->size() != theirs->size() ? mine->size() > theirs->size() : *mine > *theirs;
    // One that counts on and is of an earlier time is none that an authority makes: it is not taken.
    return order(larger && offered.this_update() >= held.this_update());
  }
  if (offered.this_update() != held.this_update() && !(mine && theirs)) return order(offered.this_update() > held.this_update());
  return ListOrder::another;
}

}  // namespace sluis::crypto
