#include "sync/files/folder_work.hpp"

#include "sync/files/rows.hpp"

namespace kith::files {

void FolderWork::write(wire::Writer& writer) const {
  core::write_row(writer, wire::text(path, kLimits.max_path_bytes), times);
}

void FolderWork::read(wire::Reader& reader) { core::read_row(reader, wire::text(path, kLimits.max_path_bytes), times); }

Result<> add_work(Store& store, FolderId const& folder, RelPath const& path) {
  Bytes const key = path_key(folder, path);
  KITH_TRY(noted, core::get_record<FolderWork>(store, Table::folder_work, key));
  FolderWork const work{path.text(), noted ? noted->times + 1 : 1};
  return store.put(Table::folder_work, key, core::encode_record(work));
}

Result<> finish_work(Store& store, ByteView key, std::uint64_t times) {
  KITH_TRY(noted, core::get_record<FolderWork>(store, Table::folder_work, key));
  if (!noted || noted->times != times) return {};
  return store.erase(Table::folder_work, key);
}

Result<std::vector<RelPath>> all_work(Store& store, FolderId const& folder) {
  std::vector<RelPath> paths;
  std::optional<Error> error;
  KITH_CHECK(store.scan(Table::folder_work, folder.view(), {}, [&](ByteView, ByteView value) {
    auto const work = core::decode_record<FolderWork>(value);
    auto path = work ? RelPath::parse(work->path) : Result<RelPath>(fail(work.error()));
    if (!path) {
      error = path.error();
      return Store::Next::stop;
    }
    paths.push_back(std::move(*path));
    return Store::Next::go_on;
  }));
  if (error) return fail(*error);
  return paths;
}

}  // namespace kith::files
