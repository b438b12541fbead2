#pragma once

#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "sync/files/path.hpp"

namespace kith::files {

/// "20261121-140312": UTC, whole seconds. Names conflict copies and the trash's directories; sorts by time until 9999.
[[nodiscard]] std::string compact_utc(WallTime time);

/// Between a path's stem and the rest of its conflict copy's name.
inline constexpr std::string_view kConflictMark = ".conflict-";
/// A name without its extension.
[[nodiscard]] std::string_view conflict_stem(std::string_view name);

/// Where the loser of a conflict at `path` shows: `name.conflict-<UTC>-<author, 7 hex>.ext`, beside the winner. Every
/// device computes the same name. @see docs/spec/paths.md
/// @param written  the wall-clock part of the losing version's hybrid logical clock
/// @param number   1; from 2 on it is appended to the author as "-2", for a name that is taken already
/// @return FilesError::bad_path where the directory's path leaves no room for such a name
[[nodiscard]] Result<RelPath> conflict_path(RelPath const& path, WallTime written, DeviceId const& author,
                                            std::uint32_t number = 1);

/// A name that conflict_path() could have made.
struct ConflictName {
  std::string stem;       ///< of the path in conflict
  std::string extension;  ///< with its dot; empty where there is none
  bool cut;               ///< the stem may go on: there was room for no more of it
};
/// Takes the name of a conflict copy apart. @return nullopt for what is none
[[nodiscard]] std::optional<ConflictName> parse_conflict_name(RelPath const& copy);

}  // namespace kith::files
