#pragma once

#include <memory>

#include "engine/file_lock.hpp"
#include "engine/home.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace kith::engine {

/// The home's database, and the word given that it is in use: while that is held no other database takes its place.
/// @see docs/spec/home.md, "Database lock"
struct HomeDatabase {
  std::optional<FileLock> in_use;  ///< none where the paths name no lock
  std::unique_ptr<store::SqliteStore> store;

  /// Waits some seconds for another database to have taken this one's place.
  /// @return StoreError, among them not_found; EngineError::owner_busy, home_unusable
  [[nodiscard]] static Result<HomeDatabase> open(HomePaths const& paths, store::OpenMode mode);
};

/// Whether there is anything of this name: a link that leads nowhere counts, and so does what cannot be looked at.
[[nodiscard]] bool is_there(std::filesystem::path const& file);

}  // namespace kith::engine
