#include "disk/trash.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/system_error.hpp"
#include "sync/files/conflict_name.hpp"

namespace kith::disk {
namespace {

/// Directories on their way out are moved up to the trash itself under this prefix, so that the deepest tree is deleted
/// with two open directories. What a crash leaves of them goes with the next purge.
constexpr std::string_view kDoomed = ".purge-";

}  // namespace

Result<Fd> open_or_make(int directory, std::string_view name, std::string_view subject) {
  std::string const text(name);
  if (::mkdirat(directory, text.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(errno, subject);
  Fd fd(::openat(directory, text.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, subject);
  return fd;
}

Result<std::vector<std::string>> names_in(Fd fd, std::string_view subject) {
  std::unique_ptr<DIR, int (*)(DIR*)> const stream(::fdopendir(fd.get()), [](DIR* open) { return ::closedir(open); });
  if (!stream) return fail_errno(errno, subject);
  static_cast<void>(fd.release());  // the stream owns it now
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    auto const* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    std::string_view const name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return fail_errno(errno, subject);
  return names;
}

Result<Fd> Trash::open() const {
  KITH_TRY(kith, beneath_.directory(".kith", O_PATH));
  return open_or_make(kith.get(), "trash", ".kith/trash");
}

Result<TrashSlot> Trash::free_slot(files::RelPath const& path, WallTime now) const {
  KITH_TRY(trash, open());
  auto const stamp = files::compact_utc(now);
  for (std::uint32_t number = 1;; ++number) {
    TrashSlot slot{{number == 1 ? stamp : fmt::format("{}-{}", stamp, number), path}, {}};
    auto directory = open_or_make(trash.get(), slot.place.stamp, path.text());
    if (auto const parent = path.parent()) {
      for (auto const part : parent->parts()) {
        if (directory) directory = open_or_make(directory->get(), part, path.text());
      }
    }
    if (!directory) {
      // A file went to the trash where a directory is needed now: "a" and then "a/b".
      if (directory.error().is(files::FilesError::not_a_directory)) continue;
      return fail(directory.error());
    }
    slot.directory = *std::move(directory);
    auto const taken = stat_at(slot.directory.get(), path.name(), path.text());
    if (taken) continue;
    if (!taken.error().is(files::FilesError::not_found)) return fail(taken.error());
    return slot;
  }
}

Result<TrashSlot> Trash::slot(files::TrashPlace const& place) const {
  std::string directory = ".kith/trash/" + place.stamp;
  if (auto const parent = place.path.parent()) directory += '/' + parent->text();
  KITH_TRY(fd, beneath_.directory(directory, O_PATH, place.path.text()));
  return TrashSlot{place, std::move(fd)};
}

Result<std::uint64_t> Trash::purge(WallTime before) const {
  KITH_TRY(trash, open());
  KITH_TRY(listing, beneath_.directory(".kith/trash", O_RDONLY));
  KITH_TRY(stamps, names_in(std::move(listing), ".kith/trash"));
  std::deque<std::string> doomed;
  std::uint64_t last_number = 0;
  for (auto const& name : stamps) {
    if (files::trashed_before(name, before) || name.starts_with(kDoomed)) doomed.push_back(name);
    if (name.starts_with(kDoomed))
      last_number = std::max<std::uint64_t>(last_number, std::strtoull(name.c_str() + kDoomed.size(), nullptr, 10));
  }
  std::uint64_t deleted = 0;
  for (; !doomed.empty(); doomed.pop_front()) {
    auto const& name = doomed.front();
    KITH_TRY(directory, open_or_make(trash.get(), name, name));
    KITH_TRY(for_listing, open_or_make(trash.get(), name, name));
    KITH_TRY(names, names_in(std::move(for_listing), name));
    for (auto const& child : names) {
      if (::unlinkat(directory.get(), child.c_str(), 0) == 0) {
        ++deleted;
        continue;
      }
      if (errno != EISDIR && errno != EPERM) return fail_errno(errno, child);
      auto moved = fmt::format("{}{}", kDoomed, ++last_number);
      if (::renameat(directory.get(), child.c_str(), trash.get(), moved.c_str()) != 0) return fail_errno(errno, child);
      doomed.push_back(std::move(moved));
    }
    if (::unlinkat(trash.get(), name.c_str(), AT_REMOVEDIR) != 0) return fail_errno(errno, name);
  }
  return deleted;
}

}  // namespace kith::disk
