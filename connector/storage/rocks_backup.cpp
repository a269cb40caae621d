#include "connector/storage/rocks_backup.hpp"

#include <rocksdb/env.h>
#include <rocksdb/utilities/backup_engine.h>

#include <memory>

namespace sluis::storage {
namespace {

Error to_error(const std::filesystem::path& folder, const rocksdb::Status& status) {
  const std::string what = "the backups in `" + folder.string() + "`: " + status.ToString();
  if (status.IsNotFound()) return Error(ErrorCode::not_found, what);
  return Error(status.IsCorruption() ? ErrorCode::corruption : ErrorCode::storage_unavailable, what);
}

Result<std::unique_ptr<rocksdb::BackupEngineReadOnly>> open(const std::filesystem::path& folder) {
  std::error_code ec;
  if (!std::filesystem::is_directory(folder, ec)) return Error(ErrorCode::not_found, "`" + folder.string() + "` is no folder of backups");
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  const rocksdb::Status status =
      rocksdb::BackupEngineReadOnly::Open(rocksdb::Env::Default(), rocksdb::BackupEngineOptions(folder.string()), &engine);
  if (!status.ok()) return to_error(folder, status);
  return std::unique_ptr<rocksdb::BackupEngineReadOnly>(engine);
}

}  // namespace

Result<std::vector<Backup>> list_backups(const std::filesystem::path& folder) {
  SLUIS_TRY(const auto engine, open(folder));
  std::vector<rocksdb::BackupInfo> infos;
  engine->GetBackupInfo(&infos);
  std::vector<Backup> all;
  for (const rocksdb::BackupInfo& info : infos) all.push_back({info.backup_id, info.app_metadata});
  return all;
}

Result<void> verify_backup(const std::filesystem::path& folder, std::uint32_t id) {
  SLUIS_TRY(const auto engine, open(folder));
  if (const rocksdb::Status status = engine->VerifyBackup(id, true); !status.ok()) return to_error(folder, status);
  return {};
}

Result<void> restore_backup(const std::filesystem::path& folder, std::uint32_t id, const std::filesystem::path& into) {
  std::error_code ec;
  if (std::filesystem::exists(into, ec) && !std::filesystem::is_empty(into, ec)) {
    return Error(ErrorCode::conflict, "there is something in `" + into.string() + "`").mended_by("name a new folder: nothing is written over");
  }
  SLUIS_TRY(const auto engine, open(folder));
  if (const rocksdb::Status status = engine->RestoreDBFromBackup(id, into.string(), into.string()); !status.ok()) return to_error(folder, status);
  return {};
}

Result<std::uint64_t> purge_backups(const std::filesystem::path& folder, std::uint32_t keep) {
  SLUIS_TRY(const std::vector<Backup> before, list_backups(folder));
  if (before.size() <= keep) return std::uint64_t{0};
  rocksdb::BackupEngine* opened = nullptr;
  rocksdb::Status status = rocksdb::BackupEngine::Open(rocksdb::Env::Default(), rocksdb::BackupEngineOptions(folder.string()), &opened);
  const std::unique_ptr<rocksdb::BackupEngine> engine(opened);
  if (status.ok()) status = engine->PurgeOldBackups(keep);
  if (!status.ok()) return to_error(folder, status);
  return static_cast<std::uint64_t>(before.size() - keep);
}

}  // namespace sluis::storage
