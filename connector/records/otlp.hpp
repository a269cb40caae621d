#pragma once

#include "connector/records/record.hpp"

#include <cstddef>

/// Records in the JSON of the OpenTelemetry protocol (OTLP 1.5 and later, section "JSON Protobuf Encoding"): ids in hexadecimal, times as
/// texts of nanoseconds since 1970, enumerations as numbers. They are made of the lines that `audit export` writes, so that both say the same.
namespace sluis::records {

/// Where a collector takes the records of a form, behind its address: `ldv` as traces, `adl` as logs. Empty: no signal is like that form.
std::string_view otlp_path(Form form);

/// One request with the records in these lines, in their order. invalid_argument: a form without a signal; corruption: no lines of it.
Result<std::string> otlp_request(Form form, std::string_view lines);

/// What a collector says that took a request (`partialSuccess`). An answer that says nothing, or is not JSON, took all of it.
struct OtlpAnswer {
  std::uint64_t rejected = 0;  ///< records that it will never take: they must not be sent again
  std::string message;
};
/// Whether this is the body of a 200 of a collector: nothing, or an object in JSON. Others answer 200, too.
bool is_otlp_answer(std::string_view body);
OtlpAnswer read_otlp_answer(std::string_view body);
/// What a collector says that took nothing: the `message` of its Status. Empty: nothing that can be read.
std::string read_otlp_refusal(std::string_view body);

}  // namespace sluis::records
