/// Fills the store of a node that is not running with negotiations that wait for a party to take their first message, each with its
/// deadline and its message in the outbox.
///
/// usage: sluis_bench_waiting STORE COUNT SELF PEER URL

#include "connector/base/random.hpp"
#include "connector/json/json.hpp"
#include "connector/negotiation/model.hpp"
#include "connector/outbox/due.hpp"
#include "connector/outbox/envelope.hpp"
#include "connector/outbox/keys.hpp"
#include "connector/storage/rocks_store.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace {

using namespace sluis;

constexpr std::size_t kAtOnce = 2000;  // processes of one write

struct Filling {
  ParticipantId self, peer;
  std::string url;
  Timestamp now;
  std::uint64_t sequence = 0;
};

void add(const Filling& filling, std::uint64_t number, Random& random, Commit& commit) {
  negotiation::Negotiation n;
  n.own_pid = ProcessId(random.uuid_urn());
  n.peer = filling.peer;
  n.peer_url = filling.url;
  n.dataset = DatasetId("urn:duinmeer:counts");
  n.offer = json::object({{"@id", "urn:duinmeer:counts#offer"}, {"@type", "Offer"}, {"permission", json::array({json::object({{"action", "use"}})})}});
  n.created = n.updated = filling.now;
  n.deadline = filling.now + std::chrono::days(7) + Duration(static_cast<std::int64_t>(number));
  n.pending = negotiation::Pending{};
  n.pending->delivery.id = to_hex(random.bytes(16));
  n.pending->delivery.next_attempt = filling.now;
  outbox::Envelope envelope{"negotiation", n.pending->delivery.id, "request", "consumer", filling.url, "", {}, false, filling.now};
  envelope.body = json::serialise(json::object({{"@type", "ContractRequestMessage"}, {"consumerPid", n.own_pid.str()}, {"offer", n.offer}}));
  commit.changes.push_back({negotiation::negotiation_key(n.own_pid), encode(n)});
  outbox::index_due(commit, negotiation::kDuePrefix, n.own_pid.str(), std::nullopt, n.deadline);
  commit.changes.push_back({outbox::process_prefix(filling.peer.str(), n.own_pid.str()) + fmt::format("{:016x}", filling.sequence + number + 1), outbox::encode(envelope)});
}

Result<void> fill(const char* folder, std::uint64_t count, Filling filling) {
  SystemRandom random;
  SLUIS_TRY(const std::unique_ptr<storage::KvStore> store, storage::open_rocks_store(folder, false));
  SLUIS_TRY(const std::optional<std::string> last, store->get(outbox::kSequenceKey));
  if (last) filling.sequence = get_u64(*last);
  for (std::uint64_t done = 0; done < count;) {
    Commit commit;
    for (std::size_t i = 0; i < kAtOnce && done < count; ++i, ++done) add(filling, done, random, commit);
    std::string sequence;
    put_u64(sequence, filling.sequence + done);
    commit.changes.push_back({std::string(outbox::kSequenceKey), sequence});
    SLUIS_CHECK(store->write(commit.changes, done == count));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: sluis_bench_waiting STORE COUNT SELF PEER URL\n", stderr);
    return 2;
  }
  const Filling filling{ParticipantId(argv[3]), ParticipantId(argv[4]), argv[5], SystemClock().now(), 0};
  const auto done = fill(argv[1], std::strtoull(argv[2], nullptr, 10), filling);
  if (!done) std::fprintf(stderr, "%s\n", describe(done.error()).c_str());
  return done ? 0 : 1;
}
