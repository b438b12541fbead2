#pragma once

#include "base/result.hpp"

namespace kith::files {

/// What goes wrong with contents, paths and folders. From a file system the detail is a SystemDetail: errno (0 where
/// the system said nothing) and the path below the folder's root.
enum class FilesError {
  // Contents.
  bad_chunk_length,  ///< a reference to no bytes at all, or to more than a chunk or content may have
  bad_level,   ///< a content of level n > 0 has other than one reference, or a node is not of the level above it says
  too_deep,    ///< a manifest of more than kMaxLevel levels
  empty_node,  ///< a manifest node without references
  length_mismatch,  ///< a node's lengths add up to something else than the reference to it says; the detail has both
  // Paths.
  bad_path,  ///< no relative path as docs/spec/paths.md has it; the detail is the text, path_fault() says why
  // File systems.
  not_found,          ///< nothing is there, or a directory above it is missing
  exists,             ///< something is there that nobody expected; it was left alone
  not_a_directory,    ///< a part of the path that is needed as a directory is something else
  not_a_file,         ///< a directory, pipe, socket or device where a regular file is needed; it was not opened
  is_symlink,         ///< a symbolic link on the way or at its end; none is ever followed
  not_empty,          ///< the directory still holds something
  changed_meanwhile,  ///< what is there is not what the caller saw; it was left alone
  other_file_system,  ///< a mount point lies between the folder's root and the path
  no_space,           ///< the disk, or the user's quota, is full
  read_only,          ///< the file system is mounted read-only
  permission,         ///< the system does not let us
  too_long,           ///< a name or path is longer than this file system takes
  io,                 ///< anything else that the system refused
};

[[nodiscard]] ErrorDomain const& error_domain(FilesError);

}  // namespace kith::files
