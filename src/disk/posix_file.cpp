#include "disk/posix_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/system_error.hpp"

namespace kith::disk {

Result<> PosixFile::check(int returned) const {
  if (returned != 0) return fail_errno(errno, subject_);
  return {};
}

Result<std::size_t> PosixFile::read_at(std::uint64_t offset, std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    auto const count = ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, subject_);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

Result<files::Stat> PosixFile::stat() { return stat_of(fd_.get(), subject_); }

Result<> PosixFile::write_at(std::uint64_t offset, ByteView bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    auto const count = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, subject_);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Result<> PosixFile::truncate(std::uint64_t size) { return check(::ftruncate(fd_.get(), static_cast<off_t>(size))); }

Result<> PosixFile::set_attributes(std::uint32_t mode, std::int64_t mtime_ns) {
  KITH_CHECK(check(::fchmod(fd_.get(), mode & 0777)));
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t const rest = (mtime_ns % kSecond + kSecond) % kSecond;  // never negative, also before 1970
  timespec times[2]{};
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = static_cast<time_t>((mtime_ns - rest) / kSecond);
  times[1].tv_nsec = static_cast<long>(rest);
  return check(::futimens(fd_.get(), times));
}

Result<> PosixFile::sync() { return check(::fsync(fd_.get())); }

}  // namespace kith::disk
