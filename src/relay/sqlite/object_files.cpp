#include "relay/sqlite/object_files.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "store/store.hpp"

namespace kith::relay::sqlite {
namespace {

using store::StoreError;

constexpr std::size_t kShardDigits = 2;
constexpr std::string_view kHalfMade = ".new";

tl::unexpected<Error> failed(int number, std::filesystem::path const& path) {
  bool const no_room = number == ENOSPC || number == EDQUOT || number == EFBIG;
  auto const error = no_room ? StoreError::disk_full : number == ENOENT ? StoreError::not_found : StoreError::io;
  return fail(error, SystemDetail{number, path.string()});
}

/// An open file, closed at the end.
class File {
 public:
  File(std::filesystem::path const& path, int flags, ::mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(File const&) = delete;
  File& operator=(File const&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Result<> sync_directory(std::filesystem::path const& path) {
  File const directory(path, O_RDONLY | O_DIRECTORY);
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return failed(errno, path);
  return {};
}

Result<> make_directory(std::filesystem::path const& path) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0) return sync_directory(path.parent_path());
  return errno == EEXIST ? Result<>{} : failed(errno, path);
}

Result<> write_all(std::filesystem::path const& path, ByteView bytes) {
  File const file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (file.get() < 0) return failed(errno, path);
  while (!bytes.empty()) {
    auto const written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(errno, path);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return failed(errno, path);
  return {};
}

}  // namespace

Result<ObjectFiles> ObjectFiles::open(std::filesystem::path directory) {
  KITH_CHECK(make_directory(directory));
  return ObjectFiles(std::move(directory));
}

std::filesystem::path ObjectFiles::place(std::string const& name) const {
  return directory_ / name.substr(0, kShardDigits) / name;
}

Result<std::string> ObjectFiles::make(ByteView bytes, RandomSource& random) const {
  auto name = to_hex(random.bytes<16>());
  auto const path = place(name);
  KITH_CHECK(make_directory(path.parent_path()));
  auto half_made = path;
  half_made += kHalfMade;
  auto made = write_all(half_made, bytes);
  if (made && ::rename(half_made.c_str(), path.c_str()) != 0) made = failed(errno, path);
  if (!made) {
    ::unlink(half_made.c_str());
    return fail(made.error());
  }
  if (auto synced = sync_directory(path.parent_path()); !synced) {
    ::unlink(path.c_str());
    return fail(synced.error());
  }
  return name;
}

Result<Bytes> ObjectFiles::read(std::string const& name, std::uint64_t offset, std::size_t size) const {
  auto const path = place(name);
  File const file(path, O_RDONLY | O_NOFOLLOW);
  if (file.get() < 0) return failed(errno, path);
  Bytes bytes(size);
  std::size_t got = 0;
  while (got < size) {
    auto const count = ::pread(file.get(), bytes.data() + got, size - got, static_cast<::off_t>(offset + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(errno, path);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

void ObjectFiles::remove(std::string const& name) const {
  ::unlink(place(name).c_str());  // what stays is found at the next opening
}

std::set<std::string> ObjectFiles::names() const {
  std::set<std::string> names;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_regular_file(error)) continue;
    auto name = at->path().filename().string();
    if (name.ends_with(kHalfMade)) {
      ::unlink(at->path().c_str());
    } else {
      names.insert(std::move(name));
    }
  }
  return names;
}

}  // namespace kith::relay::sqlite
