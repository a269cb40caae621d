#pragma once

#include "catalog/source.hpp"
#include "connector/base/bytes.hpp"
#include "connector/base/ids.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/time.hpp"
#include "connector/declaration/declaration.hpp"
#include "connector/http/port.hpp"
#include "connector/identity/claim.hpp"
#include "connector/json/json.hpp"
#include "connector/negotiation/agreement.hpp"
#include "connector/storage/commit_port.hpp"
#include "connector/transfer/service.hpp"
#include "policy/minimise/column_plan.hpp"
#include "policy/minimise/csv.hpp"
#include "policy/purpose/vocabulary.hpp"
#include "sluis/v1/evidence.pb.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

/// What the data plane needs of the rest of the node. All are called from many threads.
namespace sluis::gate {

/// A participant that was authenticated by its connection.
struct Party {
  ParticipantId id;
  std::string class_of_recipient;
  bool sends_claims = true;  ///< the membership list has claim keys for it: then each pull needs a claim
  std::string certificate;   ///< SHA-256 of its certificate, hex; for the log
  std::shared_ptr<const http::PeerCertificate> shown = {};  ///< that certificate; null: not known, then it is not looked at again
};

/// A dataset's own HTTP service.
struct UpstreamService {
  catalog::HttpSource source;
  std::string media_type;
  /// With the roots that the dataset names, without this node's certificate.
  std::function<Result<std::shared_ptr<http::Upstream>>()> connect;
  /// The value of its Authorization header, read now; unset: none is sent. Never to a log.
  std::function<Result<std::string>()> credential;
};

/// How a dataset is released now.
struct ReleasePlan {
  DatasetId id;
  std::filesystem::path folder;                ///< files are opened beneath it
  std::string file;                            ///< relative to it; empty: it is one of those below
  std::string follow;                          ///< relative to it: a file that grows; empty: none
  std::optional<catalog::FolderSource> files;
  std::optional<UpstreamService> upstream;
  policy::DatasetColumns columns;
  policy::CsvFormat format;
  std::map<std::string, std::string> lookups;  ///< tables of places by name: files beneath the folder
  std::string content_type = "text/csv";
  std::optional<std::uint64_t> pace;           ///< bytes a second
  std::string suspended;                       ///< why nothing may be released; empty: it may
  std::optional<Timestamp> assessed_until;     ///< when the assessment ends; none: it needs no assessment
  bool needs_activity = false;                 ///< a claim must name one whatever its purpose; for some it must anyway (D8)
  std::string processed_under;                 ///< this node's own processing activity, URI; empty: none is named
  bool push = false;                           ///< it may be sent to where its party asks (decision 32)
  bool purpose_by_agreement = false;           ///< its terms let a peer without claims pull (D15)
  json::Value public_offer;                    ///< access public: the terms for everybody; else null
  Hash public_offer_hash{};
};

class Datasets {
 public:
  virtual ~Datasets() = default;
  /// not_found: retracted or never there.
  virtual Result<ReleasePlan> find(const DatasetId& dataset) = 0;
  /// By the path below `/open/`. not_found: no such dataset, or not public; nobody is told which.
  virtual Result<ReleasePlan> find_open(std::string_view path) = 0;
};

class Membership {
 public:
  virtual ~Membership() = default;
  /// Until when this party may pull as far as the list goes (exclusive). permission_denied, with the reason: not a
  /// member now, or the list has expired.
  virtual Result<Timestamp> admitted_until(const ParticipantId& party, Timestamp now) = 0;
  /// Whether it keeps a log that proves exchanges with this node as well, as far as the list goes.
  virtual bool keeps_evidence(const ParticipantId& party, Timestamp now) = 0;
  /// Of the certificate on whose connection something runs, once lists of revoked certificates changed. permission_denied, with the reason:
  /// it, or an authority above it, is revoked.
  virtual Result<void> still_good(const http::PeerCertificate& certificate) = 0;
};

/// Time as decisions use it (D14).
class DecisionClock {
 public:
  virtual ~DecisionClock() = default;
  virtual Timestamp now() const = 0;     ///< max(now, last recorded time)
  virtual bool behind() const = 0;       ///< so far behind the log that exchanges are refused
};

/// A declaration as its log has it.
struct ProvenDeclaration {
  declaration::Declaration declaration;
  std::uint64_t entry = 0;  ///< of its newest act, in the log of the agreement's provider
};
/// What may be in force at an agreement's provider, and what stays so for as long as a commit relies on it.
struct KnownDeclarations {
  std::vector<ProvenDeclaration> declarations;
  std::vector<Precondition> as_read;  ///< empty where another node has them
  Timestamp until = Timestamp::max();  ///< so long at most, beside the declarations' own ends: then what makes them count is to be looked at anew
};
/// The situations and assessments of the provider of this agreement, asked only where its terms depend on some. An error: they cannot be
/// known now, and why; what is not known denies. Unset: never known.
using DeclarationSource = std::function<Result<KnownDeclarations>(const negotiation::AgreementRecord& record, Timestamp now)>;
/// The same for one request with many questions: asks once about each agreement, no more of a party that did not answer, and nobody once
/// `at_most` has passed since it first asked.
DeclarationSource asked_once(DeclarationSource source, Duration at_most = limits::kDeclarationsTogether);

/// What each node holds of the other's log about one data request (D20): what of it goes into the commits that are made anyhow. A
/// request is known by its party and the transaction that the consumer's node named. Nothing is added for a party without evidence.
class RequestReceipts {
 public:
  virtual ~RequestReceipts() = default;
  /// To the commit of a provider's decision, with conditions that the name is new. What the keys of those end with; empty: there are none.
  virtual std::string decided(Commit& commit, const v1::Shared& decision, bool permit) = 0;
  /// To the commit of a release's end.
  virtual void released(Commit& commit, const v1::Shared& end) = 0;
  /// To the commit of a consumer's end: its acknowledgement leaves with it.
  virtual void received(Commit& commit, const v1::Shared& end) = 0;
  /// That commit is durable.
  virtual void recorded(const v1::Shared& end) = 0;
};

using VocabularySource = std::function<std::shared_ptr<const policy::Vocabulary>()>;

}  // namespace sluis::gate
