#include "sync/files/folder_context.hpp"

#include "base/assert.hpp"

namespace kith::files {
namespace {

constexpr std::size_t kReadBytes = 2 * kMaxChunkBytes;

}  // namespace

std::string_view skip_code(Skipped::Why why) {
  switch (why) {
    case Skipped::Why::symlink: return "symlink";
    case Skipped::Why::special: return "special-file";
    case Skipped::Why::not_utf8: return "not-utf8";
    case Skipped::Why::bad_name: return "bad-name";
    case Skipped::Why::name_clash: return "name-clash";
    case Skipped::Why::unreadable: return "unreadable";
    case Skipped::Why::read_failed: return "read-failed";
    case Skipped::Why::unstable: return "unstable";
    case Skipped::Why::bad_content: return "bad-content";
    case Skipped::Why::no_copy: return "no-copy";
    case Skipped::Why::blocked: return "blocked";
  }
  KITH_UNREACHABLE();
}

Result<std::optional<LocalFile>> FolderContext::local(RelPath const& path) {
  return core::get_record<LocalFile>(store, Table::local_files, path_key(id, path));
}

Result<> FolderContext::put_local(RelPath const& path, LocalFile const& file) {
  return store.put(Table::local_files, path_key(id, path), core::encode_record(file));
}

Result<> FolderContext::erase_local(RelPath const& path) { return store.erase(Table::local_files, path_key(id, path)); }

Result<Resolved> FolderContext::resolved(RelPath const& path) {
  KITH_TRY(versions, view.versions(id, path));
  return resolve(std::move(versions), [this](EntryHash const& hash) -> Result<core::EntryRecord> {
    KITH_TRY(record, replica.state().record(hash));
    if (!record) return fail(core::CoreError::corrupt_record);
    return std::move(*record);
  });
}

Result<std::shared_ptr<FileSystem>> FolderContext::disk() {
  std::shared_ptr<FileSystem> opened = open_disk(id);
  if (!opened) return fail(FilesError::not_found);
  KITH_CHECK(check_marker(*opened, id, replica.state().group()));
  return opened;
}

Result<> check_marker(FileSystem& disk, FolderId const& folder, GroupId const& group) {
  KITH_TRY(bytes, disk.read_marker());
  auto const marker = wire::decode<Marker>(bytes);  // whoever can write to the disk says what is in it
  if (!marker || marker->folder != folder || marker->group != group) return fail(FilesError::not_found);
  return {};
}

Result<HashedFile> hash_file(FolderContext& context, FileSystem& disk, RelPath const& path) {
  KITH_TRY(file, disk.open_read(path));
  KITH_TRY(before, file->stat());
  std::vector<ChunkRef> refs;
  Bytes window;
  std::uint64_t offset = 0;
  bool ended = false;
  while (!ended || !window.empty()) {
    if (context.stop()) return fail(FilesError::changed_meanwhile);
    if (!ended) {
      std::size_t const held = window.size();
      window.resize(kReadBytes);
      KITH_TRY(read, file->read_at(offset, std::span(window).subspan(held)));
      window.resize(held + read);
      offset += read;
      ended = window.size() < kReadBytes;
    }
    std::size_t done = 0;
    while (std::size_t const cut = next_cut(context.gear, ByteView{window}.subspan(done), ended)) {
      refs.push_back({cut, chunk_id(context.chunks.key(), ByteView{window}.subspan(done, cut))});
      done += cut;
    }
    window.erase(window.begin(), window.begin() + static_cast<std::ptrdiff_t>(done));
  }
  KITH_TRY(after, file->stat());
  if (!(before == after) || after.size != offset) return fail(FilesError::changed_meanwhile);
  KITH_TRY(built, build_content(context.chunks.key(), std::move(refs)));
  return HashedFile{std::move(built), after};
}

}  // namespace kith::files
