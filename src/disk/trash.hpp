#pragma once

#include "disk/beneath.hpp"
#include "disk/moves.hpp"
#include "sync/files/file_system.hpp"

namespace kith::disk {

/// A place in the trash, with the directory it is in held open.
struct TrashSlot {
  files::TrashPlace place;
  Fd directory;
  [[nodiscard]] Place at() const { return {directory.get(), std::string(place.path.name())}; }
};

/// `.kith/trash` of one folder. Its directories are 0700 and made on demand; `.kith` itself must be there.
class Trash {
 public:
  explicit Trash(Beneath const& beneath) : beneath_(beneath) {}  ///< which outlives it

  /// A place that is free for what was at `path`, under `now`'s directory or the first numbered one beside it that can
  /// take it: two things of one path may go to the trash in one second.
  [[nodiscard]] Result<TrashSlot> free_slot(files::RelPath const& path, WallTime now) const;
  [[nodiscard]] Result<TrashSlot> slot(files::TrashPlace const& place) const;  ///< one that was used

  /// Deletes what was trashed before `before`. @return how many files that were
  [[nodiscard]] Result<std::uint64_t> purge(WallTime before) const;

 private:
  [[nodiscard]] Result<Fd> open() const;

  Beneath const& beneath_;
};

/// Opens the directory `name` in `directory`, making it (0700) where it is missing.
[[nodiscard]] Result<Fd> open_or_make(int directory, std::string_view name, std::string_view subject);

/// The names in an open directory, without . and .. @param fd  not O_PATH
[[nodiscard]] Result<std::vector<std::string>> names_in(Fd fd, std::string_view subject);

}  // namespace kith::disk
