#include "connector/provenance/witness.hpp"

#include "connector/base/log.hpp"
#include "connector/provenance/merkle.hpp"
#include "connector/provenance/whole_file.hpp"

#include <algorithm>
#include <charconv>

namespace sluis::provenance {
namespace {

constexpr std::size_t kProofLines = 63;
constexpr std::size_t kKeptConflicts = 16;
constexpr std::string_view kConflict = "sluis/conflict@v1\n";
constexpr std::string_view kBetween = "\n---\n";

Witness::Answer refused(unsigned status, const std::string& why) { return {status, "text/plain; charset=utf-8", why + "\n"}; }

/// The next line of `rest`, without its end; none: there is no whole one.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (ec != std::errc() || end != digits.data() + digits.size() || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  return value;
}

}  // namespace

Result<AddCheckpoint> read_add_checkpoint(std::string_view request) {
  const auto bad = [](const char* why) { return Error(ErrorCode::invalid_argument, why); };
  AddCheckpoint out;
  const auto first = take_line(request);
  const auto old = first && first->starts_with("old ") ? number(first->substr(4)) : std::nullopt;
  if (!old) return bad("the first line is not `old <size>`");
  out.old = *old;
  while (true) {
    const auto line = take_line(request);
    if (!line) return bad("there is no empty line before the checkpoint");
    if (line->empty()) break;
    const auto bytes = from_base64(*line);
    const auto hash = bytes ? to_hash(*bytes) : Result<Hash>(Error());
    if (!hash || out.proof.size() == kProofLines) return bad("a line of the proof is no hash, or one too many");
    out.proof.push_back(*hash);
  }
  out.note = request;
  return out;
}

/// One call, read.
struct Witness::Asked {
  std::uint64_t old = 0;
  std::vector<Hash> proof;
  std::string note;  ///< with the log's own signatures alone
  Checkpoint checkpoint;
};

Witness::Answer Witness::add_checkpoint(std::string_view request) {
  auto read = read_add_checkpoint(request);
  if (!read) return refused(400, read.error().message);
  Asked asked{read->old, std::move(read->proof), {}, {}};
  const std::string_view note = read->note;
  const std::string origin(origin_of(note));
  const std::vector<VerifierKey> keys = options_.keys_of(origin);
  if (keys.empty()) return refused(404, "this witness does not know that log");
  std::optional<Error> why;
  for (const VerifierKey& key : keys) {
    auto opened = open_checkpoint(note, key);
    if (!opened && opened.error().code == ErrorCode::invalid_argument) return refused(400, opened.error().message);
    if (!opened) {
      why = opened.error();
      continue;
    }
    asked.checkpoint = std::move(*opened);
    asked.note = with_signature_of(note, key);
    why.reset();
    break;
  }
  if (why) return refused(403, why->message);
  if (asked.old > asked.checkpoint.size) return refused(400, "the old size is larger than the checkpoint's");

  Log& log = log_of(origin);
  const std::lock_guard lock(log.mutex);
  if (const auto ready = make_ready(log, origin, keys); !ready) {
    log::error("a witness cannot read what it saw", {{"origin", origin}, {"what", describe(ready.error())}});
    return refused(503, "what was seen of that log cannot be read now");
  }
  return decide(log, asked);
}

/// The lock of the log is held.
Witness::Answer Witness::decide(Log& log, const Asked& asked) {
  const Checkpoint& now = asked.checkpoint;
  const std::uint64_t seen = log.seen ? log.seen->size : 0;
  const bool same_size = log.seen && log.seen->size == now.size;
  if (same_size && log.seen->root != now.root) {  // whatever `old` says, this is proof
    keep_conflict(asked, log.slots->newest().value_or(""));
    return refused(422, "another root than was seen at that size");
  }
  if (asked.old != seen) return {409, "text/x.tlog.size", std::to_string(seen) + "\n"};
  if (now.size == 0 && now.root != empty_root()) return refused(422, "a log without entries has another root");
  const bool holds = asked.old == 0 ? asked.proof.empty()
                     : same_size    ? asked.proof.empty()
                                    : verify_consistency(asked.old, now.size, asked.proof, log.seen->root, now.root);
  if (!holds) return refused(422, "it is not proven that it holds what was seen before");
  if (!log.seen || !same_size) {
    // In both slots, so that damage to one never brings back an older size.
    auto kept = log.slots->write(asked.note);
    if (kept) kept = log.slots->write(asked.note);
    if (!kept) {
      log.slots.reset();  // what is on the disk is not known: read anew before the next
      log::error("a witness could not keep what it saw", {{"origin", now.origin}, {"what", kept.error().message}});
      return refused(503, "it could not be kept");
    }
    log.seen = now;
  }
  return {200, "text/plain; charset=utf-8", cosign(now, options_.name, options_.key, clock_.now())};
}

Witness::Log& Witness::log_of(const std::string& origin) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Log>& found = logs_[origin];
  if (!found) found = std::make_unique<Log>();
  return *found;
}

/// What was seen last is read from the disk, once. What does not hold any more, as the log has other keys, is no reason to begin anew.
Result<void> Witness::make_ready(Log& log, const std::string& origin, const std::vector<VerifierKey>& keys) {
  if (log.slots) return {};
  const auto folder = options_.folder / to_hex(view(crypto::sha256(origin)));
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  SLUIS_TRY(auto slots, CheckpointSlots::open(folder));
  log.seen.reset();
  if (slots->damaged()) {
    return Error(ErrorCode::corruption, "what was seen last is damaged in `" + folder.string() + "`")
        .mended_by("keep that folder as evidence; without it this witness begins anew with that log, and must say so");
  }
  if (slots->newest()) {
    Result<Checkpoint> opened = Error(ErrorCode::corruption, "");
    for (const VerifierKey& key : keys) {
      opened = open_checkpoint(*slots->newest(), key);
      if (opened) break;
    }
    if (!opened) return Error(ErrorCode::corruption, "what was seen last is not signed by a key of this log: " + opened.error().message);
    log.seen = *opened;
    SLUIS_CHECK(slots->write(*slots->newest()));  // into the other slot, which may be older, or damaged
  }
  log.slots = std::move(slots);
  return {};
}

Result<std::optional<std::string>> Witness::newest(const std::string& origin) {
  const std::vector<VerifierKey> keys = options_.keys_of(origin);
  if (keys.empty()) return std::optional<std::string>();
  Log& log = log_of(origin);
  const std::lock_guard lock(log.mutex);
  SLUIS_CHECK(make_ready(log, origin, keys));
  if (!log.seen) return std::optional<std::string>();
  return *log.slots->newest() + cosign(*log.seen, options_.name, options_.key, clock_.now());
}

/// Once a pair of roots, and of each log so many at most, so that none crowds out another's.
void Witness::keep_conflict(const Asked& asked, const std::string& before) const {
  const Checkpoint& now = asked.checkpoint;
  const std::string log = to_hex(view(crypto::sha256(now.origin))).substr(0, 16);
  const std::string name = log + "-" + std::to_string(now.size) + "-" + to_hex(view(now.root)).substr(0, 16);
  log::error("a log signed two checkpoints that contradict each other", {{"origin", now.origin}, {"size", std::to_string(now.size)}, {"file", name}});
  const auto folder = options_.folder / "conflicts";
  const auto path = folder / name;
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  std::size_t kept = 0;
  for (const auto& file : conflicts()) kept += file.filename().string().starts_with(log) ? 1 : 0;
  if (std::filesystem::exists(path, ec) || kept >= kKeptConflicts) return;
  const auto written = write_whole_file(path, conflict_of(before, asked.note), 0644);
  if (!written) log::error("it could not be kept", {{"what", written.error().message}});
}

std::vector<std::filesystem::path> Witness::conflicts() const { return kept_conflicts(options_.folder); }

std::vector<std::filesystem::path> kept_conflicts(const std::filesystem::path& witness_folder) {
  std::vector<std::filesystem::path> found;
  std::error_code ec;
  for (const auto& file : std::filesystem::directory_iterator(witness_folder / "conflicts", ec)) {
    if (file.path().extension() != ".part") found.push_back(file.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<ConflictTold> read_conflict_file(const std::filesystem::path& file) {
  constexpr std::uint64_t kMost = 64U << 10U;
  std::optional<std::string> text = read_regular_file(file, kMost);
  if (!text) return Error(ErrorCode::storage_unavailable, "it cannot be read, or is no file of such a size");
  ConflictTold told;
  std::string_view rest = *text;
  const bool begins = is_conflict(rest);
  if (begins) rest.remove_prefix(kConflict.size());
  const auto origin = begins ? take_line(rest) : std::nullopt;
  const auto line = origin ? take_line(rest) : std::nullopt;
  const auto size = line ? number(*line) : std::nullopt;
  if (!size || rest.find(kBetween) == std::string_view::npos) return Error(ErrorCode::invalid_argument, "it holds no two checkpoints");
  told.origin = std::string(*origin);
  told.size = *size;
  told.text = std::move(*text);
  return told;
}

std::string conflict_of(std::string_view one, std::string_view other) {
  return std::string(kConflict) + std::string(one) + std::string(kBetween) + std::string(other);
}

bool is_conflict(std::string_view text) { return text.starts_with(kConflict); }

Result<Checkpoint> check_conflict(std::string_view text, const VerifierKey& key) {
  const Error none(ErrorCode::invalid_argument, "these are not two checkpoints that contradict each other");
  const std::size_t between = text.find(kBetween);
  if (!is_conflict(text) || between == std::string_view::npos) return none;
  SLUIS_TRY(const Checkpoint one, open_checkpoint(text.substr(kConflict.size(), between - kConflict.size()), key));
  SLUIS_TRY(const Checkpoint other, open_checkpoint(text.substr(between + kBetween.size()), key));
  if (one.size != other.size || one.root == other.root) return none;
  return one;
}

}  // namespace sluis::provenance
