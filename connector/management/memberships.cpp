#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"

namespace sluis::management {
namespace {

std::string file_of(const std::string& given) { return given.empty() ? "membership list" : given; }

Result<v1::ShowMembershipResponse> show(const Backend& backend) {
  v1::ShowMembershipResponse response;
  const auto list = backend.directory.list();
  const auto now = backend.clock.now();
  if (!list) {
    response.mutable_membership()->set_state("none");
    if (backend.tell_membership) backend.tell_membership(response);
    return response;
  }
  if (backend.tell_membership) backend.tell_membership(response);
  *response.mutable_membership() = to_proto(*list, identity::to_string(backend.directory.state(now)), now);
  return response;
}

/// Verified, and fit to be taken over: a dry run says so.
Result<v1::CheckMembershipResponse> check(const Backend& backend, const v1::CheckMembershipRequest& request, const Caller& caller) {
  if (!backend.read_membership || !backend.load_membership) return not_here("federation");
  SLUIS_TRY(const auto list, backend.read_membership(request.document(), file_of(request.file())));
  SLUIS_CHECK(backend.load_membership(request.document(), true, caller.person));
  v1::CheckMembershipResponse response;
  *response.mutable_membership() = to_proto(list, "checked", backend.clock.now());
  return response;
}

Result<v1::LoadMembershipResponse> load(const Backend& backend, const v1::LoadMembershipRequest& request, const Caller& caller) {
  if (!backend.read_membership || !backend.load_membership) return not_here("federation");
  SLUIS_TRY(const auto list, backend.read_membership(request.document(), file_of(request.file())));
  SLUIS_TRY(const auto taken, backend.load_membership(request.document(), request.dry_run(), caller.person));
  v1::LoadMembershipResponse response;
  const auto now = backend.clock.now();
  const auto state = request.dry_run() ? "checked" : identity::to_string(backend.directory.state(now));
  *response.mutable_membership() = to_proto(list, state, now);
  response.set_dry_run(request.dry_run());
  response.set_unchanged(taken.unchanged);
  response.set_entry(taken.entry);
  return response;
}

}  // namespace

void add_memberships(Methods& methods, Backend& backend) {
  methods.add<v1::ShowMembershipRequest, v1::ShowMembershipResponse>(
      "MembershipService.Show", [&backend](const auto&, const Caller&) { return show(backend); });
  methods.add<v1::CheckMembershipRequest, v1::CheckMembershipResponse>(
      "MembershipService.Check", [&backend](const auto& request, const Caller& caller) { return check(backend, request, caller); });
  methods.add<v1::LoadMembershipRequest, v1::LoadMembershipResponse>(
      "MembershipService.Load", [&backend](const auto& request, const Caller& caller) { return load(backend, request, caller); });
}

}  // namespace sluis::management
