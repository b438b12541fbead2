#include "store/sqlite/database_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/connection.hpp"

namespace kith::store::sqlite {
namespace {

Result<std::filesystem::path> by_real_directory(std::filesystem::path const& path) {
  std::error_code error;
  auto const directory = std::filesystem::canonical(path.has_parent_path() ? path.parent_path() : ".", error);
  if (error) return fail(StoreError::io, SystemDetail{error.value(), path.string()});
  return directory / path.filename();
}

}  // namespace

Result<std::filesystem::path> find_file(std::filesystem::path const& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    return fail(errno == ENOENT ? StoreError::not_found : StoreError::io, SystemDetail{errno, path.string()});
  }
  return by_real_directory(path);
}

Result<std::filesystem::path> make_file(std::filesystem::path const& path) {
  KITH_TRY(real, by_real_directory(path));
  auto const file = ::open(real.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) {
    if (errno == EEXIST) return real;
    return fail(error_of(SQLITE_CANTOPEN, errno, path));
  }
  auto const number = ::fchmod(file, S_IRUSR | S_IWUSR) == 0 ? 0 : errno;
  // Closing drops the locks that this process has on the file, but nobody had time to open one that is this new.
  ::close(file);
  if (number != 0) return fail(StoreError::io, SystemDetail{number, path.string()});
  return real;
}

}  // namespace kith::store::sqlite
