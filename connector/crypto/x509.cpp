#include "connector/crypto/x509.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace sluis::crypto {
namespace {

template <class T, void (*F)(T*)>
struct Freer {
  void operator()(T* object) const { F(object); }
};
using Bio = std::unique_ptr<BIO, Freer<BIO, BIO_free_all>>;
using Store = std::unique_ptr<X509_STORE, Freer<X509_STORE, X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX, X509_STORE_CTX_free>>;

void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using Stack = std::unique_ptr<STACK_OF(X509), Freer<STACK_OF(X509), free_stack>>;

void must(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string(what) + ": " + last_openssl_error());
}

std::string name_entry(const X509_NAME* name, int nid) {
  const int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string out(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return out;
}

Timestamp to_time(const ASN1_TIME* time) {
  std::tm parts{};
  must(ASN1_TIME_to_tm(time, &parts) == 1, "read a certificate's time");
  const std::chrono::year_month_day date{std::chrono::year(parts.tm_year + 1900),
                                         std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                         std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  return Timestamp(std::chrono::sys_days(date)) + std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
         std::chrono::seconds(parts.tm_sec);
}

std::time_t seconds(Timestamp time) {
  return static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

void add_entry(X509_NAME* name, const char* field, const std::string& text) {
  if (text.empty()) return;
  must(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                                  static_cast<int>(text.size()), -1, 0) == 1,
       "name a certificate's subject");
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "extend a certificate");
  X509_EXTENSION_free(extension);
}

std::string address_text(const unsigned char* bytes, int size) {
  char text[INET6_ADDRSTRLEN] = "";
  if (size != 4 && size != 16) return {};
  return ::inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, sizeof text) == nullptr ? std::string() : text;
}

std::vector<std::string> alternative_names_of(const X509* x509, int type) {
  std::vector<std::string> out;
  const std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES, GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x509, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int kind = 0;
    const auto* text = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind));
    if (kind != type) continue;
    const unsigned char* bytes = ASN1_STRING_get0_data(text);
    const int size = ASN1_STRING_length(text);
    out.push_back(type == GEN_IPADD ? address_text(bytes, size)
                                    : std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)));
  }
  return out;
}

bool has_usage(X509* x509, std::uint32_t usage) {
  return (X509_get_extension_flags(x509) & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(x509) & usage) != 0;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ",";
    const bool address = name.find_first_not_of("0123456789.") == std::string::npos || name.find(':') != std::string::npos;
    out += (address ? "IP:" : "DNS:") + name;
  }
  return out;
}

}  // namespace

Result<Certificate> Certificate::wrap(X509* x509, const char* form) {
  std::shared_ptr<X509> owned(x509, X509_free);
  std::tm parts{};
  if (x509 == nullptr || ASN1_TIME_to_tm(X509_get0_notBefore(x509), &parts) != 1 ||
      ASN1_TIME_to_tm(X509_get0_notAfter(x509), &parts) != 1) {
    ERR_clear_error();
    return Error(ErrorCode::invalid_argument, form);
  }
  return Certificate(std::move(owned));
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return wrap(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), "not a certificate in PEM");
}

Result<Certificate> Certificate::from_der(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  SLUIS_TRY(Certificate certificate, wrap(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())), "not a certificate in DER"));
  if (bytes != reinterpret_cast<const unsigned char*>(der.data()) + der.size()) {
    return Error(ErrorCode::invalid_argument, "bytes follow the certificate");
  }
  return certificate;
}

std::string Certificate::der() const {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(x509_.get(), &bytes);
  must(size > 0, "encode a certificate");
  std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

std::string Certificate::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(bio.get(), x509_.get()) == 1, "write a certificate");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string Certificate::common_name() const { return name_entry(X509_get_subject_name(x509_.get()), NID_commonName); }
std::string Certificate::organisation() const {
  return name_entry(X509_get_subject_name(x509_.get()), NID_organizationName);
}
std::string Certificate::oin() const { return name_entry(X509_get_subject_name(x509_.get()), NID_serialNumber); }
std::string Certificate::issuer_name() const { return name_entry(X509_get_issuer_name(x509_.get()), NID_commonName); }
std::vector<std::string> Certificate::dns_names() const { return alternative_names_of(x509_.get(), GEN_DNS); }
std::vector<std::string> Certificate::addresses() const { return alternative_names_of(x509_.get(), GEN_IPADD); }
bool Certificate::for_client() const { return has_usage(x509_.get(), XKU_SSL_CLIENT); }
bool Certificate::for_server() const { return has_usage(x509_.get(), XKU_SSL_SERVER); }

Result<Key> Certificate::public_key() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  EVP_PKEY* key = X509_get0_pubkey(x509_.get());
  if (key == nullptr || PEM_write_bio_PUBKEY(bio.get(), key) != 1) {
    ERR_clear_error();
    return Error(ErrorCode::invalid_argument, "the certificate's key cannot be read");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return Key::from_pem({text, static_cast<std::size_t>(size)});
}

std::string Certificate::spki() const {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509_.get()), &bytes);
  must(size > 0, "encode a key");
  std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

Timestamp Certificate::not_before() const { return to_time(X509_get0_notBefore(x509_.get())); }
Timestamp Certificate::not_after() const { return to_time(X509_get0_notAfter(x509_.get())); }

Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem) {
  std::vector<Certificate> out;
  constexpr std::string_view end = "-----END CERTIFICATE-----";
  for (std::size_t at = pem.find(end); at != std::string_view::npos; at = pem.find(end)) {
    SLUIS_TRY(Certificate certificate, Certificate::from_pem(pem.substr(0, at + end.size())));
    out.push_back(std::move(certificate));
    pem.remove_prefix(at + end.size());
  }
  if (out.empty()) return Error(ErrorCode::invalid_argument, "no certificate in PEM");
  return out;
}

Result<void> verify_chain(const Certificate& leaf, const std::vector<Certificate>& intermediates,
                          const std::vector<Certificate>& roots, CertificateUse use, Timestamp at) {
  const Store store(X509_STORE_new());
  for (const Certificate& root : roots) must(X509_STORE_add_cert(store.get(), root.native()) == 1, "trust a root");
  const Stack others(sk_X509_new_null());
  for (const Certificate& other : intermediates) sk_X509_push(others.get(), other.native());
  const StoreContext context(X509_STORE_CTX_new());
  must(context && X509_STORE_CTX_init(context.get(), store.get(), leaf.native(), others.get()) == 1, "verify");
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, seconds(at));
  X509_VERIFY_PARAM_set_purpose(param, use == CertificateUse::client ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER);
  if (X509_verify_cert(context.get()) == 1) return {};
  const std::string why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
  ERR_clear_error();
  return Error(ErrorCode::permission_denied, "the certificate of `" + leaf.common_name() + "` is refused: " + why);
}

Certificate issue_certificate(const CertificateRequest& request, const Key& subject_key, const Certificate* issuer,
                              const Key& issuer_key, Random& random) {
  std::shared_ptr<X509> certificate(X509_new(), X509_free);
  X509* x509 = certificate.get();
  must(x509 != nullptr && X509_set_version(x509, 2) == 1, "make a certificate");
  std::string serial = random.bytes(16);
  serial[0] = static_cast<char>(static_cast<unsigned char>(serial[0]) & 0x7FU);
  BIGNUM* number = BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), 16, nullptr);
  must(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != nullptr, "number a certificate");
  BN_free(number);
  must(ASN1_TIME_set(X509_getm_notBefore(x509), seconds(request.from)) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(x509), seconds(request.until)) != nullptr,
       "date a certificate");
  X509_NAME* subject = X509_get_subject_name(x509);
  add_entry(subject, "C", "NL");
  add_entry(subject, "O", request.organisation);
  add_entry(subject, "CN", request.common_name);
  add_entry(subject, "serialNumber", request.oin);
  X509* signer = issuer == nullptr ? x509 : issuer->native();
  must(X509_set_issuer_name(x509, X509_get_subject_name(signer)) == 1 && X509_set_pubkey(x509, subject_key.native()) == 1,
       "make a certificate");
  add_extension(x509, signer, NID_basic_constraints, request.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(x509, signer, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) add_extension(x509, signer, NID_authority_key_identifier, "keyid:always");
  add_extension(x509, signer, NID_key_usage, request.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!request.authority) {
    const std::string use = std::string(request.client ? "clientAuth" : "") +
                            (request.client && request.server ? "," : "") + (request.server ? "serverAuth" : "");
    add_extension(x509, signer, NID_ext_key_usage, use);
    if (!request.dns_names.empty()) add_extension(x509, signer, NID_subject_alt_name, alternative_names(request.dns_names));
  }
  const EVP_MD* md = issuer_key.kind() == Key::Kind::p256 ? EVP_sha256() : nullptr;
  must(X509_sign(x509, issuer_key.native(), md) > 0, "sign a certificate");
  return *Certificate::from_der([&] {
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(x509, &bytes);
    must(size > 0, "encode a certificate");
    std::string out(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return out;
  }());
}

}  // namespace sluis::crypto
