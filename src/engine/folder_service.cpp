#include "engine/folder_service.hpp"

#include <algorithm>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/thread.hpp"

namespace kith::engine {
namespace {

using files::FolderState;

}  // namespace

FolderService::FolderService(Network& network, core::Identity const& identity, NetworkOptions const& options,
                             std::shared_ptr<FolderLooks const> looks)
    : network_(&network),
      identity_(identity.clone()),
      options_(options),
      looks_(std::move(looks)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

FolderService::~FolderService() {
  stop();
  ::close(wake_);
}

void FolderService::start() {
  thread_ = start_thread([self = shared_from_this()] { self->run(); });
}

void FolderService::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  look();
  std::unique_lock lock(end_mutex_);
  if (end_.wait_for(lock, kStopTime, [this] { return ended_; })) return thread_.join();
  left_behind_ = a_thread_was_left_behind = true;
  thread_.detach();
  std::lock_guard const guard(network_mutex_);
  network_ = nullptr;
}

void FolderService::look() {
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const written = ::write(wake_, &one, sizeof one);  // full means woken already
}

void FolderService::deliver(ChunkId const& id, ByteView bytes, bool by_relay) {
  {
    std::lock_guard const guard(queue_mutex_);
    queue_.push_back({id, Bytes(bytes.begin(), bytes.end()), by_relay});
  }
  look();
}

void FolderService::deliver_missing(ChunkId const& id) {
  {
    std::lock_guard const guard(queue_mutex_);
    queue_.push_back({id, std::nullopt, false});
  }
  look();
}

void FolderService::contents_moved() {
  {
    std::lock_guard const guard(queue_mutex_);
    contents_moved_ = true;
  }
  look();
}

void FolderService::run() {
  try {
    if (auto worked = work(); !worked) tell_network([&](Network& network) { network.end_with(worked.error()); });
  } catch (std::bad_alloc const&) {
    tell_network([](Network& network) { network.end_with(crypto::CryptoError::out_of_memory); });
  }
  folders_.clear();
  instance_.reset();
  std::lock_guard const guard(end_mutex_);
  ended_ = true;
  end_.notify_all();
}

Result<> FolderService::work() {
  KITH_TRY(instance, Instance::open(options_.paths, identity_));
  instance_ = std::move(instance);
  instance_->is_silent = [looks = looks_](FolderId const& id) { return looks->silent(id); };
  KITH_TRY(bell, Doorbell::open(options_.paths.bell_dir));
  bell_ = std::move(bell);
  while (!stopping_) {
    bell_->take();
    KITH_CHECK(instance_->replica.refresh());
    KITH_CHECK(refresh_folders());
    std::deque<Delivered> chunks;
    bool news = false;
    {
      std::lock_guard const guard(queue_mutex_);
      chunks.swap(queue_);
      news = std::exchange(contents_moved_, false);
    }
    for (auto& [id, folder] : folders_) {
      for (auto const& chunk : chunks) KITH_CHECK(take_chunk(*folder, chunk));
      try_again_in_time(*folder, news);
      KITH_CHECK(serve(*folder));
      KITH_CHECK(keep_received(*folder));
    }
    if (!stopping_) wait();
  }
  for (auto& [id, folder] : folders_) KITH_CHECK(leave(*folder));
  return {};
}

/// Folders begin when a living process is interested in them, and end when none is any more.
Result<> FolderService::refresh_folders() {
  auto& store = instance_->store();
  KITH_TRY(interests, all_control<InterestRow>(store));
  std::map<FolderId, files::DeleteGuard> wanted;
  std::map<FolderId, std::set<Bytes>> asking;
  for (auto const& [key, row] : interests) {
    auto const folder = FolderId::from(ByteView{key}.first(std::min(key.size(), FolderId::kBytes)));
    if (!folder || !row.process.alive()) {
      KITH_CHECK(erase_control<InterestRow>(store, key));
      continue;
    }
    asking[*folder].insert(key);
    auto const [found, is_new] = wanted.try_emplace(*folder, row.guard);
    if (!is_new && row.guard.off) found->second = row.guard;  // the user who says "none" has looked
  }
  for (auto folder = folders_.begin(); folder != folders_.end();) {
    if (wanted.contains(folder->first)) {
      ++folder;
      continue;
    }
    KITH_CHECK(leave(*folder->second));
    folder = folders_.erase(folder);
  }
  for (auto const& [id, guard] : wanted) {
    if (auto const found = folders_.find(id); found != folders_.end()) {
      auto& folder = *found->second;
      // Whoever joins in wants to know how the folder is now, not how it was when it was last looked at.
      bool const joined = !std::ranges::includes(folder.interests, asking[id]);
      if (joined || folder.guard.off != guard.off) {
        folder.all_dirty = true;
        folder.retry.reset();
        if (folder.space_retry) folder.space_retry = Clock::now();
      }
      folder.guard = guard;
      folder.interests = asking[id];
      continue;
    }
    KITH_TRY(row, core::get_record<files::FolderRow>(store, core::Table::folders, id.view()));
    if (!row) continue;
    auto context = instance_->folder_context(id);
    context.stop = [this] { return stopping(); };
    auto folder = std::make_unique<Folder>(std::move(context));
    folder->row = std::move(*row);
    KITH_TRY(tally, get_control<TallyRow>(store, id.view()));
    folder->tally = tally.value_or(TallyRow{});
    folder->guard = guard;
    folder->interests = asking[id];
    folder->next_rescan = folder->ask_again = Clock::now();
    KITH_TRY(skipped, get_control<SkippedRow>(store, id.view()));
    if (skipped) recall_skipped(*folder, *skipped);
    folders_.emplace(id, std::move(folder));
  }
  return {};
}

/// A folder's trouble stops that folder and nothing else. Only a database that fails ends everything.
Result<> FolderService::stop_for(Folder& folder, Error const& error) {
  using files::FilesError;
  if (error.holds<store::StoreError>() || error.is(core::CoreError::corrupt_record) ||
      error.is(core::CoreError::removed_self)) {
    return fail(error);
  }
  std::string_view code = "bad-content";
  if (error.is(FilesError::not_found)) code = "folder-unmounted";
  if (error.is(FilesError::no_space)) {
    folder.apply_held = true;
    folder.space_retry = folder.look_again = next_retry(folder);
    return put_stopped(folder, "disk-full", folder.row.root);
  }
  if (error.is(FilesError::permission) || error.is(FilesError::read_only)) code = "permission";
  if (error.is(FilesError::io) || error.is(FilesError::other_file_system)) {
    code = "disk-error";
    folder.retry = next_retry(folder);
  }
  return stop_folder(folder, code, folder.row.root);
}

/// A disk that failed, or was full, may be well again at once, or not for days.
Instant FolderService::next_retry(Folder& folder) {
  auto const after = folder.retry_after;
  folder.retry_after = std::min<std::chrono::seconds>(2 * after, kRetry);
  return Clock::now() + after;
}

Result<> FolderService::stop_folder(Folder& folder, std::string_view code, std::string subject) {
  folder.watcher.reset();  // a disk that comes back is another directory
  if (!folder.retry) folder.retry = Clock::now() + kRetry;
  KITH_CHECK(note_scanned(folder, false));  // while it is tried again nothing is known of it either
  return put_stopped(folder, code, std::move(subject));
}

Result<> FolderService::put_stopped(Folder& folder, std::string_view code, std::string subject) {
  folder.row.problem = code;
  folder.row.problem_subject = std::move(subject);
  return put_row(folder, FolderState::stopped);
}

/// Nobody looks after the folder from now on. Why it was stopped stays to be seen.
Result<> FolderService::leave(Folder& folder) {
  return folder.row.state == FolderState::stopped ? Result<>{} : put_row(folder, FolderState::idle);
}

Result<> FolderService::put_row(Folder& folder, FolderState state) {
  if (left_behind_) return {};  // another process may look after the folder by now
  auto& store = instance_->store();
  folder.row.state = state;
  if (state != FolderState::stopped) {
    folder.row.problem.clear();
    folder.row.problem_subject.clear();
  }
  auto const id = folder.sync.id();
  Bytes const encoded = core::encode_record(folder.row);
  KITH_TRY(known, store.get(core::Table::folders, id.view()));
  if (known && *known == encoded && !folder.tally_moved) return {};
  KITH_TRY(transaction, store::Transaction::begin(store));
  KITH_CHECK(store.put(core::Table::folders, id.view(), encoded));
  if (std::exchange(folder.tally_moved, false)) KITH_CHECK(put_control(store, folder.tally, id.view()));
  KITH_CHECK(transaction.commit());
  bell_->ring();
  return {};
}

std::chrono::milliseconds FolderService::wait_time() const {
  auto const now = Clock::now();
  auto least = std::chrono::milliseconds{2000};
  auto const consider = [&](Instant when) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(when - now) + std::chrono::milliseconds{1};
    least = std::clamp(left, std::chrono::milliseconds{0}, least);
  };
  for (auto const& [id, folder] : folders_) {
    if (folder->retry) {
      consider(*folder->retry);
      continue;
    }
    consider(folder->next_rescan);
    if (folder->sync.any_to_keep()) consider(folder->last_kept + kKeepEvery);
    if (folder->space_retry) consider(*folder->space_retry);
    if (folder->seek_again) consider(*folder->seek_again);
    if (folder->look_again) consider(*folder->look_again);
    if (folder->read_again) consider(*folder->read_again);
    if (!folder->dirty.empty()) consider(std::min(folder->last_event + kQuiet, folder->dirty_since + kLongestWait));
  }
  return least;
}

/// Sleeps until the disk, the database, the network or the clock has something.
void FolderService::wait() {
  std::vector<pollfd> sources{{wake_, POLLIN, 0}, {bell_->descriptor(), POLLIN, 0}};
  for (auto const& [id, folder] : folders_) {
    if (folder->watcher) sources.push_back({folder->watcher->descriptor(), POLLIN, 0});
  }
  ::poll(sources.data(), sources.size(), static_cast<int>(wait_time().count()));
  std::uint64_t woken = 0;
  [[maybe_unused]] auto const taken = ::read(wake_, &woken, sizeof woken);
}

}  // namespace kith::engine
