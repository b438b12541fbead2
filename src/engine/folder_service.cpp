#include "engine/folder_service.hpp"

#include <algorithm>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/thread.hpp"

namespace kith::engine {
namespace {

using files::FolderState;
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::size_t kDirtyPaths = 512;  ///< more than this, and everything is looked at

}  // namespace

FolderService::FolderService(Network& network, core::Identity const& identity, NetworkOptions const& options)
    : network_(network), identity_(identity), options_(options), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

FolderService::~FolderService() {
  stop();
  ::close(wake_);
}

void FolderService::start() {
  thread_ = start_thread([this] { run(); });
}

void FolderService::stop() {
  stopping_ = true;
  look();
  if (thread_.joinable()) thread_.join();
}

void FolderService::look() {
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const written = ::write(wake_, &one, sizeof one);  // full means woken already
}

void FolderService::deliver(ChunkId const& id, ByteView bytes) {
  {
    std::lock_guard const guard(queue_mutex_);
    queue_.emplace_back(id, Bytes(bytes.begin(), bytes.end()));
  }
  look();
}

void FolderService::run() {
  try {
    if (auto worked = work(); !worked) network_.end_with(worked.error());
  } catch (std::bad_alloc const&) {
    network_.end_with(crypto::CryptoError::out_of_memory);
  }
  folders_.clear();
  instance_.reset();
}

Result<> FolderService::work() {
  KITH_TRY(instance, Instance::open(options_.paths, identity_));
  instance_ = std::move(instance);
  KITH_TRY(bell, Doorbell::open(options_.paths.bell_dir));
  bell_ = std::move(bell);
  while (!stopping_) {
    bell_->take();
    KITH_CHECK(instance_->replica.refresh());
    KITH_CHECK(refresh_folders());
    std::deque<std::pair<ChunkId, Bytes>> chunks;
    {
      std::lock_guard const guard(queue_mutex_);
      chunks.swap(queue_);
    }
    for (auto& [id, folder] : folders_) {
      for (auto const& [chunk, bytes] : chunks) {
        auto const taken = folder->sync.on_chunk(chunk, bytes);
        if (!taken) {
          KITH_CHECK(stop_for(*folder, taken.error()));
          break;
        }
        folder->apply_due = folder->apply_due || *taken;
      }
      KITH_CHECK(serve(*folder));
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
    folders_.emplace(id, std::move(folder));
  }
  return {};
}

bool FolderService::take_events(Folder& folder) {
  if (!folder.watcher) return false;
  auto changes = folder.watcher->take();
  if (!changes.any()) return false;
  if (folder.dirty.empty() && !folder.all_dirty) folder.dirty_since = Clock::now();
  folder.last_event = Clock::now();
  folder.all_dirty = folder.all_dirty || changes.everything;
  folder.dirty.merge(changes.paths);
  if (folder.dirty.size() > kDirtyPaths) folder.all_dirty = true;
  return true;
}

Result<> FolderService::serve(Folder& folder) {
  static_cast<void>(take_events(folder));
  auto const now = Clock::now();
  if (folder.retry) {
    if (now < *folder.retry) return {};
    folder.retry.reset();
    folder.all_dirty = folder.apply_due = true;
  }
  if (!folder.watcher) {
    // Watches first, then the scan: what changes in between is seen by one of the two.
    folder.watcher = Watcher::open(folder.row.root);
  }
  if (now >= folder.next_rescan || (folder.look_again && now >= *folder.look_again)) folder.all_dirty = true;
  bool const quiet = now >= folder.last_event + kQuiet || now >= folder.dirty_since + kLongestWait;
  if (folder.all_dirty || (!folder.dirty.empty() && quiet)) KITH_CHECK(scan(folder));
  if (folder.row.state == FolderState::stopped) return {};
  return apply(folder);
}

Result<> FolderService::scan(Folder& folder) {
  bool const everything = folder.all_dirty;
  std::vector<files::RelPath> below;
  for (auto const& path : folder.dirty) {
    if (auto parsed = files::RelPath::parse(path)) below.push_back(std::move(*parsed));
  }
  if (everything) below.clear();
  if (!everything && below.empty()) {
    folder.dirty.clear();
    return {};
  }
  folder.all_dirty = false;
  folder.dirty.clear();
  folder.look_again.reset();
  if (everything) {
    bool const watched = folder.watcher && folder.watcher->complete();
    folder.next_rescan =
        Clock::now() + (watched ? std::chrono::milliseconds(kRescan) : std::chrono::milliseconds(kRescanUnwatched));
    KITH_CHECK(put_row(folder, FolderState::scanning));
  }
  auto const report = folder.sync.scan(below, folder.guard, current_time());
  if (!report) return stop_for(folder, report.error());
  if (report->guarded && !everything) {
    // Many in one directory may be few of all, or have another name elsewhere: only the whole folder tells.
    folder.all_dirty = true;
    return scan(folder);
  }
  if (report->guarded) {
    return stop_folder(folder, "mass-delete", fmt::format("{}/{}", report->vanished, report->vanished + report->files));
  }
  if (report->look_again) folder.look_again = Clock::now() + kLookAgain;
  if (report->changed_files + report->removed_files > 0) {
    folder.tally.sent_files += report->changed_files;
    folder.tally.sent_bytes += report->changed_bytes;
    folder.tally.deleted_there += report->removed_files;
    folder.tally_moved = true;
  }
  if (everything) {
    folder.row.last_scan_ms = current_time().wall.ms;
    folder.row.files = report->files;
    folder.row.bytes = report->bytes;
    KITH_CHECK(note_skipped(folder, report->skipped));
    auto const purged = folder.sync.purge_trash({current_time().wall.ms - options_.trash_days * kDayMs});
    if (!purged && !purged.error().holds<files::FilesError>()) return fail(purged.error());
  }
  if (folder.row.state == FolderState::stopped) folder.row.problem.clear();
  folder.row.state = FolderState::scanning;
  folder.apply_due = true;
  if (report->changed_files + report->removed_files > 0) bell_->ring();
  return {};
}

Result<> FolderService::apply(Folder& folder) {
  if (Clock::now() >= folder.ask_again) {
    folder.sync.reset_wants();
    folder.ask_again = Clock::now() + kAskAgain;
    folder.apply_due = true;
  }
  KITH_TRY(has_work, has_work_rows(folder.sync.id()));
  if (!folder.apply_due && !has_work) return {};
  folder.apply_due = false;
  auto const report = folder.sync.apply(folder.guard, current_time());
  if (!report) return stop_for(folder, report.error());
  std::vector<std::pair<ChunkId, std::uint64_t>> wants;
  for (auto const& want : folder.sync.take_wants()) wants.emplace_back(want.id, want.length);
  if (!wants.empty()) network_.want_chunks(std::move(wants));
  if (report->no_space) {
    folder.retry = Clock::now() + kRetry;
    return stop_folder(folder, "disk-full", folder.row.root);
  }
  if (!report->look_at.empty()) folder.look_again = Clock::now() + kLookAgain;
  if (report->files_written + report->files_removed + report->copies.size() > 0) note_applied(folder, *report);
  KITH_TRY(pending, folder.sync.pending());
  KITH_TRY(conflicts, folder.sync.conflicts());
  folder.row.pending_files = pending.files;
  folder.row.pending_bytes = pending.bytes;
  folder.row.conflicts = conflicts;
  KITH_TRY(left, has_work_rows(folder.sync.id()));
  if (!left && folder.tally_moved) KITH_CHECK(count_files(folder));
  KITH_CHECK(put_row(folder, left ? FolderState::syncing : FolderState::in_step));
  return {};
}

Result<> FolderService::count_files(Folder& folder) {
  folder.row.files = folder.row.bytes = 0;
  return instance_->store().scan(core::Table::local_files, folder.sync.id().view(), {}, [&](ByteView, ByteView value) {
    auto const file = core::decode_record<files::LocalFile>(value);
    if (file && file->stat.kind == files::Kind::file) {
      ++folder.row.files;
      folder.row.bytes += file->stat.size;
    }
    return Store::Next::go_on;
  });
}

void FolderService::note_applied(Folder& folder, files::ApplyReport const& report) {
  auto& tally = folder.tally;
  tally.received_files += report.files_written;
  tally.received_bytes += report.bytes_written;
  tally.deleted_here += report.files_removed;
  tally.copies_made += report.copies.size();
  tally.copies.insert(tally.copies.end(), report.copies.begin(), report.copies.end());
  if (tally.copies.size() > TallyRow::kMostCopies) {
    tally.copies.erase(tally.copies.begin(), tally.copies.end() - static_cast<std::ptrdiff_t>(TallyRow::kMostCopies));
  }
  folder.tally_moved = true;
}

Result<bool> FolderService::has_work_rows(FolderId const& folder) {
  bool any = false;
  KITH_CHECK(instance_->store().scan(core::Table::folder_work, folder.view(), {}, [&](ByteView, ByteView) {
    any = true;
    return Store::Next::stop;
  }));
  return any;
}

Result<> FolderService::note_skipped(Folder& folder, std::vector<files::Skipped> const& skipped) {
  SkippedRow row;
  for (auto const& each : skipped) {
    if (row.items.size() < SkippedRow::kMost)
      row.items.emplace_back(each.path, std::string(files::skip_code(each.why)));
  }
  return put_control(instance_->store(), row, folder.sync.id().view());
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
  if (error.is(FilesError::no_space)) code = "disk-full";
  if (error.is(FilesError::permission) || error.is(FilesError::read_only)) code = "permission";
  if (error.is(FilesError::io) || error.is(FilesError::other_file_system)) code = "disk-error";
  return stop_folder(folder, code, folder.row.root);
}

Result<> FolderService::stop_folder(Folder& folder, std::string_view code, std::string subject) {
  folder.row.problem = code;
  folder.row.problem_subject = std::move(subject);
  folder.watcher.reset();  // a disk that comes back is another directory
  if (!folder.retry) folder.retry = Clock::now() + kRetry;
  return put_row(folder, FolderState::stopped);
}

/// Nobody looks after the folder from now on. Why it was stopped stays to be seen.
Result<> FolderService::leave(Folder& folder) {
  return folder.row.state == FolderState::stopped ? Result<>{} : put_row(folder, FolderState::idle);
}

Result<> FolderService::put_row(Folder& folder, FolderState state) {
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
    if (folder->look_again) consider(*folder->look_again);
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
