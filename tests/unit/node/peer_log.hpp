#pragma once

#include "connector/node/evidence_channel.hpp"
#include "tests/unit/gate/world.hpp"
#include "tests/unit/identity/support.hpp"

namespace sluis::test {

using provenance::EntryKind;

/// Another party's log, of which this node gets receipts.
struct PeerLog {
  PeerLog(const TempFolder& folder, Random& random, std::string origin)
      : keys(folder.path() / ("keys-of-" + origin.substr(0, 4)), random), name(std::move(origin)), appender(keys, random) {}

  provenance::Receipt append(EntryKind kind, const Hash& digest, const v1::Shared& shared, Timestamp now) {
    std::vector<storage::Change> changes;
    EXPECT_TRUE(appender.append({static_cast<std::uint8_t>(kind), digest, shared.SerializeAsString(), "not shown"}, now, changes));
    appender.seal(now, changes);
    EXPECT_TRUE(store.write(changes, true));
    ++size;
    const std::string note = provenance::sign_checkpoint({name, size, appender.root()}, key);
    const auto made = provenance::make_receipt(provenance::LogReader(store, keys), size - 1, note, provenance::VerifierKey::of(name, key));
    EXPECT_TRUE(made) << describe(made.error());
    return *made;
  }
  std::string vkey() const { return provenance::VerifierKey::of(name, key).text(); }

  provenance::PayloadKeys keys;
  std::string name;
  crypto::Key key = crypto::Key::generate(crypto::Key::Kind::ed25519);
  storage::MemoryStore store;
  provenance::LogAppender appender;
  std::uint64_t size = 0;
};

/// Answers every request with the same.
struct OneAnswer final : http::PeerTransport {
  Result<http::PeerResponse> send(const http::PeerRequest& request) override {
    asked = request;
    return answer;
  }
  http::PeerRequest asked;
  http::PeerResponse answer{404, {}, "nothing"};
};

}  // namespace sluis::test
