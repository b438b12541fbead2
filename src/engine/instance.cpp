#include "engine/instance.hpp"

#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>

#include "disk/posix_file_system.hpp"
#include "engine/error.hpp"

namespace kith::engine {
namespace {

constexpr std::string_view kPlaceKey = "place";

std::string machine_id() {
  std::ifstream file("/etc/machine-id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace

Now current_time() {
  auto const wall =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  return {Clock::now(), {wall.count()}};
}

bool has_plain_content(core::MessageRow const& row) {
  if (row.content.refs.empty()) return true;
  std::uint64_t bytes = 0;
  for (auto const& ref : row.content.refs) {
    if (ref.length > kMaxMessageBytes) return false;
    bytes += ref.length;
  }
  return row.content.level == 0 && bytes <= kMaxMessageBytes;
}

Instance::Instance(HomeDatabase database, core::Identity const& identity)
    : database_(std::move(database)),
      replica(store(), identity, random),
      messages(store()),
      folders(store(), replica.state()) {
  replica.add_view(messages);
  replica.add_view(folders);
}

Result<std::unique_ptr<Instance>> Instance::open(HomePaths const& paths, core::Identity const& identity, Need need) {
  auto const mode = need == Need::group ? store::OpenMode::existing : store::OpenMode::create;
  auto opened = HomeDatabase::open(paths, mode);
  if (!opened) {
    if (opened.error().is(store::StoreError::not_found)) return fail(EngineError::not_initialised);
    return fail(opened.error());
  }
  std::unique_ptr<Instance> instance(new Instance(std::move(*opened), identity));
  if (need == Need::nothing) return instance;
  auto const loaded = instance->replica.open();
  if (!loaded) {
    if (loaded.error().is(core::CoreError::no_group)) return fail(EngineError::not_initialised);
    return fail(loaded.error());
  }
  KITH_CHECK(instance->notice_move(paths));
  instance->prepare_folders();
  return instance;
}

void Instance::prepare_folders() {
  auto const& secret = replica.state().genesis().content_secret;
  gear = std::make_unique<files::GearTable>(secret);
  chunks = std::make_unique<files::ChunkStore>(store(), files::chunk_key(secret),
                                               [this](FolderId const& folder) -> std::unique_ptr<files::FileSystem> {
                                                 return is_silent(folder) ? nullptr : open_disk(folder);
                                               });
}

Result<> Instance::notice_move(HomePaths const& paths) {
  struct statx facts {};
  if (::statx(AT_FDCWD, paths.database.c_str(), 0, STATX_INO | STATX_BTIME, &facts) != 0) return {};
  // An inode's number is used again: what was deleted and put back may have the same one.
  auto const& made = facts.stx_btime;
  std::string const place = fmt::format("{}/{}/{}.{}", machine_id(), facts.stx_ino, made.tv_sec, made.tv_nsec);
  KITH_TRY(known, store().get(core::Table::meta, bytes_of(kPlaceKey)));
  if (known && text_of(*known) == place) return {};
  KITH_TRY(transaction, store::Transaction::begin(store()));
  // Another thread may have been quicker; only the first starts the new incarnation.
  KITH_TRY(current, store().get(core::Table::meta, bytes_of(kPlaceKey)));
  if (!current || text_of(*current) != place) {
    if (current) KITH_CHECK(replica.start_incarnation());
    KITH_CHECK(store().put(core::Table::meta, bytes_of(kPlaceKey), bytes_of(place)));
  }
  return transaction.commit();
}

std::unique_ptr<files::FileSystem> Instance::open_disk(FolderId const& folder) {
  auto const row = core::get_record<files::FolderRow>(store(), core::Table::folders, folder.view());
  if (!row || !*row) return nullptr;
  auto opened = disk::PosixFileSystem::open((*row)->root);
  return opened ? std::move(*opened) : nullptr;
}

files::FolderContext Instance::folder_context(FolderId const& folder) {
  return {folder, store(), replica, folders, *chunks, *gear, [this](FolderId const& id) { return open_disk(id); }};
}

}  // namespace kith::engine
