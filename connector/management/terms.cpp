#include "catalog/offer.hpp"
#include "connector/base/limits.hpp"
#include "connector/gate/reason.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"
#include "connector/management/publication.hpp"
#include "policy/odrl/check.hpp"
#include "policy/odrl/explain.hpp"
#include "policy/odrl/values.hpp"
#include "sluis/v1/terms.pb.h"

#include <fmt/core.h>

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
  if (const auto parsed = policy::parse_policy(*value, {true, ""}); !parsed) {
    Error error = parsed.error();
    auto place = json::locate(text, error.place.pointer);
    place.file = file;
    place.pointer = error.place.pointer;
    error.place = place;
    return error;
  }
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

Result<v1::CheckTermsResponse> check(const Backend& backend, const v1::CheckTermsRequest& request) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  json::Value offer;
  if (request.file().ends_with(".toml")) {
    SLUIS_TRY(const auto dataset, catalog::parse_dataset(request.text(), request.file(),
                                                         {vocabulary, backend.clock.now(), backend.read_beside}));
    offer = dataset.offer;
  } else {
    SLUIS_TRY(offer, read_offer(request.text(), request.file()));
  }
  SLUIS_TRY(const auto compiled, catalog::compile_offer(offer, vocabulary));
  SLUIS_TRY(const auto hash, catalog::offer_hash(offer));
  v1::CheckTermsResponse response;
  response.set_hash(to_hex(hash));
  add_rules(response, compiled.policy.permissions, "permission");
  add_rules(response, compiled.policy.prohibitions, "prohibition");
  add_rules(response, compiled.policy.obligations, "obligation");
  for (const auto& finding : policy::check(compiled.policy, *vocabulary)) response.add_notes(finding.detail);
  if (const auto period = policy::retention(compiled.policy)) response.set_delete_after(format_duration(*period));
  return response;
}

/// A dataset file as a whole; or an offer for a dataset whose file names one beside it (`offer = "…"`), which then is
/// read and checked anew with these terms.
Result<catalog::Dataset> with_new_terms(const Backend& backend, const v1::PublishTermsRequest& request) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  catalog::DatasetContext context{vocabulary, backend.clock.now(), backend.read_beside};
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
  SLUIS_TRY(const auto dataset, with_new_terms(backend, request));
  SLUIS_TRY(auto made, publish_dataset(backend, dataset, request.dry_run(), caller));
  v1::PublishTermsResponse response;
  response.set_hash(to_hex(dataset.offer_hash));
  response.set_dry_run(request.dry_run());
  response.set_unchanged(made.unchanged);
  response.set_entry(made.entry);
  response.mutable_notes()->Assign(made.notes.begin(), made.notes.end());
  *response.mutable_dataset() = std::move(made.dataset);
  return response;
}

Result<json::Value> terms_of(const Backend& backend, const v1::TestTermsRequest& request) {
  if (!request.offer().empty()) return read_offer(request.offer(), "offer");
  SLUIS_CHECK(require_id(request.dataset(), "dataset"));
  SLUIS_TRY(const auto published, backend.catalog.show(DatasetId(request.dataset())));
  return published.dataset.offer;
}

Result<v1::TestTermsResponse> test(const Backend& backend, const v1::TestTermsRequest& request) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  SLUIS_TRY(const auto offer, terms_of(backend, request));
  SLUIS_TRY(const auto compiled, catalog::compile_offer(offer, vocabulary));
  const policy::Program& program = compiled.program;
  policy::Request asked;
  std::string class_of_recipient = request.class_of_recipient();
  if (!request.participant().empty()) {
    SLUIS_TRY(const auto id, find_party(backend.directory, request.participant()));
    asked.recipient = program.recipient(id.str());
    asked.assignee = asked.recipient;
    SLUIS_TRY(const auto party, backend.directory.find(id));
    if (class_of_recipient.empty()) class_of_recipient = party->class_of_recipient;
  }
  if (!class_of_recipient.empty()) asked.class_of_recipient = program.class_of_recipient(class_of_recipient);
  if (!request.purpose().empty()) {
    SLUIS_TRY(asked.purpose, find_purpose(*vocabulary, request.purpose()));
  }
  asked.now = backend.clock.now();
  if (request.has_at()) {
    SLUIS_TRY(asked.now, read_time(request.at(), "/at"));
  }
  asked.agreed = asked.now;
  if (request.has_agreed()) {
    SLUIS_TRY(asked.agreed, read_time(request.agreed(), "/agreed"));
  }
  const auto decision = program.decide(asked);
  const auto reason = policy::explain(decision, asked, program);
  v1::TestTermsResponse response;
  response.set_simulation(true);
  auto* told = response.mutable_decision();
  told->set_permit(decision.permit);
  told->set_code(reason.code);
  for (const auto& [key, value] : reason.parameters) (*told->mutable_parameters())[key] = value;
  told->set_sentence(gate::sentence_in(request.language(), reason.code, reason.parameters).value_or(reason.sentence));
  if (decision.valid_until != Timestamp::max()) put_time(response.mutable_valid_until(), decision.valid_until);
  response.set_offer(compiled.policy.id);
  return response;
}

}  // namespace

void add_terms(Methods& methods, Backend& backend) {
  methods.add<v1::PublishTermsRequest, v1::PublishTermsResponse>(
      "TermsService.Publish", [&backend](const auto& request, const Caller& caller) {
        return publish(backend, request, caller);
      });
  methods.add<v1::CheckTermsRequest, v1::CheckTermsResponse>(
      "TermsService.Check", [&backend](const auto& request, const Caller&) { return check(backend, request); });
  methods.add<v1::TestTermsRequest, v1::TestTermsResponse>(
      "TermsService.Test", [&backend](const auto& request, const Caller&) { return test(backend, request); });
}

}  // namespace sluis::management
