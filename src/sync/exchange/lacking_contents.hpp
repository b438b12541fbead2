#pragma once

#include <functional>
#include <set>
#include <vector>

#include "core/messages.hpp"
#include "sync/exchange/exchange.hpp"
#include "sync/files/chunk_store.hpp"
#include "sync/files/folder_view.hpp"

namespace kith::sync {

/// What a home holds, and what its views show of it.
struct ContentSources {
  core::Replica& replica;
  core::MessagesView& messages;
  files::FolderView& folders;
  files::ChunkStore& chunks;
};

/// What devices that are not connected now lack of contents, as far as they have told.
struct LackingContents {
  bool known = false;        ///< whether `lacked` is all
  std::set<ChunkId> lacked;  ///< by devices that are away or connected
  std::vector<ChunkId>
      chunks;  ///< that this device may have and should leave at a relay: each once, at most kMostChunks
  /// What this device recorded is held by another one, or is lacked by one that is away: once the chunks are left,
  /// nothing of it is here only. False where that is not known.
  bool covered = false;
};

/// In one look: 2 GB of average chunks. What is beyond follows when those are there.
inline constexpr std::size_t kMostChunks = 16 * 1024;

/// Goes through what the views show. Own changes are left for whoever has not said to hold them; those of others for
/// devices that know the entry and lack what it names.
/// @param there  whether a chunk is at all relays already
[[nodiscard]] Result<LackingContents> lacking_contents(ContentSources const& sources, Exchange& exchange,
                                                       std::function<Result<bool>(ChunkId const&)> const& there);

}  // namespace kith::sync
