#include "connector/management/findings_signed.hpp"

#include "connector/management/convert.hpp"
#include "connector/management/entries.hpp"
#include "connector/provenance/passing.hpp"

#include <fmt/core.h>

namespace sluis::management {
namespace {

using provenance::EntryKind;

/// Calls `visit` with the number and leaf of each entry that holds a statement, until it says no.
Result<void> each_signed(const Backend& backend, const std::function<Result<bool>(std::uint64_t, const provenance::Leaf&)>& visit) {
  SLUIS_TRY(const std::uint64_t entries, backend.log.entries());
  SLUIS_TRY(const std::uint64_t first_kept, backend.log.first_kept());
  for (std::uint64_t number = first_kept; number < entries; ++number) {
    SLUIS_TRY(const std::optional<provenance::Leaf> leaf, provenance::leaf_or_skip(backend.log, number));
    if (!leaf || leaf->kind != static_cast<std::uint8_t>(EntryKind::findings_signed)) continue;
    SLUIS_TRY(const bool on, visit(number, *leaf));
    if (!on) break;
  }
  return {};
}

Result<std::optional<std::uint64_t>> find_recorded(const Backend& backend, const Hash& digest) {
  std::optional<std::uint64_t> found;
  SLUIS_CHECK(each_signed(backend, [&](std::uint64_t number, const provenance::Leaf& leaf) -> Result<bool> {
    if (leaf.policy_digest == digest) found = number;
    return !found;
  }));
  return found;
}

Error other_log(std::string message) {
  return Error(ErrorCode::conflict, std::move(message))
      .mended_by("ask for the findings again, and sign those; keep the old ones: `audit verify --anchor` says whether a log was rewritten");
}

/// Whether it rests on what this node's log is, up to there.
Result<void> check_rests(const Backend& backend, const identity::Statement& statement) {
  if (statement.node != backend.self) {
    const std::string other = fmt::format("the statement is about node `{}`, and this is `{}`", statement.node.str(), backend.self.str());
    return Error(ErrorCode::invalid_argument, other).at_pointer("/node");
  }
  // That of a node's first log is not kept with it.
  const provenance::Shard& log = backend.log.shard();
  const std::string& origin = log.origin.empty() ? backend.log_origin : log.origin;
  if (statement.origin != origin || statement.first != log.first) {
    return other_log(fmt::format("the statement rests on log `{}` from entry {} on, and `{}` from entry {} on is written now", statement.origin,
                                 statement.first, origin, log.first));
  }
  SLUIS_TRY(const std::uint64_t size, backend.log.size());
  if (statement.size > size) return other_log(fmt::format("the statement rests on {} entries of the log, which has {}", statement.size, size));
  SLUIS_TRY(const Hash root, backend.log.root(statement.size));
  if (root != statement.root) return other_log(fmt::format("the first {} entries of the log have another root than the statement rests on", statement.size));
  return {};
}

}  // namespace

Result<std::uint64_t> record_statement(Backend& backend, const v1::AuditSignRequest& request, const Caller& caller) {
  if (caller.key.empty()) {
    return Error(ErrorCode::permission_denied, fmt::format("no key stands with `{}`, so nothing can be signed in that role", caller.person))
        .mended_by("make one on your own machine with `sluis audit key FILE`, and have FILE.pub put with your role: `sluis role add --signing-key`");
  }
  SLUIS_TRY(const crypto::Key key, crypto::Key::from_ed25519_public(caller.key));
  SLUIS_TRY(const identity::SignedStatement opened, identity::SignedStatement::open(request.statement()));
  SLUIS_TRY(const identity::Statement statement, opened.verify(key));
  SLUIS_CHECK(check_rests(backend, statement));
  const Hash digest = crypto::sha256(request.statement());
  SLUIS_TRY(const auto recorded, find_recorded(backend, digest));
  if (recorded) return *recorded;
  if (request.dry_run()) return 0;
  v1::Shared shared;
  shared.set_event("signed");
  shared.set_document(request.statement());
  shared.set_digest(std::string(view(digest)));
  shared.set_count(statement.findings.size());
  Commit commit;
  commit.id = "findings-" + to_hex(digest);
  commit.entries.push_back(make_entry(backend, caller, EntryKind::findings_signed, std::move(shared), digest));
  SLUIS_TRY(const CommitReceipt receipt, backend.commits.commit_and_wait(std::move(commit)));
  return receipt.first_entry;
}

std::string subject_of(const v1::AuditFinding& finding) {
  identity::JudgedFinding same;
  same.code = finding.code();
  same.party = finding.party();
  same.dataset = finding.dataset();
  same.agreement = finding.agreement();
  same.purpose = finding.purpose();
  same.activity = finding.activity();
  same.entries.assign(finding.entries().begin(), finding.entries().end());
  return same.subject();
}

Result<std::map<std::string, v1::AuditJudgement>> read_judgements(const Backend& backend, Timestamp until) {
  std::map<std::string, v1::AuditJudgement> judged;
  SLUIS_CHECK(each_signed(backend, [&](std::uint64_t number, const provenance::Leaf&) -> Result<bool> {
    const auto payload = backend.log.payload(number);
    if (!payload && payload.error().code != ErrorCode::not_found) return payload.error();
    v1::Shared shared;
    v1::Internal internal;
    if (!payload || !shared.ParseFromString(payload->shared) || !internal.ParseFromString(payload->internal)) return true;
    const Timestamp signed_at{Duration(shared.time_us())};
    const auto opened = identity::SignedStatement::open(shared.document());
    const auto statement = opened ? opened->read() : Result<identity::Statement>(opened.error());
    if (!statement || signed_at > until) return true;
    for (const identity::JudgedFinding& finding : statement->findings) {
      v1::AuditJudgement& one = judged[finding.subject()];
      one.set_judgement(std::string(identity::to_string(finding.judgement)));
      one.set_why(finding.why);
      one.set_by(finding.by ? format_time(*finding.by).substr(0, 10) : "");
      one.set_overdue(finding.by && identity::is_past(*finding.by, until));
      one.set_person(internal.person());
      put_time(one.mutable_at(), signed_at);
      one.set_entry(number);
    }
    return true;
  }));
  return judged;
}

}  // namespace sluis::management
