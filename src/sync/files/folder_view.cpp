#include "sync/files/folder_view.hpp"

#include <algorithm>

#include "sync/files/conflict_name.hpp"
#include "sync/files/folder_work.hpp"

namespace kith::files {
namespace {

constexpr std::uint16_t kModeBits = 0777;

Bytes version_key(FolderId const& folder, RelPath const& path, VersionId const& id) {
  Bytes key = path_key(folder, path);
  append(key, id.view());
  return key;
}

/// Whether a version says nothing that contradicts itself.
bool makes_sense(wire::FileSet const& set) {
  if (set.mode > kModeBits || !check_content(set.content)) return false;
  return set.kind == wire::FileKind::directory ? set.size == 0 && set.content.refs.empty()
                                               : content_size(set.content) == set.size;
}

/// The key without the version id at its end.
ByteView path_part(ByteView key) { return key.first(key.size() - VersionId::kBytes); }

Result<VersionRow> decode_version(ByteView key, ByteView value) {
  if (key.size() <= FolderId::kBytes + VersionId::kBytes) return fail(core::CoreError::corrupt_record);
  KITH_TRY(row, core::decode_record<VersionRow>(value));
  row.id = *VersionId::from(key.last(VersionId::kBytes));
  return std::move(row);
}

}  // namespace

Result<> FolderView::apply(core::OpenedEntry const& entry, core::EntryRecord const& record) {
  for (std::uint32_t index = 0; index < entry.ops.size(); ++index) {
    auto const& op = entry.ops[index];
    VersionRow row;
    row.entry = entry.hash;
    row.index = index;
    row.id = version_id(entry.hash, index);
    row.author = record.log.device;
    row.hlc = record.hlc;
    if (auto const* add = std::get_if<wire::FolderAdd>(&op)) {
      if (add->folder != folder_id(state_.genesis().content_secret, add->name)) continue;
      KITH_CHECK(store_.put(Table::folder_names, add->folder.view(), bytes_of(add->name)));
    } else if (auto const* file = std::get_if<wire::FileSet>(&op)) {
      auto const path = RelPath::parse(file->path);
      if (!path || !makes_sense(*file)) continue;
      row.path = file->path;
      row.kind = file->kind;
      row.size = file->size;
      row.mtime_ns = file->mtime_ns;
      row.mode = file->mode;
      row.content = file->content;
      KITH_CHECK(set(file->folder, *path, row, file->parents, record));
    } else if (auto const* gone = std::get_if<wire::FileRemove>(&op)) {
      auto const path = RelPath::parse(gone->path);
      if (!path) continue;
      row.path = gone->path;
      row.removed = true;
      KITH_CHECK(set(gone->folder, *path, row, gone->parents, record));
    }
  }
  return {};
}

Result<> FolderView::set(FolderId const& folder, RelPath const& path, VersionRow const& row,
                         std::vector<VersionId> const& parents, core::EntryRecord const& record) {
  for (auto const& parent : parents) {
    Bytes const key = version_key(folder, path, parent);
    KITH_TRY(replaced, core::get_record<VersionRow>(store_, Table::versions, key));
    if (!replaced) continue;
    bool before = replaced->entry == row.entry && replaced->index < row.index;
    if (replaced->entry != row.entry) {
      KITH_TRY(written, core::get_record<core::EntryRecord>(store_, Table::entries, replaced->entry.view()));
      before = written && record.past.contains(written->place());
    }
    if (before) KITH_CHECK(store_.erase(Table::versions, key));
  }
  KITH_CHECK(store_.put(Table::versions, version_key(folder, path, row.id), core::encode_record(row)));
  return note_work(folder, path);
}

/// The disk must follow at every path whose look depends on this one: itself; a file further up, which steps aside for
/// what lies below it; and a path that may show a conflict copy here.
Result<> FolderView::note_work(FolderId const& folder, RelPath const& path) {
  KITH_TRY(bound, store_.get(Table::folders, folder.view()));
  if (!bound) return {};
  KITH_CHECK(add_work(store_, folder, path));
  for (std::optional<RelPath> at = path; at; at = at->parent()) {
    if (*at != path) {
      KITH_TRY(above, versions(folder, *at));
      auto const live = [&](wire::FileKind kind) {
        return std::ranges::any_of(above, [&](VersionRow const& row) { return !row.removed && row.kind == kind; });
      };
      if (live(wire::FileKind::directory)) return {};  // it covers everything above, whatever lies below it
      if (live(wire::FileKind::file)) KITH_CHECK(add_work(store_, folder, *at));
    }
    KITH_TRY(mains, conflicted_by(folder, *at));
    for (auto const& main : mains) KITH_CHECK(add_work(store_, folder, main));
  }
  return {};
}

/// What is shown again notes its own work. What is not, because its entries count no longer, must leave the disk as
/// well.
Result<> FolderView::clear() {
  std::vector<FolderId> bound;
  KITH_CHECK(store_.scan(Table::folders, {}, {}, [&](ByteView key, ByteView) {
    if (auto const id = FolderId::from(key)) bound.push_back(*id);
    return Store::Next::go_on;
  }));
  for (auto const& folder : bound) {
    std::vector<RelPath> paths;
    KITH_CHECK(scan(folder, [&](std::vector<VersionRow> const& versions) -> Result<> {
      KITH_TRY(path, RelPath::parse(versions.front().path));
      paths.push_back(std::move(path));
      return {};
    }));
    for (auto const& path : paths) KITH_CHECK(note_work(folder, path));
  }
  KITH_CHECK(store_.clear(Table::versions));
  return store_.clear(Table::folder_names);
}

Result<crypto::Hash256> FolderView::digest() {
  crypto::Hasher hasher("kith/folders-view/1");
  KITH_CHECK(store_.scan(Table::folder_names, {}, {}, [&](ByteView key, ByteView value) {
    hasher.part(key).part(value);
    return Store::Next::go_on;
  }));
  KITH_CHECK(store_.scan(Table::versions, {}, {}, [&](ByteView key, ByteView) {
    hasher.part(key);  // a version's id names its entry and op, which say all the rest
    return Store::Next::go_on;
  }));
  return hasher.finish();
}

Result<std::vector<FolderView::Folder>> FolderView::folders() {
  std::vector<Folder> folders;
  KITH_CHECK(store_.scan(Table::folder_names, {}, {}, [&](ByteView key, ByteView value) {
    if (auto const id = FolderId::from(key)) folders.push_back({*id, std::string(text_of(value))});
    return Store::Next::go_on;
  }));
  return folders;
}

Result<std::vector<VersionRow>> FolderView::versions(FolderId const& folder, RelPath const& path) {
  std::vector<VersionRow> rows;
  std::optional<Error> error;
  KITH_CHECK(store_.scan(Table::versions, path_key(folder, path), {}, [&](ByteView key, ByteView value) {
    auto row = decode_version(key, value);
    if (!row) {
      error = row.error();
      return Store::Next::stop;
    }
    rows.push_back(std::move(*row));
    return Store::Next::go_on;
  }));
  if (error) return fail(*error);
  return rows;
}

Result<> FolderView::scan(FolderId const& folder, PathVisitor const& visit) {
  std::vector<VersionRow> rows;
  Bytes at;
  Result<> result;
  auto const flush = [&] {
    if (!rows.empty() && result) result = visit(rows);
    rows.clear();
  };
  KITH_CHECK(store_.scan(Table::versions, folder.view(), {}, [&](ByteView key, ByteView value) {
    auto row = decode_version(key, value);
    if (!row) {
      result = fail(row.error());
      return Store::Next::stop;
    }
    if (!equal(at, path_part(key))) {
      flush();
      at.assign(path_part(key).begin(), path_part(key).end());
    }
    rows.push_back(std::move(*row));
    return result ? Store::Next::go_on : Store::Next::stop;
  }));
  flush();
  return result;
}

Result<bool> FolderView::has_live_below(FolderId const& folder, RelPath const& directory) {
  bool live = false;
  KITH_CHECK(store_.scan(Table::versions, below_key(folder, directory), {}, [&](ByteView key, ByteView value) {
    auto const row = decode_version(key, value);
    live = row && !row->removed;
    return live ? Store::Next::stop : Store::Next::go_on;
  }));
  return live;
}

Result<std::vector<RelPath>> FolderView::conflicted_by(FolderId const& folder, RelPath const& copy) {
  std::vector<RelPath> paths;
  auto const name = parse_conflict_name(copy);
  if (!name) return paths;
  auto const parent = copy.parent();
  if (!name->cut) {
    auto const path = child(parent, name->stem + name->extension);
    if (!path) return paths;
    KITH_CHECK(store_.scan(Table::versions, path_key(folder, *path), {}, [&](ByteView, ByteView) {
      paths.push_back(*path);
      return Store::Next::stop;
    }));
    return paths;
  }
  auto const prefix = parent ? below_key(folder, *parent) : Bytes(folder.bytes.begin(), folder.bytes.end());
  KITH_CHECK(store_.scan(Table::versions, prefix, {}, [&](ByteView key, ByteView value) {
    auto const row = decode_version(key, value);
    auto const path = row ? RelPath::parse(row->path) : Result<RelPath>(fail(FilesError::bad_path));
    if (!path || path->parts().size() != copy.parts().size()) return Store::Next::go_on;
    bool const fits = path->name().starts_with(name->stem) && path->name().ends_with(name->extension);
    if (fits && (paths.empty() || name_key(paths.back()) != name_key(*path))) paths.push_back(*path);
    return Store::Next::go_on;
  }));
  return paths;
}

}  // namespace kith::files
