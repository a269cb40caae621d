#include "connector/gate/means.hpp"

#include "connector/base/zoneinfo.hpp"
#include "connector/crypto/crypto.hpp"
#include "connector/crypto/hmac.hpp"
#include "connector/gate/source.hpp"
#include "policy/minimise/limits.hpp"

#include <algorithm>
#include <mutex>

namespace sluis::gate {
namespace {

class Keyed final : public policy::Pseudonymiser {
 public:
  explicit Keyed(std::string_view key) : hmac_(key) {}
  void pseudonyms(std::span<const std::string_view> in, std::span<policy::Pseudonym> out) override {
    for (std::size_t i = 0; i < in.size(); ++i) {
      const Hash hash = hmac_.of(in[i]);
      std::copy_n(hash.begin(), out[i].size(), out[i].begin());
    }
  }

 private:
  crypto::HmacSha256 hmac_;
};

/// Parts with their sizes, so that no two series read the same.
std::string written(const PseudonymSeries& series) {
  std::string text;
  for (const std::string* part : {&series.recipient, &series.purpose, &series.epoch}) {
    text += std::to_string(part->size()) + ":" + *part;
  }
  return text;
}

std::string key_of(std::string_view root_key, const PseudonymSeries& series) {
  return crypto::hkdf_sha256(root_key, "sluis pseudonyms 1", written(series), 32);
}

}  // namespace

Result<policy::ZonePtr> machine_zone(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, policy::ZonePtr> zones;  // the names that the database has: a few hundred
  const std::lock_guard lock(mutex);
  if (const auto found = zones.find(name); found != zones.end()) return found->second;
  SLUIS_TRY(const std::string bytes, read_zoneinfo(name));
  SLUIS_TRY(policy::ZoneTable table, policy::parse_tzif(bytes, name));
  return zones.emplace(name, std::make_shared<const policy::ZoneTable>(std::move(table))).first->second;
}

std::shared_ptr<policy::Pseudonymiser> pseudonymiser(std::string_view root_key, const PseudonymSeries& series) {
  return std::make_shared<Keyed>(key_of(root_key, series));
}

std::string series_key(const PseudonymSeries& series) {
  return "pseudonyms/" + to_hex(crypto::sha256(written(series)));
}

std::string series_check(std::string_view root_key, const PseudonymSeries& series) {
  return crypto::hkdf_sha256(root_key, "sluis pseudonyms 1 check", written(series), 16);
}

std::vector<PseudonymSeries> series_of(std::span<const policy::Transform> transforms, const std::string& recipient,
                                       const std::string& purpose) {
  std::vector<PseudonymSeries> list;
  for (const policy::Transform& transform : transforms) {
    if (const auto* one = std::get_if<policy::Pseudonymise>(&transform)) {
      list.push_back({recipient, purpose, one->epoch});
    }
  }
  return list;
}

policy::Lot lot(std::string_view root_key) {
  return [root = std::string(root_key), hmac = std::shared_ptr<crypto::HmacSha256>()](std::string_view text) mutable {
    if (!hmac) hmac = std::make_shared<crypto::HmacSha256>(crypto::hkdf_sha256(root, "sluis lots 1", "", 32));
    return static_cast<std::uint8_t>(hmac->of(text)[0]);
  };
}

policy::Means means_of(const std::filesystem::path& folder, const std::map<std::string, std::string>& lookups,
                       const std::optional<Recipient>& recipient, std::string_view root_key) {
  policy::Means means;
  means.zones = machine_zone;
  if (root_key.empty() && recipient) root_key = recipient->root_key;
  if (root_key.size() == 32) means.lot = lot(root_key);
  if (recipient && recipient->root_key.size() == 32 && !recipient->purpose.empty()) {
    means.pseudonymiser = [who =
                               *recipient](const std::string& epoch) -> Result<std::shared_ptr<policy::Pseudonymiser>> {
      return pseudonymiser(who.root_key, {who.party, who.purpose, epoch});
    };
  }
  means.places = [folder, lookups](const std::string& name) -> Result<std::shared_ptr<const policy::PlaceTable>> {
    const auto file = lookups.find(name);
    if (file == lookups.end()) {
      return Error(ErrorCode::not_found, "the dataset declares no lookup table `" + name + "`");
    }
    SLUIS_TRY(FileSource source, FileSource::open(folder, file->second));
    std::string text;
    for (;;) {
      SLUIS_TRY(const std::string_view block, source.read());
      if (block.empty()) break;
      text += block;
      if (text.size() > policy::limits::kLookupBytes) break;  // the reader says so
    }
    SLUIS_TRY(policy::PlaceTable table, policy::parse_place_table(text, file->second));
    return std::make_shared<const policy::PlaceTable>(std::move(table));
  };
  return means;
}

}  // namespace sluis::gate
