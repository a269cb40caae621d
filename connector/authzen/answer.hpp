#pragma once

#include "connector/http/port.hpp"
#include "connector/json/json.hpp"
#include "policy/odrl/explain.hpp"

namespace sluis::authzen {

/// `{"decision", "context": {"id", "code", "reason_admin", "reason_user"}}`. The administrator's reason is the one that
/// was recorded, with its Dutch where gate/ has it; the user's is a sentence without names, in English and Dutch.
/// An item of a batch that could not be read says so in `error` too.
json::Value decision_json(bool permit, const policy::Reason& reason, std::string_view transaction,
                          const std::optional<Error>& unreadable = {});

/// No decision: a message as text, as the specification has it.
http::Response error_answer(const Error& error);

/// A refusal of this interface itself, where policy/ and gate/ have no word for it. Text has `{parameter}` in it.
policy::Reason own_reason(std::string_view code, std::map<std::string, std::string> parameters = {});

}  // namespace sluis::authzen
