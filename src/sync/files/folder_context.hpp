#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/replica.hpp"
#include "sync/files/chunk_store.hpp"
#include "sync/files/chunker.hpp"
#include "sync/files/folder_view.hpp"
#include "sync/files/folder_work.hpp"

namespace kith::files {

/// Something that was left alone, and why. The path may hold any bytes: it is shown escaped.
struct Skipped {
  std::string path;
  enum class Why {
    symlink,      ///< symbolic links are neither followed nor carried
    special,      ///< a pipe, socket or device
    not_utf8,     ///< a name that is not UTF-8 cannot travel
    bad_name,     ///< a name that other devices could not hold (.kith, too long a path)
    name_clash,   ///< differs from another name only by its Unicode form, or by letter case on a disk that ignores that
    unreadable,   ///< the system does not let us read it
    read_failed,  ///< the disk failed as it was read; looked at again ever more seldom
    unstable,     ///< changed while it was read; looked at again shortly
    bad_content,  ///< what its author says of its content is not so: no bytes will ever make it
    no_copy,      ///< more versions of it lost a conflict than are shown, or no name for their copies has room
    blocked,      ///< what should come here would cover something of another kind that is not ours to move
  } why;
  friend bool operator==(Skipped const&, Skipped const&) = default;
};
[[nodiscard]] std::string_view skip_code(Skipped::Why why);  ///< "symlink": as JSON has it

/// What the parts of one folder's synchroniser share. Everything outlives it; one thread.
struct FolderContext {
  FolderId id;
  Store& store;
  core::Replica& replica;
  FolderView& view;
  ChunkStore& chunks;
  GearTable const& gear;
  DiskOpener open_disk;
  std::function<bool()> stop = [] { return false; };  ///< asked often: whether to leave off as soon as possible

  [[nodiscard]] Result<std::optional<LocalFile>> local(RelPath const& path);
  [[nodiscard]] Result<> put_local(RelPath const& path, LocalFile const& file);
  [[nodiscard]] Result<> erase_local(RelPath const& path);
  [[nodiscard]] Result<Resolved> resolved(RelPath const& path);
  [[nodiscard]] Result<> add_work(RelPath const& path) { return files::add_work(store, id, path); }
  /// The folder's disk with its marker checked.
  /// @return FilesError::not_found where the marker is missing or no marker of this folder: the disk is not mounted
  [[nodiscard]] Result<std::shared_ptr<FileSystem>> disk();
};

/// @return FilesError::not_found where the disk has no marker, or none of this folder in this group; FilesError where
///         the marker cannot be read
[[nodiscard]] Result<> check_marker(FileSystem& disk, FolderId const& folder, GroupId const& group);

/// What a file consists of, read from the disk.
struct HashedFile {
  BuiltContent built;
  Stat stat;
};
/// Reads and chunks a file. @return FilesError::changed_meanwhile where it changed while it was read
[[nodiscard]] Result<HashedFile> hash_file(FolderContext& context, FileSystem& disk, RelPath const& path);

}  // namespace kith::files
