#pragma once

#include <filesystem>
#include <optional>

#include <sys/types.h>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "disk/fd.hpp"

/// Small files of the user, written so that a reader finds the old one or the new one and never a part.
namespace kith::engine {

enum class Replace {
  no,   ///< FilesError::exists where something has the name
  yes,  ///< the new file takes the old one's place
};

/// Writes beside the path, syncs, renames, and syncs the directory. Symbolic links are not followed.
/// @param mode  the file's permissions, whatever the umask
/// @return FilesError with errno and path
[[nodiscard]] Result<> write_private_file(std::filesystem::path const& path, ByteView content, Replace replace,
                                          mode_t mode = 0600);

/// Reads what is left in a file, in one buffer that never moves. A pipe is read to its end.
/// @return FilesError with errno and path; FilesError::too_long, with CountDetail, beyond `max_bytes`
[[nodiscard]] Result<SecretBytes> read_to_end(disk::Fd const& file, std::size_t max_bytes,
                                              std::filesystem::path const& path);

}  // namespace kith::engine
