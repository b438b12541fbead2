#include "engine/joining_database.hpp"

#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "base/time.hpp"
#include "disk/fd.hpp"
#include "disk/system_error.hpp"
#include "store/store.hpp"

namespace kith::engine {
namespace {

namespace fs = std::filesystem;

/// For how long a command that looks into the database, and ends, is waited for.
constexpr auto kReaderTime = std::chrono::seconds{2};

fs::path beside(fs::path const& database, char const* suffix) { return database.native() + suffix; }

void remove_all_of(fs::path const& database) {
  std::error_code ignored;
  for (char const* suffix : {"-wal", "-shm", ""}) fs::remove(beside(database, suffix), ignored);
}

/// Whoever closes a database last puts its log into it and takes the log away: without one, the file is whole and
/// nobody has it open. Where there is no database, a log means nothing.
Result<> wait_until_closed(fs::path const& database) {
  std::error_code ignored;
  if (!fs::exists(database, ignored)) {
    remove_all_of(database);
    return {};
  }
  auto const until = Clock::now() + kReaderTime;
  while (fs::exists(beside(database, "-wal"), ignored)) {
    if (Clock::now() >= until) return fail(EngineError::owner_busy);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return {};
}

}  // namespace

JoiningDatabase::JoiningDatabase(HomePaths const& home, NetworkLock lock)
    : home_(home), paths_(home), lock_(std::move(lock)) {
  paths_.database = beside(home.database, ".joining");
}

JoiningDatabase::~JoiningDatabase() { remove_all_of(paths_.database); }

Result<std::unique_ptr<JoiningDatabase>> JoiningDatabase::begin(HomePaths const& home) {
  KITH_TRY(lock, NetworkLock::try_take(home.lock_file));
  if (!lock) return fail(EngineError::owner_busy);
  std::unique_ptr<JoiningDatabase> begun(new JoiningDatabase(home, std::move(*lock)));
  remove_all_of(begun->paths_.database);
  return begun;
}

Result<> JoiningDatabase::put_in_place() {
  // Nobody else opens this one: a log that is still there found no room in its database.
  std::error_code ignored;
  if (fs::exists(beside(paths_.database, "-wal"), ignored))
    return fail(store::StoreError::disk_full, SystemDetail{ENOSPC, paths_.database.native()});
  KITH_CHECK(wait_until_closed(home_.database));
  if (::rename(paths_.database.c_str(), home_.database.c_str()) != 0)
    return disk::fail_errno(errno, home_.database.native());
  disk::Fd const directory(::open(home_.state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) return disk::fail_errno(errno, home_.state_dir.native());
  return {};
}

}  // namespace kith::engine
