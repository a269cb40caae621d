#include "connector/node/collecting.hpp"

#include "connector/base/bytes.hpp"
#include "connector/base/limits.hpp"
#include "connector/base/utf8.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/http/message.hpp"
#include "connector/json/json.hpp"
#include "connector/node/asked_to_wait.hpp"
#include "connector/provenance/passing.hpp"
#include "connector/records/otlp.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace sluis::node {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// A request has its bounds, so that a collector that was away for long gets much in little pieces.
constexpr std::size_t kRecords = 512;
constexpr std::size_t kBytes = 512U << 10U;  ///< of the lines that it is made of; one record alone may have more
constexpr std::uint64_t kLookedAt = 10'000;  ///< entries, for one request

constexpr milliseconds kFill{500};           ///< from a commit to the request, so that requests fill
constexpr std::chrono::seconds kLookAgain{30};
constexpr milliseconds kFirstPause{1000};
constexpr milliseconds kLongestPause{60'000};
constexpr std::chrono::hours kLongestAsked{1};  ///< that a collector may ask to be left alone
constexpr std::uint64_t kUnsaved = 1000;        ///< entries without a record that are read again after a crash
constexpr std::size_t kToldBytes = 200;         ///< of what a collector says

std::string_view name_of(records::Form form) {
  return form == records::Form::ldv ? "ldv" : form == records::Form::adl ? "adl" : "events";
}

/// What a collector said, as it may be shown: short, without what is hidden, and without control characters.
std::string shown(std::string text, const std::string& secret) {
  // A credential is told as a scheme and a value, and only the value may come back.
  const std::string value = secret.substr(secret.find(' ') == std::string::npos ? 0 : secret.find(' ') + 1);
  for (std::size_t at = text.find(value); !value.empty() && at != std::string::npos; at = text.find(value, at + 1)) {
    text.replace(at, value.size(), "*");
  }
  std::string out;
  for (std::string_view rest = text; !rest.empty() && out.size() < kToldBytes;) {
    const std::size_t length = utf8_length(rest);
    const bool plain = length > 1 || (length == 1 && rest.front() >= ' ' && rest.front() != 127);
    out += plain ? rest.substr(0, length) : std::string_view("?");
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace

http::Headers webhook_headers(std::string_view secret, std::string_view id, Timestamp now, std::string_view body) {
  const std::string sent = std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  const Hash mac = crypto::hmac_sha256(secret, fmt::format("{}.{}.{}", id, sent, body));
  return {{"webhook-id", std::string(id)}, {"webhook-timestamp", sent}, {"webhook-signature", "v1," + to_base64(view(mac))}};
}

/// One form of one collector.
class Collecting::Lane {
 public:
  Lane(const CollectorAt& at, records::Form form, const CollectingDependencies& with, log::Seldom& told)
      : at_(at), form_(form), with_(with), told_(told), key_(fmt::format("collected/{}/{}", name_of(form), at.url)) {}
  ~Lane() {
    halt();
    if (thread_.joinable()) thread_.join();
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  Result<void> start() {
    SLUIS_TRY(const std::optional<std::string> kept, with_.store.get(key_));
    if (kept && kept->size() != 8) return Error(ErrorCode::corruption, "`" + key_ + "` holds no number of an entry");
    state_.next = kept ? get_u64(*kept) : 0;
    saved_ = state_.next;
    thread_ = std::thread([this] { run(); });
    return {};
  }
  void halt() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    with_.commits.wake();
  }

  std::vector<std::string> findings() const {
    const State state = read_state();
    const Timestamp now = with_.clock.now();
    const std::string who = fmt::format("collector {} ({}): ", at_.url, name_of(form_));
    std::vector<std::string> out;
    if (!state.trouble.empty() && (state.refused || now - state.failing_since >= kOverdue)) {
      out.push_back(fmt::format("{}{}; {} entries wait for it", who, state.trouble, waiting(state)));
    }
    if (state.rejected > 0 && now - state.rejected_at < std::chrono::days(1)) {
      const std::string why = state.rejected_why.empty() ? "" : ": " + state.rejected_why;
      out.push_back(fmt::format("{}it rejected {} records, which are not sent again{}", who, state.rejected, why));
    }
    return out;
  }

  MeasuredCollector measured() const {
    const State state = read_state();
    return {at_.url,        std::string(name_of(form_)), waiting(state),    state.records,
            state.rejected, state.without_record,        state.last_status, !state.trouble.empty()};
  }

 private:
  /// What others may ask about.
  struct State {
    std::uint64_t next = 0;            ///< the first entry that was not taken
    std::uint64_t records = 0;         ///< acknowledged since the start, with those below
    std::uint64_t rejected = 0;
    std::uint64_t without_record = 0;  ///< entries that were erased, or say too little for one
    Timestamp rejected_at{};
    std::string rejected_why;
    std::string trouble;  ///< empty: the last request was taken
    bool refused = false;  ///< it will not end by itself
    Timestamp failing_since{};
    unsigned last_status = 0;  ///< of HTTP; 0: there was no answer, or no request yet
  };

  /// The records of some entries that follow one another.
  struct Batch {
    std::uint64_t next = 0;  ///< the entry behind them
    std::string lines;
    std::size_t records = 0;
    std::uint64_t without_record = 0;
  };

  /// Why a request was not taken, and when it is made again.
  struct Failure {
    std::string why;
    bool refused = false;  ///< the same will be refused again, until a person mends something: seldom
    unsigned status = 0;
    std::optional<std::chrono::seconds> asked = std::nullopt;  ///< that it waits so long
  };

  State read_state() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }
  bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }
  std::uint64_t waiting(const State& state) const {
    const auto entries = with_.log.entries();
    return entries && *entries > state.next ? *entries - state.next : 0;
  }
  void sleep(milliseconds time) {
    std::unique_lock lock(mutex_);
    stop_.wait_for(lock, time, [this] { return stopping_; });
  }

  void run() {
    while (true) {
      const std::uint64_t seen = with_.commits.seen();  // before the log is looked at
      if (stopping()) return;
      const auto more = step();
      if (!more) {
        failed(more.error());
        continue;
      }
      if (*more) continue;
      save();
      with_.commits.wait_uncounted(seen, std::chrono::steady_clock::now() + kLookAgain);
      sleep(kFill);
    }
  }

  /// One request at most. False: nothing is left.
  boost::system::result<bool, Failure> step() {
    const std::uint64_t next = read_state().next;
    const auto entries = with_.log.entries();
    if (!entries) return Failure{"the log cannot be read: " + entries.error().message, false};
    if (next > *entries) {
      return Failure{fmt::format("entry {} was acknowledged, and here are {}: this store is not the newest", next, *entries), true};
    }
    const auto batch = gather(next, *entries);
    if (!batch) return Failure{"the log cannot be read: " + batch.error().message};
    if (batch->records > 0) {
      const auto answer = deliver(*batch);
      if (!answer) return answer.error();
      taken(*batch, *answer);
      save();
    } else {
      pass_over(*batch);
    }
    return batch->next < *entries;
  }

  /// From this entry on, as many as fit. A call to the decision point is not parted: its entries are of one commit, so all are there.
  Result<Batch> gather(std::uint64_t from, std::uint64_t entries) const {
    const auto recorder = records::make_recorder(form_, with_.around);
    const std::size_t most = form_ == records::Form::events ? 1 : kRecords;
    Batch batch;
    const auto flush = [&](std::uint64_t next) {
      const std::string lines = recorder->take();
      batch.records += static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
      batch.lines += lines;
      batch.next = next;
    };
    SLUIS_TRY(const std::uint64_t first_kept, with_.log.first_kept());
    std::uint64_t number = from;
    if (number < first_kept) {
      log::warning("a collector never got entries that were pruned", {{"collector", at_.url}, {"first", std::to_string(from)}, {"end", std::to_string(first_kept)}});
      batch.without_record += first_kept - number;
      number = first_kept;
    }
    for (; number < entries; ++number) {
      const bool far = number - from >= kLookedAt;
      const std::uint64_t before = number;
      SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_or_skip(with_.log, number));
      batch.without_record += number - before;
      const bool wanted = !leaf || at_.kinds.empty() || at_.kinds.contains(provenance::kind_name(leaf->kind));
      SLUIS_TRY(const auto entry, wanted && leaf ? records::read_entry(with_.log, number, *leaf) : std::optional<records::Entry>());
      if (!entry) {
        batch.without_record += wanted ? 1 : 0;
        if (!far) continue;
        ++number;
        break;
      }
      if (recorder->ends_before(*entry)) {
        flush(number);
        if (far || batch.records >= most || batch.lines.size() >= kBytes) break;
      }
      recorder->add(*entry);
    }
    flush(number);
    batch.without_record += recorder->left_out();
    return batch;
  }

  Result<void> make_otlp(const Batch& batch, http::PeerRequest& request) const {
    request.url = at_.url + std::string(records::otlp_path(form_));
    request.headers = {{"content-type", "application/json"}, {"accept", "application/json"}};
    SLUIS_TRY(request.body, records::otlp_request(form_, batch.lines));
    return {};
  }

  /// The one event as it is, in structured mode (CloudEvents HTTP binding 1.0.2, section 3.2).
  Result<void> make_event(const Batch& batch, http::PeerRequest& request) const {
    SLUIS_TRY(const std::string secret, at_.secret());
    request.url = at_.url;
    request.body = batch.lines.substr(0, batch.lines.find('\n'));
    SLUIS_TRY(const json::Value read, json::parse(request.body));
    SLUIS_TRY(const std::string id, json::required_string(read, "id"));
    request.headers = webhook_headers(secret, id, with_.clock.now(), request.body);
    request.headers["content-type"] = "application/cloudevents+json; charset=utf-8";
    return {};
  }

  boost::system::result<records::OtlpAnswer, Failure> deliver(const Batch& batch) const {
    const bool event = form_ == records::Form::events;
    http::PeerRequest request;
    request.timeout = limits::kPeerTimeout;
    const auto made = event ? make_event(batch, request) : make_otlp(batch, request);
    if (!made) return Failure{describe(made.error()), true};
    std::string secret;
    if (at_.credential) {
      auto read = at_.credential();
      if (!read) return Failure{"its credential cannot be used: " + describe(read.error()), true};
      secret = std::move(*read);
      request.headers["authorization"] = secret;
    }
    const auto answer = at_.send(request);
    if (!answer) return Failure{shown(answer.error().message, secret), answer.error().code == ErrorCode::invalid_argument};
    const unsigned status = answer->status;
    if (event && status / 100 == 2) return records::OtlpAnswer{};
    if (!event && status == 200 && records::is_otlp_answer(answer->body)) {
      records::OtlpAnswer told = records::read_otlp_answer(answer->body);
      told.message = shown(told.message, secret);
      return told;
    }
    // These end by themselves; any other refusal is one of the request itself, or of who sends it.
    const bool ends = status == 408 || status == 429 || status >= 500;
    const std::string said = shown(records::read_otlp_refusal(answer->body), secret);
    if (status < 300) return Failure{fmt::format("it answers {} with what no collector says: is its address right?", status), true, status};
    return Failure{fmt::format("it answers {}{}", status, said.empty() ? "" : ": " + said), !ends, status,
                   status == 429 || status == 503 ? retry_after(*answer, with_.clock.now()) : std::nullopt};
  }

  void taken(const Batch& batch, const records::OtlpAnswer& answer) {
    bool again = false;
    {
      const std::lock_guard lock(mutex_);
      again = !state_.trouble.empty();
      state_.next = batch.next;
      state_.records += batch.records;
      state_.without_record += batch.without_record;
      state_.rejected += answer.rejected;
      if (answer.rejected > 0) {
        state_.rejected_at = with_.clock.now();
        state_.rejected_why = answer.message;
      }
      state_.trouble.clear();
      state_.refused = false;
      state_.last_status = 200;
    }
    pause_ = milliseconds(0);
    unsaved_ = true;
    if (again) log::info("a collector takes records again", {{"collector", at_.url}, {"form", name_of(form_)}});
    if ((answer.rejected > 0 || !answer.message.empty()) && told_.now(with_.clock.now())) {
      log::warning(answer.rejected > 0 ? "a collector rejected records" : "a collector took records, and warns",
                   {{"collector", at_.url}, {"form", name_of(form_)}, {"records", std::to_string(answer.rejected)}, {"what", answer.message}});
    }
  }

  void pass_over(const Batch& batch) {
    const std::lock_guard lock(mutex_);
    state_.next = batch.next;
    state_.without_record += batch.without_record;
    unsaved_ = unsaved_ || state_.next - saved_ >= kUnsaved;
  }

  void failed(const Failure& why) {
    if (stopping()) return;
    {
      const std::lock_guard lock(mutex_);
      if (state_.trouble.empty()) state_.failing_since = with_.clock.now();
      state_.trouble = why.why;
      state_.refused = why.refused;
      state_.last_status = why.status;
    }
    pause_ = why.refused ? kLongestPause : std::min(kLongestPause, std::max(kFirstPause, 2 * pause_));
    // Between half of it and all of it; a collector's own word counts where it is longer.
    const auto half = static_cast<std::uint64_t>(pause_.count()) / 2;
    milliseconds wait(static_cast<std::int64_t>(half + get_u64(with_.random.bytes(8)) % (half + 1)));
    if (why.asked) wait = std::max<milliseconds>(wait, std::min<milliseconds>(*why.asked, kLongestAsked));
    if (told_.now(with_.clock.now())) {
      log::warning("a collector takes no records",
                   {{"collector", at_.url}, {"form", name_of(form_)}, {"what", why.why}, {"again_in_ms", std::to_string(wait.count())}});
    }
    sleep(wait);
  }

  /// Of what was acknowledged. Where that fails it is done with the next, and after a crash the same is sent again.
  void save() {
    if (!unsaved_) return;
    const std::uint64_t next = read_state().next;
    std::string value;
    put_u64(value, next);
    Commit commit;
    commit.commit_class = CommitClass::bulk;
    commit.changes.push_back({key_, std::move(value)});
    const auto done = with_.commits.commit_and_wait(std::move(commit));
    if (!done) {
      if (told_.now(with_.clock.now())) {
        log::warning("what a collector has cannot be kept", {{"collector", at_.url}, {"form", name_of(form_)}, {"what", done.error().message}});
      }
      return;
    }
    saved_ = next;
    unsaved_ = false;
  }

  const CollectorAt& at_;
  const records::Form form_;
  const CollectingDependencies& with_;
  log::Seldom& told_;
  const std::string key_;
  // Of the thread alone.
  std::uint64_t saved_ = 0;
  bool unsaved_ = false;
  milliseconds pause_{0};

  mutable std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  State state_;
  std::thread thread_;
};

Collecting::Collecting(std::vector<CollectorAt> collectors, CollectingDependencies with) : collectors_(std::move(collectors)), with_(with) {
  for (const CollectorAt& one : collectors_) {
    for (const records::Form form : one.forms) lanes_.push_back(std::make_unique<Lane>(one, form, with_, told_));
  }
}

Collecting::~Collecting() { halt(); }

Result<void> Collecting::start() {
  for (const auto& lane : lanes_) SLUIS_CHECK(lane->start());
  return {};
}

void Collecting::halt() {
  for (const auto& lane : lanes_) lane->halt();
  for (const CollectorAt& one : collectors_) one.cut();
}

std::vector<std::string> Collecting::findings() const {
  std::vector<std::string> out;
  for (const auto& lane : lanes_) {
    for (std::string& finding : lane->findings()) out.push_back(std::move(finding));
  }
  return out;
}

std::vector<MeasuredCollector> Collecting::measured() const {
  std::vector<MeasuredCollector> out;
  for (const auto& lane : lanes_) out.push_back(lane->measured());
  return out;
}

}  // namespace sluis::node
