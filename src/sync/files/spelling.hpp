#pragma once

#include <optional>
#include <string>
#include <unordered_set>

#include "sync/files/file_system.hpp"

namespace kith::files {

/// Tells how a disk spells what is there. A disk that ignores letter case answers for `report.txt` with what it has as
/// `Report.txt`, and cannot hold both. On any other disk that costs one look more per part of a path.
///
/// Keeps what the last directory listed, so that many paths of one directory cost one listing: one thread, and forget()
/// wherever names may have changed.
class Spellings {
 public:
  /// Whether the disk finds something at `path` whose name, or that of a directory above it, is another one: equal but
  /// for letter case. False where nothing is there; names of one NFC are one name.
  [[nodiscard]] bool otherwise(FileSystem& disk, RelPath const& path);
  void forget() { listed_.reset(); }

 private:
  [[nodiscard]] bool last_part_otherwise(FileSystem& disk, DirPath const& directory, RelPath const& path);
  struct Listed {
    DirPath directory;
    std::unordered_set<std::string> names;  ///< in NFC
  };
  std::optional<Listed> listed_;
};

}  // namespace kith::files
