#pragma once

#include "connector/base/ids.hpp"
#include "policy/minimise/means.hpp"
#include "policy/minimise/transform.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

namespace sluis::gate {

/// A zone of the machine's own database (`/usr/share/zoneinfo`), read once. Thread-safe. not_found, corruption.
Result<policy::ZonePtr> machine_zone(const std::string& name);

/// Whose pseudonyms they are. Each series has its own key, by HKDF-SHA-256 from the node's root key: nothing of two
/// recipients, purposes or epochs can be joined.
struct PseudonymSeries {
  std::string recipient;
  std::string purpose;
  std::string epoch;
};
/// Pseudonyms of one series, by HMAC-SHA-256.
std::shared_ptr<policy::Pseudonymiser> pseudonymiser(std::string_view root_key, const PseudonymSeries& series);
/// Where the store remembers a series, and what it remembers: a check value that tells another root key, and nothing
/// of the key. A series whose value changed would break silently; it is refused instead.
std::string series_key(const PseudonymSeries& series);
std::string series_check(std::string_view root_key, const PseudonymSeries& series);
/// The series that a release under these transforms belongs to.
std::vector<PseudonymSeries> series_of(std::span<const policy::Transform> transforms, const std::string& recipient,
                                       const std::string& purpose);

/// Who receives, and why; nothing for open data, which cannot be pseudonymised.
struct Recipient {
  std::string party;
  std::string purpose;
  std::string root_key;  ///< 32 bytes
};
/// Which rows and persons are counted, by HMAC-SHA-256 under a key from the node's root key: of no recipient, purpose or
/// dataset, or two of them could be subtracted (decision 35). The key is made on the first call: most releases count nothing.
policy::Lot lot(std::string_view root_key);

/// What the gate has for a release; lookup tables are read from files below the folder, by their declared names.
/// `root_key` is for what is the same for everybody; empty: the recipient's is.
policy::Means means_of(const std::filesystem::path& folder, const std::map<std::string, std::string>& lookups,
                       const std::optional<Recipient>& recipient, std::string_view root_key = {});

}  // namespace sluis::gate
