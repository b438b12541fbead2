#include "disk/moves.hpp"

#include <cerrno>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk/system_error.hpp"

namespace kith::disk {
namespace {

int rename_with(Place const& from, Place const& to, unsigned flags) {
  auto const done = ::syscall(SYS_renameat2, from.directory, from.name.c_str(), to.directory, to.name.c_str(), flags);
  return done == 0 ? 0 : errno;
}

int plain_rename(Place const& from, Place const& to) {
  return ::renameat(from.directory, from.name.c_str(), to.directory, to.name.c_str()) == 0 ? 0 : errno;
}

bool is_free(Place const& place) {
  struct stat found {};
  return ::fstatat(place.directory, place.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

Result<> as_result(int number, std::string_view subject) {
  if (number != 0) return fail_errno(number, subject);
  return {};
}

/// A directory may replace an empty directory, so the empty one reserves the name.
int put_directory(Place const& from, Place const& to) {
  if (::mkdirat(to.directory, to.name.c_str(), 0700) != 0) return errno;
  int const number = plain_rename(from, to);
  if (number != 0) ::unlinkat(to.directory, to.name.c_str(), AT_REMOVEDIR);
  return number == ENOTEMPTY ? EEXIST : number;
}

}  // namespace

bool lacks_rename_flags(int number) { return number == EINVAL || number == ENOSYS || number == EOPNOTSUPP; }

int rename_no_replace(Place const& from, Place const& to, Abilities abilities) {
  return abilities.rename_flags ? rename_with(from, to, RENAME_NOREPLACE) : EINVAL;
}

int exchange(Place const& a, Place const& b, Abilities abilities) {
  return abilities.rename_flags ? rename_with(a, b, RENAME_EXCHANGE) : EINVAL;
}

Result<> take(Place const& from, Place const& to, Abilities abilities, std::string_view subject) {
  int number = rename_no_replace(from, to, abilities);
  if (lacks_rename_flags(number)) number = is_free(to) ? plain_rename(from, to) : EEXIST;
  return as_result(number, subject);
}

Result<> put(Place const& from, Place const& to, Abilities abilities, std::string_view subject) {
  int const number = rename_no_replace(from, to, abilities);
  if (!lacks_rename_flags(number)) return as_result(number, subject);
  KITH_TRY(moved, stat_at(from.directory, from.name, subject));
  if (moved.kind == files::Kind::directory) return as_result(put_directory(from, to), subject);
  if (abilities.links) {
    if (::linkat(from.directory, from.name.c_str(), to.directory, to.name.c_str(), 0) == 0) {
      return as_result(::unlinkat(from.directory, from.name.c_str(), 0) == 0 ? 0 : errno, subject);
    }
    if (errno == EEXIST || errno == ENOENT || errno == ENOSPC || errno == EXDEV) return fail_errno(errno, subject);
  }
  return as_result(is_free(to) ? plain_rename(from, to) : EEXIST, subject);
}

}  // namespace kith::disk
