#include "sync/files/apply.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace kith::files {
namespace {

constexpr std::size_t kRoundPaths = 1024;
/// Up to this many files, a sync for each costs less than one for the whole file system.
constexpr std::size_t kFewFiles = 4;

bool same_name(RelPath const& a, RelPath const& b) { return name_key(a) == name_key(b); }

}  // namespace

Result<ApplyReport> Applier::run(Now now) {
  now_ = now;
  report_ = {};
  KITH_TRY(disk, context_.disk());
  disk_ = std::move(disk);
  for (;;) {
    KITH_TRY(progress, round());
    if (!progress || context_.stop() || !report_.look_at.empty()) break;
  }
  disk_.reset();
  return std::move(report_);
}

/// Looks at what is in progress and at the next rows of work. @return whether anything moved
Result<bool> Applier::round() {
  installable_.clear();
  wanted_.clear();
  auto const bad_before = fetcher_.bad_count();
  KITH_TRY(work, next_work());
  // Removals come last: what they take away may be what others are put together from.
  std::vector<Work> removals;
  for (auto const& each : work) {
    KITH_TRY(versions, context_.view.versions(context_.id, each.path));
    bool const gone = std::ranges::all_of(versions, &VersionRow::removed);
    if (gone) {
      removals.push_back(each);
      continue;
    }
    KITH_TRY(room, round_one(each));
    if (!room) break;
  }
  KITH_CHECK(fetcher_.advance());
  for (auto const& each : removals) {
    KITH_TRY(room, round_one(each));
    static_cast<void>(room);
  }
  KITH_TRY(installed, install_all());
  bool progress = installed || !finished_.empty() || !notes_.empty() || !more_work_.empty();
  KITH_CHECK(commit());
  if (context_.stop()) return false;  // not everything was looked at: nothing is known to be unwanted
  KITH_CHECK(fetcher_.keep_only(*disk_, wanted_));
  KITH_CHECK(drop_unwanted());
  KITH_CHECK(fetcher_.advance());
  progress |= fetcher_.bad_count() != bad_before;
  for (auto& fetched : fetcher_.take_fetched()) {
    progress = true;
    fetched_.insert_or_assign(fetched.version, std::move(fetched));
  }
  return progress;
}

/// @return false where as many contents are on the way as there may be: the cursor stays here
Result<bool> Applier::round_one(Work const& work) {
  auto const& [path, key, times] = work;
  if (context_.stop()) return true;
  KITH_TRY(outcome, work_on(path));
  switch (outcome) {
    case Outcome::done:
      finished_[key] = times;
      in_progress_.erase(key);
      return true;
    case Outcome::fetching: in_progress_.insert_or_assign(key, path); return true;
    case Outcome::blocked:
      in_progress_.erase(key);
      return true;  // its row stays, and is looked at when the cursor comes by
    case Outcome::no_room:
      if (in_progress_.contains(key)) return true;
      cursor_ = key;
      return false;
    case Outcome::look_again:
      in_progress_.erase(key);
      report_.look_at.push_back(path);
      return true;
  }
  KITH_UNREACHABLE();
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

/// What is in progress, and rows behind the cursor, as long as the fetcher has room; at the end the cursor starts over.
Result<std::vector<Applier::Work>> Applier::next_work() {
  std::vector<Work> work;
  for (auto const& [key, path] : in_progress_) {
    KITH_TRY(row, core::get_record<FolderWork>(context_.store, Table::folder_work, key));
    work.push_back({path, key, row ? row->times : 0});
  }
  std::optional<Error> error;
  auto const collect = [&](ByteView from) {
    Bytes last;
    auto scanned = context_.store.scan(Table::folder_work, context_.id.view(), from, [&](ByteView key, ByteView value) {
      last.assign(key.begin(), key.end());
      last.push_back(0);
      if (in_progress_.contains(Bytes(key.begin(), key.end()))) return Store::Next::go_on;
      auto const row = core::decode_record<FolderWork>(value);
      auto path = row ? RelPath::parse(row->path) : Result<RelPath>(fail(row.error()));
      if (!path) {
        error = path.error();
        return Store::Next::stop;
      }
      work.push_back({std::move(*path), Bytes(key.begin(), key.end()), row->times});
      return work.size() < kRoundPaths ? Store::Next::go_on : Store::Next::stop;
    });
    cursor_ = work.size() < kRoundPaths ? Bytes{} : last;
    return scanned;
  };
  if (in_progress_.size() >= Fetcher::kMaxFiles) return work;
  bool const from_start = cursor_.empty();
  KITH_CHECK(collect(cursor_));
  if (!from_start && cursor_.empty() && work.size() == in_progress_.size()) KITH_CHECK(collect({}));
  if (error) return fail(*error);
  return work;
}

Result<Applier::Outcome> Applier::work_on(RelPath const& path) {
  KITH_TRY(shown, shown_at(context_, path));
  KITH_TRY(before, local(path));
  if (before && !before->copy_of.empty()) {
    // A conflict copy that is to be something else now: its content may be here only, so it is copied first.
    KITH_TRY(main, RelPath::parse(before->copy_of));
    KITH_TRY(of_main, shown_at(context_, main));
    KITH_TRY(saved, make_copies(of_main.copies, &path));
    auto const outcome = outcome_for(before->content, saved);
    if (outcome != Outcome::done) return outcome;
  }
  if (shown.hidden > 0) skip(path, Skipped::Why::no_copy);
  KITH_TRY(placed, make_copies(shown.copies, nullptr));
  // What is at the path now may be the very content that a copy is being made of: it stays until the copy is there.
  auto const giving_way = before ? outcome_for(before->content, placed) : Outcome::done;
  if (giving_way != Outcome::done) return giving_way;
  KITH_TRY(made, reach_wanted(path));
  Outcome outcome = made;
  for (auto const& copy : placed) outcome = std::max(outcome, copy.outcome);
  // An old copy may be what the path becomes: it goes last.
  placed.push_back({shown.winner ? shown.winner->content : Content{}, made});
  KITH_TRY(removed, remove_old_copies(path, shown, placed));
  return std::max(outcome, removed);
}

Result<std::vector<Applier::Placed>> Applier::make_copies(std::vector<Copy> const& copies, RelPath const* except) {
  std::vector<Placed> placed;
  for (auto const& copy : copies) {
    if (except != nullptr && same_name(copy.path, *except)) continue;
    KITH_TRY(made, reach_copy(copy));
    placed.push_back({copy.version.content, made});
  }
  return placed;
}

/// How far the places are that a content is wanted at: a file that holds it may be what they are made from.
Applier::Outcome Applier::outcome_for(Content const& content, std::vector<Placed> const& placed) {
  Outcome outcome = Outcome::done;
  for (auto const& place : placed) {
    if (place.content == content) outcome = std::max(outcome, place.outcome);
  }
  return outcome;
}

/// Files that were copies of the path and are not any more: they go. Those that become paths of their own are that
/// path's work.
Result<Applier::Outcome> Applier::remove_old_copies(RelPath const& path, Shown const& shown,
                                                    std::vector<Placed> const& placed) {
  std::vector<std::pair<RelPath, Content>> old;
  auto const consider = [&](LocalFile const& row) -> Result<> {
    if (row.copy_of.empty()) return {};
    KITH_TRY(main, RelPath::parse(row.copy_of));
    if (!same_name(main, path)) return {};
    KITH_TRY(name, RelPath::parse(row.path));
    bool const stays = std::ranges::any_of(shown.copies, [&](Copy const& copy) { return same_name(copy.path, name); });
    if (!stays) old.emplace_back(std::move(name), row.content);
    return {};
  };
  Result<> considered;
  auto const prefix = copies_prefix(context_.id, path);
  KITH_CHECK(context_.store.scan(Table::local_files, prefix, {}, [&](ByteView key, ByteView value) {
    if (notes_.contains(Bytes(key.begin(), key.end()))) return Store::Next::go_on;
    auto const row = core::decode_record<LocalFile>(value);
    considered = row ? consider(*row) : Result<>(fail(row.error()));
    return considered ? Store::Next::go_on : Store::Next::stop;
  }));
  if (!considered) return fail(considered.error());
  for (auto const& [key, noted] : notes_) {
    if (noted.second) KITH_CHECK(consider(*noted.second));
  }
  Outcome outcome = Outcome::done;
  for (auto const& [name, content] : old) {
    KITH_TRY(wanted, wanted_at(context_, name));
    if (wanted.version) continue;
    auto const needed = outcome_for(content, placed);
    outcome = std::max(outcome, needed);
    if (needed != Outcome::done) continue;
    KITH_TRY(reached, reach_wanted(name));
    outcome = std::max(outcome, reached);
  }
  return outcome;
}

Result<Applier::Outcome> Applier::reach_wanted(RelPath const& name) {
  KITH_TRY(wanted, wanted_at(context_, name));
  return reach_as_spelled(name, std::move(wanted));
}

/// A copy's name is free of other paths. Where no other path may have a copy there either, what belongs there is known,
/// and the path with all its versions is not looked up again for each of its copies.
Result<Applier::Outcome> Applier::reach_copy(Copy const& copy) {
  KITH_TRY(mains, context_.view.conflicted_by(context_.id, copy.path));
  if (mains.size() != 1) return reach_wanted(copy.path);
  return reach_as_spelled(copy.path, {copy.version, copy.stands_for, mains.front().text()});
}

Result<Applier::Outcome> Applier::reach_as_spelled(RelPath const& name, Wanted wanted) {
  KITH_TRY(there, local(name));
  if (!there) return reach({std::move(wanted), name});
  KITH_TRY(spelled, RelPath::parse(there->path));  // the disk's own spelling stays
  return reach({std::move(wanted), std::move(spelled)});
}

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

}  // namespace kith::files
