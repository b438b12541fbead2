#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "sync/files/rows.hpp"

namespace kith::engine {

/// Looks whether folders are there with their markers, and hangs for nobody: a disk that does not answer (a network
/// drive whose server is gone) holds up whoever asks it, for ever. So only threads of this class ask. One goes from
/// folder to folder; where it is held up, the next goes on with the others, and each place has one look at a time.
///
/// What its threads need is theirs as well, so that it ends while they hang; nobody is told anything after that. A
/// process can exit meanwhile, unless the system itself lets the thread not go. Any thread may call.
class FolderLooks {
 public:
  /// Whether a folder is there. Owns what it uses: it may return long after the looks are over.
  using Look = std::function<bool(FolderId const& folder, std::string const& root)>;
  using BoundFolders = std::vector<std::pair<FolderId, files::FolderRow>>;

  struct Pace {
    std::chrono::milliseconds again{1000};    ///< a folder is looked at no more often
    std::chrono::milliseconds relief{100};    ///< a look that takes longer holds up no other folder's
    std::chrono::milliseconds overdue{2000};  ///< from then on what was seen before does not count any more
  };

  /// @param changed  told when a look saw something new: on a thread of the looks, so it hands on and returns
  explicit FolderLooks(Look look, std::function<void()> changed, Pace pace);
  explicit FolderLooks(Look look, std::function<void()> changed = {})
      : FolderLooks(std::move(look), std::move(changed), Pace{}) {}
  ~FolderLooks();  ///< ends it
  FolderLooks(FolderLooks const&) = delete;

  /// Looks at these folders and forgets all others. Returns at once; a look that is under way is not repeated before
  /// it has returned.
  void look(BoundFolders const& folders);
  /// Looks at nothing any more, and tells nobody anything. Does not wait for a look.
  void end();
  /// Waits until each folder has been looked at once. @return false where that takes longer
  bool wait(std::chrono::milliseconds most);

  /// What the last look saw; none while there was no look yet, or the one under way is overdue.
  [[nodiscard]] std::optional<bool> there(FolderId const& folder) const;
  /// Whether a look at the folder is held up: whoever opens its disk now may be as well.
  [[nodiscard]] bool silent(FolderId const& folder) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Reads folders' markers. There counts what has the folder's marker, or one that cannot be read.
[[nodiscard]] FolderLooks::Look look_for_markers(GroupId const& group);

}  // namespace kith::engine
