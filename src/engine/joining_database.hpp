#pragma once

#include <memory>

#include "engine/home.hpp"
#include "engine/network_lock.hpp"

namespace kith::engine {

/// The database into which a home joins a group, beside the one that the home has. That one stays as it is, and in use,
/// until this one, closed and with the group in it, takes its place in one step. A joining that fails or dies leaves at
/// most a file that means nothing. @see docs/spec/home.md, "Layout"
class JoiningDatabase {
 public:
  /// Holds the network lock for as long as it lives, and takes away what a joining that died has left.
  /// @param home  outlives it
  /// @return EngineError::owner_busy where another process is on the network, or joins
  [[nodiscard]] static Result<std::unique_ptr<JoiningDatabase>> begin(HomePaths const& home);
  JoiningDatabase(JoiningDatabase const&) = delete;
  /// Takes the database away, unless it was put in place: it must be closed by then.
  ~JoiningDatabase();

  /// The home's paths, but with this database.
  [[nodiscard]] HomePaths const& paths() const { return paths_; }
  [[nodiscard]] NetworkLock const& lock() const { return lock_; }

  /// Puts it in the place of the home's, durably.
  /// @return EngineError::owner_busy where some process keeps one of the two open; FilesError with errno and path
  [[nodiscard]] Result<> put_in_place();

 private:
  JoiningDatabase(HomePaths const& home, NetworkLock lock);
  HomePaths const& home_;
  HomePaths paths_;
  NetworkLock lock_;
};

}  // namespace kith::engine
