#include <algorithm>

#include "sync/files/apply.hpp"

/// Puts whole contents in place, and keeps what was done.
namespace kith::files {
namespace {

/// Up to this many files, a sync for each costs less than one for the whole file system.
constexpr std::size_t kFewFiles = 4;

}  // namespace

/// Content first, then the names, then what we know of them: a crash in between leaves at most a file that the next
/// scan recognises.
Result<bool> Applier::install_all() {
  if (installable_.empty()) return false;
  bool const few = installable_.size() <= kFewFiles;
  if (few) {
    for (auto const& each : installable_) KITH_CHECK(fetched_.at(each.target.version->id).file->sync());
  } else {
    KITH_CHECK(disk_->sync_all());
  }
  bool any = false;
  for (auto const& each : installable_) {
    KITH_TRY(installed, install(each));
    any |= installed;
  }
  if (!few) {
    KITH_CHECK(disk_->sync_all());
  } else {
    for (auto const& each : installable_) KITH_CHECK(disk_->sync_directory(each.target.path.parent()));
  }
  return any;
}

/// @return whether it is in place
Result<bool> Applier::install(Installable const& installable) {
  auto const& target = installable.target;
  auto const& version = *target.version;
  KITH_TRY(there, local(target.path));
  auto const installed =
      disk_->install(temp_name(version.id), target.path, there ? Expect(there->stat) : std::nullopt, now_.wall);
  if (!installed) {
    current_ = installable.work;
    skips_moved_ = true;
    KITH_TRY(outcome, trouble(target.path, installed.error()));
    if (outcome == Outcome::look_again) report_.look_at.push_back(target.path);
    return false;
  }
  LocalFile row;
  row.path = target.path.text();
  row.stat = installed->stat;
  row.stands_for = target.stands_for;
  row.content = version.content;
  row.copy_of = target.copy_of;
  note(target.path, std::move(row));
  fetched_.erase(version.id);
  ++report_.files_written;
  report_.bytes_written += version.size;
  if (!target.copy_of.empty()) report_.copies.push_back(target.path.text());
  return true;
}

/// Temporary files that nothing is to be made of any more: of versions that were replaced while this device was away.
Result<> Applier::clear_leftovers() {
  bool const busy = !in_progress_.empty() || !waiting_.empty() || !fetched_.empty() || fetcher_.active() > 0;
  if (busy) no_leftovers_ = false;
  if (busy || no_leftovers_ || context_.stop()) return {};
  KITH_TRY(left, work_left(context_.store, context_.id.view()));
  if (left == WorkLeft::open) return {};
  no_leftovers_ = true;
  auto const temps = disk_->list_temps();
  if (!temps) return {};  // nothing hangs on it
  if (!temps->empty()) {
    KITH_TRY(transaction, store::Transaction::begin(context_.store));
    KITH_CHECK(context_.chunks.remove_received(context_.id));
    KITH_CHECK(transaction.commit());
  }
  for (auto const& temp : *temps) {
    if (TempName::valid(temp.name)) static_cast<void>(disk_->remove_temp(TempName(temp.name)));
  }
  return {};
}

/// Stores what was done.
Result<> Applier::commit() {
  auto const notes = std::exchange(notes_, {});
  auto const finished = std::exchange(finished_, {});
  auto const held = std::exchange(held_, {});
  auto const more_work = std::exchange(more_work_, {});
  if (notes.empty() && finished.empty() && held.empty() && more_work.empty()) return {};
  KITH_TRY(transaction, store::Transaction::begin(context_.store));
  for (auto const& [key, noted] : notes) {
    auto const& [path, file] = noted;
    KITH_TRY(before, context_.local(path));
    bool const same_content =
        before && file && before->content == file->content && before->stat.kind == file->stat.kind;
    if (before && before->stat.kind == Kind::file && !same_content) {
      KITH_CHECK(context_.chunks.remove_places(context_.id, path, before->content));
    }
    if (!file) {
      KITH_CHECK(context_.erase_local(path));
      continue;
    }
    if (file->stat.kind == Kind::file && !same_content) {
      KITH_CHECK(context_.chunks.add_places(context_.id, path, file->content));
    }
    KITH_CHECK(context_.put_local(path, *file));
  }
  for (auto const& [key, times] : finished) KITH_CHECK(finish_work(context_.store, key, times));
  for (auto const& [key, row] : held) KITH_CHECK(hold_work(context_.store, key, row.times, row.held));
  for (auto const& path : more_work) KITH_CHECK(context_.add_work(path));
  return transaction.commit();
}

Result<std::optional<LocalFile>> Applier::local(RelPath const& path) {
  auto const noted = notes_.find(path_key(context_.id, path));
  if (noted != notes_.end()) return noted->second.second;
  return context_.local(path);
}

void Applier::note(RelPath const& path, std::optional<LocalFile> file) {
  notes_.insert_or_assign(path_key(context_.id, path), std::pair(path, std::move(file)));
}

/// Contents that were fetched for a version that another has replaced meanwhile.
Result<> Applier::drop_unwanted() {
  for (auto fetched = fetched_.begin(); fetched != fetched_.end();) {
    if (wanted_.contains(fetched->first)) {
      ++fetched;
      continue;
    }
    auto const removed = disk_->remove_temp(temp_name(fetched->first));
    if (!removed && !removed.error().is(FilesError::not_found)) return removed;
    fetched = fetched_.erase(fetched);
  }
  return {};
}

}  // namespace kith::files
