#include "sync/files/chunk_store.hpp"

#include <algorithm>

#include "sync/files/chunker.hpp"

namespace kith::files {
namespace {

/// Where a chunk lies: offset and length in a file, and the file's path as the disk spells it.
struct Place {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::string path;
  void write(wire::Writer& writer) const {
    core::write_row(writer, offset, length, wire::text(path, kLimits.max_path_bytes));
  }
  void read(wire::Reader& reader) { core::read_row(reader, offset, length, wire::text(path, kLimits.max_path_bytes)); }
};

constexpr std::size_t kMaxPlacesTried = 8;

/// Where no path is: behind the chunk and the folder a zero byte, which paths have none of, and the version.
Bytes received_key(FolderId const& folder, VersionId const& version, ChunkId const& id) {
  std::uint8_t const zero = 0;
  return core::key_of(core::key_of(core::key_of(id.view(), folder.view()), ByteView{&zero, 1}), version.view());
}

}  // namespace

Result<std::optional<Bytes>> ChunkStore::find(ChunkId const& id) {
  KITH_TRY(blob, find_blob(id));
  if (blob) return std::move(blob);
  std::vector<std::pair<FolderId, Place>> places;
  KITH_CHECK(store_.scan(Table::chunk_places, id.view(), {}, [&](ByteView key, ByteView value) {
    auto place = core::decode_record<Place>(value);
    auto const folder = FolderId::from(key.subspan(ChunkId::kBytes, FolderId::kBytes));
    // Of a file that is being received the place says only that it is noted.
    if (place && folder && !place->path.empty()) places.emplace_back(*folder, std::move(*place));
    return places.size() < kMaxPlacesTried ? Store::Next::go_on : Store::Next::stop;
  }));
  for (auto const& [folder, place] : places) {
    KITH_TRY(bytes, find_in_file(folder, place.path, place.offset, place.length, id));
    if (bytes) return std::move(bytes);
  }
  return std::nullopt;
}

/// A file that is gone, changed or unreadable is no error here: the chunk is just not to be had from it.
Result<std::optional<Bytes>> ChunkStore::find_in_file(FolderId const& folder, std::string_view path_text,
                                                      std::uint64_t offset, std::uint64_t length, ChunkId const& id) {
  auto const path = RelPath::parse(path_text);
  if (!path || length > kMaxChunkBytes) return std::nullopt;
  auto disk = open_disk_(folder);
  if (!disk) return std::nullopt;
  auto file = disk->open_read(*path);
  if (!file) return std::nullopt;
  Bytes bytes(length);
  auto const read = (*file)->read_at(offset, bytes);
  if (!read || *read != length || chunk_id(key_, bytes) != id) return std::nullopt;
  return std::optional(std::move(bytes));
}

/// One that rotted in the database is none: it is had again from another device.
Result<std::optional<Bytes>> ChunkStore::find_blob(ChunkId const& id) {
  KITH_TRY(blob, store_.get(Table::blobs, id.view()));
  if (blob && chunk_id(key_, *blob) != id) return std::nullopt;
  return std::move(blob);
}

Result<bool> ChunkStore::has_blob(ChunkId const& id) {
  KITH_TRY(found, find_blob(id));
  return found.has_value();
}

Result<bool> ChunkStore::holds(ChunkId const& id) {
  KITH_TRY(blob, has_blob(id));
  if (blob) return true;
  bool found = false;
  KITH_CHECK(store_.scan(Table::chunk_places, id.view(), {}, [&](ByteView, ByteView) {
    found = true;
    return Store::Next::stop;
  }));
  return found;
}

Result<> ChunkStore::add_received(FolderId const& folder, VersionId const& version, ChunkId const& id) {
  return store_.put(Table::chunk_places, received_key(folder, version, id), core::encode_record(Place{}));
}

Result<bool> ChunkStore::has_received(FolderId const& folder, VersionId const& version, ChunkId const& id) {
  KITH_TRY(row, store_.get(Table::chunk_places, received_key(folder, version, id)));
  return row.has_value();
}

Result<> ChunkStore::remove_received(FolderId const& folder, VersionId const& version, Content const& content) {
  ChunkWalk walk(content, node_resolver());
  for (;;) {
    auto const ref = walk.next();
    if (!ref || !*ref) return {};  // what is beyond a node that is not here was not received
    KITH_CHECK(store_.erase(Table::chunk_places, received_key(folder, version, (*ref)->id)));
  }
}

Result<> ChunkStore::remove_received(FolderId const& folder) {
  std::vector<Bytes> keys;
  KITH_CHECK(store_.scan(Table::chunk_places, {}, {}, [&](ByteView key, ByteView) {
    constexpr auto kBefore = ChunkId::kBytes + FolderId::kBytes;
    bool const received = key.size() == kBefore + 1 + VersionId::kBytes && key[kBefore] == 0;
    if (received && std::ranges::equal(key.subspan(ChunkId::kBytes, FolderId::kBytes), folder.view()))
      keys.emplace_back(key.begin(), key.end());
    return Store::Next::go_on;
  }));
  for (auto const& key : keys) KITH_CHECK(store_.erase(Table::chunk_places, key));
  return {};
}

Result<> ChunkStore::put_blob(ChunkId const& id, ByteView bytes) { return store_.put(Table::blobs, id.view(), bytes); }

Result<> ChunkStore::for_each_place(
    FolderId const& folder, RelPath const& path, Content const& content,
    std::function<Result<>(Bytes const& key, std::uint64_t offset, ChunkRef const&)> const& visit) {
  Bytes const file_key = path_key(folder, path);
  ChunkWalk walk(content, node_resolver());
  std::uint64_t offset = 0;
  for (;;) {
    KITH_TRY(ref, walk.next());
    if (!ref) return {};
    KITH_CHECK(visit(core::key_of(ref->id.view(), file_key), offset, *ref));
    offset += ref->length;
  }
}

Result<> ChunkStore::add_places(FolderId const& folder, RelPath const& path, Content const& content) {
  return for_each_place(folder, path, content, [&](Bytes const& key, std::uint64_t offset, ChunkRef const& ref) {
    return store_.put(Table::chunk_places, key, core::encode_record(Place{offset, ref.length, path.text()}));
  });
}

Result<> ChunkStore::remove_places(FolderId const& folder, RelPath const& path, Content const& content) {
  auto removed = for_each_place(folder, path, content, [&](Bytes const& key, std::uint64_t, ChunkRef const&) {
    return store_.erase(Table::chunk_places, key);
  });
  // A manifest node that is not here, or is none: what it names was never noted either.
  if (!removed && (removed.error().is(FilesError::not_found) || is_bad_content(removed.error()))) return {};
  return removed;
}

Result<std::vector<RelPath>> ChunkStore::files_with(FolderId const& folder, Content const& content) {
  std::vector<RelPath> paths;
  ChunkWalk walk(content, node_resolver());
  auto const first = walk.next();
  if (!first || !*first) return paths;  // an empty content, or a manifest that is not here
  Bytes const prefix = core::key_of((*first)->id.view(), folder.view());
  KITH_CHECK(store_.scan(Table::chunk_places, prefix, {}, [&](ByteView, ByteView value) {
    auto const place = core::decode_record<Place>(value);
    auto path = place ? RelPath::parse(place->path) : Result<RelPath>(fail(FilesError::bad_path));
    if (path) paths.push_back(std::move(*path));
    return paths.size() < kMaxPlacesTried ? Store::Next::go_on : Store::Next::stop;
  }));
  return paths;
}

NodeResolver ChunkStore::node_resolver() {
  return [this](ChunkId const& id) -> Result<Bytes> {
    KITH_TRY(blob, find_blob(id));
    if (!blob) return fail(FilesError::not_found);
    return std::move(*blob);
  };
}

}  // namespace kith::files
