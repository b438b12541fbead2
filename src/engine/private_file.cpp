#include "engine/private_file.hpp"

#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "disk/moves.hpp"
#include "disk/system_error.hpp"

namespace kith::engine {
namespace {

constexpr int kNameTries = 100;  // a crashed process with our number may have left a name or two

/// A new file that is removed again unless it found its place.
class TemporaryFile {
 public:
  [[nodiscard]] static Result<TemporaryFile> create(int directory, std::filesystem::path const& target) {
    static std::atomic<unsigned> count = 0;
    for (int tries = 0; tries < kNameTries; ++tries) {
      auto name = fmt::format(".{}.new-{}-{}", target.filename().native(), ::getpid(), ++count);
      int const file = ::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      if (file >= 0) return TemporaryFile(directory, disk::Fd(file), std::move(name));
      if (errno != EEXIST) return disk::fail_errno(errno, target.native());
    }
    return disk::fail_errno(EEXIST, target.native());
  }
  TemporaryFile(TemporaryFile&& other) noexcept
      : directory_(other.directory_), file_(std::move(other.file_)), name_(std::exchange(other.name_, {})) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (!name_.empty()) ::unlinkat(directory_, name_.c_str(), 0);
  }

  [[nodiscard]] int fd() const { return file_.get(); }
  [[nodiscard]] std::string const& name() const { return name_; }
  void placed() { name_.clear(); }

 private:
  TemporaryFile(int directory, disk::Fd file, std::string name)
      : directory_(directory), file_(std::move(file)), name_(std::move(name)) {}
  int directory_;
  disk::Fd file_;
  std::string name_;
};

int write_all(int fd, ByteView content) {
  while (!content.empty()) {
    auto const written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content = content.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

Result<> write_private_file(std::filesystem::path const& path, ByteView content, Replace replace, mode_t mode) {
  auto const parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  disk::Fd const directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return disk::fail_errno(errno, parent.native());

  KITH_TRY(temporary, TemporaryFile::create(directory.get(), path));
  if (::fchmod(temporary.fd(), mode) != 0) return disk::fail_errno(errno, path.native());
  if (int const number = write_all(temporary.fd(), content); number != 0)
    return disk::fail_errno(number, path.native());
  if (::fsync(temporary.fd()) != 0) return disk::fail_errno(errno, path.native());

  auto const name = path.filename().native();
  if (replace == Replace::yes) {
    if (::renameat(directory.get(), temporary.name().c_str(), directory.get(), name.c_str()) != 0)
      return disk::fail_errno(errno, path.native());
  } else {
    KITH_CHECK(disk::put({directory.get(), temporary.name()}, {directory.get(), name}, {}, path.native()));
  }
  temporary.placed();
  if (::fsync(directory.get()) != 0) return disk::fail_errno(errno, parent.native());
  return {};
}

Result<SecretBytes> read_to_end(disk::Fd const& file, std::size_t max_bytes, std::filesystem::path const& path) {
  Bytes buffer(max_bytes + 1);
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    auto const got = ::read(file.get(), buffer.data() + filled, buffer.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      int const number = errno;
      wipe(buffer);
      return disk::fail_errno(number, path.native());
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > max_bytes) {
    wipe(buffer);
    return fail(files::FilesError::too_long, CountDetail{filled, max_bytes});
  }
  buffer.resize(filled);
  return SecretBytes(std::move(buffer));
}

}  // namespace kith::engine
