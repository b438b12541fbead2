#include "sync/exchange/lacking_contents.hpp"

#include <algorithm>
#include <set>

namespace kith::sync {
namespace {

/// Another device, by what it last told.
struct Other {
  core::Past seen;     ///< entries that it has
  core::Past content;  ///< entries whose contents it has
  std::set<FolderId> folders;
  bool told = false;       ///< it has told of itself at all
  bool behind = false;     ///< it lacks something
  bool connected = false;  ///< gets them at first hand
};

Result<core::Past> past_of(core::Replica& replica, std::vector<Tip> const& tips) {
  core::Past past;
  for (auto const& tip : tips) {
    KITH_TRY(record, replica.state().record(tip.hash));
    if (record) past.include(record->past);
  }
  return past;
}

class Gathering {
 public:
  Gathering(ContentSources const& sources, std::vector<Other> others,
            std::function<Result<bool>(ChunkId const&)> const& there)
      : sources_(sources), others_(std::move(others)), there_(there) {}

  Result<LackingContents> run() {
    found_.known = found_.covered = true;
    KITH_TRY(folders, sources_.folders.folders());
    for (auto const& folder : folders) {
      auto const visit = [&](std::vector<files::VersionRow> const& versions) { return look_at(versions, folder.id); };
      KITH_CHECK(sources_.folders.scan(folder.id, visit));
    }
    for (MessageNumber at{};;) {
      KITH_TRY(rows, sources_.messages.after(at, kRowsAtOnce));
      for (auto const& row : rows) {
        at = row.number;
        if (!row.content.refs.empty()) KITH_CHECK(look(row.id.entry, row.author, row.content, std::nullopt));
      }
      if (rows.size() < kRowsAtOnce) break;
    }
    return std::move(found_);
  }

 private:
  static constexpr std::size_t kRowsAtOnce = 256;
  static constexpr std::size_t kMostLacked = 16 * kMostChunks;

  [[nodiscard]] bool lacks(Other const& other, core::EntryRecord const& record, bool own,
                           std::optional<FolderId> const& folder) const {
    if (!other.behind || other.content.contains(record.place())) return false;
    // Who knows of the change and does not keep its folder does not want it; who does not know yet may.
    bool const knows = other.seen.contains(record.place());
    bool const keeps = !folder || !other.told || other.folders.contains(*folder);
    return own ? keeps || !knows : keeps && knows;
  }

  [[nodiscard]] bool is_held(core::EntryRecord const& record, std::optional<FolderId> const& folder) const {
    return std::ranges::any_of(others_, [&](Other const& other) {
      return other.content.contains(record.place()) && (!folder || other.folders.contains(*folder));
    });
  }

  Result<> look_at(std::vector<files::VersionRow> const& versions, FolderId const& folder) {
    for (auto const& version : versions) {
      bool const file = !version.removed && version.kind == wire::FileKind::file;
      if (file) KITH_CHECK(look(version.entry, version.author, version.content, folder));
    }
    return {};
  }

  Result<> look(EntryHash const& entry, DeviceId const& author, wire::Content const& content,
                std::optional<FolderId> const& folder) {
    KITH_TRY(record, sources_.replica.state().record(entry));
    if (!record) return {};
    bool const own = author == sources_.replica.self();
    bool lacked = false, to_be_left = false;
    for (auto const& other : others_) {
      if (to_be_left || !lacks(other, *record, own, folder)) continue;
      lacked = true;
      to_be_left = !other.connected;
    }
    // Who knows of it and does not want it leaves it here; who is connected has not got it yet.
    if (own && !to_be_left && !is_held(*record, folder)) found_.covered = false;
    if (!lacked) return {};
    to_be_left = to_be_left && found_.chunks.size() < kMostChunks;
    if (found_.lacked.size() >= kMostLacked) {
      found_.known = false;
      return {};
    }
    auto const resolve = sources_.chunks.node_resolver();
    std::vector<ChunkId> nodes;
    files::ChunkWalk walk(content, [&](ChunkId const& id) {
      nodes.push_back(id);
      return resolve(id);
    });
    for (;;) {
      auto const next = walk.next();
      for (auto const& node : nodes) KITH_CHECK(take(node, to_be_left));
      nodes.clear();
      if (!next) found_.known = false;
      if (!next || !*next) return {};  // of a content that is not whole here, what is here
      KITH_CHECK(take((*next)->id, to_be_left));
    }
  }

  Result<> take(ChunkId const& id, bool to_be_left) {
    found_.lacked.insert(id);
    if (!to_be_left || !taken_.insert(id).second) return {};
    KITH_TRY(there, there_(id));
    if (!there) found_.chunks.push_back(id);
    return {};
  }

  ContentSources const& sources_;
  std::vector<Other> others_;
  std::function<Result<bool>(ChunkId const&)> const& there_;
  std::set<ChunkId> taken_;
  LackingContents found_;
};

}  // namespace

Result<LackingContents> lacking_contents(ContentSources const& sources, Exchange& exchange,
                                         std::function<Result<bool>(ChunkId const&)> const& there) {
  auto& replica = sources.replica;
  auto const connected = exchange.connected();
  auto const& heads = replica.state().counting().heads;
  std::vector<Other> others;
  bool everywhere = true, all_connected = true;
  for (auto const& device : replica.state().roster().active_by_rank()) {
    if (device == replica.self()) continue;
    Other one;
    if (auto const* record = exchange.peers().find(device)) {
      KITH_TRY(seen, past_of(replica, record->seen));
      KITH_TRY(content, past_of(replica, record->content));
      one.seen = std::move(seen);
      one.content = std::move(content);
      one.folders.insert(record->folders.begin(), record->folders.end());
      one.told = record->last_seen_ms > 0;
    }
    bool const has_all = one.content.includes(heads);
    everywhere = everywhere && has_all;
    bool const direct = std::ranges::find(connected, device) != connected.end();
    all_connected = all_connected && (has_all || direct);
    one.behind = !has_all;
    one.connected = direct;
    others.push_back(std::move(one));
  }
  if (all_connected) {
    LackingContents none;
    none.known = everywhere;  // what those that are connected lack is not looked for: they tell soon
    return none;
  }
  return Gathering(sources, std::move(others), there).run();
}

}  // namespace kith::sync
