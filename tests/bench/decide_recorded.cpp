#include "tests/bench/decide_recorded.hpp"

#include "connector/commit/sequencer.hpp"
#include "connector/gate/evidence.hpp"
#include "connector/identity/claim.hpp"
#include "connector/storage/rocks_store.hpp"
#include "tests/support/doubles.hpp"

#include <atomic>
#include <thread>

namespace sluis::bench {
namespace {

constexpr std::size_t kChecked = 2'000;
constexpr unsigned kCallers = 64;
constexpr std::chrono::milliseconds kRun{1'500};

/// A request as the gate gets it: its words, and the claim that a consumer's node signed.
struct Signed {
  const Words* words = nullptr;
  std::string token;
  identity::ClaimExpected expected;
};

std::vector<Signed> sign(const World& world, const crypto::Key& key) {
  std::vector<Signed> all;
  for (std::size_t i = 0; i < kChecked; ++i) {
    const Words& words = world.spoken[i];
    identity::Claim claim;
    claim.iss = ParticipantId(words.recipient);
    claim.aud = ParticipantId("did:web:waterrijk.example");
    claim.agreement = AgreementId("urn:agreement:" + std::to_string(words.agreement));
    claim.transfer = ProcessId("urn:transfer:" + std::to_string(words.agreement));
    claim.transaction = TransactionId("urn:uuid:" + std::to_string(i));
    claim.purpose = words.purpose;
    claim.activity = "https://duinmeer.example/activities/crowd";
    claim.iat = std::chrono::floor<std::chrono::seconds>(words.now);
    claim.jti = "jti-" + std::to_string(i);
    claim.method = "GET";
    claim.path = "/data/x";
    all.push_back({&words, identity::make_claim(claim, "claim-1", key),
                   {claim.iss, claim.aud, claim.agreement, claim.transfer, "GET", "/data/x", words.now}});
  }
  return all;
}

/// The claim, and then the decision for the purpose that it states.
Decision decide(const World& world, const Signed& one, const identity::ClaimKeyLookup& key) {
  const auto checked = identity::check_claim(one.token, one.expected, key);
  if (!checked.ok()) std::exit(1);
  Asked asked;
  const Program& program = world.programs[one.words->agreement];
  intern(*one.words, program, *world.purposes, world.agreed, asked);
  return program.decide(*asked.facts);
}

EntryDraft entry(const Signed& one, const Decision& decision) {
  v1::Shared shared;
  gate::set_time(shared, one.words->now);
  shared.set_event("request");
  shared.set_self("did:web:waterrijk.example");
  shared.set_counterparty(one.words->recipient);
  shared.set_dataset(one.words->target);
  shared.set_agreement(one.expected.agreement.str());
  shared.set_purpose(one.words->purpose);
  shared.mutable_decision()->set_permit(decision.permit);
  shared.mutable_decision()->set_code(std::string(to_string(decision.reason)));
  v1::Internal internal;
  internal.set_activity("https://duinmeer.example/activities/crowd");
  return gate::make_entry(provenance::EntryKind::decision, Hash{}, shared, internal);
}

}  // namespace

bool print_recorded(const World& world) {
  const auto key = crypto::Key::generate(crypto::Key::Kind::p256);
  const auto known = crypto::Key::from_pem(key.public_pem());
  if (!known) return false;
  const identity::ClaimKeyLookup lookup = [&](const ParticipantId&, std::string_view) -> Result<crypto::Key> { return *known; };
  const std::vector<Signed> all = sign(world, key);

  std::vector<double> checked;
  std::size_t permits = 0;
  for (const Signed& one : all) {
    const auto begin = Steady::now();
    permits += decide(world, one, lookup).permit;
    checked.push_back(nanoseconds(Steady::now() - begin));
  }
  print("with the claim check", checked, static_cast<double>(permits) / kChecked);

  const test::TempFolder folder;
  SystemClock clock;
  SystemRandom random;
  storage::ReopeningStore store([&] { return storage::open_rocks_store(folder.path() / "store", true); });
  provenance::PayloadKeys keys(folder.path() / "keys", random);
  commit::Sequencer sequencer(store, keys, clock, random,
                              {"bench/log", crypto::Key::generate(crypto::Key::Kind::ed25519), folder.path() / "slots"});
  if (!sequencer.open()) return false;
  const auto recorded = [&](const Signed& one) {
    const Decision decision = decide(world, one, lookup);
    Commit commit;
    commit.entries.push_back(entry(one, decision));
    return sequencer.commit_and_wait(std::move(commit)).has_value() && decision.permit;
  };
  std::vector<double> durable;
  permits = 0;
  for (const Signed& one : all) {
    const auto begin = Steady::now();
    permits += recorded(one);
    durable.push_back(nanoseconds(Steady::now() - begin));
  }
  print("with the claim check and a durable record", durable, static_cast<double>(permits) / kChecked);

  std::atomic<std::uint64_t> done = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  const auto begin = Steady::now();
  for (unsigned t = 0; t < kCallers; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; !stop; ++i, ++done) (void)recorded(all[i % all.size()]);
    });
  }
  std::this_thread::sleep_for(kRun);
  stop = true;
  for (auto& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  print("with both, at " + std::to_string(kCallers) + " callers", static_cast<double>(done) / seconds, "decisions/s");
  return true;
}

}  // namespace sluis::bench
