#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "sync/files/file_system.hpp"

namespace kith::files {

/// A disk in memory, for tests and the simulation. It knows what a crash would leave: content and attributes of a file
/// are durable when the file was synced; changes to names are durable up to the last one in a directory that was
/// synced.
///
/// Here are the disk itself and what its user does to it: paths are raw bytes, `.kith` is a directory like any other,
/// and a user's mistake is a bug of the test. MemoryFileSystem is how kith sees the same disk.
class MemoryDisk {
 public:
  struct Options {
    bool ignores_case = false;                    ///< names that differ only by case or Unicode form are one
    std::optional<std::uint64_t> capacity_bytes;  ///< of file content; none: never full
  };

  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  struct Durable {
    Bytes data;
    std::uint32_t mode = 0;
    std::int64_t mtime_ns = 0;
  };
  struct Node {
    Kind kind = Kind::file;
    std::uint64_t inode = 0;  ///< never given twice
    std::uint32_t mode = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;
    Bytes data;                            ///< of a file
    std::map<std::string, NodePtr> names;  ///< of a directory
    Durable durable;                       ///< of a file: what a crash cannot take
    bool dirty = false;                    ///< the file differs from `durable`
  };
  /// A name in a directory, whether something is there or not.
  struct Slot {
    NodePtr directory;
    std::string name;
  };

  explicit MemoryDisk(Options options);
  MemoryDisk() : MemoryDisk(Options{}) {}

  /// All times are this clock's, which stands still between calls: two changes at one time leave equal times, as on a
  /// disk with coarse timestamps.
  void set_time(WallTime now) { now_ns_ = now.ms * 1'000'000; }

  // What the user does.

  void write_file(std::string_view path, ByteView bytes);    ///< in place where there is one; makes directories
  void replace_file(std::string_view path, ByteView bytes);  ///< a new inode renamed over it, as most editors save
  void make_directory(std::string_view path);                ///< and those above it
  void make_symlink(std::string_view path) { place(path, Kind::symlink); }
  void make_pipe(std::string_view path) { place(path, Kind::other); }
  void move(std::string_view from, std::string_view to);
  void remove(std::string_view path);  ///< with all that is below it
  /// What the user's program did last is durable: all names, and this file's content. Contents of other files are not.
  void sync_saved(std::string_view path);
  [[nodiscard]] std::optional<Bytes> read_file(std::string_view path) const;
  [[nodiscard]] std::optional<Stat> look(std::string_view path) const;
  [[nodiscard]] std::vector<std::string> files() const;  ///< the paths of all files outside .kith, sorted

  // The disk.

  /// Power fails. Changes to names that are not durable are undone from the last one back to a random one; each file
  /// that is not durable keeps its content, falls back to what is durable, or ends or turns into zeros at a random
  /// place behind what it has in common with that. Handles opened before fail with io from now on.
  void crash(RandomSource& random);
  [[nodiscard]] std::uint64_t crashes() const { return crashes_; }

  /// "" is the root. Never follows a symlink. @return FilesError::not_found, not_a_directory, is_symlink
  [[nodiscard]] Result<NodePtr> find(std::string_view path) const;
  [[nodiscard]] Result<Slot> slot(std::string_view path) const;
  [[nodiscard]] NodePtr at(Slot const& slot) const;  ///< null where nothing is
  [[nodiscard]] Stat stat_of(Node const& node) const;

  NodePtr create(Slot const& slot, Kind kind, std::uint32_t mode);
  void unlink(Slot const& slot);
  void rename(Slot const& from, Slot const& to);  ///< replaces what is there
  void exchange(Slot const& a, Slot const& b);
  /// @return FilesError::no_space
  [[nodiscard]] Result<> resize(Node& node, std::uint64_t size);
  void touched(Node& node) const;  ///< content changed: sets the times
  void sync(Node& node) const;
  void sync_names(NodePtr const& directory);
  void sync_all();
  [[nodiscard]] std::uint64_t free_bytes() const;

 private:
  struct Edit {
    Slot slot;
    NodePtr before;
    NodePtr after;
  };
  using Change = std::vector<Edit>;  ///< happens as a whole or not at all

  /// The slot of a name, or of the one that is there and counts as the same.
  [[nodiscard]] Slot named(NodePtr const& directory, std::string_view name) const;
  static void set(Slot const& slot, NodePtr const& node);
  void commit(Change change);
  [[nodiscard]] NodePtr new_node(Kind kind, std::uint32_t mode);
  void place(std::string_view path, Kind kind);
  [[nodiscard]] Slot slot_with_parents(std::string_view path);
  template <class Visit>
  static void for_each_file(NodePtr const& directory, std::string const& prefix, Visit const& visit);
  [[nodiscard]] std::uint64_t used_bytes() const;

  Options options_;
  NodePtr root_;
  std::vector<Change> journal_;  ///< not durable yet, oldest first
  std::uint64_t next_inode_ = 2;
  std::int64_t now_ns_ = 0;
  std::uint64_t crashes_ = 0;
};

}  // namespace kith::files
