#pragma once

#include "core/records.hpp"
#include "sync/files/path.hpp"

/// The paths of a folder whose disk may not be what the view says: rows that a change of the view adds, and that are
/// struck off when the disk has followed. Each says how often it was added to, so that what came meanwhile is not
/// struck off with what was done.
namespace kith::files {

using core::Store;
using core::Table;

struct FolderWork {
  std::string path;         ///< as the version spelled it that was noted last
  std::uint64_t times = 0;  ///< how often it was added since it was last struck off
  bool held = false;        ///< something that is left alone is in the way: nothing is to be done before that is gone

  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// Notes that the disk must be looked at. Inside the caller's transaction.
[[nodiscard]] Result<> add_work(Store& store, FolderId const& folder, RelPath const& path);
/// Strikes a path off, unless it was added to again since it was read. Inside the caller's transaction.
[[nodiscard]] Result<> finish_work(Store& store, ByteView key, std::uint64_t times);
/// Notes whether a path is held back, unless it was added to again since it was read. Inside the caller's transaction.
[[nodiscard]] Result<> hold_work(Store& store, ByteView key, std::uint64_t times, bool held);
/// A folder's work, without what is held back.
[[nodiscard]] Result<std::vector<RelPath>> open_work(Store& store, FolderId const& folder);

enum class WorkLeft {
  none,
  held,  ///< all that is left is held back
  open,
};
/// @param prefix  of the keys: a folder's id, or below_key() of a directory
[[nodiscard]] Result<WorkLeft> work_left(Store& store, ByteView prefix);
/// How many paths are held back. Reads all of the folder's work.
[[nodiscard]] Result<std::size_t> count_held(Store& store, FolderId const& folder);

}  // namespace kith::files
