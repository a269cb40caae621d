#include "connector/gate/open.hpp"

#include "connector/base/log.hpp"
#include "connector/gate/ending.hpp"
#include "connector/gate/evidence.hpp"

#include <algorithm>

namespace sluis::gate {
namespace {

constexpr std::string_view kOpenPrefix = "open/";

std::int64_t hour_of(Timestamp time) {
  return std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count();
}
Timestamp start_of(std::int64_t hour) { return Timestamp(std::chrono::hours(hour)); }

std::string hour_key(const std::string& dataset, std::int64_t hour) {
  return std::string(kOpenPrefix) + dataset + "/" + std::to_string(hour);
}

struct OpenHour {
  std::string dataset;
  std::int64_t hour = 0;
  Hash offer_hash{};
};

std::string encode(const OpenHour& open) {
  return json::serialise(json::object(
      {{"dataset", open.dataset}, {"hour", open.hour}, {"offer_hash", to_hex(open.offer_hash)}}));
}

Result<OpenHour> decode_open_hour(std::string_view bytes) {
  const auto damaged = [] { return Error(ErrorCode::corruption, "an open hour cannot be read"); };
  const auto value = json::parse(bytes);
  if (!value) return damaged();
  const auto dataset = json::required_string(*value, "dataset");
  const auto hex = json::required_string(*value, "offer_hash");
  const json::Value* hour = value->find("hour");
  if (!dataset || !hex || hour == nullptr || hour->if_number() == nullptr) return damaged();
  const auto number = json::to_integer(*hour->if_number());
  const auto raw = from_hex(*hex);
  if (!number || !raw || raw->size() != 32) return damaged();
  return OpenHour{*dataset, *number, *to_hash(*raw)};
}

http::Response not_found() {
  return http::json_response(404, R"({"code":"not_found","reason":["There is no open dataset of this name."]})");
}

/// For HEAD: no range, which only GET has (RFC 9110, 14.2), and no version, which only opening the source would tell.
http::Response head_alone(const ReleasePlan& plan) {
  http::Response response;
  response.stream = [type = plan.content_type](http::ResponseSink& sink) {
    if (!sink.start(200, {{"content-type", type}, {"cache-control", "no-store"}}, std::nullopt) || !sink.finish()) sink.cut();
  };
  return response;
}

/// Decided under the public terms: nothing is known of who asks, or why.
Result<Reevaluation> look(const ReleasePlan& plan, ProgramCache& programs, const VocabularySource& vocabulary,
                          Timestamp now, TermsPtr& terms) {
  if (auto why = not_served(plan, now)) return Reevaluation{std::move(*why), now};
  SLUIS_TRY(terms, programs.offer(plan, vocabulary()));
  policy::Request request;
  request.now = now;
  const policy::Decision decision = terms->program.decide(request);
  if (!decision.permit) return Reevaluation{policy::explain(decision, request, terms->program), now};
  return Reevaluation{std::nullopt, std::min(decision.valid_until, plan.assessed_until.value_or(Timestamp::max()))};
}

}  // namespace

OpenGate::OpenGate(ParticipantId self, OpenDependencies dependencies)
    : self_(std::move(self)), with_(std::move(dependencies)),
      alarm_(with_.clock, [this](Timestamp now) { return ring(now); }) {}
OpenGate::~OpenGate() = default;

std::vector<http::Route> OpenGate::routes() {
  return {{"GET", "/open/*", [this](const http::Request& request) { return handle(request); }, 0}};
}

http::Response OpenGate::handle(const http::Request& request) {
  const std::string path = request.rest;
  const auto plan = with_.datasets.find_open(path);
  if (!plan || plan->public_offer.is_null()) return not_found();
  const auto stream = with_.streams.add({{}, {}, plan->id, {}});
  const Timestamp now = with_.decision_clock.now();
  if (with_.decision_clock.behind()) return refusal(503, make_reason("clock.behind"));
  TermsPtr terms;
  auto seen = look(*plan, with_.programs, with_.vocabulary, now, terms);
  if (!seen) seen = Reevaluation{make_reason("agreement.unreadable", {{"why", seen.error().message}}), now};
  if (seen->cut) {
    with_.refusals.count("open." + seen->cut->code);
    return refusal(403, *seen->cut);
  }
  if (request.method == "HEAD") return head_alone(*plan);
  auto prepared = prepare(*plan, terms->transforms, std::nullopt, wanted_of(request, ""), &verbatim_, with_.root_key);
  if (prepared && prepared->upstream && !(prepared->running = calls_.take(""))) prepared = Unprepared{503, too_many_calls(), soon_again(), {}};
  if (!prepared) {
    const Unprepared& why = prepared.error();
    if (!why.error.message.empty()) log::error("source_refused", {{"dataset", plan->id.str()}, {"error", describe(why.error)}});
    with_.refusals.count("open." + why.reason.code);
    http::Response response = refusal(why.status, why.reason);
    response.headers.insert(why.headers.begin(), why.headers.end());
    return response;
  }
  if (const auto counted = count_in(*plan, now); !counted) {
    log::error("open_hour_not_recorded", {{"dataset", plan->id.str()}, {"error", counted.error().message}});
    with_.refusals.count(kUndecidedOpen);
    return refusal(503, make_reason("not_recorded"));
  }
  stream->permit([this, path](Timestamp later) { return look_again(path, later); }, seen->valid_until);
  with_.streams.permitted();
  const auto release = std::make_shared<PreparedRelease>(std::move(*prepared));
  http::Response response;
  response.stream = [this, release, stream](http::ResponseSink& sink) {
    (void)send(*release, *stream, with_.decision_clock, sink, {});
  };
  return response;
}

Reevaluation OpenGate::look_again(const std::string& path, Timestamp now) const {
  const auto plan = with_.datasets.find_open(path);
  if (!plan || plan->public_offer.is_null()) return {make_reason("dataset.gone"), now};
  TermsPtr terms;
  auto seen = look(*plan, with_.programs, with_.vocabulary, now, terms);
  if (!seen) return {make_reason("agreement.unreadable", {{"why", seen.error().message}}), now};
  return std::move(*seen);
}

/// Returns when the entry that opens this hour's count is durable; the first request of the hour writes it, the others
/// wait for it.
Result<void> OpenGate::count_in(const ReleasePlan& plan, Timestamp now) {
  const std::int64_t hour = hour_of(now);
  const HourKey key{plan.id.str(), hour};
  std::promise<Result<void>> promise;
  std::shared_future<Result<void>> opened;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return Error(ErrorCode::invalid_state, "the node is stopping");
    Hour& counted = hours_[key];
    first = !counted.opened.valid();
    if (first) {
      counted.opened = promise.get_future().share();
      counted.offer_hash = plan.public_offer_hash;
    }
    ++counted.count;
    opened = counted.opened;
  }
  if (!first) return opened.get();
  const Result<void> done = open_hour(plan, hour, now);
  {
    const std::lock_guard lock(mutex_);
    const auto counted = hours_.find(key);
    if (counted != hours_.end() && done) counted->second.durable = true;
    if (counted != hours_.end() && !done) hours_.erase(counted);
  }
  promise.set_value(done);
  alarm_.wake();
  return done;
}

Result<void> OpenGate::open_hour(const ReleasePlan& plan, std::int64_t hour, Timestamp now) {
  v1::Shared shared;
  set_time(shared, now);
  shared.set_event("opened");
  shared.set_self(self_.str());
  shared.set_dataset(plan.id.str());
  shared.set_offer_hash(std::string(view(plan.public_offer_hash)));
  const std::string key = hour_key(plan.id.str(), hour);
  Commit commit;
  commit.preconditions.push_back({key, std::nullopt});
  commit.changes.push_back({key, encode(OpenHour{plan.id.str(), hour, plan.public_offer_hash})});
  commit.entries.push_back(make_entry(provenance::EntryKind::open_hour, plan.public_offer_hash, shared, {}));
  const auto done = with_.commits.commit_and_wait(std::move(commit));
  // There already: an earlier try whose outcome was unknown did get there.
  if (!done && !(done.error().code == ErrorCode::conflict && done.error().place.pointer == key)) return done.error();
  return {};
}

Result<void> OpenGate::write_total(const HourKey& key, const Hash& offer_hash, std::optional<std::uint64_t> count) {
  v1::Shared shared;
  set_time(shared, start_of(key.second));
  shared.set_event(count ? "counted" : "unknown");
  shared.set_self(self_.str());
  shared.set_dataset(key.first);
  shared.set_offer_hash(std::string(view(offer_hash)));
  shared.set_count(count.value_or(0));
  shared.set_end(count ? "complete" : "unknown");
  Commit commit;
  commit.commit_class = CommitClass::bulk;
  commit.changes.push_back({hour_key(key.first, key.second), std::nullopt});
  commit.entries.push_back(make_entry(provenance::EntryKind::open_total, offer_hash, shared, {}));
  SLUIS_CHECK(commit_end(with_.commits, std::move(commit)));
  return {};
}

std::optional<Timestamp> OpenGate::ring(Timestamp) {
  const Timestamp now = with_.decision_clock.now();
  std::map<HourKey, Hour> over;
  bool left = false;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = hours_.begin(); at != hours_.end();) {
      const bool due = at->second.durable && at->first.second < hour_of(now);
      left = left || !due;
      if (due) over.insert(*at);
      at = due ? hours_.erase(at) : std::next(at);
    }
  }
  for (const auto& [key, hour] : over) {
    const auto done = write_total(key, hour.offer_hash, hour.count);
    // The key stays in the store: the next start writes the total as unknown.
    if (!done) log::error("open_total_not_recorded", {{"dataset", key.first}, {"error", done.error().message}});
  }
  if (!left) return std::nullopt;
  return start_of(hour_of(now) + 1);
}

Result<void> OpenGate::recover() {
  std::vector<OpenHour> left;
  std::optional<Error> failed;
  SLUIS_CHECK(with_.store.scan(kOpenPrefix, kOpenPrefix, [&](std::string_view, std::string_view value) {
    auto open = decode_open_hour(value);
    if (open) left.push_back(std::move(*open));
    else failed = open.error();
    return !failed;
  }));
  if (failed) return *failed;
  for (const OpenHour& open : left) {
    SLUIS_CHECK(write_total({open.dataset, open.hour}, open.offer_hash, std::nullopt));
  }
  return {};
}

Result<void> OpenGate::close() {
  std::map<HourKey, Hour> hours;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    hours.swap(hours_);
  }
  for (const auto& [key, hour] : hours) {
    if (!hour.opened.get()) continue;
    SLUIS_CHECK(write_total(key, hour.offer_hash, hour.count));
  }
  return {};
}

}  // namespace sluis::gate
