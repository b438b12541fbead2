#include "sync/files/folder_sync.hpp"

#include "base/assert.hpp"
#include "base/text.hpp"
#include "sync/files/trash_look.hpp"

namespace kith::files {
namespace {

/// How often apply() looks again at paths that changed under it before it leaves them to the next scan.
constexpr int kMaxLooks = 3;
/// Where a folder's TrashLook is, with the folder's id behind it.
constexpr std::string_view kTrashLook = "trash/";

/// What a directory was last seen to hold means nothing for another one: without it, nothing counts as deleted.
Result<> forget_local_files(Store& store, FolderId const& folder) {
  std::vector<Bytes> keys;
  KITH_CHECK(store.scan(Table::local_files, folder.view(), {}, [&](ByteView key, ByteView) {
    keys.emplace_back(key.begin(), key.end());
    return Store::Next::go_on;
  }));
  for (auto const& key : keys) KITH_CHECK(store.erase(Table::local_files, key));
  return {};
}

Marker marker_of(core::Replica const& replica, FolderId const& folder) {
  return {1, replica.state().group(), folder, replica.self()};
}

Mismatch::Why why_not_hashed(Error const& error) {
  if (error.is(FilesError::not_found)) return Mismatch::Why::missing;
  if (error.is(FilesError::permission) || error.is(FilesError::io)) return Mismatch::Why::unreadable;
  return Mismatch::Why::edited;
}

}  // namespace

ErrorDomain const& error_domain(BindError) {
  static constexpr ErrorDomain domain{"bind", [](int value) -> std::string_view {
                                        switch (static_cast<BindError>(value)) {
                                          case BindError::name_taken: return "name_taken";
                                          case BindError::other_folder: return "other_folder";
                                        }
                                        KITH_UNREACHABLE();
                                      }};
  return domain;
}

Result<ScanReport> FolderSync::scan(std::vector<RelPath> const& below, DeleteGuard guard, Now now) {
  auto report = Scanner(context_, guard).run(below, true, now);
  // A local change may be the end of what is left alone, and is no work where it settles its path.
  if (report && report->changed_files + report->removed_files > 0) applier_.look_again_at_skipped();
  return report;
}

Result<ScanReport> FolderSync::dry_run(DeleteGuard guard, Now now) {
  return Scanner(context_, guard).run({}, false, now);
}

Result<ApplyReport> FolderSync::apply(DeleteGuard guard, Now now) {
  // Who was removed keeps what it has: what it wrote unheard counts no more, and must not vanish from its disk for
  // that.
  if (context_.replica.state().roster().removed(context_.replica.self())) return fail(core::CoreError::removed_self);
  ApplyReport total;
  for (int looks = 0;; ++looks) {
    KITH_TRY(report, applier_.run(now));
    total.files_written += report.files_written;
    total.bytes_written += report.bytes_written;
    total.files_removed += report.files_removed;
    total.copies.insert(total.copies.end(), report.copies.begin(), report.copies.end());
    total.skipped.insert(total.skipped.end(), report.skipped.begin(), report.skipped.end());
    total.skips_moved |= report.skips_moved;
    if (report.no_space) total.no_space = report.no_space;
    if (report.look_at.empty()) return total;
    if (looks == kMaxLooks) {
      total.look_at = std::move(report.look_at);
      return total;
    }
    KITH_TRY(scanned, Scanner(context_, guard).run(report.look_at, true, now));
    if (scanned.guarded || scanned.look_again || scanned.stopped) {
      total.look_at = std::move(report.look_at);
      return total;
    }
  }
}

Result<> FolderSync::keep_received() {
  KITH_TRY(disk, context_.disk());
  return fetcher_.keep(*disk);
}

Result<FolderSync::Pending> FolderSync::pending() {
  Pending pending;
  KITH_TRY(paths, open_work(context_.store, context_.id));
  for (auto const& path : paths) {
    KITH_TRY(versions, context_.view.versions(context_.id, path));
    KITH_TRY(local, context_.local(path));
    for (auto const& version : versions) {
      bool const here = local && local->content == version.content;
      if (version.removed || version.kind != wire::FileKind::file || here) continue;
      ++pending.files;
      pending.bytes += version.size;
      break;
    }
  }
  return pending;
}

Result<std::uint64_t> FolderSync::conflicts() {
  std::set<std::string> paths;
  KITH_CHECK(context_.store.scan(Table::local_files, context_.id.view(), {}, [&](ByteView, ByteView value) {
    auto const row = core::decode_record<LocalFile>(value);
    if (row && !row->copy_of.empty()) paths.insert(row->copy_of);
    return Store::Next::go_on;
  }));
  return paths.size();
}

Result<VerifyReport> FolderSync::verify(std::function<void(std::uint64_t bytes)> const& progress) {
  VerifyReport report;
  KITH_TRY(disk, context_.disk());
  std::vector<LocalFile> files;
  KITH_CHECK(context_.store.scan(Table::local_files, context_.id.view(), {}, [&](ByteView, ByteView value) {
    auto row = core::decode_record<LocalFile>(value);
    if (row && row->stat.kind == Kind::file) files.push_back(std::move(*row));
    return Store::Next::go_on;
  }));
  for (auto const& row : files) {
    if (context_.stop()) break;
    KITH_TRY(path, RelPath::parse(row.path));
    auto const hashed = hash_file(context_, *disk, path);
    bool const other_kind =
        !hashed && (hashed.error().is(FilesError::is_symlink) || hashed.error().is(FilesError::not_a_file));
    if (other_kind) {
      ++report.left_alone;
      continue;
    }
    ++report.files_checked;
    if (!hashed) {
      report.mismatched.push_back({row.path, why_not_hashed(hashed.error())});
      continue;
    }
    report.bytes_checked += hashed->stat.size;
    if (progress) progress(report.bytes_checked);
    if (hashed->built.content == row.content) continue;
    bool const untouched = same_but_ctime(hashed->stat, row.stat) && !row.racy;
    report.mismatched.push_back({row.path, untouched ? Mismatch::Why::rotten : Mismatch::Why::edited});
  }
  return report;
}

Result<std::uint64_t> FolderSync::purge_trash(std::chrono::milliseconds keep, WallTime now) {
  KITH_TRY(disk, context_.disk());
  Bytes const key = core::key_of(bytes_of(kTrashLook), context_.id.view());
  KITH_TRY(before, core::get_record<TrashLook>(context_.store, Table::meta, key));
  auto const look = TrashLook::after(before, now, keep);
  bool const even = before && before->even_since == look.even_since && now >= before->at;
  if (!even || now.ms - before->at.ms >= std::chrono::milliseconds(TrashLook::kNoteEvery).count()) {
    KITH_TRY(transaction, store::Transaction::begin(context_.store));
    KITH_CHECK(context_.store.put(Table::meta, key, core::encode_record(look)));
    KITH_CHECK(transaction.commit());
  }
  return look.may_purge() ? disk->purge_trash({now.ms - keep.count()}) : 0;
}

Result<bool> check_binding(Store& store, core::Replica const& replica, FileSystem& disk, std::string const& name,
                           std::string const& root, bool afresh) {
  FolderId const id = folder_id(replica.state().genesis().content_secret, name);
  auto const found = disk.read_marker();
  if (found) {
    auto const marker = wire::decode<Marker>(*found);
    if (!marker || !(*marker == marker_of(replica, id))) return fail(BindError::other_folder, SubjectDetail{root});
  } else if (!found.error().is(FilesError::not_found)) {
    return fail(found.error());
  }
  KITH_TRY(bound, core::get_record<FolderRow>(store, Table::folders, id.view()));
  if (bound && bound->root != root && !found && !afresh) return fail(BindError::name_taken, SubjectDetail{bound->root});
  if (bound && !found && !afresh) return fail(FilesError::not_found, SubjectDetail{root});
  return found.has_value();
}

Result<FolderId> bind_folder(Store& store, core::Replica& replica, FolderView& view, FileSystem& disk,
                             std::string const& name, std::string const& root, bool afresh, Now now) {
  KITH_CHECK(replica.refresh());
  FolderId const id = folder_id(replica.state().genesis().content_secret, name);
  KITH_TRY(found, check_binding(store, replica, disk, name, root, afresh));
  KITH_TRY(bound, core::get_record<FolderRow>(store, Table::folders, id.view()));
  if (bound && found && bound->root == root) return id;

  auto const bind = [&]() -> Result<> {
    if (!found) KITH_CHECK(forget_local_files(store, id));
    FolderRow row = bound.value_or(FolderRow{});
    row.name = name;
    row.root = root;
    KITH_CHECK(store.put(Table::folders, id.view(), core::encode_record(row)));
    KITH_TRY(known, store.get(Table::folder_names, id.view()));
    if (!known) {
      std::vector<wire::Op> ops;
      ops.emplace_back(wire::FolderAdd{id, name});
      KITH_TRY(written, replica.write(std::move(ops), now));
      static_cast<void>(written);
    }
    return view.scan(id, [&](std::vector<VersionRow> const& versions) -> Result<> {
      KITH_TRY(path, RelPath::parse(versions.front().path));
      return add_work(store, id, path);
    });
  };
  KITH_TRY(transaction, store::Transaction::begin(store));
  auto changed = bind();
  // The marker comes before the commit: a marker without a row is taken up by the next attempt, a row without a marker
  // would be taken for a disk that is not mounted.
  if (changed && !found) changed = disk.write_marker(wire::encode(marker_of(replica, id)));
  if (changed) changed = transaction.commit();
  if (!changed) {
    replica.invalidate();
    return fail(changed.error());
  }
  return id;
}

Result<std::vector<std::pair<FolderId, FolderRow>>> bound_folders(Store& store) {
  std::vector<std::pair<FolderId, FolderRow>> folders;
  KITH_CHECK(store.scan(Table::folders, {}, {}, [&](ByteView key, ByteView value) {
    auto row = core::decode_record<FolderRow>(value);
    auto const id = FolderId::from(key);
    if (row && id) folders.emplace_back(*id, std::move(*row));
    return Store::Next::go_on;
  }));
  return folders;
}

}  // namespace kith::files
