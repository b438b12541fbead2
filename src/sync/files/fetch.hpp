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
/// sizes. Files take turns. One that does not fit on the disk, and, where others wait for its place, one whose next
/// chunks nobody has, is set aside until try_again().
class Fetcher {
 public:
  static constexpr std::size_t kMaxFiles = 256;
  /// Of a disk, left free, so that the database and the user's own programs can go on.
  static constexpr std::uint64_t kReserveBytes = std::uint64_t{32} << 20;
  static constexpr std::uint64_t kWindowBytes = std::uint64_t{8} << 20;  ///< asked for at once, over all files
  static constexpr std::size_t kWindowChunks = 1024;
  static constexpr std::size_t kFileChunks = 64;    ///< places of one file that wait for a chunk
  static constexpr std::size_t kFileNodes = 256;    ///< manifest nodes of one file that are waited for
  static constexpr std::size_t kMostAside = 65536;  ///< more, and all are tried again

  explicit Fetcher(FolderContext& context) : context_(context) {}

  [[nodiscard]] bool has_room() const { return files_.size() < kMaxFiles; }
  [[nodiscard]] bool fetching(VersionId const& version) const { return files_.contains(version); }
  [[nodiscard]] std::size_t active() const { return files_.size(); }
  /// Whether a version's content turned out to be one that cannot be made.
  [[nodiscard]] bool is_bad(VersionId const& version) const { return bad_.contains(version); }
  [[nodiscard]] std::size_t bad_count() const { return bad_.size(); }
  /// Whether a version waits for room on the disk, or for somebody who has it, and takes no place meanwhile.
  [[nodiscard]] bool is_aside(VersionId const& version) const { return aside_.contains(version); }
  /// Sets files aside of which nothing that is asked for can be had now. @return whether there were any
  [[nodiscard]] bool make_room();
  [[nodiscard]] bool any_aside() const { return !aside_.empty(); }
  /// What was set aside may be started again.
  void try_again() { aside_.clear(); }
  /// Somebody may have now what nobody had.
  void reset_missing();

  /// Starts a file. @return FilesError::no_space where the disk has no room for it beside all that are under way: it is
  /// set aside
  [[nodiscard]] Result<> start(std::shared_ptr<FileSystem> disk, VersionRow const& version);
  /// Goes on with all files as far as local chunks reach, and notes what must come from elsewhere.
  [[nodiscard]] Result<> advance();
  /// A chunk has come. Its id is checked here. @return whether anything waited for it
  /// @param keep  it is to be noted as received by keep(), before its file is whole
  [[nodiscard]] Result<bool> on_chunk(ChunkId const& id, ByteView bytes, bool keep = false);
  /// Makes durable what has come of files that are not whole yet, and notes it in the chunk store.
  [[nodiscard]] Result<> keep(FileSystem& disk);
  [[nodiscard]] bool any_to_keep() const;
  [[nodiscard]] bool wants(ChunkId const& id) const { return wants_.contains(id); }
  /// Nobody who could be asked has the chunk. @return whether that is news
  bool on_missing(ChunkId const& id);

  /// Chunks and nodes that are needed now and not here. What was given out once is not given out again until
  /// reset_wants().
  [[nodiscard]] std::vector<WantedChunk> take_wants();
  void reset_wants() { given_out_.clear(); }
  /// What was given out and is not needed any more.
  [[nodiscard]] std::vector<ChunkId> take_unwanted() { return std::exchange(unwanted_, {}); }
  /// The disk was full when a file was to be started, or written to, since this was last asked.
  [[nodiscard]] std::optional<Error> take_no_space() { return std::exchange(no_space_, std::nullopt); }

  [[nodiscard]] std::vector<Fetched> take_fetched() { return std::exchange(fetched_, {}); }
  /// Versions that are wanted no longer: closes their files and removes them.
  [[nodiscard]] Result<> keep_only(FileSystem& disk, std::set<VersionId> const& wanted);

  [[nodiscard]] std::uint64_t bytes_left() const;

 private:
  struct File {
    VersionRow version;
    std::shared_ptr<FileSystem> disk;  ///< lives as long as its temporary file is open
    std::unique_ptr<TempFile> temp;    ///< none before there is something to write
    std::uint64_t resumed_bytes = 0;   ///< what the temporary file held when it was opened
    std::unique_ptr<ChunkWalk> walk;
    std::optional<ChunkRef> next;  ///< read from the walk and not placed yet
    std::uint64_t next_offset = 0;
    std::size_t missing = 0;       ///< chunks asked for and not come
    std::size_t nodes_wanted = 0;  ///< manifest nodes asked for and not come
    std::uint64_t bytes_done = 0;
    bool walked = false;
    std::vector<NodeRef> nodes;    ///< manifest nodes that were not looked at yet, or are not here
    std::vector<ChunkId> to_keep;  ///< in the temporary file, and not noted as received
    bool kept = false;             ///< some may be noted
    std::set<NodeRef> seen;        ///< all that were named so far: one that is named often is looked at once
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
    bool not_held = false;                          ///< nobody who could be asked has it: it takes no window
  };
  using Wants = std::map<ChunkId, Want>;
  [[nodiscard]] static std::uint64_t bytes_left(File const& file);
  [[nodiscard]] bool window_full() const { return open_bytes_ >= kWindowBytes || open_wants_ >= kWindowChunks; }
  [[nodiscard]] Result<> gather_nodes(File& file);
  [[nodiscard]] Result<> advance_file(File& file);
  [[nodiscard]] Result<bool> find_here(File& file, ChunkRef const& ref, std::uint64_t offset);
  [[nodiscard]] Result<> write(File& file, std::uint64_t offset, ByteView bytes);
  [[nodiscard]] Result<> finish(File& file);
  [[nodiscard]] Result<> unkeep(File const& file);
  void set_aside(VersionId const& version);
  [[nodiscard]] Result<> give_up(VersionId const& version);
  void want_chunk(ChunkRef const& ref, Spot const& spot);
  [[nodiscard]] bool want_node(File& file, NodeRef const& ref);
  void forget_wants(VersionId const& version);
  Wants::iterator erase_want(Wants::iterator want);

  FolderContext& context_;
  std::map<VersionId, File> files_;
  VersionId turn_;  ///< the last that asked for chunks: the next one begins
  Wants wants_;
  std::set<ChunkId> given_out_;
  std::vector<ChunkId> unwanted_;
  std::size_t open_wants_ = 0;  ///< but for those that nobody has
  std::uint64_t open_bytes_ = 0;
  std::vector<Fetched> fetched_;
  std::set<VersionId> bad_;
  std::set<VersionId> aside_;
  std::optional<Error> no_space_;
};

[[nodiscard]] TempName temp_name(VersionId const& version);

}  // namespace kith::files
