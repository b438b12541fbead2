#include "engine/watcher.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/inotify.h>
#include <unistd.h>

namespace kith::engine {
namespace {

constexpr std::uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE |
                                  IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_DONT_FOLLOW | IN_ONLYDIR |
                                  IN_EXCL_UNLINK;
constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::string_view kInternal = ".kith";

std::string joined(std::string const& directory, std::string_view name) {
  return directory.empty() ? std::string(name) : directory + "/" + std::string(name);
}

}  // namespace

std::unique_ptr<Watcher> Watcher::open(std::filesystem::path const& root) {
  std::unique_ptr<Watcher> watcher(new Watcher(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), root));
  watcher->complete_ = watcher->inotify_ >= 0;
  watcher->watch_tree("", nullptr);
  return watcher;
}

Watcher::~Watcher() {
  if (inotify_ >= 0) ::close(inotify_);
}

/// Watches a directory and all below it. What is in it already may have come before the watch: it counts as changed.
void Watcher::watch_tree(std::string const& directory, Changes* found) {
  if (inotify_ < 0) return;
  auto const path = directory.empty() ? root_ : root_ / directory;
  int const watch = ::inotify_add_watch(inotify_, path.c_str(), kEvents);
  if (watch < 0) {
    if (errno == ENOSPC || errno == ENOMEM) complete_ = false;
    return;  // gone again, unreadable, or no directory
  }
  directories_[watch] = directory;
  std::error_code error;
  for (std::filesystem::directory_iterator each(path, error), end; !error && each != end; each.increment(error)) {
    auto const name = each->path().filename().native();
    if (directory.empty() && name == kInternal) continue;
    auto const relative = joined(directory, name);
    if (found != nullptr) found->paths.insert(relative);
    std::error_code ignored;
    if (each->is_directory(ignored) && !each->is_symlink(ignored)) watch_tree(relative, found);
  }
}

Watcher::Changes Watcher::take() {
  Changes changes;
  alignas(inotify_event) std::array<char, kBufferBytes> buffer;
  for (;;) {
    auto const size = ::read(inotify_, buffer.data(), buffer.size());
    if (size <= 0) return changes;
    for (std::ptrdiff_t at = 0; at < size;) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      std::string_view const name =
          event.len > 0 ? std::string_view(buffer.data() + at + sizeof event) : std::string_view{};
      at += static_cast<std::ptrdiff_t>(sizeof event + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0) changes.everything = true;
      auto const directory = directories_.find(event.wd);
      if (directory == directories_.end()) continue;
      bool const root_itself = directory->second.empty() && name.empty();
      if (root_itself && (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) changes.everything = true;
      if ((event.mask & IN_IGNORED) != 0) {
        directories_.erase(directory);
        continue;
      }
      if (name.empty() || (directory->second.empty() && name == kInternal)) continue;
      auto const path = joined(directory->second, name);
      changes.paths.insert(path);
      bool const new_directory = (event.mask & IN_ISDIR) != 0 && (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
      if (new_directory) watch_tree(path, &changes);
    }
  }
}

}  // namespace kith::engine
