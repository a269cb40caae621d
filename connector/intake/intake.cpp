#include "connector/intake/intake.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/base/transaction_id.hpp"
#include "connector/gate/ending.hpp"
#include "connector/intake/running.hpp"
#include "connector/provenance/subject.hpp"

#include <algorithm>

namespace sluis::intake {
namespace {

constexpr int kTries = 4;

http::Response not_found() {
  return http::json_response(404, R"({"code":"not_found","reason":["This node has no such transfer."]})");
}

/// One value, and one only: headers that came twice arrive as a list.
std::optional<policy::Reason> check_header(std::string_view value, const std::string& name) {
  if (value.empty()) return gate::make_reason(name + ".missing");
  if (value.find_first_of(", \t") != std::string_view::npos) return gate::make_reason(name + ".several");
  const auto printable = [](char c) { return c > ' ' && c < 127; };
  if (!std::all_of(value.begin(), value.end(), printable)) return gate::make_reason(name + ".malformed");
  return std::nullopt;
}

}  // namespace

Intake::Intake(Options options, Dependencies dependencies)
    : options_(std::move(options)), with_(std::move(dependencies)) {}
Intake::~Intake() = default;

std::vector<http::Route> Intake::routes() {
  return {{"GET", "/intake/*", [this](const http::Request& request) { return handle(request); }, 0}};
}

http::Response Intake::handle(const http::Request& request) {
  auto application = with_.authenticate(request);
  if (!application) {
    const bool other_role = application.error().code == ErrorCode::permission_denied;
    return gate::refusal(other_role ? 403 : 401, gate::make_reason("unauthenticated"));
  }
  const std::string_view purpose = request.header("sluis-purpose");
  const std::string_view activity = request.header("sluis-activity");
  if (const auto wrong = check_header(purpose, "purpose")) return gate::refusal(400, *wrong);
  if (const auto wrong = check_header(activity, "activity")) return gate::refusal(400, *wrong);

  auto asked = std::make_shared<Asked>();
  asked->application = std::move(*application);
  asked->purpose = policy::expand_purpose(purpose).substr(0, limits::kReasonBytes);
  asked->activity = activity.substr(0, limits::kReasonBytes);
  if (request.headers.contains("sluis-data-subject")) {
    const auto subject = provenance::read_subject(request.header("sluis-data-subject"));
    if (!subject || options_.subject_key.empty()) return gate::refusal(400, gate::make_reason("data_subject.malformed"));
    asked->subject_type = subject->type;
    asked->subject_mark = provenance::subject_mark(options_.subject_key, *subject);
  }
  asked->transaction = new_transaction_id(with_.random, with_.decision_clock.now());
  asked->decided = begin_step(request.header("traceparent"), with_.random);
  asked->obtained = another_step(asked->decided, with_.random);
  const std::size_t slash = std::min(request.rest.find('/'), request.rest.size());
  const ProcessId pid(request.rest.substr(0, slash));
  asked->wanted = gate::wanted_of(request, request.rest.substr(std::min(request.rest.size(), slash + 1)));
  auto access = with_.access(pid);
  if (!access && access.error().code == ErrorCode::not_found) return not_found();
  if (!access && access.error().code != ErrorCode::invalid_state) return undecided(*asked);
  if (!access) {
    asked->access.own_pid = pid;
    return refuse(*asked, gate::make_reason("transfer.not_open", {{"why", access.error().message}}));
  }
  asked->access = std::move(*access);
  // First registered, then looked at: a revocation finds the stream, or this look finds the revocation.
  const auto stream = with_.streams.add({asked->access.agreement, pid, asked->access.dataset, asked->access.peer});
  if (const auto again = with_.access(pid); !again) {
    return refuse(*asked, gate::make_reason("transfer.not_open", {{"why", again.error().message}}));
  }
  return decide(asked, stream);
}

http::Response Intake::undecided(const Asked& asked) const {
  with_.undecided(asked.access.peer);
  return gate::refusal(503, gate::make_reason("not_recorded"));
}

http::Response Intake::decide(const std::shared_ptr<Asked>& asked, const std::shared_ptr<gate::Stream>& stream) {
  for (int tries = 0; tries < kTries; ++tries) {
    const Timestamp now = with_.decision_clock.now();
    auto seen = look(*asked, with_.declarations, now);
    if (!seen) {
      log::error("intake_cannot_decide", {{"error", seen.error().message}});
      return undecided(*asked);
    }
    if (with_.decision_clock.behind()) seen->cut = gate::make_reason("clock.behind");
    if (seen->cut) return refuse(*asked, *seen->cut);
    const auto recorded = record_intent(*asked);
    if (!recorded && recorded.error().code == ErrorCode::conflict) continue;
    if (!recorded) {
      log::error("intent_not_recorded", {{"error", recorded.error().message}});
      return undecided(*asked);
    }
    const std::shared_ptr<const Asked> copy = asked;
    stream->permit([this, copy](Timestamp later) { return look_again(*copy, later); }, seen->valid_until);
    with_.streams.permitted();
    const auto running = std::make_shared<Running>(*this, asked, stream);
    http::Response response;
    response.stream = [running](http::ResponseSink& sink) { running->run(sink); };
    return response;
  }
  return undecided(*asked);
}

/// Agreement and policy first, as they say most about why; then the activity, then membership.
Result<gate::Reevaluation> Intake::look(Asked& asked, const gate::DeclarationSource& declarations, Timestamp now) const {
  auto registered = with_.activity_allows(asked.activity, policy::expand_purpose(asked.purpose), now);
  if (!registered && registered.error().code != ErrorCode::permission_denied) return registered.error();
  const gate::Question question{asked.access.agreement, asked.access.dataset,        asked.access.peer,
                                options_.self,          options_.class_of_recipient, asked.purpose,
                                0,                      asked.activity,             with_.membership.keeps_evidence(asked.access.peer, now),
                                registered ? std::optional(registered->says) : std::nullopt};
  SLUIS_TRY(asked.verdict, gate::assess(question, with_.store, with_.programs, with_.vocabulary(), declarations, now));
  const gate::Verdict& verdict = asked.verdict;
  if (!verdict.permit) return gate::Reevaluation{verdict.reason, now};
  const auto no_activity = [&](const std::string& why) {
    return gate::Reevaluation{gate::make_reason("activity.not_allowed", {{"activity", asked.activity},
                                                                         {"purpose", verdict.purpose},
                                                                         {"why", why}}), now};
  };
  const auto& activities = asked.application.activities;
  if (std::find(activities.begin(), activities.end(), asked.activity) == activities.end()) {
    return no_activity("the application's token does not name it");
  }
  if (!registered) return no_activity(registered.error().message);
  asked.activity_as_read = std::move(registered->as_read);
  const auto admitted = with_.membership.admitted_until(asked.access.peer, now);
  if (!admitted) return gate::Reevaluation{gate::make_reason("membership", {{"why", admitted.error().message}}), now};
  return gate::Reevaluation{std::nullopt, std::min({verdict.valid_until, *admitted, registered->until})};
}

std::optional<policy::Reason> Intake::revoked(const Asked& asked) const {
  const auto shown = asked.provider->get();
  const auto good = shown ? with_.membership.still_good(*shown) : Result<void>();
  if (good) return std::nullopt;
  return gate::make_reason("membership", {{"why", good.error().message}});
}

/// With the declarations that were proven when the pull began: each ends by itself, and when one is ended or another declared
/// meanwhile, the provider cuts. Asking here would hold up the cuts of others.
gate::Reevaluation Intake::look_again(Asked asked, Timestamp now) const {
  if (auto why = revoked(asked)) return {std::move(*why), now};
  const auto proven = [known = asked.verdict.declarations](const auto&, Timestamp) -> Result<gate::KnownDeclarations> { return known; };
  auto seen = look(asked, proven, now);
  return seen ? std::move(*seen) : gate::Reevaluation{gate::make_reason("store.unavailable"), now};
}

EntryDraft Intake::begin(Asked& asked, provenance::EntryKind kind, std::string_view event, const policy::Reason& reason,
                         bool permit) const {
  v1::Shared& shared = asked.begun;
  shared.Clear();
  gate::set_time(shared, with_.decision_clock.now());
  shared.set_event(std::string(event));
  shared.set_self(options_.self.str());
  shared.set_counterparty(asked.access.peer.str());
  shared.set_transaction(asked.transaction);
  shared.set_dataset(asked.access.dataset.str());
  shared.set_agreement(asked.access.agreement.str());
  shared.set_transfer(asked.access.own_pid.str());
  shared.set_purpose(asked.verdict.purpose.empty() ? asked.purpose : asked.verdict.purpose);
  shared.set_declared("per request");
  *shared.mutable_decision() = gate::to_proto(reason, permit);
  Hash offer_hash{};
  if (asked.verdict.agreement) {
    offer_hash = asked.verdict.agreement->offer_hash;
    shared.set_offer_hash(std::string(view(offer_hash)));
    shared.set_agreement_hash(std::string(view(asked.verdict.agreement->agreement_hash)));
  }
  if (asked.verdict.terms) shared.set_program_hash(std::string(view(asked.verdict.terms->program_hash)));
  gate::set_rests_on(shared, asked.verdict.rests_on);
  gate::set_evidence(shared, with_.membership.keeps_evidence(asked.access.peer, with_.decision_clock.now()));
  v1::Internal internal;
  internal.set_activity(asked.activity);
  internal.set_application(asked.application.name);
  internal.set_data_subject_type(asked.subject_type);
  internal.set_data_subject(asked.subject_mark);
  internal.set_source(asked.wanted.told());
  gate::set_known(internal, asked.verdict);
  gate::set_step(internal, asked.decided);
  return gate::make_entry(kind, offer_hash, shared, internal);
}

/// Durable before anything is asked of the provider.
Result<void> Intake::record_intent(Asked& asked) const {
  Commit commit;
  commit.entries.push_back(begin(asked, provenance::EntryKind::intent, "intended", asked.verdict.reason, true));
  gate::require_as_read(asked.verdict, commit);
  if (!asked.activity_as_read.key.empty()) commit.preconditions.push_back(asked.activity_as_read);
  asked.open_key = gate::open_process_key(kIntentPrefix, with_.random);
  const gate::OpenProcess open{asked.begun, asked.end(), asked.verdict.agreement->offer_hash, asked.verdict.terms->delete_after};
  SLUIS_CHECK(gate::keep_open(asked.open_key, open, with_.store, with_.payload_keys, with_.decision_clock.now(), with_.random, commit));
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  return {};
}

http::Response Intake::refuse(Asked& asked, const policy::Reason& reason) const {
  Commit commit;
  commit.entries.push_back(begin(asked, provenance::EntryKind::decision, "refused", reason, false));
  if (with_.decision_clock.behind()) commit.commit_class = CommitClass::revoke;  // exchanges are refused then
  const auto recorded = with_.commits.commit_and_wait(std::move(commit));
  if (!recorded) {
    log::error("refusal_not_recorded", {{"error", recorded.error().message}});
    return undecided(asked);
  }
  const unsigned status = reason.code == "clock.behind" ? 503 : reason.code == "transfer.not_open" ? 409 : 403;
  http::Response response = gate::refusal(status, reason);
  response.headers[std::string(gate::kTransactionHeader)] = asked.transaction;
  return response;
}

Result<void> Intake::recover() {
  SLUIS_TRY(const auto left, gate::open_processes(with_.store, kIntentPrefix, with_.payload_keys));
  for (const auto& [key, process] : left) {
    v1::Shared shared = gate::end_of(process.shared, with_.decision_clock.now());
    shared.set_event("unknown");
    shared.set_end("unknown");
    Commit commit;
    commit.changes.push_back({key, std::nullopt});
    commit.entries.push_back(gate::make_entry(provenance::EntryKind::received, process.offer_hash, shared, process.end));
    if (process.delete_after) {  // data may have come: the duty counts from the earliest moment
      const Timestamp begun{Duration(process.shared.time_us())};
      SLUIS_CHECK(add_retention(with_.store, shared, *process.delete_after, begun, commit));
    }
    if (with_.receipts != nullptr) with_.receipts->received(commit, shared);
    SLUIS_CHECK(gate::commit_end(with_.commits, std::move(commit)));
    if (with_.receipts != nullptr) with_.receipts->recorded(shared);
  }
  return {};
}

}  // namespace sluis::intake
