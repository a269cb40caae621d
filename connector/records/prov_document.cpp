#include "connector/records/prov_document.hpp"

#include "connector/base/bytes.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/json/json.hpp"

#include <algorithm>
#include <array>

namespace sluis::records {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kPrefixes{{
    {"prov", "http://www.w3.org/ns/prov#"},
    {"xsd", "http://www.w3.org/2001/XMLSchema#"},
    {"odrl", "http://www.w3.org/ns/odrl/2/"},
    {"dcat", "http://www.w3.org/ns/dcat#"},
    {"sluis", "urn:sluis:prov:"},
    {"rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"},
}};

/// A relation in Turtle: from which of its ends, by which property, to which; and the class that tells more of it.
struct Property {
  std::string_view name;       ///< in PROV-JSON
  std::string_view subject;
  std::string_view object;
  std::string_view qualified;  ///< property to a node that tells more; empty: nothing more is told
  std::string_view of_class;
  std::string_view influencer; ///< of that node
  std::string_view at_time;    ///< property of the subject for `prov:time`
};
constexpr std::array<Property, 9> kProperties{{
    {"used", "prov:activity", "prov:entity", "", "", "", ""},
    {"wasGeneratedBy", "prov:entity", "prov:activity", "", "", "", "prov:generatedAtTime"},
    {"wasInvalidatedBy", "prov:entity", "prov:activity", "", "", "", "prov:invalidatedAtTime"},
    {"wasInformedBy", "prov:informed", "prov:informant", "", "", "", ""},
    {"wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity", "", "", "", ""},
    {"wasAttributedTo", "prov:entity", "prov:agent", "", "", "", ""},
    {"wasAssociatedWith", "prov:activity", "prov:agent", "prov:qualifiedAssociation", "prov:Association", "prov:agent", ""},
    {"actedOnBehalfOf", "prov:delegate", "prov:responsible", "", "", "", ""},
    {"", "", "", "", "", "", ""},
}};

const Property& property_of(std::string_view name) {
  return *std::find_if(kProperties.begin(), kProperties.end() - 1, [&](const Property& one) { return one.name == name; });
}

bool is_scheme(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-';
  }) && ((text.front() >= 'a' && text.front() <= 'z') || (text.front() >= 'A' && text.front() <= 'Z'));
}

std::string turtle_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += std::string("\\") + c;
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (static_cast<unsigned char>(c) < 0x20) out += "\\u00" + to_hex(std::string_view(&c, 1));
    else out += c;
  }
  return out + '"';
}

std::string end_of(const ProvDocument::Ends& ends, std::string_view name) {
  const auto found = std::find_if(ends.begin(), ends.end(), [&](const auto& one) { return one.first == name; });
  return found == ends.end() ? std::string() : found->second;
}

std::string dated(const std::string& time) { return turtle_text(time) + "^^xsd:dateTime"; }

json::Value qualified_name(const std::string& name) { return json::object({{"$", name}, {"type", "xsd:QName"}}); }

}  // namespace

std::string iri(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte > 0x20 && byte < 0x7f && std::string_view("<>\"{}|^`\\").find(c) == std::string_view::npos;
    out += plain ? std::string(1, c) : "%" + to_hex(std::string_view(&c, 1));
  }
  const std::size_t colon = out.find(':');
  return colon != std::string::npos && colon + 1 < out.size() && is_scheme(std::string_view(out).substr(0, colon)) ? out : "urn:sluis:id:" + out;
}

ProvDocument::Element& ProvDocument::element(const std::string& id, const char* kind) {
  Element& one = elements_[id];
  one.kind = kind;
  return one;
}

void ProvDocument::activity(const std::string& id, const std::string& start, const std::string& end) {
  Element& one = element(id, "activity");
  if (!start.empty()) one.start = start;
  if (!end.empty()) one.end = end;
}

void ProvDocument::entity(const std::string& id, const std::vector<std::string>& types) { element(id, "entity").types.insert(types.begin(), types.end()); }

void ProvDocument::agent(const std::string& id, const std::string& type) { element(id, "agent").types.insert(type); }

void ProvDocument::tell(const std::string& id, const std::string& name, const std::string& value) {
  if (!value.empty()) elements_[id].told[name].insert(value);
}

void ProvDocument::relation(const std::string& name, Ends ends, const std::string& type) { relations_.insert({name, std::move(ends), type}); }

std::string ProvDocument::turtle_head() {
  std::string out;
  for (const auto& [prefix, name] : kPrefixes) out += "@prefix " + std::string(prefix) + ": <" + std::string(name) + "> .\n";
  return out + '\n';
}

std::string ProvDocument::turtle() const {
  std::string out;
  const auto say = [&](const std::string& subject, const std::string& rest) { out += "<" + subject + "> " + rest + " .\n"; };
  for (const auto& [id, one] : elements_) {
    std::string types = one.kind == "activity" ? "prov:Activity" : one.kind == "agent" ? "prov:Agent" : "prov:Entity";
    for (const std::string& type : one.types) types += ", " + type;
    say(id, "a " + types);
    if (!one.start.empty()) say(id, "prov:startedAtTime " + dated(one.start));
    if (!one.end.empty()) say(id, "prov:endedAtTime " + dated(one.end));
    for (const auto& [name, values] : one.told) {
      for (const std::string& value : values) say(id, name + " " + turtle_text(value));
    }
  }
  for (const Relation& one : relations_) {
    const Property& property = property_of(one.name);
    const std::string subject = end_of(one.ends, property.subject), object = end_of(one.ends, property.object);
    say(subject, "prov:" + std::string(one.type == "prov:Revision" ? "wasRevisionOf" : one.name) + " <" + object + ">");
    if (const std::string time = end_of(one.ends, "prov:time"); !time.empty() && !property.at_time.empty()) say(subject, std::string(property.at_time) + " " + dated(time));
    if (const std::string plan = end_of(one.ends, "prov:plan"); !plan.empty()) {
      say(subject, std::string(property.qualified) + " [ a " + std::string(property.of_class) + " ; " + std::string(property.influencer) + " <" + object + "> ; prov:hadPlan <" + plan + "> ]");
    }
  }
  return out;
}

/// An IRI is a qualified name here: its scheme is the prefix, and stands for itself.
std::string ProvDocument::json() const {
  if (elements_.empty()) return {};
  std::map<std::string, json::Value> kinds;
  std::set<std::string> schemes;
  const auto named = [&](const std::string& id) {
    schemes.insert(id.substr(0, id.find(':')));
    return json::Value(id);
  };
  for (const auto& [id, one] : elements_) {
    named(id);
    json::Value value = json::object({});
    if (!one.start.empty()) value.set("prov:startTime", one.start);
    if (!one.end.empty()) value.set("prov:endTime", one.end);
    if (!one.types.empty()) {
      json::Array types;
      for (const std::string& type : one.types) types.push_back(qualified_name(type));
      value.set("prov:type", std::move(types));
    }
    for (const auto& [name, values] : one.told) value.set(name, json::Array(values.begin(), values.end()));
    kinds.try_emplace(one.kind, json::Value(json::Object{})).first->second.set(id, std::move(value));
  }
  for (const Relation& one : relations_) {
    json::Value value = json::object({});
    std::string all = one.name;
    for (const auto& [name, end] : one.ends) {
      value.set(name, name == "prov:time" ? json::Value(end) : named(end));
      all += '\n' + name + '\n' + end;
    }
    if (!one.type.empty()) value.set("prov:type", qualified_name(one.type));
    // The same relation has the same name in every document, so that merging finds it.
    const std::string id = "_:" + to_hex(crypto::sha256(all)).substr(0, 32);
    kinds.try_emplace(one.name, json::Value(json::Object{})).first->second.set(id, std::move(value));
  }
  json::Value prefixes = json::object({});
  for (const auto& [prefix, name] : kPrefixes) {
    if (prefix != "prov" && prefix != "xsd") prefixes.set(prefix, name);
  }
  for (const std::string& scheme : schemes) prefixes.set(scheme, scheme + ":");
  json::Value out = json::object({{"prefix", std::move(prefixes)}});
  for (auto& [kind, value] : kinds) out.set(kind, std::move(value));
  return json::serialise(out);
}

}  // namespace sluis::records
