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
    for (auto const& target : installable_) KITH_CHECK(fetched_.at(target.version->id).file->sync());
  } else {
    KITH_CHECK(disk_->sync_all());
  }
  for (auto const& target : installable_) KITH_CHECK(install(target));
  if (!few) {
    KITH_CHECK(disk_->sync_all());
  } else {
    for (auto const& target : installable_) KITH_CHECK(disk_->sync_directory(target.path.parent()));
  }
  return true;
}

Result<> Applier::install(Target const& target) {
  auto const& version = *target.version;
  KITH_TRY(there, local(target.path));
  auto const installed =
      disk_->install(temp_name(version.id), target.path, there ? Expect(there->stat) : std::nullopt, now_.wall);
  if (!installed) {
    KITH_TRY(outcome, trouble(target.path, installed.error()));
    if (outcome == Outcome::look_again) report_.look_at.push_back(target.path);
    return {};
  }
  LocalFile row;
  row.path = target.path.text();
  row.stat = installed->stat;
  row.stands_for = target.stands_for;
  row.content = version.content;
  row.copy_of = target.copy_of;
  note(target.path, std::move(row));
  fetched_.erase(version.id);
  for (auto const why : {Skipped::Why::blocked, Skipped::Why::unreadable}) skipped_.erase({target.path.text(), why});
  ++report_.files_written;
  report_.bytes_written += version.size;
  if (!target.copy_of.empty()) report_.copies.push_back(target.path.text());
  return {};
}

/// Stores what was done.
Result<> Applier::commit() {
  auto const notes = std::exchange(notes_, {});
  auto const finished = std::exchange(finished_, {});
  auto const more_work = std::exchange(more_work_, {});
  if (notes.empty() && finished.empty() && more_work.empty()) return {};
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

void Applier::skip(RelPath const& path, Skipped::Why why) {
  if (skipped_.emplace(path.text(), why).second) report_.skipped.push_back({path.text(), why});
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
