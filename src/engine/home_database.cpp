#include "engine/home_database.hpp"

namespace kith::engine {
namespace {

/// It is a matter of milliseconds, on a disk that may be slow.
constexpr auto kPatience = std::chrono::seconds{10};

}  // namespace

Result<HomeDatabase> HomeDatabase::open(HomePaths const& paths, store::OpenMode mode) {
  HomeDatabase database;
  std::error_code ignored;
  if (mode == store::OpenMode::existing && !std::filesystem::exists(paths.database, ignored))
    return fail(store::StoreError::not_found, SubjectDetail{paths.database.native()});
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
