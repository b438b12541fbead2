#pragma once

#include <functional>
#include <set>
#include <vector>

#include "core/messages.hpp"
#include "sync/exchange/exchange.hpp"
#include "sync/files/chunk_store.hpp"
#include "sync/files/folder_view.hpp"
#include "sync/relays/mailbox.hpp"

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
  bool known = false;        ///< whether `lacked` is all, as far as it can be told
  bool any = false;          ///< somebody lacks something
  std::set<ChunkId> lacked;  ///< by devices that are away or connected, of what this device left at relays
  std::vector<ChunkId>
      chunks;  ///< that this device may have and should leave at a relay: each once, at most kMostChunks
  /// What this device recorded is held by another one, or is lacked by one that is away: once the chunks are left,
  /// nothing of it is here only. False where that is not known.
  bool covered = false;
};

/// What is known of a chunk at the relays.
struct AtRelays {
  std::function<Result<bool>(ChunkId const&)> there;  ///< whether it is at all of them
  std::function<Result<Mailbox::Traces>(ChunkId const&)> traces;
};

/// In one look: 2 GB of average chunks. What is beyond follows when those are there.
inline constexpr std::size_t kMostChunks = 16 * 1024;

/// Goes through what the views show. Own changes are left for whoever has not said to hold them; those of others for
/// devices that know the entry and lack what it names. What a device has taken from a relay it does not lack any more.
[[nodiscard]] Result<LackingContents> lacking_contents(ContentSources const& sources, Exchange& exchange,
                                                       AtRelays const& relays);

}  // namespace kith::sync
