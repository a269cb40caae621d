#include "connector/http/tls.hpp"

#include "connector/base/log.hpp"
#include "connector/base/private_file.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/crypto/x509.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>

namespace sluis::http {
namespace {

/// Never refuses: what is wrong with a client's certificate is recorded, and decided on per route.
int note_verification(int good, X509_STORE_CTX* context) {
  if (good == 0) {
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    if (auto* peer = static_cast<TlsPeer*>(SSL_get_app_data(ssl)); peer != nullptr && peer->verify_error.empty()) {
      peer->verify_error = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
    }
  }
  return 1;
}

Error unusable(const std::string& what, const std::string& file) {
  return Error(ErrorCode::invalid_argument, "cannot use the " + what + " `" + file + "`: " + crypto::last_openssl_error());
}

constexpr std::chrono::seconds kLookAgain{10};

std::time_t seconds(Timestamp time) {
  return static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

struct FreeBio { void operator()(BIO* bio) const { BIO_free_all(bio); } };
struct FreeList { void operator()(X509_CRL* list) const { X509_CRL_free(list); } };
struct FreeStoreContext { void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); } };

}  // namespace

void ignore_sigpipe() {
  static const bool done = [] {
    std::signal(SIGPIPE, SIG_IGN);
    return true;
  }();
  (void)done;
}

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<void> TlsContext::load(const TlsFiles& files) {
  SSL_CTX* raw = native();
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(raw, files.allow_tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);  // of a client: its sessions are kept by whom they were made with
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set1_groups_list(raw, "X25519:P-256");
  if (!files.chain.empty()) {
    SLUIS_CHECK(check_private_file(files.key));
    if (SSL_CTX_use_certificate_chain_file(raw, files.chain.c_str()) != 1) return unusable("certificate", files.chain);
    if (SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(raw) != 1) {
      return unusable("key", files.key);
    }
    X509* leaf = SSL_CTX_get0_certificate(raw);
    X509_up_ref(leaf);
    SLUIS_TRY(const crypto::Certificate certificate, crypto::Certificate::adopt(leaf));
    begins_ = certificate.not_before();
    ends_ = certificate.not_after();
  }
  if (!files.roots.empty() && SSL_CTX_load_verify_locations(raw, files.roots.c_str(), nullptr) != 1) return unusable("roots", files.roots);
  return files.lists.empty() ? Result<void>() : load_lists(files.lists);
}

/// From then on each authority of a chain needs its list, and one whose list is missing or over is taken for revoked.
Result<void> TlsContext::load_lists(const std::string& file) {
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_file(file.c_str(), "r"));
  if (!bio) return unusable("revocation lists", file);
  X509_STORE* store = SSL_CTX_get_cert_store(native());
  std::size_t lists = 0;
  std::map<std::string, Timestamp> ends;  // of each authority the newest: an old one beside it says nothing
  for (;; ++lists) {
    const std::unique_ptr<X509_CRL, FreeList> list(PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
    if (!list) break;
    if (X509_STORE_add_crl(store, list.get()) != 1) return unusable("revocation lists", file);
    std::tm parts{};
    const ASN1_TIME* next = X509_CRL_get0_nextUpdate(list.get());
    if (next == nullptr || ASN1_TIME_to_tm(next, &parts) != 1) continue;
    char issuer[512] = "";
    X509_NAME_oneline(X509_CRL_get_issuer(list.get()), issuer, sizeof issuer);
    const Timestamp end{std::chrono::seconds(::timegm(&parts))};
    const auto known = ends.emplace(issuer, end).first;
    known->second = std::max(known->second, end);
  }
  for (const auto& [issuer, end] : ends) lists_end_ = std::min(lists_end_, end);
  const unsigned long why = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
  if (lists == 0 || !at_end) return unusable("revocation lists", file);
  ERR_clear_error();
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return {};
}

Result<TlsContextPtr> TlsContext::server(const TlsFiles& files, bool request_client_certificate) {
  ignore_sigpipe();
  auto tls = std::make_shared<TlsContext>();
  tls->context_.reset(SSL_CTX_new(TLS_server_method()));
  SLUIS_CHECK(tls->load(files));
  // With TLS 1.2 only what encrypts and authenticates at once and keeps past traffic closed; the caller does not choose the weakest it has.
  SSL_CTX_set_cipher_list(tls->native(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(tls->native(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  // What a client gets is a name for what is kept here (SSL_OP_NO_TICKET): four times as cheap to resume as what it would bring along itself.
  SSL_CTX_set_session_cache_mode(tls->native(), SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(tls->native(), kSessions);
  SSL_CTX_set_timeout(tls->native(), static_cast<long>(std::chrono::seconds(kSessionAge).count()));
  SSL_CTX_set_num_tickets(tls->native(), 1);
  constexpr unsigned char kNode[] = "sluis";
  SSL_CTX_set_session_id_context(tls->native(), kNode, sizeof kNode - 1);
  if (request_client_certificate) {
    SSL_CTX_set_verify(tls->native(), SSL_VERIFY_PEER, &note_verification);
    SSL_CTX_set_client_CA_list(tls->native(), SSL_load_client_CA_file(files.roots.c_str()));
  }
  return tls;
}

Result<TlsContextPtr> TlsContext::client(const TlsFiles& files) {
  ignore_sigpipe();
  auto tls = std::make_shared<TlsContext>();
  tls->context_.reset(SSL_CTX_new(TLS_client_method()));
  SLUIS_CHECK(tls->load(files));
  SSL_CTX_set_verify(tls->native(), SSL_VERIFY_PEER, nullptr);
  return tls;
}

std::string TlsContext::verify_peer(ssl_st* connection, Timestamp now) const {
  X509* leaf = SSL_get0_peer_certificate(connection);
  if (leaf == nullptr) return {};
  ERR_clear_error();
  const std::unique_ptr<X509_STORE_CTX, FreeStoreContext> context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), SSL_CTX_get_cert_store(native()), leaf, SSL_get_peer_cert_chain(connection)) != 1) {
    return "it cannot be verified: " + crypto::last_openssl_error();
  }
  // As ssl_verify_cert_chain of OpenSSL does: for this use, and with the name that was asked for.
  X509_STORE_CTX_set_default(context.get(), SSL_is_server(connection) == 1 ? "ssl_client" : "ssl_server");
  X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(context.get()), SSL_get0_param(connection));
  X509_STORE_CTX_set_time(context.get(), 0, seconds(now));
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  return good ? std::string() : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

Result<std::shared_ptr<TlsSource>> TlsSource::open(std::string name, TlsFiles files, Side side) {
  std::shared_ptr<TlsSource> source(new TlsSource(std::move(name), std::move(files), side));
  const auto versions = source->versions();
  source->contents_ = source->contents();
  SLUIS_TRY(source->held_, source->load());
  const Timestamp machine = SystemClock().now();
  const auto settled = [&](const FileVersion& one) { return is_settled(one, machine); };
  if (versions && std::all_of(versions->begin(), versions->end(), settled)) source->read_ = *versions;
  return source;
}

Result<TlsSource::Versions> TlsSource::versions() const {
  Versions all;
  for (const std::string* file : {&files_.chain, &files_.key, &files_.roots, &files_.lists}) {
    if (file->empty()) continue;
    SLUIS_TRY(const FileVersion one, file_version(*file));
    all.push_back(one);
  }
  return all;
}

/// A digest of what the files hold; empty: not all of them can be read.
std::string TlsSource::contents() const {
  crypto::Sha256 digest;
  for (const std::string* file : {&files_.chain, &files_.key, &files_.roots, &files_.lists}) {
    if (file->empty()) continue;
    std::ifstream in(*file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in.good() && !in.eof()) return {};
    digest.update(std::to_string(bytes.size()) + ":" + bytes);
  }
  return std::string(view(digest.finish()));
}

Result<TlsContextPtr> TlsSource::load() const {
  return side_ == Side::client ? TlsContext::client(files_) : TlsContext::server(files_, side_ == Side::asking_server);
}

void TlsSource::tell(const std::string& trouble) {
  if (trouble == trouble_) return;
  trouble_ = trouble;
  if (!trouble.empty()) log::error("changed TLS files are not used: those before still are", {{"of", name_}, {"what", trouble}});
}

void TlsSource::look(Timestamp now) {
  const auto versions = this->versions();
  if (!versions) return tell(versions.error().message);
  if (*versions == read_ && now < again_) return;
  const Timestamp machine = SystemClock().now();
  const bool settled = std::all_of(versions->begin(), versions->end(), [&](const FileVersion& one) { return is_settled(one, machine); });
  read_ = settled ? *versions : Versions{};
  std::string contents = this->contents();
  if (!contents.empty() && contents == contents_ && trouble_.empty()) return;  // looked at again only because they were so young
  const auto made = load();
  again_ = made ? Timestamp::max() : now + kLookAgain;  // what failed may be the machine's fault, and the files as they should be
  if (!made) return tell(made.error().message);
  if ((*made)->begins() > now) again_ = (*made)->begins();
  if ((*made)->begins() > now || (*made)->ends() <= now) {
    return tell("the certificate `" + files_.chain + "` is good from " + format_time((*made)->begins()) + " until " + format_time((*made)->ends()) + ", not now");
  }
  held_ = *made;
  contents_ = std::move(contents);
  tell({});
  if (settled) log::info("TLS files were read again", {{"of", name_}, {"certificate_ends", files_.chain.empty() ? "" : format_time(held_->ends())}});
}

TlsContextPtr TlsSource::current(Timestamp now) {
  const std::lock_guard lock(mutex_);
  look(now);
  return held_;
}

TlsState TlsSource::state(Timestamp now) {
  const std::lock_guard lock(mutex_);
  look(now);
  return {name_, trouble_, held_->ends(), held_->lists_end(), static_cast<std::uint64_t>(SSL_CTX_sess_hits(held_->native()))};
}

}  // namespace sluis::http
