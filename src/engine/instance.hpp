#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "core/messages.hpp"
#include "crypto/system_random.hpp"
#include "engine/home_database.hpp"
#include "sync/files/folder_context.hpp"

namespace kith::engine {

/// One thread's way into the home: a connection to the database, the replica and the views on it, and the disks of its
/// folders. Each thread and process has its own; what one commits the others see.
class Instance {
 public:
  enum class Need {
    group,    ///< the home must belong to a group
    nothing,  ///< a home that is just being made or joined
  };
  /// @param identity  outlives the instance
  /// @return EngineError::not_initialised, owner_busy; StoreError
  [[nodiscard]] static Result<std::unique_ptr<Instance>> open(HomePaths const& paths, core::Identity const& identity,
                                                              Need need = Need::group);
  Instance(Instance const&) = delete;

  /// What needs the group's secrets; the group must be loaded.
  void prepare_folders();

  [[nodiscard]] store::Store& store() { return *database_.store; }
  /// Reads the whole database. @return StoreError::corrupt where it contradicts itself
  [[nodiscard]] Result<> check_integrity() { return database_.store->check_integrity(); }
  [[nodiscard]] files::FolderContext folder_context(FolderId const& folder);
  /// Opens a folder's disk by where its row says that it is; null where it cannot be had.
  [[nodiscard]] std::unique_ptr<files::FileSystem> open_disk(FolderId const& folder);

  crypto::SystemRandom random;
  /// Folders whose disk does not answer: no chunks are read from it, since that might wait for ever.
  std::function<bool(FolderId const&)> is_silent = [](FolderId const&) { return false; };

 private:
  Instance(HomeDatabase database, core::Identity const& identity);
  /// A database that lies elsewhere than it did (restored, copied) goes on in a new incarnation.
  [[nodiscard]] Result<> notice_move(HomePaths const& paths);
  HomeDatabase database_;

 public:
  core::Replica replica;
  core::MessagesView messages;
  files::FolderView folders;
  std::unique_ptr<files::GearTable> gear;
  std::unique_ptr<files::ChunkStore> chunks;
};

inline constexpr std::size_t kMaxMessageBytes = 16 * 1024 * 1024;
/// Whether a message's content is one that kith writes: inline, or pieces without a manifest of at most
/// kMaxMessageBytes in all. Another one, which only a foreign program could have signed, is neither fetched nor shown.
[[nodiscard]] bool has_plain_content(core::MessageRow const& row);

[[nodiscard]] Now current_time();

}  // namespace kith::engine
