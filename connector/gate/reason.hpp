#pragma once

#include "connector/base/error.hpp"
#include "connector/http/port.hpp"
#include "policy/odrl/explain.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>

namespace sluis::gate {

/// A refusal by the data plane itself, beside those of policy/: the sentence comes from the one table in reason.cpp.
policy::Reason make_reason(std::string_view code, std::map<std::string, std::string> parameters = {});

/// Those of the data plane, in both languages.
std::span<const policy::Sentence> sentences();
/// The sentence of any reason, of policy/ or of the data plane.
std::string told(const policy::Reason& reason, policy::Language language);
/// A reason told in Dutch, if that is the language asked for (`nl`) and its code is known here. Reasons are recorded in English; where
/// there is nothing, the recorded sentence counts.
std::optional<std::string> sentence_in(std::string_view language, std::string_view code,
                                       const std::map<std::string, std::string>& parameters);

/// `{"code", "reason": [sentence], "parameters"}`.
std::string reason_json(const policy::Reason& reason);
/// What `reason_json` wrote, from a peer: bounded, never trusted. invalid_argument.
Result<policy::Reason> parse_reason(std::string_view text);

/// Bytes that are no UTF-8 become `?`, and at most `size` bytes stay: what a record may hold as text.
std::string valid_text(std::string_view text, std::size_t size);

http::Response refusal(unsigned status, const policy::Reason& reason);

}  // namespace sluis::gate
