#pragma once

#include "connector/base/file_version.hpp"
#include "connector/http/port.hpp"

#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace sluis::http {

/// Certificate, key and roots of one side, PEM.
struct TlsFiles {
  std::string chain;     ///< the leaf first
  std::string key;
  std::string roots;     ///< who signs the others' certificates
  std::string lists = {};  ///< revocation lists, one of each authority in the others' chains; empty: none is asked for
  bool allow_tls_1_2 = false;  ///< else TLS 1.3 alone
};

inline constexpr std::size_t kSessions = 1024;         ///< that a listener keeps; the oldest go first
inline constexpr std::chrono::hours kSessionAge{1};    ///< a session of before is good for so long

/// A session that a server gave. Whoever has it is who made it: it stays where it was made.
using TlsSession = std::shared_ptr<ssl_session_st>;

/// OpenSSL's context for one listener or client, with what the files held when it was made. TLS 1.3, and 1.2 where it is allowed. A listener keeps the sessions of its
/// connections, with the certificates that were shown, here and nowhere else: with other files there is another context, and they are gone.
/// What is resumed is verified again like what is new (decision 29). Thread-safe.
class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>> server(const TlsFiles& files, bool request_client_certificate);
  /// `files.chain` may be empty: a client without a certificate.
  static Result<std::shared_ptr<TlsContext>> client(const TlsFiles& files);
  ssl_ctx_st* native() const { return context_.get(); }

  /// What a handshake with this context would say of the other side's certificate that `connection` holds; empty: nothing against it.
  std::string verify_peer(ssl_st* connection, Timestamp now) const;
  /// From when until when the own certificate is good; without one it is for ever.
  Timestamp begins() const { return begins_; }
  Timestamp ends() const { return ends_; }
  /// When the first of the revocation lists is over: from then on everybody whose chain needs it is refused. Without lists: never.
  Timestamp lists_end() const { return lists_end_; }

 private:
  Result<void> load(const TlsFiles& files);
  Result<void> load_lists(const std::string& file);

  struct Free { void operator()(ssl_ctx_st* context) const; };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  Timestamp begins_ = Timestamp::min();
  Timestamp ends_ = Timestamp::max();
  Timestamp lists_end_ = Timestamp::max();
};

using TlsContextPtr = std::shared_ptr<TlsContext>;

/// A write to a connection that is gone is an error, not the end of the process.
void ignore_sigpipe();

/// How the files of one side are, for the operator.
struct TlsState {
  std::string name;         ///< whose they are: "exchange", "peers", …
  std::string trouble;      ///< why the files as they stand are not used, and those before still are; empty: they are
  Timestamp ends;           ///< of the certificate in use; Timestamp::max(): there is none
  Timestamp lists_end;      ///< of the first revocation list that is over; Timestamp::max(): there is none
  std::uint64_t resumed = 0;  ///< connections by the files in use that went on with a session of before
};

/// The files of one side as they stand: read again once one of them was changed, so that new connections use what is there. What cannot
/// be used (a key of another certificate, as one of two was written; a certificate whose time is not now) changes nothing: what was read
/// before stays in use, and the log and `state` say why. Thread-safe.
class TlsSource {
 public:
  enum class Side { server, asking_server, client };  ///< asking: for a client certificate
  /// `name`: for the log. The files must be usable, whatever their time.
  static Result<std::shared_ptr<TlsSource>> open(std::string name, TlsFiles files, Side side);

  TlsContextPtr current(Timestamp now);
  /// Of the files as they stand.
  TlsState state(Timestamp now);

 private:
  using Versions = std::vector<FileVersion>;  ///< in the order of the files that there are
  TlsSource(std::string name, TlsFiles files, Side side) : name_(std::move(name)), files_(std::move(files)), side_(side) {}
  Result<Versions> versions() const;
  std::string contents() const;
  Result<TlsContextPtr> load() const;
  void look(Timestamp now);
  void tell(const std::string& trouble);

  const std::string name_;
  const TlsFiles files_;
  const Side side_;
  std::mutex mutex_;
  Versions read_;
  std::string contents_;  ///< a digest, of what `held_` was made of
  Timestamp again_ = Timestamp::max();  ///< when what was read begins to be good
  TlsContextPtr held_;
  std::string trouble_;
};

}  // namespace sluis::http
