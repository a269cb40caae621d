#include "connector/records/record.hpp"

#include "connector/base/suggest.hpp"

#include <algorithm>
#include <array>

namespace sluis::records {
namespace {

struct Named {
  std::string_view name;
  Form form;
};
constexpr std::array<Named, 7> kForms{{{"adl", Form::adl}, {"ldv", Form::ldv}, {"fsc", Form::fsc}, {"prov", Form::prov},
                                       {"prov-json", Form::prov_json}, {"csv", Form::csv}, {"events", Form::events}}};

}  // namespace

Result<Form> form_from(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Named& one : kForms) {
    if (one.name == name) return one.form;
    known.push_back(one.name);
  }
  return Error(ErrorCode::invalid_argument, "`" + std::string(name) + "` is no form of records").mended_by(suggestion(name, known));
}

std::unique_ptr<Recorder> make_recorder(Form form, const Surroundings& around) {
  switch (form) {
    case Form::adl: return make_adl(around);
    case Form::ldv: return make_ldv(around);
    case Form::fsc: return make_fsc(around);
    case Form::prov: return make_prov(around, false);
    case Form::prov_json: return make_prov(around, true);
    case Form::csv: return make_csv();
    case Form::events: return make_events(around);
  }
  return nullptr;
}

Result<std::optional<Entry>> read_entry(const provenance::LogReader& log, std::uint64_t number, const provenance::Leaf& leaf) {
  const auto payload = log.payload(number);
  if (!payload && payload.error().code == ErrorCode::not_found) return std::optional<Entry>();
  if (!payload) return payload.error();
  Entry entry{number, static_cast<provenance::EntryKind>(leaf.kind), {}, {}, leaf.commitment};
  if (!entry.shared.ParseFromString(payload->shared) || !entry.internal.ParseFromString(payload->internal)) return std::optional<Entry>();
  return std::optional(std::move(entry));
}

bool is_decided(const v1::DecisionReason& reason) {
  constexpr std::array kNoDecision{std::string_view("node."), std::string_view("peer."), std::string_view("provider."),
                                   std::string_view("source."), std::string_view("store."), std::string_view("not_recorded"),
                                   std::string_view("plan.")};
  const std::string& code = reason.code();
  return !code.empty() && std::none_of(kNoDecision.begin(), kNoDecision.end(), [&](std::string_view one) { return code.starts_with(one); });
}

}  // namespace sluis::records
