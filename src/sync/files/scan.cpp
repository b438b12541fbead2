#include "sync/files/scan.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"

namespace kith::files {
namespace {

/// Ops are written and noted in transactions of about this much, so that a long first scan loses little when it stops.
constexpr std::size_t kBatchOps = 256;
constexpr std::uint64_t kBatchBytes = std::uint64_t{64} << 20;
/// File times move in ticks (4 ms on Linux); a change within one tick of the one before may leave the times as they
/// were.
constexpr std::int64_t kRacyNs = 20'000'000;

std::string key_text(Bytes const& key) { return std::string(text_of(key)); }

}  // namespace

Result<ScanReport> Scanner::run(std::vector<RelPath> const& below, bool write, Now now) {
  now_ = now;
  write_ = write;
  KITH_TRY(disk, context_.disk());
  disk_ = std::move(disk);
  KITH_CHECK(walk(below));
  if (stopping()) return std::move(report_);  // what was not met may be there
  if (!vanished_.empty()) {
    KITH_TRY(still_there, context_.disk());  // else it went while we walked, and its files with it
    static_cast<void>(still_there);
  }
  KITH_TRY(lost, count_lost());
  if (stopping()) return std::move(report_);
  report_.vanished = lost;
  if (guard_.stops(report_.vanished, known_files_)) {
    report_.guarded = true;
    return std::move(report_);
  }
  // Conflict copies come last: what became of their paths is then in the view.
  for (bool const copies : {false, true}) {
    for (auto const& change : changes_) {
      if (stopping()) break;
      if (copies == (change.before && !change.before->copy_of.empty())) KITH_CHECK(take_change(change));
    }
    // What was taken is known as a whole. A removal is known only together with all that came: it may be half of a
    // move.
    if (stopping()) {
      KITH_CHECK(flush());
      break;
    }
    for (auto const& [path, before] : vanished_) {
      if (copies == !before.copy_of.empty()) KITH_CHECK(take_removal(path, before));
    }
    KITH_CHECK(flush());
  }
  return std::move(report_);
}

/// Meets all that is there now, and finds what is not, unless it is stopped.
Result<> Scanner::walk(std::vector<RelPath> const& below) {
  if (below.empty()) {
    KITH_CHECK(look_at_directory(std::nullopt));
    return stopping() ? Result<>{} : find_vanished(context_.id.view());
  }
  std::map<Bytes, std::set<RelPath>> spellings;
  for (auto const& path : below) spellings[path_key(context_.id, path)].insert(path);
  for (auto& [key, paths] : spellings) {
    RelPath const path = *paths.begin();
    bool covered = false;  // by a directory further up, where it is met
    for (auto up = path.parent(); up && !covered; up = up->parent()) {
      covered = spellings.contains(path_key(context_.id, *up));
    }
    if (covered) continue;
    KITH_CHECK(look_at_spellings(paths));
    if (stopping()) return {};
    KITH_CHECK(find_vanished(key));
    KITH_CHECK(find_vanished(below_key(context_.id, path)));
  }
  return {};
}

/// Looks at a path by what is at any of its spellings, the one that was remembered included. As in a directory, the
/// first by bytes stands for it.
Result<> Scanner::look_at_spellings(std::set<RelPath> paths) {
  KITH_TRY(before, context_.local(*paths.begin()));
  std::optional<RelPath> remembered;
  if (before) {
    KITH_TRY(path, RelPath::parse(before->path));
    paths.insert(path);
    remembered = std::move(path);
  }
  std::optional<std::pair<RelPath, Stat>> found;
  for (auto const& path : paths) {
    auto const stat = disk_->stat(path);
    if (!stat) {
      auto const& error = stat.error();
      if (error.is(FilesError::not_found)) continue;
      if (!error.is(FilesError::not_a_directory) && !error.is(FilesError::is_symlink)) return fail(error);
      for (auto up = path.parent(); up; up = up->parent()) {  // as a walk from the root would find it
        auto const above = disk_->stat(*up);
        if (above && above->kind != Kind::file && above->kind != Kind::directory) return look_at(*up, *above);
      }
    } else if (spellings_.otherwise(*disk_, path)) {
      continue;  // another path, which the disk takes for this one
    } else if (!found) {
      found.emplace(path, *stat);
    } else if (*stat != found->second) {
      skip(path.text(), Skipped::Why::name_clash);
    } else if (path == remembered) {
      found->first = path;  // to this disk the spellings are one name
    }
  }
  return found ? look_at(found->first, found->second) : Result<>{};
}

Result<> Scanner::look_at_directory(DirPath const& directory) {
  auto entries = disk_->list(directory);
  if (!entries) {
    bool const gone = entries.error().is(FilesError::not_found) || entries.error().is(FilesError::not_a_directory) ||
                      entries.error().is(FilesError::is_symlink);
    bool const unreadable = entries.error().is(FilesError::permission);
    if (!directory || !(gone || unreadable)) return fail(entries.error());
    unread_.push_back(below_key(context_.id, *directory));
    if (unreadable) {
      skip(directory->text(), Skipped::Why::unreadable);
    } else {
      report_.look_again = true;  // it was there just now
    }
    return {};
  }
  std::map<std::string, std::string> names;  // normal form -> the name that stands for it
  for (auto const& entry : *entries) {
    if (stopping()) return {};
    auto const path = child(directory, entry.name);
    if (!path) {
      std::string const shown = directory ? directory->text() + "/" + entry.name : entry.name;
      skip(shown, is_utf8(entry.name) ? Skipped::Why::bad_name : Skipped::Why::not_utf8);
      continue;
    }
    auto const [first, is_new] = names.try_emplace(name_key(*path), entry.name);
    if (!is_new) {
      skip(path->text(), Skipped::Why::name_clash);
      continue;
    }
    KITH_CHECK(look_at(*path, entry.stat));
  }
  return {};
}

Result<> Scanner::look_at(RelPath const& path, Stat const& stat) {
  if (stat.kind == Kind::symlink || stat.kind == Kind::other) {
    skip(path.text(), stat.kind == Kind::symlink ? Skipped::Why::symlink : Skipped::Why::special);
    return leave_as_it_was(path);
  }
  seen_.insert(key_text(path_key(context_.id, path)));
  KITH_TRY(before, context_.local(path));
  if (stat.kind == Kind::directory) {
    bool const known =
        before && before->stat.kind == Kind::directory && before->path == path.text() && before->stat.mode == stat.mode;
    if (!known) changes_.push_back({path, stat, std::move(before)});
    return look_at_directory(path);
  }
  ++report_.files;
  report_.bytes += stat.size;
  bool const unchanged = before && !before->racy && before->stat == stat && before->path == path.text();
  if (!unchanged) changes_.push_back({path, stat, std::move(before)});
  return {};
}

/// Something that does not travel is where a file or directory was: that one has not been deleted, and nothing is known
/// of what was in it.
Result<> Scanner::leave_as_it_was(RelPath const& path) {
  auto key = key_text(path_key(context_.id, path));
  not_taken_.insert(key);
  seen_.insert(std::move(key));
  Bytes const below = below_key(context_.id, path);
  bool any = false;
  KITH_CHECK(context_.store.scan(Table::local_files, below, {}, [&](ByteView, ByteView) {
    any = true;
    return Store::Next::stop;
  }));
  if (any) unread_.push_back(below);
  return {};
}

bool Scanner::unread(ByteView key) const {
  return std::ranges::any_of(unread_,
                             [&](Bytes const& begin) { return std::ranges::mismatch(begin, key).in1 == begin.end(); });
}

/// Whether it is not known what is at a conflict copy's path: it may be the very copy, renamed by an apply that did not
/// live to note it. Then what became of the copy settles nothing.
Result<bool> Scanner::main_is_open(LocalFile const& copy) const {
  KITH_TRY(path, RelPath::parse(copy.copy_of));
  Bytes const key = path_key(context_.id, path);
  return unread(key) || not_taken_.contains(key_text(key));
}

/// Rows whose path the walk did not meet. What lies below a directory that could not be read has not vanished.
Result<> Scanner::find_vanished(ByteView prefix) {
  std::optional<Error> error;
  KITH_CHECK(context_.store.scan(Table::local_files, prefix, {}, [&](ByteView key, ByteView value) {
    auto row = core::decode_record<LocalFile>(value);
    auto path = row ? RelPath::parse(row->path) : Result<RelPath>(fail(core::CoreError::corrupt_record));
    if (!path) {
      error = path.error();
      return Store::Next::stop;
    }
    if (row->stat.kind == Kind::file) ++known_files_;
    if (!unread(key) && !seen_.contains(std::string(text_of(key))))
      vanished_.emplace_back(std::move(*path), std::move(*row));
    return Store::Next::go_on;
  }));
  if (error) return fail(*error);
  return {};
}

Result<> Scanner::flush_if_full() {
  return batch_.ops.size() >= kBatchOps || batch_.bytes >= kBatchBytes ? flush() : Result<>{};
}

/// Writes the ops and notes what they stand for in one transaction: a crash leaves both or neither.
Result<> Scanner::flush() {
  Batch batch = std::exchange(batch_, {});
  if (!write_ || (batch.ops.empty() && batch.notes.empty())) return {};
  auto const change = [&]() -> Result<> {
    std::set<Bytes> had_work;  // for other reasons than what is written now
    for (auto const& note : batch.notes) {
      Bytes const key = path_key(context_.id, note.path);
      KITH_TRY(row, context_.store.get(Table::folder_work, key));
      if (row) had_work.insert(key);
    }
    std::vector<core::OpId> ids;
    if (!batch.ops.empty()) {
      KITH_TRY(written, context_.replica.write(std::move(batch.ops), now_));
      ids = std::move(written);
    }
    for (auto& note : batch.notes) {
      for (auto const& node : note.nodes) KITH_CHECK(context_.chunks.put_blob(node.id, node.bytes));
      if (note.old_content) KITH_CHECK(context_.chunks.remove_places(context_.id, note.path, *note.old_content));
      if (!note.file) {
        KITH_CHECK(context_.erase_local(note.path));
      } else {
        if (note.op) note.file->stands_for = versions_of(std::span(ids).subspan(*note.op, note.ops));
        if (note.file->stat.kind == Kind::file) {
          KITH_CHECK(context_.chunks.add_places(context_.id, note.path, note.file->content));
        }
        KITH_CHECK(context_.put_local(note.path, *note.file));
      }
      Bytes const key = path_key(context_.id, note.path);
      if (!note.settled) {
        KITH_CHECK(context_.add_work(note.path));
      } else if (!had_work.contains(key)) {
        KITH_CHECK(context_.store.erase(Table::folder_work, key));
      }
    }
    for (auto const& copy : batch.settled_copies) KITH_CHECK(settle_conflict(copy));
    return {};
  };
  KITH_TRY(transaction, store::Transaction::begin(context_.store));
  auto changed = change();
  if (changed) changed = transaction.commit();
  if (!changed) context_.replica.invalidate();
  return changed;
}

bool Scanner::is_racy(Stat const& stat) const {
  return std::max(stat.mtime_ns, stat.ctime_ns) > now_.wall.ms * 1'000'000 - kRacyNs;
}

}  // namespace kith::files
