#include "engine/home_database.hpp"

#include <cerrno>

#include <sys/stat.h>

namespace kith::engine {
namespace {

/// It is a matter of milliseconds, on a disk that may be slow.
constexpr auto kPatience = std::chrono::seconds{10};

}  // namespace

Result<bool> is_there(std::filesystem::path const& file) {
  struct stat found {};
  if (::lstat(file.c_str(), &found) == 0) return true;
  if (errno == ENOENT) return false;
  return fail(EngineError::home_unusable, SystemDetail{errno, file.native()});
}

Result<HomeDatabase> HomeDatabase::open(HomePaths const& paths, store::OpenMode mode) {
  HomeDatabase database;
  KITH_TRY(there, is_there(paths.database));
  if (mode == store::OpenMode::existing && !there)
    return fail(store::StoreError::not_found, SystemDetail{ENOENT, paths.database.native()});
  if (!paths.database_lock.empty()) {
    KITH_TRY(lock, FileLock::take(paths.database_lock, FileLock::Kind::shared, kPatience));
    if (!lock) return fail(EngineError::owner_busy);
    database.in_use.emplace(std::move(*lock));
  }
  KITH_TRY(store, store::SqliteStore::open(paths.database, mode));
  database.store = std::move(store);
  return database;
}

}  // namespace kith::engine
