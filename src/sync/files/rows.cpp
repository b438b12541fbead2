#include "sync/files/rows.hpp"

#include "crypto/hash.hpp"
#include "sync/files/conflict_name.hpp"
#include "sync/files/unicode.hpp"

namespace kith::files {
namespace {

using core::read_row;
using core::write_row;

constexpr std::size_t kMaxText = kLimits.max_path_bytes;
constexpr std::size_t kMaxList = std::size_t{1} << 16;

}  // namespace

FolderId folder_id(wire::ContentSecret const& secret, std::string_view name) {
  return crypto::as_id<FolderId>(crypto::hash128("kith/folder/1", {secret.view(), bytes_of(name)}));
}

VersionId version_id(EntryHash const& entry, std::uint32_t index) {
  return crypto::as_id<VersionId>(crypto::hash128("kith/version/1", {entry.view(), core::key_of(index)}));
}

void VersionRow::write(wire::Writer& writer) const {
  write_row(writer, wire::text(path, kMaxText), removed, entry, index, author, hlc, kind, size, mtime_ns, mode,
            content);
}

void VersionRow::read(wire::Reader& reader) {
  read_row(reader, wire::text(path, kMaxText), removed, entry, index, author, hlc, kind, size, mtime_ns, mode, content);
}

void LocalFile::write(wire::Writer& writer) const {
  write_row(writer, wire::text(path, kMaxText), static_cast<std::uint8_t>(stat.kind), stat.size, stat.mtime_ns,
            stat.ctime_ns, stat.inode, stat.device, stat.mode, racy, wire::list(stands_for, kMaxList), content,
            wire::text(copy_of, kMaxText));
}

void LocalFile::read(wire::Reader& reader) {
  std::uint8_t kind = 0;
  read_row(reader, wire::text(path, kMaxText), kind, stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.device,
           stat.mode, racy, wire::list(stands_for, kMaxList), content, wire::text(copy_of, kMaxText));
  if (kind > static_cast<std::uint8_t>(Kind::other)) reader.fail(wire::WireError::bad_value);
  stat.kind = static_cast<Kind>(kind);
}

void FolderRow::write(wire::Writer& writer) const {
  write_row(writer, wire::text(name, kMaxText), wire::text(root, kMaxText), state, wire::text(problem, kMaxText),
            wire::text(problem_subject, kMaxText), last_scan_ms, files, bytes, pending_files, pending_bytes, conflicts);
}

void FolderRow::read(wire::Reader& reader) {
  read_row(reader, wire::text(name, kMaxText), wire::text(root, kMaxText), state, wire::text(problem, kMaxText),
           wire::text(problem_subject, kMaxText), last_scan_ms, files, bytes, pending_files, pending_bytes, conflicts);
}

Bytes path_key(FolderId const& folder, RelPath const& path) {
  Bytes key(folder.bytes.begin(), folder.bytes.end());
  append(key, bytes_of(name_key(path)));
  key.push_back(0);
  return key;
}

Bytes below_key(FolderId const& folder, RelPath const& directory) {
  Bytes key = path_key(folder, directory);
  key.back() = '/';
  return key;
}

Bytes copies_prefix(FolderId const& folder, RelPath const& path) {
  // The longest name of a copy keeps the whole stem of any path that is not near the limits; of others, it is cut.
  constexpr std::size_t kRoomForTail = 64;
  auto const name = path.name();
  bool const whole = name.size() + kRoomForTail <= kLimits.max_path_part_bytes &&
                     path.text().size() + kRoomForTail <= kLimits.max_path_bytes;
  if (!whole) {
    auto const parent = path.parent();
    return parent ? below_key(folder, *parent) : Bytes(folder.bytes.begin(), folder.bytes.end());
  }
  auto const stem = conflict_stem(name);
  Bytes key(folder.bytes.begin(), folder.bytes.end());
  append(key, bytes_of(nfc(path.text().substr(0, path.text().size() - (name.size() - stem.size())))));
  append(key, bytes_of(kConflictMark));
  return key;
}

}  // namespace kith::files
