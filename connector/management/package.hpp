#pragma once

#include "connector/management/backend.hpp"
#include "connector/management/caller.hpp"
#include "connector/provenance/export.hpp"
#include "connector/records/package.hpp"
#include "sluis/v1/audit.pb.h"

#include <map>
#include <memory>
#include <mutex>

/// Offline packages (decision 21): all that checks a period, for a DPO or an auditor.
namespace sluis::management {

/// Those that were made and are being fetched. What they say stays in the log: a file is made again when it is asked for, and given out only
/// where it is the one whose hash was recorded. Thread-safe.
class Packages {
 public:
  explicit Packages(Backend& backend) : backend_(backend) {}

  /// Makes the manifest, and records it. limit_exceeded: too much for one package. For a dry run nothing is recorded.
  Result<v1::AuditPackageResponse> make(const v1::AuditPackageRequest& request, const Caller& caller);
  /// A piece of a file, for who took the package, an hour long. not_found: another's, over, or no such file. conflict: what it says was erased
  /// since.
  Result<v1::AuditPackageFileResponse> file(const v1::AuditPackageFileRequest& request, const Caller& caller);

 private:
  struct Taken;
  std::shared_ptr<Taken> taken(const std::string& id, const Caller& caller);

  Backend& backend_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Taken>> taken_;  ///< by id
};

/// The pages that say what is in a package and how it is checked, Dutch (B1) and English.
std::string package_page(const records::Manifest& manifest, std::string_view language);

}  // namespace sluis::management
