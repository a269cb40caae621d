#include "connector/base/bytes.hpp"
#include "connector/base/time.hpp"
#include "connector/json/json.hpp"
#include "connector/records/record.hpp"

/// CloudEvents 1.0 in JSON (CloudEvents spec 1.0.2, and its JSON event format), one a line. An event says what the counterparty may know of
/// its entry, and no person, activity or application: whoever needs these reads the log, in a role.
namespace sluis::records {
namespace {

class Events final : public Recorder {
 public:
  explicit Events(const Surroundings& around) : self_(around.self) {}

  void add(const Entry& entry) override {
    const v1::Shared& shared = entry.shared;
    json::Value data = json::object({{"entry", entry.index}});
    const auto put = [&](json::Value& into, const char* name, const std::string& text) {
      if (!text.empty()) into.set(name, text);
    };
    for (const auto& [name, text] : {std::pair("event", &shared.event()), std::pair("counterparty", &shared.counterparty()),
                                     std::pair("transaction", &shared.transaction()), std::pair("dataset", &shared.dataset()),
                                     std::pair("negotiation", &shared.negotiation()), std::pair("agreement", &shared.agreement()),
                                     std::pair("transfer", &shared.transfer()), std::pair("purpose", &shared.purpose()), std::pair("end", &shared.end())}) {
      put(data, name, *text);
    }
    put(data, "sha256", to_hex(shared.digest()));
    for (const auto& [name, count] : {std::pair("rows", shared.rows()), std::pair("bytes", shared.bytes()), std::pair("count", shared.count())}) {
      if (count != 0) data.set(name, count);
    }
    if (shared.has_decision()) {
      json::Value decision = json::object({{"permit", shared.decision().permit()}});
      put(decision, "code", shared.decision().code());
      put(decision, "sentence", shared.decision().sentence());
      data.set("decision", std::move(decision));
    }
    json::Value event = json::object({{"specversion", "1.0"}, {"id", to_hex(view(entry.commitment))}, {"source", self_},
                                      {"type", "org.w3id.sluis." + std::string(provenance::kind_name(static_cast<std::uint8_t>(entry.kind)))},
                                      {"time", format_time(Timestamp(Duration(shared.time_us())))}, {"datacontenttype", "application/json"}});
    put(event, "subject", !shared.agreement().empty() ? shared.agreement() : !shared.negotiation().empty() ? shared.negotiation() : shared.dataset());
    event.set("data", std::move(data));
    out_ += json::serialise(event) + "\n";
  }
  std::string take() override { return std::exchange(out_, {}); }

 private:
  std::string self_;
  std::string out_;
};

}  // namespace

std::unique_ptr<Recorder> make_events(const Surroundings& around) { return std::make_unique<Events>(around); }

}  // namespace sluis::records
