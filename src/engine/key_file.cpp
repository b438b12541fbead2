#include "engine/key_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/system_error.hpp"
#include "engine/private_file.hpp"

namespace kith::engine {

Result<KeyFile> read_key_file(std::filesystem::path const& path) {
  auto const about = [&] { return SubjectDetail{path.native()}; };
  // O_NONBLOCK: a pipe in its place must not keep us waiting for a writer.
  disk::Fd const file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) return fail(KeyError::missing, about());
    if (errno == ELOOP || errno == ENXIO) return fail(KeyError::not_a_file, about());
    return disk::fail_errno(errno, path.native());
  }
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return disk::fail_errno(errno, path.native());
  if (!S_ISREG(found.st_mode)) return fail(KeyError::not_a_file, about());
  if (found.st_uid != ::geteuid()) return fail(KeyError::foreign_owner, about());
  if ((found.st_mode & 077) != 0) return fail(KeyError::too_open, about());

  auto bytes = read_to_end(file, kMaxKeyFileBytes, path);
  if (!bytes && bytes.error().is(files::FilesError::too_long)) return fail(KeyError::damaged);
  if (!bytes) return fail(std::move(bytes).error());
  return KeyFile::parse(std::move(*bytes));
}

Result<> create_key_file(std::filesystem::path const& path, SecretBytes const& content) {
  auto written = write_private_file(path, content.view(), Replace::no);
  if (!written && written.error().is(files::FilesError::exists))
    return fail(KeyError::exists, SubjectDetail{path.native()});
  return written;
}

Result<> change_passphrase(std::filesystem::path const& path, std::optional<ByteView> passphrase,
                           std::optional<ByteView> new_passphrase, RandomSource& random, crypto::Argon2Cost cost) {
  KITH_TRY(file, read_key_file(path));
  KITH_TRY(identity, file.open(passphrase));
  if (!new_passphrase) return write_private_file(path, encode_key_file(identity).view(), Replace::yes);
  KITH_TRY(content, encode_key_file(identity, *new_passphrase, random, cost));
  return write_private_file(path, content.view(), Replace::yes);
}

}  // namespace kith::engine
