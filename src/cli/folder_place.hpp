#pragma once

#include <filesystem>

#include "cli/context.hpp"
#include "engine/client.hpp"
#include "sync/files/folder_sync.hpp"

namespace kith::cli {

/// A directory, and the folder of the group that it is or would be.
struct FolderPlace {
  std::string name;
  FolderId id;
  std::filesystem::path root;  ///< absolute, without symbolic links
  bool bound = false;          ///< this device keeps it there already
  bool known = false;          ///< the group has such a folder
};

/// Finds out what `kith sync DIR` means. Makes nothing.
/// @return EngineError::usage, FilesError, files::BindError
[[nodiscard]] Result<FolderPlace> find_place(Context& context, engine::Client& client, SyncOptions const& options);
/// Gives the folder its place. Makes the directory, with what is missing above it, for a folder that the group has or
/// that --new asks for. @return EngineError::folder_unmounted, files::BindError, FilesError
[[nodiscard]] Result<> bind_place(Context& context, engine::Client& client, FolderPlace const& place,
                                  SyncOptions const& options);
/// Whether bind_place() would take the place, as far as this device has heard. Makes nothing.
/// @return whether the directory has the folder's marker; errors as of bind_place()
[[nodiscard]] Result<bool> check_binding(Context& context, engine::Client& client, FolderPlace const& place,
                                         SyncOptions const& options);
/// Whether the directory is not there, and would be made once the group turns out to have such a folder.
[[nodiscard]] bool is_awaited(FolderPlace const& place, SyncOptions const& options);

}  // namespace kith::cli
