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

wire::FileSet file_set(FolderId const& folder, std::string path, Stat const& stat, Content content) {
  wire::FileSet op;
  op.folder = folder;
  op.path = std::move(path);
  op.kind = stat.kind == Kind::directory ? wire::FileKind::directory : wire::FileKind::file;
  op.size = stat.kind == Kind::file ? content_size(content) : 0;
  op.mtime_ns = stat.mtime_ns;
  op.mode = static_cast<std::uint16_t>(stat.mode & 0777);
  op.content = std::move(content);
  return op;
}

wire::FileSet again(FolderId const& folder, VersionRow const& version) {
  return {folder, version.path, version.kind, version.size, version.mtime_ns, version.mode, version.content, {}};
}

}  // namespace

Result<ScanReport> Scanner::run(std::vector<RelPath> const& below, bool write, Now now) {
  now_ = now;
  write_ = write;
  KITH_TRY(disk, context_.disk());
  disk_ = std::move(disk);
  if (below.empty()) {
    KITH_CHECK(look_at_directory(std::nullopt));
    KITH_CHECK(find_vanished(Bytes(context_.id.bytes.begin(), context_.id.bytes.end())));
  }
  for (auto const& path : below) {
    auto const stat = disk_->stat(path);
    if (stat) {
      KITH_CHECK(look_at(path, *stat));
    } else if (!stat.error().is(FilesError::not_found) && !stat.error().is(FilesError::not_a_directory)) {
      return fail(stat.error());
    }
    KITH_CHECK(find_vanished(path_key(context_.id, path)));
    KITH_CHECK(find_vanished(below_key(context_.id, path)));
  }
  report_.vanished = static_cast<std::uint64_t>(
      std::ranges::count_if(vanished_, [](auto const& gone) { return gone.second.stat.kind == Kind::file; }));
  if (guard_.stops(report_.vanished, known_files_)) {
    report_.guarded = true;
    return std::move(report_);
  }
  // Conflict copies come last: what became of their paths is then in the view.
  for (bool const copies : {false, true}) {
    for (auto const& change : changes_) {
      if (context_.stop()) break;
      if (copies == (change.before && !change.before->copy_of.empty())) KITH_CHECK(take_change(change));
    }
    for (auto const& [path, before] : vanished_) {
      if (copies == !before.copy_of.empty()) KITH_CHECK(take_removal(path, before));
    }
    KITH_CHECK(flush());
  }
  return std::move(report_);
}

Result<> Scanner::look_at_directory(DirPath const& directory) {
  auto entries = disk_->list(directory);
  if (!entries) {
    bool const gone = entries.error().is(FilesError::not_found) || entries.error().is(FilesError::not_a_directory);
    if (directory && entries.error().is(FilesError::permission)) {
      skip(directory->text(), Skipped::Why::unreadable);
      unreadable_.push_back(*directory);
      return {};
    }
    return gone && directory ? Result<>{} : Result<>(fail(entries.error()));
  }
  std::map<std::string, std::string> names;  // normal form -> the name that stands for it
  for (auto const& entry : *entries) {
    if (context_.stop()) return {};
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
    return {};
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

/// Rows whose path the walk did not meet. What lies below a directory that could not be read has not vanished.
Result<> Scanner::find_vanished(Bytes const& prefix) {
  std::optional<Error> error;
  KITH_CHECK(context_.store.scan(Table::local_files, prefix, {}, [&](ByteView key, ByteView value) {
    auto row = core::decode_record<LocalFile>(value);
    auto path = row ? RelPath::parse(row->path) : Result<RelPath>(fail(core::CoreError::corrupt_record));
    if (!path) {
      error = path.error();
      return Store::Next::stop;
    }
    if (row->stat.kind == Kind::file) ++known_files_;
    bool const unread =
        std::ranges::any_of(unreadable_, [&](RelPath const& directory) { return path->is_below(directory); });
    if (!unread && !seen_.contains(std::string(text_of(key))))
      vanished_.emplace_back(std::move(*path), std::move(*row));
    return Store::Next::go_on;
  }));
  if (error) return fail(*error);
  return {};
}

Result<> Scanner::take_change(Change const& change) {
  if (change.stat.kind == Kind::directory) return take_directory(change);
  auto hashed = hash_file(context_, *disk_, change.path);
  if (!hashed) {
    auto const& error = hashed.error();
    if (error.is(FilesError::changed_meanwhile)) {
      report_.look_again = true;
      skip(change.path.text(), Skipped::Why::unstable);
      return {};
    }
    if (error.is(FilesError::permission) || error.is(FilesError::io)) {
      skip(change.path.text(), Skipped::Why::unreadable);
      return {};
    }
    if (error.is(FilesError::not_found) || error.is(FilesError::not_a_file) || error.is(FilesError::is_symlink)) {
      report_.look_again = true;
      return {};
    }
    return fail(error);
  }
  return take_file(change, std::move(*hashed));
}

Result<> Scanner::take_file(Change const& change, HashedFile hashed) {
  LocalFile file;
  file.path = change.path.text();
  file.stat = hashed.stat;
  file.racy = is_racy(hashed.stat);
  file.content = hashed.built.content;
  if (change.before) {
    file.stands_for = change.before->stands_for;
    file.copy_of = change.before->copy_of;
  }
  report_.look_again |= file.racy;

  std::optional<Content> const old_content = change.before ? std::optional(change.before->content) : std::nullopt;
  bool const same_as_before = change.before && change.before->stat.kind == Kind::file &&
                              change.before->content == file.content && change.before->stat.mode == file.stat.mode &&
                              change.before->path == file.path;
  KITH_TRY(wanted, wanted_at(context_, change.path));
  bool const is_wanted = wanted.version && wanted.version->kind == wire::FileKind::file &&
                         wanted.version->content == file.content &&
                         (!change.before || wanted.version->mode == file.stat.mode);
  if (same_as_before || is_wanted) {
    // Touched, or found to be what the others have already, a conflict copy perhaps: nothing to tell them.
    if (!same_as_before) {
      file.stands_for = std::move(wanted.stands_for);
      file.copy_of = std::move(wanted.copy_of);
    }
    batch_.notes.push_back(
        {change.path, std::move(file), std::nullopt, old_content, std::move(hashed.built.nodes), false});
    return {};
  }

  ++report_.changed_files;
  report_.changed_bytes += hashed.stat.size;
  wire::FileSet op = file_set(context_.id, file.path, file.stat, file.content);
  KITH_TRY(resolved, context_.resolved(change.path));
  bool const was_copy = !file.copy_of.empty();
  if (was_copy) {
    batch_.settled_copies.push_back(*change.before);
    file.copy_of.clear();
  }
  if (change.before && !was_copy) {
    op.parents = change.before->stands_for;
  } else if (!resolved.winner) {
    op.parents = resolved.stands_for;  // removed before, and made again
  }
  bool const settled = resolved.losers.empty() && (!resolved.winner || op.parents == resolved.stands_for);
  if (resolved.winner && !settled) report_.conflicts.push_back(file.path);
  bool const older_stranger = resolved.winner && !change.before && file.stat.mtime_ns < resolved.winner->mtime_ns;
  std::size_t const index = batch_.ops.size();
  batch_.ops.emplace_back(std::move(op));
  if (older_stranger) {
    // An old copy that was lying here must not win over what the group has: that is written again, after it.
    auto repeated = again(context_.id, *resolved.winner);
    repeated.parents = {resolved.winner->id};
    batch_.ops.emplace_back(std::move(repeated));
  }
  batch_.bytes += hashed.stat.size;
  batch_.notes.push_back({change.path, std::move(file), index, old_content, std::move(hashed.built.nodes), settled});
  if (batch_.ops.size() >= kBatchOps || batch_.bytes >= kBatchBytes) return flush();
  return {};
}

Result<> Scanner::take_directory(Change const& change) {
  LocalFile file;
  file.path = change.path.text();
  file.stat = change.stat;
  KITH_TRY(resolved, context_.resolved(change.path));
  std::optional<Content> const old_content = change.before ? std::optional(change.before->content) : std::nullopt;
  if (resolved.winner && resolved.winner->kind == wire::FileKind::directory) {
    file.stands_for = resolved.stands_for;
    batch_.notes.push_back({change.path, std::move(file), std::nullopt, old_content, {}, false});
    return {};
  }
  auto op = file_set(context_.id, file.path, change.stat, {});
  bool const was_copy = change.before && !change.before->copy_of.empty();
  if (was_copy) batch_.settled_copies.push_back(*change.before);
  if (change.before && !was_copy) {
    op.parents = change.before->stands_for;
  } else if (!resolved.winner) {
    op.parents = resolved.stands_for;
  }
  bool const settled = !resolved.winner || op.parents == resolved.stands_for;
  batch_.notes.push_back({change.path, std::move(file), batch_.ops.size(), old_content, {}, settled});
  batch_.ops.emplace_back(std::move(op));
  if (batch_.ops.size() >= kBatchOps) return flush();
  return {};
}

Result<> Scanner::take_removal(RelPath const& path, LocalFile const& before) {
  if (before.stat.kind == Kind::file) ++report_.removed_files;
  batch_.notes.push_back({path, std::nullopt, std::nullopt, before.content, {}, false});
  if (!before.copy_of.empty()) {
    batch_.settled_copies.push_back(before);
    return {};
  }
  KITH_TRY(resolved, context_.resolved(path));
  if (!resolved.winner) return {};  // the others removed it too
  batch_.notes.back().settled = before.stands_for == resolved.stands_for && resolved.losers.empty();
  batch_.ops.emplace_back(wire::FileRemove{context_.id, resolved.winner->path, before.stands_for});
  if (batch_.ops.size() >= kBatchOps) return flush();
  return {};
}

/// The contents of a conflict copy are given up: the winner, where this disk shows it, is written again with them as
/// parents. Otherwise (it has not come yet, they won meanwhile, the path is a directory now) they alone are removed, so
/// that nothing is claimed anew that others may have removed.
Result<> Scanner::settle_conflict(LocalFile const& copy) {
  KITH_TRY(path, RelPath::parse(copy.copy_of));
  KITH_TRY(versions, context_.view.versions(context_.id, path));
  std::vector<VersionId> given_up;
  for (auto const& version : versions) {
    if (std::ranges::find(copy.stands_for, version.id) != copy.stands_for.end()) given_up.push_back(version.id);
  }
  auto const is_given_up = [&](VersionId const& id) { return std::ranges::find(given_up, id) != given_up.end(); };
  KITH_TRY(row, context_.local(path));
  // The path itself still shows them: they have not been given up.
  if (given_up.empty() || (row && std::ranges::any_of(row->stands_for, is_given_up))) return {};
  KITH_TRY(shown, shown_at(context_, path));
  bool const winner_here = shown.winner && !is_given_up(shown.winner->id) && row &&
                           (row->stat.kind == Kind::directory) == (shown.winner->kind == wire::FileKind::directory) &&
                           row->content == shown.winner->content;
  std::vector<wire::Op> ops;
  if (winner_here) {
    auto op = again(context_.id, *shown.winner);
    op.parents = shown.stands_for;
    op.parents.insert(op.parents.end(), given_up.begin(), given_up.end());
    ops.emplace_back(std::move(op));
  } else {
    ops.emplace_back(wire::FileRemove{context_.id, path.text(), given_up});
  }
  KITH_TRY(written, context_.replica.write(std::move(ops), now_));
  if (!winner_here || row->stands_for != shown.stands_for) return {};
  row->stands_for = {version_id(written.front().entry, written.front().index)};
  return context_.put_local(path, *row);
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
        if (note.op) note.file->stands_for = {version_id(ids[*note.op].entry, ids[*note.op].index)};
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
