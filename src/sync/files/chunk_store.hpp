#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "sync/files/chunk_id.hpp"
#include "sync/files/rows.hpp"

namespace kith::files {

/// Opens a folder's disk; nullptr where it cannot be had just now.
using DiskOpener = std::function<std::unique_ptr<FileSystem>(FolderId const&)>;

/// Where chunks are on this device: in the files that hold them, or, for manifest nodes and message contents, in the
/// database. Whatever it gives has been checked against its id, because files change under us.
class ChunkStore {
 public:
  ChunkStore(Store& store, crypto::ChunkKey key, DiskOpener open_disk)
      : store_(store), key_(std::move(key)), open_disk_(std::move(open_disk)) {}

  [[nodiscard]] crypto::ChunkKey const& key() const { return key_; }

  /// The plain bytes, nullopt where this device has none that fit
  [[nodiscard]] Result<std::optional<Bytes>> find(ChunkId const& id);
  [[nodiscard]] Result<std::optional<Bytes>> find_blob(ChunkId const& id);
  [[nodiscard]] Result<bool> has_blob(ChunkId const& id);
  /// Whether the chunk is on this device, as far as is noted, so that a power failure does not take it: in a file, in
  /// the database, or in a file that is being received.
  [[nodiscard]] Result<bool> holds(ChunkId const& id);
  /// Keeps bytes whose id has been checked.
  [[nodiscard]] Result<> put_blob(ChunkId const& id, ByteView bytes);

  /// Remembers, or forgets, which chunks a file holds.
  [[nodiscard]] Result<> add_places(FolderId const& folder, RelPath const& path, Content const& content);
  [[nodiscard]] Result<> remove_places(FolderId const& folder, RelPath const& path, Content const& content);

  // Chunks of a file that is being received, which are durably in its temporary file. In the caller's transaction.
  [[nodiscard]] Result<> add_received(FolderId const& folder, VersionId const& version, ChunkId const& id);
  [[nodiscard]] Result<bool> has_received(FolderId const& folder, VersionId const& version, ChunkId const& id);
  [[nodiscard]] Result<> remove_received(FolderId const& folder, VersionId const& version, Content const& content);
  /// Of all the folder's versions.
  [[nodiscard]] Result<> remove_received(FolderId const& folder);

  /// Paths of a folder that hold the content's first chunk: where the whole content may be. A few at most.
  [[nodiscard]] Result<std::vector<RelPath>> files_with(FolderId const& folder, Content const& content);

  /// Nodes come from the blobs. @return FilesError::not_found where one is missing
  [[nodiscard]] NodeResolver node_resolver();

 private:
  [[nodiscard]] Result<std::optional<Bytes>> find_in_file(FolderId const& folder, std::string_view path,
                                                          std::uint64_t offset, std::uint64_t length,
                                                          ChunkId const& id);
  [[nodiscard]] Result<> for_each_place(
      FolderId const& folder, RelPath const& path, Content const& content,
      std::function<Result<>(Bytes const& key, std::uint64_t offset, ChunkRef const&)> const& visit);

  Store& store_;
  crypto::ChunkKey key_;
  DiskOpener open_disk_;
};

}  // namespace kith::files
