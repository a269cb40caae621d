#include "connector/declaration/rules.hpp"

#include "connector/base/limits.hpp"
#include "policy/odrl/transforms.hpp"
#include "policy/purpose/legal_bases.hpp"

#include <algorithm>
#include <array>

namespace sluis::declaration {
namespace {

using identity::Role;

constexpr std::size_t kWhyBytes = 1024;

/// What says that there is none.
constexpr std::array<std::string_view, 14> kNothing{"none", "no",  "nothing", "n/a",    "na",   "nil",  "n.a.",
                                                    "geen", "nee", "niets",   "n.v.t.", "nvt",  "niet nodig", "not needed"};

/// Research, statistics and archiving in DPV; of the last it has nothing nearer than the management of records.
constexpr std::array<std::string_view, 3> kSafeguarded{"https://w3id.org/dpv#ResearchAndDevelopment",
                                                       "https://w3id.org/dpv#ProvideOfficialStatistics",
                                                       "https://w3id.org/dpv#RecordManagement"};

/// Whether it is meant as an act of the profile, not as words.
bool is_act(std::string_view safeguard) {
  return safeguard.starts_with("sluis:") || safeguard.starts_with("odrl:") || safeguard.starts_with("https://w3id.org/sluis/") ||
         safeguard.starts_with("http://www.w3.org/ns/odrl/");
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string names(const std::set<Role>& roles) {
  std::string out;
  for (const Role role : roles) out += (out.empty() ? "`" : ", `") + std::string(identity::to_string(role)) + "`";
  return out;
}

Result<void> check_why(const std::string& why) {
  if (why.empty()) {
    return Error(ErrorCode::invalid_argument, "it is not said why").at_pointer("/why").mended_by("say it in a sentence: --why");
  }
  const bool good = std::none_of(why.begin(), why.end(), [](char c) { return (c >= 0 && c < ' ') || c == 127; });
  if (good && why.size() <= kWhyBytes) return {};
  return Error(ErrorCode::invalid_argument, "the reason is too long, or has control characters").at_pointer("/why");
}

Result<void> check_until(Timestamp until, Timestamp now, std::optional<Duration> longest) {
  if (until <= now) return Error(ErrorCode::invalid_argument, format_time(until) + " is not later than now").at_pointer("/until");
  if (!longest || until - now <= *longest) return {};
  return Error(ErrorCode::invalid_argument, format_time(until) + " is later than this situation may last, " + format_duration(*longest))
      .at_pointer("/until")
      .mended_by("at the latest until " + format_time(std::chrono::floor<std::chrono::seconds>(now + *longest)));
}

/// Whether this is another person in another role than who declared or renewed it last.
Result<void> check_renewer(const Declaration& last, const Definition& definition, const By& by) {
  if (!definition.renewed_by.contains(by.role)) {
    return Error(ErrorCode::permission_denied,
                 "the role `" + std::string(identity::to_string(by.role)) + "` does not renew `" + definition.id + "`")
        .mended_by("it is renewed by " + names(definition.renewed_by));
  }
  const Act* declared = nullptr;
  for (const Act& act : last.acts) {
    if (act.what != What::ended) declared = &act;
  }
  if (declared == nullptr || (declared->by.role != by.role && declared->by.person != by.person)) return {};
  return Error(ErrorCode::permission_denied,
               "who declared `" + definition.id + "` last cannot renew it: that takes another person in another role");
}

}  // namespace

Result<Declaration> declare(const Definition& definition, const By& by, const std::string& why, Timestamp until, Timestamp now,
                            const Declaration* last) {
  if (last != nullptr && !last->over(now)) {
    return Error(ErrorCode::invalid_state, "`" + definition.id + "` is in force until " + format_time(last->until()))
        .mended_by("renew it, or end it first");
  }
  if (last != nullptr && now - last->until() < definition.longest) {
    SLUIS_CHECK(check_renewer(*last, definition, by));
  } else if (!definition.declared_by.contains(by.role)) {
    return Error(ErrorCode::permission_denied,
                 "the role `" + std::string(identity::to_string(by.role)) + "` does not declare `" + definition.id + "`")
        .mended_by("it is declared by " + names(definition.declared_by));
  }
  SLUIS_CHECK(check_why(why));
  SLUIS_CHECK(check_until(until, now, definition.longest));
  Declaration out;
  out.id = definition.id;
  out.title = definition.title;
  out.where = definition.where;
  out.decided_by = definition.decided_by;
  out.opens = definition.opens;
  out.closes = definition.closes;
  out.acts.push_back({What::declared, by, now, until, why});
  return out;
}

Result<void> renew(Declaration& declaration, const Definition& definition, const By& by, const std::string& why, Timestamp until,
                   Timestamp now) {
  if (!declaration.in_force(now)) {
    return Error(ErrorCode::invalid_state, "`" + declaration.id + "` is not in force").mended_by("declare it anew");
  }
  SLUIS_CHECK(check_renewer(declaration, definition, by));
  SLUIS_CHECK(check_why(why));
  SLUIS_CHECK(check_until(until, now, definition.longest));
  if (until <= declaration.until()) {
    return Error(ErrorCode::invalid_argument, "it is in force until " + format_time(declaration.until()) + " already")
        .at_pointer("/until");
  }
  declaration.acts.push_back({What::renewed, by, now, until, why});
  return {};
}

Result<void> end(Declaration& declaration, const Definition* definition, const By& by, const std::string& why, Timestamp now) {
  if (declaration.over(now)) return Error(ErrorCode::invalid_state, "`" + declaration.id + "` is over already");
  const bool allowed = declaration.kind == Kind::assessment || definition == nullptr
                           ? by.role == Role::privacy_officer
                           : definition->declared_by.contains(by.role) || definition->renewed_by.contains(by.role);
  if (!allowed) {
    return Error(ErrorCode::permission_denied,
                 "the role `" + std::string(identity::to_string(by.role)) + "` does not end `" + declaration.id + "`")
        .mended_by(definition == nullptr ? std::string("it is ended by `privacy_officer`")
                                         : "it is ended by " + names(definition->declared_by) + ", " + names(definition->renewed_by));
  }
  SLUIS_CHECK(check_why(why));
  declaration.acts.push_back({What::ended, by, now, now, why});
  return {};
}

Result<Declaration> record(const AssessmentDraft& draft, const By& by, Timestamp now, const Declaration* last) {
  if (by.role != Role::privacy_officer) return Error(ErrorCode::permission_denied, "assessments are recorded by `privacy_officer`");
  if (last != nullptr && !last->over(now)) {
    return Error(ErrorCode::invalid_state, "the assessment `" + draft.id + "` is in force until " + format_time(last->until()))
        .mended_by("end it first, or record another under an id of its own");
  }
  SLUIS_CHECK(check_why(draft.why));
  SLUIS_CHECK(check_until(draft.until, now, std::nullopt));
  Declaration out;
  out.kind = Kind::assessment;
  out.id = draft.id;
  out.title = draft.title;
  out.decided_by = draft.decided_by;
  out.opens = draft.purposes;
  out.legal_basis = draft.legal_basis;
  out.safeguards = draft.safeguards;
  out.acts.push_back({What::recorded, by, now, draft.until, draft.why});
  if (encode(out, true).size() > limits::kDeclarationBytes / 2) {
    return Error(ErrorCode::limit_exceeded, "the assessment is too long to be recorded");
  }
  return out;
}

Result<std::string> read_legal_basis(std::string_view basis) {
  SLUIS_TRY(const policy::BasisIndex found, policy::find_legal_basis(basis));
  if (!policy::may_be_consent(found)) return policy::legal_bases().term(found).iri;
  const std::string named = "`" + std::string(basis) + "` ";
  if (!policy::is_consent(found)) {
    return Error(ErrorCode::invalid_argument, named + "is so wide that it may be consent").mended_by("name the basis itself, as eu-gdpr:A6-1-e");
  }
  return Error(ErrorCode::invalid_argument, named + "is consent: it is for the purpose that was asked for, and no other")
      .mended_by("ask for consent to this purpose, or rest the assessment on another basis (GDPR art. 6(4))");
}

Result<void> check_gathered_under(std::span<const std::string> bases, bool needed) {
  if (bases.empty() && needed) return Error(ErrorCode::invalid_argument, "it is not known on which legal basis they were gathered");
  for (const std::string& basis : bases) {
    const auto found = policy::find_legal_basis(basis);
    if (found && !policy::may_be_consent(*found)) continue;
    return Error(ErrorCode::invalid_argument, "they were gathered on `" + basis.substr(0, limits::kIdBytes) + "`, which " +
                                                  (found ? "is, or may be, consent" : "is no legal basis that DPV has"));
  }
  return {};
}

bool says_nothing(std::string_view text) {
  std::string said = lower(text);
  const auto sign = [](char c) { return c == ' ' || c == '\t' || c == '.' || c == '-' || c == '!' || c == '?' || c == '/'; };
  // Signs alone say nothing; `n.v.t.` and `n/a` keep theirs.
  if (std::all_of(said.begin(), said.end(), sign)) said.clear();
  while (!said.empty() && said.back() == ' ') said.pop_back();
  said.erase(0, said.find_first_not_of(' ') == std::string::npos ? said.size() : said.find_first_not_of(' '));
  const std::string without = said.empty() || said.back() != '.' ? said : said.substr(0, said.size() - 1);
  const auto same = [&](std::string_view nothing) { return said == nothing || without == nothing; };
  return said.empty() || std::any_of(kNothing.begin(), kNothing.end(), same);
}

std::optional<policy::Action> safeguard_act(std::string_view safeguard) {
  const auto act = is_act(safeguard) ? policy::action_from(safeguard) : std::nullopt;
  return act && policy::is_safeguard(*act) ? act : std::nullopt;
}

const std::string* missing_safeguard(const Declaration& assessment, std::span<const policy::Action> of_terms) {
  for (const std::string& one : assessment.safeguards) {
    const auto act = safeguard_act(one);
    if (act && std::find(of_terms.begin(), of_terms.end(), *act) == of_terms.end()) return &one;
  }
  return nullptr;
}

Result<void> check_safeguard(std::string_view safeguard) {
  if (is_act(safeguard) && !safeguard_act(safeguard)) {
    return Error(ErrorCode::invalid_argument, "`" + std::string(safeguard.substr(0, 128)) + "` is no safeguard of the profile")
        .mended_by(policy::action_from(safeguard) ? "name one that data pass, as `sluis:pseudonymise`, or `sluis:deleteAfter`"
                                                  : policy::suggest_action(safeguard));
  }
  if (!says_nothing(safeguard)) return {};
  return Error(ErrorCode::invalid_argument, "`" + std::string(safeguard.substr(0, 128)) + "` is no safeguard")
      .mended_by("say what is done, as \"pseudonymised before use\"; leave `safeguards` out where none is needed");
}

bool is_safeguarded(std::string_view purpose, const policy::Vocabulary& vocabulary) {
  const auto asked = vocabulary.lookup(purpose);
  return asked && std::any_of(kSafeguarded.begin(), kSafeguarded.end(), [&](std::string_view one) {
           const auto known = vocabulary.lookup(one);
           return known && vocabulary.is_a(*asked, *known);
         });
}

bool needs_safeguards(std::string_view purpose, const policy::Vocabulary& vocabulary) {
  const auto asked = vocabulary.lookup(purpose);
  return asked && std::any_of(kSafeguarded.begin(), kSafeguarded.end(), [&](std::string_view one) {
           const auto known = vocabulary.lookup(one);
           return known && vocabulary.related(*asked).test(*known);
         });
}

}  // namespace sluis::declaration
