#include "connector/intake/running.hpp"

#include "connector/base/log.hpp"
#include "connector/gate/ending.hpp"
#include "connector/gate/sending.hpp"
#include "connector/json/json.hpp"

#include <algorithm>

/// The pull itself, and how its end is written down.
namespace sluis::intake {
namespace {

constexpr int kTries = 4;

void set_end(v1::Shared& shared, const Received& received) {
  using How = Received::How;
  switch (received.how) {
    case How::complete: shared.set_event("complete"); shared.set_end("complete"); break;
    case How::cut: shared.set_event("cut"); shared.set_end("cut"); break;
    case How::refused: shared.set_event("refused"); break;
    case How::failed: shared.set_event("failed"); break;
  }
  shared.set_peer_checkpoint(received.checkpoint);
  if (!received.false_checkpoint.empty()) shared.set_document(json::serialise(json::object({{"false_checkpoint", received.false_checkpoint}})));
  if (received.how != How::complete) *shared.mutable_decision() = gate::to_proto(received.reason, false);
  if (received.how != How::complete && received.how != How::cut) return;
  shared.set_digest(std::string(view(received.digest)));
  shared.set_rows(received.rows);
  shared.set_bytes(received.bytes);
}

/// Where the provider has it: its endpoint, below that what is asked for, and the query.
std::string address(const transfer::Access& access, const gate::Wanted& wanted) {
  const std::size_t question = std::min(access.endpoint.find('?'), access.endpoint.size());
  std::string url = access.endpoint.substr(0, question);
  if (!wanted.path.empty()) url += "/" + gate::percent_encoded(access.peer_pid.str()) + "/";
  for (std::size_t start = 0; start < wanted.path.size();) {
    const std::size_t end = std::min(wanted.path.find('/', start), wanted.path.size());
    url += (start == 0 ? "" : "/") + gate::percent_encoded(std::string_view(wanted.path).substr(start, end - start));
    start = end + 1;
  }
  url += access.endpoint.substr(question);
  if (!wanted.query.empty()) url += (question == access.endpoint.size() ? "?" : "&") + wanted.query;
  return url;
}

void answer(http::ResponseSink& sink, unsigned status, const policy::Reason& reason, http::Headers headers) {
  const std::string body = gate::reason_json(reason);
  headers["content-type"] = "application/json";
  if (!sink.start(status, headers, body.size()) || !sink.write(body) || !sink.finish()) sink.cut();
}

}  // namespace

v1::Internal Intake::Asked::end() const {
  v1::Internal internal;
  gate::set_step(internal, obtained);
  internal.set_begun_us(begun.time_us());
  internal.set_activity(activity);
  internal.set_application(application.name);
  internal.set_data_subject_type(subject_type);
  internal.set_data_subject(subject_mark);
  return internal;
}

std::string retention_key(const AgreementId& agreement) { return std::string(kRetentionPrefix) + agreement.str(); }

Result<void> add_retention(const storage::Reader& store, const v1::Shared& shared, Duration period, Timestamp end,
                           Commit& commit) {
  const std::string key = retention_key(AgreementId(shared.agreement()));
  SLUIS_TRY(std::optional<std::string> before, store.get(key));
  Timestamp due = end + period;
  if (before) {
    SLUIS_TRY(const json::Value kept, json::parse(*before));
    const json::Value* confirmed = kept.find("confirmed");
    SLUIS_TRY(const std::string text, json::required_string(kept, "due"));
    SLUIS_TRY(const Timestamp earlier, parse_time(text));
    if (confirmed == nullptr || confirmed->is_null()) due = std::min(due, earlier);
  }
  const json::Value value = json::object({{"agreement", shared.agreement()},
                                          {"dataset", shared.dataset()},
                                          {"peer", shared.counterparty()},
                                          {"last_end", format_time(end)},
                                          {"due", format_time(due)},
                                          {"confirmed", nullptr}});
  commit.preconditions.push_back({key, std::move(before)});
  commit.changes.push_back({key, json::serialise(value)});
  return {};
}

Result<http::PeerRequest> Intake::Running::request() const {
  const transfer::Access& access = asked_->access;
  http::PeerRequest out;
  out.peer = access.peer;
  out.method = "GET";
  out.url = address(access, asked_->wanted);
  out.timeout = intake_.options_.patience;
  identity::Claim claim;
  claim.iss = intake_.options_.self;
  claim.aud = access.peer;
  claim.agreement = access.agreement;
  claim.transfer = access.own_pid;
  claim.transaction = TransactionId(asked_->transaction);
  claim.purpose = asked_->verdict.purpose;
  claim.activity = asked_->activity;
  const gate::TermsPtr& terms = asked_->verdict.terms;
  if (terms && terms->named.activity && asked_->verdict.says) claim.says = *asked_->verdict.says;  // to whom it is asked for, and nobody else
  claim.iat = std::chrono::floor<std::chrono::seconds>(intake_.with_.decision_clock.now());
  claim.jti = to_hex(intake_.with_.random.bytes(16));
  claim.method = out.method;
  claim.path = gate::target_of(out.url);
  claim.checkpoint = intake_.with_.checkpoint();
  SLUIS_TRY(std::string token, intake_.with_.sign_claim(claim));
  out.headers = {{"authorization", "Bearer " + access.handle}, {std::string(identity::kClaimHeader), std::move(token)}};
  const gate::Wanted& wanted = asked_->wanted;
  if (wanted.events) out.headers["accept"] = gate::kEventsType;
  if (!wanted.range.empty()) out.headers["range"] = wanted.range;
  if (!wanted.if_match.empty()) out.headers["if-match"] = wanted.if_match;
  if (!wanted.if_range.empty()) out.headers["if-range"] = wanted.if_range;
  // Without `tracestate`: what vendors write there is this organisation's own.
  out.headers["traceparent"] = asked_->obtained.traceparent();
  return out;
}

void Intake::Running::run(http::ResponseSink& sink) {
  http::CallCutter cutter;  // who waits for a provider that says nothing is not reached through the sink
  gate::WakingSink waking(sink, [&cutter] { cutter.cut(); });
  std::optional<gate::Attached> attached(std::in_place, *stream_, waking);
  const http::Headers headers{{std::string(gate::kTransactionHeader), asked_->transaction}};
  const auto peer_request = request();
  RelayResult result;
  if (peer_request) {
    result = relay(intake_.with_.upstream, *peer_request, *stream_, intake_.with_.decision_clock, waking, headers,
                   {{}, {}, [this](const auto& shown) { return meet(shown); }, &cutter});
  } else {
    log::error("claim_not_signed", {{"error", peer_request.error().message}});
    result.received.reason = gate::make_reason("provider.unavailable", {{"why", "this node could not sign its claim"}});
    result.status = 503;
  }
  look_at_checkpoint(result.received);
  const auto recorded = record(result.received);
  if (result.status != 0) return answer(sink, result.status, result.received.reason, headers);
  // What is recorded as whole is given out; an end that comes now would only spoil the application's connection for what it asks next.
  attached.reset();
  if (result.received.how != Received::How::complete || !recorded || !sink.finish(result.trailers)) sink.cut();
}

/// One that is none of the provider's log is recorded as that: the data came all the same.
void Intake::Running::look_at_checkpoint(Received& received) const {
  if (received.checkpoint.empty() || !intake_.with_.peer_note) return;
  const auto good = intake_.with_.peer_note(asked_->access.peer, received.checkpoint);
  if (good) return;
  received.false_checkpoint = good.error().message;
  received.checkpoint.clear();
}

bool Intake::Running::meet(const std::shared_ptr<const http::PeerCertificate>& shown) {
  asked_->provider->set(shown);
  const auto revoked = intake_.revoked(*asked_);
  if (!revoked) return true;
  stream_->cut(*revoked);
  return false;
}

Intake::Running::~Running() {
  if (recorded_) return;
  Received received;  // the application went away before anything was asked
  received.reason = stream_->cut_reason().value_or(gate::make_reason("peer.gone"));
  (void)record(received);
}

/// With the duty to delete that follows, in one commit.
Result<void> Intake::Running::record(const Received& received) {
  recorded_ = true;
  const bool came = received.how == Received::How::complete || received.how == Received::How::cut;
  Result<void> done = Error(ErrorCode::conflict, "others were faster several times");
  for (int tries = 0; tries < kTries; ++tries) {
    const Timestamp now = intake_.with_.decision_clock.now();
    v1::Shared shared = gate::end_of(asked_->begun, now);
    set_end(shared, received);
    v1::Internal internal = asked_->end();
    internal.set_source(received.version.empty() ? asked_->wanted.told() : received.version);
    if (received.how == Received::How::cut) internal.set_decision_span_id(another_step(asked_->obtained, intake_.with_.random).span_id);
    Commit commit;
    if (received.how == Received::How::cut) commit.commit_class = CommitClass::revoke;
    commit.changes.push_back({asked_->open_key, std::nullopt});
    commit.entries.push_back(gate::make_entry(provenance::EntryKind::received, asked_->verdict.agreement->offer_hash,
                                              shared, internal));
    const auto& period = asked_->verdict.terms->delete_after;
    done = came && period ? add_retention(intake_.with_.store, shared, *period, now, commit) : Result<void>();
    if (!done) break;
    gate::RequestReceipts* receipts = intake_.with_.receipts;
    if (receipts != nullptr) receipts->received(commit, shared);
    const auto committed = gate::commit_end(intake_.with_.commits, std::move(commit));
    if (committed && receipts != nullptr) receipts->recorded(shared);
    if (committed) return {};
    done = committed.error();
    if (committed.error().code != ErrorCode::conflict) break;
  }
  // It stays open in the store, and is closed as unknown at the next start.
  log::error("end_not_recorded", {{"transaction", asked_->transaction}, {"error", done.error().message}});
  return done;
}

}  // namespace sluis::intake
