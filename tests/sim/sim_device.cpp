#include "sim/sim_device.hpp"

namespace kith::sim {

Program::Program(std::shared_ptr<store::MemoryDatabase> const& database, files::MemoryDisk& its_disk,
                 core::Identity const& identity, RandomSource& random)
    : store(database),
      disk(its_disk),
      replica(store, identity, random),
      messages(store),
      folders(store, replica.state()),
      source(*this),
      exchange(replica, store, source, messages, folders, random) {
  replica.add_view(messages);
  replica.add_view(folders);
}

Result<> Program::open(Now now) {
  KITH_CHECK(replica.open());
  auto const& secret = replica.state().genesis().content_secret;
  gear = std::make_unique<files::GearTable>(secret);
  auto const open_disk = [this](FolderId const&) -> std::unique_ptr<files::FileSystem> {
    return std::make_unique<files::MemoryFileSystem>(disk);
  };
  chunks = std::make_unique<files::ChunkStore>(store, files::chunk_key(secret), open_disk);
  FolderId const id = files::folder_id(secret, kFolder);
  folder =
      std::make_unique<files::FolderSync>(files::FolderContext{id, store, replica, folders, *chunks, *gear, open_disk});
  KITH_TRY(row, store.get(store::Table::folders, id.view()));
  bound = row.has_value();
  exchange.set_witnesses([this] { return witnesses_of(*this); });
  return exchange.start(now);
}

Result<> Program::bind_folder(Now now) {
  files::MemoryFileSystem file_system(disk);
  KITH_TRY(id, files::bind_folder(store, replica, folders, file_system, std::string(kFolder), "/notes", false, now));
  static_cast<void>(id);
  bound = true;
  return exchange.on_local_change(now);
}

Result<> Program::scan(Now now) {
  if (!bound) return {};
  KITH_TRY(report, folder->scan({}, {.off = true}, now));
  static_cast<void>(report);
  return exchange.on_local_change(now);
}

Result<> Program::apply(Now now) {
  if (!bound) return {};
  KITH_TRY(report, folder->apply({.off = true}, now));
  static_cast<void>(report);
  std::vector<std::pair<ChunkId, std::uint64_t>> wants;
  for (auto const& want : folder->take_wants()) wants.emplace_back(want.id, want.length);
  exchange.unwant_chunks(folder->take_unwanted());
  exchange.want_chunks(wants);
  KITH_TRY(pending, folder->pending());
  KITH_TRY(held, files::count_held(store, folder->id()));
  auto const contents = pending.files == 0 ? sync::Contents::complete : sync::Contents::lacking;
  exchange.set_contents({folder->id()}, contents, held, now);
  KITH_CHECK(exchange.on_timer(now));
  return exchange.on_local_change(now);
}

}  // namespace kith::sim
