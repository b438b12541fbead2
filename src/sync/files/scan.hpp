#pragma once

#include <set>
#include <span>
#include <unordered_set>

#include "sync/files/shown.hpp"
#include "sync/files/spelling.hpp"

namespace kith::files {

/// When vanished files stop a folder instead of being deleted everywhere: more than so many, and more than this part of
/// all. Files that were moved have not vanished.
struct DeleteGuard {
  std::uint64_t max_files = 50;
  std::uint64_t max_percent = 25;
  bool off = false;
  [[nodiscard]] bool stops(std::uint64_t vanished, std::uint64_t all) const {
    return !off && vanished > max_files && vanished * 100 > all * max_percent;
  }
};

struct ScanReport {
  std::uint64_t files = 0;  ///< regular files in the folder
  std::uint64_t bytes = 0;
  std::uint64_t changed_files = 0;  ///< new or changed here, written into the log
  std::uint64_t changed_bytes = 0;
  std::uint64_t removed_files = 0;
  std::uint64_t vanished = 0;  ///< files that are at no other path; with `guarded`: what was not removed
  bool guarded = false;        ///< the delete guard stopped it: nothing was written
  bool look_again = false;     ///< some files changed while they were read, or too shortly before
  bool stopped = false;        ///< left off: what is here is not all, and no removal was written that might be none
  std::vector<Skipped> skipped;
  std::vector<std::string> conflicts;  ///< paths that hold several contents now by what was found
};

/// Compares a folder's disk with what it was last seen to hold, and writes what changed into the log: new and changed
/// files with the versions they replace, and removals. Reads only, but for old files that were in the way of the
/// group's, which it renames; what others wrote is applied elsewhere. @see docs/spec/views.md
class Scanner {
 public:
  Scanner(FolderContext& context, DeleteGuard guard) : context_(context), guard_(guard) {}

  /// Asked to stop, it writes only what it has taken in whole, and no removals: what it has not met may be there.
  /// @param below  look only at these directories and files, in any spelling, as often as they are named and below each
  ///               other; everything where it is empty
  /// @param write  false: report what would be written
  [[nodiscard]] Result<ScanReport> run(std::vector<RelPath> const& below, bool write, Now now);

 private:
  struct Change {
    RelPath path;
    Stat stat;
    std::optional<LocalFile> before;
  };
  struct Batch {
    std::vector<wire::Op> ops;
    /// What to note once the ops are written; `op` says which of them the disk now stands for.
    struct Note {
      RelPath path;
      std::optional<LocalFile> file;  ///< none: forget it
      std::optional<std::size_t> op;
      std::optional<Content> old_content;
      std::vector<NodeBlob> nodes;
      bool settled = false;  ///< the view agrees, once the ops are in
      std::size_t ops = 1;   ///< how many there are from `op` on
    };
    std::vector<Note> notes;
    std::uint64_t bytes = 0;
    std::vector<LocalFile> settled_copies;  ///< conflict copies that their user deleted or made files of their own
  };

  [[nodiscard]] Result<> walk(std::vector<RelPath> const& below);
  [[nodiscard]] Result<> look_at_spellings(std::set<RelPath> paths);
  [[nodiscard]] Result<> look_at_directory(DirPath const& directory);
  [[nodiscard]] Result<> look_at(RelPath const& path, Stat const& stat);
  [[nodiscard]] Result<> leave_as_it_was(RelPath const& path);
  [[nodiscard]] bool unread(ByteView key) const;
  [[nodiscard]] Result<bool> main_is_open(LocalFile const& copy) const;
  [[nodiscard]] Result<> find_vanished(ByteView prefix);
  /// How many of the files that vanished have no other path now.
  [[nodiscard]] Result<std::uint64_t> count_lost();
  [[nodiscard]] Result<> forget_noted_moves(std::vector<LocalFile const*>& lost);
  [[nodiscard]] Result<> take_change(Change const& change);
  [[nodiscard]] Result<> take_file(Change const& change, HashedFile hashed);
  [[nodiscard]] Result<std::optional<Change>> step_aside(RelPath const& path, Stat const& seen);
  [[nodiscard]] Result<> take_directory(Change const& change);
  [[nodiscard]] Result<> take_file_away(RelPath const& path, LocalFile const& before);
  [[nodiscard]] Result<> take_removal(RelPath const& path, LocalFile const& before);
  [[nodiscard]] Result<> note_settled(LocalFile const& copy);
  [[nodiscard]] Result<> settle_conflict(LocalFile const& copy);
  [[nodiscard]] Result<> flush();
  [[nodiscard]] Result<> flush_if_full();
  void skip(std::string path, Skipped::Why why) { report_.skipped.push_back({std::move(path), why}); }
  [[nodiscard]] bool is_racy(Stat const& stat) const;
  /// Whether to leave off. Once it is so, it stays so.
  [[nodiscard]] bool stopping() { return report_.stopped = report_.stopped || context_.stop(); }

  FolderContext& context_;
  DeleteGuard guard_;
  Now now_;
  bool write_ = true;
  std::shared_ptr<FileSystem> disk_;
  ScanReport report_;
  std::unordered_set<std::string> seen_;  ///< keys of paths where something is on the disk
  std::vector<Bytes> unread_;             ///< where the keys of what nothing is known of begin
  /// Keys of paths where there is something that this scan did not take in.
  std::unordered_set<std::string> not_taken_;
  std::vector<Change> changes_;
  std::vector<std::pair<RelPath, LocalFile>> vanished_;
  std::uint64_t known_files_ = 0;
  Spellings spellings_;  ///< as the walk finds them
  Batch batch_;
};

/// The versions that ops made, in the order of their ids.
[[nodiscard]] std::vector<VersionId> versions_of(std::span<core::OpId const> ops);

}  // namespace kith::files
