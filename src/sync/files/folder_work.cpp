#include "sync/files/folder_work.hpp"

#include "sync/files/rows.hpp"

namespace kith::files {

void FolderWork::write(wire::Writer& writer) const {
  core::write_row(writer, wire::text(path, kLimits.max_path_bytes), times, held);
}

void FolderWork::read(wire::Reader& reader) {
  core::read_row(reader, wire::text(path, kLimits.max_path_bytes), times, held);
}

Result<> add_work(Store& store, FolderId const& folder, RelPath const& path) {
  Bytes const key = path_key(folder, path);
  KITH_TRY(noted, core::get_record<FolderWork>(store, Table::folder_work, key));
  FolderWork const work{path.text(), noted ? noted->times + 1 : 1, false};
  return store.put(Table::folder_work, key, core::encode_record(work));
}

Result<> finish_work(Store& store, ByteView key, std::uint64_t times) {
  KITH_TRY(noted, core::get_record<FolderWork>(store, Table::folder_work, key));
  if (!noted || noted->times != times) return {};
  return store.erase(Table::folder_work, key);
}

Result<> hold_work(Store& store, ByteView key, std::uint64_t times, bool held) {
  KITH_TRY(noted, core::get_record<FolderWork>(store, Table::folder_work, key));
  if (!noted || noted->times != times) return {};
  noted->held = held;
  return store.put(Table::folder_work, key, core::encode_record(*noted));
}

Result<std::vector<RelPath>> open_work(Store& store, FolderId const& folder) {
  std::vector<RelPath> paths;
  Result<> read;
  auto const take = [&](ByteView value) -> Result<> {
    KITH_TRY(work, core::decode_record<FolderWork>(value));
    KITH_TRY(path, RelPath::parse(work.path));
    if (!work.held) paths.push_back(std::move(path));
    return {};
  };
  KITH_CHECK(store.scan(Table::folder_work, folder.view(), {}, [&](ByteView, ByteView value) {
    read = take(value);
    return read ? Store::Next::go_on : Store::Next::stop;
  }));
  if (!read) return fail(read.error());
  return paths;
}

Result<WorkLeft> work_left(Store& store, ByteView prefix) {
  auto left = WorkLeft::none;
  KITH_CHECK(store.scan(Table::folder_work, prefix, {}, [&](ByteView, ByteView value) {
    auto const work = core::decode_record<FolderWork>(value);
    left = work && work->held ? WorkLeft::held : WorkLeft::open;  // a row that cannot be read is for who works it off
    return left == WorkLeft::held ? Store::Next::go_on : Store::Next::stop;
  }));
  return left;
}

Result<std::size_t> count_held(Store& store, FolderId const& folder) {
  std::size_t paths = 0;
  KITH_CHECK(store.scan(Table::folder_work, folder.view(), {}, [&](ByteView, ByteView value) {
    auto const work = core::decode_record<FolderWork>(value);
    paths += work && work->held ? 1 : 0;
    return Store::Next::go_on;
  }));
  return paths;
}

}  // namespace kith::files
