#pragma once

#include "connector/base/bytes.hpp"
#include "connector/base/time.hpp"
#include "connector/provenance/entry.hpp"
#include "sluis/v1/evidence.pb.h"

#include <string>
#include <string_view>
#include <vector>

/// A folder with all that checks a period of a node's log on a machine without a network (decision 21): what its files are called, and its
/// manifest. The node makes it (connector/management), `package_check.hpp` checks it.
///   manifest.json              each other file but the proof, with its SHA-256
///   proof.json                 the receipt of the entry that records the manifest's SHA-256
///   LEESMIJ.txt, README.txt    what is in it, and which commands check it
///   keys.txt                   the logs' verification keys, a line each, oldest first
///   witnesses.policy           whose cosignatures the node asks for (C2SP tlog-policy)
///   logs/<n>/…                 each log as `audit export-log --payloads` writes it; payloads out of the period are left out
///   report/<n>.csv             the period's entries, those with the same number / 65,536 together
///   documents/<what>/<sha256>  what entries name by its hash: offers, agreements, purposes, membership
///   activities/<entry>.json    what an entry says itself: a version of a processing activity
///   findings/<entry>.jws       and signed findings
namespace sluis::records {

inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr std::string_view kPackageProof = "proof.json";
inline constexpr std::string_view kPackageKeys = "keys.txt";
inline constexpr std::string_view kPackagePolicy = "witnesses.policy";
inline constexpr std::uint64_t kRowsPerReport = 65'536;
inline constexpr std::size_t kPackageFiles = 16'384;
inline constexpr std::size_t kManifestBytes = 4U << 20U;

struct PackagedLog {
  std::string origin;
  std::uint64_t first = 0;  ///< number of its first entry
  std::uint64_t size = 0;   ///< of the checkpoint that goes along
};
struct PackagedFile {
  std::string name;
  std::uint64_t bytes = 0;
  Hash sha256{};
};
struct Manifest {
  std::string node;  ///< participant id
  std::string name;  ///< the organisation's
  std::string role;  ///< of who took it
  Timestamp from;    ///< inclusive
  Timestamp until;   ///< exclusive
  Timestamp made;
  std::vector<PackagedLog> logs;     ///< oldest first; the last is the newest
  std::vector<std::string> missing;  ///< what entries name and the node has not, as files would be called
  std::vector<PackagedFile> files;   ///< by name
};

/// Canonical JSON (RFC 8785).
Result<std::string> manifest_text(const Manifest& manifest);
/// Strict. invalid_argument, with the place: also names that could lead out of the folder, and files out of order.
Result<Manifest> parse_manifest(std::string_view text, std::string_view file = kManifestFile);
/// Letters, digits, `.`, `_`, `-`, and `/` between names that are not empty and do not begin with a dot.
bool may_be_packaged(std::string_view name);

std::string log_folder(std::size_t log);
std::string report_file(std::uint64_t entry);
/// Where what an entry says itself stands; empty: not by itself.
std::string own_file(std::uint8_t kind, std::uint64_t entry);
/// `what`: `offers`, `agreements`, `purposes`, `membership`.
std::string document_file(std::string_view what, const Hash& hash);

/// The files of documents that an entry names by their hash.
std::vector<std::string> named_documents(const provenance::Leaf& leaf, const v1::Shared& shared);

/// What an entry says to be able to read others, whenever it was recorded: publications, purposes, activities, signed findings, …
bool is_paper(std::uint8_t kind);

}  // namespace sluis::records
