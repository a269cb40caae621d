#include "catalog/dcat.hpp"

#include "connector/base/bytes.hpp"

namespace sluis::catalog {
namespace {

constexpr std::size_t kMostDatasets = 10'000;
constexpr std::string_view kAuthority = "http://publications.europa.eu/resource/authority/";

json::Value reference(std::string_view iri) { return json::object({{"@id", json::Value(iri)}}); }

/// A controlled value, with the class that the shapes want of it.
json::Value typed(std::string_view iri, std::string_view type) {
  return json::object({{"@id", json::Value(iri)}, {"@type", json::Value(type)}});
}

json::Value text(const LocalText& both) {
  return json::array({json::object({{"@value", json::Value(both.nl)}, {"@language", "nl"}}),
                      json::object({{"@value", json::Value(both.en)}, {"@language", "en"}})});
}

json::Value literal(std::string value, std::string_view type) {
  return json::object({{"@value", json::Value(std::move(value))}, {"@type", json::Value(type)}});
}

json::Value context() {
  return json::object({{"dcat", "http://www.w3.org/ns/dcat#"},
                       {"dct", "http://purl.org/dc/terms/"},
                       {"foaf", "http://xmlns.com/foaf/0.1/"},
                       {"odrl", "http://www.w3.org/ns/odrl/2/"},
                       {"skos", "http://www.w3.org/2004/02/skos/core#"},
                       {"vcard", "http://www.w3.org/2006/vcard/ns#"},
                       {"xsd", "http://www.w3.org/2001/XMLSchema#"}});
}

json::Value agent(const Publisher& publisher) {
  return json::object({{"@id", json::Value(publisher.uri)},
                       {"@type", "foaf:Agent"},
                       {"foaf:name", json::object({{"@value", json::Value(publisher.name)}, {"@language", "nl"}})}});
}

json::Value contact_point(const Contact& contact) {
  json::Value value = json::object({{"@type", "vcard:Kind"}, {"vcard:fn", json::Value(contact.name)}});
  if (!contact.email.empty()) value.set("vcard:hasEmail", reference("mailto:" + contact.email));
  if (!contact.url.empty()) value.set("vcard:hasURL", reference(contact.url));
  return value;
}

std::string access_right(AccessRights rights) {
  const std::string_view name = rights == AccessRights::open         ? "PUBLIC"
                                : rights == AccessRights::restricted ? "RESTRICTED"
                                                                     : "NON_PUBLIC";
  return std::string(kAuthority) + "access-right/" + std::string(name);
}

json::Value themes(const Dataset& dataset) {
  json::Array list;
  for (const std::string& theme : dataset.themes) list.push_back(typed(theme, "skos:Concept"));
  return json::Value(std::move(list));
}

json::Value period(const Period& temporal) {
  json::Value value = json::object({{"@type", "dct:PeriodOfTime"}});
  if (temporal.from) value.set("dcat:startDate", literal(format_time(*temporal.from), "xsd:dateTime"));
  if (temporal.until) value.set("dcat:endDate", literal(format_time(*temporal.until), "xsd:dateTime"));
  return value;
}

json::Value distribution(const NodeDescription& node, const Dataset& dataset) {
  const bool open = dataset.access == Access::open;
  json::Value value = json::object(
      {{"@type", "dcat:Distribution"},
       {"dct:title", text(dataset.title)},
       {"dcat:accessURL", typed(open ? download_url(node, dataset.id) : node.dsp_url, "foaf:Document")},
       {"dct:license", typed(dataset.licence, "dct:LicenseDocument")},
       {"dct:format", typed(std::string(kAuthority) + "file-type/CSV", "dct:MediaTypeOrExtent")},
       {"dcat:mediaType", typed("https://www.iana.org/assignments/media-types/" + dataset.source.media_type,
                                "dct:MediaType")}});
  if (open) value.set("dcat:downloadURL", reference(download_url(node, dataset.id)));
  else value.set("dcat:accessService", reference(node.dsp_url + "#service"));
  return value;
}

json::Value dataset_node(const NodeDescription& node, const PublishedDataset& published) {
  const Dataset& dataset = published.dataset;
  json::Value value = json::object(
      {{"@id", json::Value(dataset.id.str())},
       {"@type", "dcat:Dataset"},
       {"dct:identifier", json::Value(dataset.id.str())},
       {"dct:title", text(dataset.title)},
       {"dct:description", text(dataset.description)},
       {"dct:publisher", agent(dataset.publisher)},
       {"dct:creator", agent(dataset.publisher)},
       {"dcat:contactPoint", contact_point(dataset.contact)},
       {"dct:accessRights", typed(access_right(dataset.access_rights), "dct:RightsStatement")},
       {"dcat:theme", themes(dataset)},
       {"dcat:version", json::Value(std::to_string(published.version))},
       {"dct:modified", literal(format_time(published.published), "xsd:dateTime")},
       {"dcat:distribution", json::array({distribution(node, dataset)})}});
  if (!dataset.keywords.empty()) {
    json::Array words;
    for (const std::string& word : dataset.keywords) words.emplace_back(word);
    value.set("dcat:keyword", json::Value(std::move(words)));
  }
  if (!dataset.spatial.empty()) value.set("dct:spatial", typed(dataset.spatial, "dct:Location"));
  if (dataset.temporal.from || dataset.temporal.until) value.set("dct:temporal", period(dataset.temporal));
  if (dataset.access == Access::agreement) {
    if (const json::Value* id = dataset.offer.find("@id"); id != nullptr && id->if_string() != nullptr) {
      value.set("odrl:hasPolicy", typed(*id->if_string(), "odrl:Offer"));
    }
  }
  return value;
}

}  // namespace

std::string download_url(const NodeDescription& node, const DatasetId& id) {
  constexpr std::string_view plain = "-._~";
  std::string url = node.public_url + "/open/";
  for (const char c : id.str()) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                            plain.find(c) != std::string_view::npos;
    if (unreserved) url += c;
    else url += "%" + to_hex(std::string_view(&c, 1));
  }
  return url;
}

Result<json::Value> dcat_catalog(const Catalog& catalog, const NodeDescription& node, Timestamp now) {
  json::Array datasets;
  bool too_many = false;
  SLUIS_CHECK(catalog.each("", [&](PublishedDataset&& one) {
    if (!catalog.on_offer(one, now)) return true;
    too_many = datasets.size() == kMostDatasets;
    if (!too_many) datasets.push_back(dataset_node(node, one));
    return !too_many;
  }));
  if (too_many) {
    return Error(ErrorCode::limit_exceeded, "more than " + std::to_string(kMostDatasets) +
        " datasets in one catalogue");
  }
  json::Value value = json::object({{"@context", context()},
                                    {"@id", json::Value(node.public_url + "/catalog.jsonld#catalog")},
                                    {"@type", "dcat:Catalog"},
                                    {"dct:title", text(node.title)},
                                    {"dct:description", text(node.description)},
                                    {"dct:publisher", agent(node.publisher)},
                                    {"dcat:contactPoint", contact_point(node.contact)}});
  if (!datasets.empty()) value.set("dcat:dataset", json::Value(std::move(datasets)));
  return value;
}

}  // namespace sluis::catalog
