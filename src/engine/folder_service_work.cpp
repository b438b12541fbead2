#include <algorithm>

#include "engine/folder_service.hpp"

/// What the folder service does for one folder when something may have changed.
namespace kith::engine {
namespace {

using files::FolderState;
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::size_t kDirtyPaths = 512;  ///< more than this, and everything is looked at

}  // namespace

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

}  // namespace kith::engine
