#include <algorithm>

#include "base/text.hpp"
#include "engine/folder_service.hpp"

/// What the folder service does for one folder when something may have changed.
namespace kith::engine {
namespace {

using files::FolderState;
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

Result<> FolderService::take_chunk(Folder& folder, Delivered const& chunk) {
  if (!chunk.bytes) {
    if (!folder.sync.on_missing(chunk.id)) return {};
    folder.apply_due = true;
    return {};
  }
  auto const taken = folder.sync.on_chunk(chunk.id, *chunk.bytes, chunk.by_relay);
  if (!taken) return stop_for(folder, taken.error());
  if (!*taken) return {};
  folder.apply_due = true;
  folder.last_move = Clock::now();
  folder.seek_after = kSeekFirst;
  return {};
}

/// The relay's room may be less than a file: what came from there is made durable as it comes, so that it can go.
Result<> FolderService::keep_received(Folder& folder) {
  auto const now = Clock::now();
  bool const due = folder.sync.any_to_keep() && now >= folder.last_kept + kKeepEvery;
  if (!due || folder.retry || folder.silent_since || stopping_) return {};
  auto const kept = folder.sync.keep_received();
  folder.last_kept = Clock::now();
  return kept ? Result<>{} : stop_for(folder, kept.error());
}

/// What was set aside is tried again: what nobody had ever more seldom, unless somebody has got something.
void FolderService::try_again_in_time(Folder& folder, bool news) {
  auto const now = Clock::now();
  if (news) {
    folder.sync.contents_moved();
    folder.seek_after = kSeekFirst;
  }
  if (!folder.sync.any_waiting()) {
    folder.seek_again.reset();
  } else if (!folder.seek_again || news) {
    // Others may have news all the time: it is not gone through each time.
    folder.seek_again = news ? std::max(now, folder.last_seek + kSeekFirst) : now + folder.seek_after;
  }
  bool const seek = folder.seek_again && now >= *folder.seek_again;
  bool const space = folder.space_retry && now >= *folder.space_retry;
  if (seek) {
    folder.last_seek = now;
    folder.seek_again.reset();
    folder.seek_after = std::min<std::chrono::seconds>(2 * folder.seek_after, kSeekLast);
  }
  if (space) {
    folder.space_retry.reset();
    folder.apply_held = false;
    folder.sync.reset_wants();
  }
  if (!seek && !space) return;
  folder.sync.try_again();
  folder.apply_due = true;
}

/// What the disk failed to read has not changed for that: nothing but time brings it up again.
void FolderService::read_again_in_time(Folder& folder, bool everything) {
  if (!folder.skipped.any_read_failed()) {
    folder.read_after = kReadFirst;
    folder.read_again.reset();
  } else if (everything || !folder.read_again) {
    folder.read_again = Clock::now() + folder.read_after;
    folder.read_after = std::min<std::chrono::seconds>(2 * folder.read_after, kReadLast);
  }
}

/// Nothing is asked of a disk that does not answer. One that is only slow is waited for; else people are told.
Result<> FolderService::wait_for_disk(Folder& folder) {
  auto const now = Clock::now();
  if (!folder.silent_since) {
    folder.silent_since = now;
    KITH_CHECK(note_scanned(folder, false));  // nothing is known of it until it answers and is looked at again
  }
  folder.retry = now + kLookAtSilent;
  if (now < *folder.silent_since + kSilent || folder.row.problem == "folder-silent") return {};
  return stop_folder(folder, "folder-silent", folder.row.root);
}

Result<> FolderService::serve(Folder& folder) {
  static_cast<void>(take_events(folder));
  if (instance_->is_silent(folder.sync.id())) return wait_for_disk(folder);
  folder.silent_since.reset();
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
  for (auto const& due : {std::optional(folder.next_rescan), folder.look_again, folder.read_again}) {
    if (due && now >= *due) folder.all_dirty = true;
  }
  bool const quiet = now >= folder.last_event + kQuiet || now >= folder.dirty_since + kLongestWait;
  if (folder.all_dirty || (!folder.dirty.empty() && quiet)) KITH_CHECK(scan(folder));
  if (folder.retry || folder.apply_held || stopping_) return {};
  return apply(folder);
}

Result<> FolderService::scan(Folder& folder) {
  bool const everything = folder.all_dirty;
  std::vector<files::RelPath> below;
  for (auto const& path : folder.dirty) {
    if (auto parsed = files::RelPath::parse(path)) below.push_back(std::move(*parsed));
  }
  auto const dirty = std::exchange(folder.dirty, {});
  auto const unnameable = everything ? std::vector<files::Skipped>{} : bad_names(folder, dirty);
  if (everything) below.clear();
  if (!everything && below.empty()) {
    folder.skipped.scanned(dirty, unnameable);
    return note_skipped(folder);
  }
  folder.all_dirty = false;
  folder.look_again.reset();
  if (everything) {
    bool const watched = folder.watcher && folder.watcher->complete();
    folder.next_rescan =
        Clock::now() + (watched ? std::chrono::milliseconds(kRescan) : std::chrono::milliseconds(kRescanUnwatched));
    if (!folder.space_retry) KITH_CHECK(put_row(folder, FolderState::scanning));
  }
  auto const report = folder.sync.scan(below, folder.guard, current_time());
  if (!report) return stop_for(folder, report.error());
  if (report->stopped) {
    folder.all_dirty = true;
    return {};
  }
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
    folder.tally_moved = folder.count_due = true;
  }
  if (everything) {
    KITH_CHECK(note_scanned(folder, true));
    folder.row.last_scan_ms = current_time().wall.ms;
    folder.row.files = report->files;
    folder.row.bytes = report->bytes;
    folder.skipped.scanned(report->skipped);
    auto const purged = folder.sync.purge_trash(std::chrono::hours{24} * options_.trash_days, current_time().wall);
    if (!purged && !purged.error().holds<files::FilesError>()) return fail(purged.error());
  }
  if (!everything) {
    auto skipped = report->skipped;
    skipped.insert(skipped.end(), unnameable.begin(), unnameable.end());
    folder.skipped.scanned(dirty, skipped);
  }
  read_again_in_time(folder, everything);
  KITH_CHECK(note_skipped(folder));
  if (!folder.apply_held) {
    if (folder.row.state == FolderState::stopped) folder.row.problem.clear();
    folder.row.state = FolderState::scanning;
  }
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
  auto& store = instance_->store();
  KITH_TRY(work, files::work_left(store, folder.sync.id().view()));
  if (!folder.apply_due && work == files::WorkLeft::none) return {};
  folder.apply_due = false;
  auto const report = folder.sync.apply(folder.guard, current_time());
  ask_network(folder);
  if (!report) return stop_for(folder, report.error());
  if (report->no_space && !folder.space_retry) folder.space_retry = next_retry(folder);
  if (report->skips_moved) folder.skipped.applied(folder.sync.skipped());
  bool const undecided = folder.sync.fetching() > 0 || folder.sync.any_waiting() || report->no_space;
  if (!stopping_ && !undecided) folder.skipped.looked_again();
  KITH_CHECK(note_skipped(folder));
  if (!report->look_at.empty()) folder.look_again = Clock::now() + kLookAgain;
  if (report->files_written + report->files_removed + report->copies.size() > 0) note_applied(folder, *report);
  KITH_TRY(pending, folder.sync.pending());
  KITH_TRY(conflicts, folder.sync.conflicts());
  folder.row.pending_files = pending.files;
  folder.row.pending_bytes = pending.bytes;
  folder.row.conflicts = conflicts;
  KITH_TRY(left, files::work_left(store, folder.sync.id().view()));
  bool const in_step = left != files::WorkLeft::open;
  if (in_step && folder.count_due) KITH_CHECK(count_files(folder));
  // What fits goes on while the rest waits for room, and nobody need be asked before that is done.
  bool const goes_on = folder.sync.fetching() > 0 && Clock::now() < folder.last_move + kStalled;
  if (!in_step && folder.space_retry && !goes_on) return put_stopped(folder, "disk-full", folder.row.root);
  if (!report->no_space) folder.retry_after = kRetryFirst;
  // What could not be read may have changed here: nobody knows yet.
  return put_row(folder, in_step && !folder.skipped.any_read_failed() ? FolderState::in_step : FolderState::syncing);
}

void FolderService::ask_network(Folder& folder) {
  auto unwanted = folder.sync.take_unwanted();
  std::erase_if(unwanted, [&](ChunkId const& id) {
    return std::ranges::any_of(folders_, [&](auto const& each) { return each.second->sync.wants(id); });
  });
  if (!unwanted.empty()) tell_network([&](Network& network) { network.unwant_chunks(std::move(unwanted)); });
  std::vector<std::pair<ChunkId, std::uint64_t>> wants;
  for (auto const& want : folder.sync.take_wants()) wants.emplace_back(want.id, want.length);
  if (wants.empty()) return;
  folder.last_move = Clock::now();
  tell_network([&](Network& network) { network.want_chunks(std::move(wants)); });
}

/// Of the paths that may have changed, those that are there and whose name cannot travel.
std::vector<files::Skipped> FolderService::bad_names(Folder const& folder, std::set<std::string> const& paths) {
  std::vector<files::Skipped> found;
  for (auto const& path : paths) {
    std::error_code ignored;
    if (files::RelPath::parse(path)) continue;
    auto const status = std::filesystem::symlink_status(std::filesystem::path(folder.row.root) / path, ignored);
    if (!std::filesystem::exists(status)) continue;
    found.push_back({path, is_utf8(path) ? files::Skipped::Why::bad_name : files::Skipped::Why::not_utf8});
  }
  return found;
}

Result<> FolderService::count_files(Folder& folder) {
  folder.count_due = false;
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
  folder.tally_moved = folder.count_due = true;
}

void FolderService::recall_skipped(Folder& folder, SkippedRow const& earlier) {
  std::vector<files::RelPath> left_alone;
  for (auto const& [path, code] : earlier.items) {
    if (auto parsed = files::RelPath::parse(path)) left_alone.push_back(std::move(*parsed));
  }
  folder.sync.look_again_at(left_alone);
  folder.skipped.recall(earlier);
}

/// Tells those who want the folder whether it has been looked at since.
Result<> FolderService::note_scanned(Folder& folder, bool scanned) {
  if (left_behind_) return {};
  auto& store = instance_->store();
  KITH_TRY(transaction, store::Transaction::begin(store));
  for (auto const& key : folder.interests) {
    KITH_TRY(row, get_control<InterestRow>(store, key));
    if (!row || row->scanned == scanned) continue;
    row->scanned = scanned;
    KITH_CHECK(put_control(store, *row, key));
  }
  return transaction.commit();
}

Result<> FolderService::note_skipped(Folder& folder) {
  if (left_behind_ || !folder.skipped.take_moved()) return {};
  KITH_CHECK(put_control(instance_->store(), folder.skipped.row(), folder.sync.id().view()));
  bell_->ring();
  return {};
}

}  // namespace kith::engine
