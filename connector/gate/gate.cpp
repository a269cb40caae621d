#include "connector/gate/gate.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/log.hpp"
#include "connector/base/transaction_id.hpp"
#include "connector/gate/live_release.hpp"
#include "connector/gate/running.hpp"
#include "connector/storage/hold.hpp"

#include <algorithm>

namespace sluis::gate {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kCheckpointBytes = 4096;
constexpr std::string_view kHeldState = "held";  ///< since a recovery, whatever its state is
constexpr int kTries = 4;
constexpr std::chrono::hours kPushClaimAge{24};  ///< of a push, when its request comes
constexpr std::chrono::days kPushClaimKept{30};  ///< since then
constexpr int kCountTries = 256;  ///< each lost one means that another use was counted

/// The handle in `Authorization: Bearer …`; empty: none.
std::string_view bearer(const http::Request& request) {
  std::string_view value = request.header("authorization");
  if (value.size() <= kBearer.size() || value.size() > limits::kIdBytes) return {};
  for (std::size_t i = 0; i < kBearer.size(); ++i) {
    if ((value[i] | 0x20) != (kBearer[i] | 0x20)) return {};
  }
  return value.substr(kBearer.size());
}

/// What stands below the transfer, or the dataset, in a path. Nothing: the path is of neither.
std::optional<std::string> path_below(std::string_view rest, const transfer::TransferView& view) {
  for (const std::string& named : {view.own_pid.str(), view.dataset.str()}) {
    if (rest.empty() || rest == named) return "";
    if (rest.starts_with(named + "/")) return std::string(rest.substr(named.size() + 1));
  }
  return std::nullopt;
}

http::Response not_found() {
  return http::json_response(404, R"({"code":"not_found","reason":["There is nothing here for this request."]})");
}

http::Response not_get() {
  http::Response response = http::json_response(405, R"({"code":"405","reason":["Data are asked for with GET."]})");
  response.headers["allow"] = "GET";
  return response;
}

http::Response too_many(const Error& error, std::chrono::seconds wait = std::chrono::seconds(1)) {
  http::Response response = refusal(429, make_reason("quota", {{"why", error.message}}));
  response.headers["retry-after"] = std::to_string(wait.count());
  return response;
}

}  // namespace

Gate::Gate(ParticipantId self, GateDependencies dependencies)
    : self_(std::move(self)), with_(std::move(dependencies)), live_(kLiveAtOnce) {}
Gate::~Gate() = default;

std::vector<http::Route> Gate::routes() {
  const http::Handler handler = [this](const http::Request& request) { return handle(request); };
  return {{"GET", "/data", handler, 0}, {"GET", "/data/*", handler, 0}};
}

void Gate::on_revoked(const AgreementId& agreement, const policy::Reason& reason) {
  with_.streams.cut_agreement(agreement, reason);
}
void Gate::on_revoked(const ProcessId& own_pid, const policy::Reason& reason) {
  with_.streams.cut_transfer(own_pid, reason);
}
void Gate::on_clock_step() { with_.streams.reevaluate_all(); }

/// The same answer to all who may not know what is here.
http::Response Gate::unknown(std::string_view reason) {
  with_.refusals.count(reason);
  return not_found();
}

/// Told once something can be recorded again.
http::Response Gate::undecided(const Asked& asked) {
  with_.refusals.count(kUndecidedData, asked.party.id.str());
  return refusal(503, make_reason("not_recorded"));
}

http::Response Gate::handle(const http::Request& request) {
  auto party = with_.authenticate(request);
  // Whoever authenticates counts and logs it.
  if (!party) return party.error().code == ErrorCode::limit_exceeded ? too_many(party.error()) : not_found();
  const std::string_view token = bearer(request);
  if (token.empty()) return unknown("handle.missing");

  auto asked = std::make_shared<Asked>();
  asked->party = std::move(*party);
  asked->method = request.method;
  asked->path = request.target;
  asked->claim_header = request.header(identity::kClaimHeader);
  asked->decided = begin_step(request.header("traceparent"), with_.random);
  asked->released = another_step(asked->decided, with_.random);
  if (auto answer = find_transfer(*asked, token)) return std::move(*answer);
  auto below = path_below(request.rest, asked->transfer);
  if (!below) return unknown("path");
  // The server gives HEAD to routes of GET. A release of which nothing leaves would stand in the log as one that did.
  if (request.method != "GET") return not_get();
  asked->wanted = wanted_of(request, std::move(*below));

  // First registered, then looked at: a revocation finds the stream, or this look finds the revocation.
  const auto stream = with_.streams.add({asked->transfer.agreement, asked->transfer.own_pid, asked->transfer.dataset,
                                         asked->party.id});
  if (asked->started && !with_.find_by_handle(token)) {
    asked->started = false;
    asked->state = "changed";
  }
  maybe_prune();
  return decide(asked, stream);
}

http::Response Gate::push(const PushRequest& request) {
  auto asked = std::make_shared<Asked>();
  asked->party = request.party;
  asked->method = "POST";
  asked->path = request.target;
  asked->claim_header = request.claim;
  asked->pushed = request.requested;
  asked->pushed_to = request.to;
  asked->origin_allowed = request.origin_allowed;
  asked->transfer = request.transfer;
  asked->started = true;
  asked->decided = request.decided.trace_id.empty() ? begin_step({}, with_.random) : request.decided;
  asked->released = request.released.trace_id.empty() ? another_step(asked->decided, with_.random) : request.released;
  // First registered, then looked at, as above.
  const auto stream = with_.streams.add({asked->transfer.agreement, asked->transfer.own_pid, asked->transfer.dataset, asked->party.id});
  const Result<bool> due = request.still_due();
  if (!due) return undecided(*asked);
  if (!*due) {
    asked->started = false;
    asked->state = "changed";
  }
  return decide(asked, stream);
}

/// Fills in the transfer that the handle opens for this party; or the answer. A handle whose transfer is not started
/// is told so to its own party only.
std::optional<http::Response> Gate::find_transfer(Asked& asked, std::string_view handle) {
  auto view = with_.find_by_handle(handle);
  if (view) {
    asked.transfer = std::move(*view);
    asked.started = true;
  } else if (view.error().code == ErrorCode::invalid_state) {
    const auto pid = with_.store.get(transfer::handle_key(crypto::sha256(handle)));
    if (!pid) return undecided(asked);
    if (!*pid) return unknown("handle.unknown");
    const auto bytes = with_.store.get(transfer::transfer_key(ProcessId(**pid)));
    if (!bytes) return undecided(asked);
    if (!*bytes) return unknown("handle.unknown");
    const auto process = transfer::decode_transfer(**bytes);
    if (!process) return undecided(asked);
    asked.transfer = {process->own_pid, process->peer_pid, process->peer, process->agreement, process->dataset};
    const auto held = storage::held_since(with_.store, transfer::transfer_key(process->own_pid));
    if (!held) return undecided(asked);
    asked.state = *held ? std::string(kHeldState) : std::string(to_string(transfer::visible_state(*process)));
  } else if (view.error().code == ErrorCode::not_found) {
    return unknown("handle.unknown");
  } else {
    return undecided(asked);
  }
  if (asked.transfer.peer != asked.party.id) return unknown("handle.foreign");
  return std::nullopt;
}

/// Reads and checks the claim, or notes that the agreement speaks for the party. The reason of a refusal, if any.
std::optional<policy::Reason> Gate::read_claim(Asked& asked, Timestamp now) const {
  asked.transaction = new_transaction_id(with_.random, now);
  asked.purpose = asked.activity = asked.peer_checkpoint = asked.replay_key = asked.claim_kid = "";
  asked.says.reset();
  if (asked.claim_header.empty()) {
    const bool by_agreement = !asked.party.sends_claims && asked.plan && asked.plan->purpose_by_agreement;
    return by_agreement ? std::nullopt : std::optional(make_reason("claim.missing"));
  }
  std::string signed_by;
  const auto key = [&](const ParticipantId& issuer, std::string_view kid) {
    signed_by = kid;
    return with_.claim_key(issuer, kid, now);
  };
  const identity::ClaimExpected expected{asked.party.id, self_,      asked.transfer.agreement, asked.transfer.own_pid,
                                         asked.method,   asked.path, now,                      asked.transfer.peer_pid};
  identity::ClaimCheck check = identity::check_claim(asked.claim_header, expected, key);
  // The claim of a push was signed when the transfer was asked for, and may have waited in that party's outbox.
  if (asked.pushed && check.fault == identity::ClaimFault::too_old && *asked.pushed - check.claim->iat <= kPushClaimAge &&
      now - *asked.pushed <= kPushClaimKept) {
    check.fault = identity::ClaimFault::none;
  }
  if (check.claim && check.claim->iss == asked.party.id) {  // signed by this party, if not all of it is right
    if (!asked.pushed && !check.claim->transaction.empty() && check.claim->transaction.str().size() <= limits::kIdBytes) {
      asked.transaction = check.claim->transaction.str();
    }
    asked.purpose = policy::expand_purpose(check.claim->purpose).substr(0, limits::kReasonBytes);
    asked.activity = check.claim->activity.substr(0, limits::kReasonBytes);
    asked.says = check.claim->says;
    asked.claim_kid = signed_by;
  }
  std::optional<policy::Reason> false_note;
  if (check.claim && check.claim->iss == asked.party.id && !check.claim->checkpoint.empty()) {
    const std::string& note = check.claim->checkpoint;
    if (note.size() > kCheckpointBytes) {
      false_note = make_reason("checkpoint.too_large", {{"bytes", std::to_string(note.size())}, {"most", std::to_string(kCheckpointBytes)}});
    } else if (const auto good = with_.peer_note ? with_.peer_note(asked.party.id, note) : Result<void>(); !good) {
      false_note = make_reason("checkpoint.false", {{"why", good.error().message}});
    } else {
      asked.peer_checkpoint = note;
    }
  }
  if (check.ok()) {
    // For each try of a push: the claim is bound to its transfer, and that is sent once.
    if (!asked.pushed) asked.replay_key = identity::replay_key(*check.claim);
    return false_note;
  }
  if (claim_told_.now(now)) {
    log::warning("claim_refused", {{"party", asked.party.id.str()}, {"fault", to_string(check.fault)}, {"detail", check.detail}});
  }
  return make_reason(to_string(check.fault));
}

/// Who, what, why, in that order. A reason: refused. Fills in what the record needs. Errors: the store's.
Result<std::optional<policy::Reason>> Gate::judge(Asked& asked, Timestamp now) const {
  auto plan = with_.datasets.find(asked.transfer.dataset);
  if (!plan && plan.error().code != ErrorCode::not_found) return plan.error();
  asked.plan = plan ? std::optional(std::move(*plan)) : std::nullopt;
  const std::optional<policy::Reason> claim = read_claim(asked, now);
  SLUIS_TRY(Reevaluation seen, look(asked, now));  // also fills in the agreement, for the record
  if (with_.decision_clock.behind()) return std::optional(make_reason("clock.behind"));
  if (claim) return claim;
  if (asked.state == kHeldState) return seen.cut ? std::move(seen.cut) : std::optional(make_reason("transfer.held"));
  if (!asked.started) return std::optional(make_reason("transfer.not_started", {{"state", asked.state}}));
  asked.valid_until = seen.valid_until;
  return std::move(seen.cut);
}

/// What may change with time: membership, dataset, agreement, policy, and of a push where it may go.
Result<Reevaluation> Gate::look(Asked& asked, Timestamp now) const {
  const Question question{asked.transfer.agreement, asked.transfer.dataset, asked.party.id, asked.party.id,
                          asked.party.class_of_recipient,
                          asked.claim_header.empty() ? std::nullopt : std::optional(asked.purpose), asked.use,
                          asked.activity, is_two_sided(asked), asked.says};
  SLUIS_TRY(asked.verdict, assess(question, with_.store, with_.programs, with_.vocabulary(), with_.declarations, now));
  const auto admitted = with_.membership.admitted_until(asked.party.id, now);
  if (!admitted) return Reevaluation{make_reason("membership", {{"why", admitted.error().message}}), now};
  const auto good = asked.party.shown ? with_.membership.still_good(*asked.party.shown) : Result<void>();
  if (!good) return Reevaluation{make_reason("membership", {{"why", good.error().message}}), now};
  if (!asked.plan) return Reevaluation{make_reason("dataset.gone"), now};
  const ReleasePlan& plan = *asked.plan;
  if (asked.pushed && !(plan.push && plan.follow.empty())) return Reevaluation{make_reason("push.not_offered"), now};
  if (asked.origin_allowed && !asked.origin_allowed(now)) return Reevaluation{make_reason("push.origin"), now};
  if (auto why = beside_terms(plan, *with_.vocabulary(), asked.verdict.purpose, asked.activity, now)) {
    return Reevaluation{std::move(*why), now};
  }
  if (!asked.verdict.permit) return Reevaluation{asked.verdict.reason, now};
  return Reevaluation{std::nullopt, std::min({asked.verdict.valid_until, *admitted,
                                              plan.assessed_until.value_or(Timestamp::max())})};
}

Reevaluation Gate::look_again(Asked asked, Timestamp now) const {
  auto plan = with_.datasets.find(asked.transfer.dataset);
  if (!plan && plan.error().code != ErrorCode::not_found) return {make_reason("store.unavailable"), now};
  if (plan && asked.plan && !same_live(*asked.plan, *plan)) return {make_reason("dataset.changed"), now};
  asked.plan = plan ? std::optional(std::move(*plan)) : std::nullopt;
  auto seen = look(asked, now);
  return seen ? std::move(*seen) : Reevaluation{make_reason("store.unavailable"), now};
}

http::Response Gate::decide(const std::shared_ptr<Asked>& asked, const std::shared_ptr<Stream>& stream) {
  int tries = 0, lost_uses = 0;
  while (tries < kTries && lost_uses < kCountTries) {
    const Timestamp now = with_.decision_clock.now();
    auto refused = judge(*asked, now);
    if (!refused) {
      log::error("gate_cannot_decide", {{"error", refused.error().message}});
      return undecided(*asked);
    }
    if (*refused) return refuse(*asked, **refused, (*refused)->code == "clock.behind" ? 503 : 403);
    auto series = check_series(*asked);
    if (!series) return undecided(*asked);
    if (*series) return refuse(*asked, **series);
    auto prepared = prepare(*asked->plan, asked->verdict.terms->transforms,
                            Recipient{asked->party.id.str(), asked->verdict.purpose, with_.pseudonym_root}, asked->wanted, &verbatim_);
    if (!prepared) {
      const Unprepared& why = prepared.error();
      if (!why.error.message.empty()) {
        log::error("source_refused", {{"dataset", asked->transfer.dataset.str()}, {"error", describe(why.error)}});
      }
      return refuse(*asked, why.reason, why.status, why.headers);
    }
    // Without `tracestate`: what vendors write there is not for whoever is behind the gate.
    if (prepared->upstream) prepared->upstream->request.headers["traceparent"] = asked->released.traceparent();
    if (prepared->upstream && !(prepared->running = calls_.take(asked->party.id.str()))) return refuse(*asked, too_many_calls(), 503, soon_again());
    if (prepared->live && !(prepared->running = live_.take(asked->party.id.str()))) {
      return refuse(*asked, too_many_live(), 503, soon_again());
    }
    auto recorded = record_permit(*asked, prepared->version());
    if (recorded) return release(asked, stream, std::move(*prepared));
    const Error& error = recorded.error();
    if (error.code != ErrorCode::conflict) {
      log::error("decision_not_recorded", {{"error", error.message}});
      return undecided(*asked);
    }
    if (error.place.pointer == asked->replay_key) return refuse(*asked, make_reason("claim.replayed"));
    if (asked->is_named_twice(error.place.pointer)) return refuse(*asked, make_reason("transaction.repeated"));
    // Where somebody else had that use, it is asked for the next one.
    ++(error.place.pointer == uses_key(asked->transfer.agreement) ? lost_uses : tries);
  }
  return undecided(*asked);
}

/// Pseudonyms of one series come from one key for as long as the agreement names the same epoch. If the node's root key
/// changed meanwhile, the series would break without anybody seeing it: that is refused, until a new epoch is agreed.
Result<std::optional<policy::Reason>> Gate::check_series(Asked& asked) const {
  asked.series.clear();
  for (const PseudonymSeries& series :
       series_of(asked.verdict.terms->transforms, asked.party.id.str(), asked.verdict.purpose)) {
    const std::string key = series_key(series);
    const std::string check = series_check(with_.pseudonym_root, series);
    SLUIS_TRY(const std::optional<std::string> known, with_.store.get(key));
    if (known && *known != check) {
      return std::optional(make_reason(
          "plan.impossible", {{"why", "the key of the pseudonyms changed within the epoch `" + series.epoch + "`"}}));
    }
    if (!known) asked.series.push_back({key, check});
  }
  return std::optional<policy::Reason>();
}

/// The decision is durable when this returns without error; nothing may leave before.
Result<void> Gate::record_permit(Asked& asked, const std::string& source) {
  Commit commit = decision(asked, asked.verdict.reason, true, source);
  require_as_read(asked.verdict, commit);
  guard_replay(commit, asked);
  expect_receipts(commit, asked, true);
  if (asked.verdict.counted) {
    const std::string key = uses_key(asked.transfer.agreement);
    commit.preconditions.push_back({key, asked.verdict.uses_bytes});
    commit.changes.push_back({key, std::to_string(asked.verdict.uses_before + 1)});
  }
  for (const storage::Change& change : asked.series) commit.changes.push_back(change);
  asked.open_key = open_process_key(kReleasePrefix, with_.random);
  const OpenProcess open{asked.begun, asked.end(), commit.entries.front().policy_digest, {}};
  SLUIS_CHECK(keep_open(asked.open_key, open, with_.store, with_.payload_keys, with_.decision_clock.now(), with_.random, commit));
  SLUIS_CHECK(with_.commits.commit_and_wait(std::move(commit)));
  if (asked.verdict.counted) asked.use = asked.verdict.uses_before;  // looked at again, it is this use, not a next
  return {};
}

/// A refusal is recorded as carefully as a release: each with an entry within the party's quota, those beyond it counted (D23).
http::Response Gate::refuse(Asked& asked, const policy::Reason& reason, unsigned status, const http::Headers& headers) {
  // What is this node's own fault is on an account of its own.
  const std::string whose = (status == 503 || reason.code == "plan.impossible" ? "own:" : "") + asked.party.id.str();
  if (!with_.mistakes.take(whose)) {
    with_.refusals.count("quota.refusals", asked.party.id.str());
    return too_many(Error(ErrorCode::limit_exceeded, "too many of this party's requests were refused"), with_.mistakes.wait(whose));
  }
  http::Response response = record_refusal(asked, reason, status);
  if (response.status == status) response.headers.insert(headers.begin(), headers.end());
  return response;
}

http::Response Gate::record_refusal(Asked& asked, const policy::Reason& reason, unsigned status) {
  Commit commit = decision(asked, reason, false, asked.wanted.told());
  if (reason.code != "claim.replayed") guard_replay(commit, asked);
  if (reason.code != "claim.replayed" && reason.code != "transaction.repeated") expect_receipts(commit, asked, false);
  if (with_.decision_clock.behind()) commit.commit_class = CommitClass::revoke;  // exchanges are refused then
  const auto recorded = with_.commits.commit_and_wait(std::move(commit));
  if (!recorded && recorded.error().code == ErrorCode::conflict && !asked.replay_key.empty()) {
    const std::string& key = recorded.error().place.pointer;
    if (key == asked.replay_key) return record_refusal(asked, make_reason("claim.replayed"), 403);
    if (asked.is_named_twice(key)) return record_refusal(asked, make_reason("transaction.repeated"), 403);
  }
  if (!recorded) {
    log::error("refusal_not_recorded", {{"error", recorded.error().message}});
    return undecided(asked);
  }
  http::Response response = refusal(status, reason);
  if (const std::string note = with_.checkpoint(); !note.empty()) response.headers[std::string(kCheckpointHeader)] = to_base64(note);
  return response;
}

http::Response Gate::release(const std::shared_ptr<Asked>& asked, const std::shared_ptr<Stream>& stream,
                             PreparedRelease prepared) {
  stream->permit([this, copy = std::shared_ptr<const Asked>(asked)](Timestamp now) { return look_again(*copy, now); },
                 asked->valid_until);
  with_.streams.permitted();
  const auto running = std::make_shared<Running>(with_, asked, stream, std::move(prepared));
  http::Response response;
  response.stream = [running](http::ResponseSink& sink) { running->run(sink); };
  return response;
}

}  // namespace sluis::gate
