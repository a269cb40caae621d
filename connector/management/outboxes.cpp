#include "connector/base/limits.hpp"
#include "connector/management/convert.hpp"
#include "connector/management/handlers.hpp"
#include "sluis/v1/outbox.pb.h"

#include <algorithm>
#include <charconv>

namespace sluis::management {
namespace {

using outbox::DeadLetter;

v1::DeadLetter to_proto(const DeadLetter& letter) {
  v1::DeadLetter out;
  out.set_id(outbox::id_of(letter));
  out.set_peer(letter.peer);
  out.set_process(letter.process);
  out.set_service(letter.service);
  out.set_message(letter.kind);
  *out.mutable_reason() = management::to_proto(letter.reason, false);
  if (letter.queued) put_time(out.mutable_queued(), *letter.queued);
  if (letter.first_try) put_time(out.mutable_first_try(), *letter.first_try);
  if (letter.died != Timestamp{}) put_time(out.mutable_last_try(), letter.died);
  return out;
}

Result<v1::OutboxPeersResponse> peers(const Backend& backend) {
  if (!backend.outbox_standing) return not_here("an outbox");
  const outbox::Standing standing = backend.outbox_standing();
  v1::OutboxPeersResponse response;
  response.set_waiting(standing.waiting);
  response.set_counted(standing.counted);
  for (const outbox::PeerState& peer : standing.peers) {
    auto& out = *response.add_peers();
    out.set_peer(peer.peer);
    out.set_state(peer.away ? "away" : "reachable");
    out.set_failures(static_cast<std::uint32_t>(std::min<std::int64_t>(peer.failures, UINT32_MAX)));
    if (peer.since) put_time(out.mutable_since(), *peer.since);
    if (peer.next) put_time(out.mutable_next_try(), *peer.next);
  }
  return response;
}

Result<v1::ListDeadLettersResponse> list(const Backend& backend, const v1::ListDeadLettersRequest& request) {
  SLUIS_TRY(const std::string before, catalog::read_page_token(request.page_token()));
  std::uint64_t after = 0;
  if (!before.empty() && std::from_chars(before.data(), before.data() + before.size(), after).ec != std::errc()) {
    return Error(ErrorCode::invalid_argument, "`pageToken` is not one that this node gave").at_pointer("/pageToken");
  }
  const std::size_t wanted = page_size(request.page_size());
  SLUIS_TRY(const std::vector<DeadLetter> found, outbox::list_dead(backend.store, after, wanted + 1));
  v1::ListDeadLettersResponse response;
  for (std::size_t i = 0; i < std::min(found.size(), wanted); ++i) *response.add_letters() = to_proto(found[i]);
  if (found.size() > wanted) response.set_next_page_token(catalog::page_token(outbox::id_of(found[wanted - 1])));
  return response;
}

Result<DeadLetter> find(const Backend& backend, const std::string& id) {
  SLUIS_CHECK(require_id(id, "id"));
  return outbox::find_dead(backend.store, id);
}

Result<v1::RetryDeadLetterResponse> retry(const Backend& backend, const v1::RetryDeadLetterRequest& request, const Caller& caller) {
  SLUIS_TRY(const DeadLetter letter, find(backend, request.id()));
  if (letter.key.empty()) {
    return Error(ErrorCode::invalid_state, letter.reason.sentences.at(0)).mended_by("it cannot be sent again: `sluis outbox drop` takes it away");
  }
  if (!backend.retry_message) return not_here("an outbox");
  if (!request.dry_run()) SLUIS_CHECK(backend.retry_message(letter, caller.person));
  v1::RetryDeadLetterResponse response;
  *response.mutable_letter() = to_proto(letter);
  response.set_dry_run(request.dry_run());
  return response;
}

Result<v1::DropDeadLetterResponse> drop(const Backend& backend, const v1::DropDeadLetterRequest& request, const Caller& caller) {
  SLUIS_TRY(const DeadLetter letter, find(backend, request.id()));
  if (!backend.drop_message) return not_here("an outbox");
  if (request.code().empty()) {
    return Error(ErrorCode::invalid_argument, "why it is dropped must be said").at_pointer("/code").mended_by("give a code, as `not-needed`");
  }
  outbox::Reason reason{request.code(), {}};
  if (!request.sentence().empty()) reason.sentences.push_back(request.sentence());
  if (!request.dry_run()) SLUIS_CHECK(backend.drop_message(letter, outbox::bounded(std::move(reason)), caller.person));
  v1::DropDeadLetterResponse response;
  *response.mutable_letter() = to_proto(letter);
  response.set_dry_run(request.dry_run());
  return response;
}

}  // namespace

void tell_dead(const Backend& backend, const ProcessId& process, const outbox::Delivery& delivery, v1::Delivery& out) {
  const auto letter = outbox::find_dead_of(backend.store, process.str(), delivery.id);
  if (!letter || !*letter) return;
  std::string told = out.last_answer();
  if (!told.empty()) told += "; ";
  out.set_last_answer(told + "it is not sent any more (" + (*letter)->reason.code + "): see `sluis outbox show " + outbox::id_of(**letter) + "`");
  out.clear_next_attempt();
}

void add_outbox(Methods& methods, Backend& backend) {
  methods.add<v1::OutboxPeersRequest, v1::OutboxPeersResponse>("OutboxService.Peers",
                                                               [&backend](const auto&, const Caller&) { return peers(backend); });
  methods.add<v1::ListDeadLettersRequest, v1::ListDeadLettersResponse>(
      "OutboxService.List", [&backend](const auto& request, const Caller&) { return list(backend, request); });
  methods.add<v1::ShowDeadLetterRequest, v1::ShowDeadLetterResponse>(
      "OutboxService.Show", [&backend](const auto& request, const Caller&) -> Result<v1::ShowDeadLetterResponse> {
        SLUIS_TRY(const DeadLetter letter, find(backend, request.id()));
        v1::ShowDeadLetterResponse response;
        *response.mutable_letter() = to_proto(letter);
        return response;
      });
  methods.add<v1::RetryDeadLetterRequest, v1::RetryDeadLetterResponse>(
      "OutboxService.Retry", [&backend](const auto& request, const Caller& caller) { return retry(backend, request, caller); });
  methods.add<v1::DropDeadLetterRequest, v1::DropDeadLetterResponse>(
      "OutboxService.Drop", [&backend](const auto& request, const Caller& caller) { return drop(backend, request, caller); });
}

}  // namespace sluis::management
