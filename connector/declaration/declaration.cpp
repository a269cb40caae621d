#include "connector/declaration/declaration.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/suggest.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/identity/object_reader.hpp"

#include <array>

namespace sluis::declaration {
namespace {

using identity::ObjectReader;

constexpr std::size_t kActs = 256;

struct List {
  std::string_view name;
  std::vector<std::string> Declaration::*member;
};
constexpr std::array kLists{List{"opens", &Declaration::opens}, List{"closes", &Declaration::closes},
                            List{"legalBasis", &Declaration::legal_basis}, List{"safeguards", &Declaration::safeguards}};
struct Text {
  std::string_view name;
  std::string Declaration::*member;
};
constexpr std::array kTexts{Text{"title", &Declaration::title}, Text{"where", &Declaration::where},
                            Text{"decidedBy", &Declaration::decided_by}};

Result<What> what_from(ObjectReader& reader) {
  SLUIS_TRY(const std::string name, reader.string("what"));
  for (const What what : {What::declared, What::renewed, What::recorded, What::ended}) {
    if (name == to_string(what)) return what;
  }
  return reader.refused("what", "`" + name.substr(0, 64) + "` is nothing that is done with a declaration");
}

Result<Act> read_act(const json::Value& value, const std::string& pointer) {
  SLUIS_TRY(ObjectReader reader, ObjectReader::open(value, pointer));
  Act act;
  SLUIS_TRY(act.what, what_from(reader));
  SLUIS_TRY(const std::string role, reader.string("role"));
  const auto known = identity::role_from(role);
  if (!known) return reader.refused("role", "`" + role.substr(0, 64) + "` is not a role");
  act.by.role = *known;
  SLUIS_TRY(const auto person, reader.optional_string("person"));
  act.by.person = person.value_or("");
  SLUIS_TRY(act.when, reader.time("when"));
  SLUIS_TRY(act.until, reader.time("until"));
  SLUIS_TRY(const auto why, reader.optional_string("why"));
  act.why = why.value_or("");
  SLUIS_CHECK(reader.finish());
  return act;
}

/// How one act may follow another: it begins once, and after its end comes nothing.
Result<void> check_acts(const Declaration& declaration) {
  const What first = declaration.kind == Kind::situation ? What::declared : What::recorded;
  for (std::size_t i = 0; i < declaration.acts.size(); ++i) {
    const Act& act = declaration.acts[i];
    const bool begins = act.what == What::declared || act.what == What::recorded;
    bool good =
        i == 0 ? act.what == first : !begins && declaration.acts[i - 1].what != What::ended && declaration.acts[i - 1].when <= act.when;
    good = good && (act.what == What::ended ? act.until == act.when : act.when < act.until);
    if (!good) {
      return Error(ErrorCode::invalid_argument, "this act does not follow the one before it").at_pointer(json::pointer_to("/acts", i));
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(Kind kind) { return kind == Kind::situation ? "situation" : "assessment"; }

Result<Kind> kind_from(std::string_view name) {
  for (const Kind kind : {Kind::situation, Kind::assessment}) {
    if (name == to_string(kind)) return kind;
  }
  return Error(ErrorCode::invalid_argument, "`" + std::string(name.substr(0, 64)) + "` is no kind of declaration")
      .at_pointer("/kind")
      .mended_by("known are `situation`, `assessment`");
}

std::string_view to_string(What what) {
  switch (what) {
    case What::declared:
      return "declared";
    case What::renewed:
      return "renewed";
    case What::recorded:
      return "recorded";
    case What::ended:
      break;
  }
  return "ended";
}

bool Declaration::in_force(Timestamp when) const {
  const Act* last = nullptr;
  for (const Act& act : acts) {
    if (act.when <= when) last = &act;
  }
  return last != nullptr && last->what != What::ended && when < last->until;
}

Result<bool> concerns(const Declaration& declaration, const policy::Vocabulary& vocabulary, policy::PurposeIndex asked) {
  bool found = false;
  for (const auto* list : {&declaration.opens, &declaration.closes}) {
    for (const std::string& iri : *list) {
      const auto purpose = vocabulary.lookup(iri);
      if (!purpose) {
        return Error(ErrorCode::invalid_argument, "the " + std::string(to_string(declaration.kind)) + " `" + declaration.id +
                                                      "` is about a purpose that these terms do not know, `" + iri + "`");
      }
      found = found || vocabulary.is_a(asked, *purpose);
      if (list == &declaration.closes && *purpose != asked && vocabulary.is_a(*purpose, asked)) {
        return Error(ErrorCode::invalid_argument, "the " + std::string(to_string(declaration.kind)) + " `" + declaration.id +
                                                      "` closes a part of what is asked for, `" + iri + "`");
      }
    }
  }
  return found;
}

std::string encode(const Declaration& declaration, bool with_persons) {
  json::Value out = json::object({{"id", declaration.id},
                                  {"kind", to_string(declaration.kind)},
                                  {"number", declaration.number},
                                  {"from", format_time(declaration.from())},
                                  {"until", format_time(declaration.until())}});
  for (const Text& text : kTexts) {
    if (!(declaration.*text.member).empty()) out.set(text.name, declaration.*text.member);
  }
  for (const List& list : kLists) {
    const auto& items = declaration.*list.member;
    if (!items.empty()) out.set(list.name, json::Array(items.begin(), items.end()));
  }
  json::Array acts;
  for (const Act& act : declaration.acts) {
    json::Value one = json::object({{"what", to_string(act.what)},
                                    {"role", identity::to_string(act.by.role)},
                                    {"when", format_time(act.when)},
                                    {"until", format_time(act.until)}});
    if (!act.why.empty()) one.set("why", act.why);
    if (with_persons && !act.by.person.empty()) one.set("person", act.by.person);
    acts.push_back(std::move(one));
  }
  out.set("acts", std::move(acts));
  return *json::canonical(out);
}

Result<Declaration> decode(std::string_view text) {
  if (text.size() > limits::kDeclarationBytes) return Error(ErrorCode::limit_exceeded, "what is said of a declaration is too long");
  SLUIS_TRY(const json::Value value, json::parse(text));
  SLUIS_TRY(ObjectReader reader, ObjectReader::open(value, ""));
  Declaration out;
  SLUIS_TRY(out.id, reader.string("id"));
  if (out.id.size() > limits::kIdBytes) return reader.refused("id", "the id is too long");
  SLUIS_TRY(const std::string kind, reader.string("kind"));
  SLUIS_TRY(out.kind, kind_from(kind));
  SLUIS_TRY(out.number, reader.count("number"));
  for (const Text& one : kTexts) {
    SLUIS_TRY(const auto found, reader.optional_string(one.name));
    out.*one.member = found.value_or("");
  }
  for (const List& list : kLists) {
    SLUIS_TRY(const json::Array* items, reader.array(list.name));
    for (const json::Value& item : *items) {
      if (item.if_string() == nullptr || item.if_string()->empty()) {
        return reader.refused(list.name, "strings that are not empty are needed");
      }
      (out.*list.member).push_back(*item.if_string());
    }
  }
  SLUIS_TRY(const json::Array* acts, reader.array("acts"));
  if (acts->empty() || acts->size() > kActs) return reader.refused("acts", "a declaration has acts, but not that many");
  for (std::size_t i = 0; i < acts->size(); ++i) {
    SLUIS_TRY(Act act, read_act((*acts)[i], json::pointer_to("/acts", i)));
    out.acts.push_back(std::move(act));
  }
  SLUIS_CHECK(check_acts(out));
  SLUIS_TRY(const Timestamp from, reader.time("from"));
  SLUIS_TRY(const Timestamp until, reader.time("until"));
  if (from != out.from() || until != out.until()) return reader.refused("until", "the times are not those of the acts");
  SLUIS_CHECK(reader.finish());
  return out;
}

Hash digest(const Declaration& declaration) { return crypto::sha256(encode(declaration, false)); }

}  // namespace sluis::declaration
