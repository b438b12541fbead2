#include "engine/network_lock.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace kith::engine {

Result<std::optional<NetworkLock>> NetworkLock::try_take(std::filesystem::path const& file) {
  int const descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return fail(EngineError::home_unusable, SystemDetail{errno, file.string()});
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return std::optional(NetworkLock(descriptor));
  int const reason = errno;
  ::close(descriptor);
  if (reason == EWOULDBLOCK) return std::nullopt;
  return fail(EngineError::home_unusable, SystemDetail{reason, file.string()});
}

NetworkLock::~NetworkLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace kith::engine
