#include "connector/base/limits.hpp"
#include "connector/declaration/register.hpp"
#include "connector/gate/assess.hpp"
#include "connector/gate/reason.hpp"
#include "connector/management/known_names.hpp"
#include "connector/management/publication.hpp"
#include "connector/management/serving.hpp"
#include "connector/management/terms_parts.hpp"
#include "connector/storage/hold.hpp"
#include "policy/odrl/enforcement.hpp"
#include "policy/odrl/named.hpp"
#include "policy/odrl/report.hpp"
#include "policy/odrl/values.hpp"
#include "policy/odrl/values_known.hpp"
#include "policy/purpose/legal_bases.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

namespace sluis::management {
namespace {

/// An offer's JSON, with line and column in errors.
Result<json::Value> read_offer(const std::string& text, const std::string& file) {
  auto value = json::parse(text);
  if (!value) {
    Error error = value.error();
    error.place.file = file;
    return error;
  }
  if (const auto parsed = policy::parse_policy(*value, {true, ""}); !parsed) return in_offer_file(parsed.error(), text, file);
  return value;
}

void add_rules(v1::CheckTermsResponse& response, const std::vector<policy::Rule>& rules, const char* kind) {
  for (const auto& rule : rules) {
    auto* added = response.add_rules();
    added->set_kind(kind);
    added->set_action(std::string(policy::to_string(rule.action)));
    for (const auto& constraint : rule.constraints) {
      added->add_constraints(fmt::format("{} {} {}", policy::to_string(constraint.operand),
                                         policy::to_string(constraint.op), policy::describe_value(constraint)));
    }
  }
}

/// A part's own words: the first line of a rule, or the condition.
std::string told_part(const policy::Policy& policy, const std::string& pointer, const policy::Teller& teller) {
  const auto found = policy::find(policy, pointer);
  if (found.rule == nullptr) return pointer;
  if (found.constraint != nullptr) {
    return policy::tell(*found.constraint, found.kind == policy::RuleClass::prohibition, teller);
  }
  const bool duty = found.duty != nullptr;
  const auto lines =
      policy::tell(duty ? *found.duty : *found.rule, duty ? policy::RuleClass::duty : found.kind, teller);
  return lines.empty() ? pointer : lines.front().text;
}

/// The condition of which a pointer names a member: its value or unit.
std::string without_member(const std::string& pointer) {
  for (const std::string_view member : {"/rightOperand", "/unit"}) {
    if (pointer.ends_with(member)) return pointer.substr(0, pointer.size() - member.size());
  }
  return pointer;
}

/// What a dataset asks that no policy says; this node sees to it.
std::vector<std::string_view> beside_the_policy(const GivenTerms& terms) {
  std::vector<std::string_view> codes;
  if (terms.dataset && terms.dataset->terms.processing_activity) codes.emplace_back("terms.activity");
  if (terms.dataset && terms.dataset->terms.steward_approval) codes.emplace_back("terms.approval");
  return codes;
}

Result<v1::CheckTermsResponse> check(const Backend& backend, const v1::CheckTermsRequest& request) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const auto language, language_of(request.lang()));
  SLUIS_TRY(const auto terms, read_terms(backend, request.text(), request.file()));
  const policy::Policy& policy = terms.compiled.policy;
  const auto hash = catalog::offer_hash(terms.offer);
  if (!hash) return terms.dataset ? hash.error() : in_offer_file(hash.error(), request.text(), request.file());
  v1::CheckTermsResponse response;
  response.set_hash(to_hex(*hash));
  add_rules(response, policy.permissions, "permission");
  add_rules(response, policy.prohibitions, "prohibition");
  add_rules(response, policy.obligations, "obligation");
  const auto findings = findings_of(terms.compiled, backend.clock.now(), language);
  put_findings(response, findings);
  if (permits_nothing(findings)) response.set_refused(true);
  if (const auto period = policy::retention(policy)) response.set_delete_after(format_duration(*period));
  const auto teller = teller_for(backend, *vocabulary, language);
  for (const auto& part : policy::enforcement(policy, policy::Supplied::by_this_node())) {
    auto* added = response.add_parts();
    added->set_pointer(part.pointer);
    added->set_keeper(std::string(policy::to_string(part.keeper)));
    added->set_part(told_part(policy, part.pointer, teller));
    added->set_why(policy::tell(part, language));
    if (part.keeper == policy::Keeper::refused) response.set_refused(true);
  }
  for (std::string& note : unknown_classes(policy, backend.directory)) response.add_notes(std::move(note));
  for (const auto& named : {policy::check_values(policy), catalog::check_declarations(policy, dataset_context(backend, vocabulary).situations),
                            check_known_names(policy, backend.directory, backend.store),
                            terms.dataset ? check_assessed(policy, *terms.dataset, backend.store, backend.clock.now()) : Result<void>(),
                            terms.dataset ? check_safeguarded(policy, *terms.dataset, vocabulary) : Result<void>()}) {
    if (named) continue;
    if (named.error().code != ErrorCode::invalid_argument) return named.error();
    auto* added = response.add_parts();
    added->set_pointer(named.error().place.pointer);
    added->set_keeper(std::string(policy::to_string(policy::Keeper::refused)));
    added->set_part(told_part(policy, without_member(named.error().place.pointer), teller));
    added->set_why(named.error().message + (named.error().mend.empty() ? "" : "; " + named.error().mend));
    response.set_refused(true);
  }
  for (const auto code : beside_the_policy(terms)) {
    auto* added = response.add_parts();
    added->set_keeper("enforced");
    added->set_part(std::string(policy::sentence(code, language)));
    added->set_why(std::string(policy::sentence("part.enforced", language)));
  }
  return response;
}

/// A dataset file as a whole; or an offer for a dataset whose file names one beside it (`offer = "…"`), which then is
/// read and checked anew with these terms.
Result<catalog::Dataset> with_new_terms(const Backend& backend, const v1::PublishTermsRequest& request) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  catalog::DatasetContext context = dataset_context(backend, vocabulary);
  const std::string file = request.file().empty() ? "offer.json" : request.file();
  if (file.ends_with(".toml")) {
    SLUIS_TRY(auto dataset, catalog::parse_dataset(request.text(), file, context));
    SLUIS_TRY(const auto before, backend.catalog.show(dataset.id));
    if (before.retracted) return Error(ErrorCode::invalid_state, fmt::format("`{}` is retracted", dataset.id.str()));
    return dataset;
  }
  auto parsed = json::parse(request.text());
  if (!parsed) {
    Error error = parsed.error();
    error.place.file = file;
    return error;
  }
  json::Value& offer = *parsed;
  std::string id = request.dataset();
  if (const json::Value* target = offer.find("target"); target != nullptr && target->if_string() != nullptr) {
    if (!id.empty() && id != *target->if_string()) {
      return Error(ErrorCode::invalid_argument, fmt::format("the offer's target is not `{}`", id))
          .at_pointer("/target");
    }
    id = *target->if_string();
  }
  if (id.empty()) {
    return Error(ErrorCode::invalid_argument, "it is not said which dataset these terms are for")
        .at_pointer("/target")
        .mended_by("give the offer a `target`, or use --dataset");
  }
  offer.erase("target");
  offer.erase("@context");
  SLUIS_TRY(const auto before, backend.catalog.show(DatasetId(id)));
  if (before.retracted) return Error(ErrorCode::invalid_state, fmt::format("`{}` is retracted", id));
  bool asked = false;
  context.read_beside = [&](const std::string&) -> Result<std::string> {
    asked = true;
    return json::serialise_pretty(offer);
  };
  auto dataset = catalog::parse_dataset(before.dataset.toml, file, context);
  if (dataset && !asked) {
    return Error(ErrorCode::invalid_argument, fmt::format("the terms of `{}` stand in its dataset file", id))
        .mended_by("change `[terms]` there, and publish that file");
  }
  return dataset;
}

Result<v1::PublishTermsResponse> publish(Backend& backend, const v1::PublishTermsRequest& request,
                                         const Caller& caller) {
  if (request.text().size() > limits::kTomlBytes) {
    return Error(ErrorCode::limit_exceeded, fmt::format("the file is larger than {} bytes", limits::kTomlBytes));
  }
  SLUIS_TRY(const auto language, language_of(request.lang()));
  SLUIS_TRY(const auto dataset, with_new_terms(backend, request));
  auto done = publish_dataset(backend, dataset, request.dry_run(), language, caller);
  const bool in_json = !request.file().ends_with(".toml");
  if (!done && in_json && done.error().code == ErrorCode::invalid_argument) return in_offer_file(done.error(), request.text(), request.file());
  SLUIS_TRY(auto made, in_file(std::move(done), request.file()));
  v1::PublishTermsResponse response;
  response.set_hash(to_hex(dataset.offer_hash));
  response.set_dry_run(request.dry_run());
  response.set_unchanged(made.unchanged);
  response.set_entry(made.entry);
  put_findings(response, made.findings);
  for (std::string& note : made.notes) response.add_notes(std::move(note));
  *response.mutable_dataset() = std::move(made.dataset);
  return response;
}

Result<GivenTerms> terms_of(const Backend& backend, const v1::TestTermsRequest& request) {
  if (!request.text().empty()) return read_terms(backend, request.text(), request.file());
  if (!request.offer().empty()) return read_terms(backend, request.offer(), "offer");
  return published_terms(backend, request.dataset());
}

/// Who asks, what for and when, in which situations.
struct AskedTerms {
  gate::Known known;
  std::optional<std::string> purpose;  ///< full IRI, as it was named
  std::vector<policy::Attribute> attributes;
  std::optional<std::string> declarations_unknown;
  gate::ReleasePlan plan;  ///< for who asks
  Timestamp until = Timestamp::max();
};

/// How the dataset would be served then; of an offer alone, nothing stands against it.
Result<gate::ReleasePlan> plan_then(const Backend& backend, const GivenTerms& terms, Timestamp then) {
  if (!terms.dataset) return gate::ReleasePlan();
  SLUIS_TRY(const auto standing, backend.catalog.standing({*terms.dataset, 0, then, terms.retracted}, then));
  return serving_plan(*terms.dataset, standing);
}

Result<AskedTerms> asked_of(const Backend& backend, const v1::TestTermsRequest& request, const GivenTerms& terms) {
  const policy::Program& program = terms.compiled.program;
  AskedTerms out;
  gate::Known& known = out.known;
  known.class_of_recipient = request.class_of_recipient();
  known.now = backend.clock.now();
  if (request.has_at()) {
    SLUIS_TRY(known.now, read_time(request.at(), "/at"));
  }
  SLUIS_TRY(out.plan, plan_then(backend, terms, *known.now));
  if (!request.participant().empty()) {
    SLUIS_TRY(const auto id, find_party(backend.directory, request.participant()));
    SLUIS_TRY(const identity::PartyPtr party, backend.directory.find(id));
    known.recipient = id.str();
    if (known.class_of_recipient.empty()) known.class_of_recipient = party->class_of_recipient;
    // Only a claim makes an exchange known to the other log, and who can sign claims has to.
    known.two_sided = !request.purpose().empty() && is_two_sided(backend, id, *known.now);
    out.plan.purpose_by_agreement = out.plan.purpose_by_agreement && party->claim_keys.empty();
  }
  if (!request.purpose().empty()) {
    SLUIS_TRY(known.purpose, find_purpose(program.vocabulary(), request.purpose()));
    out.purpose = program.vocabulary().term(*known.purpose).iri;
  } else if (!terms.open() && out.plan.purpose_by_agreement) {
    known.purpose = policy::single_purpose(program);
  }
  known.agreed = known.now;
  if (request.has_agreed()) {
    SLUIS_TRY(known.agreed, read_time(request.agreed(), "/agreed"));
  }
  if (terms.dataset) known.dataset = terms.dataset->id.str();
  known.uses = static_cast<std::int64_t>(std::min<std::uint64_t>(request.uses(), std::numeric_limits<std::int64_t>::max()));
  known.activity = request.activity();
  known.says.emplace();
  for (const std::string& basis : request.legal_basis()) {
    const auto found = policy::find_legal_basis(basis);
    if (!found) return Error(found.error()).at_pointer("/legalBasis");
    known.says->legal_basis.push_back(policy::legal_bases().term(*found).iri);
  }
  known.says->impact_assessment = request.impact_assessment();
  if (known.activity.empty() && *known.says != identity::ActivitySays{}) {
    return Error(ErrorCode::invalid_argument, "a legal basis and an impact assessment are those of a processing activity, and none is named")
        .at_pointer("/activity");
  }
  out.attributes = gate::attributes_of(program, known);
  SLUIS_TRY(const Declared declared, Declared::read(backend, terms.compiled.policy, terms.dataset));
  policy::Request asked = gate::request_of(program, known);
  asked.attributes = out.attributes;
  DeclaredThen then = declared.at(*known.now, program, asked);
  out.attributes.insert(out.attributes.end(), then.attributes.begin(), then.attributes.end());
  out.declarations_unknown = std::move(then.unknown);
  out.until = std::min(then.until, out.plan.assessed_until.value_or(Timestamp::max()));
  return out;
}

Result<v1::TestTermsResponse> test(const Backend& backend, const v1::TestTermsRequest& request) {
  SLUIS_TRY(const auto language, language_of(request.lang()));
  SLUIS_TRY(const auto terms, terms_of(backend, request));
  const policy::Program& program = terms.compiled.program;
  SLUIS_TRY(const AskedTerms asked, asked_of(backend, request, terms));
  policy::Request as_asked = gate::request_of(program, asked.known);
  as_asked.attributes = asked.attributes;
  const Simulated decision = simulate(terms, asked.plan, asked.known, asked.purpose, as_asked, asked.declarations_unknown);
  const policy::Reason& reason = decision.reason;
  v1::TestTermsResponse response;
  response.set_simulation(true);
  auto* told = response.mutable_decision();
  told->set_permit(decision.permit);
  told->set_code(reason.code);
  for (const auto& [key, value] : reason.parameters) (*told->mutable_parameters())[key] = value;
  told->set_sentence(gate::told(reason, language));
  const Timestamp until = std::min(decision.terms.decision.valid_until, asked.until);
  if (until != Timestamp::max()) put_time(response.mutable_valid_until(), until);
  response.set_offer(terms.compiled.policy.id);
  const auto teller = teller_for(backend, program.vocabulary(), language);
  const bool dutch = language == policy::Language::dutch;
  const std::string& id = asked.known.recipient;
  const std::string party = id.empty() ? std::string(dutch ? "iemand" : "somebody") : teller.name(id);
  const std::string dataset = terms.dataset ? teller.name(terms.dataset->id.str()) : "";
  response.add_told(std::string(policy::sentence("told.simulation", language)));
  const ToldDecision words{policy::tell_time(*asked.known.now, language),
                           party.empty() ? id : party,
                           dataset.empty() ? std::string(dutch ? "deze gegevens" : "these data") : dataset,
                           asked.known.purpose ? program.vocabulary().term(*asked.known.purpose).iri : "",
                           decision.permit,
                           reason,
                           &terms.compiled.policy,
                           terms.dataset ? terms.dataset->terms.decided_by : std::nullopt};
  for (const auto& sentence : tell_decision(words, teller)) response.add_told(sentence);
  const auto report = policy::report(program, as_asked);
  response.set_report(json::serialise(policy::to_json(report, terms.compiled.policy.id)));
  return response;
}

Result<v1::ExplainTermsResponse> explain_terms(const Backend& backend, const v1::ExplainTermsRequest& request) {
  SLUIS_TRY(const auto language, language_of(request.lang()));
  SLUIS_TRY(const auto terms, request.text().empty() ? published_terms(backend, request.dataset())
                                                     : read_terms(backend, request.text(), request.file()));
  v1::ExplainTermsResponse response;
  const auto teller = teller_for(backend, terms.compiled.program.vocabulary(), language);
  for (const auto& line : policy::tell(terms.compiled.policy, teller)) {
    auto* added = response.add_lines();
    added->set_depth(line.depth);
    added->set_text(line.text);
    added->set_pointer(line.pointer);
  }
  for (const auto code : beside_the_policy(terms)) {
    response.add_lines()->set_text(std::string(policy::sentence(code, language)));
  }
  if (terms.dataset && terms.dataset->terms.decided_by) {
    *response.mutable_decided_by() = to_proto(*terms.dataset->terms.decided_by);
  }
  return response;
}

}  // namespace

Simulated simulate(const GivenTerms& terms, const gate::ReleasePlan& plan, const gate::Known& known,
                   const std::optional<std::string>& purpose, const policy::Request& request,
                   const std::optional<std::string>& declarations_unknown) {
  const policy::Program& program = terms.compiled.program;
  Simulated out;
  if (terms.open()) {
    const policy::Decision decision = program.decide(request);
    out.terms = {decision, policy::explain(decision, request, program, purpose.value_or("")), decision.permit};
  } else {
    out.terms = gate::judge_terms(program, request, purpose);
  }
  if (declarations_unknown && gate::failed_on_declarations(out.terms.decision, program)) {
    out.terms.reason = gate::make_reason("declarations.unknown", {{"why", *declarations_unknown}});
  }
  const std::string named = known.purpose ? program.vocabulary().term(*known.purpose).iri : "";
  auto why = terms.open() || purpose || plan.purpose_by_agreement
                 ? gate::beside_terms(plan, program.vocabulary(), named, known.activity, known.now.value_or(Timestamp::min()))
                 : gate::make_reason("claim.missing");
  out.permit = !why && out.terms.permit;
  out.reason = why ? std::move(*why) : out.terms.reason;
  return out;
}

Result<GivenTerms> read_terms(const Backend& backend, const std::string& text, const std::string& file) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  GivenTerms terms{{}, {{}, {}}, {}, {}};
  if (file.ends_with(".toml")) {
    catalog::DatasetContext context = dataset_context(backend, vocabulary);
    context.supplied.reset();
    SLUIS_TRY(terms.dataset, catalog::parse_dataset(text, file, context));
    terms.offer = terms.dataset->offer;
  } else {
    SLUIS_TRY(terms.offer, read_offer(text, file));
  }
  auto compiled = catalog::compile_offer(terms.offer, vocabulary);
  if (!compiled) return terms.dataset ? compiled.error() : in_offer_file(compiled.error(), text, file);
  terms.compiled = std::move(*compiled);
  return terms;
}

Result<GivenTerms> published_terms(const Backend& backend, const std::string& dataset) {
  SLUIS_CHECK(require_id(dataset, "dataset"));
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const auto published, backend.catalog.show(DatasetId(dataset)));
  GivenTerms terms{published.dataset.offer, {{}, {}}, published.dataset, published.retracted};
  SLUIS_TRY(terms.compiled, catalog::compile_offer(terms.offer, vocabulary));
  return terms;
}

bool is_two_sided(const Backend& backend, const ParticipantId& party, Timestamp then) {
  return backend.two_sided ? backend.two_sided(party, then) : backend.directory.keeps_evidence(party, then);
}

Result<Declared> Declared::read(const Backend& backend, const policy::Policy& terms, std::optional<catalog::Dataset> dataset) {
  Declared out(backend.store);
  out.dataset_ = std::move(dataset);
  out.named_ = gate::named_declarations(terms);
  if (out.named_.empty()) return out;
  std::vector<std::string> keys;
  SLUIS_CHECK(declaration::visit_all(backend.store, "", [&](const declaration::Stored& one) {
    if (!out.named_.contains(one.declaration) || !gate::rests_on_a_basis(one.declaration)) return true;
    out.all_.push_back({{one.declaration, 0}, std::nullopt});
    keys.push_back(one.key);
    return true;
  }));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    SLUIS_TRY(out.all_[i].held, storage::held_since(backend.store, keys[i]));
  }
  return out;
}

DeclaredThen Declared::at(Timestamp then, const policy::Program& program, const policy::Request& request) const {
  if (named_.empty() || !request.purpose) return {};
  auto taken = take(then, program, *request.purpose);
  if (taken) return {std::move(taken->attributes), std::nullopt, taken->until};
  // The gate asks for none where no permission fits.
  if (program.permission_possible(request) == policy::Truth::no) return {};
  return {{}, taken.error().message, Timestamp::max()};
}

Result<gate::TakenDeclarations> Declared::take(Timestamp then, const policy::Program& program, policy::PurposeIndex purpose) const {
  std::vector<gate::ProvenDeclaration> in_force;
  for (const One& one : all_) {
    if (!one.said.declaration.in_force(then)) continue;
    if (one.held) return Error(ErrorCode::invalid_state, "`" + one.said.declaration.id + "` is held " + storage::told(*one.held));
    in_force.push_back(one.said);
  }
  Timestamp until = Timestamp::max();
  if (dataset_ && !named_.assessments.empty()) {
    SLUIS_CHECK(check_gathered(*dataset_, *store_, then, nullptr, &until));
  }
  SLUIS_TRY(gate::TakenDeclarations taken, gate::take_declarations(in_force, named_, program, purpose, then));
  taken.until = std::min(taken.until, until);
  return taken;
}

Result<policy::Language> language_of(const std::string& text) {
  if (text.empty()) return policy::Language::english;
  if (const auto language = policy::language_from(text)) return *language;
  return Error(ErrorCode::invalid_argument, fmt::format("`{}` is no language that is spoken here", text))
      .at_pointer("/lang")
      .mended_by("known are `en`, `nl`");
}

policy::Teller teller_for(const Backend& backend, const policy::Vocabulary& vocabulary, policy::Language language) {
  return {vocabulary, language, [&backend, language](const std::string& id) -> std::string {
            if (id == backend.self.str() && !backend.name.empty()) return backend.name;
            if (const auto party = backend.directory.find(ParticipantId(id)); party && !(*party)->name.empty()) {
              return (*party)->name;
            }
            if (const auto dataset = backend.catalog.show(DatasetId(id))) {
              const auto& title = dataset->dataset.title;
              return "\"" + (language == policy::Language::dutch ? title.nl : title.en) + "\"";
            }
            return {};
          }};
}

void add_terms(Methods& methods, Backend& backend) {
  methods.add<v1::PublishTermsRequest, v1::PublishTermsResponse>(
      "TermsService.Publish", [&backend](const auto& request, const Caller& caller) {
        return publish(backend, request, caller);
      });
  methods.add<v1::CheckTermsRequest, v1::CheckTermsResponse>(
      "TermsService.Check", [&backend](const auto& request, const Caller&) { return check(backend, request); });
  methods.add<v1::TestTermsRequest, v1::TestTermsResponse>(
      "TermsService.Test", [&backend](const auto& request, const Caller&) { return test(backend, request); });
  methods.add<v1::ExplainTermsRequest, v1::ExplainTermsResponse>(
      "TermsService.Explain",
      [&backend](const auto& request, const Caller&) { return explain_terms(backend, request); });
  methods.add<v1::TermsMatrixRequest, v1::TermsMatrixResponse>(
      "TermsService.Matrix", [&backend](const auto& request, const Caller&) { return terms_matrix(backend, request); });
  methods.add<v1::ReplayTermsRequest, v1::ReplayTermsResponse>(
      "TermsService.Replay", [&backend](const auto& request, const Caller&) { return replay_terms(backend, request); });
  methods.add<v1::DiffTermsRequest, v1::DiffTermsResponse>(
      "TermsService.Diff", [&backend](const auto& request, const Caller&) { return diff_terms(backend, request); });
  methods.add<v1::ExplainDecisionRequest, v1::ExplainDecisionResponse>(
      "TermsService.ExplainDecision",
      [&backend](const auto& request, const Caller& caller) { return explain_decision(backend, request, caller); });
}

}  // namespace sluis::management
