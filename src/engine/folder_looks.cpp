#include "engine/folder_looks.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <new>
#include <system_error>

#include "base/time.hpp"
#include "disk/posix_file_system.hpp"
#include "engine/thread.hpp"
#include "sync/files/folder_context.hpp"

namespace kith::engine {

/// What the looks and their threads share. A thread that hangs keeps it alive.
struct FolderLooks::State : std::enable_shared_from_this<FolderLooks::State> {
  /// A folder and where it is: one that was put elsewhere is another one to look at.
  using Place = std::pair<FolderId, std::string>;
  struct Folder {
    bool wanted = true;  ///< false: forgotten, and its look has not returned yet
    bool due = false;
    std::optional<Instant> began;  ///< of the look that is under way
    std::optional<Instant> last;   ///< when the last look began
    std::optional<bool> there;
  };

  State(Look how, std::function<void()> tell, Pace pace_)
      : look(std::move(how)), pace(pace_), changed(std::move(tell)) {}

  void go_on();
  void work(std::uint64_t self);
  [[nodiscard]] bool look_at(std::unique_lock<std::mutex>& lock, Place const& place);
  void tell();
  [[nodiscard]] Folder const* find(FolderId const& id) const;
  [[nodiscard]] bool overdue(Folder const& folder) const {
    return folder.began && Clock::now() >= *folder.began + (folder.there ? pace.overdue : pace.relief);
  }
  [[nodiscard]] auto next_due() {
    return std::ranges::find_if(folders, [](auto const& each) { return each.second.due && !each.second.began; });
  }

  Look const look;
  Pace const pace;
  std::mutex telling;  ///< held while somebody is told
  std::function<void()> changed;

  std::mutex mutex;  ///< of all below
  std::condition_variable looked;
  std::map<Place, Folder> folders;
  std::uint64_t worker = 0;  ///< the thread that goes from folder to folder; those with other numbers were held up
  bool working = false;
  Instant busy_since;
  bool ended = false;
};

/// Sees to it that a thread works where something is due. The mutex is held.
void FolderLooks::State::go_on() {
  auto const now = Clock::now();
  if (ended || next_due() == folders.end() || (working && now < busy_since + pace.relief)) return;
  try {
    start_thread([self = shared_from_this(), number = worker + 1] { self->work(number); }).detach();
    ++worker;
    working = true;
    busy_since = now;
  } catch (std::system_error const&) {  // too many threads: what is due is looked at another time
  }
}

void FolderLooks::State::work(std::uint64_t self) {
  std::unique_lock lock(mutex);
  for (;;) {
    auto const next = ended ? folders.end() : next_due();
    if (next == folders.end()) {
      if (worker == self) working = false;
      return;
    }
    auto const place = next->first;
    bool const news = look_at(lock, place);
    looked.notify_all();
    if (news) {
      lock.unlock();
      tell();
      lock.lock();
    }
    if (worker == self) continue;
    if (working) return;  // another goes from folder to folder by now
    worker = self;
    working = true;
  }
}

/// @return whether it saw something that was not known before
bool FolderLooks::State::look_at(std::unique_lock<std::mutex>& lock, Place const& place) {
  auto& folder = folders.at(place);  // stays until its look has returned
  folder.due = false;
  folder.began = folder.last = busy_since = Clock::now();
  lock.unlock();
  std::optional<bool> there;
  try {
    there = look(place.first, place.second);
  } catch (std::bad_alloc const&) {  // as if it had not been looked at
  }
  lock.lock();
  bool const was_overdue = overdue(folder);
  folder.began.reset();
  if (!folder.wanted) {
    folders.erase(place);
    return false;
  }
  bool const news = was_overdue || folder.there != there;
  folder.there = there;
  return news;
}

FolderLooks::State::Folder const* FolderLooks::State::find(FolderId const& id) const {
  for (auto each = folders.lower_bound({id, {}}); each != folders.end() && each->first.first == id; ++each)
    if (each->second.wanted) return &each->second;
  return nullptr;
}

void FolderLooks::State::tell() {
  std::lock_guard const guard(telling);
  if (changed) changed();
}

FolderLooks::FolderLooks(Look look, std::function<void()> changed, Pace pace)
    : state_(std::make_shared<State>(std::move(look), std::move(changed), pace)) {}

FolderLooks::~FolderLooks() { end(); }

void FolderLooks::end() {
  {
    std::lock_guard const guard(state_->telling);
    state_->changed = nullptr;
  }
  std::lock_guard const guard(state_->mutex);
  state_->ended = true;
}

void FolderLooks::look(BoundFolders const& folders) {
  std::lock_guard const guard(state_->mutex);
  auto& known = state_->folders;
  for (auto& [place, folder] : known) folder.wanted = false;
  auto const now = Clock::now();
  for (auto const& [id, row] : folders) {
    auto& folder = known[{id, row.root}];
    folder.wanted = true;
    if (!folder.last || now >= *folder.last + state_->pace.again) folder.due = true;
  }
  for (auto each = known.begin(); each != known.end();) {
    auto& folder = each->second;
    if (!folder.wanted) {
      folder.due = false;
      folder.there.reset();
      folder.last.reset();
    }
    each = !folder.wanted && !folder.began ? known.erase(each) : std::next(each);
  }
  state_->go_on();
}

bool FolderLooks::wait(std::chrono::milliseconds most) {
  std::unique_lock lock(state_->mutex);
  auto const until = Clock::now() + most;
  auto const open = [](auto const& each) { return each.second.wanted && !each.second.there; };
  while (std::ranges::any_of(state_->folders, open)) {
    auto const now = Clock::now();
    if (now >= until) return false;
    state_->go_on();
    state_->looked.wait_until(lock, std::min(until, now + state_->pace.relief));
  }
  return true;
}

std::optional<bool> FolderLooks::there(FolderId const& folder) const {
  std::lock_guard const guard(state_->mutex);
  auto const* found = state_->find(folder);
  return found == nullptr || state_->overdue(*found) ? std::nullopt : found->there;
}

bool FolderLooks::silent(FolderId const& folder) const {
  std::lock_guard const guard(state_->mutex);
  auto const* found = state_->find(folder);
  return found != nullptr && state_->overdue(*found);
}

FolderLooks::Look look_for_markers(GroupId const& group) {
  return [group](FolderId const& folder, std::string const& root) {
    auto const disk = disk::PosixFileSystem::open(root);
    if (!disk) return false;
    auto const marker = files::check_marker(**disk, folder, group);
    return marker || !marker.error().is(files::FilesError::not_found);
  };
}

}  // namespace kith::engine
