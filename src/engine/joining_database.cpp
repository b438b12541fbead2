#include "engine/joining_database.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "disk/fd.hpp"
#include "disk/system_error.hpp"
#include "engine/home_database.hpp"
#include "store/store.hpp"

namespace kith::engine {
namespace {

namespace fs = std::filesystem;

fs::path beside(fs::path const& database, char const* suffix) { return database.native() + suffix; }

fs::path joining_file(HomePaths const& home) { return beside(home.database, ".joining"); }

void remove_log_of(fs::path const& database) {
  std::error_code ignored;
  for (char const* suffix : {"-wal", "-shm"}) fs::remove(beside(database, suffix), ignored);
}

void remove_all_of(fs::path const& database) {
  remove_log_of(database);
  std::error_code ignored;
  fs::remove(database, ignored);
}

}  // namespace

JoiningDatabase::JoiningDatabase(HomePaths const& home, FileLock lock)
    : home_(home), paths_(home), locked_home_(home), lock_(std::move(lock)) {
  paths_.database = joining_file(home);
  // Nobody else has the one, and the other is locked when it is looked into by these paths.
  paths_.database_lock.clear();
  locked_home_.database_lock.clear();
}

JoiningDatabase::~JoiningDatabase() { remove_all_of(paths_.database); }

Result<std::unique_ptr<JoiningDatabase>> JoiningDatabase::begin(HomePaths const& home) {
  KITH_TRY(lock, FileLock::try_take(home.network_lock));
  if (!lock) return fail(EngineError::owner_busy);
  forget_broken_off(home, *lock);
  return std::unique_ptr<JoiningDatabase>(new JoiningDatabase(home, std::move(*lock)));
}

void JoiningDatabase::forget_broken_off(HomePaths const& home, FileLock const& /*network*/) {
  remove_all_of(joining_file(home));
}

Result<bool> JoiningDatabase::shut_others_out(std::chrono::milliseconds patience) {
  KITH_TRY(lock, FileLock::take(home_.database_lock, FileLock::Kind::exclusive, patience));
  if (!lock) return false;
  home_lock_.emplace(std::move(*lock));
  return true;
}

Result<> JoiningDatabase::put_in_place() {
  KITH_ASSERT(home_lock_);
  // Whoever closes a database last puts its log into it and takes the log away. One that is still there, with nobody
  // left, found no room in its database, or belongs to none.
  if (!is_there(home_.database)) remove_log_of(home_.database);
  for (auto const& database : {paths_.database, home_.database}) {
    if (is_there(beside(database, "-wal")))
      return fail(store::StoreError::disk_full, SystemDetail{ENOSPC, database.native()});
  }
  if (::rename(paths_.database.c_str(), home_.database.c_str()) != 0)
    return disk::fail_errno(errno, home_.database.native());
  // It is in place from here on. Where the disk forgets that again, the home has what it had before, and may join
  // again.
  disk::Fd const directory(::open(home_.state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.valid()) ::fsync(directory.get());
  home_lock_.reset();
  return {};
}

}  // namespace kith::engine
