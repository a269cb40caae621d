#include "connector/base/bytes.hpp"
#include "connector/json/json.hpp"
#include "connector/records/record.hpp"

/// FSC Logging 1.1.0 (`logRecord` of its OpenAPI): one record for each data request that came, and for each that is sent.
namespace sluis::records {
namespace {

using provenance::EntryKind;

class Fsc final : public Recorder {
 public:
  explicit Fsc(const Surroundings& around) : around_(around) {}

  void add(const Entry& entry) override {
    const v1::Shared& shared = entry.shared;
    const bool outgoing = entry.kind == EntryKind::intent;
    // At the gate a caller showed a certificate; what the intake or the decision point refused was sent to nobody.
    const bool incoming = entry.kind == EntryKind::decision && !entry.internal.certificate().empty();
    if (!outgoing && !incoming) return;
    const std::string own = around_.oin(around_.self), other = around_.oin(shared.counterparty());
    std::string transaction = shared.transaction();
    if (transaction.starts_with("urn:uuid:")) transaction.erase(0, 9);
    if (own.empty() || other.empty() || transaction.empty() || shared.dataset().empty()) {
      ++left_out_;
      return;
    }
    json::Value more = json::object({{"agreement", shared.agreement()}, {"agreement_hash", to_hex(shared.agreement_hash())}, {"dataset", shared.dataset()},
                                     {"log_entry", entry.index}, {"permitted", shared.decision().permit()}});
    const json::Value record = json::object(
        {{"transaction_id", transaction},
         {"direction", outgoing ? "DIRECTION_OUTGOING" : "DIRECTION_INCOMING"},
         {"grant_hash", "urn:sluis:agreement:sha-256:" + to_hex(shared.agreement_hash())},
         {"source", json::object({{"type", "SOURCE_TYPE_SOURCE"}, {"outway_peer_id", outgoing ? own : other}})},
         {"destination", json::object({{"type", "DESTINATION_TYPE_DESTINATION"}, {"service_peer_id", outgoing ? other : own}})},
         {"service_name", shared.dataset()},
         {"additional_data", std::move(more)},
         {"created_at", shared.time_us() / 1'000'000}});
    out_ += json::serialise(record) + '\n';
  }
  std::string take() override { return std::exchange(out_, {}); }

 private:
  const Surroundings& around_;
  std::string out_;
};

}  // namespace

std::unique_ptr<Recorder> make_fsc(const Surroundings& around) { return std::make_unique<Fsc>(around); }

}  // namespace sluis::records
