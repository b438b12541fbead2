#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "engine/environment.hpp"

/// Where one device keeps its things. @see docs/spec/home.md
namespace kith::engine {

/// The detail of each is the path or text that it is about.
enum class HomeError {
  no_place,         ///< neither --home, KITH_HOME, XDG_STATE_HOME nor HOME says where it is
  bad_profile,      ///< a profile's name that is no plain name
  missing,          ///< nothing has been made there yet
  not_a_directory,  ///< something else has its place
  foreign_owner,    ///< it belongs to another user
  too_open,         ///< other users may look into it; nothing was changed
};

[[nodiscard]] ErrorDomain const& error_domain(HomeError);

/// What the command line says about the home.
struct HomeChoice {
  std::optional<std::string> home;     ///< --home DIR
  std::optional<std::string> profile;  ///< --profile NAME
  std::optional<std::string> config;   ///< --config FILE
};

/// Absolute paths; none of them need exist.
struct HomePaths {
  std::filesystem::path config_file;
  bool config_named = false;  ///< by --config or KITH_CONFIG: then the file must be there
  std::filesystem::path state_dir;
  std::filesystem::path database;
  std::filesystem::path key_file;
  std::filesystem::path database_lock;  ///< held together by all that have the database open; empty: nobody asks for it
  std::filesystem::path network_lock;   ///< held by the one process that is on the network
  std::filesystem::path room_lock;      ///< held by a process that waits until the database finds room again
  std::filesystem::path bell_dir;       ///< sockets by which the processes of the home wake each other
};

/// Finds the home's paths, without looking at the disk but for $XDG_RUNTIME_DIR, which counts only where it is a
/// directory of this user. A flag goes before its variable (KITH_HOME, KITH_PROFILE, KITH_CONFIG).
/// @return HomeError::no_place, bad_profile
[[nodiscard]] Result<HomePaths> find_home(HomeChoice const& choice, Environment const& environment);

/// Makes the directories that are missing, readable by their owner only, and checks those that are there. A state
/// directory of this user's that is there and empty is made private.
/// @return what check_home() does, and FilesError with errno and path
[[nodiscard]] Result<> prepare_home(HomePaths const& paths);

/// Whether the directories are this user's alone. Changes nothing.
/// @return HomeError::missing where there is no state directory, not_a_directory, foreign_owner, too_open
[[nodiscard]] Result<> check_home(HomePaths const& paths);

/// Makes a directory and what is missing above it, each 0700. @return FilesError with errno and path
[[nodiscard]] Result<> make_directories(std::filesystem::path const& directory);

}  // namespace kith::engine
