#pragma once

#include <deque>
#include <map>
#include <set>

#include "sync/files/folder_context.hpp"

namespace kith::files {

/// A chunk to ask other devices for.
struct WantedChunk {
  ChunkId id;
  std::uint64_t length = 0;
};

/// A version whose content and attributes are whole in its temporary file, which is still open.
struct Fetched {
  VersionId version;
  std::shared_ptr<FileSystem> disk;  ///< lives as long as the file
  std::unique_ptr<TempFile> file;
};

/// Puts contents together in temporary files: from chunks that this device holds already, and from those that arrive. A
/// temporary file is named by its version, so that what a crash or a lost network leaves is used again.
///
/// A content that cannot be made is given up, for good: its author says things of it that are not so, and ids and
/// contents never change. Nothing of it that is no manifest node is kept.
///
/// A few files at a time, and of each a window of chunks, so that memory and open files stay bounded whatever the
/// sizes.
class Fetcher {
 public:
  static constexpr std::size_t kMaxFiles = 256;
  static constexpr std::uint64_t kWindowBytes = std::uint64_t{8} << 20;  ///< asked for at once, over all files
  static constexpr std::size_t kWindowChunks = 1024;

  explicit Fetcher(FolderContext& context) : context_(context) {}

  [[nodiscard]] bool has_room() const { return files_.size() < kMaxFiles; }
  [[nodiscard]] bool fetching(VersionId const& version) const { return files_.contains(version); }
  [[nodiscard]] std::size_t active() const { return files_.size(); }
  /// Whether a version's content turned out to be one that cannot be made.
  [[nodiscard]] bool is_bad(VersionId const& version) const { return bad_.contains(version); }
  [[nodiscard]] std::size_t bad_count() const { return bad_.size(); }

  /// Starts a file. @return FilesError::no_space where the disk has no room for it
  [[nodiscard]] Result<> start(std::shared_ptr<FileSystem> disk, RelPath const& path, VersionRow const& version);
  /// Goes on with all files as far as local chunks reach, and notes what must come from elsewhere.
  [[nodiscard]] Result<> advance();
  /// A chunk has come. Its id is checked here. @return whether anything waited for it
  [[nodiscard]] Result<bool> on_chunk(ChunkId const& id, ByteView bytes);

  /// Chunks and nodes that are needed now and not here. What was given out once is not given out again until
  /// reset_wants().
  [[nodiscard]] std::vector<WantedChunk> take_wants();
  void reset_wants() { given_out_.clear(); }

  [[nodiscard]] std::vector<Fetched> take_fetched() { return std::exchange(fetched_, {}); }
  /// Versions that are wanted no longer: closes their files and removes them.
  [[nodiscard]] Result<> keep_only(FileSystem& disk, std::set<VersionId> const& wanted);

  [[nodiscard]] std::uint64_t bytes_left() const;

 private:
  struct File {
    RelPath path;
    VersionRow version;
    std::shared_ptr<FileSystem> disk;  ///< lives as long as its temporary file is open
    std::unique_ptr<TempFile> temp;
    bool resumed = false;  ///< the temporary file held something when it was opened
    std::unique_ptr<ChunkWalk> walk;
    std::optional<ChunkRef> next;  ///< read from the walk and not placed yet
    std::uint64_t next_offset = 0;
    std::size_t missing = 0;  ///< chunks asked for and not come
    std::uint64_t bytes_done = 0;
    bool walked = false;
    std::vector<NodeRef> nodes;  ///< manifest nodes that were not looked at yet, or are not here
    std::set<NodeRef> seen;      ///< all that were named so far: one that is named often is looked at once
  };
  struct Spot {
    VersionId version;
    std::uint64_t offset;
    std::uint64_t length;  ///< as this version has it: what comes may be longer
  };
  struct Want {
    std::uint64_t length = 0;  ///< as it was asked for; 0 for a manifest node
    std::vector<Spot> spots;
    std::set<std::pair<VersionId, NodeRef>> nodes;  ///< as which manifest nodes it is needed
  };
  [[nodiscard]] Result<> gather_nodes(File& file);
  [[nodiscard]] Result<> advance_file(File& file);
  [[nodiscard]] Result<bool> find_here(File& file, ChunkRef const& ref, std::uint64_t offset);
  [[nodiscard]] Result<> finish(File& file);
  [[nodiscard]] Result<> give_up(VersionId const& version);
  void want_chunk(ChunkRef const& ref, Spot const& spot);
  [[nodiscard]] bool want_node(VersionId const& version, NodeRef const& ref);
  void forget_wants(VersionId const& version);

  FolderContext& context_;
  std::map<VersionId, File> files_;
  std::map<ChunkId, Want> wants_;
  std::set<ChunkId> given_out_;
  std::uint64_t wanted_bytes_ = 0;
  std::vector<Fetched> fetched_;
  std::set<VersionId> bad_;
};

[[nodiscard]] TempName temp_name(VersionId const& version);

}  // namespace kith::files
