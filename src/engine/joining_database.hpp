#pragma once

#include <memory>

#include "engine/file_lock.hpp"
#include "engine/home.hpp"

namespace kith::engine {

/// The database into which a home joins a group, beside the one that the home has. That one stays as it is, and in use,
/// until this one, closed and with the group in it, takes its place in one step. A joining that fails or dies leaves at
/// most a file that means nothing. @see docs/spec/home.md, "Database lock"
class JoiningDatabase {
 public:
  /// Holds the network lock for as long as it lives, and takes away what a joining that died has left.
  /// @param home  outlives it
  /// @return EngineError::owner_busy where another process is on the network, or joins
  [[nodiscard]] static Result<std::unique_ptr<JoiningDatabase>> begin(HomePaths const& home);
  JoiningDatabase(JoiningDatabase const&) = delete;
  /// Takes the database away, unless it was put in place: it must be closed by then.
  ~JoiningDatabase();

  /// Takes away what a joining that died has left. @param network  the home's network lock: nobody else joins
  static void forget_broken_off(HomePaths const& home, FileLock const& network);

  /// The home's paths, but with this database.
  [[nodiscard]] HomePaths const& paths() const { return paths_; }
  [[nodiscard]] FileLock const& lock() const { return lock_; }

  /// Waits until nobody has the home's database open, and keeps everybody from opening it until this one is in place.
  /// @return false where somebody has it open for as long as `patience`
  [[nodiscard]] Result<bool> shut_others_out(std::chrono::milliseconds patience);
  /// For a last look into the home's database while the others are shut out.
  [[nodiscard]] HomePaths const& locked_home() const { return locked_home_; }
  /// Puts it in the place of the home's, and lets the others in again. Both must be closed, and the others shut out.
  /// @return StoreError::disk_full where one of the two found no room for its log; FilesError with errno and path
  [[nodiscard]] Result<> put_in_place();

 private:
  JoiningDatabase(HomePaths const& home, FileLock lock);
  HomePaths const& home_;
  HomePaths paths_;
  HomePaths locked_home_;
  FileLock lock_;
  std::optional<FileLock> home_lock_;
};

}  // namespace kith::engine
