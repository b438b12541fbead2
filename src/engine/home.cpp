#include "engine/home.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "disk/fd.hpp"
#include "disk/system_error.hpp"

namespace kith::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxProfileBytes = 32;

std::string_view describe(int value) {
  switch (static_cast<HomeError>(value)) {
    case HomeError::no_place: return "no_place";
    case HomeError::bad_profile: return "bad_profile";
    case HomeError::missing: return "missing";
    case HomeError::not_a_directory: return "not_a_directory";
    case HomeError::foreign_owner: return "foreign_owner";
    case HomeError::too_open: return "too_open";
  }
  KITH_UNREACHABLE();
}

/// Letters, digits, `-` and `_`. Names of things that lie in a home are taken: a profile is a directory beside them.
bool is_profile_name(std::string_view name) {
  constexpr std::array<std::string_view, 2> kTaken{"keys", "run"};
  auto const plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kMaxProfileBytes && plain(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return plain(c) || c == '-' || c == '_'; }) &&
         std::ranges::find(kTaken, name) == kTaken.end();
}

/// A directory that a variable names. The XDG specification: a relative one is to be ignored.
std::optional<fs::path> xdg_directory(Environment const& environment, std::string_view name) {
  auto const value = environment.get_filled(name);
  if (!value || value->front() != '/') return std::nullopt;
  return fs::path(*value);
}

bool is_own_directory(fs::path const& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == ::geteuid();
}

fs::path absolute(fs::path const& path) {
  std::error_code error;
  auto const full = fs::absolute(path, error);
  return (error ? path : full).lexically_normal();
}

Result<> check_directory(fs::path const& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return fail(HomeError::missing, SubjectDetail{path});
    return disk::fail_errno(errno, path.native());
  }
  if (!S_ISDIR(found.st_mode)) return fail(HomeError::not_a_directory, SubjectDetail{path});
  if (found.st_uid != ::geteuid()) return fail(HomeError::foreign_owner, SubjectDetail{path});
  if ((found.st_mode & 077) != 0) return fail(HomeError::too_open, SubjectDetail{path});
  return {};
}

Result<bool> holds_nothing(fs::path const& path) {
  std::error_code error;
  bool const empty = fs::is_empty(path, error);
  if (error) return disk::fail_errno(error.value(), path.native());
  return empty;
}

/// Makes a directory of this user's private, where nothing is in it: `mkdir` made it, for this home. What has
/// something in it stays as it is, since somebody may have wanted its rights.
Result<> close_empty(fs::path const& path) {
  auto const checked = check_directory(path);
  if (checked || !checked.error().is(HomeError::too_open)) return checked;
  KITH_TRY(empty, holds_nothing(path));
  if (!empty) return checked;
  disk::Fd const directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat before {};
  if (directory.get() < 0 || ::fstat(directory.get(), &before) != 0) return disk::fail_errno(errno, path.native());
  if (before.st_uid != ::geteuid()) return fail(HomeError::foreign_owner, SubjectDetail{path});
  if (::fchmod(directory.get(), 0700) != 0) return disk::fail_errno(errno, path.native());
  // From here on nobody else can put anything there; somebody may have just before.
  KITH_TRY(still_empty, holds_nothing(path));
  if (still_empty) return {};
  if (::fchmod(directory.get(), before.st_mode & 07777) != 0) return disk::fail_errno(errno, path.native());
  return checked;
}

}  // namespace

ErrorDomain const& error_domain(HomeError) {
  static constexpr ErrorDomain domain{"home", describe};
  return domain;
}

Result<HomePaths> find_home(HomeChoice const& choice, Environment const& environment) {
  auto const pick = [&](std::optional<std::string> const& flag, std::string_view variable) {
    return flag && !flag->empty() ? flag : environment.get_filled(variable);
  };
  auto const home = pick(choice.home, "KITH_HOME");
  auto const profile = pick(choice.profile, "KITH_PROFILE");
  auto const config = pick(choice.config, "KITH_CONFIG");
  if (profile && !is_profile_name(*profile)) return fail(HomeError::bad_profile, SubjectDetail{*profile});
  auto const of_profile = [&](fs::path const& directory) { return profile ? directory / *profile : directory; };

  HomePaths paths;
  fs::path config_dir;
  if (home) {
    paths.state_dir = config_dir = of_profile(absolute(*home));
    paths.bell_dir = paths.state_dir / "run";
  } else {
    auto const user = xdg_directory(environment, "HOME");
    auto const state = xdg_directory(environment, "XDG_STATE_HOME");
    auto const configs = xdg_directory(environment, "XDG_CONFIG_HOME");
    auto const runtime = xdg_directory(environment, "XDG_RUNTIME_DIR");
    if (!user && !(state && configs)) return fail(HomeError::no_place);
    paths.state_dir = of_profile((state ? *state : *user / ".local/state") / "kith");
    config_dir = of_profile((configs ? *configs : *user / ".config") / "kith");
    paths.bell_dir = runtime && is_own_directory(*runtime) ? of_profile(*runtime / "kith") : paths.state_dir / "run";
  }
  paths.config_file = config ? absolute(*config) : config_dir / "config.toml";
  paths.config_named = config.has_value();
  paths.database = paths.state_dir / "kith.db";
  paths.key_file = paths.state_dir / "keys";
  paths.database_lock = paths.state_dir / "kith.db.lock";
  paths.network_lock = paths.state_dir / "network.lock";
  paths.room_lock = paths.state_dir / "room.lock";
  return paths;
}

Result<> make_directories(fs::path const& directory) {
  if (directory.has_parent_path() && directory != directory.root_path()) {
    struct stat found {};
    if (::stat(directory.parent_path().c_str(), &found) != 0) KITH_CHECK(make_directories(directory.parent_path()));
  }
  if (::mkdir(directory.c_str(), 0700) == 0) return {};
  int const number = errno;
  struct stat found {};
  if (number == EEXIST && ::stat(directory.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return {};
  if (number == EEXIST) return fail(HomeError::not_a_directory, SubjectDetail{directory});
  return disk::fail_errno(number, directory.native());
}

Result<> prepare_home(HomePaths const& paths) {
  KITH_CHECK(make_directories(paths.state_dir));
  KITH_CHECK(close_empty(paths.state_dir));
  KITH_CHECK(make_directories(paths.bell_dir));
  KITH_CHECK(check_directory(paths.bell_dir));
  return {};
}

Result<> check_home(HomePaths const& paths) {
  KITH_CHECK(check_directory(paths.state_dir));
  auto bell = check_directory(paths.bell_dir);
  if (!bell && !bell.error().is(HomeError::missing)) return bell;
  return {};
}

}  // namespace kith::engine
