#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "sync/files/path.hpp"

/// The disk as scanning and applying see it: one object is one folder's root. Everything named is beneath that root; no
/// symbolic link is ever followed, and nothing of the user's is ever overwritten: what gives way goes to the trash.
///
///     <root>/.kith/folder                      the marker: says that this is the folder, and that its disk is mounted
///     <root>/.kith/tmp/<name>                  files being received
///     <root>/.kith/trash/<YYYYMMDD-HHMMSS>/    what was overwritten or deleted, at its old path
///
/// @see docs/spec/paths.md
namespace kith::files {

enum class Kind : std::uint8_t { file, directory, symlink, other };

/// What the system says about one entry.
struct Stat {
  Kind kind = Kind::other;
  std::uint64_t size = 0;  ///< bytes; 0 for what is no file
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  std::uint32_t mode = 0;  ///< permission bits, at most 0777
  friend bool operator==(Stat const&, Stat const&) = default;
};

/// Equal but for the ctime, which a rename changes: whether a file is still the one seen before it was moved.
[[nodiscard]] bool same_but_ctime(Stat const& a, Stat const& b);

/// What the caller saw at a path; nullopt: nothing. A change is refused where it is not what is there now.
using Expect = std::optional<Stat>;

struct Entry {
  std::string name;  ///< as the disk has it: any bytes but / and zero, not always UTF-8
  Stat stat;
};

/// The name of a file in .kith/tmp. Ours, so a bad one is a bug: 1 to 128 of [0-9A-Za-z._-], not beginning with a dot.
class TempName {
 public:
  explicit TempName(std::string text);
  [[nodiscard]] std::string const& text() const { return text_; }
  [[nodiscard]] static bool valid(std::string_view text);

 private:
  std::string text_;
};

/// Where something lies in the trash: `<YYYYMMDD-HHMMSS>[-<number>]/<path>`, below .kith/trash.
struct TrashPlace {
  std::string stamp;
  RelPath path;
  friend bool operator==(TrashPlace const&, TrashPlace const&) = default;
};

/// Whether a directory of the trash, by its name, is from before `limit`. False for what is none of ours.
[[nodiscard]] bool trashed_before(std::string_view stamp, WallTime limit);

/// A file open for reading. Never a pipe, socket or device, so reads do not block for ever.
class ReadFile {
 public:
  virtual ~ReadFile() = default;
  /// Fills `out` from `offset` on. @return the bytes read; fewer than asked for only where the file ends
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) = 0;
  [[nodiscard]] virtual Result<Stat> stat() = 0;
};

/// A file in .kith/tmp, open for writing. Destroying it closes it; the file stays until it is installed or removed.
class TempFile : public ReadFile {
 public:
  [[nodiscard]] virtual Result<> write_at(std::uint64_t offset, ByteView bytes) = 0;
  [[nodiscard]] virtual Result<> truncate(std::uint64_t size) = 0;
  /// Gives it what it will have at its place; until then it is 0600. Writing afterwards moves the mtime again.
  [[nodiscard]] virtual Result<> set_attributes(std::uint32_t mode, std::int64_t mtime_ns) = 0;
  /// Makes content and attributes durable (not the name).
  [[nodiscard]] virtual Result<> sync() = 0;
};

struct Installed {
  /// What is at the path now. Should somebody have changed it already, this is what was installed, so that a scan that
  /// compares finds the difference.
  Stat stat;
  std::optional<TrashPlace> replaced;  ///< where the expected old file went
};

/// One folder's disk. Objects are cheap to open and should not be kept while idle: a real one pins its mount point, and
/// would go on seeing an empty mount point after its disk came back. list, stat and open_read may be called on several
/// threads at once, everything else on one.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Looking.

  /// The entries of a directory, sorted by name; the root's own `.kith` is left out. An entry that vanishes meanwhile
  /// too.
  [[nodiscard]] virtual Result<std::vector<Entry>> list(DirPath const& directory) = 0;
  [[nodiscard]] virtual Result<Stat> stat(RelPath const& path) = 0;
  /// @return FilesError::not_a_file, is_symlink for what is no regular file
  [[nodiscard]] virtual Result<std::unique_ptr<ReadFile>> open_read(RelPath const& path) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> free_space() = 0;  ///< bytes that this user may still write

  // Files being received. All need the marker's directory: not_found where it is missing.

  /// @return FilesError::exists where the name is taken
  [[nodiscard]] virtual Result<std::unique_ptr<TempFile>> create_temp(TempName const& name) = 0;
  /// Opens what create_temp made, in this run or an earlier one. A file that turns out to be installed as well (a crash
  /// between two steps on a file system without RENAME_NOREPLACE) loses its temporary name and is not_found.
  [[nodiscard]] virtual Result<std::unique_ptr<TempFile>> open_temp(TempName const& name) = 0;
  [[nodiscard]] virtual Result<std::vector<Entry>> list_temps() = 0;
  [[nodiscard]] virtual Result<> remove_temp(TempName const& name) = 0;

  // Changing what the user sees.

  /// Puts a finished temporary file at `path`. Where an old file is expected, the two change places in one step and the
  /// old one, if it was the expected one, is in the trash; if it was not, they change back. On an error the temporary
  /// file is still there under its name, with one exception: if it was at the path for a moment before
  /// changed_meanwhile, a program may have opened it there, so it goes to the trash and must be made again.
  /// @param now  names the trash's directory
  /// @return FilesError::exists, changed_meanwhile; not_found where the directory is missing; not_a_file where
  /// `expected`
  ///         is a directory
  [[nodiscard]] virtual Result<Installed> install(TempName const& temp, RelPath const& path, Expect const& expected,
                                                  WallTime now) = 0;
  /// Takes anything but a directory away from `path`.
  /// @return FilesError::changed_meanwhile, not_found, not_a_file for a directory
  [[nodiscard]] virtual Result<TrashPlace> move_to_trash(RelPath const& path, Stat const& expected, WallTime now) = 0;
  /// Puts something from the trash where nothing is. @return what is at `to` now; FilesError::exists
  [[nodiscard]] virtual Result<Stat> restore(TrashPlace const& place, RelPath const& to) = 0;
  /// Moves a file or directory where nothing is. @return what is at `to` now, with its new ctime; FilesError::exists
  /// @param now  names the trash's directory that a file passes through where the system cannot move it in one step
  [[nodiscard]] virtual Result<Stat> rename(RelPath const& from, RelPath const& to, WallTime now) = 0;
  /// @return FilesError::exists; not_found where the parent is missing
  [[nodiscard]] virtual Result<> make_directory(RelPath const& path, std::uint32_t mode) = 0;
  [[nodiscard]] virtual Result<> remove_empty_directory(RelPath const& path) = 0;  ///< FilesError::not_empty

  // Durability. A file is safe at its place after: its content synced, installed, its directory synced, in this order.

  [[nodiscard]] virtual Result<> sync_directory(DirPath const& directory) = 0;
  /// Everything written and renamed so far, in one go (syncfs): far cheaper than a sync per file.
  [[nodiscard]] virtual Result<> sync_all() = 0;

  // Housekeeping.

  /// Deletes what went to the trash before `before`. @return how many files were deleted
  [[nodiscard]] virtual Result<std::uint64_t> purge_trash(WallTime before) = 0;
  /// @return FilesError::not_found: this is no folder of ours, or its disk is not mounted
  [[nodiscard]] virtual Result<Bytes> read_marker() = 0;
  /// Makes this directory a folder: creates `.kith` (0700) and the marker, durably, or replaces the marker.
  [[nodiscard]] virtual Result<> write_marker(ByteView bytes) = 0;
};

}  // namespace kith::files
