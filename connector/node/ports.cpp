#include "connector/node/ports.hpp"

#include "catalog/offer.hpp"
#include "connector/base/limits.hpp"
#include "connector/management/activities.hpp"
#include "connector/management/serving.hpp"
#include "connector/management/known_names.hpp"
#include "connector/node/one_sided.hpp"
#include "connector/node/secrets.hpp"
#include "policy/odrl/match.hpp"
#include "policy/purpose/legal_bases.hpp"

namespace sluis::node {
namespace {

negotiation::Judgement refuse(std::string code, std::string sentence) {
  negotiation::Judgement judgement;
  judgement.kind = negotiation::Judgement::Kind::refuse;
  judgement.reason = {std::move(code), {std::move(sentence)}};
  return judgement;
}

gate::ReleasePlan plan_of(const catalog::Dataset& dataset, const catalog::Catalog::Standing& standing, const std::filesystem::path& folder,
                          UpstreamClients& upstreams) {
  gate::ReleasePlan plan = management::serving_plan(dataset, standing);
  plan.folder = folder;
  plan.file = dataset.source.file;
  plan.follow = dataset.source.follow;
  plan.files = dataset.source.files;
  if (dataset.source.http) plan.upstream = upstreams.service(*dataset.source.http, dataset.source.media_type);
  plan.columns = dataset.source.columns;
  plan.format = dataset.source.format;
  plan.lookups = dataset.source.lookups;
  plan.content_type = dataset.source.media_type;
  plan.pace = dataset.source.pace;
  return plan;
}

}  // namespace

negotiation::Judgement NodeTerms::otherwise(outbox::Reason reason) const {
  negotiation::Judgement judgement;
  judgement.kind = refuse_others_ ? negotiation::Judgement::Kind::refuse : negotiation::Judgement::Kind::wait;
  judgement.reason = std::move(reason);
  return judgement;
}

Result<negotiation::Judgement> NodeTerms::judge_request(const ParticipantId& consumer, const DatasetId& dataset,
                                                        const json::Value& offer, const Hash& hash) {
  auto judgement = judge(consumer, dataset, offer, hash);
  if (judgement) return judgement;
  // A refusal would end the negotiation for good, and nothing is known against it: it is asked for again, once the store answers.
  const ErrorCode code = judgement.error().code;
  if (code == ErrorCode::storage_unavailable || code == ErrorCode::corruption) return judgement;
  return refuse("indeterminate", describe(judgement.error()));  // what cannot be read is refused
}

Result<json::Value> NodeTerms::published_offer(const DatasetId& dataset) const {
  SLUIS_TRY(const catalog::PublishedDataset published, catalog_.show(dataset));
  if (!catalog_.on_offer(published, clock_.now()) || published.dataset.access != catalog::Access::agreement) {
    return negotiation::Terms::published_offer(dataset);  // nothing is
  }
  return published.dataset.offer;
}

json::Value NodeTerms::legal_identity(const ParticipantId& party) const {
  const auto list = directory_.list();
  const identity::Party* found = list ? list->find(party) : nullptr;
  return found == nullptr ? json::Value() : identity::legal_identity(*found, *list, clock_.now());
}

Result<negotiation::Judgement> NodeTerms::judge(const ParticipantId& consumer, const DatasetId& dataset,
                                                const json::Value& offer, const Hash& hash) const {
  const Timestamp now = clock_.now();
  if (const auto allowed = directory_.allows_new(now); !allowed) return refuse("membership", allowed.error().message);
  SLUIS_TRY(const identity::PartyPtr party, directory_.find(consumer));
  const auto published = catalog_.show(dataset);
  if (!published && published.error().code != ErrorCode::not_found) return published.error();
  if (!published || !catalog_.on_offer(*published, now) || published->dataset.access != catalog::Access::agreement) {
    return refuse("dataset", "this dataset is not on offer");
  }
  SLUIS_TRY(const catalog::CompiledOffer terms, catalog::compile_offer(published->dataset.offer, catalog_.vocabulary()));
  if (!policy::could_permit(terms.program, party->class_of_recipient, consumer.str(), {}, now)) {
    return refuse("class", "the published terms are not open to a party of the class " + party->class_of_recipient);
  }
  if (!policy::could_permit(terms.program, party->class_of_recipient, consumer.str(), {}, now, is_two_sided(store_, directory_, consumer, now))) {
    return refuse("evidence", "the published terms are only for parties whose log proves the exchange as well: the membership list has none of this one, or its node takes no receipts");
  }
  const bool reserved = published->dataset.terms.steward_approval;
  negotiation::Judgement agree;
  agree.kind = reserved ? negotiation::Judgement::Kind::wait : negotiation::Judgement::Kind::agree;
  agree.offer_hash = published->dataset.offer_hash;  // whatever words it is asked for in
  agree.reserved = reserved;
  if (hash == published->dataset.offer_hash) return agree;
  SLUIS_TRY(const policy::Policy asked, policy::parse_policy(offer, {true, "/offer"}));
  // Another connector writes the same terms its own way, and is agreed with in its words.
  const auto differs_at = policy::first_difference(terms.policy, asked, "/offer");
  if (!differs_at) return agree;
  const auto kept = management::check_own_terms(asked, published->dataset, situations_, directory_, store_, catalog_.vocabulary(), now);
  if (!kept && kept.error().code != ErrorCode::invalid_argument) return kept.error();
  if (!kept) return refuse("other", describe(kept.error()));
  const auto difference = policy::compare(terms.policy, asked);
  negotiation::Judgement other = otherwise(difference ? outbox::Reason{difference->code, {difference->sentence}}
                                                      : outbox::Reason{"other", {"these are not the published terms: they differ at `" + *differs_at +
                                                                                 "`; take the offer as the catalogue has it"}});
  other.reserved = reserved;
  return other;
}

negotiation::Judgement NodeTerms::judge_offer(const ParticipantId&, const DatasetId&, const json::Value&, const Hash&) {
  return otherwise({"unsolicited", {"this node did not ask for these terms"}});
}

Result<catalog::Requester> NodeCatalog::requester(const ParticipantId& participant) const {
  SLUIS_TRY(const identity::PartyPtr party, directory_.find(participant));
  return catalog::Requester{participant, party->class_of_recipient, is_two_sided(store_, directory_, participant, clock_.now())};
}

Result<dsp::CatalogPort::Page> NodeCatalog::catalog(const ParticipantId& participant, std::string_view page) {
  SLUIS_TRY(const catalog::Requester who, requester(participant));
  SLUIS_TRY(catalog::CatalogPage found, catalog::dsp_catalog(catalog_, node_, who, page, limits::kPageDefault, clock_.now()));
  return Page{std::move(found.catalog), std::move(found.next)};
}

Result<json::Value> NodeCatalog::dataset(const ParticipantId& participant, const DatasetId& id) {
  SLUIS_TRY(const catalog::Requester who, requester(participant));
  return catalog::dsp_dataset(catalog_, node_, who, id, clock_.now());
}

gate::UpstreamService UpstreamClients::service(const catalog::HttpSource& source, const std::string& media_type) {
  gate::UpstreamService out;
  out.source = source;
  out.media_type = media_type;
  out.connect = [this, roots = source.roots] { return client(roots); };
  if (!source.credential.empty()) {
    out.credential = [file = folder_ / source.credential] { return read_credential(file); };
  }
  return out;
}

Result<std::shared_ptr<http::Upstream>> UpstreamClients::client(const std::string& roots) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return Error(ErrorCode::invalid_state, "the node is stopping");
  std::shared_ptr<http::Client>& kept = clients_[roots];
  if (!kept) {
    http::ClientOptions options;
    options.tls.roots = roots.empty() ? roots_.string() : (folder_ / roots).string();
    options.tls.allow_tls_1_2 = allow_tls_1_2_;
    options.allow_http = true;  // a dataset names such addresses on this machine only
    SLUIS_TRY(kept, http::Client::make(std::move(options), clock_));
  }
  return std::shared_ptr<http::Upstream>(kept);
}

void UpstreamClients::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (const auto& [_, client] : clients_) {
    if (client) client->stop();
  }
}

Result<gate::ReleasePlan> NodeDatasets::find(const DatasetId& dataset) {
  SLUIS_TRY(const catalog::PublishedDataset published, catalog_.show(dataset));
  if (published.retracted) return Error(ErrorCode::not_found, "the dataset is retracted");
  SLUIS_TRY(const catalog::Catalog::Standing standing, catalog_.standing(published, clock_.now()));
  return plan_of(published.dataset, standing, folder_, upstreams_);
}

Result<gate::ReleasePlan> NodeDatasets::find_open(std::string_view path) {
  SLUIS_TRY(gate::ReleasePlan plan, find(DatasetId(std::string(path))));
  if (plan.public_offer.is_null()) return Error(ErrorCode::not_found, "there are no such open data");
  return plan;
}

Result<Timestamp> NodeMembership::admitted_until(const ParticipantId& party, Timestamp now) {
  SLUIS_CHECK(directory_.allows_new(now));
  if (const auto found = directory_.find(party); !found) {
    return Error(ErrorCode::permission_denied, "`" + party.str() + "` is not a member now");
  }
  return directory_.list()->valid_until;
}

bool NodeMembership::keeps_evidence(const ParticipantId& party, Timestamp now) { return is_two_sided(store_, directory_, party, now); }

Result<void> NodeMembership::still_good(const http::PeerCertificate& certificate) {
  return revoked_ != nullptr ? revoked_->still_good(certificate) : Result<void>();
}

Result<intake::Registered> activity_allows(const storage::Reader& store, std::string_view activity,
                                           std::string_view purpose, Timestamp now) {
  const std::string named = "the processing activity `" + std::string(activity) + "` ";
  const std::string key = management::activity_key(activity);
  SLUIS_TRY(std::optional<std::string> bytes, store.get(key));
  if (!bytes) {
    return Error(ErrorCode::permission_denied, named + "is not in the register").mended_by("publish it with `sluis activity publish`");
  }
  SLUIS_TRY(const auto versions, management::decode_activity(*bytes));
  const auto* held = management::held_at(versions, now);
  if (held == nullptr) {
    const auto& newest = versions.back();
    return Error(ErrorCode::permission_denied, named + "does not hold now: it is from " + format_time(newest.from) +
                                                   (newest.until ? " until " + format_time(*newest.until) : std::string()));
  }
  if (policy::expand_purpose(held->purpose) != policy::expand_purpose(purpose)) {
    return Error(ErrorCode::permission_denied, named + "is for " + held->purpose + ", not for " + std::string(purpose));
  }
  intake::Registered out{held->until.value_or(Timestamp::max()), {key, std::move(bytes)}, {{}, held->impact_assessment}};
  for (const std::string& basis : held->legal_basis) out.says.legal_basis.push_back(policy::expand_legal_basis(basis));
  return out;
}

}  // namespace sluis::node
