#include "engine/doorbell.hpp"

#include <atomic>
#include <cerrno>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kith::engine {
namespace {

constexpr std::string_view kSuffix = ".bell";

Error system_error(std::filesystem::path const& subject) {
  return {EngineError::home_unusable, SystemDetail{errno, subject.string()}};
}

}  // namespace

Result<std::unique_ptr<Doorbell>> Doorbell::open(std::filesystem::path const& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return fail(system_error(directory));
  int const dir = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (dir < 0) return fail(system_error(directory));
  static std::atomic<unsigned> count{0};
  auto const hidden = fmt::format("{}-{}.new", ::getpid(), ++count);
  auto const name = hidden.substr(0, hidden.find('.')) + std::string(kSuffix);
  ::unlinkat(dir, hidden.c_str(), 0);  // of an earlier process with this number
  // Under its name it is always open: who rings and finds nobody there takes it away. Open for writing as well, so that
  // it does not end when nobody else holds it.
  int const pipe = ::mkfifoat(dir, hidden.c_str(), 0600) == 0
                       ? ::openat(dir, hidden.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)
                       : -1;
  if (pipe < 0 || ::renameat(dir, hidden.c_str(), dir, name.c_str()) != 0) {
    auto error = system_error(directory);
    ::unlinkat(dir, hidden.c_str(), 0);
    if (pipe >= 0) ::close(pipe);
    ::close(dir);
    return fail(std::move(error));
  }
  return std::unique_ptr<Doorbell>(new Doorbell(dir, pipe, name));
}

Doorbell::~Doorbell() {
  ::unlinkat(directory_, name_.c_str(), 0);
  ::close(pipe_);
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
    int const other = ::openat(directory_, name.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (other < 0) {
      if (errno == ENXIO) ::unlinkat(directory_, name.c_str(), 0);  // nobody listens any more
      continue;
    }
    // A second end of our own: a listener that leaves just now must not leave us a pipe that raises SIGPIPE.
    int const reader = ::openat(directory_, name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    struct stat status {};
    std::uint8_t const byte = 1;
    bool const is_bell = reader >= 0 && ::fstat(other, &status) == 0 && S_ISFIFO(status.st_mode);
    if (is_bell) (void)!::write(other, &byte, 1);  // a full pipe holds rings enough
    if (reader >= 0) ::close(reader);
    ::close(other);
  }
  ::closedir(names);
}

bool Doorbell::take() {
  std::uint8_t bytes[4096];
  bool rang = false;
  while (::read(pipe_, bytes, sizeof bytes) > 0) rang = true;
  return rang;
}

bool Doorbell::wait(std::chrono::milliseconds most) {
  pollfd waiting{pipe_, POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(most.count())) <= 0) return false;
  return take();
}

}  // namespace kith::engine
