#include "disk/posix_file_system.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "disk/posix_file.hpp"
#include "disk/system_error.hpp"

namespace kith::disk {

using files::FilesError;
using files::Kind;
using files::RelPath;
using files::Stat;

namespace {

std::string_view text_of(files::DirPath const& directory) {
  return directory ? std::string_view(directory->text()) : std::string_view();
}

constexpr std::size_t kMaxMarkerBytes = 64 * 1024;

}  // namespace

PosixFileSystem::PosixFileSystem(Fd root, Options options)
    : root_(std::move(root)),
      options_(std::move(options)),
      beneath_(root_.get(), options_.try_openat2),
      trash_(beneath_) {}

Result<std::unique_ptr<PosixFileSystem>> PosixFileSystem::open(std::string const& root, Options options) {
  Fd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, root);
  return std::unique_ptr<PosixFileSystem>(new PosixFileSystem(std::move(fd), std::move(options)));
}

Result<PosixFileSystem::Located> PosixFileSystem::locate(RelPath const& path) const {
  auto const parent = path.parent();
  KITH_TRY(directory, beneath_.directory(text_of(parent), O_PATH, path.text()));
  return Located{std::move(directory), std::string(path.name())};
}

Result<PosixFileSystem::Located> PosixFileSystem::locate_temp(files::TempName const& name) const {
  auto directory = beneath_.directory(".kith/tmp", O_PATH);
  if (!directory) {
    if (!directory.error().is(FilesError::not_found)) return fail(directory.error());
    KITH_TRY(kith, beneath_.directory(".kith", O_PATH));
    directory = open_or_make(kith.get(), "tmp", ".kith/tmp");
    if (!directory) return fail(directory.error());
  }
  return Located{*std::move(directory), name.text()};
}

Result<std::vector<files::Entry>> PosixFileSystem::entries(std::string_view directory, Fd fd) const {
  Fd const here(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!here.valid()) return fail_errno(errno, directory);
  KITH_TRY(names, names_in(std::move(fd), directory));
  std::sort(names.begin(), names.end());
  std::vector<files::Entry> found;
  found.reserve(names.size());
  for (auto& name : names) {
    if (directory.empty() && name == ".kith") continue;
    auto stat = stat_at(here.get(), name, directory);
    if (stat) {
      found.push_back({std::move(name), *stat});
    } else if (!stat.error().is(FilesError::not_found)) {
      return fail(stat.error());
    }
  }
  return found;
}

Result<std::vector<files::Entry>> PosixFileSystem::list(files::DirPath const& directory) {
  KITH_TRY(fd, beneath_.directory(text_of(directory), O_RDONLY));
  return entries(text_of(directory), std::move(fd));
}

Result<Stat> PosixFileSystem::stat(RelPath const& path) {
  KITH_TRY(at, locate(path));
  return stat_at(at.directory.get(), at.name, path.text());
}

Result<std::unique_ptr<files::ReadFile>> PosixFileSystem::open_read(RelPath const& path) {
  KITH_TRY(at, locate(path));
  KITH_TRY(seen, stat_at(at.directory.get(), at.name, path.text()));
  if (seen.kind == Kind::symlink) return fail_errno(ELOOP, path.text());
  if (seen.kind != Kind::file) return fail_errno(EISDIR, path.text());
  step(Step::looked);
  // Should a pipe have taken the file's place just now, O_NONBLOCK keeps it from holding us up until it is found out.
  Fd fd(::openat(at.directory.get(), at.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, path.text());
  KITH_TRY(opened, stat_of(fd.get(), path.text()));
  if (opened.kind != Kind::file) return fail_errno(EISDIR, path.text());
  return std::make_unique<PosixFile>(std::move(fd), path.text());
}

Result<std::uint64_t> PosixFileSystem::free_space() {
  struct statvfs found {};
  if (::fstatvfs(root_.get(), &found) != 0) return fail_errno(errno, {});
  return std::uint64_t{found.f_bavail} * found.f_frsize;
}

Result<std::unique_ptr<files::TempFile>> PosixFileSystem::create_temp(files::TempName const& name) {
  KITH_TRY(at, locate_temp(name));
  Fd fd(::openat(at.directory.get(), at.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail_errno(errno, at.name);
  return std::make_unique<PosixFile>(std::move(fd), at.name);
}

Result<std::unique_ptr<files::TempFile>> PosixFileSystem::open_temp(files::TempName const& name) {
  KITH_TRY(at, locate_temp(name));
  struct stat seen {};
  if (::fstatat(at.directory.get(), at.name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno(errno, at.name);
  if (!S_ISREG(seen.st_mode)) return fail_errno(EISDIR, at.name);
  if (seen.st_nlink > 1) {  // put() was stopped between link and unlink: writing here would change the installed file
    ::unlinkat(at.directory.get(), at.name.c_str(), 0);
    return fail_errno(ENOENT, at.name);
  }
  // A finished file keeps its mode, which may not let even its owner write.
  if (::fchmodat(at.directory.get(), at.name.c_str(), 0600, 0) != 0) return fail_errno(errno, at.name);
  Fd fd(::openat(at.directory.get(), at.name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, at.name);
  return std::make_unique<PosixFile>(std::move(fd), at.name);
}

Result<std::vector<files::Entry>> PosixFileSystem::list_temps() {
  KITH_TRY(kith, beneath_.directory(".kith", O_PATH));
  KITH_TRY(fd, open_or_make(kith.get(), "tmp", ".kith/tmp"));
  return entries(".kith/tmp", std::move(fd));
}

Result<> PosixFileSystem::remove_temp(files::TempName const& name) {
  KITH_TRY(at, locate_temp(name));
  if (::unlinkat(at.directory.get(), at.name.c_str(), 0) != 0) return fail_errno(errno, at.name);
  return {};
}

Result<Stat> PosixFileSystem::restore(files::TrashPlace const& place, RelPath const& to) {
  KITH_TRY(slot, trash_.slot(place));
  KITH_TRY(target, locate(to));
  KITH_CHECK(put(slot.at(), target.at(), options_.abilities, to.text()));
  return stat_at(target.directory.get(), target.name, to.text());
}

Result<Stat> PosixFileSystem::rename(RelPath const& from, RelPath const& to, WallTime now) {
  KITH_TRY(source, locate(from));
  KITH_TRY(target, locate(to));
  KITH_TRY(seen, stat_at(source.directory.get(), source.name, from.text()));
  int const number = rename_no_replace(source.at(), target.at(), options_.abilities);
  if (number != 0 && !lacks_rename_flags(number)) return fail_errno(number, to.text());
  if (number != 0 && seen.kind == Kind::directory) {
    KITH_CHECK(put(source.at(), target.at(), options_.abilities, to.text()));
  } else if (number != 0) {
    // Two names of the user's: between a link and an unlink another file could come to `from` and be lost. So the file
    // is taken out first, in one step, and put to one of the two names from there.
    KITH_TRY(slot, trash_.free_slot(from, now));
    KITH_CHECK(take(source.at(), slot.at(), options_.abilities, from.text()));
    step(Step::taken);
    if (auto moved = put(slot.at(), target.at(), options_.abilities, to.text()); !moved) {
      static_cast<void>(put(slot.at(), source.at(), options_.abilities, from.text()));  // else it is safe in the trash
      return fail(moved.error());
    }
  }
  return stat_at(target.directory.get(), target.name, to.text());
}

Result<> PosixFileSystem::make_directory(RelPath const& path, std::uint32_t mode) {
  KITH_TRY(at, locate(path));
  if (::mkdirat(at.directory.get(), at.name.c_str(), 0700) != 0) return fail_errno(errno, path.text());
  Fd const made(::openat(at.directory.get(), at.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made.valid() || ::fchmod(made.get(), mode & 0777) != 0) return fail_errno(errno, path.text());
  return {};
}

Result<> PosixFileSystem::remove_empty_directory(RelPath const& path) {
  KITH_TRY(at, locate(path));
  if (::unlinkat(at.directory.get(), at.name.c_str(), AT_REMOVEDIR) != 0) return fail_errno(errno, path.text());
  return {};
}

Result<> PosixFileSystem::sync_directory(files::DirPath const& directory) {
  KITH_TRY(fd, beneath_.directory(text_of(directory), O_RDONLY));
  if (::fsync(fd.get()) != 0) return fail_errno(errno, text_of(directory));
  return {};
}

Result<> PosixFileSystem::sync_all() {
  if (::syncfs(root_.get()) != 0) return fail_errno(errno, {});
  return {};
}

Result<std::uint64_t> PosixFileSystem::purge_trash(WallTime before) { return trash_.purge(before); }

Result<Bytes> PosixFileSystem::read_marker() {
  constexpr std::string_view kPath = ".kith/folder";
  KITH_TRY(kith, beneath_.directory(".kith", O_PATH));
  Fd fd(::openat(kith.get(), "folder", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, kPath);
  KITH_TRY(seen, stat_of(fd.get(), kPath));
  if (seen.kind != Kind::file) return fail_errno(EISDIR, kPath);
  if (seen.size > kMaxMarkerBytes) return fail_errno(EFBIG, kPath);
  Bytes bytes(seen.size);
  KITH_TRY(count, PosixFile(std::move(fd), std::string(kPath)).read_at(0, bytes));
  bytes.resize(count);
  return bytes;
}

Result<> PosixFileSystem::write_marker(ByteView bytes) {
  constexpr char const* kNew = "folder.new";
  KITH_TRY(kith, open_or_make(root_.get(), ".kith", ".kith"));
  ::unlinkat(kith.get(), kNew, 0);  // what a crash left
  Fd fd(::openat(kith.get(), kNew, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail_errno(errno, ".kith/folder");
  PosixFile file(std::move(fd), ".kith/folder");
  auto written = file.write_at(0, bytes);
  if (written) written = file.sync();
  if (written && ::renameat(kith.get(), kNew, kith.get(), "folder") != 0) written = fail_errno(errno, ".kith/folder");
  if (!written) {
    ::unlinkat(kith.get(), kNew, 0);
    return written;
  }
  if (::fsync(kith.get()) != 0 || ::fsync(root_.get()) != 0) return fail_errno(errno, ".kith");
  return {};
}

}  // namespace kith::disk
