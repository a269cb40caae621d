#include "conformance/turtle.hpp"

#include <serd/serd.h>

#include <algorithm>
#include <memory>
#include <set>

namespace sluis::conformance {
namespace {

const std::string kOdrl = "http://www.w3.org/ns/odrl/2/";
const std::string kReport = "https://w3id.org/force/compliance-report#";
const std::string kExample = "http://example.org/";
const std::string kTerms = "http://purl.org/dc/terms/";
const std::string kType = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

Error refused(const std::string& what) { return Error(ErrorCode::invalid_argument, what); }

/// What serd's callbacks need: where triples go, and prefixes to expand names with.
struct Sink {
  SerdEnv* env;
  std::map<std::string, std::map<std::string, std::vector<Term>>>* triples;
};

std::string text_of(const SerdNode& node) { return {reinterpret_cast<const char*>(node.buf), node.n_bytes}; }

/// A full IRI, whatever way it was written.
std::string expanded(SerdEnv* env, const SerdNode& node) {
  SerdNode full = serd_env_expand_node(env, &node);
  std::string text = full.buf != nullptr ? text_of(full) : text_of(node);
  serd_node_free(&full);
  return text;
}

Term term_of(SerdEnv* env, const SerdNode& node, const SerdNode* datatype) {
  if (node.type == SERD_LITERAL) {
    return {Term::Kind::literal, text_of(node),
            datatype != nullptr && datatype->buf != nullptr ? expanded(env, *datatype) : ""};
  }
  if (node.type == SERD_BLANK) return {Term::Kind::blank, "_:" + text_of(node), ""};
  return {Term::Kind::iri, expanded(env, node), ""};
}

SerdStatus on_prefix(void* handle, const SerdNode* name, const SerdNode* uri) {
  return serd_env_set_prefix(static_cast<Sink*>(handle)->env, name, uri);
}
SerdStatus on_base(void* handle, const SerdNode* uri) {
  return serd_env_set_base_uri(static_cast<Sink*>(handle)->env, uri);
}
SerdStatus on_statement(void* handle, SerdStatementFlags, const SerdNode*, const SerdNode* subject,
                        const SerdNode* predicate, const SerdNode* object, const SerdNode* datatype,
                        const SerdNode*) {
  const Sink& sink = *static_cast<Sink*>(handle);
  const std::string about = term_of(sink.env, *subject, nullptr).text;
  (*sink.triples)[about][expanded(sink.env, *predicate)].push_back(term_of(sink.env, *object, datatype));
  return SERD_SUCCESS;
}

/// ODRL's names short, all else as it is.
std::string short_name(const std::string& iri) { return iri.starts_with(kOdrl) ? iri.substr(kOdrl.size()) : iri; }

/// Members that say nothing of the meaning.
bool is_said(const std::string& predicate) {
  return predicate.starts_with(kOdrl) && predicate != kOdrl + "uid" && predicate != kOdrl + "source";
}

bool is_list(const std::string& key) {
  static const std::set<std::string> kLists{"permission",  "prohibition", "obligation", "duty",
                                            "consequence", "remedy",      "constraint", "refinement",
                                            "and",         "andSequence", "or",         "xone"};
  return kLists.contains(key);
}

json::Value to_json(const Graph& graph, const std::string& subject);

json::Value to_json(const Graph& graph, const Term& term, const std::string& key) {
  if (term.kind == Term::Kind::literal) {
    if (term.datatype.empty()) return json::Value(term.text);
    return json::object({{"@value", term.text}, {"@type", term.datatype}});
  }
  const auto types = graph.objects(term.text, kType);
  const bool collection =
      std::any_of(types.begin(), types.end(), [](const Term& type) { return type.text.ends_with("Collection"); });
  if (is_list(key) || collection || (term.kind == Term::Kind::blank && graph.has(term.text)))
    return to_json(graph, term.text);
  return json::Value(key == "leftOperand" || key == "operator" || key == "action" ? short_name(term.text)
                                                                                  : term.text);
}

/// A subject with all that is said of it.
json::Value to_json(const Graph& graph, const std::string& subject) {
  json::Value value{json::Object{}};
  if (!subject.starts_with("_:")) value.set("@id", subject);
  const auto found = graph.triples().find(subject);
  if (found == graph.triples().end()) return value;
  for (const auto& [predicate, objects] : found->second) {
    if (predicate == kType) value.set("@type", short_name(objects.front().text));
    if (!is_said(predicate)) continue;
    const std::string key = short_name(predicate);
    json::Array list;
    for (const Term& object : objects) list.push_back(to_json(graph, object, key));
    const bool single = list.size() == 1 && !is_list(key);
    value.set(key, single ? list.front() : json::Value(std::move(list)));
  }
  return value;
}

/// Who is part of what, when it is, and in which state duties are.
json::Value request_of(const Graph& request, const std::string& id, const Graph& world) {
  json::Value value{json::Object{}};
  const std::string rule = request.object(id, kOdrl + "permission");
  for (const char* key : {"action", "target", "assignee"}) {
    const std::string text = request.object(rule, kOdrl + key);
    if (text.empty()) continue;
    value.set(key, std::string_view(key) == "action" ? short_name(text) : text);
    json::Array in;
    for (const Term& collection : world.objects(text, kOdrl + "partOf")) in.emplace_back(collection.text);
    if (!in.empty()) value.set(std::string(key) + "In", std::move(in));
  }
  const std::string now = world.object("http://example.com/request/currentTime", kTerms + "issued");
  if (!now.empty()) value.set("now", now);
  json::Value duties{json::Object{}};
  for (const std::string& report : world.of_type(kReport + "DutyReport")) {
    const std::string state = world.object(report, kReport + "deonticState");
    static const std::map<std::string, std::string> kStates{
        {"Fulfilled", "fulfilled"}, {"NonSet", "unset"}, {"Violated", "violated"}};
    const auto known = kStates.find(state.substr(std::min(state.size(), kReport.size())));
    if (known != kStates.end()) duties.set(world.object(report, kReport + "rule"), known->second);
  }
  if (!duties.if_object()->empty()) value.set("duties", std::move(duties));
  return value;
}

/// The pointer of the rule with that id.
std::string pointer_of(const json::Value& policy, const std::string& id) {
  for (const char* kind : {"permission", "prohibition", "obligation"}) {
    const json::Value* rules = policy.find(kind);
    if (rules == nullptr) continue;
    for (std::size_t i = 0; i < rules->if_array()->size(); ++i) {
      const json::Value* found = (*rules->if_array())[i].find("@id");
      if (found != nullptr && *found->if_string() == id) return "/" + std::string(kind) + "/" + std::to_string(i);
    }
  }
  return "";
}

/// Where the constraint with that id stands below a value.
std::string place_of(const json::Value& value, const std::string& id, const std::string& pointer) {
  const json::Value* found = value.find("@id");
  const bool comparison = value.find("leftOperand") != nullptr || value.find("action") == nullptr;
  if (comparison && found != nullptr && found->if_string() != nullptr && *found->if_string() == id) return pointer;
  std::string place;
  if (value.if_array() != nullptr) {
    for (std::size_t i = 0; i < value.if_array()->size() && place.empty(); ++i) {
      place = place_of((*value.if_array())[i], id, json::pointer_to(pointer, i));
    }
  } else if (value.if_object() != nullptr) {
    for (const auto& [key, member] : *value.if_object()) {
      if (place.empty()) place = place_of(member, id, json::pointer_to(pointer, key));
    }
  }
  return place;
}

/// What the report says of a rule's action, target, party and constraints; of what it names and does not describe,
/// nothing.
json::Value premises_of(const Graph& graph, const std::string& rule, const json::Value& policy) {
  json::Value premises{json::Object{}};
  for (const Term& premise : graph.objects(rule, kReport + "premiseReport")) {
    const std::string state = graph.object(premise.text, kReport + "satisfactionState");
    if (state.empty()) continue;
    std::string key = graph.object(premise.text, kType).substr(kReport.size());
    if (key == "ConstraintReport") key = place_of(policy, graph.object(premise.text, kReport + "constraint"), "");
    if (!key.empty()) premises.set(key, state == kReport + "Satisfied" ? "yes" : "no");
  }
  return premises;
}

json::Value expected_of(const Graph& graph, const std::string& report, const json::Value& policy) {
  json::Value rules{json::Object{}};
  json::Value premises{json::Object{}};
  bool permission = false;
  bool prohibition = false;
  for (const Term& rule : graph.objects(report, kReport + "ruleReport")) {
    const bool active = graph.object(rule.text, kReport + "activationState") == kReport + "Active";
    const std::string pointer = pointer_of(policy, graph.object(rule.text, kReport + "rule"));
    rules.set(pointer, active ? "yes" : "no");
    premises.set(pointer, premises_of(graph, rule.text, policy));
    permission = permission || (active && pointer.starts_with("/permission"));
    prohibition = prohibition || (active && pointer.starts_with("/prohibition"));
  }
  return json::object(
      {{"permit", permission && !prohibition}, {"rules", std::move(rules)}, {"premises", std::move(premises)}});
}

/// Which file of a folder tells of which subject of a type; the same names mean other things in other files.
Result<std::map<std::string, Graph>> read_folder(const std::filesystem::path& folder,
                                                 const std::vector<std::string>& types) {
  std::map<std::string, Graph> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".ttl") continue;
    SLUIS_TRY(const Graph graph, Graph::read(entry.path()));
    for (const std::string& type : types) {
      for (const std::string& subject : graph.of_type(type)) found.emplace(subject, graph);
    }
  }
  return found;
}

std::filesystem::path root_of(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / "data" / "test_cases") ? folder / "data" : folder;
}

}  // namespace

Result<Graph> Graph::read(const std::filesystem::path& file) {
  Graph graph;
  const std::unique_ptr<SerdEnv, decltype(&serd_env_free)> env(serd_env_new(nullptr), serd_env_free);
  Sink sink{env.get(), &graph.triples_};
  const std::unique_ptr<SerdReader, decltype(&serd_reader_free)> reader(
      serd_reader_new(SERD_TURTLE, &sink, nullptr, on_base, on_prefix, on_statement, nullptr), serd_reader_free);
  const std::string path = std::filesystem::absolute(file).string();
  SerdNode uri =
      serd_node_new_file_uri(reinterpret_cast<const std::uint8_t*>(path.c_str()), nullptr, nullptr, true);
  const SerdStatus status = serd_reader_read_file(reader.get(), uri.buf);
  serd_node_free(&uri);
  if (status != SERD_SUCCESS) return refused(path + " is no Turtle");
  return graph;
}

const std::vector<Term>& Graph::objects(const std::string& subject, const std::string& predicate) const {
  static const std::vector<Term> kNone;
  const auto about = triples_.find(subject);
  if (about == triples_.end()) return kNone;
  const auto found = about->second.find(predicate);
  return found == about->second.end() ? kNone : found->second;
}

std::string Graph::object(const std::string& subject, const std::string& predicate) const {
  const auto& all = objects(subject, predicate);
  return all.empty() ? "" : all.front().text;
}

std::vector<std::string> Graph::of_type(const std::string& type) const {
  std::vector<std::string> subjects;
  for (const auto& [subject, members] : triples_) {
    for (const Term& one : objects(subject, kType)) {
      if (one.text == type) subjects.push_back(subject);
    }
  }
  return subjects;
}

bool is_turtle_suite(const std::filesystem::path& folder) {
  return std::filesystem::exists(root_of(folder) / "test_cases");
}

Result<std::vector<TurtleCase>> read_turtle_cases(const std::filesystem::path& folder) {
  const std::filesystem::path root = root_of(folder);
  SLUIS_TRY(const auto policies, read_folder(root / "policies", {kOdrl + "Set", kOdrl + "Offer",
                                                                 kOdrl + "Agreement", kOdrl + "Policy"}));
  SLUIS_TRY(const auto requests, read_folder(root / "requests", {kOdrl + "Request"}));
  SLUIS_TRY(const auto worlds, read_folder(root / "sotw", {kExample + "Sotw"}));
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(root / "test_cases")) {
    if (entry.path().extension() == ".ttl") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<TurtleCase> cases;
  for (const auto& file : files) {
    SLUIS_TRY(const Graph graph, Graph::read(file));
    for (const std::string& one : graph.of_type(kExample + "TestCase")) {
      const auto policy = policies.find(graph.object(one, kExample + "policy"));
      const auto request = requests.find(graph.object(one, kExample + "request"));
      const auto world = worlds.find(graph.object(one, kExample + "sotw"));
      if (policy == policies.end() || request == requests.end() || world == worlds.end()) {
        return refused(file.string() + " names a policy, request or world state that is not there");
      }
      json::Value policy_json = to_json(policy->second, policy->first);
      json::Value expected = expected_of(graph, graph.object(one, kExample + "expectedReport"), policy_json);
      cases.push_back({json::object({{"title", graph.object(one, kTerms + "title")},
                                     {"mode", "suite"},
                                     {"policy", std::move(policy_json)},
                                     {"request", request_of(request->second, request->first, world->second)},
                                     {"expect", std::move(expected)}}),
                       file.stem().string()});
    }
  }
  return cases;
}

}  // namespace sluis::conformance
