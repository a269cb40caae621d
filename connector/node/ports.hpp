#pragma once

#include "catalog/dsp.hpp"
#include "connector/dsp/routes.hpp"
#include "connector/gate/ports.hpp"
#include "connector/http/client.hpp"
#include "connector/identity/directory.hpp"
#include "connector/intake/intake.hpp"
#include "connector/negotiation/ports.hpp"
#include "connector/node/config.hpp"
#include "connector/node/purposes.hpp"
#include "connector/node/revocation_file.hpp"

/// What the folders below ask of each other, answered by the node.
namespace sluis::node {

/// An offer that is published for that party's class is agreed to at once; what else is asked is refused, or waits for the
/// steward, as configured. Where the store does not answer a proposal waits, whatever is configured: a refusal would end it for good.
class NodeTerms final : public negotiation::Terms {
 public:
  NodeTerms(const catalog::Catalog& catalog, const Purposes& purposes, const identity::Directory& directory, const storage::Reader& store,
            const Clock& clock, bool refuse_others, std::vector<std::string> situations)
      : catalog_(catalog), purposes_(purposes), directory_(directory), store_(store), clock_(clock), refuse_others_(refuse_others),
        situations_(std::move(situations)) {}
  Result<negotiation::Judgement> judge_request(const ParticipantId& consumer, const DatasetId& dataset, const json::Value& offer,
                                       const Hash& hash) override;
  negotiation::Judgement judge_offer(const ParticipantId& provider, const DatasetId& dataset, const json::Value& offer,
                                     const Hash& hash) override;
  Result<json::Value> published_offer(const DatasetId& dataset) const override;
  std::optional<Hash> vocabulary_hash() const override { return purposes_.current_hash(); }
  json::Value legal_identity(const ParticipantId& party) const override;

 private:
  Result<negotiation::Judgement> judge(const ParticipantId& consumer, const DatasetId& dataset, const json::Value& offer,
                                       const Hash& hash) const;
  negotiation::Judgement otherwise(outbox::Reason reason) const;

  const catalog::Catalog& catalog_;
  const Purposes& purposes_;
  const identity::Directory& directory_;
  const storage::Reader& store_;
  const Clock& clock_;
  bool refuse_others_;
  std::optional<std::vector<std::string>> situations_;  ///< that can be declared here
};

class NodeCatalog final : public dsp::CatalogPort {
 public:
  NodeCatalog(const catalog::Catalog& catalog, const catalog::NodeDescription& node, const identity::Directory& directory,
              const storage::Reader& store, const Clock& clock)
      : catalog_(catalog), node_(node), directory_(directory), store_(store), clock_(clock) {}
  Result<Page> catalog(const ParticipantId& participant, std::string_view page) override;
  Result<json::Value> dataset(const ParticipantId& participant, const DatasetId& id) override;

 private:
  Result<catalog::Requester> requester(const ParticipantId& participant) const;
  const catalog::Catalog& catalog_;
  const catalog::NodeDescription& node_;
  const identity::Directory& directory_;
  const storage::Reader& store_;
  const Clock& clock_;
};

/// Connections to the HTTP services that datasets name, one client for each file of roots; without this node's certificate. Thread-safe.
class UpstreamClients {
 public:
  /// `roots`: those that are trusted where a dataset names none. Files are below `folder`.
  UpstreamClients(std::filesystem::path folder, std::filesystem::path roots, const Clock& clock, bool allow_tls_1_2 = false)
      : folder_(std::move(folder)), roots_(std::move(roots)), clock_(clock), allow_tls_1_2_(allow_tls_1_2) {}
  gate::UpstreamService service(const catalog::HttpSource& source, const std::string& media_type);
  /// Cuts what is under way, and begins no other.
  void stop();

 private:
  Result<std::shared_ptr<http::Upstream>> client(const std::string& roots);

  std::filesystem::path folder_;
  std::filesystem::path roots_;
  const Clock& clock_;
  const bool allow_tls_1_2_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<http::Client>> clients_;
  bool stopped_ = false;
};

class NodeDatasets final : public gate::Datasets {
 public:
  NodeDatasets(const catalog::Catalog& catalog, std::filesystem::path folder, const Clock& clock, UpstreamClients& upstreams)
      : catalog_(catalog), folder_(std::move(folder)), clock_(clock), upstreams_(upstreams) {}
  Result<gate::ReleasePlan> find(const DatasetId& dataset) override;
  Result<gate::ReleasePlan> find_open(std::string_view path) override;

 private:
  const catalog::Catalog& catalog_;
  std::filesystem::path folder_;
  const Clock& clock_;
  UpstreamClients& upstreams_;
};

class NodeMembership final : public gate::Membership {
 public:
  /// `revoked`: null where no lists of revoked certificates are configured.
  NodeMembership(const identity::Directory& directory, const storage::Reader& store, RevocationFile* revoked = nullptr)
      : directory_(directory), store_(store), revoked_(revoked) {}
  Result<Timestamp> admitted_until(const ParticipantId& party, Timestamp now) override;
  bool keeps_evidence(const ParticipantId& party, Timestamp now) override;
  Result<void> still_good(const http::PeerCertificate& certificate) override;

 private:
  const identity::Directory& directory_;
  const storage::Reader& store_;
  RevocationFile* revoked_;
};

/// The version of this activity that holds now, bound to this purpose. Activities are at `act/<id>`. permission_denied, with
/// why: not in the register, not valid now, or for another purpose.
Result<intake::Registered> activity_allows(const storage::Reader& store, std::string_view activity,
                                           std::string_view purpose, Timestamp now);

}  // namespace sluis::node
