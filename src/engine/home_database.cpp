#include "engine/home_database.hpp"

#include <cerrno>

namespace kith::engine {
namespace {

/// It is a matter of milliseconds, on a disk that may be slow.
constexpr auto kPatience = std::chrono::seconds{10};

}  // namespace

bool is_there(std::filesystem::path const& file) {
  std::error_code ignored;
  return std::filesystem::symlink_status(file, ignored).type() != std::filesystem::file_type::not_found;
}

Result<HomeDatabase> HomeDatabase::open(HomePaths const& paths, store::OpenMode mode) {
  HomeDatabase database;
  if (mode == store::OpenMode::existing && !is_there(paths.database))
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
