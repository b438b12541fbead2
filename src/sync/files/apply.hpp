#pragma once

#include <map>
#include <set>

#include "sync/files/fetch.hpp"
#include "sync/files/shown.hpp"
#include "sync/files/spelling.hpp"

namespace kith::files {

struct ApplyReport {
  std::uint64_t files_written = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t files_removed = 0;
  std::vector<RelPath> look_at;     ///< changed under us: a scan of these comes first
  std::vector<std::string> copies;  ///< conflict copies made
  std::vector<Skipped> skipped;     ///< what is left alone since now
  bool skips_moved = false;         ///< what is left alone is not what it was
  std::optional<Error> no_space;    ///< a file did not fit; the others went on
};

/// Makes a folder's disk what the view says: works off the paths whose view changed. Writes to temporary files, makes
/// them durable together, and only then puts them in place; what gives way goes to the trash. Nothing that a scan has
/// not seen is ever covered or moved. @see docs/spec/paths.md
class Applier {
 public:
  Applier(FolderContext& context, Fetcher& fetcher) : context_(context), fetcher_(fetcher) {}

  /// Goes as far as it can without asking anybody; what it needs is in the fetcher's wants.
  [[nodiscard]] Result<ApplyReport> run(Now now);
  /// There may be room on the disk now, or somebody who has what was missing.
  void try_again();
  /// Whether there is something to try again.
  [[nodiscard]] bool any_waiting() const { return !waiting_.empty() || fetcher_.any_aside(); }
  /// All that is left alone now.
  [[nodiscard]] std::vector<Skipped> skipped() const;
  /// Looks at paths again that were left alone, whether there is work for them or not.
  void look_again_at(std::vector<RelPath> const& paths);
  void look_again_at_skipped();

 private:
  /// One name on the disk, as it is spelled there, and what should be there.
  struct Target : Wanted {
    RelPath path;
  };
  struct Work {
    RelPath path;
    Bytes key;
    std::uint64_t times = 0;  ///< of its row: what was added to since is not finished
    bool held = false;        ///< as its row has it
  };
  struct Installable {
    Target target;
    Work work;  ///< that it is part of
  };
  /// Tells contents apart: two of one length that begin and end alike are taken for the same.
  struct ContentMark {
    ChunkId first, last;
    std::uint64_t bytes = 0;
    friend auto operator<=>(ContentMark const&, ContentMark const&) = default;
  };
  enum class Outcome {
    done,
    waiting,     ///< for room on the disk, or for somebody who has its content
    fetching,    ///< its content is on the way
    blocked,     ///< something else has to happen first; where that is left alone, the path is held back
    no_room,     ///< as many contents are on the way as there may be
    look_again,  ///< the disk is not as the last scan saw it
  };

  [[nodiscard]] Result<std::vector<Work>> next_work();
  [[nodiscard]] Result<bool> round();
  [[nodiscard]] Result<bool> round_one(Work const& work);
  [[nodiscard]] Result<bool> remove_files();
  [[nodiscard]] Result<std::vector<Work>> work_behind(Bytes& last);
  [[nodiscard]] Result<std::optional<Bytes>> unseen_work();
  [[nodiscard]] Result<bool> is_removal(Work const& work);
  [[nodiscard]] Result<bool> goes_as_a_file(RelPath const& path);
  [[nodiscard]] bool noted_as_removal(Work const& work) const;
  void note_removal(Work const& work);
  void note_left(Work const& work);
  void forget_left(Bytes const& key);
  void tell_skipped();
  [[nodiscard]] Result<Outcome> work_on(RelPath const& path);
  /// A place that a content should come to, and how that went.
  struct Placed {
    Content content;
    Outcome outcome;
  };
  [[nodiscard]] static bool lacks_content(Placed const& place);
  [[nodiscard]] static ContentMark mark(Content const& content);
  void note_coming(std::vector<Placed> const& places);
  [[nodiscard]] bool gone_from_disk(LocalFile const& row);
  [[nodiscard]] Result<std::vector<Placed>> make_copies(std::vector<Copy> const& copies, RelPath const* except);
  [[nodiscard]] Result<Outcome> remove_old_copies(RelPath const& path, Shown const& shown,
                                                  std::vector<Placed> const& placed);
  [[nodiscard]] static Outcome outcome_for(Content const& content, std::vector<Placed> const& placed);
  [[nodiscard]] Result<Outcome> reach_wanted(RelPath const& name);
  [[nodiscard]] Result<Outcome> reach_copy(Copy const& copy);
  [[nodiscard]] Result<Outcome> reach_as_spelled(RelPath const& name, Wanted wanted);
  [[nodiscard]] Result<Outcome> reach(Target const& target);
  [[nodiscard]] Result<Outcome> put_directory(Target const& target, std::optional<LocalFile> const& local);
  [[nodiscard]] Result<Outcome> put_file(Target const& target, std::optional<LocalFile> const& local);
  [[nodiscard]] Result<std::optional<Outcome>> take_moved(Target const& target, bool clashes);
  [[nodiscard]] Result<Stat> move_file(RelPath const& from, Stat const& seen, RelPath const& to, bool clashes);
  [[nodiscard]] Result<Outcome> take_away(Target const& target, LocalFile const& local);
  [[nodiscard]] Result<Outcome> gone_already(RelPath const& path, LocalFile const& there, Error const& error);
  [[nodiscard]] Result<Outcome> take_directory_away(Target const& target, LocalFile const& local);
  [[nodiscard]] Result<bool> tracked_below(RelPath const& directory);
  [[nodiscard]] Result<Outcome> make_parents(RelPath const& path);
  [[nodiscard]] Result<> work_at(RelPath const& path);
  [[nodiscard]] bool in_the_way(RelPath const& path);
  [[nodiscard]] Result<Outcome> trouble(RelPath const& path, Error const& error);
  [[nodiscard]] Result<bool> install_all();
  [[nodiscard]] Result<bool> install(Installable const& installable);
  [[nodiscard]] Result<> drop_unwanted();
  [[nodiscard]] Result<> commit();
  [[nodiscard]] Result<> clear_leftovers();

  [[nodiscard]] Result<std::optional<LocalFile>> local(RelPath const& path);
  void note(RelPath const& path, std::optional<LocalFile> file);
  void skip(RelPath const& path, Skipped::Why why);

  FolderContext& context_;
  Fetcher& fetcher_;
  Now now_;
  std::shared_ptr<FileSystem> disk_;
  ApplyReport report_;

  Bytes cursor_;                          ///< where the next look at the work begins
  std::map<Bytes, RelPath> in_progress_;  ///< waiting for content; at most as many as the fetcher takes
  std::map<VersionId, Fetched> fetched_;  ///< whole in their temporary files, not in place yet
  std::set<VersionId> wanted_;            ///< versions that some path in progress still needs
  /// Work whose content is not to be had before try_again(), and its rows' `times`: it is passed by. At most so many.
  static constexpr std::size_t kMostWaiting = 65536;
  std::map<Bytes, std::uint64_t> waiting_;

  // What was looked at and is not done, by the keys of its rows (apply_removals.cpp).
  static constexpr std::size_t kMostLeft = 65536;
  struct Left {
    std::uint64_t times = 0;
    std::vector<ContentMark> coming;
    friend bool operator==(Left const&, Left const&) = default;
  };
  std::map<Bytes, Left> left_;               ///< but for removals of files; at most kMostLeft
  std::map<Bytes, std::uint64_t> removals_;  ///< of files, and their rows' `times`; at most kMostLeft
  bool removals_due_ = false;                ///< files wait to go until all else was looked at
  bool left_moved_ = false;                  ///< any of this, since that was last tried
  bool at_end_ = false;                      ///< the cursor came to the end of the work in this run
  std::optional<Bytes> unseen_;              ///< a row that such a try met, in this run: it was looked at again

  Spellings spellings_;
  bool no_leftovers_ = false;  ///< there are no temporary files that nobody knows of

  // What is left alone, by the key of the work that met it: until that is looked at again and meets it no more.
  struct LeftAlone {
    RelPath work;
    std::vector<Skipped> items;
  };
  std::map<Bytes, LeftAlone> skipped_;
  std::set<std::pair<std::string, Skipped::Why>> told_;  ///< the same, as the last report knew it
  bool skips_moved_ = false;

  // Of the current round:
  std::vector<ContentMark> coming_;  ///< of the current work: contents that are to come to its places yet
  std::optional<Work> current_;
  std::vector<Installable> installable_;
  std::map<Bytes, std::pair<RelPath, std::optional<LocalFile>>> notes_;
  std::map<Bytes, std::uint64_t> finished_;  ///< keys of work done, and their rows' `times`
  struct Held {
    std::uint64_t times;
    bool held;
  };
  std::map<Bytes, Held> held_;  ///< keys of work that is held back now and was not, or the other way round
  bool lacks_content_ = false;  ///< the current work waits for a content, or for room, as well
  std::vector<RelPath> more_work_;
};

}  // namespace kith::files
