#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/records.hpp"
#include "sync/files/content.hpp"
#include "sync/files/file_system.hpp"
#include "wire/ops.hpp"

/// The rows of folders and files, and how they are keyed. @see docs/spec/home.md
namespace kith::files {

using core::Store;
using core::Table;

/// folder_id = H16("kith/folder/1", content_secret, name): equal names are one folder, wherever they were made.
[[nodiscard]] FolderId folder_id(wire::ContentSecret const& secret, std::string_view name);
/// version id = H16("kith/version/1", entry hash, index as u32).
[[nodiscard]] VersionId version_id(EntryHash const& entry, std::uint32_t index);

/// One version that no other has replaced: what a path is, or that it was removed. Its key is path_key() and the id.
struct VersionRow {
  VersionId id;      ///< in the key
  std::string path;  ///< as its author spelled it
  bool removed = false;
  EntryHash entry;
  std::uint32_t index = 0;
  DeviceId author;
  std::uint64_t hlc = 0;
  wire::FileKind kind = wire::FileKind::file;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::uint16_t mode = 0;
  Content content;

  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
  /// Whether the two make the same thing of a path, so that they are no conflict. Times may differ.
  [[nodiscard]] bool same_content(VersionRow const& other) const {
    return removed == other.removed && kind == other.kind && content == other.content && mode == other.mode;
  }
};

/// What the disk was last seen to hold at a path, and which versions that stands for.
struct LocalFile {
  std::string path;  ///< as the disk spells it
  Stat stat;
  bool racy = false;                  ///< changed so shortly before it was read that an equal stat proves nothing
  std::vector<VersionId> stands_for;  ///< a local change replaces these
  Content content;                    ///< empty for a directory
  std::string copy_of;                ///< for a conflict copy: the path it belongs to; else empty

  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// How a folder goes on this device.
enum class FolderState : std::uint8_t {
  idle = 0,  ///< nobody watches it
  scanning = 1,
  syncing = 2,  ///< contents are on their way
  in_step = 3,  ///< everything known is on this disk, but for what is left alone
  stopped = 4,  ///< something needs a person: see `problem`
};
constexpr bool valid(FolderState state) { return state <= FolderState::stopped; }

/// A folder that has a place on this device.
struct FolderRow {
  std::string name;
  std::string root;  ///< absolute path
  FolderState state = FolderState::idle;
  std::string problem;          ///< failure code, for `stopped`
  std::string problem_subject;  ///< path or numbers that the failure names
  std::int64_t last_scan_ms = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t pending_files = 0;
  std::uint64_t pending_bytes = 0;
  std::uint64_t conflicts = 0;

  void write(wire::Writer& writer) const;
  void read(wire::Reader& reader);
};

/// folder id | NFC of the path | 0x00: what versions, local files and work are keyed by. Paths hold no zero byte.
[[nodiscard]] Bytes path_key(FolderId const& folder, RelPath const& path);
/// The same without the end: where keys of paths below a directory begin.
[[nodiscard]] Bytes below_key(FolderId const& folder, RelPath const& directory);

/// Where the keys of a path's conflict copies begin; other keys may begin so too.
[[nodiscard]] Bytes copies_prefix(FolderId const& folder, RelPath const& path);

/// What a folder's `.kith/folder` holds: [1, group, folder, device].
struct Marker {
  std::uint8_t format = 1;
  GroupId group;
  FolderId folder;
  DeviceId device;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& s) {
    a(wire::version(s.format, 1), s.group, s.folder, s.device);
  }
  friend bool operator==(Marker const&, Marker const&) = default;
};

}  // namespace kith::files
