#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace kith::store::sqlite {

/// The path by its directory's real name: SQLite refuses symbolic links in any part of it, kith only in the last.
/// @return StoreError::not_found, or io with SystemDetail
[[nodiscard]] Result<std::filesystem::path> find_file(std::filesystem::path const& path);

/// The same, and makes an empty file if there is none, readable and writable by its owner only whatever the umask says.
/// SQLite gives the log and the shared memory the same mode, and syncs the directory with the log's first commit.
/// @return StoreError::disk_full, read_only, or io with SystemDetail
[[nodiscard]] Result<std::filesystem::path> make_file(std::filesystem::path const& path);

}  // namespace kith::store::sqlite
