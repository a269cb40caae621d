#include "connector/authzen/answer.hpp"

#include "connector/base/limits.hpp"
#include "connector/gate/reason.hpp"

#include <algorithm>
#include <array>

namespace sluis::authzen {
namespace {

constexpr std::array kOwn{
    policy::Sentence{"action.unsupported", {"Denied: this node decides on the action `use`, not on `{asked}`.",
                     "Geweigerd: deze node beslist over de handeling `use`, niet over `{asked}`."}},
    policy::Sentence{"agreement.unnamed",
                     {"Denied: there are too many agreements to look through; name one in `resource.properties.agreement`.",
                      "Geweigerd: er zijn te veel afspraken. Noem er een in `resource.properties.agreement`."}},
    policy::Sentence{"count.only_at_gate",
                     {"Denied: the terms count uses, and only a pull through the gate is counted.",
                      "Geweigerd: de regels tellen het gebruik. Alleen ophalen bij de node zelf telt."}},
    policy::Sentence{"purpose.missing", {"Denied: a purpose has to be named in `action.properties.purpose`.",
                     "Geweigerd: noem een doel in `action.properties.purpose`."}},
    policy::Sentence{"request.unreadable", {"Denied: the question cannot be read: {why}.",
                     "Geweigerd: de vraag is niet te lezen: {why}."}},
    policy::Sentence{"resource.unsupported",
                     {"Denied: a resource is an `agreement` or a `dataset`, not a `{asked}`.",
                      "Geweigerd: vraag naar een `agreement` of een `dataset`, niet naar een `{asked}`."}},
    policy::Sentence{"subject.class", {"Denied: the membership list has another class for this party than `{asked}`.",
                     "Geweigerd: in de ledenlijst is deze partij geen `{asked}`."}},
    policy::Sentence{"subject.unsupported",
                     {"Denied: a subject is a `party` or an `application`, not a `{asked}`.",
                      "Geweigerd: wie vraagt is een `party` of een `application`, geen `{asked}`."}},
};

/// For people without knowledge of rules. The first row whose code is the reason's, or begins it, counts.
constexpr std::array kForUsers{
    policy::Sentence{"permitted", {"You may use these data for this purpose.",
                     "U mag deze gegevens voor dit doel gebruiken."}},
    policy::Sentence{"purpose", {"These data may not be used for this purpose.",
                     "Deze gegevens mogen niet voor dit doel worden gebruikt."}},
    policy::Sentence{"time", {"These data may not be used at this moment.",
                     "Deze gegevens mogen nu niet worden gebruikt."}},
    policy::Sentence{"elapsed", {"The period of use is over.", "De gebruikstermijn is voorbij."}},
    policy::Sentence{"agreement", {"There is no agreement that allows this use.",
                     "Er is geen afspraak die dit gebruik toestaat."}},
    policy::Sentence{"activity", {"The use is not registered as it should be.",
                     "Het gebruik staat niet geregistreerd zoals het hoort."}},
    policy::Sentence{"", {"You may not use these data in this way.",
                     "U mag deze gegevens niet op deze manier gebruiken."}},
};

const policy::Sentence* own(std::string_view code) {
  const auto* row = std::find_if(kOwn.begin(), kOwn.end(), [&](const auto& one) { return one.code == code; });
  return row == kOwn.end() ? nullptr : row;
}

json::Value for_users(std::string_view code) {
  for (const policy::Sentence& row : kForUsers) {
    const bool same = code == row.code || row.code.empty() ||
                      (code.starts_with(row.code) && code.substr(row.code.size()).starts_with("."));
    if (same) return json::object({{"en", row.text.english}, {"nl", row.text.dutch}});
  }
  return {};
}

unsigned status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::limit_exceeded: return 400;
    case ErrorCode::unauthenticated: return 401;
    case ErrorCode::permission_denied: return 403;
    case ErrorCode::invalid_state:
    case ErrorCode::not_found:
    case ErrorCode::conflict:
    case ErrorCode::peer_unavailable:
    case ErrorCode::storage_unavailable:
    case ErrorCode::outcome_unknown:
    case ErrorCode::corruption:
    case ErrorCode::internal: return 503;
  }
  return 503;
}

}  // namespace

json::Value decision_json(bool permit, const policy::Reason& reason, std::string_view transaction,
                          const std::optional<Error>& unreadable) {
  json::Value for_administrators = json::object({{"en", reason.sentence}});
  if (const policy::Sentence* row = own(reason.code)) {
    for_administrators.set("nl", policy::fill(row->text.dutch, reason.parameters, policy::Language::dutch));
  } else if (auto dutch = gate::sentence_in("nl", reason.code, reason.parameters)) {
    for_administrators.set("nl", std::move(*dutch));
  }
  json::Value context = json::object({{"id", transaction},
                                      {"code", reason.code},
                                      {"reason_admin", std::move(for_administrators)},
                                      {"reason_user", for_users(reason.code)}});
  if (unreadable) {
    context.set("error", json::object({{"status", static_cast<std::uint64_t>(status_of(unreadable->code))},
                                       {"message", describe(*unreadable)}}));
  }
  return json::object({{"decision", permit}, {"context", std::move(context)}});
}

http::Response error_answer(const Error& error) {
  http::Response response;
  response.status = status_of(error.code);
  response.headers = {{"content-type", "text/plain; charset=utf-8"}};
  response.body = describe(error);
  if (response.status == 401) response.headers["www-authenticate"] = "Bearer";
  return response;
}

policy::Reason own_reason(std::string_view code, std::map<std::string, std::string> parameters) {
  policy::Reason reason = gate::make_reason(code, std::move(parameters));
  if (const policy::Sentence* row = own(code)) reason.sentence = policy::fill(row->text.english, reason.parameters);
  return reason;
}

}  // namespace sluis::authzen
