#pragma once

#include "sync/files/folder_context.hpp"

/// What a folder looks like on every device that holds the same entries: a function of the view alone, never of what a
/// device remembers of its disk. @see docs/spec/views.md
namespace kith::files {

/// Conflict copies of one path that show at once.
inline constexpr std::size_t kMaxCopies = 32;

/// A conflict copy of a path.
struct Copy {
  RelPath path;  ///< where it shows, beside the winner
  VersionRow version;
  std::vector<VersionId> stands_for;  ///< every version with this content: what deleting or editing the copy settles
};

/// What a path makes of the disk.
struct Shown {
  std::optional<VersionRow> winner;   ///< what is at the path itself; none: nothing, or what lies below it
  std::vector<VersionId> stands_for;  ///< what a change of the path replaces
  std::vector<Copy> copies;           ///< oldest first, at most kMaxCopies: the newest of each author, and the newest
  std::size_t hidden = 0;  ///< contents that lost and do not show: the others, and those for which no name has room
};
[[nodiscard]] Result<Shown> shown_at(FolderContext& context, RelPath const& path);

/// What belongs at one name of the disk: a path of its own, or another path's conflict copy.
struct Wanted {
  std::optional<VersionRow> version;  ///< none: nothing
  std::vector<VersionId> stands_for;
  std::string copy_of;  ///< for a conflict copy: the path it belongs to; else empty
};
[[nodiscard]] Result<Wanted> wanted_at(FolderContext& context, RelPath const& name);

}  // namespace kith::files
