#include "engine/doorbell.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace kith::engine {
namespace {

constexpr std::string_view kSuffix = ".bell";

/// A socket's address through the directory's descriptor: a home may lie deeper than the 108 bytes that sun_path has.
sockaddr_un address_in(int directory, std::string const& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto const path = fmt::format("/proc/self/fd/{}/{}", directory, name);
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size() + 1, sizeof address.sun_path));
  return address;
}

Error system_error(std::filesystem::path const& subject) {
  return {EngineError::home_unusable, SystemDetail{errno, subject.string()}};
}

}  // namespace

Result<std::unique_ptr<Doorbell>> Doorbell::open(std::filesystem::path const& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return fail(system_error(directory));
  int const dir = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (dir < 0) return fail(system_error(directory));
  int const sock = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (sock < 0) {
    auto error = system_error(directory);
    ::close(dir);
    return fail(std::move(error));
  }
  static std::atomic<unsigned> count{0};
  auto const name = fmt::format("{}-{}{}", ::getpid(), ++count, kSuffix);
  auto const address = address_in(dir, name);
  ::unlinkat(dir, name.c_str(), 0);  // of an earlier process with this number
  if (::bind(sock, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    auto error = system_error(directory);
    ::close(sock);
    ::close(dir);
    return fail(std::move(error));
  }
  return std::unique_ptr<Doorbell>(new Doorbell(dir, sock, name));
}

Doorbell::~Doorbell() {
  ::unlinkat(directory_, name_.c_str(), 0);
  ::close(socket_);
  ::close(directory_);
}

void Doorbell::ring() {
  int const listing = ::openat(directory_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const names = listing < 0 ? nullptr : ::fdopendir(listing);
  if (names == nullptr) {
    if (listing >= 0) ::close(listing);
    return;
  }
  while (dirent const* entry = ::readdir(names)) {
    std::string const name = entry->d_name;
    if (!name.ends_with(kSuffix) || name == name_) continue;
    auto const address = address_in(directory_, name);
    std::uint8_t const byte = 1;
    auto const sent =
        ::sendto(socket_, &byte, 1, MSG_NOSIGNAL, reinterpret_cast<sockaddr const*>(&address), sizeof address);
    // Nobody listens any more; a full queue (EAGAIN) on the other hand holds rings enough.
    if (sent < 0 && errno == ECONNREFUSED) ::unlinkat(directory_, name.c_str(), 0);
  }
  ::closedir(names);
}

bool Doorbell::take() {
  std::uint8_t bytes[64];
  bool rang = false;
  while (::recv(socket_, bytes, sizeof bytes, 0) > 0) rang = true;
  return rang;
}

bool Doorbell::wait(std::chrono::milliseconds most) {
  pollfd waiting{socket_, POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(most.count())) <= 0) return false;
  return take();
}

}  // namespace kith::engine
