#include "relay/server/data_folder.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.hpp"

namespace kith::relay::server {
namespace {

constexpr std::size_t kMaxKeyFileBytes = 128;

struct Descriptor {
  explicit Descriptor(int fd) : number(fd) {}
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  int number;
};

tl::unexpected<Error> fail_errno(std::filesystem::path const& path) { return fail(system_error(errno, path.native())); }

Result<> write_new(std::filesystem::path const& path, std::string_view text) {
  auto const temporary = path.native() + ".new";
  ::unlink(temporary.c_str());
  Descriptor const file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.number < 0) return fail_errno(temporary);
  if (::write(file.number, text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(file.number) != 0)
    return fail_errno(temporary);
  // link() and not rename(): a key that is there already is never replaced.
  if (::link(temporary.c_str(), path.c_str()) != 0) return fail_errno(path);
  ::unlink(temporary.c_str());
  Descriptor const folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.number < 0 || ::fsync(folder.number) != 0) return fail_errno(path.parent_path());
  return {};
}

}  // namespace

Result<DataFolder> DataFolder::open(std::filesystem::path path) {
  std::error_code ec;
  path = std::filesystem::absolute(path, ec).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::filesystem::create_directories(path.parent_path(), ec);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(path);
  auto const lock_path = path / "lock";
  int const lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return fail_errno(lock_path);
  DataFolder folder(path, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(ServerError::data_in_use, SubjectDetail{path.native()});
    return fail_errno(lock_path);
  }
  return folder;
}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}
DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Result<crypto::DhKeyPair> DataFolder::key(RandomSource& random) const {
  auto const path = path_ / "relay.key";
  auto const bad = [&] { return fail(ServerError::bad_key_file, SubjectDetail{path.native()}); };
  Descriptor const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.number < 0) {
    if (errno != ENOENT) return fail_errno(path);
    auto fresh = crypto::DhKeyPair::generate(random);
    auto text = to_base64url(fresh.secret_key.view()) + "\n";
    auto const written = write_new(path, text);
    wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    if (!written) return fail(written.error());
    return fresh;
  }
  struct stat found {};
  if (::fstat(file.number, &found) != 0) return fail_errno(path);
  if (!S_ISREG(found.st_mode) || (found.st_mode & 077U) != 0) return bad();
  Bytes text(kMaxKeyFileBytes);
  auto const got = ::read(file.number, text.data(), text.size());
  if (got < 0) return fail_errno(path);
  auto trimmed = text_of(ByteView{text}.first(static_cast<std::size_t>(got)));
  if (trimmed.ends_with('\n')) trimmed.remove_suffix(1);
  auto bytes = from_base64url(trimmed);
  wipe(text);
  if (!bytes) return bad();
  auto secret = crypto::DhSecretKey::from(*bytes);
  wipe(*bytes);
  if (!secret) return bad();
  return crypto::DhKeyPair::from(std::move(*secret));
}

std::filesystem::path default_data_folder() {
  constexpr auto kSystem = "/var/lib/kith-relay";
  return ::access(kSystem, W_OK | X_OK) == 0 ? kSystem : "kith-relay-data";
}

}  // namespace kith::relay::server
