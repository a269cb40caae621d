#include "connector/node/revocation_file.hpp"

#include "certs/authority.hpp"
#include "connector/base/limits.hpp"
#include "connector/node/list_fetching.hpp"
#include "connector/provenance/whole_file.hpp"

#include <algorithm>
#include <utility>

namespace sluis::node {
namespace {

using crypto::Certificate;
using crypto::ListOrder;
using crypto::RevocationList;
using identity::Judged;

/// Who may sign lists: of the file of roots, and of the node's own chain what stands above its certificate.
struct Authorities {
  std::vector<Certificate> roots;
  std::vector<Certificate> all;

  static Result<Authorities> read(const RevocationFile::Files& files) {
    Authorities out;
    SLUIS_TRY(const std::string roots, certs::read_file(files.roots));
    SLUIS_TRY(out.roots, crypto::certificates_from_pem(roots));
    out.all = out.roots;
    SLUIS_TRY(const std::string chain, certs::read_file(files.chain));
    SLUIS_TRY(const std::vector<Certificate> own, crypto::certificates_from_pem(chain));
    out.all.insert(out.all.end(), own.begin() + 1, own.end());
    return out;
  }
  bool signed_it(const RevocationList& list, Timestamp now) const {
    return std::any_of(all.begin(), all.end(), [&](const Certificate& one) { return list.signed_by(one) && crypto::leads_to_root(one, all, roots, now); });
  }
};

/// What is against a list, whatever is held; empty: nothing.
std::string fault(const RevocationList& list, const Authorities& authorities, Timestamp now) {
  if (!authorities.signed_it(list, now)) return "no authority of the roots, or of this node's own chain, signed it";
  if (list.this_update() > now + limits::kSkew) return "it is of " + format_time(list.this_update()) + ", which is yet to come";
  const auto end = list.next_update();
  if (!end) return "it says no end";
  if (*end <= now) return "it was over at " + format_time(*end);
  return {};
}

const RevocationList* newest_of(const std::vector<RevocationList>& lists, const std::string& issuer) {
  const RevocationList* out = nullptr;
  for (const RevocationList& one : lists) {
    if (one.issuer_der() == issuer && (out == nullptr || crypto::compare(one, *out) == ListOrder::newer)) out = &one;
  }
  return out;
}

int rank(Judged::Kind kind) {
  switch (kind) {
    case Judged::Kind::same: return 0;
    case Judged::Kind::taken: return 1;
    case Judged::Kind::older: return 2;
    case Judged::Kind::refused: return 3;
    case Judged::Kind::contradicts: return 4;
    case Judged::Kind::not_taken: return 5;
  }
  return 5;
}

Judged judge(const RevocationList& list, const std::vector<RevocationList>& held, const Authorities& authorities, Timestamp now) {
  const std::string whose = "the list of `" + list.issuer() + "` of " + format_time(list.this_update());
  if (const std::string why = fault(list, authorities, now); !why.empty()) return {Judged::Kind::refused, whose + ": " + why};
  const RevocationList* before = newest_of(held, list.issuer_der());
  if (before == nullptr) return {Judged::Kind::taken, whose};
  switch (crypto::compare(list, *before)) {
    case ListOrder::newer: return {Judged::Kind::taken, whose};
    case ListOrder::same: return {Judged::Kind::same, {}};
    case ListOrder::older: return {Judged::Kind::older, whose + " is older than the one in place, of " + format_time(before->this_update())};
    case ListOrder::another: return {Judged::Kind::contradicts, whose + " is another than the one of the same number or time that is in place"};
  }
  return {Judged::Kind::refused, whose};
}

}  // namespace

void RevocationFile::refresh() {
  const auto version = file_version(files_.lists);
  if (!version || *version == read_) return;
  auto bytes = read_place(files_.lists.string(), kMostBytes);
  if (!bytes) return;
  read_ = is_settled(*version, SystemClock().now()) ? *version : FileVersion{};
  const std::string digest = to_hex(crypto::sha256(*bytes));
  if (digest == digest_) return;
  auto lists = RevocationList::read(*bytes);
  if (!lists) return;
  lists_ = std::move(*lists);
  digest_ = digest;
}

bool RevocationFile::look() {
  const std::lock_guard lock(mutex_);
  refresh();
  return std::exchange(seen_, digest_) != digest_;
}

std::string RevocationFile::held() {
  const std::lock_guard lock(mutex_);
  refresh();
  return digest_;
}

Result<void> RevocationFile::still_good(const http::PeerCertificate& certificate) {
  const std::lock_guard lock(mutex_);
  refresh();
  for (const auto& one : certificate.chain) {
    for (const RevocationList& list : lists_) {
      const auto reason = list.reason(one.get());
      if (reason && *reason != RevocationList::kSuperseded) {
        return Error(ErrorCode::permission_denied, "its certificate, or an authority above it, was revoked by the list of " + format_time(list.this_update()));
      }
    }
  }
  return {};
}

Judged RevocationFile::take(std::string_view bytes, Timestamp now) {
  const auto offered = RevocationList::read(bytes);
  if (!offered) return {Judged::Kind::refused, offered.error().message};
  const auto authorities = Authorities::read(files_);
  if (!authorities) return {Judged::Kind::not_taken, describe(authorities.error())};
  const std::lock_guard lock(mutex_);
  refresh();
  std::vector<RevocationList> lists = lists_;
  Judged worst{Judged::Kind::same, {}};
  bool newer = false;
  for (const RevocationList& one : *offered) {
    const Judged judged = judge(one, lists, *authorities, now);
    if (rank(judged.kind) > rank(worst.kind)) worst = judged;
    if (judged.kind != Judged::Kind::taken) continue;
    newer = true;
    std::erase_if(lists, [&](const RevocationList& other) { return other.issuer_der() == one.issuer_der(); });
    lists.push_back(one);
  }
  const bool missing = !file_version(files_.lists);
  if (lists.empty() || !(newer || missing)) return worst;
  std::string text;
  for (const RevocationList& one : lists) text += one.pem();
  if (text.size() > kMostBytes) return {Judged::Kind::refused, "with it the file would have more than " + std::to_string(kMostBytes) + " bytes"};
  if (const auto written = provenance::write_whole_file(files_.lists, text, 0644); !written) return {Judged::Kind::not_taken, describe(written.error())};
  lists_ = std::move(lists);
  digest_ = to_hex(crypto::sha256(text));
  read_ = {};
  return worst;
}

}  // namespace sluis::node
