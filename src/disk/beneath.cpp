#include "disk/beneath.hpp"

#include <cerrno>
#include <climits>
#include <string>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "disk/system_error.hpp"

namespace kith::disk {
namespace {

/// A directory by one name, that is no symlink.
int open_step(int directory, char const* name, int flags) {
  return ::openat(directory, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int open_beneath(int root, char const* path, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_DIRECTORY | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
}

}  // namespace

Beneath::Beneath(int root, bool try_openat2) : root_(root) {
  // ENOSYS from the kernel, EPERM from older container sandboxes: asked once.
  if (try_openat2) openat2_ = Fd(open_beneath(root, ".", O_PATH)).valid();
}

Result<Fd> Beneath::directory(std::string_view path, int flags, std::string_view subject) const {
  if (path.empty()) {
    Fd fd(open_step(root_, ".", flags));
    if (!fd.valid()) return fail_errno(errno, subject);
    return fd;
  }
  if (!openat2_ || path.size() >= PATH_MAX) return walk(path, flags, subject);
  Fd fd(open_beneath(root_, std::string(path).c_str(), flags));
  if (!fd.valid()) return fail_errno(errno, subject);
  return fd;
}

Result<Fd> Beneath::walk(std::string_view path, int flags, std::string_view subject) const {
  Fd here;
  for (std::string_view rest = path;;) {
    auto const slash = rest.find('/');
    std::string const name(rest.substr(0, slash));
    bool const last = slash == std::string_view::npos;
    int const above = here.valid() ? here.get() : root_;
    Fd next(open_step(above, name.c_str(), last ? flags : O_PATH));
    if (!next.valid()) {
      int const number = errno;
      // O_DIRECTORY calls a symlink "not a directory"; say what it is.
      if (auto const found = stat_at(above, name, path); found && found->kind == files::Kind::symlink)
        return fail_errno(ELOOP, subject);
      return fail_errno(number, subject);
    }
    if (last) return next;
    here = std::move(next);
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace kith::disk
