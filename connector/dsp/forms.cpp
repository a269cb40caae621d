#include "connector/dsp/forms.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace sluis::dsp {
namespace {

using json::Value;

struct Space {
  std::string_view prefix;
  std::string_view iri;
};
constexpr Space kDspace{"dspace:", "https://w3id.org/dspace/2025/1/"};
constexpr Space kDcat{"dcat:", "http://www.w3.org/ns/dcat#"};
constexpr Space kDct{"dct:", "http://purl.org/dc/terms/"};
constexpr Space kOdrl{"odrl:", "http://www.w3.org/ns/odrl/2/"};
constexpr std::array kSpaces{&kDspace, &kDcat, &kDct, &kOdrl};

struct Term;
using Terms = std::span<const Term>;
struct Term {
  /// A text is a literal; an id and a word are names of things (the context has them as `@id` and `@vocab`), and a word may have the prefix of its space.
  enum class Form : std::uint8_t { text, id, word, object, set };
  std::string_view name;
  const Space* space;
  Form form;
  Terms within = {};  ///< of an object, or of each one of a set
};

// As the context of DSP 2025-1 has them (context.jsonld and odrl-profile.jsonld).
constexpr Term kProperty[] = {{"name", &kDspace, Term::Form::text}, {"value", &kDspace, Term::Form::text}};
constexpr Term kAddress[] = {{"endpointType", &kDspace, Term::Form::word},
                             {"endpoint", &kDspace, Term::Form::text},
                             {"endpointProperties", &kDspace, Term::Form::set, kProperty}};
constexpr Term kPolicy[] = {{"target", &kOdrl, Term::Form::id},
                            {"assigner", &kOdrl, Term::Form::id},
                            {"assignee", &kOdrl, Term::Form::id},
                            {"timestamp", &kDspace, Term::Form::text}};
constexpr Term kMessage[] = {{"callbackAddress", &kDspace, Term::Form::text}, {"providerPid", &kDspace, Term::Form::id},
                             {"consumerPid", &kDspace, Term::Form::id},     {"agreementId", &kDspace, Term::Form::id},
                             {"dataset", &kDspace, Term::Form::text},         {"code", &kDspace, Term::Form::text},
                             {"format", &kDct, Term::Form::word},             {"eventType", &kDspace, Term::Form::word},
                             {"state", &kDspace, Term::Form::word},           {"filter", &kDspace, Term::Form::set},
                             {"reason", &kDspace, Term::Form::set},           {"offer", &kDspace, Term::Form::object, kPolicy},
                             {"agreement", &kDspace, Term::Form::object, kPolicy},
                             {"dataAddress", &kDspace, Term::Form::object, kAddress}};
constexpr Term kService[] = {{"endpointURL", &kDcat, Term::Form::text}, {"endpointDescription", &kDcat, Term::Form::text}};
constexpr Term kDistribution[] = {{"format", &kDct, Term::Form::word}};
constexpr Term kDataset[] = {{"hasPolicy", &kOdrl, Term::Form::set, kPolicy}, {"distribution", &kDcat, Term::Form::set, kDistribution}};
constexpr Term kCatalog[] = {{"participantId", &kDspace, Term::Form::id},
                             {"service", &kDcat, Term::Form::set, kService},
                             {"dataset", &kDcat, Term::Form::set, kDataset},
                             {"distribution", &kDcat, Term::Form::set, kDistribution},
                             {"catalog", &kDcat, Term::Form::set}};

Error wrong(std::string message, std::string pointer) { return Error(ErrorCode::invalid_argument, std::move(message)).at_pointer(std::move(pointer)); }

/// Without prefix or namespace of that space.
std::string_view short_of(std::string_view text, const Space& space) {
  if (text.starts_with(space.iri)) return text.substr(space.iri.size());
  return text.starts_with(space.prefix) ? text.substr(space.prefix.size()) : text;
}

bool is_text_type(const Value& type) {
  const std::string* name = type.if_string();
  if (name == nullptr) return false;
  const std::string_view local = short_of(*name, {"xsd:", "http://www.w3.org/2001/XMLSchema#"});
  return local.size() < name->size() && (local == "string" || local == "anyURI" || local == "dateTime");
}

/// `{"@value": …}` becomes the text in it, with a type of texts too.
Result<void> to_text(Value& value, const std::string& pointer) {
  const json::Object* object = value.if_object();
  const Value* literal = value.find("@value");
  if (literal == nullptr) return {};
  const Value* type = value.find("@type");
  if (object->size() != (type != nullptr ? 2U : 1U)) return {};  // whoever reads it says what is wrong
  if (type != nullptr && !is_text_type(*type)) return wrong("`@type` is no type of a text", json::pointer_to(pointer, "@type"));
  Value text = *literal;
  value = std::move(text);
  return {};
}

/// `{"@id": …}` becomes the name in it.
void to_name(Value& value) {
  const Value* id = value.find("@id");
  if (id == nullptr || value.if_object()->size() != 1) return;
  Value name = *id;
  value = std::move(name);
}

/// Of `@type`: a list of one, and any space's prefix.
void to_type(Value& object) {
  const Value* found = object.find("@type");
  if (found == nullptr) return;
  const json::Array* list = found->if_array();
  const std::string* text = list != nullptr && list->size() == 1 ? list->front().if_string() : found->if_string();
  if (text == nullptr) return;
  std::string name = *text;
  for (const Space* space : kSpaces) {
    if (const std::string_view local = short_of(name, *space); local.size() < name.size()) {
      name = std::string(local);
      break;
    }
  }
  object.set("@type", Value(std::move(name)));
}

/// Gives the member its short name.
Result<void> rename(Value& object, const Term& term, const std::string& pointer) {
  std::string* spelt = nullptr;
  for (json::Member& member : *object.if_object()) {
    if (short_of(member.first, *term.space) != term.name) continue;
    if (spelt != nullptr) return wrong("`" + *spelt + "` and `" + member.first + "` are the same", json::pointer_to(pointer, member.first));
    spelt = &member.first;
  }
  if (spelt != nullptr && *spelt != term.name) *spelt = std::string(term.name);
  return {};
}

Result<void> compact_object(Value& object, Terms terms, const std::string& pointer);

Result<void> compact_member(Value& value, const Term& term, const std::string& pointer) {
  switch (term.form) {
    case Term::Form::text: return to_text(value, pointer);
    case Term::Form::id: to_name(value); return {};
    case Term::Form::word:
      to_name(value);
      if (const std::string* word = value.if_string()) value = Value(std::string(short_of(*word, *term.space)));
      return {};
    case Term::Form::object: return compact_object(value, term.within, pointer);
    case Term::Form::set: break;
  }
  if (value.is_null()) return {};
  if (value.if_array() == nullptr) value = Value(json::Array{std::move(value)});
  json::Array& list = *value.if_array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = json::pointer_to(pointer, i);
    if (!term.within.empty()) SLUIS_CHECK(compact_object(list[i], term.within, at));
    else if (term.name == "reason") SLUIS_CHECK(to_text(list[i], at));
    else if (term.name == "catalog") SLUIS_CHECK(compact_object(list[i], kCatalog, at));
  }
  return {};
}

Result<void> compact_object(Value& object, Terms terms, const std::string& pointer) {
  if (object.if_object() == nullptr) return {};
  to_type(object);
  for (const Term& term : terms) {
    SLUIS_CHECK(rename(object, term, pointer));
    for (json::Member& member : *object.if_object()) {
      if (member.first == term.name) SLUIS_CHECK(compact_member(member.second, term, json::pointer_to(pointer, term.name)));
    }
  }
  return {};
}

}  // namespace

Result<void> compact(Value& message) {
  if (message.if_object() == nullptr) return {};
  if (const Value* context = message.find("@context"); context != nullptr && context->if_string() != nullptr) {
    message.set("@context", Value(json::Array{*context}));
  }
  to_type(message);
  const Value* type = message.find("@type");
  const std::string name = type != nullptr && type->if_string() != nullptr ? *type->if_string() : std::string();
  return compact_object(message, name == "Catalog" ? Terms(kCatalog) : name == "Dataset" ? Terms(kDataset) : Terms(kMessage), "");
}

}  // namespace sluis::dsp
