#pragma once

#include "connector/base/suggest.hpp"
#include "connector/base/time.hpp"
#include "connector/json/json.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace sluis::identity {

/// One JSON object, read strictly: members that nobody asked for are refused by `finish`. Errors carry the pointer.
class ObjectReader {
 public:
  static Result<ObjectReader> open(const json::Value& value, std::string pointer) {
    if (value.if_object() == nullptr) {
      return Error(ErrorCode::invalid_argument, "an object is needed, not " + std::string(value.kind()))
          .at_pointer(std::move(pointer));
    }
    return ObjectReader(value, std::move(pointer));
  }

  std::string at(std::string_view key) const { return json::pointer_to(pointer_, key); }
  const std::string& pointer() const { return pointer_; }
  Error refused(std::string_view key, std::string message) const {
    return Error(ErrorCode::invalid_argument, std::move(message)).at_pointer(at(key));
  }

  const json::Value* optional(std::string_view key) {
    known_.push_back(key);
    return value_->find(key);
  }
  Result<std::string> string(std::string_view key) {
    SLUIS_TRY(auto text, optional_string(key));
    if (!text) return missing(key);
    return std::move(*text);
  }
  /// Not empty where it is there.
  Result<std::optional<std::string>> optional_string(std::string_view key) {
    const json::Value* value = optional(key);
    if (value == nullptr) return std::optional<std::string>();
    if (value->if_string() == nullptr) return refused(key, "a string is needed, not " + std::string(value->kind()));
    if (value->if_string()->empty()) return refused(key, "`" + std::string(key) + "` is empty");
    return std::optional<std::string>(*value->if_string());
  }
  Result<std::uint64_t> count(std::string_view key) {
    const json::Value* value = optional(key);
    if (value == nullptr) return missing(key);
    if (value->if_number() == nullptr) return refused(key, "a number is needed, not " + std::string(value->kind()));
    const auto number = json::to_integer(*value->if_number());
    if (!number || *number < 0) return refused(key, "`" + std::string(key) + "` is not a whole number from 0");
    return static_cast<std::uint64_t>(*number);
  }
  Result<Timestamp> time(std::string_view key) {
    SLUIS_TRY(const auto text, string(key));
    auto time = parse_time(text);
    if (!time) return Error(time.error()).at_pointer(at(key));
    return *time;
  }
  Result<std::optional<Timestamp>> optional_time(std::string_view key) {
    if (value_->find(key) == nullptr) {
      known_.push_back(key);
      return std::optional<Timestamp>();
    }
    SLUIS_TRY(const Timestamp found, time(key));
    return std::optional<Timestamp>(found);
  }
  /// None where it is missing.
  Result<const json::Array*> array(std::string_view key) {
    static const json::Array none;
    const json::Value* value = optional(key);
    if (value == nullptr) return &none;
    if (value->if_array() == nullptr) return refused(key, "an array is needed, not " + std::string(value->kind()));
    return value->if_array();
  }
  Error missing(std::string_view key) const {
    return Error(ErrorCode::invalid_argument, "missing member `" + std::string(key) + "`").at_pointer(pointer_);
  }
  Result<void> finish() const {
    for (const auto& [key, value] : *value_->if_object()) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        return refused(key, "unknown member `" + key.substr(0, 200) + "`").mended_by(suggestion(key, known_));
      }
    }
    return {};
  }

 private:
  ObjectReader(const json::Value& value, std::string pointer) : value_(&value), pointer_(std::move(pointer)) {}

  const json::Value* value_;
  std::string pointer_;
  std::vector<std::string_view> known_;  ///< literals
};

/// The error with file, line and column of its pointer.
inline Error located(Error error, std::string_view text, std::string_view file) {
  if (error.place.line == 0) {
    const std::string pointer = error.place.pointer;
    error.place = json::locate(text, pointer);
    error.place.pointer = pointer;
  }
  error.place.file = file;
  return error;
}

}  // namespace sluis::identity
