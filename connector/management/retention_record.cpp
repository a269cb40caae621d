#include "connector/management/retention_record.hpp"

#include "connector/outbox/outcome.hpp"

namespace sluis::management {
namespace {

Result<RetentionRecord> read(std::string_view bytes) {
  SLUIS_TRY(const auto value, json::parse(bytes));
  SLUIS_TRY(auto agreement, json::required_string(value, "agreement"));
  SLUIS_TRY(auto dataset, json::required_string(value, "dataset"));
  SLUIS_TRY(auto peer, json::required_string(value, "peer"));
  RetentionRecord record;
  record.agreement = AgreementId(std::move(agreement));
  record.dataset = DatasetId(std::move(dataset));
  record.peer = ParticipantId(std::move(peer));
  SLUIS_TRY(record.last_end, outbox::required_time(value, "last_end"));
  SLUIS_TRY(record.due, outbox::required_time(value, "due"));
  const auto* confirmed = value.find("confirmed");
  if (confirmed == nullptr || confirmed->is_null()) return record;
  if (const auto* flag = confirmed->if_bool()) {
    if (*flag) record.confirmed = record.due;
    return record;
  }
  SLUIS_TRY(record.confirmed, outbox::optional_time(value, "confirmed"));
  return record;
}

}  // namespace

std::string retention_key(const AgreementId& agreement) { return std::string(kRetentionPrefix) + agreement.str(); }

std::string encode(const RetentionRecord& record) {
  auto value = json::object({{"agreement", record.agreement.str()},
                             {"dataset", record.dataset.str()},
                             {"peer", record.peer.str()},
                             {"last_end", outbox::time_value(record.last_end)},
                             {"due", outbox::time_value(record.due)}});
  if (record.confirmed) value.set("confirmed", outbox::time_value(*record.confirmed));
  return json::serialise(value);
}

Result<RetentionRecord> decode_retention(std::string_view bytes) {
  auto record = read(bytes);
  if (!record) return Error(ErrorCode::corruption, "a stored duty to delete is not readable");
  return record;
}

}  // namespace sluis::management
