#include "connector/declaration/register.hpp"
#include "connector/declaration/rules.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/entries.hpp"
#include "connector/management/handlers.hpp"
#include "sluis/v1/declaration.pb.h"

#include <fmt/core.h>

namespace sluis::management {
namespace {

using declaration::Declaration;
using declaration::Kind;
using declaration::Stored;

v1::Declaration to_proto(const Declaration& from, Timestamp now) {
  v1::Declaration out;
  out.set_id(from.id);
  out.set_kind(std::string(declaration::to_string(from.kind)));
  out.set_title(from.title);
  out.set_where(from.where);
  out.set_decided_by(from.decided_by);
  for (const auto& purpose : from.opens) out.add_opens(purpose);
  for (const auto& purpose : from.closes) out.add_closes(purpose);
  for (const auto& basis : from.legal_basis) out.add_legal_basis(basis);
  for (const auto& safeguard : from.safeguards) out.add_safeguards(safeguard);
  put_time(out.mutable_from(), from.from());
  put_time(out.mutable_until(), from.until());
  out.set_state(from.ended() ? "ended" : from.over(now) ? "over" : "in force");
  for (const auto& act : from.acts) {
    auto* added = out.add_acts();
    added->set_what(std::string(declaration::to_string(act.what)));
    added->set_role(std::string(identity::to_string(act.by.role)));
    added->set_person(act.by.person);
    put_time(added->mutable_when(), act.when);
    put_time(added->mutable_until(), act.until);
    added->set_why(act.why);
  }
  return out;
}

/// What one call does with declarations: read in one go, then committed on the condition that nobody was faster.
class Acting {
 public:
  static Result<Acting> begin(Backend& backend, const Caller& caller) {
    const auto role = identity::role_from(role_name(caller.role));
    if (!role) return Error(ErrorCode::permission_denied, "this role has no part in declarations");
    SLUIS_TRY(auto open, declaration::read_open(backend.store));
    return Acting(backend, caller, {*role, caller.person}, std::move(open));
  }

  const declaration::By& by() const { return by_; }
  Timestamp now() const { return now_; }
  Result<std::optional<Stored>> newest(Kind kind, const std::string& id) const {
    return declaration::read_newest(backend_.store, kind, id);
  }
  /// The newest, that there must be. not_found.
  Result<Stored> existing(Kind kind, const std::string& id) const {
    SLUIS_TRY(auto found, newest(kind, id));
    if (found) return std::move(*found);
    return Error(ErrorCode::not_found, fmt::format("there is no {} `{}`", declaration::to_string(kind), id))
        .mended_by(fmt::format("{} list shows those that were declared", declaration::to_string(kind)));
  }

  /// `before`: null where it is a new one.
  Result<v1::DeclarationResponse> take(const Stored* before, Declaration next, bool dry_run) {
    Commit commit;
    SLUIS_CHECK(declaration::put(commit, open_, before, next, now_));
    v1::DeclarationResponse response;
    response.set_dry_run(dry_run);
    *response.mutable_declaration() = to_proto(next, now_);
    if (dry_run) return response;
    v1::Shared shared;
    shared.set_event(std::string(declaration::to_string(next.acts.back().what)));
    shared.set_document(declaration::encode(next, false));
    commit.entries.push_back(
        make_entry(backend_, caller_, provenance::EntryKind::declaration, std::move(shared), declaration::digest(next)));
    // What closes something is not held up by a clock that is behind, or by a full queue.
    const bool closes = next.ended() ? !next.opens.empty() : !next.closes.empty();
    if (closes) commit.commit_class = CommitClass::revoke;
    SLUIS_TRY(const auto receipt, commit_and_look_anew(backend_, std::move(commit)));
    response.set_entry(receipt.first_entry);
    return response;
  }

 private:
  Acting(Backend& backend, const Caller& caller, declaration::By by, declaration::Open open)
      : backend_(backend), caller_(caller), by_(std::move(by)), open_(std::move(open)), now_(backend.clock.now()) {}

  Backend& backend_;
  const Caller& caller_;
  declaration::By by_;
  declaration::Open open_;
  Timestamp now_;
};

const declaration::Definitions& definitions(const Backend& backend) {
  static const declaration::Definitions kNone;
  return backend.situations ? *backend.situations : kNone;
}

/// A time that has to be there.
template <class Request>
Result<Timestamp> until_of(const Request& request) {
  if (!request.has_until()) {
    return Error(ErrorCode::invalid_argument, "it is not said until when").at_pointer("/until").mended_by("give --until");
  }
  return read_time(request.until(), "/until");
}

Result<v1::DeclarationResponse> declare(Backend& backend, const v1::DeclareSituationRequest& request, const Caller& caller) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  SLUIS_TRY(const auto* definition, definitions(backend).find(request.id()));
  SLUIS_TRY(const auto until, until_of(request));
  SLUIS_TRY(auto acting, Acting::begin(backend, caller));
  SLUIS_TRY(const auto last, acting.newest(Kind::situation, request.id()));
  SLUIS_TRY(auto next,
            declaration::declare(*definition, acting.by(), request.why(), until, acting.now(), last ? &last->declaration : nullptr));
  return acting.take(nullptr, std::move(next), request.dry_run());
}

Result<v1::DeclarationResponse> renew(Backend& backend, const v1::RenewSituationRequest& request, const Caller& caller) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  SLUIS_TRY(const auto* definition, definitions(backend).find(request.id()));
  SLUIS_TRY(const auto until, until_of(request));
  SLUIS_TRY(auto acting, Acting::begin(backend, caller));
  SLUIS_TRY(const auto before, acting.existing(Kind::situation, request.id()));
  auto next = before.declaration;
  SLUIS_CHECK(declaration::renew(next, *definition, acting.by(), request.why(), until, acting.now()));
  return acting.take(&before, std::move(next), request.dry_run());
}

Result<v1::DeclarationResponse> end(Backend& backend, const v1::EndDeclarationRequest& request, const Caller& caller) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  SLUIS_TRY(const auto kind, declaration::kind_from(request.kind()));
  const auto found = definitions(backend).find(request.id());
  SLUIS_TRY(auto acting, Acting::begin(backend, caller));
  SLUIS_TRY(const auto before, acting.existing(kind, request.id()));
  auto next = before.declaration;
  SLUIS_CHECK(declaration::end(next, found ? *found : nullptr, acting.by(), request.why(), acting.now()));
  return acting.take(&before, std::move(next), request.dry_run());
}

Result<v1::DeclarationResponse> record(Backend& backend, const v1::RecordAssessmentRequest& request, const Caller& caller) {
  SLUIS_TRY(const auto vocabulary, vocabulary_of(backend));
  const std::string file = request.file().empty() ? "assessment.toml" : request.file();
  SLUIS_TRY(const auto draft, declaration::parse_assessment(request.toml(), file, *vocabulary));
  SLUIS_TRY(auto acting, Acting::begin(backend, caller));
  SLUIS_TRY(const auto last, acting.newest(Kind::assessment, draft.id));
  SLUIS_TRY(auto next, declaration::record(draft, acting.by(), acting.now(), last ? &last->declaration : nullptr));
  return acting.take(nullptr, std::move(next), request.dry_run());
}

Result<v1::ListDeclarationsResponse> list(const Backend& backend, const v1::ListDeclarationsRequest& request) {
  std::optional<Kind> kind;
  if (!request.kind().empty()) {
    SLUIS_TRY(kind, declaration::kind_from(request.kind()));
  }
  SLUIS_TRY(const auto after, catalog::read_page_token(request.page_token()));
  const std::size_t wanted = page_size(request.page_size());
  const auto now = backend.clock.now();
  v1::ListDeclarationsResponse response;
  std::string last;
  SLUIS_CHECK(declaration::visit_all(backend.store, after, [&](const Stored& one) {
    if (static_cast<std::size_t>(response.declarations_size()) == wanted) {
      response.set_next_page_token(catalog::page_token(last));
      return false;
    }
    last = one.key;
    if (kind && one.declaration.kind != *kind) return true;
    if (!request.in_force() || one.declaration.in_force(now)) *response.add_declarations() = to_proto(one.declaration, now);
    return true;
  }));
  return response;
}

Result<v1::ShowDeclarationResponse> show(const Backend& backend, const v1::ShowDeclarationRequest& request) {
  SLUIS_CHECK(require_id(request.id(), "id"));
  SLUIS_TRY(const auto kind, declaration::kind_from(request.kind()));
  SLUIS_TRY(const auto found, declaration::read_newest(backend.store, kind, request.id()));
  if (!found) {
    return Error(ErrorCode::not_found, fmt::format("there is no {} `{}`", request.kind(), request.id()))
        .mended_by(fmt::format("{} list shows those that were declared", request.kind()));
  }
  v1::ShowDeclarationResponse response;
  *response.mutable_declaration() = to_proto(found->declaration, backend.clock.now());
  return response;
}

v1::ListDefinitionsResponse list_definitions(const Backend& backend) {
  v1::ListDefinitionsResponse response;
  for (const auto& one : definitions(backend).all()) {
    auto* added = response.add_definitions();
    added->set_id(one.id);
    added->set_title(one.title);
    added->set_where(one.where);
    added->set_decided_by(one.decided_by);
    for (const auto role : one.declared_by) added->add_declared_by(std::string(identity::to_string(role)));
    for (const auto role : one.renewed_by) added->add_renewed_by(std::string(identity::to_string(role)));
    for (const auto& purpose : one.opens) added->add_opens(purpose);
    for (const auto& purpose : one.closes) added->add_closes(purpose);
    added->set_longest(format_duration(one.longest));
  }
  return response;
}

}  // namespace

void add_declarations(Methods& methods, Backend& backend) {
  methods.add<v1::DeclareSituationRequest, v1::DeclarationResponse>(
      "DeclarationService.Declare", [&backend](const auto& request, const Caller& caller) { return declare(backend, request, caller); });
  methods.add<v1::RenewSituationRequest, v1::DeclarationResponse>(
      "DeclarationService.Renew", [&backend](const auto& request, const Caller& caller) { return renew(backend, request, caller); });
  methods.add<v1::EndDeclarationRequest, v1::DeclarationResponse>(
      "DeclarationService.End", [&backend](const auto& request, const Caller& caller) { return end(backend, request, caller); });
  methods.add<v1::RecordAssessmentRequest, v1::DeclarationResponse>(
      "DeclarationService.RecordAssessment",
      [&backend](const auto& request, const Caller& caller) { return record(backend, request, caller); });
  methods.add<v1::ListDeclarationsRequest, v1::ListDeclarationsResponse>(
      "DeclarationService.List", [&backend](const auto& request, const Caller&) { return list(backend, request); });
  methods.add<v1::ShowDeclarationRequest, v1::ShowDeclarationResponse>(
      "DeclarationService.Show", [&backend](const auto& request, const Caller&) { return show(backend, request); });
  methods.add<v1::ListDefinitionsRequest, v1::ListDefinitionsResponse>(
      "DeclarationService.Definitions",
      [&backend](const auto&, const Caller&) -> Result<v1::ListDefinitionsResponse> { return list_definitions(backend); });
}

}  // namespace sluis::management
