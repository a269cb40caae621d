#include "connector/outbox/dead_letter.hpp"

#include "connector/base/utf8.hpp"
#include "connector/outbox/envelope.hpp"
#include "connector/outbox/keys.hpp"

#include <fmt/format.h>

#include <charconv>

namespace sluis::outbox {
namespace {

std::string dead_key(std::uint64_t sequence) { return fmt::format("{}{:016x}", kDeadPrefix, sequence); }

/// A letter as it lies there, whether or not it can be read.
DeadLetter letter_of(std::uint64_t sequence, std::string_view bytes) {
  if (Result<DeadLetter> letter = decode_dead_letter(bytes); letter) return std::move(*letter);
  Result<DeadLetter> mended = decode_dead_letter(valid_utf8(bytes));  // a reason that was no text
  DeadLetter letter;
  if (mended) {
    letter = std::move(*mended);
  } else {
    letter.sequence = sequence;
    letter.reason = {"letter-unreadable", {"the dead letter cannot be read: " + describe(mended.error())}};
  }
  letter.stored = bytes;
  return letter;
}

}  // namespace

std::string encode(const DeadLetter& letter) {
  json::Value value = json::object({{"key", letter.key},
                                    {"service", letter.service},
                                    {"kind", letter.kind},
                                    {"reason", to_json(letter.reason)},
                                    {"died", time_value(letter.died)},
                                    {"bytes", to_hex(letter.bytes)}});
  if (letter.queued) value.set("queued", time_value(*letter.queued));
  if (letter.first_try) value.set("first_try", time_value(*letter.first_try));
  return json::serialise(value);
}

Result<DeadLetter> decode_dead_letter(std::string_view bytes) {
  SLUIS_TRY(const json::Value value, json::parse(bytes));
  DeadLetter letter;
  SLUIS_TRY(letter.key, json::required_string(value, "key"));
  std::optional<ItemKey> parsed = parse_item_key(letter.key);
  if (!parsed) return Error(ErrorCode::corruption, "a dead letter has no readable `key`");
  letter.peer = std::move(parsed->peer);
  letter.process = std::move(parsed->process);
  letter.sequence = parsed->sequence;
  SLUIS_TRY(letter.service, json::required_string(value, "service"));
  SLUIS_TRY(letter.kind, json::required_string(value, "kind"));
  const json::Value* reason = value.find("reason");
  if (reason == nullptr) return Error(ErrorCode::corruption, "a dead letter has no readable `reason`");
  SLUIS_TRY(letter.reason, reason_from_json(*reason));
  SLUIS_TRY(letter.died, required_time(value, "died"));
  SLUIS_TRY(letter.queued, optional_time(value, "queued"));
  SLUIS_TRY(letter.first_try, optional_time(value, "first_try"));
  SLUIS_TRY(const std::string hex, json::required_string(value, "bytes"));
  SLUIS_TRY(letter.bytes, from_hex(hex));
  return letter;
}

std::string id_of(const DeadLetter& letter) { return std::to_string(letter.sequence); }

void bury(Commit& commit, const DeadLetter& letter) {
  commit.preconditions.push_back({letter.key, letter.bytes});
  commit.changes.push_back({letter.key, std::nullopt});
  commit.changes.push_back({dead_key(letter.sequence), encode(letter)});
}

void revive(Commit& commit, const DeadLetter& letter, Timestamp now) {
  std::string bytes = letter.bytes;
  if (Result<Envelope> envelope = decode_envelope(bytes); envelope) {
    envelope->queued = now;
    envelope->maybe_sent = true;
    bytes = encode(*envelope);
  }
  discard(commit, letter);
  commit.changes.push_back({letter.key, std::move(bytes)});
}

void discard(Commit& commit, const DeadLetter& letter) {
  const std::string key = dead_key(letter.sequence);
  commit.preconditions.push_back({key, letter.stored.empty() ? encode(letter) : letter.stored});
  commit.changes.push_back({key, std::nullopt});
}

Result<DeadLetter> find_dead(const storage::Reader& store, std::string_view id) {
  std::uint64_t sequence = 0;
  const auto read = std::from_chars(id.data(), id.data() + id.size(), sequence);
  if (read.ec != std::errc() || read.ptr != id.data() + id.size()) {
    return Error(ErrorCode::invalid_argument, "`" + std::string(id) + "` is no number").mended_by("`sluis outbox list` shows the ids");
  }
  SLUIS_TRY(const std::optional<std::string> bytes, store.get(dead_key(sequence)));
  if (!bytes) {
    return Error(ErrorCode::not_found, "there is no dead letter `" + std::string(id) + "`").mended_by("`sluis outbox list` shows those that there are");
  }
  return letter_of(sequence, *bytes);
}

Result<std::optional<DeadLetter>> find_dead_of(const storage::Reader& store, std::string_view process, std::string_view message) {
  std::optional<DeadLetter> found;
  SLUIS_CHECK(store.scan(kDeadPrefix, kDeadPrefix, [&](std::string_view, std::string_view value) {
    if (value.find(process) == std::string_view::npos) return true;  // most: their keys name another
    Result<DeadLetter> letter = decode_dead_letter(value);
    if (!letter || letter->process != process) return true;
    const Result<Envelope> envelope = decode_envelope(letter->bytes);
    if (envelope && envelope->id == message) found = std::move(*letter);
    return !found;
  }));
  return found;
}

Result<std::vector<DeadLetter>> list_dead(const storage::Reader& store, std::uint64_t after, std::size_t count) {
  std::vector<DeadLetter> out;
  const std::string from = dead_key(after) + '\0';
  SLUIS_CHECK(store.scan(kDeadPrefix, from, [&](std::string_view key, std::string_view value) {
    if (out.size() >= count) return false;
    std::uint64_t sequence = 0;
    const std::string_view digits = key.substr(kDeadPrefix.size());
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), sequence, 16);
    if (read.ec == std::errc() && key == dead_key(sequence)) out.push_back(letter_of(sequence, value));
    return true;
  }));
  return out;
}

Result<std::size_t> count_dead(const storage::Reader& store, std::size_t most) {
  std::size_t count = 0;
  SLUIS_CHECK(store.scan(kDeadPrefix, kDeadPrefix, [&](std::string_view, std::string_view) { return ++count < most; }));
  return count;
}

}  // namespace sluis::outbox
