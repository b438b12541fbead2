#include <algorithm>
#include <iterator>
#include <set>

#include "sync/files/conflict_name.hpp"
#include "sync/files/scan.hpp"

/// What a scan makes of a change that it found.
namespace kith::files {
namespace {

constexpr std::uint32_t kMaxAsideNumber = 1000;

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

/// Adds an op that replaces any number of versions: as several ops that say the same, each with as many parents as
/// leave room for others in an entry. Equal versions are one to everybody.
/// @return how many
template <class Op>
std::size_t add_replacing(std::vector<wire::Op>& ops, Op op) {
  auto const parents = std::exchange(op.parents, {});
  std::size_t count = 0, at = 0;
  do {
    auto const from = parents.begin() + static_cast<std::ptrdiff_t>(at);
    auto const taken = std::min(parents.size() - at, kLimits.max_tips);
    op.parents.assign(from, from + static_cast<std::ptrdiff_t>(taken));
    ops.emplace_back(op);
    at += taken;
    ++count;
  } while (at < parents.size());
  return count;
}

}  // namespace

std::vector<VersionId> versions_of(std::span<core::OpId const> ops) {
  std::vector<VersionId> ids;
  for (auto const& op : ops) ids.push_back(version_id(op.entry, op.index));
  std::ranges::sort(ids);
  return ids;
}

Result<> Scanner::take_change(Change const& change) {
  if (change.stat.kind == Kind::directory) return take_directory(change);
  auto hashed = hash_file(context_, *disk_, change.path);
  if (!hashed) {
    auto const& error = hashed.error();
    if (stopping()) return {};
    not_taken_.emplace(text_of(path_key(context_.id, change.path)));
    if (error.is(FilesError::changed_meanwhile)) {
      report_.look_again = true;
      skip(change.path.text(), Skipped::Why::unstable);
      return {};
    }
    if (error.is(FilesError::permission) || error.is(FilesError::io)) {
      bool const refused = error.is(FilesError::permission);
      skip(change.path.text(), refused ? Skipped::Why::unreadable : Skipped::Why::read_failed);
      return {};
    }
    if (error.is(FilesError::not_found) || error.is(FilesError::not_a_file) || error.is(FilesError::is_symlink)) {
      report_.look_again = true;
      return {};
    }
    return fail(error);
  }
  return take_file({change.path, hashed->stat, change.before}, std::move(*hashed));
}

Result<> Scanner::take_file(Change const& change, HashedFile hashed) {
  LocalFile file;
  file.path = change.path.text();
  file.stat = change.stat;
  file.racy = is_racy(file.stat);
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

  KITH_TRY(resolved, context_.resolved(change.path));
  bool const older_stranger = !change.before && resolved.winner && resolved.winner->kind == wire::FileKind::file &&
                              file.stat.mtime_ns < resolved.winner->mtime_ns;
  if (older_stranger && write_) {
    KITH_TRY(stepped, step_aside(change.path, file.stat));
    if (stepped) return same_but_ctime(stepped->stat, file.stat) ? take_file(*stepped, std::move(hashed)) : Result<>{};
  }
  ++report_.changed_files;
  report_.changed_bytes += hashed.stat.size;
  wire::FileSet op = file_set(context_.id, file.path, file.stat, file.content);
  bool const was_copy = !file.copy_of.empty();
  if (was_copy) {
    KITH_CHECK(note_settled(*change.before));
    file.copy_of.clear();
  }
  if (change.before && !was_copy) {
    op.parents = change.before->stands_for;
  } else if (!resolved.winner) {
    op.parents = resolved.stands_for;  // removed before, and made again
  }
  bool const settled = resolved.losers.empty() && (!resolved.winner || op.parents == resolved.stands_for);
  if (resolved.winner && !settled) report_.conflicts.push_back(file.path);
  std::size_t const index = batch_.ops.size();
  std::size_t const count = add_replacing(batch_.ops, std::move(op));
  batch_.bytes += hashed.stat.size;
  batch_.notes.push_back({change.path, std::move(file), index, old_content, std::move(hashed.built.nodes), settled});
  batch_.notes.back().ops = count;
  return flush_if_full();
}

/// A file that lay at a path before the group's came, and is older, must not win over that: it is renamed the way a
/// conflict copy is, and is a file of its own there. @return nullopt where it has to stay
Result<std::optional<Scanner::Change>> Scanner::step_aside(RelPath const& path, Stat const& seen) {
  WallTime const written{
      std::clamp<std::int64_t>(seen.mtime_ns / 1'000'000, 0, std::max<std::int64_t>(now_.wall.ms, 0))};
  for (std::uint32_t number = 1; number <= kMaxAsideNumber; ++number) {
    auto const name = conflict_path(path, written, context_.replica.self(), number);
    if (!name) return std::nullopt;
    KITH_TRY(wanted, wanted_at(context_, *name));
    KITH_TRY(directory, context_.view.has_live_below(context_.id, *name));
    KITH_TRY(known, context_.local(*name));  // gone, perhaps, and not noted yet
    if (wanted.version || directory || known) continue;
    auto const renamed = disk_->rename(path, *name, now_.wall);
    if (!renamed && renamed.error().is(FilesError::exists)) continue;
    if (!renamed) return std::nullopt;
    KITH_CHECK(disk_->sync_directory(path.parent()));
    if (!same_but_ctime(*renamed, seen))
      report_.look_again = true;  // written to since it was read: found there next time
    batch_.notes.push_back({path, std::nullopt, std::nullopt, std::nullopt, {}, false});
    return std::optional(Change{*name, *renamed, std::nullopt});
  }
  return std::nullopt;
}

Result<> Scanner::take_directory(Change const& change) {
  LocalFile file;
  file.path = change.path.text();
  file.stat = change.stat;
  KITH_TRY(resolved, context_.resolved(change.path));
  std::optional<Content> const old_content = change.before ? std::optional(change.before->content) : std::nullopt;
  bool const was_copy = change.before && !change.before->copy_of.empty();
  if (resolved.winner && resolved.winner->kind == wire::FileKind::directory) {
    file.stands_for = resolved.stands_for;
    batch_.notes.push_back({change.path, std::move(file), std::nullopt, old_content, {}, false});
    return change.before && !was_copy ? take_file_away(change.path, *change.before) : Result<>{};
  }
  auto op = file_set(context_.id, file.path, change.stat, {});
  if (was_copy) KITH_CHECK(note_settled(*change.before));
  if (change.before && !was_copy) {
    op.parents = change.before->stands_for;
  } else if (!resolved.winner) {
    op.parents = resolved.stands_for;
  }
  bool const settled = !resolved.winner || op.parents == resolved.stands_for;
  std::size_t const index = batch_.ops.size();
  std::size_t const count = add_replacing(batch_.ops, std::move(op));
  batch_.notes.push_back({change.path, std::move(file), index, old_content, {}, settled});
  batch_.notes.back().ops = count;
  return flush_if_full();
}

/// A file whose place a directory has taken, where the group has one there as well: the directory is no news, but that
/// the file is gone is. All would wait for a conflict copy of it, and nobody else may have the content.
Result<> Scanner::take_file_away(RelPath const& path, LocalFile const& before) {
  KITH_TRY(shown, shown_at(context_, path));
  std::vector<VersionId> gone;
  for (auto const& copy : shown.copies) {
    if (disk_->stat(copy.path)) continue;  // it has stepped aside, and a crash came before that was written down
    std::ranges::copy_if(copy.stands_for, std::back_inserter(gone),
                         [&](VersionId const& id) { return std::ranges::count(before.stands_for, id) > 0; });
  }
  if (gone.empty()) return {};
  ++report_.removed_files;
  add_replacing(batch_.ops, wire::FileRemove{context_.id, path.text(), std::move(gone)});
  return flush_if_full();
}

Result<> Scanner::take_removal(RelPath const& path, LocalFile const& before) {
  if (!before.copy_of.empty()) {
    KITH_TRY(open, main_is_open(before));
    if (open) return {};  // stays remembered, for a scan that knows
  }
  if (before.stat.kind == Kind::file) ++report_.removed_files;
  batch_.notes.push_back({path, std::nullopt, std::nullopt, before.content, {}, false});
  if (!before.copy_of.empty()) {
    batch_.settled_copies.push_back(before);
    return {};
  }
  KITH_TRY(resolved, context_.resolved(path));
  if (!resolved.winner) return {};  // the others removed it too
  batch_.notes.back().settled = before.stands_for == resolved.stands_for && resolved.losers.empty();
  add_replacing(batch_.ops, wire::FileRemove{context_.id, resolved.winner->path, before.stands_for});
  return flush_if_full();
}

/// A conflict copy is a file or directory of its own now: that settles its path, where it is known what is there.
Result<> Scanner::note_settled(LocalFile const& copy) {
  KITH_TRY(open, main_is_open(copy));
  if (!open) batch_.settled_copies.push_back(copy);
  return {};
}

/// The contents of a conflict copy are given up: the winner, where this disk shows it, is written again with them as
/// parents. Otherwise (it has not come yet, they won meanwhile, the path is a directory now) they alone are removed, so
/// that nothing is claimed anew that others may have removed.
Result<> Scanner::settle_conflict(LocalFile const& copy) {
  KITH_TRY(path, RelPath::parse(copy.copy_of));
  KITH_TRY(versions, context_.view.versions(context_.id, path));
  std::set<VersionId> const by_copy(copy.stands_for.begin(), copy.stands_for.end());
  std::vector<VersionId> given_up;  // ascending, as the versions are
  for (auto const& version : versions) {
    if (by_copy.contains(version.id)) given_up.push_back(version.id);
  }
  auto const is_given_up = [&](VersionId const& id) { return std::ranges::binary_search(given_up, id); };
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
    add_replacing(ops, std::move(op));
  } else {
    add_replacing(ops, wire::FileRemove{context_.id, path.text(), given_up});
  }
  KITH_TRY(written, context_.replica.write(std::move(ops), now_));
  if (!winner_here || row->stands_for != shown.stands_for) return {};
  row->stands_for = versions_of(written);
  return context_.put_local(path, *row);
}

}  // namespace kith::files
