#include "catalog/dsp.hpp"

#include "catalog/offer.hpp"
#include "connector/base/limits.hpp"
#include "policy/odrl/match.hpp"

#include <algorithm>

namespace sluis::catalog {
namespace {

constexpr std::string_view kContext = "https://w3id.org/dspace/2025/1/context.jsonld";
constexpr std::string_view kPull = "HttpData-PULL";
constexpr std::string_view kPush = "HttpData-PUSH";

std::string service_id(const NodeDescription& node) { return node.dsp_url + "#service"; }

json::Value service_json(const NodeDescription& node) {
  return json::object({{"@id", json::Value(service_id(node))},
                       {"@type", "DataService"},
                       {"endpointURL", json::Value(node.dsp_url)}});
}

/// DSP's context has no names for descriptions, but the prefix `dct`.
json::Value dataset_body(const Dataset& dataset, const json::Value& service) {
  const auto text = [](const LocalText& both) {
    return json::array({json::object({{"@value", json::Value(both.nl)}, {"@language", "nl"}}),
                        json::object({{"@value", json::Value(both.en)}, {"@language", "en"}})});
  };
  json::Array distributions;
  const auto distribute = [&](std::string_view format) {
    distributions.push_back(json::object({{"@type", "Distribution"}, {"format", json::Value(format)}, {"accessService", service}}));
  };
  distribute(kPull);
  if (dataset.push) distribute(kPush);
  return json::object(
      {{"@id", json::Value(dataset.id.str())},
       {"@type", "Dataset"},
       {"dct:title", text(dataset.title)},
       {"dct:description", text(dataset.description)},
       {"hasPolicy", json::array({dataset.offer})},
       {"distribution", json::Value(std::move(distributions))}});
}

/// Whether that party could ever get something; what does not compile any more it could not.
bool could_get(const Catalog& catalog, const PublishedDataset& published, const Requester& requester, Timestamp now) {
  if (!catalog.on_offer(published, now)) return false;
  const auto compiled = compile_offer(published.dataset.offer, catalog.vocabulary());
  return compiled && policy::could_permit(compiled->program, requester.class_of_recipient, requester.participant.str(),
                                         std::nullopt, now, requester.two_sided);
}

}  // namespace

Result<CatalogPage> dsp_catalog(const Catalog& catalog, const NodeDescription& node, const Requester& requester,
                                std::string_view page, std::size_t limit, Timestamp now) {
  SLUIS_TRY(const std::string after, read_page_token(page));
  limit = std::clamp<std::size_t>(limit, 1, limits::kPageMax);
  json::Array datasets;
  CatalogPage made;
  std::string last;
  SLUIS_CHECK(catalog.each(after, [&](PublishedDataset&& one) {
    if (!could_get(catalog, one, requester, now)) return true;
    if (datasets.size() == limit) {
      made.next = page_token(last);
      return false;
    }
    last = one.dataset.id.str();
    datasets.push_back(dataset_body(one.dataset, json::Value(service_id(node))));
    return true;
  }));
  made.catalog = json::object({{"@context", json::array({json::Value(kContext)})},
                               {"@id", json::Value(node.dsp_url + "#catalog")},
                               {"@type", "Catalog"},
                               {"participantId", json::Value(node.participant.str())},
                               {"service", json::array({service_json(node)})}});
  if (!datasets.empty()) made.catalog.set("dataset", json::Value(std::move(datasets)));
  return made;
}

Result<json::Value> dsp_dataset(const Catalog& catalog, const NodeDescription& node, const Requester& requester,
                                const DatasetId& id, Timestamp now) {
  SLUIS_TRY(const PublishedDataset published, catalog.show(id));
  if (!could_get(catalog, published, requester, now)) {
    return Error(ErrorCode::not_found, "no dataset `" + id.str().substr(0, 200) + "`");
  }
  json::Value value = json::object({{"@context", json::array({json::Value(kContext)})}});
  json::Value body = dataset_body(published.dataset, service_json(node));
  for (json::Member& member : *body.if_object()) {
    value.set(member.first, std::move(member.second));
  }
  return value;
}

}  // namespace sluis::catalog
