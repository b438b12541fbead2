#pragma once

#include "sync/files/apply.hpp"
#include "sync/files/scan.hpp"

namespace kith::files {

/// A file that is not what it was last seen to be.
struct Mismatch {
  std::string path;
  enum class Why {
    edited,      ///< changed since the last scan: not damaged, not sent yet
    missing,     ///< gone since the last scan
    rotten,      ///< size and times are as before, the content is not
    unreadable,  ///< the system does not let us read it, or the disk cannot
  } why;
};
struct VerifyReport {
  std::uint64_t files_checked = 0;
  std::uint64_t bytes_checked = 0;
  std::uint64_t left_alone = 0;  ///< a link or something else that does not travel is where the file was
  std::vector<Mismatch> mismatched;
};

/// One folder of this device: keeps its disk and the group's view of it in step. Scans, applies, and says which chunks
/// it needs. Synchronous, on one thread; the disk, the store and the randomness behind them are the caller's.
class FolderSync {
 public:
  explicit FolderSync(FolderContext context)
      : context_(std::move(context)), fetcher_(context_), applier_(context_, fetcher_) {}
  FolderSync(FolderSync const&) = delete;

  [[nodiscard]] FolderId id() const { return context_.id; }

  /// Looks for local changes and writes them into the log. @param below  everything where it is empty
  [[nodiscard]] Result<ScanReport> scan(std::vector<RelPath> const& below, DeleteGuard guard, Now now);
  /// What a scan would write, without writing.
  [[nodiscard]] Result<ScanReport> dry_run(DeleteGuard guard, Now now);
  /// Brings the disk to what the view says, as far as contents are here. Scans first what it finds changed.
  [[nodiscard]] Result<ApplyReport> apply(DeleteGuard guard, Now now);

  [[nodiscard]] std::vector<WantedChunk> take_wants() { return fetcher_.take_wants(); }
  void reset_wants() { fetcher_.reset_wants(); }
  /// Chunks that were asked for and are not needed any more.
  [[nodiscard]] std::vector<ChunkId> take_unwanted() { return fetcher_.take_unwanted(); }
  /// @return whether the chunk was waited for
  [[nodiscard]] Result<bool> on_chunk(ChunkId const& id, ByteView bytes, bool keep = false) {
    return fetcher_.on_chunk(id, bytes, keep);
  }
  /// Makes durable what has come of files that are not whole yet.
  [[nodiscard]] Result<> keep_received();
  [[nodiscard]] bool any_to_keep() const { return fetcher_.any_to_keep(); }
  [[nodiscard]] bool wants(ChunkId const& id) const { return fetcher_.wants(id); }
  /// Nobody who could be asked has the chunk. @return whether that is news
  bool on_missing(ChunkId const& id) { return fetcher_.on_missing(id); }
  /// Files that were set aside may be had now: there is room on the disk, or another device.
  void try_again() { applier_.try_again(); }
  [[nodiscard]] bool any_waiting() const { return applier_.any_waiting(); }
  /// Another device came, or has contents that it had not: nothing is known to be missing any more.
  void contents_moved() { fetcher_.reset_missing(); }
  /// How many files are being fetched.
  [[nodiscard]] std::size_t fetching() const { return fetcher_.active(); }

  /// All that apply() leaves alone now.
  [[nodiscard]] std::vector<Skipped> skipped() const { return applier_.skipped(); }
  /// Looks at paths that an earlier run left alone.
  void look_again_at(std::vector<RelPath> const& paths) { applier_.look_again_at(paths); }

  /// What is left to do, counted from the view, without what is held back by something that is left alone.
  struct Pending {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] Result<Pending> pending();
  /// How many paths show conflict copies.
  [[nodiscard]] Result<std::uint64_t> conflicts();
  /// Reads every file and compares it with what it was last seen to hold.
  [[nodiscard]] Result<VerifyReport> verify(std::function<void(std::uint64_t bytes)> const& progress);
  /// Deletes what has been in the trash for `keep`, as far as the clock can be believed: see TrashLook. To be called at
  /// least once a day. @return how many files were deleted
  [[nodiscard]] Result<std::uint64_t> purge_trash(std::chrono::milliseconds keep, WallTime now);

 private:
  FolderContext context_;
  Fetcher fetcher_;
  Applier applier_;
};

enum class BindError {
  name_taken,    ///< this device keeps the folder elsewhere; the detail is where
  other_folder,  ///< the directory is another folder, or another device's or group's
};
[[nodiscard]] ErrorDomain const& error_domain(BindError);

/// Whether bind_folder() would give the folder this place. Changes nothing.
/// @return whether the directory has the folder's marker; BindError, FilesError::not_found for a lost marker
[[nodiscard]] Result<bool> check_binding(Store& store, core::Replica const& replica, FileSystem& disk,
                                         std::string const& name, std::string const& root, bool afresh);

/// Gives a folder of the group a place on this device: writes the marker, makes the folder known to the group where it
/// is new, and notes everything that it holds as work. A directory that had the marker and has lost it is refused: its
/// disk is not mounted, or somebody removed `.kith`.
/// @param afresh  take such a directory as a new one: what is there is compared, and nothing counts as deleted
/// @return BindError, FilesError::not_found for a lost marker
[[nodiscard]] Result<FolderId> bind_folder(Store& store, core::Replica& replica, FolderView& view, FileSystem& disk,
                                           std::string const& name, std::string const& root, bool afresh, Now now);

/// The folders that have a place on this device.
[[nodiscard]] Result<std::vector<std::pair<FolderId, FolderRow>>> bound_folders(Store& store);

}  // namespace kith::files
