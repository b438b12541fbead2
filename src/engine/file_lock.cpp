#include "engine/file_lock.hpp"

#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/time.hpp"

namespace kith::engine {
namespace {

constexpr auto kTryAgain = std::chrono::milliseconds{10};

}  // namespace

Result<std::optional<FileLock>> FileLock::try_take(std::filesystem::path const& file, Kind kind) {
  // One that is there takes no room: it can be locked on a full disk too.
  int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0 && errno == ENOENT)
    descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return fail(EngineError::home_unusable, SystemDetail{errno, file.string()});
  int const operation = kind == Kind::exclusive ? LOCK_EX : LOCK_SH;
  if (::flock(descriptor, operation | LOCK_NB) == 0) return std::optional(FileLock(descriptor));
  int const reason = errno;
  ::close(descriptor);
  if (reason == EWOULDBLOCK) return std::nullopt;
  return fail(EngineError::home_unusable, SystemDetail{reason, file.string()});
}

Result<std::optional<FileLock>> FileLock::take(std::filesystem::path const& file, Kind kind,
                                               std::chrono::milliseconds patience) {
  auto const until = Clock::now() + patience;
  for (;;) {
    KITH_TRY(taken, try_take(file, kind));
    if (taken || Clock::now() >= until) return std::move(taken);
    std::this_thread::sleep_for(kTryAgain);
  }
}

bool FileLock::held(std::filesystem::path const& file) {
  int const descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return false;
  bool const free = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  ::close(descriptor);
  return !free;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace kith::engine
