#pragma once

#include "policy/minimise/transformer.hpp"

#include <fstream>
#include <sstream>

namespace sluis::policy::test {

/// Zones as this machine has them.
inline Result<ZonePtr> machine_zone(const std::string& name) {
  if (name == "UTC") return std::make_shared<const ZoneTable>(ZoneTable::utc());
  std::ifstream in("/usr/share/zoneinfo/" + name, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  SLUIS_TRY(ZoneTable table, parse_tzif(text.str(), name));
  return std::make_shared<const ZoneTable>(std::move(table));
}

/// Not secret at all: enough to see which cells went through it.
class MarkingPseudonymiser final : public Pseudonymiser {
 public:
  explicit MarkingPseudonymiser(std::uint8_t mark) : mark_(mark) {}
  void pseudonyms(std::span<const std::string_view> in, std::span<Pseudonym> out) override {
    for (std::size_t i = 0; i < in.size(); ++i) {
      out[i].fill(mark_);
      for (std::size_t c = 0; c < in[i].size(); ++c) {
        out[i][c % 16] = static_cast<std::uint8_t>(out[i][c % 16] * 31U + static_cast<unsigned char>(in[i][c]));
      }
    }
  }

 private:
  std::uint8_t mark_;
};

inline Means means() {
  Means means;
  means.zones = machine_zone;
  means.pseudonymiser = [](const std::string& epoch) -> Result<std::shared_ptr<Pseudonymiser>> {
    return std::make_shared<MarkingPseudonymiser>(static_cast<std::uint8_t>(epoch.size()));
  };
  means.lot = [](std::string_view text) { return static_cast<std::uint8_t>(text.find("not drawn") == text.npos ? 255 : 0); };
  means.places = [](const std::string& name) -> Result<std::shared_ptr<const PlaceTable>> {
    if (name != "districts") return Error(ErrorCode::not_found, "no lookup table `" + name + "`");
    SLUIS_TRY(PlaceTable table, parse_place_table("place,district\nKerkstraat,Centrum\nHaven,\"Noord, oost\"\n", "districts.csv"));
    return std::make_shared<const PlaceTable>(std::move(table));
  };
  return means;
}

inline DatasetColumns columns(std::initializer_list<const char*> kept) {
  DatasetColumns dataset;
  for (const char* name : kept) dataset.columns.push_back({name, ColumnAction::keep, false, std::nullopt});
  return dataset;
}

/// What leaves, or how the error reads.
inline std::string run(const DatasetColumns& dataset, const std::vector<Transform>& transforms, std::string_view text,
                       CsvFormat format = {}, std::size_t step = 7, ScanKind kind = best_scan(), const Means& with = means()) {
  auto plan = ColumnPlan::compile(dataset, transforms, with);
  if (!plan) return describe(plan.error());
  Transformer transformer(std::move(*plan), std::move(format), kind);
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += step) {
    const auto some = transformer.feed(text.substr(i, step));
    if (!some) return describe(some.error());
    out += *some;
  }
  const auto rest = transformer.finish();
  return rest ? out + *rest : describe(rest.error());
}

}  // namespace sluis::policy::test
