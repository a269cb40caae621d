#include "connector/outbox/outcome.hpp"

#include "connector/base/limits.hpp"
#include "connector/base/utf8.hpp"

#include <algorithm>

namespace sluis::outbox {
namespace {

Error damaged(std::string_view key) {
  return Error(ErrorCode::corruption, "a stored record has no readable `" + std::string(key) + "`")
      .at_pointer(json::pointer_to("", key));
}

/// At most `room` bytes of valid UTF-8, not ending within a character.
std::string cut(std::string_view text, std::size_t room) {
  constexpr std::size_t longest = 4;  // a character that this cuts through begins behind `room`
  std::string valid = valid_utf8(text.substr(0, room + longest));
  if (valid.size() <= room) return valid;
  while (room > 0 && (static_cast<unsigned char>(valid[room]) & 0xC0U) == 0x80U) --room;
  valid.resize(room);
  return valid;
}

}  // namespace

json::Value to_json(const Reason& reason) {
  json::Array sentences;
  for (const std::string& sentence : reason.sentences) sentences.emplace_back(sentence);
  return json::object({{"code", reason.code}, {"sentences", std::move(sentences)}});
}

Result<Reason> reason_from_json(const json::Value& value) {
  Reason reason;
  SLUIS_TRY(reason.code, json::required_string(value, "code"));
  const json::Value* sentences = value.find("sentences");
  if (!sentences || !sentences->if_array()) return damaged("sentences");
  for (const json::Value& sentence : *sentences->if_array()) {
    if (!sentence.if_string()) return damaged("sentences");
    reason.sentences.push_back(*sentence.if_string());
  }
  return reason;
}

Reason bounded(Reason reason) {
  std::size_t room = limits::kReasonBytes;
  reason.code = cut(reason.code, std::min(room, limits::kIdBytes));
  room -= reason.code.size();
  std::vector<std::string> kept;
  for (const std::string& sentence : reason.sentences) {
    std::string part = cut(sentence, room);
    if (part.empty()) continue;
    room -= part.size();
    kept.push_back(std::move(part));
  }
  reason.sentences = std::move(kept);
  return reason;
}

json::Value to_json(const Delivery& delivery) {
  json::Value value = json::object({{"id", delivery.id},
                                    {"attempts", delivery.attempts},
                                    {"uncertain", delivery.uncertain},
                                    {"last_answer", delivery.last_answer}});
  if (delivery.last_attempt) value.set("last_attempt", time_value(*delivery.last_attempt));
  if (delivery.next_attempt) value.set("next_attempt", time_value(*delivery.next_attempt));
  return value;
}

Result<Delivery> delivery_from_json(const json::Value& value) {
  Delivery delivery;
  SLUIS_TRY(delivery.id, json::required_string(value, "id"));
  const json::Value* attempts = value.find("attempts");
  if (!attempts || !attempts->if_number()) return damaged("attempts");
  SLUIS_TRY(delivery.attempts, json::to_integer(*attempts->if_number()));
  delivery.uncertain = flag(value, "uncertain");
  SLUIS_TRY(delivery.last_attempt, optional_time(value, "last_attempt"));
  SLUIS_TRY(delivery.next_attempt, optional_time(value, "next_attempt"));
  SLUIS_TRY(delivery.last_answer, json::required_string(value, "last_answer"));
  return delivery;
}

json::Value time_value(Timestamp time) { return json::Value(format_time(time)); }

Result<std::optional<Timestamp>> optional_time(const json::Value& object, std::string_view key) {
  SLUIS_TRY(const std::optional<std::string> text, json::optional_string(object, key));
  if (!text) return std::optional<Timestamp>();
  SLUIS_TRY(const Timestamp time, parse_time(*text));
  return std::optional<Timestamp>(time);
}

Result<Timestamp> required_time(const json::Value& object, std::string_view key) {
  SLUIS_TRY(const std::optional<Timestamp> time, optional_time(object, key));
  if (!time) return damaged(key);
  return *time;
}

Result<std::optional<Hash>> optional_hash(const json::Value& object, std::string_view key) {
  SLUIS_TRY(const std::optional<std::string> text, json::optional_string(object, key));
  if (!text) return std::optional<Hash>();
  SLUIS_TRY(const std::string bytes, from_hex(*text));
  SLUIS_TRY(const Hash hash, to_hash(bytes));
  return std::optional<Hash>(hash);
}

bool flag(const json::Value& object, std::string_view key) {
  const json::Value* value = object.find(key);
  return value && value->if_bool() && *value->if_bool();
}

}  // namespace sluis::outbox
