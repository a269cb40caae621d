#pragma once

#include "connector/gate/evidence.hpp"
#include "connector/gate/wanted.hpp"
#include "connector/intake/intake.hpp"

namespace sluis::intake {

inline constexpr std::string_view kIntentPrefix = "int/";  ///< intents without an end

/// The certificate that a provider showed on the connection of a pull. Thread-safe.
class Shown {
 public:
  void set(std::shared_ptr<const http::PeerCertificate> certificate) {
    const std::lock_guard lock(mutex_);
    certificate_ = std::move(certificate);
  }
  /// Null: its connection does not stand yet.
  std::shared_ptr<const http::PeerCertificate> get() const {
    const std::lock_guard lock(mutex_);
    return certificate_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const http::PeerCertificate> certificate_;
};

/// One request of an application.
struct Intake::Asked {
  Application application;
  transfer::Access access;  ///< holds the handle: never to a log
  std::string purpose;      ///< full IRI, as named
  std::string activity;
  std::string subject_type;  ///< of the person that the request is about; empty: none is named
  std::string subject_mark;  ///< and what stands for that person
  gate::Wanted wanted;
  std::string transaction;
  gate::Verdict verdict;
  std::shared_ptr<Shown> provider = std::make_shared<Shown>();
  Precondition activity_as_read;
  Trace decided;            ///< the step in which this node decides
  Trace obtained;           ///< and that in which it asks the provider and gets what comes
  std::string open_key;
  v1::Shared begun;

  /// What the end says besides.
  v1::Internal end() const;
};

/// A pull whose intent is durable. Records its end in every case, also when it is never run.
class Intake::Running {
 public:
  Running(Intake& intake, std::shared_ptr<const Asked> asked, std::shared_ptr<gate::Stream> stream)
      : intake_(intake), asked_(std::move(asked)), stream_(std::move(stream)) {}
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void run(http::ResponseSink& sink);

 private:
  Result<http::PeerRequest> request() const;
  void look_at_checkpoint(Received& received) const;
  Result<void> record(const Received& received);
  /// The provider's certificate: kept for looks that come, and looked at now, as its list may have changed since the handshake.
  bool meet(const std::shared_ptr<const http::PeerCertificate>& shown);

  Intake& intake_;
  std::shared_ptr<const Asked> asked_;
  std::shared_ptr<gate::Stream> stream_;
  bool recorded_ = false;
};

/// Adds to `commit` the duty to delete, `period` after `end`. A duty that is not confirmed keeps its earlier date.
Result<void> add_retention(const storage::Reader& store, const v1::Shared& shared, Duration period, Timestamp end,
                           Commit& commit);

}  // namespace sluis::intake
