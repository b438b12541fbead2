#include <algorithm>

#include "sync/files/apply.hpp"

/// How one name of the disk becomes what it should be.
namespace kith::files {
namespace {

constexpr std::uint32_t kDirectoryMode = 0755;

}  // namespace

Result<Applier::Outcome> Applier::reach(Target const& target) {
  KITH_TRY(now_there, local(target.path));
  if (!target.version) return now_there ? take_away(target, *now_there) : Result<Outcome>(Outcome::done);
  bool const other_kind =
      now_there && (now_there->stat.kind == Kind::directory) != (target.version->kind == wire::FileKind::directory);
  if (other_kind) {
    KITH_TRY(gone, take_away({{}, target.path}, *now_there));
    if (gone != Outcome::done) return gone;
    now_there.reset();
  }
  return target.version->kind == wire::FileKind::directory ? put_directory(target, now_there)
                                                           : put_file(target, now_there);
}

Result<Applier::Outcome> Applier::put_directory(Target const& target, std::optional<LocalFile> const& there) {
  LocalFile row = there.value_or(LocalFile{});
  row.path = target.path.text();
  if (!there) {
    if (spellings_.otherwise(*disk_, target.path)) {
      skip(target.path, Skipped::Why::name_clash);
      return Outcome::blocked;
    }
    KITH_TRY(parents, make_parents(target.path));
    if (parents != Outcome::done) return parents;
    spellings_.forget();
    auto const made = disk_->make_directory(target.path, target.version->mode | 0700U);
    if (!made && !made.error().is(FilesError::exists)) return trouble(target.path, made.error());
    auto const stat = disk_->stat(target.path);
    if (!stat) return trouble(target.path, stat.error());
    if (stat->kind == Kind::symlink || stat->kind == Kind::other) {
      skip(target.path, Skipped::Why::blocked);
      return Outcome::blocked;
    }
    if (stat->kind != Kind::directory) return Outcome::look_again;
    row.stat = *stat;
  }
  if (row.stands_for != target.stands_for || !there) {
    row.stands_for = target.stands_for;
    note(target.path, std::move(row));
  }
  return Outcome::done;
}

Result<Applier::Outcome> Applier::put_file(Target const& target, std::optional<LocalFile> const& there) {
  auto const& version = *target.version;
  if (there && there->content == version.content && there->stat.mode == version.mode) {
    if (there->stands_for != target.stands_for || there->copy_of != target.copy_of) {
      LocalFile row = *there;
      row.stands_for = target.stands_for;
      row.copy_of = target.copy_of;
      note(target.path, std::move(row));
    }
    return Outcome::done;
  }
  if (fetcher_.is_bad(version.id)) {  // never to be had: there is nothing to wait for, and nothing gives way to it
    skip(target.path, Skipped::Why::bad_content);
    return Outcome::done;
  }
  // What is on the way was looked at before. As all that comes is put in place without covering anything, what turned
  // up since is only in the way.
  bool const clashes = !there && !fetcher_.fetching(version.id) && spellings_.otherwise(*disk_, target.path);
  if (!there && !version.content.refs.empty()) {
    KITH_TRY(moved, take_moved(target, clashes));
    if (moved) return *moved;
  }
  if (clashes) {
    skip(target.path, Skipped::Why::name_clash);
    return Outcome::blocked;
  }
  if (in_the_way(target.path)) return Outcome::blocked;
  wanted_.insert(version.id);
  if (fetched_.contains(version.id)) {
    KITH_TRY(parents, make_parents(target.path));
    if (parents != Outcome::done) return parents;
    bool const listed = std::ranges::any_of(
        installable_, [&](Installable const& other) { return other.target.version->id == version.id; });
    if (!listed) installable_.push_back({target, *current_});
    return Outcome::fetching;
  }
  if (fetcher_.fetching(version.id)) return Outcome::fetching;
  if (fetcher_.is_aside(version.id)) return Outcome::waiting;
  if (!fetcher_.has_room()) return Outcome::no_room;
  auto const started = fetcher_.start(disk_, version);
  if (!started && started.error().is(FilesError::no_space)) return Outcome::waiting;
  if (!started) return trouble(target.path, started.error());
  return Outcome::fetching;
}

/// A file of this folder with the same content whose path is to go: it is renamed, whatever its size.
/// @param clashes  the disk takes another name for the target's: only the file that has that name can be meant
/// @return nullopt where there is none
Result<std::optional<Applier::Outcome>> Applier::take_moved(Target const& target, bool clashes) {
  auto const& version = *target.version;
  KITH_TRY(candidates, context_.chunks.files_with(context_.id, version.content));
  for (auto const& candidate : candidates) {
    KITH_TRY(row, local(candidate));
    if (!row || row->content != version.content || row->stat.mode != version.mode) continue;
    bool const in_the_way =
        candidate.parent() == target.path.parent() && clash_key(candidate) == clash_key(target.path);
    if (clashes && !in_the_way) continue;
    KITH_TRY(stays, wanted_at(context_, candidate));
    if (stays.version) continue;
    auto const seen = disk_->stat(candidate);
    if (!seen || !(*seen == row->stat)) continue;
    KITH_TRY(parents, make_parents(target.path));
    if (parents != Outcome::done) return std::optional(parents);
    spellings_.forget();
    auto const renamed = move_file(candidate, row->stat, target.path, clashes);
    if (!renamed) {
      KITH_TRY(outcome, trouble(target.path, renamed.error()));
      return std::optional(outcome);
    }
    KITH_CHECK(disk_->sync_directory(target.path.parent()));
    LocalFile moved = *row;
    moved.path = target.path.text();
    if (same_but_ctime(*renamed, row->stat)) {
      moved.stat = *renamed;
    } else {
      report_.look_at.push_back(target.path);  // written to since it was looked at: another content than the row says
    }
    moved.stands_for = target.stands_for;
    moved.copy_of = target.copy_of;
    note(candidate, std::nullopt);
    note(target.path, std::move(moved));
    ++report_.files_written;
    return std::optional(Outcome::done);
  }
  return std::nullopt;
}

/// To a disk that takes the old name for the new one the new one is taken: the file passes through the trash, where a
/// crash leaves it.
Result<Stat> Applier::move_file(RelPath const& from, Stat const& seen, RelPath const& to, bool clashes) {
  if (!clashes) return disk_->rename(from, to, now_.wall);
  KITH_TRY(place, disk_->move_to_trash(from, seen, now_.wall));
  note(from, std::nullopt);
  return disk_->restore(place, to);
}

Result<Applier::Outcome> Applier::take_away(Target const& target, LocalFile const& there) {
  if (in_the_way(target.path)) return Outcome::blocked;
  if (there.stat.kind == Kind::directory) return take_directory_away(target, there);
  auto const moved = disk_->move_to_trash(target.path, there.stat, now_.wall);
  if (!moved) return gone_already(target.path, there, moved.error());
  ++report_.files_removed;
  note(target.path, std::nullopt);
  // A file further up may have stepped aside for this path, and can come back now.
  for (auto up = target.path.parent(); up; up = up->parent()) {
    KITH_TRY(above, context_.resolved(*up));
    if (above.winner && above.winner->kind == wire::FileKind::file) more_work_.push_back(*up);
  }
  return Outcome::done;
}

/// What should have gone is not there. Where the group still has what it stood for, its user has deleted that here, and
/// a scan has to say so before it is forgotten: nobody else may have the content, and all would wait for it.
Result<Applier::Outcome> Applier::gone_already(RelPath const& path, LocalFile const& there, Error const& error) {
  if (!error.is(FilesError::not_found)) return trouble(path, error);
  KITH_TRY(versions, context_.view.versions(context_.id, path));
  bool const deleted_here = there.copy_of.empty() && std::ranges::any_of(versions, [&](VersionRow const& version) {
                              return !version.removed && std::ranges::count(there.stands_for, version.id) > 0;
                            });
  if (deleted_here) return Outcome::look_again;
  note(path, std::nullopt);
  return Outcome::done;
}

Result<Applier::Outcome> Applier::take_directory_away(Target const& target, LocalFile const& there) {
  auto const removed = disk_->remove_empty_directory(target.path);
  if (removed) {
    note(target.path, std::nullopt);
    return Outcome::done;
  }
  if (!removed.error().is(FilesError::not_empty)) return gone_already(target.path, there, removed.error());
  KITH_TRY(more_to_go, tracked_below(target.path));
  if (more_to_go) {
    KITH_TRY(left, work_left(context_.store, below_key(context_.id, target.path)));
    if (left == WorkLeft::held) skip(target.path, Skipped::Why::blocked);
    return Outcome::blocked;
  }
  // It holds things that do not travel. It stays, known, so that a scan does not bring it back everywhere.
  LocalFile row = there;
  if (row.stands_for != target.stands_for) {
    row.stands_for = target.stands_for;
    note(target.path, std::move(row));
  }
  return Outcome::done;
}

/// Whether what is below a directory has to be dealt with before it. Directories that stay only for what does not
/// travel have been.
Result<bool> Applier::tracked_below(RelPath const& directory) {
  std::vector<LocalFile> directories;
  std::optional<Error> error;
  bool found = false;
  KITH_CHECK(
      context_.store.scan(Table::local_files, below_key(context_.id, directory), {}, [&](ByteView key, ByteView value) {
        auto const noted = notes_.find(Bytes(key.begin(), key.end()));
        if (noted != notes_.end() && !noted->second.second) return Store::Next::go_on;
        auto row =
            noted != notes_.end() ? Result<LocalFile>(*noted->second.second) : core::decode_record<LocalFile>(value);
        if (!row) {
          error = row.error();
          return Store::Next::stop;
        }
        found = row->stat.kind != Kind::directory;
        if (!found) directories.push_back(std::move(*row));
        return found ? Store::Next::stop : Store::Next::go_on;
      }));
  if (error) return fail(*error);
  for (auto row = directories.begin(); !found && row != directories.end(); ++row) {
    KITH_TRY(path, RelPath::parse(row->path));
    KITH_TRY(wanted, wanted_at(context_, path));
    found = wanted.version || row->stands_for != wanted.stands_for;
  }
  return found;
}

Result<Applier::Outcome> Applier::make_parents(RelPath const& path) {
  std::vector<RelPath> missing;
  for (auto up = path.parent(); up; up = up->parent()) {
    auto const stat = disk_->stat(*up);
    if (stat && stat->kind == Kind::directory) break;
    if (stat && stat->kind != Kind::file) {
      skip(path, Skipped::Why::blocked);
      return Outcome::blocked;
    }
    if (stat) {
      KITH_TRY(row, local(*up));
      if (row) {
        KITH_CHECK(work_at(*up));  // a file that has to step aside
      } else {
        report_.look_at.push_back(*up);
      }
      return Outcome::blocked;
    }
    if (!stat.error().is(FilesError::not_found) && !stat.error().is(FilesError::not_a_directory)) {
      return trouble(path, stat.error());
    }
    missing.push_back(*up);
  }
  if (!missing.empty()) spellings_.forget();
  for (auto directory = missing.rbegin(); directory != missing.rend(); ++directory) {
    auto const made = disk_->make_directory(*directory, kDirectoryMode);
    if (!made && !made.error().is(FilesError::exists)) return trouble(path, made.error());
  }
  return Outcome::done;
}

/// Another path has work. Where it has some already, that goes on in its own time: it would be no progress.
Result<> Applier::work_at(RelPath const& path) {
  KITH_TRY(row, core::get_record<FolderWork>(context_.store, Table::folder_work, path_key(context_.id, path)));
  if (!row) more_work_.push_back(path);
  return {};
}

/// Whether there is something that no scan takes up, or a link on the way: it is not covered, and nothing need be
/// fetched or taken away before it is gone.
bool Applier::in_the_way(RelPath const& path) {
  auto const stat = disk_->stat(path);
  bool const ours =
      stat ? stat->kind == Kind::file || stat->kind == Kind::directory : !stat.error().is(FilesError::is_symlink);
  if (ours) return false;
  skip(path, Skipped::Why::blocked);
  return true;
}

/// What a single path may run into without stopping the others.
Result<Applier::Outcome> Applier::trouble(RelPath const& path, Error const& error) {
  if (error.is(FilesError::changed_meanwhile) || error.is(FilesError::exists) || error.is(FilesError::not_a_file) ||
      error.is(FilesError::not_found)) {
    return Outcome::look_again;
  }
  if (error.is(FilesError::no_space)) {
    report_.no_space = error;
    lacks_content_ = true;
    return Outcome::blocked;
  }
  if (error.is(FilesError::is_symlink) || error.is(FilesError::not_a_directory) ||
      error.is(FilesError::other_file_system) || error.is(FilesError::too_long)) {
    skip(path, Skipped::Why::blocked);
    return Outcome::blocked;
  }
  if (error.is(FilesError::permission)) {
    skip(path, Skipped::Why::unreadable);
    return Outcome::blocked;
  }
  return fail(error);
}

}  // namespace kith::files
