#include "connector/base/bytes.hpp"
#include "connector/base/time.hpp"
#include "connector/records/record.hpp"

/// RFC 4180, with a head line. A spreadsheet would run a cell that begins as a formula does: such a one begins with `'`.
namespace sluis::records {
namespace {

void put(std::string& line, std::string_view text) {
  if (!line.empty()) line += ',';
  std::string cell(text);
  if (!cell.empty() && std::string_view("=+-@\t\r").find(cell.front()) != std::string_view::npos) cell.insert(0, 1, '\'');
  if (cell.find_first_of(",\"\r\n") == std::string::npos) {
    line += cell;
    return;
  }
  line += '"';
  for (const char c : cell) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

std::string number(std::uint64_t value) { return value == 0 ? std::string() : std::to_string(value); }

class Csv final : public Recorder {
 public:
  std::string head() const override {
    return "entry,time,kind,event,party,dataset,agreement,purpose,activity,application,decision,reason,sentence,end,rows,bytes,sha256,count,transaction\r\n";
  }
  void add(const Entry& entry) override {
    const v1::Shared& shared = entry.shared;
    const v1::Internal& internal = entry.internal;
    const v1::DecisionReason& decision = shared.decision();
    std::string line = std::to_string(entry.index);
    for (const std::string& cell :
         {format_time(Timestamp(Duration(shared.time_us()))), std::string(provenance::kind_name(static_cast<std::uint8_t>(entry.kind))), shared.event(),
          shared.counterparty(), shared.dataset(), shared.agreement(), shared.purpose(), internal.activity(), internal.application(),
          std::string(!shared.has_decision() ? "" : decision.permit() ? "permit" : "refused"), decision.code(), decision.sentence(), shared.end(),
          number(shared.rows()), number(shared.bytes()), to_hex(shared.digest()), number(shared.count()), shared.transaction()}) {
      put(line, cell);
    }
    out_ += line + "\r\n";
  }
  std::string take() override { return std::exchange(out_, {}); }

 private:
  std::string out_;
};

}  // namespace

std::unique_ptr<Recorder> make_csv() { return std::make_unique<Csv>(); }

}  // namespace sluis::records
