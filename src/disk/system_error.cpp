#include "disk/system_error.hpp"

#include <cerrno>
#include <string>

#include <fcntl.h>

namespace kith::disk {

using files::FilesError;

tl::unexpected<Error> fail_errno(int number, std::string_view subject) {
  auto const error = [number] {
    switch (number) {
      case ENOENT: return FilesError::not_found;
      case EEXIST: return FilesError::exists;
      case ENOTDIR: return FilesError::not_a_directory;
      case EISDIR:
      case ENXIO: return FilesError::not_a_file;
      case ELOOP: return FilesError::is_symlink;
      case ENOTEMPTY: return FilesError::not_empty;
      case EXDEV: return FilesError::other_file_system;
      case ENOSPC:
      case EDQUOT: return FilesError::no_space;
      case EROFS: return FilesError::read_only;
      case EACCES:
      case EPERM: return FilesError::permission;
      case ENAMETOOLONG: return FilesError::too_long;
      default: return FilesError::io;
    }
  }();
  return fail(error, SystemDetail{number, std::string(subject)});
}

files::Stat to_stat(struct stat const& from) {
  auto const ns = [](timespec const& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  files::Stat stat;
  stat.kind = S_ISREG(from.st_mode)   ? files::Kind::file
              : S_ISDIR(from.st_mode) ? files::Kind::directory
              : S_ISLNK(from.st_mode) ? files::Kind::symlink
                                      : files::Kind::other;
  stat.size = stat.kind == files::Kind::file ? static_cast<std::uint64_t>(from.st_size) : 0;
  stat.mtime_ns = ns(from.st_mtim);
  stat.ctime_ns = ns(from.st_ctim);
  stat.inode = from.st_ino;
  stat.device = from.st_dev;
  stat.mode = from.st_mode & 0777;
  return stat;
}

Result<files::Stat> stat_at(int directory, std::string_view name, std::string_view subject) {
  struct stat found {};
  if (::fstatat(directory, std::string(name).c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno(errno, subject);
  return to_stat(found);
}

Result<files::Stat> stat_of(int fd, std::string_view subject) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return fail_errno(errno, subject);
  return to_stat(found);
}

}  // namespace kith::disk
